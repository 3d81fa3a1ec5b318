// Package backend opens the fastest back end that GoMLX can compute with on this machine: XLA through a PJRT plug-in
// (CUDA if there is a GPU and its plug-in is installed, else the CPU), or GoMLX's own pure-Go back end when there is
// no plug-in. Falling back to pure Go is never silent: one line on standard error says why, and what to do.
//
// The environment variable GOMLX_BACKEND overrides the choice:
//
//	go              pure Go, without a warning
//	xla             XLA on the GPU or else the CPU, an error if neither plug-in is installed
//	xla:cpu         XLA on the CPU, an error if its plug-in is not installed
//	xla:cuda        XLA on the GPU, an error if its plug-in is not installed
//	xla:/path/x.so  this plug-in and no other; its hash is not checked
//
// Options of GoMLX's XLA back end may follow after a comma, as in "xla:cuda,tf32=false".
//
// XLA's programs, once compiled, are kept on disk: see CacheEnv.
//
// A plug-in is native code, so an installed one is used only if its SHA-256 is the one locked in this module (or, on
// platforms without a lock, the one recorded when it was installed).
package backend

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"

	"github.com/gosciml/gosciml/sciml/backend/internal/plugin"
)

// ConfigEnv names the environment variable, shared with GoMLX, that overrides the choice of a back end.
const ConfigEnv = compute.ConfigEnvVar

var (
	mu     sync.Mutex
	opened = map[string]compute.Backend{}
	warned = new(sync.Once)

	warnTo io.Writer = os.Stderr
)

// Open returns the back end for this process: the one GOMLX_BACKEND asks for, else the fastest that is installed. If
// that is the pure-Go one, one line on standard error says why (once in a process). The same back end is returned on
// every call; do not call its Finalize while others may use it.
//
// It fails if GOMLX_BACKEND asks for something that is not there, or if a plug-in is there but cannot be opened.
func Open() (compute.Backend, error) { return OpenConfig(os.Getenv(ConfigEnv)) }

// OpenConfig is Open with the given configuration in place of the value of GOMLX_BACKEND.
func OpenConfig(config string) (compute.Backend, error) {
	mu.Lock()
	defer mu.Unlock()
	if b := opened[config]; b != nil && !b.IsFinalized() {
		return b, nil
	}
	c, err := resolve(config)
	if err != nil {
		return nil, err
	}
	var b compute.Backend
	if c.kind == "go" {
		if c.why != nil {
			warn(c.why)
		}
		if b, err = gobackend.New(goOptions(c.options)); err != nil {
			return nil, fmt.Errorf("%s is %q: %w", ConfigEnv, config, err)
		}
	} else if b, err = openXLA(c); err != nil {
		return nil, fmt.Errorf("the XLA plug-in %s cannot be opened: %w; set %s=go to compute without it", c.path, err, ConfigEnv)
	}
	opened[config] = b
	return b, nil
}

// goOptions are options for the pure-Go back end, with operations one after the other unless something else was asked
// for. Run in parallel each holds a worker, large matrix products wait for a free one, and with two of them on two cores
// they wait for ever (compute v0.1.6). Inside of an operation the work is shared all the same.
func goOptions(asked string) string {
	if strings.Contains(asked, "ops_") {
		return asked
	}
	return strings.TrimSuffix("ops_sequential,"+asked, ",")
}

func warn(why error) {
	warned.Do(func() {
		fix := "; " + plugin.SetupHint
		if withHint(why) == why {
			fix = "" // the reason names its own way out
		}
		fmt.Fprintf(warnTo, "gosciml: computing in pure Go, 5 to 12 times slower than with XLA, because %v%s (GOMLX_BACKEND=go silences this)\n", why, fix)
	})
}
