package keep

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFullDisk: where there is no room the value is computed and returned, what is kept stays, and nothing else is left.
func TestFullDisk(t *testing.T) {
	dir, log := fresh(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	get := func(name string, size int) {
		t.Helper()
		v, err := Value(name, size, func() ([]byte, error) { return make([]byte, size), nil })
		if err != nil || len(v) != size {
			t.Errorf("%s: %d bytes, %v; want %d", name, len(v), err, size)
		}
	}
	get("v", 1000)
	get("v", 1<<20) // too large, as is found out when it is there
	if old, err := Fetch[[]byte]("v"); err != nil || len(old) != 1000 {
		t.Errorf("the old value is %d bytes, %v", len(old), err)
	}
	filler := filepath.Join(dir, "filler")
	_ = os.WriteFile(filler, make([]byte, 1<<20), 0o600) // as far as that goes
	get("v", 2000)
	get("w", 1000)
	entries, err := List()
	if err != nil || len(entries) != 1 || entries[0].Name != "v" || entries[0].Size > 4000 {
		t.Errorf("kept are %v, %v", entries, err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	get("w", 1000)
	if err := Forget("v"); err != nil {
		t.Error(err)
	}
	if got, want := strings.Count(log.String(), "computing"), 5; got != want {
		t.Errorf("computed %d times, want %d:\n%s", got, want, log)
	}
	files, err := os.ReadDir(dir)
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), suffix) && !strings.HasSuffix(f.Name(), ".lock") {
			t.Errorf("left is %s", f.Name())
		}
	}
	if err != nil {
		t.Error(err)
	}
}
