//go:build unix

package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gosciml/gosciml/kernel/internal/place"
)

type level int

const (
	fine level = iota
	worth
	broken
)

// folder is what is said of a folder that the kernel writes to.
type folder struct {
	level        level
	name, detail string
}

// A set-up takes half a gigabyte, a cell some megabytes.
const (
	nearlyFull = 1 << 30
	full       = 32 << 20
)

// folders tells of the data directory and of where this user's own things go whether they can be written to, and whether the
// disks they are on are full. A data directory that only others write to is fine if everything is set up in it.
func folders(p place.Place, ready bool) (list []folder) {
	own := p.Own
	if own == "" {
		own = p.Home
	}
	switch {
	case place.Writable(p.Home):
		if theirs := foreign(p.Home); theirs != "" {
			list = append(list, folder{worth, "data directory", theirs + ", so a later set-up of that user's may fail: work as one user"})
		}
	case ready:
		list = append(list, folder{fine, "data directory", fmt.Sprintf("set up by another user, read-only for user %d; what you keep goes to %s", os.Getuid(), own)})
	default:
		list = append(list, folder{broken, "data directory", fmt.Sprintf("user %d cannot write to %s, and this clone is not set up in it: have its owner run `go run ./kernel setup`, or set GOSCIML_HOME to a folder of yours", os.Getuid(), p.Home)})
	}
	if own != p.Home && !place.Writable(own) {
		list = append(list, folder{broken, "own folder", fmt.Sprintf("user %d cannot write to %s: set HOME to a folder of yours", os.Getuid(), own)})
	}
	if cache := buildCache(p, own); cache != "" && !place.Writable(cache) {
		list = append(list, folder{broken, "build cache", fmt.Sprintf("user %d cannot write to %s: unset GOCACHE, or set it to a folder of yours", os.Getuid(), cache)})
	}
	for _, dir := range []string{own, os.TempDir()} {
		free, ok := space(dir)
		switch {
		case !ok:
		case free < full:
			list = append(list, folder{broken, "disk", fmt.Sprintf("%s has %d MB left, cells cannot be built: make room", dir, free>>20)})
		case free < nearlyFull:
			list = append(list, folder{worth, "disk", fmt.Sprintf("%s has %d MB left", dir, free>>20)})
		}
	}
	return list
}

// buildCache is the one that the kernel builds cells with.
func buildCache(p place.Place, own string) string {
	config, err := p.Load()
	if err != nil || config.UseBuildCache(own) != nil {
		return ""
	}
	if cache := os.Getenv("GOCACHE"); cache != "" {
		return cache
	}
	return config.Env["GOCACHE"]
}

// foreign names the first part of a data directory that belongs to somebody else, in words.
func foreign(home string) string {
	for _, name := range []string{"", "python", "plugins", "tools", "clones", "jupyter", "setup.lock", "install.lock"} {
		path := filepath.Join(home, name)
		info, err := os.Lstat(path)
		if err != nil {
			continue
		}
		if owner, ok := place.Owner(info); ok && owner != os.Getuid() {
			return fmt.Sprintf("%s belongs to user %d and this is user %d", path, owner, os.Getuid())
		}
	}
	return ""
}

// space is how many bytes this user may still write to the disk of a folder, or of the one above that is there.
func space(dir string) (int64, bool) {
	for {
		var s syscall.Statfs_t
		err := syscall.Statfs(dir, &s)
		if err == nil {
			return int64(s.Bavail) * int64(s.Bsize), true
		}
		if dir == filepath.Dir(dir) {
			return 0, false
		}
		dir = filepath.Dir(dir)
	}
}
