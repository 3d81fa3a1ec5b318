package sciml_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows are the imports that there may be between the packages of this module, tests aside. They point one way, from what is
// for users down to what computes; see docs/design.md. An arrow that nobody uses is to be removed from here.
var arrows = map[string][]string{
	"sciml": {"sciml/backend", "sciml/diagnose", "sciml/internal/device", "sciml/internal/sealed", "sciml/internal/usercode", "sciml/nn", "sciml/objective", "sciml/optim", "sciml/pde", "sciml/pinn", "sciml/plot", "sciml/sample"},

	"sciml/pinn":   {"sciml/autodiff", "sciml/internal/device", "sciml/internal/sealed", "sciml/internal/usercode", "sciml/nn", "sciml/objective", "sciml/pde", "sciml/sample"},
	"sciml/sample": {"sciml/internal/usercode", "sciml/pde"},
	"sciml/pde":    {"sciml/autodiff", "sciml/internal/usercode", "sciml/pde/reference"},
	"sciml/nn":     {"sciml/autodiff", "sciml/internal/usercode"},

	"sciml/diagnose":     {"sciml/internal/device", "sciml/internal/usercode", "sciml/linalg", "sciml/objective", "sciml/optim"},
	"sciml/optim":        {"sciml/autodiff", "sciml/internal/device", "sciml/internal/sealed", "sciml/internal/usercode", "sciml/linalg", "sciml/objective", "sciml/optim/search"},
	"sciml/optim/search": {},
	"sciml/objective":    {"sciml/autodiff", "sciml/internal/device", "sciml/internal/usercode", "sciml/linalg"},
	"sciml/linalg":       {},
	"sciml/autodiff":     {},

	"sciml/plot": {"internal/atomicfile"}, "sciml/show": {"internal/shown"}, "sciml/keep": {"internal/atomicfile", "internal/filelock", "sciml/internal/sealed"}, "sciml/optim/functions": {},
	"sciml/pde/reference":           {"sciml/internal/sealed", "sciml/internal/usercode"},
	"sciml/backend":                 {"sciml/backend/internal/plugin", "sciml/backend/internal/programs"},
	"sciml/backend/install":         {"internal/atomicfile", "internal/child", "internal/filelock", "sciml/backend", "sciml/backend/internal/plugin", "sciml/internal/usercode"},
	"sciml/backend/internal/plugin": {"internal/atomicfile"}, "sciml/backend/internal/programs": {"internal/atomicfile"},

	"sciml/internal/device": {"sciml/internal/usercode"}, "sciml/internal/sealed": {"internal/atomicfile"}, "internal/atomicfile": {}, "internal/child": {}, "internal/filelock": {}, "internal/shown": {}, "sciml/internal/usercode": {},
	"sciml/internal/backendtest": {"sciml/backend", "sciml/backend/install"}, // for tests

	// What stands on the library may use any of its public packages, and nothing uses it.
	"tutorials/lesson": {"sciml", "sciml/optim", "sciml/pde"}, "tutorials/chapter": {},

	"bench": {"internal/atomicfile", "sciml", "sciml/autodiff", "sciml/backend", "sciml/nn", "sciml/objective", "sciml/optim", "sciml/optim/functions", "sciml/optim/search", "sciml/pde", "sciml/pinn", "sciml/plot", "sciml/sample"},
}

// TestImports: imports point downwards only, and nothing imports the kernel, the examples or the measurements.
func TestImports(t *testing.T) {
	const module = "github.com/gosciml/gosciml"
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = errors.New(string(exit.Stderr))
		}
		t.Fatal(err)
	}
	inModule := func(path string) (string, bool) { return strings.CutPrefix(path, module+"/") }
	seen := map[string]bool{}
	for packages := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name, _ := inModule(p.ImportPath)
		seen[name] = true
		var imports []string
		for _, path := range p.Imports {
			if path == "encoding/gob" && name != "sciml/internal/sealed" {
				t.Errorf("%s imports %s, whose decoder leaves what was set before where it finds a zero: use sealed.Encode and sealed.Decode", name, path)
			}
			if imported, ok := inModule(path); ok {
				imports = append(imports, imported)
			}
		}
		if strings.HasPrefix(name, "kernel") || strings.HasPrefix(name, "examples/") {
			for _, imported := range imports {
				if !strings.HasPrefix(imported, "kernel/") && !strings.HasPrefix(imported, "internal/") && !strings.HasPrefix(imported, "sciml") && imported != "tutorials/chapter" {
					t.Errorf("%s imports %s", name, imported)
				}
			}
			continue
		}
		allowed, known := arrows[name]
		if !known {
			t.Errorf("there is a package %s, which the table of imports does not have", name)
		}
		for _, imported := range imports {
			if !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s, expected at most %q", name, imported, allowed)
			}
		}
		for _, path := range allowed {
			if !slices.Contains(imports, path) {
				t.Errorf("%s may import %s, but does not: the table of imports has an arrow too many", name, path)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(arrows)) {
		if !seen[name] {
			t.Errorf("there is no package %s, which the table of imports has", name)
		}
	}
}
