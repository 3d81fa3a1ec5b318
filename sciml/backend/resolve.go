package backend

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gosciml/gosciml/sciml/backend/internal/plugin"
)

// choice is what a configuration comes down to on this machine.
type choice struct {
	kind    string // "cpu", "cuda" or "other" for an XLA plug-in, "go" for the pure-Go back end
	path    string // the plug-in to open
	sha256  string // its hash, if checked
	locked  bool   // the hash is locked in this module
	options string // what followed the name in the configuration, after a comma or (for "go") a colon
	why     error  // why XLA is not used although nobody asked for the pure-Go back end
	noCUDA  error  // why CUDA is not used although there is a GPU
}

// resolve finds out which back end a configuration means. It opens nothing.
func resolve(config string) (choice, error) {
	name, rest, _ := strings.Cut(config, ":")
	if filepath.IsAbs(config) {
		name, rest = "xla", config
	}
	switch name {
	case "go":
		return choice{kind: "go", options: rest}, nil
	case "":
		return automatic(), nil
	case "xla", "stablehlo", "shlo", "hlo":
	default:
		return choice{}, fmt.Errorf("%s is %q, expected \"go\", \"xla\", \"xla:cpu\", \"xla:cuda\" or \"xla:\" with the absolute path of a PJRT plug-in: set it to one of these, or unset it",
			ConfigEnv, config)
	}

	device, options, _ := strings.Cut(rest, ",")
	if !xlaLinked {
		return choice{}, fmt.Errorf("%s asks for %q, but %w", ConfigEnv, config, errNotLinked)
	}
	c := choice{options: options}
	var err error
	switch {
	case filepath.IsAbs(device):
		if _, err := os.Stat(device); err != nil {
			return choice{}, fmt.Errorf("%s asks for the plug-in %q, which cannot be read (%w): correct the path", ConfigEnv, device, err)
		}
		c.kind, c.path = "other", device
		return c, nil
	case device == "cpu" || device == "cuda":
		c, err = installed(plugin.Kind(device))
	case device == "":
		c = automatic()
		err = c.why
	default:
		return choice{}, fmt.Errorf("%s asks for the plug-in %q, expected cpu, cuda or an absolute path: correct it, or unset %s",
			ConfigEnv, device, ConfigEnv)
	}
	if err != nil {
		return choice{}, fmt.Errorf("%s asks for %q, but %w", ConfigEnv, config, withHint(err))
	}
	c.options = options
	return c, nil
}

// automatic prefers CUDA, then XLA on the CPU, then pure Go.
func automatic() choice {
	if !xlaLinked {
		return choice{kind: "go", why: errNotLinked}
	}
	var noCUDA error
	if gpuPresent() {
		c, err := installed(plugin.CUDA)
		if err == nil {
			return c
		}
		noCUDA = err
	}
	c, err := installed(plugin.CPU)
	if err != nil {
		return choice{kind: "go", why: err, noCUDA: noCUDA}
	}
	c.noCUDA = noCUDA
	return c
}

func installed(kind plugin.Kind) (choice, error) {
	home, err := Home()
	if err != nil {
		return choice{}, err
	}
	found, err := plugin.Find(home, kind)
	if errors.Is(err, plugin.ErrMissing) && os.Getenv(HomeEnv) != "" {
		if other, e := DefaultHome(); e == nil && other != home {
			if _, e := os.Stat(plugin.Link(other, kind)); e == nil {
				return choice{}, fmt.Errorf("%w (%s leads there; %s has it: unset %[2]s to use that)", err, HomeEnv, other)
			}
		}
	}
	if err != nil {
		return choice{}, err
	}
	// go-xla takes a path that contains one of these words for a CUDA plug-in and sets its options accordingly.
	if up := strings.ToUpper(found.Path); kind == plugin.CPU && (strings.Contains(up, "CUDA") || strings.Contains(up, "NVIDIA")) {
		return choice{}, fmt.Errorf("the path %s contains the word \"cuda\" or \"nvidia\", which makes go-xla take the CPU plug-in for another: set %s to a folder without it and %s",
			found.Path, HomeEnv, plugin.SetupHint)
	}
	return choice{kind: string(kind), path: found.Path, sha256: found.SHA256, locked: found.Locked}, nil
}

// withHint adds the way out to the one error that does not carry it yet.
func withHint(err error) error {
	if errors.Is(err, plugin.ErrMissing) {
		return fmt.Errorf("%w: %s", err, plugin.SetupHint)
	}
	return err
}
