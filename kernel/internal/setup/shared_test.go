//go:build unix

package setup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/backend/install"
)

// TestADirectoryOfSomebodyElse: nothing is tried in a data directory that cannot be written to.
func TestADirectoryOfSomebodyElse(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	home := t.TempDir()
	if err := os.Chmod(home, 0o555); err != nil {
		t.Fatal(err)
	}
	p := place.Place{Home: home, Clone: t.TempDir(), Own: t.TempDir()}
	err := Run(t.Context(), p, Options{})
	if err == nil || !strings.Contains(err.Error(), home) || !strings.Contains(err.Error(), backend.HomeEnv) {
		t.Errorf("Run = %v, want an error that names the folder and the way out", err)
	}
}

// TestElsewhere: who has moved the data directory to where nothing is gets told where it is, instead of a download.
func TestElsewhere(t *testing.T) {
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	t.Setenv("HOME", data)
	home, err := backend.DefaultHome()
	if err != nil {
		t.Fatal(err)
	}
	p := place.Place{Home: t.TempDir(), Clone: "/clone"}
	if err := Elsewhere(p); err != nil {
		t.Errorf("nothing is set up anywhere, and it says %v", err)
	}
	there := place.Place{Home: home, Clone: p.Clone}
	if err := there.Save(place.Config{Home: home, Clone: p.Clone}); err != nil {
		t.Fatal(err)
	}
	err = Elsewhere(p)
	if err == nil || !strings.Contains(err.Error(), p.Home) || !strings.Contains(err.Error(), home) {
		t.Errorf("Elsewhere = %v, want an error that names both data directories", err)
	}
	if err := Elsewhere(there); err != nil {
		t.Errorf("for the right one it says %v", err)
	}
	if err := place.WriteFile(filepath.Join(install.VenvDir(p.Home), "x"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Elsewhere(p); err != nil {
		t.Errorf("where a set-up has begun it says %v", err)
	}
}

// TestAUsersJupyterFolderThatIsClosed: the kernelspec for other servers is a matter of the user's, set-up goes on.
func TestAUsersJupyterFolderThatIsClosed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JUPYTER_DATA_DIR", file)
	var said strings.Builder
	if err := userSpec(place.Place{Home: t.TempDir(), Clone: "/clone"}, &said); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), file) || strings.Count(said.String(), "\n") != 1 {
		t.Errorf("it said %q, want one line that names the folder", &said)
	}
}
