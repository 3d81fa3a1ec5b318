package reference

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// fresh gives a test a directory and an empty memory.
func fresh(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("GOSCIML_HOME", dir)
	forget()
	return filepath.Join(dir, "references")
}

// forget makes this process one that has computed nothing.
func forget() {
	memory.Lock()
	defer memory.Unlock()
	memory.of = map[string]*shared{}
}

var numbers = []float64{1, -0.5, math.Pi, math.Inf(1), math.SmallestNonzeroFloat64}

// ask asks for the numbers under a key and reports whether they had to be computed.
func ask(t *testing.T, key string) (computed bool) {
	t.Helper()
	got, err := kept(context.Background(), key, len(numbers), func(context.Context) ([]float64, error) {
		computed = true
		return append([]float64{}, numbers...), nil
	})
	if err != nil || len(got) != len(numbers) {
		t.Fatalf("%v and error %v", got, err)
	}
	for i := range got {
		if got[i] != numbers[i] {
			t.Fatalf("%v, want %v", got, numbers)
		}
	}
	return computed
}

func TestKept(t *testing.T) {
	dir := fresh(t)
	if !ask(t, "a") {
		t.Error("there was nothing to be found, and it was not computed")
	}
	if ask(t, "a") {
		t.Error("computed again although in memory")
	}
	forget()
	if ask(t, "a") {
		t.Error("computed again although on disk")
	}
	if !ask(t, "b") {
		t.Error("another key was not computed")
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 {
		t.Errorf("the directory holds %v (%v), want two files", files, err)
	}
}

func TestDamagedFiles(t *testing.T) {
	fresh(t)
	ask(t, "a")
	path := pathOf("a")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ask(t, "another, of the same length")
	foreign, err := os.ReadFile(pathOf("another, of the same length"))
	if err != nil {
		t.Fatal(err)
	}
	damaged := map[string][]byte{
		"empty": {}, "foreign": foreign, "too long": append(append([]byte{}, whole...), 0),
		"another version": bytes.Replace(whole, []byte("reference 1"), []byte("reference 0"), 1),
	}
	for i := range whole {
		flipped := append([]byte{}, whole...)
		flipped[i] ^= 0x10
		damaged[fmt.Sprint("damaged at byte ", i)] = flipped
		damaged[fmt.Sprint("cut to bytes ", i)] = whole[:i]
	}
	for name, data := range damaged {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		forget()
		if !ask(t, "a") {
			t.Errorf("a file that is %s was used", name)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, whole) {
			t.Errorf("a file that is %s was not replaced", name)
		}
	}
}

func TestNowhereToKeep(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, home := range []string{filepath.Join(file, "below"), "relative"} {
		t.Setenv("GOSCIML_HOME", home)
		forget()
		if !ask(t, "a") || ask(t, "a") {
			t.Errorf("in %q: expected it to be computed and kept in memory", home)
		}
		forget()
		if !ask(t, "a") {
			t.Errorf("in %q: kept, though this cannot be written", home)
		}
	}
	if _, err := os.Stat("relative"); err == nil {
		t.Error("a relative directory was made")
	}
}

func TestPathOf(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("GOSCIML_HOME", "")
	t.Setenv("XDG_CACHE_HOME", cache)
	want, err := os.UserCacheDir()
	if err != nil {
		t.Skip("there is no cache directory")
	}
	if got := filepath.Dir(pathOf("a")); got != filepath.Join(want, "gosciml", "references") {
		t.Errorf("kept in %s, want gosciml/references in %s", got, want)
	}
}

func TestConcurrentCallersShare(t *testing.T) {
	fresh(t)
	var wait sync.WaitGroup
	var mutex sync.Mutex
	computed, slices := 0, map[*float64]bool{}
	for range 8 {
		wait.Go(func() {
			got, err := kept(context.Background(), "a", 3, func(context.Context) ([]float64, error) {
				mutex.Lock()
				defer mutex.Unlock()
				computed++
				return []float64{1, 2, 3}, nil
			})
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			slices[&got[0]] = true
		})
	}
	wait.Wait()
	if computed != 1 || len(slices) != 1 {
		t.Errorf("computed %d times, with %d slices; want one", computed, len(slices))
	}
}

// A caller that gives up, or whose computation fails, spoils nothing for others.
func TestGivingUp(t *testing.T) {
	fresh(t)
	started, finish := make(chan bool), make(chan bool)
	done := make(chan error)
	go func() {
		_, err := kept(context.Background(), "a", 1, func(context.Context) ([]float64, error) {
			close(started)
			<-finish
			return nil, errors.New("failed")
		})
		done <- err
	}()
	<-started
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := kept(ctx, "a", 1, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled caller: error %v", err)
	}
	close(finish)
	if err := <-done; err == nil || err.Error() != "failed" {
		t.Errorf("a computation that fails: error %v", err)
	}
	if !ask(t, "a") {
		t.Error("not computed after a failure")
	}
}
