package sealed_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/internal/sealed"
)

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, payload := range [][]byte{[]byte("first"), bytes.Repeat([]byte{0, 255}, 1000), {}} {
		if err := sealed.Write(path, "thing 1", payload); err != nil {
			t.Fatal(err)
		}
		got, err := sealed.Read(path, "thing 1")
		if err != nil || !bytes.Equal(got, payload) {
			t.Errorf("read %d bytes (%v), wrote %d", len(got), err, len(payload))
		}
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("files left behind: %v %v", left, err)
	}
}

// TestDamage changes every single byte, and cuts the file at every length.
func TestDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := sealed.Write(path, "thing 1", []byte("payload")); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(content []byte) error {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := sealed.Read(path, "thing 1")
		return err
	}
	for i := range whole {
		changed := bytes.Clone(whole)
		changed[i] ^= 1
		if err := refused(changed); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		if err := refused(whole[:i]); err == nil || !strings.Contains(err.Error(), "truncated") {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	if err := refused(append(bytes.Clone(whole), 0)); err == nil {
		t.Error("a byte more is accepted")
	}
}

func TestOtherKinds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := sealed.Write(path, "thing 1", []byte("payload")); err != nil {
		t.Fatal(err)
	}
	if _, err := sealed.Read(path, "thing 2"); err == nil || !strings.Contains(err.Error(), "not a thing 2") {
		t.Errorf("another version: %v", err)
	}
	if _, err := sealed.Read(path+"x", "thing 1"); err == nil || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := sealed.Write(filepath.Join(path, "below a file"), "thing 1", nil); err == nil {
		t.Error("a file was written below a file")
	}
}
