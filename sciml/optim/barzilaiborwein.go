package optim

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// BarzilaiBorwein is gradient descent with a step size that satisfies the secant equation for a multiple of the identity
// (Barzilai and Borwein 1988): with s and y the last changes of θ and of the gradient, sᵀs/sᵀy or sᵀy/yᵀy. The loss
// rises now and then. On convex quadratics it converges by itself, and about as fast as conjugate gradients; elsewhere
// Longest or Search guards it. Where sᵀy is negative the step size doubles, where it is about zero it stays what it was.
// The zero value is usable: fields that are zero take the defaults.
type BarzilaiBorwein struct {
	// Size chooses between the two.
	Size BBSize
	// Rate is the size of the first step; when zero the first step is −∇f(θ), but not longer than one.
	Rate float64
	// Longest bounds the length ‖s‖ of a step, which makes the method converge for every strongly convex f with a
	// Lipschitz gradient if it is small enough (Burdakov, Dai and Huang 2019, "Stabilized Barzilai–Borwein method"); no
	// bound when zero.
	Longest float64
	// Search decides how much of each step to take; nil for all of it, in a loop on the device.
	Search search.Search
}

// BBSize is the choice between the two step sizes of Barzilai and Borwein.
type BBSize int

// The choices for BarzilaiBorwein.Size.
const (
	// LongBB is sᵀs/sᵀy.
	LongBB BBSize = iota
	// ShortBB is sᵀy/yᵀy.
	ShortBB
	// AlternatingBB takes both in turn, the long one first (Dai and Fletcher 2005).
	AlternatingBB
)

// Name implements Method.
func (BarzilaiBorwein) Name() string { return "Barzilai–Borwein" }

// Start implements Method.
func (m BarzilaiBorwein) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	return startDirect(m, obj, theta)
}

// Direct implements Directed.
func (m BarzilaiBorwein) Direct(obj *objective.Objective) (Direction, search.Search, error) {
	if err := checkSettings("BarzilaiBorwein", notNegative("Rate", m.Rate), notNegative("Longest", m.Longest),
		choice("Size", m.Size, "LongBB", "ShortBB", "AlternatingBB")); err != nil {
		return nil, nil, err
	}
	if m.Search != nil {
		return bbDirection{m}, m.Search, nil
	}
	return bbDirection{m}, nil, nil
}

type bbDirection struct{ BarzilaiBorwein }

// The state of bbDirection: the previous θ and gradient, and whether there are any; the last step size, zero before
// there is one; one if the short one is next.
const (
	bbTheta = iota
	bbGradient
	bbKnown
	bbRate
	bbShort
)

func (bbDirection) State(dim int, dtype dtypes.DType) []shapes.Shape {
	return []shapes.Shape{
		bbTheta:    shapes.Make(dtype, dim),
		bbGradient: shapes.Make(dtype, dim),
		bbKnown:    shapes.Make(dtype),
		bbRate:     shapes.Make(dtype),
		bbShort:    shapes.Make(dtype),
	}
}

func (d bbDirection) Step(p *objective.Point, state []*graph.Node) (*graph.Node, []*graph.Node) {
	zero, one := graph.ZerosLike(state[bbRate]), graph.OnesLike(state[bbRate])
	size := device.Norm(p.Gradient)
	first := graph.Min(one, graph.Reciprocal(size))
	if d.Rate > 0 {
		first = graph.MulScalar(one, d.Rate)
	}
	before := graph.Where(graph.GreaterThan(state[bbRate], zero), state[bbRate], first)

	s, y := graph.Sub(p.Theta, state[bbTheta]), graph.Sub(p.Gradient, state[bbGradient])
	sy, ss, yy := device.Dot(s, y), device.Dot(s, s), device.Dot(y, y)
	floor := graph.MulScalar(graph.Mul(graph.Sqrt(ss), graph.Sqrt(yy)), device.Epsilon(s.DType()))
	useful := graph.LogicalAnd(graph.GreaterThan(state[bbKnown], zero), graph.GreaterThan(sy, floor))
	long, short := graph.Div(ss, sy), graph.Div(sy, yy)
	var rate *graph.Node
	switch d.Size {
	case LongBB:
		rate = long
	case ShortBB:
		rate = short
	default:
		rate = graph.Where(graph.GreaterThan(state[bbShort], zero), short, long)
	}
	useful = graph.LogicalAnd(useful, graph.LogicalAnd(graph.IsFinite(rate), graph.GreaterThan(rate, zero))) // where sums underflow
	negative := graph.LogicalAnd(graph.GreaterThan(state[bbKnown], zero), graph.LessThan(sy, graph.Neg(floor)))
	longer := graph.MulScalar(before, 2)
	longer = graph.Where(graph.LogicalAnd(negative, graph.IsFinite(longer)), longer, before)
	rate = graph.Where(useful, rate, longer)
	step := graph.Neg(graph.Mul(rate, p.Gradient))
	if d.Longest > 0 {
		length := graph.Mul(rate, size)
		longest := graph.MulScalar(one, d.Longest)
		step = graph.Where(graph.GreaterThan(length, longest), graph.Mul(step, graph.Div(longest, length)), step)
	}
	return step, []*graph.Node{
		bbTheta:    p.Theta,
		bbGradient: p.Gradient,
		bbKnown:    one,
		bbRate:     rate,
		bbShort:    graph.Where(useful, graph.Sub(one, state[bbShort]), state[bbShort]),
	}
}

// Rebase implements Rebaser: the step size stays, but the next change of the gradient would be one of different objectives.
func (bbDirection) Rebase(state []*tensors.Tensor) []*tensors.Tensor {
	state = slices.Clone(state)
	state[bbKnown] = tensors.FromShape(state[bbKnown].Shape())
	return state
}
