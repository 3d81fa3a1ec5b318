//go:build unix

package setup

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gosciml/gosciml/kernel/internal/place"
)

//go:embed logo.svg
var logo []byte

// spec is a kernelspec: https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs
type spec struct {
	Argv          []string          `json:"argv"`
	DisplayName   string            `json:"display_name"`
	Language      string            `json:"language"`
	InterruptMode string            `json:"interrupt_mode"`
	Metadata      map[string]string `json:"metadata"`
}

// kernel copies this program to where kernelspecs can rely on it, writes its configuration, and the kernelspecs: one
// that only this clone's `lab` and `run` see, and one for the user's other Jupyter servers, which belongs to the
// clone that was set up last.
func kernel(ctx context.Context, p place.Place, detail io.Writer) error {
	gocmd, _, env, err := toolchain(ctx, p.Clone)
	if err != nil {
		return err
	}
	tools, err := toolsDir(ctx, p)
	if err != nil {
		return err
	}
	if err := copySelf(p.Binary()); err != nil {
		return err
	}
	if err := p.Save(place.Config{Home: p.Home, Clone: p.Clone, Go: gocmd, Tools: tools, Env: env}); err != nil {
		return err
	}
	data, err := specOf(p)
	if err != nil {
		return err
	}
	if err := writeSpec(p.Spec(), data); err != nil {
		return err
	}
	return userSpec(p, detail)
}

// specOf is the kernelspec of a clone.
func specOf(p place.Place) ([]byte, error) {
	data, err := json.MarshalIndent(spec{
		Argv:          []string{p.Binary(), "kernel", "{connection_file}"},
		DisplayName:   place.DisplayName,
		Language:      "go",
		InterruptMode: "message",
		Metadata:      map[string]string{"clone": p.Clone},
	}, "", " ")
	return append(data, '\n'), err
}

// userSpec shows the kernel to the user's other Jupyter servers. Where their folder cannot be written to it says so and goes
// on: `lab` and `run` do not need it.
func userSpec(p place.Place, detail io.Writer) error {
	data, err := specOf(p)
	if err != nil {
		return err
	}
	user, err := place.UserSpec()
	if err == nil {
		err = writeSpec(user, data)
	}
	if err != nil {
		fmt.Fprintf(detail, "%v: other Jupyter servers do not see the kernel, `lab` and `run` do\n", err)
	}
	return nil
}

func writeSpec(dir string, spec []byte) error {
	for name, content := range map[string][]byte{"kernel.json": spec, "logo-svg.svg": logo} {
		if have, err := os.ReadFile(filepath.Join(dir, name)); err == nil && bytes.Equal(have, content) {
			continue
		}
		if err := place.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return fmt.Errorf("cannot write the kernelspec: %w", err)
		}
	}
	return nil
}

// copySelf copies the running program, unless the copy there is the same. `go run` deletes or replaces its own.
func copySelf(to string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	self, err := os.ReadFile(exe)
	if err != nil {
		return err
	}
	if have, err := os.ReadFile(to); err == nil && bytes.Equal(have, self) {
		return nil
	}
	if err := place.WriteFile(to, self, 0o755); err != nil {
		return fmt.Errorf("cannot install the kernel: %w", err)
	}
	return nil
}
