// Package plugin knows the PJRT plug-ins of XLA that this module works with: which builds are locked, where an
// installed one lies, and whether the file on disk still is the one that was locked.
package plugin

import (
	"runtime"
	"strings"
)

// Kind names a plug-in by the device it drives, as GoMLX does after the "xla:" in a back-end configuration.
type Kind string

// The plug-ins this module can install.
const (
	CPU  Kind = "cpu"
	CUDA Kind = "cuda"
)

// String returns the name of the kind as people write it.
func (k Kind) String() string { return strings.ToUpper(string(k)) }

// Lock pins one build of a plug-in.
type Lock struct {
	Package string // name on the Python index
	Version string
	File    string // path of the shared library inside site-packages, with forward slashes
	SHA256  string // of the shared library, lower-case hexadecimal
}

// locks holds the locked builds by kind and platform ("GOOS/GOARCH"). The hash of the archive that brings the file
// is locked a second time, in the requirements file the installer hands to pip.
var locks = map[Kind]map[string]Lock{
	CPU: {
		"linux/amd64": {
			Package: "fastatomstruct-xla-cpu",
			Version: "2026.6.23",
			File:    "fastatomstruct_xla_cpu/libpjrt_cpu.so",
			SHA256:  "0a0fe56ca17be9efc7b942e89e534e5e0ad4a0f1e369b66d27b62184509015b9",
		},
	},
	CUDA: {
		"linux/amd64": {
			Package: "jax-cuda13-pjrt",
			Version: "0.11.2",
			File:    "jax_plugins/xla_cuda13/xla_cuda_plugin.so",
			SHA256:  "43d3efd6fd43d8a5d9aa67176e830d81e4ad5fc19fda4ad09cdcc4aebd9f3920",
		},
	},
}

// Locked returns the build of the plug-in that is locked for the platform this program was built for. Without one
// (ok is false) the hash recorded when the plug-in was installed takes its place.
func Locked(kind Kind) (lock Lock, ok bool) {
	lock, ok = locks[kind][runtime.GOOS+"/"+runtime.GOARCH]
	return lock, ok
}
