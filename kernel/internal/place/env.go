//go:build unix

package place

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gosciml/gosciml/sciml/backend"
)

// ProxyEnv holds the user's own GOPROXY, which KernelEnv switches off, for `go get` typed in a cell. It is empty where
// the user has none: Go takes an empty GOPROXY for one that is not set, then looks at what `go env -w` wrote, then at its
// default.
const ProxyEnv = "GOSCIML_GOPROXY"

// KernelEnv returns the environment for GoNB and, through it, for the cells: base (in the form of os.Environ) with
// what makes builds fast, independent of the network and of settings the user has for other work.
// gomlxBackend, if not empty, tells code that opens a back end with GoMLX alone which one to take.
func (c Config) KernelEnv(base []string, tmp, gomlxBackend string) []string {
	env := map[string]string{}
	for _, kv := range base {
		key, value, _ := strings.Cut(kv, "=")
		env[key] = value
	}
	for key, value := range c.Env {
		if _, ok := env[key]; !ok {
			env[key] = value
		}
	}
	// A workspace switched off, vendoring or another target would break every cell.
	for _, key := range []string{"GOWORK", "GO111MODULE", "GOOS", "GOARCH", "GOEXPERIMENT"} {
		delete(env, key)
	}
	env["PATH"] = strings.Join(slices.DeleteFunc([]string{c.Tools, filepath.Dir(c.Go), env["PATH"]},
		func(s string) bool { return s == "" }), string(os.PathListSeparator))
	env["GOTOOLCHAIN"] = "local" // the toolchain on PATH is the one the clone asks for
	env["GO_EXTLINK_ENABLED"] = "0"
	env["GOFLAGS"] = goFlags(env["GOFLAGS"])
	// Off may be our own work, by a kernel around this one or by the image, which then left the user's setting here.
	if _, ok := env[ProxyEnv]; !ok || env["GOPROXY"] != "off" {
		env[ProxyEnv] = env["GOPROXY"]
	}
	env["GOPROXY"] = "off" // GoNB calls `go get` before each build: this makes it return at once
	env["GOSCIML_HOME"] = c.Home
	env["PJRT_PLUGIN_LIBRARY_PATH"] = joinList(filepath.Join(c.Home, "plugins"), env["PJRT_PLUGIN_LIBRARY_PATH"])
	if env["GOMLX_BACKEND"] == "" && gomlxBackend != "" {
		env["GOMLX_BACKEND"] = gomlxBackend
	}
	if env["GOMLX_BACKEND"] == "xla:cpu" && env["XLA_FLAGS"] == "" {
		env["XLA_FLAGS"] = backend.CPUFlags // as backend.Open does, for cells that use GoMLX alone
	}
	if env["GLIBC_TUNABLES"] == "" {
		env["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1" // XLA allocates large results anew each time; see docs/backend.md
	}
	if tmp != "" {
		env["TMPDIR"] = tmp
	}
	return flatten(env)
}

// goFlags keeps the user's flags but those that change how modules resolve, and leaves out symbol tables, which
// halves the time to link; panics still show file and line.
func goFlags(user string) string {
	var flags []string
	for _, f := range strings.Fields(user) {
		name := strings.TrimLeft(f, "-")
		if strings.HasPrefix(name, "mod=") || strings.HasPrefix(name, "modfile=") || strings.HasPrefix(name, "ldflags=") {
			continue
		}
		flags = append(flags, f)
	}
	return strings.Join(append(flags, "-ldflags=-s"), " ")
}

// JupyterEnv returns the environment for Jupyter itself: base with folders of its own, so that neither reads or
// writes what belongs to another installation of the user.
func (p Place) JupyterEnv(base []string) []string {
	env := map[string]string{}
	for _, kv := range base {
		key, value, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(key, "JUPYTER") || strings.HasPrefix(key, "PYTHON") || key == "VIRTUAL_ENV" {
			continue
		}
		env[key] = value
	}
	env["JUPYTER_CONFIG_DIR"] = p.Jupyter("config")
	env["JUPYTER_DATA_DIR"] = p.Jupyter("data")
	env["JUPYTER_RUNTIME_DIR"] = p.Jupyter("runtime")
	env["JUPYTERLAB_SETTINGS_DIR"] = p.Jupyter("settings")
	env["JUPYTERLAB_WORKSPACES_DIR"] = p.Jupyter("workspaces")
	env["JUPYTER_PATH"] = p.JupyterPath()
	env["JUPYTER_PLATFORM_DIRS"] = "0"
	env["PYTHONUNBUFFERED"] = "1"
	return flatten(env)
}

func joinList(first, rest string) string {
	if rest == "" {
		return first
	}
	return first + string(os.PathListSeparator) + rest
}

func flatten(env map[string]string) []string {
	list := make([]string, 0, len(env))
	for key, value := range env {
		list = append(list, key+"="+value)
	}
	slices.Sort(list)
	return list
}
