//go:build cgo && (linux || darwin)

package backend

import (
	"errors"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"
)

const xlaLinked = true

var errNotLinked = errors.New("XLA is not linked into this program") // never returned in this build

// openXLA opens a plug-in by its path. The CPU plug-in gets one device (it would show four otherwise) and shares its
// buffers with the host; a plug-in named by the user gets GoMLX's defaults.
func openXLA(c choice) (compute.Backend, error) {
	config := c.path
	options := pjrt.NamedValuesMap{}
	if c.kind == "cpu" {
		config += ",shared_buffers"
		options["cpu_device_count"] = int64(1)
	}
	if c.options != "" {
		config += "," + c.options
	}
	b, err := xla.NewWithOptions(config, options)
	if err != nil {
		return nil, err // not b: a nil *xla.Backend would make a non-nil interface
	}
	return b, nil
}
