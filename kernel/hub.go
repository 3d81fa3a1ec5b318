//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gosciml/gosciml/sciml/backend/install"
)

// hubCommand is called by JupyterHub's spawners, which know the server of a user by this name.
const hubCommand = "jupyterhub-singleuser"

// runHub becomes the server of a user of JupyterHub, from the Python environment of set-up. What the hub says by arguments and by
// its JUPYTERHUB_* variables goes on to it.
func runHub(ctx context.Context, args []string) error {
	p, err := here()
	if err != nil {
		return err
	}
	program := filepath.Join(install.VenvDir(p.Home), "bin", hubCommand)
	if _, err := os.Stat(program); err != nil {
		return fmt.Errorf("JupyterHub is not installed in %s: run `%s -m pip install jupyterhub==VERSION` with the version of your hub",
			install.VenvDir(p.Home), install.VenvPython(p.Home))
	}
	if err := prepareBriefly(ctx, p); err != nil {
		return err
	}
	env := p.JupyterEnv(os.Environ())
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "JUPYTERHUB_") {
			env = append(env, kv)
		}
	}
	if os.Geteuid() == 0 {
		args = append(args, "--allow-root")
	}
	return syscall.Exec(install.VenvPython(p.Home), append([]string{install.VenvPython(p.Home), "-m", "jupyterhub.singleuser"}, args...), env)
}
