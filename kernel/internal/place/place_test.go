//go:build unix

package place

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func lookup(env []string, key string) (string, bool) {
	for _, kv := range env {
		if k, v, _ := strings.Cut(kv, "="); k == key {
			return v, true
		}
	}
	return "", false
}

func TestKernelEnv(t *testing.T) {
	c := Config{Home: "/data", Clone: "/clone", Go: "/go/bin/go", Tools: "/data/tools/1",
		Env: map[string]string{"GOMODCACHE": "/mod", "GOCACHE": "/recorded"}}
	env := c.KernelEnv([]string{"PATH=/bin", "GOWORK=off", "GOOS=plan9", "GOFLAGS=-mod=vendor -buildvcs=false -ldflags=-w",
		"GOCACHE=/mine", "GOPROXY=https://example.org", "PJRT_PLUGIN_LIBRARY_PATH=/own", "KEEP=a=b"}, "/tmp/x", "xla:cpu")
	for key, want := range map[string]string{
		"PATH":                     "/data/tools/1:/go/bin:/bin",
		"GOFLAGS":                  "-buildvcs=false -ldflags=-s",
		"GOPROXY":                  "off",
		"GOSCIML_GOPROXY":          "https://example.org",
		"GO_EXTLINK_ENABLED":       "0",
		"GOMODCACHE":               "/mod",
		"GOCACHE":                  "/mine",
		"GOMLX_BACKEND":            "xla:cpu",
		"GOSCIML_HOME":             "/data",
		"PJRT_PLUGIN_LIBRARY_PATH": "/data/plugins:/own",
		"TMPDIR":                   "/tmp/x",
		"KEEP":                     "a=b",
	} {
		if got, _ := lookup(env, key); got != want {
			t.Errorf("%s=%s, want %s", key, got, want)
		}
	}
	for _, key := range []string{"GOWORK", "GOOS"} {
		if v, ok := lookup(env, key); ok {
			t.Errorf("%s=%s reached the kernel", key, v)
		}
	}
	env = c.KernelEnv([]string{"GOMLX_BACKEND=go"}, "", "xla:cpu")
	if got, _ := lookup(env, "GOMLX_BACKEND"); got != "go" {
		t.Errorf("the user's GOMLX_BACKEND=go became %s", got)
	}
	if _, ok := lookup(c.KernelEnv(nil, "", ""), "GOMLX_BACKEND"); ok {
		t.Error("GOMLX_BACKEND is set although there is no plug-in")
	}
}

// TestProxyOfTheUser checks what `GOPROXY=$GOSCIML_GOPROXY go get` in a cell works with.
func TestProxyOfTheUser(t *testing.T) {
	for _, c := range []struct {
		base []string
		want string
	}{
		{nil, ""},
		{[]string{"GOPROXY="}, ""},
		{[]string{"GOPROXY=https://example.org"}, "https://example.org"},
		{[]string{"GOPROXY=off"}, "off"},
		{[]string{"GOPROXY=off", "GOSCIML_GOPROXY=https://example.org"}, "https://example.org"}, // a kernel in a cell of another
		{[]string{"GOPROXY=off", "GOSCIML_GOPROXY="}, ""},                                       // the image
		{[]string{"GOPROXY=https://example.org", "GOSCIML_GOPROXY="}, "https://example.org"},    // a user of the image
	} {
		if got, ok := lookup(Config{}.KernelEnv(c.base, "", ""), ProxyEnv); !ok || got != c.want {
			t.Errorf("%q becomes %q, want %q", c.base, got, c.want)
		}
	}
}

func TestJupyterEnvKeepsOthersOut(t *testing.T) {
	p := Place{Home: "/data", Clone: "/clone"}
	env := p.JupyterEnv([]string{"JUPYTER_CONFIG_DIR=/theirs", "PYTHONPATH=/theirs", "HOME=/h"})
	for _, kv := range env {
		if strings.Contains(kv, "/theirs") {
			t.Errorf("%s reached our Jupyter", kv)
		}
	}
	for _, key := range []string{"JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_PATH"} {
		if v, _ := lookup(env, key); !strings.HasPrefix(v, "/data/") {
			t.Errorf("%s=%s, want a folder of the data directory", key, v)
		}
	}
	if !slices.Contains(env, "HOME=/h") {
		t.Error("HOME is lost")
	}
}

func TestFindFromInsideTheClone(t *testing.T) {
	root := filepath.Join(t.TempDir(), "a clone with spaces")
	deep := filepath.Join(root, "x", "y")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte("// comment\nmodule "+Module+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	// The tools have a go.mod of their own below the root, which is not the module's.
	if err := os.WriteFile(filepath.Join(root, "x", "go.mod"), []byte("module "+Module+"/kernel/tools\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(deep)
	t.Setenv("GOSCIML_HOME", t.TempDir())
	p, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := filepath.EvalSymlinks(root); p.Clone != want {
		t.Errorf("the clone is %q, want %q", p.Clone, want)
	}
	if other := (Place{Home: p.Home, Clone: p.Clone + "2"}); other.Dir() == p.Dir() {
		t.Error("two clones share a folder")
	}
}

func TestLoadSaysWhatToDo(t *testing.T) {
	p := Place{Home: t.TempDir(), Clone: "/clone"}
	if _, err := p.Load(); err == nil || !strings.Contains(err.Error(), "kernel setup") {
		t.Errorf("Load before set-up = %v", err)
	}
	want := Config{Home: p.Home, Clone: p.Clone, Go: "/go", Tools: "/tools", Env: map[string]string{"A": "b"}}
	if err := p.Save(want); err != nil {
		t.Fatal(err)
	}
	if got, err := p.Load(); err != nil || got.Tools != want.Tools || got.Env["A"] != "b" {
		t.Errorf("Load = %+v, %v, want %+v", got, err, want)
	}
	if err := os.WriteFile(filepath.Join(p.Dir(), configName), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Load(); err == nil || !strings.Contains(err.Error(), "kernel setup") {
		t.Errorf("Load of a damaged file = %v", err)
	}
}
