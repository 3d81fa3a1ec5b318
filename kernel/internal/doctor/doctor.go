//go:build unix

// Package doctor says what is installed, which back end will compute, and what to do about what is wrong.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/kernel/internal/setup"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/backend/install"
)

// ErrSick says that something the kernel cannot do without is missing or broken; what has been printed already.
var ErrSick = errors.New("something essential is missing: see the lines marked with ✗")

const setupHint = "run `go run ./kernel setup`"

// Run prints the report. It returns ErrSick if something essential is broken; working without XLA is not.
func Run(ctx context.Context, p place.Place, out io.Writer) error {
	sick := false
	good := func(what, detail string) { fmt.Fprintf(out, "✓ %-14s %s\n", what, detail) }
	note := func(what, detail string) { fmt.Fprintf(out, "! %-14s %s\n", what, detail) }
	bad := func(what, detail string) { fmt.Fprintf(out, "✗ %-14s %s\n", what, detail); sick = true }

	fmt.Fprintf(out, "clone          %s\ndata directory %s\n\n", p.Clone, p.Home)

	ready := setup.Ready(ctx, p)
	for _, f := range folders(p, ready) {
		map[level]func(string, string){fine: good, worth: note, broken: bad}[f.level](f.name, f.detail)
	}
	if !ready {
		if err := setup.Elsewhere(p); err != nil {
			note("set-up", err.Error())
		}
	}

	if version, path := firstLine(ctx, "go", "version"); path == "" {
		bad("Go", "not on PATH: install Go 1.26 or newer and add its bin folder to PATH")
	} else {
		good("Go", strings.TrimPrefix(version, "go version ")+" ("+path+")")
	}
	if cc, err := setup.CCompiler(); err != nil {
		note("C compiler", err.Error())
	} else {
		good("C compiler", cc)
	}

	python := install.VenvPython(p.Home)
	if version, path := firstLine(ctx, python, "--version"); path == "" {
		bad("Python", fmt.Sprintf("there is no working environment in %s: %s", install.VenvDir(p.Home), setupHint))
	} else {
		good("Python", version+" ("+python+")")
		if version, path := firstLine(ctx, python, "-c", "import jupyterlab, nbclient; print(jupyterlab.__version__)"); path == "" {
			bad("JupyterLab", fmt.Sprintf("not installed, or damaged: remove %s and %s", install.VenvDir(p.Home), setupHint))
		} else {
			good("JupyterLab", version)
		}
	}

	config, err := p.Load()
	if err != nil {
		bad("kernel", err.Error())
	} else {
		if err := config.Usable(); err != nil {
			bad("kernel", err.Error())
		}
		for _, tool := range []struct{ name, arg string }{{"gonb", "-V"}, {"gopls", "version"}, {"goimports", ""}} {
			path := filepath.Join(config.Tools, tool.name)
			detail := path
			var err error
			if tool.arg == "" {
				_, err = os.Stat(path)
			} else {
				var out []byte
				out, err = exec.CommandContext(ctx, path, tool.arg).Output()
				line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
				detail = line + " (" + path + ")"
			}
			if err != nil {
				bad(tool.name, fmt.Sprintf("%s does not work (%v): %s", path, err, setupHint))
			} else {
				good(tool.name, detail)
			}
		}
		if _, err := os.Stat(filepath.Join(p.Spec(), "kernel.json")); err != nil {
			bad("kernelspec", fmt.Sprintf("%s is missing: %s", p.Spec(), setupHint))
		} else {
			good("kernelspec", fmt.Sprintf("%q (%s)", place.DisplayName, p.Spec()))
		}
		if user, err := place.UserSpec(); err == nil {
			if data, err := os.ReadFile(filepath.Join(user, "kernel.json")); err != nil {
				note("other Jupyters", fmt.Sprintf("do not see the kernel, %s is missing: %s", user, setupHint))
			} else if !strings.Contains(string(data), p.Binary()) {
				note("other Jupyters", fmt.Sprintf("%s starts the kernel of another clone; to change that, %s here", user, setupHint))
			} else {
				good("other Jupyters", user)
			}
		}
	}

	r := backend.Inspect()
	fmt.Fprintln(out)
	if r.Config != "" {
		note(backend.ConfigEnv, r.Config+" (set in the environment)")
	}
	if r.GPU {
		if r.Backend == "XLA CUDA" {
			good("GPU", "NVIDIA, used")
		} else {
			note("GPU", "NVIDIA, not used: "+orElse(r.WhyNoCUDA, "another back end was asked for")+"; to install its plug-in, run `go run ./kernel setup -cuda`")
		}
	} else {
		note("GPU", "no NVIDIA GPU, the CPU computes")
	}
	if r.Plugin != "" {
		if err := r.Verify(); err != nil {
			// Not even to try it: it is native code of unknown origin.
			bad("plug-in", err.Error())
			return ErrSick
		}
		good("plug-in", fmt.Sprintf("%s (SHA-256 %s)", r.Plugin, orElse(r.Check, "not checked")))
	}
	compiled, size, err := r.CacheSize()
	switch {
	case err != nil:
		note("programs", fmt.Sprintf("the compiled ones in %s cannot be listed: %v", r.Cache, err))
	case r.Cache != "":
		good("programs", fmt.Sprintf("%d compiled ones are kept in %s, %.0f of at most %d MB", compiled, r.Cache, float64(size)/1e6, backend.MostCacheBytes/1_000_000))
	case r.WhyNoCache != "":
		note("programs", "compiled ones are not kept: "+r.WhyNoCache)
	}
	switch {
	case r.WhyNotXLA != "" && r.Refused:
		bad("not XLA", r.WhyNotXLA)
	case r.WhyNotXLA != "":
		note("not XLA", r.WhyNotXLA)
	case r.Refused && r.WhyNoCUDA != "":
		bad("not CUDA", r.WhyNoCUDA)
	}
	switch {
	case r.Err != nil:
		bad("back end", r.Err.Error())
	default:
		if err := tryFloat64(r); err != nil {
			bad("back end", fmt.Sprintf("%s does not compute: %v", r.Backend, err))
		} else {
			good("back end:", fmt.Sprintf("%s (float64 ok), %s/%s, %d processors", r.Backend, runtime.GOOS, runtime.GOARCH, runtime.NumCPU()))
		}
	}
	if sick {
		return ErrSick
	}
	return nil
}

// tryFloat64 opens the back end and computes sin(1) with it to the last digits of float64.
func tryFloat64(r backend.Report) error {
	var b compute.Backend
	var err error
	if r.WhyNotXLA != "" {
		b, err = backend.OpenConfig("go") // the reason has been given; no second warning
	} else {
		b, err = backend.Open()
	}
	if err != nil {
		return err
	}
	got, err := graph.CallOnce(b, func(x *graph.Node) *graph.Node { return graph.Sin(x) }, []float64{1})
	if err != nil {
		return err
	}
	if y := got.Value().([]float64)[0]; math.Abs(y-math.Sin(1)) > 1e-15 {
		return fmt.Errorf("sin(1) = %.17g, expected %.17g", y, math.Sin(1))
	}
	return nil
}

// firstLine runs a program; path is empty if that fails.
func firstLine(ctx context.Context, name string, args ...string) (line, path string) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", ""
	}
	out, err := exec.CommandContext(ctx, path, args...).Output()
	if err != nil {
		return "", ""
	}
	line, _, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line, path
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
