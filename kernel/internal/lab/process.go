//go:build unix

package lab

import (
	"os/exec"
	"runtime"
)

// thread is the operating-system thread a process was started from.
type thread struct {
	err     error
	release func()
}

// startOnThread starts a process from a thread that lives until release: Linux delivers the death signal of
// dieWithUs when the thread that started the process ends, not the program.
func startOnThread(cmd *exec.Cmd) thread {
	started, done := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		started <- cmd.Start()
		<-done
	}()
	return thread{err: <-started, release: func() { close(done) }}
}
