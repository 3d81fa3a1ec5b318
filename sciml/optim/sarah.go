package optim

import (
	"cmp"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/objective"
)

// SARAH is the stochastic recursive gradient method of Nguyen, Liu, Scheinberg and Takáč (2017, Algorithm 1): an estimate
// v of the gradient starts as that of all samples, and follows the iterates by differences,
//
//	v ← v + ∇f_B(θₖ) − ∇f_B(θₖ₋₁),   θₖ₊₁ = θₖ − αv
//
// The estimate is biased, but v itself tends to zero between two snapshots, where the steps of SVRG keep a constant
// variance. The last iterate, rather than a random one, becomes the next snapshot. Cost and records are those of SVRG.
// The zero value is usable: fields that are zero take the defaults.
type SARAH struct {
	// Rate is the step size α; 1e-2 when zero. The theory asks for less than 2/L, the curvature of a batch.
	Rate float64
	// Batches say how samples are drawn.
	Batches objective.Batches
	// Every is the number of iterations between snapshots; when zero, as many as make two passes over the samples.
	Every int
}

// Name implements Method.
func (SARAH) Name() string { return "SARAH" }

// Start implements Method.
func (m SARAH) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	m.Rate = cmp.Or(m.Rate, 1e-2)
	return startSnapshots(obj, theta, "SARAH", m.Rate, m.Batches, m.Every, sarahRule{rate: m.Rate})
}

// sarahRule remembers the last iterate and the estimate there. At a snapshot they are the iterate itself and its
// gradient, so that the first difference is zero.
type sarahRule struct {
	snapshotState
	rate float64
}

func (r sarahRule) Step(b *objective.Batch, theta *graph.Node, state []*graph.Node) move {
	here := b.At(theta)
	estimate := graph.Add(graph.Sub(here.Gradient, b.At(state[0]).Gradient), state[1])
	return move{
		loss: here.Loss, gradient: estimate, step: graph.MulScalar(estimate, -r.rate), next: []*graph.Node{theta, estimate},
	}
}
