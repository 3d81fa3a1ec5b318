package lab

import (
	"syscall"
)

// dieWithUs has the kernel end a process when this program is killed.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
