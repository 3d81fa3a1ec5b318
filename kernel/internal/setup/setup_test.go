//go:build unix

package setup

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/kernel/internal/place"
)

func TestStampedWorksOnlyWhenSomethingChanged(t *testing.T) {
	stamp := filepath.Join(t.TempDir(), "deep", "x.stamp")
	runs := 0
	work := func() error { runs++; return nil }
	for _, c := range []struct {
		key  string
		want int
	}{{"a", 1}, {"a", 1}, {"b", 2}, {"b", 2}, {"a", 3}} {
		if err := stamped(stamp, c.key, work); err != nil {
			t.Fatal(err)
		}
		if runs != c.want {
			t.Fatalf("with key %q: %d runs so far, want %d", c.key, runs, c.want)
		}
	}
	failed := errors.New("failed")
	if err := stamped(stamp, "c", func() error { return failed }); !errors.Is(err, failed) {
		t.Errorf("stamped = %v, want the error of the work", err)
	}
	if err := stamped(stamp, "c", work); err != nil || runs != 4 {
		t.Errorf("after a failure the work ran %d times in all (%v), want 4", runs, err)
	}
}

// TestSweep: what a set-up that was killed has left of the tools goes, and the tools stay.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{building + "1/gopls", building + "2/deep/x", "0123456789ab/gopls", "building-3/x"} {
		if err := place.WriteFile(filepath.Join(dir, path), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := sweep(dir); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 || left[0].Name() != "0123456789ab" || left[1].Name() != "building-3" {
		t.Errorf("left are %v, error %v", left, err)
	}
	if err := sweep(filepath.Join(dir, "no such folder")); err != nil {
		t.Errorf("where nothing was built yet: %v", err)
	}
}

func TestKeyDependsOnContentsAndWords(t *testing.T) {
	file := filepath.Join(t.TempDir(), "go.sum")
	key := func(text string, words ...string) string {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		k, err := keyOf([]string{file}, words...)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	base := key("a", "go1.26")
	if key("a", "go1.26") != base {
		t.Error("the same gives another key")
	}
	if key("b", "go1.26") == base || key("a", "go1.27") == base || key("a", "go1.2", "6") == base {
		t.Error("a change gives the same key")
	}
}

func TestJupyterSettingsAreJSON(t *testing.T) {
	p := place.Place{Home: t.TempDir(), Clone: "/clone"}
	if err := jupyterSettings(p); err != nil {
		t.Fatal(err)
	}
	found := 0
	err := filepath.WalkDir(p.Jupyter("config"), func(path string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".json" {
			return err
		}
		found++
		data, err := os.ReadFile(path)
		if err == nil && !json.Valid(data) {
			t.Errorf("%s is not JSON:\n%s", path, data)
		}
		return err
	})
	if err != nil || found == 0 {
		t.Errorf("%d settings, %v", found, err)
	}
}

func TestEveryRequirementIsLocked(t *testing.T) {
	n := 0
	for line := range strings.Lines(strings.ReplaceAll(string(requirementsJupyter), "\\\n", " ")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		n++
		if !strings.Contains(line, "==") || !strings.Contains(line, "--hash=sha256:") {
			t.Errorf("%.60q is not pinned by version and hash", line)
		}
		if strings.HasPrefix(line, "ipykernel") || strings.HasPrefix(line, "ipython") {
			t.Errorf("%.60q is only needed for Python kernels", line)
		}
	}
	if n < 10 {
		t.Errorf("%d requirements, expected JupyterLab's many", n)
	}
}

func TestUninstallLeavesWhatIsNotOurs(t *testing.T) {
	home, data := t.TempDir(), t.TempDir()
	t.Setenv("JUPYTER_DATA_DIR", data)
	write := func(path, text string) string {
		if err := place.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	gone := []string{write(filepath.Join(home, "python", "x"), ""), write(filepath.Join(home, "clones", "1", "x"), "")}
	kept := write(filepath.Join(home, "mine.txt"), "")
	user, err := place.UserSpec()
	if err != nil {
		t.Fatal(err)
	}
	theirs := write(filepath.Join(user, "kernel.json"), `{"argv": ["/another/gosciml-kernel"]}`)

	var said strings.Builder
	p := place.Place{Home: home, Clone: "/clone"}
	if err := Uninstall(p, &said); err != nil {
		t.Fatal(err)
	}
	for _, path := range gone {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
		if !strings.Contains(said.String(), filepath.Dir(path)) && !strings.Contains(said.String(), filepath.Dir(filepath.Dir(path))) {
			t.Errorf("it did not say that %s went:\n%s", path, &said)
		}
	}
	for _, path := range []string{kept, theirs} {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s was removed", path)
		}
	}
	write(filepath.Join(user, "kernel.json"), `{"argv": ["`+home+`/clones/1/gosciml-kernel"]}`)
	if err := Uninstall(p, &said); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(user); err == nil {
		t.Error("our own kernelspec in the user's folder is still there")
	}
}
