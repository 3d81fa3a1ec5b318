//go:build unix

package place

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/backend/install"
)

// Settled says where this user's own things go.
type Settled struct {
	Own      string // folder for what a user keeps: Jupyter's folders, a build cache
	Replaced string // the home directory of the environment, if it could not be written to; HOME is another one since
}

// Settle finds out where this process may write, for the user it runs as, who may be another one than the one who set
// up: a number without a name in a container, one of many on a server, anybody on a read-only file system.
//
// Where the home directory cannot be written to, HOME becomes a folder of this user in the temporary folder, as Go, gopls and
// Jupyter all keep things there. What the user keeps goes to the data directory home, or, if that cannot be written to
// either or another user's things are there, to the usual data directory in the home directory. A build cache of somebody else becomes the ground that one of this
// user's own stands on. The environment of this process is changed accordingly.
func Settle(home string) (Settled, error) {
	s := Settled{Own: home}
	if err := os.Setenv(backend.HomeEnv, home); err != nil { // it must not move with HOME
		return s, err
	}
	user := os.Getenv("HOME")
	if !Writable(user) {
		dir, err := private(filepath.Join(os.TempDir(), "gosciml-home-"+strconv.Itoa(os.Getuid())))
		if err != nil {
			return s, fmt.Errorf("neither the home directory %s nor the temporary folder %s can be written to by user %d (%w): mount a writable one (--tmpfs /tmp:exec), or set HOME or TMPDIR",
				orNone(user), os.TempDir(), os.Getuid(), err)
		}
		s.Replaced, user = orNone(user), dir
		if err := os.Setenv("HOME", dir); err != nil {
			return s, err
		}
	}
	for _, key := range []string{"XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"} {
		if dir := os.Getenv(key); dir != "" && !Writable(dir) {
			if err := os.Unsetenv(key); err != nil {
				return s, err
			}
		}
	}
	// Jupyter's secrets can be read by their owner alone, also in a data directory that all may write to.
	info, err := os.Stat(filepath.Join(home, "jupyter"))
	taken := false
	if err == nil {
		owner, ok := Owner(info)
		taken = ok && owner != os.Getuid()
	}
	if taken || !Writable(home) {
		s.Own = filepath.Join(user, ".local", "share", "gosciml")
		if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
			s.Own = filepath.Join(dir, "gosciml")
		}
		if s.Own == home || !Writable(s.Own) {
			s.Own = filepath.Join(user, ".gosciml")
		}
	}
	return s, nil
}

// Writable tells whether this user can make files in a folder, or, if it is not there yet, make the folder.
func Writable(dir string) bool {
	for filepath.IsAbs(dir) {
		err := access(dir, 0o3) // write and search
		if err == nil {
			info, err := os.Stat(dir)
			return err == nil && info.IsDir()
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return false
		}
		if _, err := os.Lstat(dir); err == nil {
			return false // a link that leads nowhere
		}
		dir = filepath.Dir(dir)
	}
	return false
}

// access asks the system, which knows of read-only file systems and of access lists, for the rights of the user.
func access(path string, mode uint32) error {
	if err := syscall.Access(path, mode); err != nil {
		return &fs.PathError{Op: "access", Path: path, Err: err}
	}
	return nil
}

// private makes a folder that nobody else can put things into, or takes it if it is that.
func private(dir string) (string, error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if owner, ok := Owner(info); !info.IsDir() || !ok || owner != os.Getuid() || info.Mode().Perm()&0o022 != 0 {
		return "", fmt.Errorf("%s is not a folder of user %d alone", dir, os.Getuid())
	}
	return dir, nil
}

// Owner is the number of the user whom a file belongs to.
func Owner(info fs.FileInfo) (int, bool) {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid), true
	}
	return 0, false
}

// Usable reports what of a set-up this user cannot read, which may have been made by another one, and a temporary folder in
// which cells cannot run.
func (c Config) Usable() error {
	read := []string{filepath.Join(c.Tools, "gonb"), c.Go, install.VenvPython(c.Home)}
	if os.Getenv("GOMODCACHE") == "" && os.Getenv("GOPATH") == "" {
		read = append(read, c.Env["GOMODCACHE"])
	}
	for _, path := range read {
		if path == "" {
			continue
		}
		if err := access(path, 0o5); err != nil { // read and execute
			return fmt.Errorf("user %d cannot use %s of this set-up (%w): if another user made it, it must lie where all can read, see \"Several users\" in docs/docker.md; if it was removed, run `go run ./kernel setup` in your clone of gosciml",
				os.Getuid(), path, errors.Unwrap(err))
		}
	}
	if tmp := os.TempDir(); noexec(tmp) {
		return fmt.Errorf("programs cannot be started from the temporary folder %s, which is mounted noexec, and cells are built there: mount it with exec (--tmpfs /tmp:exec), or set TMPDIR to another folder", tmp)
	}
	return nil
}

// UseBuildCache makes GOCACHE a folder that this user can write to. Where set-up's own belongs to somebody else, that is a new
// one in own, which begins with all that set-up's has: without it the first cell would compile XLA's bindings for minutes.
func (c Config) UseBuildCache(own string) error {
	cache := os.Getenv("GOCACHE")
	if cache == "" {
		cache = c.Env["GOCACHE"]
	}
	if cache == "" || cache == "off" || Writable(cache) {
		return nil
	}
	mine := filepath.Join(own, "go-build")
	if err := link(cache, mine); err != nil {
		return fmt.Errorf("cannot make a build cache for user %d in %s: %w", os.Getuid(), mine, err)
	}
	return os.Setenv("GOCACHE", mine)
}

// link fills the build cache mine with links to the entries of another one, where it has none of its own. Entries never
// change; links to those that have been removed go, as Go would try to write through them.
func link(from, mine string) error {
	if err := os.MkdirAll(mine, 0o755); err != nil {
		return err
	}
	// Else the first go command would clear away at once what has not been used for days.
	trim := filepath.Join(mine, "trim.txt")
	if _, err := os.Stat(trim); err != nil {
		if err := WriteFile(trim, []byte(strconv.FormatInt(time.Now().Unix(), 10)), 0o666); err != nil {
			return err
		}
	}
	folders, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if name := folder.Name(); !folder.IsDir() || len(name) != 2 || strings.Trim(name, "0123456789abcdef") != "" {
			continue
		}
		if err := linkFolder(filepath.Join(from, folder.Name()), filepath.Join(mine, folder.Name())); err != nil {
			return err
		}
	}
	return nil
}

func linkFolder(from, mine string) error {
	if err := os.MkdirAll(mine, 0o755); err != nil {
		return err
	}
	have := map[string]bool{}
	old, err := os.ReadDir(mine)
	if err != nil {
		return err
	}
	for _, entry := range old {
		have[entry.Name()] = true
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, entry := range entries {
		there[entry.Name()] = true
		if have[entry.Name()] {
			continue
		}
		err := os.Symlink(filepath.Join(from, entry.Name()), filepath.Join(mine, entry.Name()))
		if err != nil && !errors.Is(err, fs.ErrExist) { // another kernel may do the same now
			return err
		}
	}
	for _, entry := range old {
		if entry.Type()&fs.ModeSymlink != 0 && !there[entry.Name()] {
			if err := os.Remove(filepath.Join(mine, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

func orNone(dir string) string {
	if dir == "" {
		return "(HOME is not set)"
	}
	return dir
}
