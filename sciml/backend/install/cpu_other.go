//go:build !(linux && amd64)

package install

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/gomlx/go-xla/installer"

	"github.com/gosciml/gosciml/sciml/backend/internal/plugin"
)

// installCPU leaves the download to go-xla and records the hash of what came, which Find holds later uses to.
func installCPU(_ context.Context, home string, log io.Writer) error {
	dir := filepath.Join(home, "go-xla")
	fmt.Fprintln(log, "downloading the XLA CPU plug-in with go-xla's installer")
	if err := installer.CPUAutoInstall(dir, true, installer.Quiet); err != nil {
		return fmt.Errorf("go-xla's installer could not download the XLA CPU plug-in: %w", err)
	}
	found, err := filepath.Glob(filepath.Join(globQuote(dir), "pjrt_c_api_cpu_*_plugin.*"))
	if err != nil || len(found) == 0 {
		return fmt.Errorf("go-xla's installer left no XLA CPU plug-in in %s", dir)
	}
	return plugin.Record(home, plugin.CPU, found[len(found)-1])
}
