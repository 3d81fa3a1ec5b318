//go:build unix

// Package setup prepares everything the kernel needs: Python with JupyterLab, XLA's plug-in, GoNB and its tools, the
// kernelspec, and a warm build cache. Each step leaves a stamp of what it was made from, so a second run only does
// what has changed since, and needs no network.
package setup

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gosciml/gosciml/internal/child"
	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/kernel/internal/progress"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/backend/install"
)

//go:embed requirements-jupyter.txt
var requirementsJupyter []byte

// Options of Run.
type Options struct {
	CUDA bool     // install the plug-in for NVIDIA GPUs as well
	Log  *os.File // where to show progress; nil shows nothing
}

// Run does the whole set-up for a place. Without XLA's plug-in (no network, no build for the platform) it goes on,
// as the pure-Go back end remains, and says so; anything else that fails ends it, above all a plug-in whose hash is wrong.
// In a data directory that this user cannot write to it does nothing, and fails if something is left to do.
func Run(ctx context.Context, p place.Place, o Options) error {
	if err := jupyterSettings(p); err != nil {
		return err
	}
	if !place.Writable(p.Home) {
		if Ready(ctx, p) && !o.CUDA {
			if o.Log == nil {
				return userSpec(p, io.Discard)
			}
			return userSpec(p, o.Log)
		}
		return fmt.Errorf("user %d cannot write to the data directory %s%s, and the clone %s is not set up in it as it is now: have its owner run `go run ./kernel setup` there, or set %s to a folder of yours",
			os.Getuid(), p.Home, ownedBy(p.Home), p.Clone, backend.HomeEnv)
	}
	steps := []struct {
		name     string
		optional bool
		work     func(ctx context.Context, detail io.Writer) error
	}{
		{"Python environment with JupyterLab", false, func(ctx context.Context, detail io.Writer) error {
			return install.Requirements(ctx, p.Home, "jupyter", requirementsJupyter, detail)
		}},
		{"XLA plug-in for the CPU", true, install.CPU},
		{"XLA plug-in for NVIDIA GPUs", true, install.CUDA},
		{"Go modules", false, func(ctx context.Context, detail io.Writer) error { return modules(ctx, p, detail) }},
		{"GoNB, goimports and gopls", false, func(ctx context.Context, detail io.Writer) error { return tools(ctx, p, detail) }},
		{"kernel " + place.DisplayName, false, func(ctx context.Context, detail io.Writer) error { return kernel(ctx, p, detail) }},
		{"warm build cache", false, func(ctx context.Context, detail io.Writer) error { return warm(ctx, p, detail) }},
		{"programs of the first chapter", false, func(ctx context.Context, detail io.Writer) error { return chapters(ctx, p, detail) }},
	}
	if !o.CUDA {
		steps = append(steps[:2], steps[3:]...)
	}

	log := progress.New(o.Log, len(steps))
	var say io.Writer = io.Discard
	if o.Log != nil {
		say = o.Log
	}
	unlock, err := install.Lock(ctx, p.Home, "setup", say)
	if err != nil {
		return err
	}
	defer unlock()
	for _, s := range steps {
		err := log.Step(s.name, func(detail io.Writer) error { return s.work(ctx, detail) })
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("set-up stopped during the step %q; running it again goes on from there", s.name)
		case err != nil && s.optional && !errors.Is(err, install.ErrHash):
			fmt.Fprintf(os.Stderr, "%s: %v\nGoing on without it: GoMLX's pure-Go back end works too, 5 to 12 times slower. `go run ./kernel doctor` says more.\n", s.name, err)
		case err != nil:
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// ownedBy names the owner of a folder, in words to put behind its name.
func ownedBy(dir string) string {
	if info, err := os.Stat(dir); err == nil {
		if owner, ok := place.Owner(info); ok && owner != os.Getuid() {
			return fmt.Sprintf(", which belongs to user %d", owner)
		}
	}
	return ""
}

// Missing returns, in words, what set-up needs from the system and cannot install itself.
func Missing() []string {
	var missing []string
	if _, err := exec.LookPath("go"); err != nil {
		missing = append(missing, "the go command is not on PATH: install Go 1.26 or newer and add its bin folder to PATH")
	}
	if _, err := CCompiler(); err != nil {
		missing = append(missing, err.Error())
	}
	return missing
}

// CCompiler returns the C compiler that cgo will use, or an error that says how to get one.
func CCompiler() (string, error) {
	name := os.Getenv("CC")
	if name == "" {
		if out, err := child.Output(exec.Command("go", "env", "CC")); err == nil {
			name = strings.TrimSpace(string(out))
		}
	}
	if name == "" {
		name = "gcc"
	}
	path, err := exec.LookPath(strings.Fields(name)[0])
	if err != nil {
		return "", fmt.Errorf("there is no C compiler (%s), without which programs cannot be linked with XLA: install one (Debian and Ubuntu: sudo apt install gcc libc6-dev; macOS: xcode-select --install)", name)
	}
	return path, nil
}

// stamped runs work unless the stamp file already holds the given key.
func stamped(path, key string, work func() error) error {
	if have, err := os.ReadFile(path); err == nil && string(have) == key {
		return nil
	}
	if err := work(); err != nil {
		return err
	}
	return place.WriteFile(path, []byte(key), 0o644)
}

// describedHTML is the template of pages that JupyterLab exports.
//
//go:embed described.html.j2
var describedHTML string

// exports are settings of nbconvert, by which JupyterLab exports notebooks. Figures are there as SVG and as PNG: of the two, LaTeX
// gets the PNG, as only Inkscape would make something of the SVG. Slides and pages for printing are kinds of HTML
// that keep their own templates.
func exports(templates string) map[string]any {
	return map[string]any{
		"HTMLExporter":   map[string]any{"template_name": "described", "extra_template_basedirs": []string{templates}},
		"SlidesExporter": map[string]any{"template_name": "reveal"},
		"WebPDFExporter": map[string]any{"template_name": "webpdf"},
		"LatexExporter": map[string]any{
			"SVG2PDFPreprocessor":       map[string]any{"enabled": false},
			"ExtractOutputPreprocessor": map[string]any{"extract_output_types": []string{"image/png", "image/jpeg", "application/pdf"}},
		},
	}
}

// jupyterSettings writes the files that keep Jupyter from asking the network for news, updates and extensions, and that
// let it export notebooks with their figures.
func jupyterSettings(p place.Place) error {
	templates := filepath.Join(p.Jupyter("config"), "nbconvert")
	server := exports(templates)
	server["LabApp"] = map[string]any{
		"check_for_updates_class": "jupyterlab.NeverCheckForUpdate", "extension_manager": "readonly", "news_url": nil,
	}
	server["KernelSpecManager"] = map[string]any{"ensure_native_kernel": false}
	server["MultiKernelManager"] = map[string]any{"default_kernel_name": place.KernelName}
	serverJSON, err := json.MarshalIndent(server, "", "\t")
	if err != nil {
		return err
	}
	files := map[string]string{
		"jupyter_server_config.json": string(serverJSON) + "\n",
		"labconfig/default_setting_overrides.json": `{
	"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false, "doNotDisturbMode": false},
	"@jupyterlab/completer-extension:manager": {"providerTimeout": 5000}
}
`,
		"labconfig/page_config.json": `{
	"disabledExtensions": {"@jupyterlab/extensionmanager-extension": true, "@jupyterlab/apputils-extension:announcements": true}
}
`,
		"nbconvert/described/conf.json": `{"base_template": "lab"}
`,
		"nbconvert/described/index.html.j2": describedHTML,
	}
	for name, text := range files {
		path := filepath.Join(p.Jupyter("config"), filepath.FromSlash(name))
		if have, err := os.ReadFile(path); err == nil && string(have) == text {
			continue
		}
		if err := place.WriteFile(path, []byte(text), 0o644); err != nil {
			return fmt.Errorf("cannot write Jupyter's settings: %w", err)
		}
	}
	for _, name := range []string{"data", "runtime", "settings", "workspaces"} {
		if err := os.MkdirAll(p.Jupyter(name), 0o700); err != nil {
			return fmt.Errorf("cannot create a folder for Jupyter: %w", err)
		}
	}
	return nil
}

// goCommand runs the go command; if it fails, the error ends with the last lines it printed.
func goCommand(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = dir, env
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var stdout, all strings.Builder
	cmd.Stdout = io.MultiWriter(&stdout, &all)
	cmd.Stderr = &all
	if err := child.Run(cmd); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if errors.Is(err, exec.ErrNotFound) {
			return "", errors.New("the go command is not on PATH: install Go 1.26 or newer and add its bin folder to PATH")
		}
		lines := strings.Split(strings.TrimSpace(all.String()), "\n")
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, strings.Join(lines[max(0, len(lines)-10):], "\n"))
	}
	return stdout.String(), nil
}
