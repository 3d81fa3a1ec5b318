//go:build unix

package install

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLockKeepsOthersOut(t *testing.T) {
	home := t.TempDir()
	var log bytes.Buffer
	unlock, err := Lock(t.Context(), home, "test", &log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	if _, err := Lock(ctx, home, "test", &log); err == nil {
		t.Fatal("the lock was given twice")
	}
	if strings.Count(log.String(), "waiting") != 1 {
		t.Errorf("while waiting it said %q, want one line", &log)
	}
	unlock()
	again, err := Lock(t.Context(), home, "test", &log)
	if err != nil {
		t.Fatalf("after it was given back: %v", err)
	}
	again()
}

// fakePython puts an interpreter that answers the probe with the given words on an otherwise empty PATH.
func fakePython(t *testing.T, answer string) {
	t.Helper()
	dir := t.TempDir()
	if answer != "" {
		script := "#!/bin/sh\necho " + answer + "\n"
		if err := os.WriteFile(filepath.Join(dir, "python3"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

func TestWhatIsMissingOfPythonIsNamed(t *testing.T) {
	for _, c := range []struct{ answer, want string }{
		{"", "there is no python3 on PATH"},
		{"3.9 True False", "is version 3.9"},
		{"3.12 False True", "python3-venv"},
	} {
		fakePython(t, c.answer)
		path, err := findPython(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "3.10") {
			t.Errorf("a Python that answers %q: %q, %v, want an error with %q", c.answer, path, err, c.want)
		}
	}
	fakePython(t, "3.10 True True")
	if path, err := findPython(t.Context()); err != nil || filepath.Base(path) != "python3" {
		t.Errorf("a good Python: %q, %v", path, err)
	}
}

func TestUnchangedRequirementsNeedNothing(t *testing.T) {
	home := t.TempDir()
	lock := []byte("some-package==1 --hash=sha256:00\n")
	// An interpreter that can do nothing but start shows that pip is not called.
	if err := os.MkdirAll(filepath.Dir(VenvPython(home)), 0o755); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		VenvPython(home): "#!/bin/sh\ncase \"$*\" in *install*) echo no network >&2; exit 1;; esac\n",
		stampDone(home):  "",
		filepath.Join(VenvDir(home), ".gosciml-test"): Sum(lock) + "\n",
	}
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := Requirements(t.Context(), home, "test", lock, nil); err != nil {
		t.Errorf("with the same lock: %v", err)
	}
	err := Requirements(t.Context(), home, "test", append(lock, '\n'), nil)
	if err == nil || !strings.Contains(err.Error(), "no network") {
		t.Errorf("with a changed lock: %v, want pip's own words", err)
	}
}

func TestEveryRequirementIsLocked(t *testing.T) {
	for name, text := range map[string][]byte{"cpu": requirementsCPU, "cuda": requirementsCUDA} {
		joined := strings.ReplaceAll(string(text), "\\\n", " ")
		for line := range strings.Lines(joined) {
			line = strings.TrimSpace(line)
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if !strings.Contains(line, "==") || !strings.Contains(line, "--hash=sha256:") {
				t.Errorf("requirements for %s: %q is not pinned by version and hash", name, line)
			}
		}
	}
}
