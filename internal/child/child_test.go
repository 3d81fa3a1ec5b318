//go:build unix

package child

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inParent has a process that the tests start run a child, until it is killed.
const inParent = "CHILD_TEST_PARENT"

// children says when it and what it has started are there. They ignore an interrupt: the one, as what runs in the background
// does, by itself.
const children = `trap '' INT; sleep 600 & echo ready; wait; sleep 600`

// TestKilled: what a command has started ends with the process that started it. All of them have the writing end of a pipe, so
// that the other end has an end when they are gone.
func TestKilled(t *testing.T) {
	if os.Getenv(inParent) != "" {
		cmd := exec.Command("/bin/sh", "-c", children)
		cmd.Stdout, cmd.WaitDelay = os.Stdout, 100*time.Millisecond
		_ = Run(cmd)
		return
	}
	for name, signal := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "terminated": syscall.SIGTERM} {
		parent := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		parent.Env = append(os.Environ(), inParent+"=1")
		out, err := parent.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := parent.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(out)
		if line, err := lines.ReadString('\n'); line != "ready\n" {
			t.Fatalf("%s: it said %q, error %v", name, line, err)
		}
		if err := parent.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, lines); err != nil { // for ever, if one of them stays
			t.Fatal(err)
		}
		_ = parent.Wait()
	}
}

// TestRun: a command has its outcome, and leaves nothing running.
func TestRun(t *testing.T) {
	out, err := Output(exec.Command("/bin/sh", "-c", "echo one; exit 3"))
	var exit *exec.ExitError
	if string(out) != "one\n" || !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("%q, %v", out, err)
	}
	if err := Run(exec.Command("/no/such/program")); err == nil || !strings.Contains(err.Error(), "/no/such/program") {
		t.Errorf("error %v", err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", "sleep 600 &")
	cmd.Stdout = write
	if err := Run(cmd); err != nil {
		t.Fatal(err)
	}
	write.Close()
	if left, err := io.ReadAll(read); len(left) > 0 || err != nil { // for ever, if sleep stays
		t.Errorf("%q, %v", left, err)
	}
}
