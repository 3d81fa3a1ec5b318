//go:build !unix

package filelock

import (
	"errors"
	"os"
)

func open(string) (*os.File, error) {
	return nil, errors.New("files are locked on Linux and macOS only")
}

func try(*os.File) (bool, error) { return false, errors.ErrUnsupported }
