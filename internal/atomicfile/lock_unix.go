//go:build !windows

package atomicfile

import (
	"os"
	"syscall"
)

// lock locks a file until it is closed, by this process or by its end, and fails when another one has it.
func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// finish puts the file in its place while it is locked.
func finish(f *os.File, target string, put func(fresh, target string) error) error {
	return put(f.Name(), target)
}
