//go:build unix

package setup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/sciml/backend"
)

// goSettings are the settings of Go that the kernel must share with this set-up, whatever shell it is started from.
var goSettings = []string{"GOPATH", "GOMODCACHE", "GOCACHE", "GOFLAGS", "GOSUMDB", "CC", "CXX"}

// toolchain asks the go command, in the clone, for the toolchain that the clone's go.mod selects, and its settings.
func toolchain(ctx context.Context, clone string) (gocmd, version string, env map[string]string, err error) {
	out, err := goCommand(ctx, clone, nil, append([]string{"env", "GOROOT", "GOVERSION"}, goSettings...)...)
	if err != nil {
		return "", "", nil, err
	}
	values := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(values) != 2+len(goSettings) {
		return "", "", nil, fmt.Errorf("go env printed %d lines, expected %d: %q", len(values), 2+len(goSettings), out)
	}
	env = map[string]string{}
	for i, name := range goSettings {
		if v := values[2+i]; v != "" {
			env[name] = v
		}
	}
	return filepath.Join(values[0], "bin", "go"), values[1], env, nil
}

// keyOf hashes files and words into a key for a stamp.
func keyOf(files []string, words ...string) (string, error) {
	h := sha256.New()
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n", filepath.Base(name), len(data))
		h.Write(data)
	}
	fmt.Fprintf(h, "%q", words)
	return hex.EncodeToString(h.Sum(nil)), nil
}

// modules fetches every module that the clone's go.mod names, and the go.mod of every module in the whole graph,
// which a workspace build wants to see although it uses none of them.
func modules(ctx context.Context, p place.Place, detail io.Writer) error {
	_, _, env, err := toolchain(ctx, p.Clone)
	if err != nil {
		return err
	}
	key, err := keyOf([]string{filepath.Join(p.Clone, "go.mod"), filepath.Join(p.Clone, "go.sum")}, env["GOMODCACHE"])
	if err != nil {
		return err
	}
	_, err = os.Stat(filepath.Join(env["GOMODCACHE"], "cache", "download"))
	stamp := filepath.Join(p.Dir(), "modules.stamp")
	if err != nil {
		_ = os.Remove(stamp) // the module cache was cleared
	}
	return stamped(stamp, key, func() error {
		fmt.Fprintln(detail, "fetching modules into", env["GOMODCACHE"])
		if _, err := goCommand(ctx, p.Clone, nil, "mod", "download"); err != nil {
			return err
		}
		_, err := goCommand(ctx, p.Clone, nil, "list", "-m", "all")
		return err
	})
}

// toolNames are the programs that GoNB looks for on PATH, and GoNB.
var toolNames = []string{"gonb", "goimports", "gopls"}

// tools builds the programs that kernel/tools/go.mod pins. Clones that pin the same share them.
func tools(ctx context.Context, p place.Place, detail io.Writer) error {
	dir, err := toolsDir(ctx, p)
	if err != nil {
		return err
	}
	if err := sweep(filepath.Dir(dir)); err != nil {
		return err
	}
	if complete(dir) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), building)
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	fmt.Fprintln(detail, "building the versions pinned in kernel/tools/go.mod; gopls takes longest")
	if _, err := goCommand(ctx, filepath.Join(p.Clone, "kernel", "tools"), append(os.Environ(), "GOWORK=off"),
		"build", "-buildvcs=false", "-ldflags=-s", "-o", fresh+string(filepath.Separator), "tool"); err != nil {
		return err
	}
	if err := os.Chmod(fresh, 0o755); err != nil {
		return err
	}
	_ = os.RemoveAll(dir) // an incomplete one
	return os.Rename(fresh, dir)
}

// building begins the names of folders that tools are built in.
const building = ".building-"

// sweep removes those that a set-up has left that was killed: the lock of set-up says that no other one is at work.
func sweep(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), building) {
			if err := os.RemoveAll(filepath.Join(folder, e.Name())); err != nil {
				return fmt.Errorf("cannot remove what a set-up that was killed has left: %w", err)
			}
		}
	}
	return nil
}

func complete(dir string) bool {
	for _, name := range toolNames {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

func toolsDir(ctx context.Context, p place.Place) (string, error) {
	_, version, _, err := toolchain(ctx, p.Clone)
	if err != nil {
		return "", err
	}
	pins := filepath.Join(p.Clone, "kernel", "tools")
	key, err := keyOf([]string{filepath.Join(pins, "go.mod"), filepath.Join(pins, "go.sum")}, version, runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return "", err
	}
	return filepath.Join(p.Home, "tools", key[:12]), nil
}

// warmPackages are what a notebook is likely to import.
var warmPackages = []string{"./sciml/...", "./kernel/internal/warm"}

// warm compiles what notebooks import, with the settings cells are built with.
func warm(ctx context.Context, p place.Place, detail io.Writer) error {
	config, err := p.Load()
	if err != nil {
		return err
	}
	_, version, env, err := toolchain(ctx, p.Clone)
	if err != nil {
		return err
	}
	key, err := keyOf([]string{filepath.Join(p.Clone, "go.mod"), filepath.Join(p.Clone, "go.sum")},
		append(warmPackages, version, env["GOCACHE"])...)
	if err != nil {
		return err
	}
	stamp := filepath.Join(p.Dir(), "warm.stamp")
	if _, err := os.Stat(filepath.Join(env["GOCACHE"], "README")); err != nil {
		_ = os.Remove(stamp) // the build cache was cleared
	}
	return stamped(stamp, key, func() error {
		fmt.Fprintln(detail, "compiling GoMLX, gonum and sciml for the first cell to start at once")
		cells := config.KernelEnv(os.Environ(), "", backend.Inspect().GoMLXConfig())
		_, err := goCommand(ctx, p.Clone, cells, append([]string{"build"}, warmPackages...)...)
		return err
	})
}
