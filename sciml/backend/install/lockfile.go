//go:build !windows

package install

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gosciml/gosciml/internal/filelock"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Lock takes the named lock in the data directory home, waiting until no other process holds it, and returns the
// function that gives it back. A process that dies gives it back as well.
func Lock(ctx context.Context, home, name string, log io.Writer) (unlock func(), err error) {
	if err := usercode.CheckContext("install", ctx); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(home, 0o755); err != nil {
		return nil, fmt.Errorf("cannot create the data directory: %w; set GOSCIML_HOME to a folder you can write to", err)
	}
	unlock, err = filelock.Lock(ctx, filepath.Join(home, name+".lock"), func() {
		fmt.Fprintf(log, "waiting for another set-up that is at work in %s\n", home)
	})
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("cannot lock the data directory: %w; set GOSCIML_HOME to a folder you can write to", err)
	}
	return unlock, err
}
