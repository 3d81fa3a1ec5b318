package setup

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/sciml/backend/install"
)

// Ready tells whether a set-up of this place was completed and its lock files are still the same. It is a guess to
// decide how much to print: Run checks for itself.
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
