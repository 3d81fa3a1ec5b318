package place

import "syscall"

// noexec tells whether a folder lies on a file system from which no program can be started.
func noexec(dir string) bool {
	const flag = 0x8 // ST_NOEXEC
	var s syscall.Statfs_t
	return syscall.Statfs(dir, &s) == nil && s.Flags&flag != 0
}
