// Package atomicfile replaces files in one piece: whoever reads one, and whoever comes after a process that was killed, finds
// the old file or the new one, and nothing beside it for long.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Write replaces the file at path, or makes it with these permissions (before umask). A file that is there keeps its own, and a
// symbolic link stays one: what it leads to is replaced. It fails for what Check fails for.
//
// The content is complete on the disk before it takes the place of the old one. Until then it is in a file beside it, named
// after it; those that killed processes have left are removed.
func Write(path string, content []byte, perm fs.FileMode) error {
	return replace(path, perm, func(f *os.File) error {
		_, err := f.Write(content)
		return errors.Join(err, f.Sync())
	}, os.Rename)
}

// Check reports whether Write can be expected to succeed: it does all of it but for the replacing, with little content. It fails
// when the disk is full, when the folder is missing or cannot be written to, and when path is a folder, a file that nobody may write to, or something
// else than a regular file.
func Check(path string) error {
	return replace(path, 0o600, func(f *os.File) error {
		_, err := f.Write(make([]byte, block)) // an empty file can be made on a disk that is full
		return err
	}, func(fresh, _ string) error { return os.Remove(fresh) })
}

// block is the least that a file with content takes of most disks, in bytes.
const block = 4096

func replace(path string, perm fs.FileMode, fill func(*os.File) error, put func(fresh, target string) error) (err error) {
	target, err := resolve(path)
	if err != nil {
		return err
	}
	old, err := os.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case old.IsDir():
		return fmt.Errorf("%s is a folder, expected a file", path)
	case !old.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file (%s), expected one, or none", path, old.Mode())
	case old.Mode().Perm()&0o222 == 0:
		return fmt.Errorf("%s is read-only (%s): %w", path, old.Mode(), fs.ErrPermission)
	default:
		perm = old.Mode().Perm()
	}
	begin := filepath.Join(filepath.Dir(target), prefix(target))
	Sweep(filepath.Dir(target), regexp.MustCompile("^"+regexp.QuoteMeta(prefix(target))+"[0-9]+$"))
	f, err := create(begin, perm)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
		_ = f.Close() // gives the lock back, last of all where that can be
	}()
	if old != nil { // not subject to umask
		if err := f.Chmod(perm); err != nil {
			return err
		}
	}
	if err := fill(f); err != nil {
		return err
	}
	return finish(f, target, put)
}

// prefix begins the names of the files that are to become target: a number follows.
func prefix(target string) string {
	base := filepath.Base(target)
	return "." + strings.ToValidUTF8(base[:min(len(base), 200)], "") + "." // names of files may have 255 bytes
}

// create makes a file that is locked, so that nobody sweeps it as long as this process lives.
func create(begin string, perm fs.FileMode) (*os.File, error) {
	for {
		f, err := os.OpenFile(fmt.Sprint(begin, rand.Uint32()), os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if lock(f) != nil { // this file system has no locks, hence no sweeps
			return f, nil
		}
		if _, err := os.Lstat(f.Name()); err == nil {
			return f, nil
		}
		_ = f.Close() // somebody swept it before it was locked
	}
}

// Sweep removes the files in a folder with such names that no living process has locked.
func Sweep(folder string, names *regexp.Regexp) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !names.MatchString(e.Name()) {
			continue
		}
		f, err := os.OpenFile(filepath.Join(folder, e.Name()), os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if lock(f) == nil {
			_ = os.Remove(f.Name())
		}
		_ = f.Close()
	}
}

// resolve follows symbolic links to what they lead to, which need not be there.
func resolve(path string) (string, error) {
	if path == "" || os.IsPathSeparator(path[len(path)-1]) {
		return "", fmt.Errorf("%q has no name of a file, expected one", path)
	}
	target := path
	for range 40 {
		folder, err := filepath.EvalSymlinks(filepath.Dir(target))
		if err != nil {
			return "", err
		}
		target = filepath.Join(folder, filepath.Base(target))
		next, err := os.Readlink(target)
		if err != nil { // no link, or nothing at all
			return target, nil
		}
		if !filepath.IsAbs(next) {
			next = filepath.Join(folder, next)
		}
		target = next
	}
	return "", fmt.Errorf("%s: too many symbolic links", path)
}
