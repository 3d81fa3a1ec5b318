//go:build unix

package lab

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"time"
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

// orphan returns a channel that is closed when `go run`, having started this program, is killed: it would leave us
// running with nobody to stop us.
func orphan(ctx context.Context) <-chan struct{} {
	gone := make(chan struct{})
	parent := os.Getppid()
	if !startedByGo(parent) {
		return gone
	}
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(500 * time.Millisecond):
				if os.Getppid() != parent {
					close(gone)
					return
				}
			}
		}
	}()
	return gone
}
