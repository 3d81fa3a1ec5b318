package install

import (
	"context"
	"io"

	"github.com/gosciml/gosciml/sciml/backend/internal/plugin"
)

func installCPU(ctx context.Context, home string, log io.Writer) error {
	return fromIndex(ctx, home, plugin.CPU, requirementsCPU, log)
}
