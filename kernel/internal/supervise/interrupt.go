//go:build unix

package supervise

import (
	"os"
	"path/filepath"
	"syscall"
)

// process is a process of this machine, by its entry in the system's table.
type process struct {
	pid, parent int
	session     int    // on Linux
	memory      uint64 // resident, in bytes
	name        string
}

// running is GoNB for the front.
type running struct{ gonb *os.Process }

// Interrupt ends what GoNB runs for a cell. It passes an interrupt on to the user's program by itself, but not to goimports and
// the go command, which it waits for: those are killed, with the compilers they have started.
func (r running) Interrupt() {
	all := processes()
	compiling, executing := false, false
	for _, p := range all {
		if p.parent != r.gonb.Pid {
			continue
		}
		switch roleOf(p) {
		case compiler:
			compiling = true
			killTree(all, p.pid)
		case program:
			executing = true
		}
	}
	if executing && !compiling {
		_ = r.gonb.Signal(syscall.SIGINT)
	}
}

// A child of GoNB's is one of these.
type role int

const (
	program role = iota // of a cell
	compiler
	languageServer
)

func roleOf(childOfGoNB process) role {
	switch filepath.Base(childOfGoNB.name) {
	case "go", "goimports":
		return compiler
	case "gopls":
		return languageServer
	}
	return program
}

// killTree kills a process before its children, so that it does not take notice of their end.
func killTree(all []process, pid int) {
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for _, p := range all {
		if p.parent == pid {
			killTree(all, p.pid)
		}
	}
}
