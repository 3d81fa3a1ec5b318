//go:build unix

package install

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/backend/internal/plugin"
)

// index serves one package as a Python index does, and returns the index's address and the package's hash.
func index(t *testing.T) (address, sum string) {
	t.Helper()
	var wheel bytes.Buffer
	z := zip.NewWriter(&wheel)
	for _, f := range [][2]string{
		{"demo_pkg.py", "x = 1\n"},
		{"demo_pkg-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: demo-pkg\nVersion: 1.0\n"},
		{"demo_pkg-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{"demo_pkg-1.0.dist-info/RECORD", "demo_pkg.py,,\ndemo_pkg-1.0.dist-info/METADATA,,\ndemo_pkg-1.0.dist-info/WHEEL,,\ndemo_pkg-1.0.dist-info/RECORD,,\n"},
	} {
		w, err := z.Create(f[0])
		if err == nil {
			_, err = io.WriteString(w, f[1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	const name = "demo_pkg-1.0-py3-none-any.whl"
	served := http.NewServeMux()
	served.HandleFunc("/simple/demo-pkg/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!DOCTYPE html><a href="/%s">%[1]s</a>`, name)
	})
	served.HandleFunc("/"+name, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(wheel.Bytes()) })
	server := httptest.NewServer(served)
	t.Cleanup(server.Close)
	of := sha256.Sum256(wheel.Bytes())
	return server.URL + "/simple", hex.EncodeToString(of[:])
}

// TestHashesDecide installs from an index with pip itself: the package that is locked, another one in its place, and none.
func TestHashesDecide(t *testing.T) {
	if _, err := findPython(t.Context()); err != nil {
		t.Skip(err)
	}
	address, sum := index(t)
	for _, kv := range os.Environ() {
		if key, _, _ := strings.Cut(kv, "="); strings.HasPrefix(key, "PIP_") || strings.HasSuffix(strings.ToLower(key), "_proxy") {
			t.Setenv(key, "")
			os.Unsetenv(key)
		}
	}
	t.Setenv("PIP_CONFIG_FILE", os.DevNull)
	t.Setenv("PIP_NO_CACHE_DIR", "1")
	t.Setenv("PIP_INDEX_URL", address)
	home := t.TempDir()

	forged := strings.Repeat("0", 64)
	err := Requirements(t.Context(), home, "demo", []byte("demo-pkg==1.0 --hash=sha256:"+forged+"\n"), nil)
	if !errors.Is(err, ErrHash) {
		t.Fatalf("with another package in place of the locked one: %v, want ErrHash", err)
	}
	for _, want := range []string{"demo-pkg==1.0", forged, sum} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error %q does not name %q", err, want)
		}
	}
	if exec.Command(VenvPython(home), "-c", "import demo_pkg").Run() == nil {
		t.Error("the package was installed all the same")
	}

	if err := Requirements(t.Context(), home, "demo", []byte("demo-pkg==1.0 --hash=sha256:"+sum+"\n"), nil); err != nil {
		t.Errorf("with the locked package: %v", err)
	}

	t.Setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
	t.Setenv("PIP_RETRIES", "0")
	err = Requirements(t.Context(), home, "other", []byte("demo-pkg==1.0 --hash=sha256:"+sum+"\n# again\n"), nil)
	if err == nil || errors.Is(err, ErrHash) || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("without an index: %v, want a sentence, and not ErrHash", err)
	}
}

// TestAWrongPluginInTheRightPackage: the library has a hash of its own.
func TestAWrongPluginInTheRightPackage(t *testing.T) {
	lock, ok := plugin.Locked(plugin.CPU)
	if !ok {
		t.Skip("no build is locked for this platform")
	}
	home := t.TempDir()
	t.Setenv(backend.HomeEnv, home)
	requirements := []byte("x==1 --hash=sha256:00\n")
	library := filepath.Join(VenvDir(home), "lib", "python3.12", "site-packages", filepath.FromSlash(lock.File))
	for name, text := range map[string]string{
		VenvPython(home): "#!/bin/sh\n",
		stampDone(home):  "",
		filepath.Join(VenvDir(home), ".gosciml-xla-cpu"): Sum(requirements) + "\n",
		library: "not XLA",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	err := ensure(t.Context(), plugin.CPU, nil, func(ctx context.Context, home string, log io.Writer) error {
		return fromIndex(ctx, home, plugin.CPU, requirements, log)
	})
	if !errors.Is(err, ErrHash) || !strings.Contains(err.Error(), lock.SHA256) || !strings.Contains(err.Error(), library) {
		t.Errorf("%v, want ErrHash with the file and the hash expected", err)
	}
}
