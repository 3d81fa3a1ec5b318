package install

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"runtime"

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
	return ensure(ctx, plugin.CUDA, log, func(ctx context.Context, home string, log io.Writer) error {
		return fromIndex(ctx, home, plugin.CUDA, requirementsCUDA, log)
	})
}
