//go:build unix

package programs

import (
	"os"
	"syscall"
)

// trusted reports whether nobody but this user, or root, can have written a file or a folder: its code is run.
func trusted(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o022 != 0 {
		return false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && (int(owner.Uid) == os.Getuid() || owner.Uid == 0)
}

// allowed reports whether this process may write to a folder.
func allowed(folder string) bool {
	const writeAndEnter = 2 | 1
	return syscall.Access(folder, writeAndEnter) == nil
}
