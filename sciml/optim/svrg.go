package optim

import (
	"cmp"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/objective"
)

// SVRG is the stochastic variance reduced gradient method of Johnson and Zhang (2013, with option I): from time to time it
// takes a snapshot θ̃ with the gradient of all samples, and in between its steps are
//
//	θ ← θ − α(∇f_B(θ) − ∇f_B(θ̃) + ∇f(θ̃))
//
// The variance of that estimate vanishes as θ and θ̃ approach a minimizer, so that a constant rate converges linearly on
// strongly convex sums. A step costs two gradients of a batch. Snapshots are the iterates whose records have Batch 0 and
// at which tolerances are checked; see MiniBatch. The zero value is usable: fields that are zero take the defaults.
type SVRG struct {
	// Rate is the step size α; 1e-2 when zero. The theory asks for less than about 1/L, the curvature of a batch.
	Rate float64
	// Batches say how samples are drawn.
	Batches objective.Batches
	// Every is the number of iterations between snapshots; when zero, as many as make two passes over the samples.
	Every int
}

// Name implements Method.
func (SVRG) Name() string { return "SVRG" }

// Start implements Method.
func (m SVRG) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	m.Rate = cmp.Or(m.Rate, 1e-2)
	return startSnapshots(obj, theta, "SVRG", m.Rate, m.Batches, m.Every, svrgRule{rate: m.Rate})
}

func startSnapshots(obj *objective.Objective, theta *tensors.Tensor, owner string, rate float64, b objective.Batches, every int, r batchRule) (Stepper, error) {
	if err := checkSettings(owner, positive("Rate", rate), optional("Every", every, "the default")); err != nil {
		return nil, err
	}
	batches, err := b.Sampler(obj, owner)
	if err != nil {
		return nil, err
	}
	every = cmp.Or(every, (2*obj.NumSamples()+batches.Size()-1)/batches.Size())
	return startStochastic(obj, theta, plan{rule: r, batches: batches, perStep: 1, cost: 2, every: every})
}

// snapshotState is the state of a rule that begins at snapshots: a point and an estimate of the gradient there.
type snapshotState struct{}

func (snapshotState) State(obj *objective.Objective) []shapes.Shape {
	vector := shapes.Make(obj.Precision(), obj.Dim)
	return []shapes.Shape{vector, vector}
}

func (snapshotState) Snapshot(_ []*tensors.Tensor, theta, gradient *tensors.Tensor) []*tensors.Tensor {
	return []*tensors.Tensor{theta, gradient}
}

// Rebase implements batchRule: a new snapshot follows at once.
func (snapshotState) Rebase(state []*tensors.Tensor) []*tensors.Tensor { return state }

// svrgRule keeps the snapshot and its gradient until the next one.
type svrgRule struct {
	snapshotState
	rate float64
}

func (r svrgRule) Step(b *objective.Batch, theta *graph.Node, state []*graph.Node) move {
	here := b.At(theta)
	estimate := graph.Add(graph.Sub(here.Gradient, b.At(state[0]).Gradient), state[1])
	return move{loss: here.Loss, gradient: estimate, step: graph.MulScalar(estimate, -r.rate), next: state}
}
