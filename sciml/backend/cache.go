package backend

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/gosciml/gosciml/sciml/backend/internal/programs"
)

// CacheEnv names the environment variable that says where compiled programs are kept: the absolute path of a folder, or "off" for
// nowhere. Without it they are in the folder "programs" of the data directory, or, where that cannot be written to, in gosciml/programs of the
// user's cache directory, and those of the data directory are read besides.
const CacheEnv = "GOSCIML_COMPILE_CACHE"

// Program is a program that this process has compiled, or loaded from the cache of compiled programs.
type Program struct {
	Name    string  // of the graph, as XLA knows it
	Key     string  // of what it is: programs that are the same have the same
	Loaded  bool    // from the cache
	Seconds float64 // that compiling or loading took
	Bytes   int     // of its code
}

var cache atomic.Pointer[programs.Cache]

// Programs lists the programs that this process has compiled or loaded so far, in the order in which that ended. It is empty where
// programs are not kept: see CacheEnv and Report.
func Programs() []Program {
	c := cache.Load()
	if c == nil {
		return nil
	}
	var all []Program
	for _, p := range c.Made() {
		all = append(all, Program(p))
	}
	return all
}

// cacheFolders are where programs are, the one to write to first; or why they are not kept.
func cacheFolders() ([]string, error) {
	switch given := os.Getenv(CacheEnv); {
	case given == "off":
		return nil, fmt.Errorf("%s is off", CacheEnv)
	case given != "" && !filepath.IsAbs(given):
		return nil, fmt.Errorf("%s is %q, expected an absolute path or off", CacheEnv, given)
	case given != "":
		return []string{filepath.Clean(given)}, nil
	}
	home, err := Home()
	if err != nil {
		return nil, err
	}
	own := filepath.Join(home, "programs")
	if programs.Writable(own) {
		return []string{own}, nil
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("%s cannot be written to, and there is no other place: %w", own, err)
	}
	return []string{filepath.Join(user, "gosciml", "programs"), own}, nil
}

// newCache is the cache for a plug-in, or why there is none.
func newCache(c choice) (*programs.Cache, error) {
	if c.kind != "cpu" || c.sha256 == "" {
		return nil, fmt.Errorf("it is for XLA's plug-in for the CPU that set-up installs")
	}
	folders, err := cacheFolders()
	if err != nil {
		return nil, err
	}
	flags := os.Getenv("XLA_FLAGS")
	if strings.Contains(flags, "--xla_dump") {
		return nil, fmt.Errorf("XLA_FLAGS asks for dumps, which only compiling writes")
	}
	// XLA shares work out among as many threads as the others say.
	return programs.New(folders, programs.Most, c.sha256, flags, os.Getenv("NPROC"), os.Getenv("PJRT_NPROC"))
}

// keepPrograms has a plug-in that is about to be opened keep its programs, where that can be. It is no reason to fail.
func keepPrograms(c choice) {
	made, err := newCache(c)
	if err != nil || programs.Interpose(c.path, made) != nil {
		return
	}
	cache.Store(made)
}
