package optim

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// LBFGS is the limited-memory BFGS method with a line search (Nocedal and Wright 2006, Algorithm 7.5), in the compact
// form of Byrd, Nocedal and Schnabel (1994, Theorem 2.2).
// The zero value is usable: fields that are zero take the defaults.
type LBFGS struct {
	// Memory is the number m of correction pairs kept; 20 when zero.
	Memory int
	// Search decides the length of each step; StrongWolfe{} when nil.
	Search Search
}

// Name implements Method.
func (l LBFGS) Name() string { return "L-BFGS" }

// Start implements Method.
func (l LBFGS) Start(obj *Objective, theta *tensors.Tensor) (Stepper, error) {
	if l.Memory < 0 {
		return nil, fmt.Errorf("optim: LBFGS.Memory is %d, expected at least 1 (or 0 for the default)", l.Memory)
	}
	if l.Memory == 0 {
		l.Memory = 20
	}
	if l.Search == nil {
		l.Search = StrongWolfe{}
	}
	return startLineSearch(obj, theta, lbfgsDirection{memory: l.Memory}, l.Search)
}

// lbfgsDirection is the compact inverse Hessian on the device. With pairs scaled so that sᵀy = 1 and R the unit upper
// triangle of SᵀY,
//
//	H = γI + [S γY] [ R⁻ᵀ(I + γYᵀY)R⁻¹  −R⁻ᵀ ] [ Sᵀ  ]
//	                [       −R⁻¹           0  ] [ γYᵀ ]
//
// R⁻¹ is kept rather than R: a new pair appends a column to it, and the oldest one leaves as its first row and column.
// So an iteration is a handful of matrix-vector products, where the two-loop recursion is a chain of 4m small steps.
type lbfgsDirection struct{ memory int }

// The state of lbfgsDirection: the previous θ and gradient; the scaled pairs as rows of S and Y, oldest first, where
// rows of zeros are pairs not there yet; R⁻¹; the scale γ = sᵀy/yᵀy of the initial inverse Hessian.
const (
	lbfgsTheta = iota
	lbfgsGradient
	lbfgsS
	lbfgsY
	lbfgsInverse
	lbfgsGamma
	lbfgsStarted // one once there is a previous point
)

func (l lbfgsDirection) State(dim int, dtype dtypes.DType) []shapes.Shape {
	return []shapes.Shape{
		lbfgsTheta:    shapes.Make(dtype, dim),
		lbfgsGradient: shapes.Make(dtype, dim),
		lbfgsS:        shapes.Make(dtype, l.memory, dim),
		lbfgsY:        shapes.Make(dtype, l.memory, dim),
		lbfgsInverse:  shapes.Make(dtype, l.memory, l.memory),
		lbfgsGamma:    shapes.Make(dtype),
		lbfgsStarted:  shapes.Make(dtype),
	}
}

func (l lbfgsDirection) Step(p *Point, state []*graph.Node) (*graph.Node, []*graph.Node) {
	g, gradient := p.theta.Graph(), p.gradient
	next := l.learn(p, state)

	// Without a pair: steepest descent, not longer than one.
	one := graph.ScalarOne(g, gradient.DType())
	first := graph.Mul(gradient, graph.Min(one, graph.Reciprocal(norm(gradient))))
	empty := graph.Equal(next[lbfgsGamma], graph.ZerosLike(next[lbfgsGamma]))
	return graph.Neg(graph.Where(empty, first, inverseHessianProduct(gradient, next))), next
}

// Rebase implements rebaser: the pairs stay, but the next one would compare gradients of different objectives.
func (l lbfgsDirection) Rebase(state []*tensors.Tensor) []*tensors.Tensor {
	state = slices.Clone(state)
	state[lbfgsStarted] = tensors.FromShape(state[lbfgsStarted].Shape())
	return state
}

// learn stores the pair of the last step, unless its curvature sᵀy is not safely positive.
func (l lbfgsDirection) learn(p *Point, state []*graph.Node) []*graph.Node {
	s := graph.Sub(p.theta, state[lbfgsTheta])
	y := graph.Sub(p.gradient, state[lbfgsGradient])
	sy, yy := dot(s, y), dot(y, y)
	floor := graph.MulScalar(graph.Mul(norm(s), graph.Sqrt(yy)), epsilonOf(p.theta.DType()))
	started := graph.GreaterThan(state[lbfgsStarted], graph.ZerosLike(state[lbfgsStarted]))
	useful := graph.LogicalAnd(started, graph.GreaterThan(sy, floor))

	scale := graph.Sqrt(sy)
	s, y = graph.Div(s, scale), graph.Div(y, scale)
	newS, newY, newInverse := l.push(state[lbfgsS], s), l.push(state[lbfgsY], y), l.border(state, y)
	return []*graph.Node{
		lbfgsTheta:    p.theta,
		lbfgsGradient: p.gradient,
		lbfgsS:        graph.Where(useful, newS, state[lbfgsS]),
		lbfgsY:        graph.Where(useful, newY, state[lbfgsY]),
		lbfgsInverse:  graph.Where(useful, newInverse, state[lbfgsInverse]),
		lbfgsGamma:    graph.Where(useful, graph.Div(sy, yy), state[lbfgsGamma]),
		lbfgsStarted:  graph.OnesLike(state[lbfgsStarted]),
	}
}

// push appends a row and drops the first.
func (l lbfgsDirection) push(rows, row *graph.Node) *graph.Node {
	last := graph.ExpandAxes(row, 0)
	if l.memory == 1 {
		return last
	}
	return graph.Concatenate([]*graph.Node{graph.Slice(rows, graph.AxisRangeToEnd(1)), last}, 0)
}

// border renews R⁻¹ for the pair with the scaled y: its new column is −R⁻¹(Sy), above a one.
func (l lbfgsDirection) border(state []*graph.Node, y *graph.Node) *graph.Node {
	corner := graph.Ones(y.Graph(), shapes.Make(y.DType(), 1, 1))
	if l.memory == 1 {
		return corner
	}
	kept := graph.Slice(state[lbfgsInverse], graph.AxisRangeToEnd(1), graph.AxisRangeToEnd(1))
	products := graph.MatMul(graph.Slice(state[lbfgsS], graph.AxisRangeToEnd(1)), graph.ExpandAxes(y, -1))
	column := graph.Neg(graph.MatMul(kept, products))
	below := graph.Zeros(y.Graph(), shapes.Make(y.DType(), 1, l.memory-1))
	return graph.Concatenate([]*graph.Node{
		graph.Concatenate([]*graph.Node{kept, column}, 1),
		graph.Concatenate([]*graph.Node{below, corner}, 1),
	}, 0)
}

// inverseHessianProduct is Hv = γv + S·R⁻ᵀ(w + γY(Yᵀw) − γYv) − γYᵀw with w = R⁻¹Sv, for S and Y as rows.
func inverseHessianProduct(v *graph.Node, state []*graph.Node) *graph.Node {
	s, y, inverse, gamma := state[lbfgsS], state[lbfgsY], state[lbfgsInverse], state[lbfgsGamma]
	w := multiply(inverse, multiply(s, v))
	combined := transposeMultiply(y, w)
	inner := graph.Add(w, graph.Mul(gamma, multiply(y, graph.Sub(combined, v))))
	outer := transposeMultiply(s, transposeMultiply(inverse, inner))
	return graph.Add(outer, graph.Mul(gamma, graph.Sub(v, combined)))
}

// multiply is A·v, transposeMultiply Aᵀ·v.
func multiply(a, v *graph.Node) *graph.Node { return graph.Einsum("ij,j->i", a, v) }

func transposeMultiply(a, v *graph.Node) *graph.Node { return graph.Einsum("ij,i->j", a, v) }

// epsilonOf is the rounding unit of a floating-point type.
func epsilonOf(dtype dtypes.DType) float64 {
	if dtype == dtypes.Float32 {
		return 0x1p-23
	}
	return 0x1p-52
}
