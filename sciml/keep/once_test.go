package keep

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain lets the tests of several processes start this program again.
func TestMain(m *testing.M) {
	if what := os.Getenv("KEEP_TEST_ROLE"); what != "" {
		role(what)
		return
	}
	os.Exit(m.Run())
}

// role wants the value that all want. It notes each computation in a file; a "dying" one ends in the middle of its own, and one that computes waits
// for a line on standard input.
func role(what string) {
	v, err := Value("v", nil, func() (int, error) {
		f, err := os.OpenFile(filepath.Join(os.Getenv("GOSCIML_KEEP_DIR"), "made"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return 0, err
		}
		fmt.Fprintln(f, "made")
		fmt.Println("at work")
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		if what == "dying" {
			os.Exit(3)
		}
		return 42, nil
	})
	fmt.Println("got", v, err)
}

func start(t *testing.T, dir, what string) (*exec.Cmd, io.WriteCloser, *bufio.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "KEEP_TEST_ROLE="+what, "GOSCIML_KEEP_DIR="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd, in, bufio.NewReader(out)
}

// until reads lines up to one that contains a text.
func until(t *testing.T, out *bufio.Reader, text string) {
	t.Helper()
	for {
		line, err := out.ReadString('\n')
		if strings.Contains(line, text) {
			return
		}
		if err != nil {
			t.Fatalf("no line with %q: %v", text, err)
		}
	}
}

// TestOnce: of twenty programs that want one value, one computes it; when that dies another does.
func TestOnce(t *testing.T) {
	for _, first := range []string{"computing", "dying"} {
		t.Run(first, func(t *testing.T) {
			dir := t.TempDir()
			_, in, out := start(t, dir, first)
			until(t, out, "at work")
			var others []*bufio.Reader
			for range 19 {
				_, input, out := start(t, dir, "computing")
				_ = input.Close() // whoever computes does not wait
				until(t, out, "waiting for another program")
				others = append(others, out)
			}
			_ = in.Close()
			for _, out := range others {
				until(t, out, "got 42 <nil>")
			}
			made, err := os.ReadFile(filepath.Join(dir, "made"))
			if want := map[string]int{"computing": 1, "dying": 2}[first]; err != nil || strings.Count(string(made), "made") != want {
				t.Errorf("computed %d times, %v; want %d", strings.Count(string(made), "made"), err, want)
			}
		})
	}
}

// TestInterruptedWait: an interrupt ends the wait, with an error, and not the computation.
func TestInterruptedWait(t *testing.T) {
	dir := t.TempDir()
	_, in, working := start(t, dir, "computing")
	until(t, working, "at work")
	waiting, _, out := start(t, dir, "computing")
	until(t, out, "waiting for another program")
	if err := waiting.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	until(t, out, "interrupted while waiting")
	_ = in.Close()
	until(t, working, "got 42 <nil>")
}

// TestNoLock: where a value cannot be locked it is computed.
func TestNoLock(t *testing.T) {
	dir, _ := fresh(t)
	path, err := pathOf("v")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path+".lock", 0o700); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	v, err := Value("v", nil, func() (int, error) { return 42, nil })
	if v != 42 || err != nil {
		t.Errorf("%d, %v after %v in %s", v, err, time.Since(start), dir)
	}
	if entries, err := List(); err != nil || len(entries) != 1 {
		t.Errorf("kept are %v, %v", entries, err)
	}
}
