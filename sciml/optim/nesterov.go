package optim

import (
	"cmp"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// Nesterov is the accelerated gradient method (Nesterov 1983; O'Donoghue and Candès 2015, Algorithm 1):
//
//	x₊ = y − α∇f(y),   y₊ = x₊ + β(x₊ − x).
//
// Its iterate θ is y, where the gradient is taken; x differs from it by the momentum. Without Condition, β grows towards
// one as tₖ does, β = (t−1)/t₊ with t₊ = (1+√(1+4t²))/2: the loss falls as 1/k² for a convex f with α ≤ 1/L. Since that
// is too much momentum where f is strongly convex, Restart takes it back when it turns out to be.
// The zero value is usable: fields that are zero take the defaults.
type Nesterov struct {
	// Rate is the step size α, at most 1/L; 1e-2 when zero.
	Rate float64
	// Restart says when the momentum is set to zero.
	Restart Restart
	// Condition is κ = L/μ of a strongly convex f, at least 1: β is (√κ−1)/(√κ+1) from the beginning, and with α = 1/L
	// the distance to the minimizer falls by the factor √(1−1/√κ) an iteration or better, on a quadratic by 1−1/√κ
	// (Nesterov 2004, section 2.2). Zero where it is not known.
	Condition float64
	// Schedule changes the rate; nil for a constant one.
	Schedule Schedule
}

// Restart says when Nesterov's method drops its momentum (O'Donoghue and Candès 2015, section 3.2).
type Restart int

// The choices for Nesterov.Restart.
const (
	// NoRestart keeps the momentum.
	NoRestart Restart = iota
	// FunctionRestart drops it when the loss has risen, f(y) > f(y₋). The paper compares f(x), which would be one more evaluation.
	FunctionRestart
	// GradientRestart drops it when it leads uphill, ∇f(y)ᵀ(x₊−x) > 0.
	GradientRestart
)

// Name implements Method.
func (Nesterov) Name() string { return "Nesterov" }

// Start implements Method.
func (m Nesterov) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	return startDirect(m, obj, theta)
}

// Direct implements Directed.
func (m Nesterov) Direct(obj *objective.Objective) (Direction, search.Search, error) {
	m.Rate = cmp.Or(m.Rate, 1e-2)
	if err := checkSettings("Nesterov", positive("Rate", m.Rate),
		setting{"Condition", m.Condition, m.Condition == 0 || m.Condition >= 1 && device.Finite(m.Condition), "a finite number, at least 1 (or 0 where it is not known)"},
		choice("Restart", m.Restart, "NoRestart", "FunctionRestart", "GradientRestart")); err != nil {
		return nil, nil, err
	}
	d, err := withSchedule("Nesterov", nesterovRule{m}, m.Schedule)
	return d, nil, err
}

type nesterovRule struct{ Nesterov }

// The state of nesterovRule: y − x; t − 1; the previous loss, and whether there is one.
const (
	nesterovOffset = iota
	nesterovTime
	nesterovLoss
	nesterovKnown
)

func (nesterovRule) State(dim int, dtype dtypes.DType) []shapes.Shape {
	return []shapes.Shape{
		nesterovOffset: shapes.Make(dtype, dim),
		nesterovTime:   shapes.Make(dtype),
		nesterovLoss:   shapes.Make(dtype),
		nesterovKnown:  shapes.Make(dtype),
	}
}

func (r nesterovRule) Step(p *objective.Point, factor *graph.Node, state []*graph.Node) (*graph.Node, []*graph.Node) {
	descent := descend(p.Gradient, factor, r.Rate)
	change := graph.Add(state[nesterovOffset], descent) // x₊ − x
	zero, one := graph.ZerosLike(p.Loss), graph.OnesLike(p.Loss)

	t := graph.AddScalar(state[nesterovTime], 1)
	grow := func(t *graph.Node) *graph.Node {
		return graph.MulScalar(graph.AddScalar(graph.Sqrt(graph.AddScalar(graph.MulScalar(graph.Square(t), 4), 1)), 1), 0.5)
	}
	var beta *graph.Node
	if root := math.Sqrt(r.Condition); root > 0 {
		beta = graph.MulScalar(one, (root-1)/(root+1))
	} else {
		beta = graph.Div(state[nesterovTime], grow(t))
	}
	restart := graph.NotEqual(zero, zero)
	switch r.Restart {
	case FunctionRestart:
		restart = graph.LogicalAnd(graph.GreaterThan(state[nesterovKnown], zero), graph.GreaterThan(p.Loss, state[nesterovLoss]))
	case GradientRestart:
		restart = graph.GreaterThan(device.Dot(p.Gradient, change), zero)
	}
	t, beta = graph.Where(restart, one, t), graph.Where(restart, zero, beta)
	offset := graph.Mul(beta, change)
	return graph.Add(descent, offset), []*graph.Node{
		nesterovOffset: offset,
		nesterovTime:   graph.AddScalar(grow(t), -1),
		nesterovLoss:   p.Loss,
		nesterovKnown:  one,
	}
}

// Rebase implements Rebaser: the momentum stays, but the next loss is one of another function.
func (nesterovRule) Rebase(state []*tensors.Tensor) []*tensors.Tensor {
	state = slices.Clone(state)
	state[nesterovKnown] = tensors.FromShape(state[nesterovKnown].Shape())
	return state
}
