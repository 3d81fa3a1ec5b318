package backend

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gosciml/gosciml/sciml/backend/internal/plugin"
)

// emptyHome moves the data directory to one in which nothing is installed, and catches warnings.
func emptyHome(t *testing.T) (home string, warnings *bytes.Buffer) {
	t.Helper()
	home = t.TempDir()
	t.Setenv(HomeEnv, home)
	t.Setenv(ConfigEnv, "")
	warnings = &bytes.Buffer{}
	saved := warnTo
	warnTo, warned = warnings, new(sync.Once)
	t.Cleanup(func() { warnTo, warned = saved, new(sync.Once) })
	clear(opened)
	return home, warnings
}

func TestFallbackWarnsOnceInOneLine(t *testing.T) {
	home, warnings := emptyHome(t)
	for range 2 {
		b, err := Open()
		if err != nil {
			t.Fatal(err)
		}
		if b.Name() != "Go Backend" {
			t.Fatalf("without a plug-in Open returned the back end %q", b.Name())
		}
	}
	text := warnings.String()
	if strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		t.Errorf("the warning is %q, want one line", text)
	}
	for _, want := range []string{"pure Go", "slower"} {
		if !strings.Contains(text, want) {
			t.Errorf("the warning %q does not mention %q", text, want)
		}
	}
	if xlaLinked && (!strings.Contains(text, home) || !strings.Contains(text, plugin.SetupHint)) {
		t.Errorf("the warning %q does not say where the plug-in should be and how to get it", text)
	}
}

func TestPureGoOnRequestIsSilent(t *testing.T) {
	_, warnings := emptyHome(t)
	t.Setenv(ConfigEnv, "go")
	if b, err := Open(); err != nil || b.Name() != "Go Backend" {
		t.Fatalf("Open = %v, %v", b, err)
	}
	if warnings.Len() > 0 {
		t.Errorf("asked for pure Go, and warned: %q", warnings)
	}
}

func TestWhatWasAskedForIsNeverReplaced(t *testing.T) {
	_, warnings := emptyHome(t)
	for _, config := range []string{"xla", "xla:", "xla:cpu", "xla:cuda", "xla:cpu,shared_buffers", "stablehlo:cpu",
		"xla:/nowhere/plugin.so", "/nowhere/plugin.so", "xla:metal", "tensorflow", "go:nonsense"} {
		b, err := OpenConfig(config)
		if err == nil {
			t.Errorf("%q opened the back end %q, want an error", config, b.Name())
			continue
		}
		if !strings.Contains(err.Error(), ConfigEnv) {
			t.Errorf("%q: the error %q does not name %s", config, err, ConfigEnv)
		}
	}
	if warnings.Len() > 0 {
		t.Errorf("errors are enough, but there was a warning: %q", warnings)
	}
}

func TestAForeignPluginIsRefused(t *testing.T) {
	lock, ok := plugin.Locked(plugin.CPU)
	if !ok || !xlaLinked {
		t.Skip("no locked build for this platform, or built without cgo")
	}
	home, warnings := emptyHome(t)
	file := filepath.Join(home, "evil.so")
	if err := os.WriteFile(file, []byte("not XLA"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(plugin.Dir(home), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, plugin.Link(home, plugin.CPU)); err != nil {
		t.Fatal(err)
	}
	b, err := Open()
	if err != nil || b.Name() != "Go Backend" {
		t.Fatalf("Open = %v, %v, want pure Go", b, err)
	}
	for _, want := range []string{"refused", file, lock.SHA256, plugin.SetupHint} {
		if !strings.Contains(warnings.String(), want) {
			t.Errorf("the warning %q does not mention %q", warnings, want)
		}
	}
	if _, err := OpenConfig("xla:cpu"); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("xla:cpu with a foreign plug-in: %v, want a refusal", err)
	}
	if r := Inspect(); r.Backend != "pure Go" || !r.Refused || !strings.Contains(r.WhyNotXLA, "refused") {
		t.Errorf("Inspect = %+v, want pure Go and the reason", r)
	}
}

// TestVerifyReadsTheFile: a plug-in changed with its size and time kept passes the look of Inspect, and not that of Verify.
func TestVerifyReadsTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plugin.so")
	if err := os.WriteFile(file, []byte("one"), 0o644); err != nil {
		t.Fatal(err)
	}
	sum, err := plugin.Hash(file)
	if err != nil {
		t.Fatal(err)
	}
	r := Report{Plugin: file, SHA256: sum}
	if err := r.Verify(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(file, []byte("two"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.Verify(); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), sum) {
		t.Errorf("Verify = %v, want a refusal that names file and hash", err)
	}
}

func TestAGPUWithoutItsPluginIsReported(t *testing.T) {
	if !xlaLinked {
		t.Skip("built without cgo")
	}
	emptyHome(t)
	saved := nvidiaDevices
	t.Cleanup(func() { nvidiaDevices = saved })

	nvidiaDevices = []string{filepath.Join(t.TempDir(), "nvidiactl")}
	if r := Inspect(); r.GPU || r.WhyNoCUDA != "" {
		t.Errorf("without a device: %+v", r)
	}
	if err := os.WriteFile(nvidiaDevices[0], nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := Inspect(); !r.GPU || !strings.Contains(r.WhyNoCUDA, "not installed") {
		t.Errorf("with a device but no plug-in: %+v", r)
	}
}

func TestHome(t *testing.T) {
	t.Setenv(HomeEnv, "relative/folder")
	if dir, err := Home(); err == nil || !strings.Contains(err.Error(), "relative/folder") {
		t.Errorf("Home = %q, %v, want an error that names the value", dir, err)
	}
	want := filepath.Join(t.TempDir(), "with space")
	t.Setenv(HomeEnv, want)
	if dir, err := Home(); err != nil || dir != want {
		t.Errorf("Home = %q, %v, want %q", dir, err, want)
	}
}

// TestAnotherHomeHasThePlugin: whoever has moved the data directory is told where the plug-in was left.
func TestAnotherHomeHasThePlugin(t *testing.T) {
	if !xlaLinked {
		t.Skip("built without cgo")
	}
	_, warnings := emptyHome(t)
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_DATA_HOME", "")
	usual, err := DefaultHome()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(plugin.Dir(usual), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(plugin.Link(usual, plugin.CPU), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{usual, HomeEnv} {
		if !strings.Contains(warnings.String(), want) {
			t.Errorf("the warning %q does not name %q", warnings, want)
		}
	}
}
