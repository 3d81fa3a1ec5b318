//go:build !windows

package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

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
	f, err := os.OpenFile(filepath.Join(home, name+".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the data directory: %w; set GOSCIML_HOME to a folder you can write to", err)
	}
	for told := false; ; told = true {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			_ = f.Close()
			return nil, fmt.Errorf("cannot lock %s: %w", f.Name(), err)
		}
		if !told {
			fmt.Fprintf(log, "waiting for another set-up that is at work in %s\n", home)
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
