package optim

import (
	"cmp"
	"fmt"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// MultiBatchLBFGS is stochastic L-BFGS of Berahas, Nocedal and Takáč (2016, Algorithm 1): consecutive batches share some
// of their samples, and a correction pair compares gradients of these alone, so that y is a change of one function and not
// a difference of two. Steps are −αHg with the gradient g of the whole batch and a constant α. A pair is skipped where
// its curvature sᵀy is not safely positive. A step costs 1 + 2·Overlap gradients of a batch.
// The zero value is usable: fields that are zero take the defaults. See MiniBatch for what is recorded.
type MultiBatchLBFGS struct {
	// Rate is α; 0.3 when zero. Like that of SGD it sets how far from a minimizer the iterates keep wandering, but in units
	// of the step of Newton's method.
	Rate float64
	// Memory is the number of correction pairs kept; 10 when zero.
	Memory int
	// Longest bounds the length of a step, which noise in the pairs can make very long; no bound when zero.
	Longest float64
	// Overlap is the part of a batch that the next one shares, above 0 and below 1; 0.5 when zero. The samples shared should
	// be enough to determine the curvature: the worse conditioned the problem, the more.
	Overlap float64
	// Batches say how samples are drawn. A batch has at least two samples of each group.
	Batches objective.Batches
	// Measure is the number of iterations between measurements of all samples; 100 when zero.
	Measure int
	// MaxMemory is the most that the pairs may need, in bytes; 4 GiB when zero, or 256 vectors of the length of θ where they are more.
	MaxMemory int64
}

// Name implements Method.
func (MultiBatchLBFGS) Name() string { return "multi-batch L-BFGS" }

// Start implements Method.
func (m MultiBatchLBFGS) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	m.Rate, m.Overlap = cmp.Or(m.Rate, 0.3), cmp.Or(m.Overlap, 0.5)
	if err := checkSettings("MultiBatchLBFGS", positive("Rate", m.Rate), notNegative("Longest", m.Longest),
		positive("Overlap", m.Overlap), fraction("Overlap", m.Overlap), optional("Memory", m.Memory, "the default")); err != nil {
		return nil, err
	}
	m.Memory = cmp.Or(m.Memory, 10)
	if err := needMemory(obj, "MultiBatchLBFGS", fmt.Sprintf("%d pairs", m.Memory), pairNumbers(obj, m.Memory), m.MaxMemory); err != nil {
		return nil, err
	}
	every, err := measureEvery("MultiBatchLBFGS", m.Measure)
	if err != nil {
		return nil, err
	}
	batches, err := m.Batches.Sampler(obj, "MultiBatchLBFGS")
	if err != nil {
		return nil, err
	}
	shared, sharedAll := batches.Overlap(m.Overlap), 0
	for _, n := range shared {
		sharedAll += n
	}
	return startStochastic(obj, theta, plan{
		rule: multiBatchRule{MultiBatchLBFGS: m, shared: shared}, batches: batches, perStep: 1,
		cost: 1 + 2*float64(sharedAll)/float64(batches.Size()), every: every,
	})
}

// multiBatchRule has the state of lbfgsDirection, where the previous gradient is that of the samples shared with the
// batch to come.
type multiBatchRule struct {
	ownsState
	MultiBatchLBFGS
	shared []int
}

func (r multiBatchRule) pairs() lbfgsDirection { return lbfgsDirection{memory: r.Memory} }

func (r multiBatchRule) State(obj *objective.Objective) []shapes.Shape {
	return r.pairs().State(obj.Dim, obj.Precision())
}

// curvature is the least cosine between s and y of a pair that is kept.
const curvature = 1e-4

func (r multiBatchRule) Step(b *objective.Batch, theta *graph.Node, state []*graph.Node) move {
	shared := b.Head(r.shared).At(theta)
	s, y := graph.Sub(theta, state[lbfgsTheta]), graph.Sub(shared.Gradient, state[lbfgsGradient])
	floor := graph.MulScalar(graph.Mul(device.Norm(s), device.Norm(y)), curvature)
	// A pair with y = 0 is none.
	shared.Gradient = graph.Where(graph.GreaterThan(device.Dot(s, y), floor), shared.Gradient, state[lbfgsGradient])
	next := r.pairs().learn(shared, state)
	next[lbfgsGradient] = b.Tail(r.shared).At(theta).Gradient

	p := b.At(theta)
	// Without a pair: steepest descent, not longer than one.
	one := graph.ScalarOne(theta.Graph(), theta.DType())
	first := graph.Mul(p.Gradient, graph.Min(one, graph.Reciprocal(device.Norm(p.Gradient))))
	empty := graph.Equal(next[lbfgsGamma], graph.ZerosLike(next[lbfgsGamma]))
	step := graph.MulScalar(graph.Where(empty, first, inverseHessianProduct(p.Gradient, next)), -r.Rate)
	if r.Longest > 0 {
		length := device.Norm(step)
		step = graph.Mul(step, graph.Min(one, graph.Div(graph.MulScalar(one, r.Longest), length)))
	}
	return move{loss: p.Loss, gradient: p.Gradient, step: step, next: next}
}

// Rebase implements batchRule.
func (r multiBatchRule) Rebase(state []*tensors.Tensor) []*tensors.Tensor {
	return r.pairs().Rebase(state)
}
