package optim

import "github.com/gomlx/gomlx/core/tensors"

// rebaser is a Direction that compares a point with the one before it.
type rebaser interface {
	// Rebase returns the state without what belongs to the previous point, because the objective has changed since.
	Rebase(state []*tensors.Tensor) []*tensors.Tensor
}

// rebase prepares the state of a direction for a changed objective.
func rebase(d Direction, state []*tensors.Tensor) []*tensors.Tensor {
	if r, ok := d.(rebaser); ok {
		return r.Rebase(state)
	}
	return state
}
