//go:build unix

package headless

import (
	"context"
	"errors"
	"io"

	"github.com/gosciml/gosciml/kernel/internal/place"
)

// Latency measures how fast cells come back.
func Latency(ctx context.Context, p place.Place, n int, out io.Writer) error {
	return errors.New("todo")
}
