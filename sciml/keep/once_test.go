package keep

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosciml/gosciml/internal/filelock"
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
	if what == "saving" {
		Log = os.Stdout
		for i := 0; ; i++ {
			_, _ = Value("big", time.Now(), func() ([]byte, error) {
				fmt.Println("saving")
				return bytes.Repeat([]byte{byte(i)}, 1<<20), nil
			})
		}
	}
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

// TestWaitingForItself: another part of the same program waits as well, and is told so.
func TestWaitingForItself(t *testing.T) {
	fresh(t)
	log, said := io.Pipe()
	Log = said
	out := bufio.NewReader(log)
	work := make(chan bool)
	got := make(chan int, 2)
	get := func() {
		v, err := Value("v", nil, func() (int, error) { <-work; return 42, nil })
		if err != nil {
			t.Error(err)
		}
		got <- v
	}
	go get()
	until(t, out, "v: computing")
	go get()
	until(t, out, "v: waiting for this program, which computes it already")
	close(work)
	until(t, out, "v: kept")
	if a, b := <-got, <-got; a != 42 || b != 42 {
		t.Errorf("got %d and %d, want 42", a, b)
	}
}

// TestUnkeptDoesNotWait: where a value cannot be kept, there is nothing to wait for.
func TestUnkeptDoesNotWait(t *testing.T) {
	_, log := fresh(t)
	path, err := pathOf("v")
	if err != nil {
		t.Fatal(err)
	}
	release, err := filelock.Lock(t.Context(), path+".lock", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	v, err := Value("v", nil, func() (int, error) { return 42, nil })
	if v != 42 || err != nil || strings.Contains(log.String(), "waiting") {
		t.Errorf("%d, %v; said %s", v, err, log)
	}
}

// TestKilledWhileSaving: whenever a program is killed, the old value or the new one is there, whole, and the next one leaves no rubbish.
func TestKilledWhileSaving(t *testing.T) {
	dir, log := fresh(t)
	for range 10 {
		saving, in, out := start(t, dir, "saving")
		_ = in.Close()
		until(t, out, "saving") // the first is about to be written
		if err := saving.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = saving.Wait()
		v, err := Fetch[[]byte]("big")
		if err == nil && (len(v) != 1<<20 || v[0] != v[1<<20-1]) || err != nil && !strings.Contains(err.Error(), "nothing is kept") {
			t.Fatalf("%d bytes, %v", len(v), err)
		}
		entries, err := List()
		if err != nil || len(entries) > 1 {
			t.Fatalf("kept are %v, %v", entries, err)
		}
	}
	if _, err := Value("big", "other", func() ([]byte, error) { return []byte{1}, nil }); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), "damaged") {
		t.Error(log)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 { // The value and its lock.
		t.Errorf("there are %v, %v", files, err)
	}
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
