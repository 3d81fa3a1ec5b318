// Package filelock lets one process at a time do what many may want to.
package filelock

import (
	"context"
	"time"
)

// Lock takes the lock of a file, which it makes if there is none, and returns what gives it back. While another process, or another part
// of this one, holds it, Lock waits; waiting, if not nil, is called once before that. A process that dies gives its locks back. The error is that of
// ctx when it is done before, or why files cannot be locked here.
func Lock(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	for told := false; ; told = true {
		taken, err := try(f)
		if taken {
			return func() { _ = f.Close() }, nil
		}
		if err != nil {
			_ = f.Close()
			return nil, err
		}
		if !told && waiting != nil {
			waiting()
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
