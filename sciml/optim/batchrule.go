package optim

import (
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/objective"
)

// move is what a batchRule does with a batch.
type move struct {
	loss, gradient *graph.Node // for the record: the loss of the batch, and the estimate of the gradient
	step           *graph.Node
	next           []*graph.Node // state
	// complete says whether the batch completes a step; until then θ stays, and state takes what the rule gathered. Nil
	// where each batch does.
	complete *graph.Node
}

// batchRule makes steps out of batches.
type batchRule interface {
	// State gives the shapes of what it remembers; all of it starts as zeros.
	State(obj *objective.Objective) []shapes.Shape
	// Step builds the step from θ.
	Step(b *objective.Batch, theta *graph.Node, state []*graph.Node) move
	// Snapshot takes note of θ and of the gradient there of all samples, which become known from time to time.
	Snapshot(state []*tensors.Tensor, theta, gradient *tensors.Tensor) []*tensors.Tensor
	// Rebase returns the state without what belongs to the objective before its data changed.
	Rebase(state []*tensors.Tensor) []*tensors.Tensor
}

// ownsState is a batchRule whose state is its own business alone.
type ownsState struct{}

func (ownsState) Snapshot(state []*tensors.Tensor, _, _ *tensors.Tensor) []*tensors.Tensor {
	return state
}

func (ownsState) Rebase(state []*tensors.Tensor) []*tensors.Tensor { return state }
