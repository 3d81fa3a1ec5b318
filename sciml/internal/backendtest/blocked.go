package backendtest

import (
	"sync/atomic"

	"github.com/gomlx/compute"
)

// Blocked is a program that is not compiled before it is released.
type Blocked struct {
	// Backend is where it is.
	Backend *Watched
	// Reached is closed when that is to begin, and Release is to be closed to let it go on.
	Reached, Release chan struct{}
}

// Block has a back end hold up the program of that number, from 0, of those that it is asked to compile.
func Block(b compute.Backend, number int) *Blocked {
	k := &Blocked{Backend: Watch(b), Reached: make(chan struct{}), Release: make(chan struct{})}
	var begun atomic.Int64
	k.Backend.Building = func(string) {
		if begun.Add(1) == int64(number)+1 {
			close(k.Reached)
			<-k.Release
		}
	}
	return k
}

// IsReached reports whether its turn has come.
func (k *Blocked) IsReached() bool {
	select {
	case <-k.Reached:
		return true
	default:
		return false
	}
}
