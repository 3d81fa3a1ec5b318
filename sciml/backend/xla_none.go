//go:build !cgo || !(linux || darwin)

package backend

import (
	"errors"

	"github.com/gomlx/compute"
)

const xlaLinked = false

// Go turns cgo off by itself when it finds no C compiler, which is the usual way to get here.
var errNotLinked = errors.New("this program was built without cgo, which XLA needs: install a C compiler (Debian: gcc libc6-dev, macOS: xcode-select --install) and build with CGO_ENABLED=1 on Linux or macOS")

func openXLA(choice) (compute.Backend, error) { return nil, errNotLinked }
