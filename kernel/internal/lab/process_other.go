//go:build unix && !linux

package lab

import (
	"syscall"
)

// dieWithUs does nothing here: there is no death signal on this system.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
