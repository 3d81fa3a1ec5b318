package install

import (
	"context"
	"errors"
	"io"
)

// Lock fails: nothing here installs on Windows itself.
func Lock(context.Context, string, string, io.Writer) (func(), error) {
	return nil, errors.New("installation works on Linux and macOS, not on Windows itself: use the Windows Subsystem for Linux")
}
