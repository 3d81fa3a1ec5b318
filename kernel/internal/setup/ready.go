//go:build unix

package setup

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/backend/install"
)

// Elsewhere returns an error if GOSCIML_HOME leads to a data directory where nothing was set up, while another one has it all:
// nobody who only wants to work wants it downloaded a second time. `setup` itself does that when asked.
func Elsewhere(p place.Place) error {
	if _, err := os.Stat(install.VenvDir(p.Home)); err == nil {
		return nil
	}
	for _, home := range others() {
		other := place.Place{Home: home, Clone: p.Clone}
		if home == p.Home {
			continue
		}
		if _, err := other.Load(); err == nil {
			return fmt.Errorf("nothing is set up in the data directory %s; this clone is set up in %s: set %s to that, or run `go run ./kernel setup`, which needs a network, to set it up in the other one too",
				p.Home, home, backend.HomeEnv)
		}
	}
	return nil
}

// others are the data directories that may be meant: the one that is used if no other is named, and the one that this
// program is installed in.
func others() (homes []string) {
	if home, err := backend.DefaultHome(); err == nil {
		homes = append(homes, home)
	}
	if config, err := place.LoadBeside(); err == nil {
		homes = append(homes, config.Home)
	}
	return homes
}

// Ready tells whether a set-up of this place was completed and its lock files are still the same. It is a guess to
// decide how much to print: Run checks for itself, unless it may not write there, when this must do.
func Ready(ctx context.Context, p place.Place) bool {
	config, err := p.Load()
	if err != nil || !complete(config.Tools) {
		return false
	}
	dir, err := toolsDir(ctx, p)
	if err != nil || dir != config.Tools {
		return false
	}
	sum, err := os.ReadFile(filepath.Join(install.VenvDir(p.Home), ".gosciml-jupyter"))
	if err != nil || strings.TrimSpace(string(sum)) != install.Sum(requirementsJupyter) {
		return false
	}
	_, err = os.Stat(filepath.Join(p.Dir(), "warm.stamp"))
	return err == nil
}
