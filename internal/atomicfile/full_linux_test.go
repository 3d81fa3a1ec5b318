package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFullDisk: Check and Write fail where there is no room, and leave nothing behind.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	path := filepath.Join(dir, "file")
	if err := Check(path); err != nil {
		t.Errorf("with room: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "other"), []byte(strings.Repeat("x", 1<<17)), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	for what, err := range map[string]error{"Check": Check(path), "Write": Write(path, []byte("bad"), 0o600)} {
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: error %v, want %v", what, err, syscall.ENOSPC)
		}
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("there are %q, want the other file alone", got)
	}
}
