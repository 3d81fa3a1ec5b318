// Package install puts XLA's plug-ins, and the Python environment they come in, into GoSciML's data directory. All
// of it is safe to call again, from several processes at once, and costs milliseconds (and no network) when there is
// nothing left to do.
package install

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/backend/internal/plugin"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// ErrHash says that what came is not what was locked: it was damaged on its way, or somebody put another thing in its place.
// Errors that wrap it name the package or file, the hash expected and the hash found.
var ErrHash = errors.New("what was downloaded is not what is locked")

//go:embed requirements-xla-cpu.txt
var requirementsCPU []byte

// CPU installs XLA's CPU plug-in into the data directory (see [backend.Home]). What it does goes to log, a line at a
// time; log may be nil.
//
// On linux/amd64 the plug-in is a package of the Python index, locked by hash. On other platforms go-xla's installer
// downloads the official one, and its hash is recorded.
func CPU(ctx context.Context, log io.Writer) error {
	return ensure(ctx, plugin.CPU, log, installCPU)
}

// ensure runs install, under the lock, unless the plug-in is there; one that was refused is removed first.
func ensure(ctx context.Context, kind plugin.Kind, log io.Writer, install func(ctx context.Context, home string, log io.Writer) error) error {
	home, err := backend.Home()
	if err != nil {
		return err
	}
	if err := usercode.CheckContext("install", ctx); err != nil {
		return err
	}
	if _, err := plugin.Find(home, kind); err == nil {
		return nil // without the lock, which needs a data directory that can be written to
	}
	log = orDiscard(log)
	unlock, err := Lock(ctx, home, "install", log)
	if err != nil {
		return err
	}
	defer unlock()
	_, err = plugin.Find(home, kind)
	if err == nil {
		return nil // another process was faster
	}
	if !errors.Is(err, plugin.ErrMissing) {
		fmt.Fprintf(log, "installing the XLA %s plug-in anew: %v\n", strings.ToUpper(string(kind)), err)
		if err := forget(home, kind); err != nil {
			return err
		}
	}
	return install(ctx, home, log)
}

// fromIndex installs a locked plug-in from the Python index.
func fromIndex(ctx context.Context, home string, kind plugin.Kind, requirementsFile []byte, log io.Writer) error {
	lock, ok := plugin.Locked(kind)
	if !ok {
		return fmt.Errorf("there is no XLA %s plug-in for this platform", kind)
	}
	if err := requirements(ctx, home, "xla-"+string(kind), requirementsFile, log); err != nil {
		return err
	}
	found, err := filepath.Glob(filepath.Join(globQuote(VenvDir(home)), "lib", "python3*", "site-packages", filepath.FromSlash(lock.File)))
	if err != nil || len(found) == 0 {
		return fmt.Errorf("the package %s %s is installed, but its file %s is not in %s: remove that folder and %s",
			lock.Package, lock.Version, lock.File, VenvDir(home), plugin.SetupHint)
	}
	if err := plugin.Record(home, kind, found[0]); errors.Is(err, plugin.ErrRefused) {
		return fmt.Errorf("%w: %w", ErrHash, err)
	} else if err != nil {
		return err
	}
	return nil
}

// forget removes a plug-in that was refused, so that it gets installed again.
func forget(home string, kind plugin.Kind) error {
	for _, path := range []string{plugin.Link(home, kind), filepath.Join(VenvDir(home), ".gosciml-xla-"+string(kind))} {
		if real, err := filepath.EvalSymlinks(path); err == nil && real != path {
			_ = os.Remove(real)
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("cannot remove a plug-in that was refused: %w", err)
		}
	}
	return nil
}

// globQuote makes a path mean itself in a pattern of filepath.Glob.
func globQuote(path string) string {
	quoted := make([]rune, 0, len(path))
	for _, r := range path {
		switch r {
		case '*', '?', '[', '\\':
			quoted = append(quoted, '\\')
		}
		quoted = append(quoted, r)
	}
	return string(quoted)
}
