package backend

import (
	"errors"
	"fmt"
	"os"

	"github.com/gosciml/gosciml/sciml/backend/internal/plugin"
	"github.com/gosciml/gosciml/sciml/backend/internal/programs"
)

// Report says which back end Open would use in this process, and why.
type Report struct {
	Home      string // data directory, empty if there is none
	Config    string // value of GOMLX_BACKEND, empty if not set
	Backend   string // "XLA CPU", "XLA CUDA", "XLA (own plug-in)" or "pure Go"; empty if Err is set
	Plugin    string // the plug-in's file, empty for pure Go
	SHA256    string // the plug-in's hash, empty if it was not checked
	Check     string // what the hash was compared with: "locked", "recorded at installation" or "not checked, named in GOMLX_BACKEND"
	GPU       bool   // an NVIDIA GPU is there
	WhyNotXLA string // why the back end is pure Go although nobody asked for it
	Refused   bool   // a plug-in is there but its hash is wrong, which WhyNotXLA or Err tells
	WhyNoCUDA string // why the GPU is not used although there is one
	Err       error  // why Open would fail

	Cache      string // the folder of compiled programs, empty if they are not kept
	WhyNoCache string // why compiled programs are not kept
}

// Inspect finds out what Open would do, without opening anything. It takes milliseconds, or as long as hashing a
// plug-in of 270 MB if that has changed since the last look.
func Inspect() Report {
	r := Report{Config: os.Getenv(ConfigEnv), GPU: gpuPresent()}
	home, err := Home()
	if err != nil {
		r.Err = err
		return r
	}
	r.Home = home
	c, err := resolve(r.Config)
	if err != nil {
		r.Err, r.Refused = err, errors.Is(err, plugin.ErrRefused)
		return r
	}
	r.Refused = errors.Is(c.why, plugin.ErrRefused) || errors.Is(c.noCUDA, plugin.ErrRefused)
	r.Plugin, r.SHA256 = c.path, c.sha256
	switch c.kind {
	case "cpu":
		r.Backend = "XLA CPU"
	case "cuda":
		r.Backend = "XLA CUDA"
	case "other":
		r.Backend, r.Check = "XLA (own plug-in)", "not checked, named in GOMLX_BACKEND"
	default:
		r.Backend = "pure Go"
	}
	if c.sha256 != "" {
		r.Check = "recorded at installation"
		if c.locked {
			r.Check = "locked"
		}
	}
	r.cache(c)
	if c.why != nil {
		r.WhyNotXLA = withHint(c.why).Error()
	}
	if c.noCUDA != nil {
		r.WhyNoCUDA = c.noCUDA.Error()
	}
	return r
}

// Verify reads the plug-in of the report and returns an error if its hash is not the one that the report gives: Inspect and Open
// trust the stamp of an earlier look as long as size and time of the file stay the same. A report without a hash passes.
func (r Report) Verify() error {
	if r.SHA256 == "" {
		return nil
	}
	sum, err := plugin.Hash(r.Plugin)
	if err != nil {
		return fmt.Errorf("the plug-in %s cannot be read: %w", r.Plugin, err)
	}
	if sum != r.SHA256 {
		return fmt.Errorf("the plug-in %s is %w: its SHA-256 is %s, expected %s, although its size and time have not changed: remove it and %s",
			r.Plugin, plugin.ErrRefused, sum, r.SHA256, plugin.SetupHint)
	}
	return nil
}

// GoMLXConfig returns the value of GOMLX_BACKEND with which GoMLX's own functions open the back end of the report,
// empty if they should be left to themselves.
func (r Report) GoMLXConfig() string {
	switch r.Backend {
	case "XLA CPU":
		return "xla:cpu"
	case "XLA CUDA":
		return "xla:cuda"
	}
	return r.Config
}

// MostCacheBytes is the size that the cache of compiled programs is held to: those that were not used for longest go first.
const MostCacheBytes = programs.Most

// CacheSize counts the compiled programs in the folder of the report, and the bytes that they take, of at most MostCacheBytes. It looks at each
// file, of which there may be thousands.
func (r Report) CacheSize() (compiled int, bytes int64, err error) {
	if r.Cache == "" {
		return 0, 0, nil
	}
	return programs.Size(r.Cache)
}

// cache says where compiled programs are kept, or why they are not.
func (r *Report) cache(c choice) {
	made, err := newCache(c)
	if err != nil {
		r.WhyNoCache = err.Error()
		return
	}
	r.Cache = made.Folder()
}
