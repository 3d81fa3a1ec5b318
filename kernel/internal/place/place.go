//go:build unix

// Package place knows where things are: the clone this program was started from, and what set-up keeps for it in the
// data directory.
package place

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gosciml/gosciml/internal/atomicfile"
	"github.com/gosciml/gosciml/sciml/backend"
)

// Module is the path of the module whose clone the kernel makes importable.
const Module = "github.com/gosciml/gosciml"

// KernelName is the name of the kernelspec; notebooks carry it in their metadata.
const KernelName = "gosciml"

// DisplayName is what JupyterLab calls the kernel.
const DisplayName = "Go (SciML)"

// Place is a clone together with the data directory. Two clones may share a data directory: what belongs to one of
// them lies in a folder of its own, what only depends on a lock file is shared.
type Place struct {
	Home  string // data directory
	Clone string // root of the clone, links resolved
	Own   string // where this user keeps things, see Settle; empty means the data directory
}

// Find returns the place of the clone that the working directory is in, or else of the one this program was built in.
func Find() (Place, error) {
	home, err := backend.Home()
	if err != nil {
		return Place{}, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return Place{}, err
	}
	clone, ok := moduleRoot(dir)
	if !ok {
		_, file, _, _ := runtime.Caller(0) // a relative path if built with -trimpath
		if clone, ok = moduleRoot(filepath.Dir(file)); !ok {
			return Place{}, fmt.Errorf("there is no clone of %s around %s: change into your clone first", Module, dir)
		}
	}
	if clone, err = filepath.EvalSymlinks(clone); err != nil {
		return Place{}, err
	}
	if strings.ContainsAny(clone, ",\n") {
		return Place{}, fmt.Errorf("the clone lies in %q, and GoNB cannot use a path with a comma or a line break: move it", clone)
	}
	return Place{Home: home, Clone: clone}, nil
}

// moduleRoot walks up to the go.mod that names our module.
func moduleRoot(dir string) (string, bool) {
	if !filepath.IsAbs(dir) {
		return "", false
	}
	for ; ; dir = filepath.Dir(dir) {
		data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			for line := range strings.Lines(string(data)) {
				if strings.TrimSpace(line) == "module "+Module {
					return dir, true
				}
			}
		}
		if dir == filepath.Dir(dir) {
			return "", false
		}
	}
}

// Dir is the folder for what belongs to this clone.
func (p Place) Dir() string {
	sum := sha256.Sum256([]byte(p.Clone))
	return filepath.Join(p.Home, "clones", hex.EncodeToString(sum[:4]))
}

// Binary is the copy of this program that the kernelspec starts.
func (p Place) Binary() string { return filepath.Join(p.Dir(), "gosciml-kernel") }

// Jupyter is a folder that Jupyter gets for itself: "config", "data", "runtime", "settings" …
func (p Place) Jupyter(name string) string {
	if p.Own == "" {
		return filepath.Join(p.Home, "jupyter", name)
	}
	return filepath.Join(p.Own, "jupyter", name)
}

// JupyterPath is the folder in which Jupyter finds the kernelspec of this clone.
func (p Place) JupyterPath() string { return filepath.Join(p.Dir(), "jupyter") }

// Spec is the folder of this clone's kernelspec.
func (p Place) Spec() string { return filepath.Join(p.JupyterPath(), "kernels", KernelName) }

// UserSpec is the folder of the kernelspec that the user's other Jupyter servers find. The clone that was set up last
// owns it.
func UserSpec() (string, error) {
	if dir := os.Getenv("JUPYTER_DATA_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "kernels", KernelName), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("there is no home directory: %w", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Jupyter", "kernels", KernelName), nil
	}
	data := filepath.Join(home, ".local", "share")
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		data = dir
	}
	return filepath.Join(data, "jupyter", "kernels", KernelName), nil
}

// Config is what set-up tells the kernel, which may be started without any of the user's shell settings.
type Config struct {
	Home  string            `json:"home"`
	Clone string            `json:"clone"`
	Go    string            `json:"go"`    // the go command of the toolchain the clone asks for
	Tools string            `json:"tools"` // folder of gonb, goimports and gopls
	Env   map[string]string `json:"env"`   // Go's own settings: caches and the like
}

const configName = "config.json"

// Save writes the configuration of this clone's kernel.
func (p Place) Save(c Config) error {
	data, err := json.MarshalIndent(c, "", "\t")
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(p.Dir(), configName), append(data, '\n'), 0o644)
}

// Load reads the configuration of this clone's kernel.
func (p Place) Load() (Config, error) { return load(p.Dir()) }

// LoadBeside reads the configuration that lies beside the running program.
func LoadBeside() (Config, error) {
	exe, err := os.Executable()
	if err != nil {
		return Config{}, err
	}
	return load(filepath.Dir(exe))
}

func load(dir string) (Config, error) {
	var c Config
	data, err := os.ReadFile(filepath.Join(dir, configName))
	if errors.Is(err, os.ErrNotExist) {
		return c, fmt.Errorf("the kernel is not set up (%s is missing): run `go run ./kernel setup` in your clone of gosciml", filepath.Join(dir, configName))
	}
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("%s is damaged (%w): run `go run ./kernel setup` in your clone of gosciml", filepath.Join(dir, configName), err)
	}
	return c, nil
}

// WriteFile writes a file in one piece, creating the folders above it.
func WriteFile(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, data, mode)
}
