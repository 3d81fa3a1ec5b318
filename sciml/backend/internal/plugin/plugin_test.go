package plugin

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// unlocked is a kind no platform has a lock for, so that the hash recorded at installation counts.
const unlocked = Kind("test")

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFindSaysWhenNothingIsInstalled(t *testing.T) {
	home := t.TempDir()
	if _, err := Find(home, CPU); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), Dir(home)) {
		t.Errorf("Find = %v, want an error that wraps ErrMissing and names %s", err, Dir(home))
	}
}

func TestFindNoticesChange(t *testing.T) {
	home := t.TempDir()
	file := filepath.Join(home, "plugin.so")
	write(t, file, "first")
	if err := Record(home, unlocked, file); err != nil {
		t.Fatal(err)
	}
	found, err := Find(home, unlocked)
	if err != nil {
		t.Fatal(err)
	}
	if found.Locked || found.Path == "" || found.SHA256 == "" {
		t.Errorf("Find = %+v, want the recorded file, not locked", found)
	}

	// A new time alone means another look, not a refusal.
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(file, later, later); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(home, unlocked); err != nil {
		t.Errorf("after a new modification time: %v", err)
	}

	write(t, file, "other!")
	_, err = Find(home, unlocked)
	if err == nil {
		t.Fatal("Find accepted a changed file")
	}
	for _, want := range []string{file, found.SHA256, "refused", SetupHint} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error %q does not mention %q", err, want)
		}
	}
	if _, again := Find(home, unlocked); again == nil {
		t.Error("Find accepted a changed file the second time")
	}
}

// A stamp that claims the right hash for a file of another size does not help the file.
func TestLockedHashCannotBeTalkedRound(t *testing.T) {
	lock, ok := Locked(CPU)
	if !ok {
		t.Skip("no build is locked for this platform")
	}
	home := t.TempDir()
	file := filepath.Join(home, "plugin.so")
	write(t, file, "not XLA")
	if err := Record(home, CPU, file); err == nil || !strings.Contains(err.Error(), lock.SHA256) {
		t.Errorf("Record = %v, want an error that names the locked hash", err)
	}
	if err := os.MkdirAll(Dir(home), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, Link(home, CPU)); err != nil {
		t.Fatal(err)
	}
	if err := writeStamp(home, CPU, stamp{Path: file, Size: 1, SHA256: lock.SHA256}); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(home, CPU); err == nil || !strings.Contains(err.Error(), lock.SHA256) {
		t.Errorf("Find = %v, want a refusal that names the locked hash", err)
	}
}
