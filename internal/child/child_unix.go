//go:build !windows

// Package child runs commands that end with this process, however it ends, with all that they have started.
package child

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// watchdog waits for the end of its standard input, which is that of the process that has its other end, then interrupts its
// process group and, after a while, kills it.
const watchdog = `trap '' HUP INT TERM; read -r _; kill -INT 0; sleep "$1"; kill -KILL 0`

// grace is what a command gets to end in an orderly way, unless its WaitDelay says otherwise.
const grace = 10 * time.Second

// Start starts a command in a process group of its own, out of reach of the terminal, and returns the function that waits for
// its end, which must be called. When this process is killed, the group is interrupted, and killed if it is still there after
// WaitDelay (10 s when zero). What the command leaves running when it ends is killed at once.
func Start(cmd *exec.Cmd) (wait func() error, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	delay := cmp.Or(cmd.WaitDelay, grace)
	guard := exec.Command("/bin/sh", "-c", watchdog, "watchdog", fmt.Sprintf("%.1f", delay.Seconds()))
	guard.Stdin, guard.SysProcAttr = read, &syscall.SysProcAttr{Setpgid: true}
	if err := guard.Start(); err != nil {
		write.Close()
		return nil, fmt.Errorf("cannot watch over %s: %w", cmd.Path, err)
	}
	group := guard.Process.Pid
	end := func() {
		_ = syscall.Kill(-group, syscall.SIGKILL)
		_ = guard.Wait()
		write.Close()
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pgid = true, group
	if err := cmd.Start(); err != nil {
		end()
		return nil, err
	}
	return func() error {
		defer end()
		return cmd.Wait()
	}, nil
}
