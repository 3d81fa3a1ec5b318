//go:build unix

package sciml_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/gosciml/gosciml/sciml"
)

// inChild names what a process that TestInterruptible starts does: it interrupts itself, and may die of it.
const inChild = "SCIML_TEST_INTERRUPT"

// TestInterruptible: an interrupt cancels the context, once; the next one, and any after stop, ends the program.
func TestInterruptible(t *testing.T) {
	if does := os.Getenv(inChild); does != "" {
		interruptItself(does)
		return
	}
	if signal.Ignored(os.Interrupt) {
		t.Skip("interrupts are ignored here, as in a program that was started by nohup")
	}
	for does, ends := range map[string]bool{"one interrupt": false, "two interrupts": true, "stop and an interrupt": true} {
		t.Run(does, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestInterruptible$")
			cmd.Env = append(os.Environ(), inChild+"="+does)
			output, err := cmd.CombinedOutput()
			byInterrupt := false
			if exit := new(exec.ExitError); errors.As(err, &exit) {
				byInterrupt = exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGINT
			}
			if byInterrupt != ends || err != nil && !ends {
				t.Errorf("the program ended with %v, want an end by the interrupt to be %v; it said: %s", err, ends, output)
			}
		})
	}
}

// interruptItself does what TestInterruptible wants of its own process.
func interruptItself(does string) {
	fail := func(format string, args ...any) {
		fmt.Printf(format+"\n", args...)
		os.Exit(3)
	}
	interrupt := func() {
		if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
			fail("cannot interrupt: %v", err)
		}
	}
	const patience = 20 * time.Second
	ctx, stop := sciml.Interruptible()
	if err := ctx.Err(); err != nil {
		fail("canceled at the start: %v", err)
	}
	if does == "stop and an interrupt" {
		stop()
		stop()
	} else {
		interrupt()
	}
	select {
	case <-ctx.Done():
	case <-time.After(patience):
		fail("not canceled")
	}
	if does == "one interrupt" {
		stop()
		return
	}
	for range patience / (10 * time.Millisecond) { // the first may come before interrupts are given back
		interrupt()
		time.Sleep(10 * time.Millisecond)
	}
	fail("interrupts do not end the program")
}
