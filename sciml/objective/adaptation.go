package objective

import "github.com/gomlx/gomlx/core/tensors"

// Adaptation changes an objective while it is minimized, by replacing entries of its Data with others of the same
// shape: new collocation points, new weights. Nothing is compiled anew.
type Adaptation interface {
	// Every is the number of iterations between two changes, at least 1.
	Every() int
	// Adapt makes a change at θ (on the device), if one is due after that many iterations; it is asked before the first
	// one, too. Stuck says that the method cannot go on, or asks for it, so that a change is welcome out of turn. It reports whether
	// Data has changed: losses seen before are then of another function, and a method evaluates its iterate again.
	Adapt(iteration int, theta *tensors.Tensor, stuck bool) (changed bool, err error)
	// Save returns everything but Data that the changes to come depend on; Load takes it back, in a run that goes on.
	Save() ([]byte, error)
	Load(saved []byte) error
}
