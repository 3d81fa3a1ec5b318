package install

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/backend/internal/plugin"
)

//go:embed requirements-xla-cuda.txt
var requirementsCUDA []byte

// CUDA installs XLA's plug-in for NVIDIA GPUs into the data directory, with the CUDA libraries it loads: 3.8 GB on
// disk. The NVIDIA driver itself (version 580 or newer) must be there. It works on linux/amd64
// and fails elsewhere.
func CUDA(ctx context.Context, log io.Writer) error {
	if _, ok := plugin.Locked(plugin.CUDA); !ok {
		return fmt.Errorf("XLA's plug-in for NVIDIA GPUs exists for linux/amd64, this is %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	home, err := backend.Home()
	if err != nil {
		return err
	}
	log = orDiscard(log)
	unlock, err := Lock(ctx, home, "install", log)
	if err != nil {
		return err
	}
	defer unlock()
	_, err = plugin.Find(home, plugin.CUDA)
	if err == nil {
		return nil
	}
	if !errors.Is(err, plugin.ErrMissing) {
		fmt.Fprintf(log, "installing the XLA CUDA plug-in anew: %v\n", err)
		if err := forget(home, plugin.CUDA); err != nil {
			return err
		}
	}
	return fromIndex(ctx, home, plugin.CUDA, requirementsCUDA, log)
}
