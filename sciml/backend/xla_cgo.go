//go:build cgo && (linux || darwin)

package backend

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"
)

const xlaLinked = true

var errNotLinked = errors.New("XLA is not linked into this program") // never returned in this build

// openXLA opens a plug-in by its path. The CPU plug-in gets one device (it would show four otherwise) and shares its
// buffers with the host.
func openXLA(c choice) (compute.Backend, error) {
	config := c.path
	options := pjrt.NamedValuesMap{}
	switch c.kind {
	case "cpu":
		config += ",shared_buffers"
		options["cpu_device_count"] = int64(1)
		flags := CPUFlags
		if c.locked {
			flags += " " + lockedFlags
		}
		for _, flag := range strings.Fields(flags) {
			if err := addXLAFlag(flag); err != nil {
				return nil, err
			}
		}
		keepPrograms(c)
	case "cuda":
		if err := findCUDATools(c.path); err != nil {
			return nil, err
		}
	}
	if c.options != "" {
		config += "," + c.options
	}
	// A plug-in named by the user is treated like ours if its name says it is for the CPU and it knows the option.
	if c.kind == "other" && strings.Contains(strings.ToLower(filepath.Base(c.path)), "cpu") {
		if b, err := xla.NewWithOptions(config, pjrt.NamedValuesMap{"cpu_device_count": int64(1)}); err == nil {
			return b, nil
		}
	}
	b, err := xla.NewWithOptions(config, options)
	if err != nil {
		return nil, err // not b: a nil *xla.Backend would make a non-nil interface
	}
	return b, nil
}

// findCUDATools tells XLA where the assembler and the device library of the installed CUDA are. The plug-in finds the
// libraries it links with by itself, relative to its own place in site-packages.
func findCUDATools(plugin string) error {
	dir := filepath.Join(filepath.Dir(plugin), "..", "..", "nvidia", "cu13")
	if _, err := os.Stat(dir); err != nil {
		return nil
	}
	if strings.ContainsAny(dir, " \t") {
		return errors.New("XLA cannot take the path of its CUDA tools with a space in it: set " + HomeEnv + " to a folder without one and run `go run ./kernel setup -cuda`")
	}
	if err := addXLAFlag("--xla_gpu_cuda_data_dir=" + filepath.Clean(dir)); err != nil {
		return err
	}
	return os.Setenv("GOPJRT_CUDA_CHECKS", "0") // go-xla looks for the libraries in another place and would warn
}

// addXLAFlag adds a flag to XLA_FLAGS, unless one of that name is there. XLA reads them when a plug-in first compiles.
func addXLAFlag(flag string) error {
	const variable = "XLA_FLAGS"
	name, _, _ := strings.Cut(flag, "=")
	flags := os.Getenv(variable)
	if strings.Contains(flags, name) {
		return nil
	}
	return os.Setenv(variable, strings.TrimSpace(flags+" "+flag))
}
