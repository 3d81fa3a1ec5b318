package atomicfile

import (
	"errors"
	"os"
)

// lock fails: nothing is swept here.
func lock(*os.File) error { return errors.ErrUnsupported }

// finish puts the file in its place once it is closed, since an open one stays where it is.
func finish(f *os.File, target string, put func(fresh, target string) error) error {
	if err := f.Close(); err != nil {
		return err
	}
	return put(f.Name(), target)
}
