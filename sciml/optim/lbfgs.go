package optim

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// LBFGS is the limited-memory BFGS method with a line search (Nocedal and Wright 2006, Algorithm 7.5), in the compact
// form of Byrd, Nocedal and Schnabel (1994, Theorem 2.2). A direction that is not one of descent, or along which the search
// fails, is replaced by steepest descent, and all pairs are forgotten.
// The zero value is usable: fields that are zero take the defaults.
type LBFGS struct {
	// Memory is the number m of correction pairs kept; 20 when zero.
	Memory int
	// Search decides the length of each step; StrongWolfe{} when nil.
	Search search.Search
	// Damped moves y towards Bs where sᵀy < sᵀBs/5, so that pairs of little or negative curvature are used rather than left
	// out (Powell 1978; Al-Baali, Grandinetti and Pisani 2014, "Damped techniques for the limited memory BFGS method for
	// large-scale optimization"). It matters with a search that does not look at slopes, such as Armijo.
	Damped bool
	// RestartEvery forgets all pairs, but not the scale of the inverse Hessian, after so many; never when zero.
	RestartEvery int
	// RestartCosine does so when the cosine of the angle between the step and −∇f is below it, and takes a step along −∇f
	// instead; never when zero. Bounded away from zero the cosine makes the method converge globally (Nocedal and Wright
	// 2006, Theorem 3.2).
	RestartCosine float64
	// TwoLoop computes the step by the two-loop recursion (Nocedal and Wright 2006, Algorithm 7.4) rather than the compact
	// form. Both are the same but for rounding; a chain of 4m small operations is slower on a device.
	TwoLoop bool
}

// Name implements Method.
func (l LBFGS) Name() string { return "L-BFGS" }

// Start implements Method. It fails when a setting is out of its range.
func (l LBFGS) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	return startDirect(l, obj, theta)
}

// Direct implements Directed.
func (l LBFGS) Direct(obj *objective.Objective) (Direction, search.Search, error) {
	switch {
	case l.Memory < 0:
		return nil, nil, fmt.Errorf("optim: LBFGS.Memory is %d, expected at least 1 (or 0 for the default)", l.Memory)
	case l.RestartEvery < 0:
		return nil, nil, fmt.Errorf("optim: LBFGS.RestartEvery is %d, expected at least 1 (or 0 for never)", l.RestartEvery)
	case !(l.RestartCosine >= 0 && l.RestartCosine < 1):
		return nil, nil, fmt.Errorf("optim: LBFGS.RestartCosine is %v, expected a number between 0 and 1 (or 0 for never)", l.RestartCosine)
	}
	if l.Memory == 0 {
		l.Memory = 20
	}
	if l.Search == nil {
		l.Search = search.StrongWolfe{}
	}
	return l.direction(), l.Search, nil
}

func (l LBFGS) direction() lbfgsDirection {
	return lbfgsDirection{memory: l.Memory, damped: l.Damped, twoLoop: l.TwoLoop, every: l.RestartEvery, cosine: l.RestartCosine}
}

// lbfgsDirection is the compact inverse Hessian on the device. With pairs scaled so that sᵀy = 1 and R the unit upper
// triangle of SᵀY,
//
//	H = γI + [S γY] [ R⁻ᵀ(I + γYᵀY)R⁻¹  −R⁻ᵀ ] [ Sᵀ  ]
//	                [       −R⁻¹           0  ] [ γYᵀ ]
//
// R⁻¹ is kept rather than R: a new pair appends a column to it, and the oldest one leaves as its first row and column.
// So an iteration is a handful of matrix-vector products, where the two-loop recursion is a chain of 4m small steps.
type lbfgsDirection struct {
	memory          int
	damped, twoLoop bool
	every           int     // RestartEvery
	cosine          float64 // RestartCosine
}

// The state of lbfgsDirection: the previous θ and gradient; the scaled pairs as rows of S and Y, oldest first, where
// rows of zeros are pairs not there yet; R⁻¹; the scale γ = sᵀy/yᵀy of the initial inverse Hessian.
const (
	lbfgsTheta = iota
	lbfgsGradient
	lbfgsS
	lbfgsY
	lbfgsInverse
	lbfgsGamma
	lbfgsStarted  // one once there is a previous point
	lbfgsQuotient // dᵀBd/dᵀd for the previous direction d, along which the last step was
	lbfgsCount    // the pairs stored since the last restart
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
		lbfgsQuotient: shapes.Make(dtype),
		lbfgsCount:    shapes.Make(dtype),
	}
}

func (l lbfgsDirection) Step(p *objective.Point, state []*graph.Node) (*graph.Node, []*graph.Node) {
	gradient := p.Gradient
	next := l.learn(p, state)
	if l.every > 0 {
		full := graph.MulScalar(graph.OnesLike(next[lbfgsCount]), float64(l.every))
		restart(next, graph.GreaterOrEqual(next[lbfgsCount], full))
	}

	// Without a pair: steepest descent, not longer than one.
	one := graph.OnesLike(next[lbfgsGamma])
	first := graph.Mul(gradient, graph.Min(one, graph.Reciprocal(device.Norm(gradient))))
	product := inverseHessianProduct(gradient, next)
	if l.twoLoop {
		product = twoLoopProduct(gradient, next)
	}
	if l.cosine > 0 {
		bound := graph.MulScalar(graph.Mul(device.Norm(gradient), device.Norm(product)), l.cosine)
		poor := graph.LessThan(device.Dot(gradient, product), bound)
		restart(next, poor)
		product = graph.Where(poor, graph.Mul(next[lbfgsGamma], gradient), product)
	}
	step := graph.Neg(graph.Where(isZero(next[lbfgsGamma]), first, product))
	next[lbfgsQuotient] = graph.Neg(graph.Div(device.Dot(gradient, step), device.Dot(step, step)))
	return step, next
}

// restart forgets all pairs on a condition, but not γ.
func restart(state []*graph.Node, condition *graph.Node) {
	for _, i := range []int{lbfgsS, lbfgsY, lbfgsInverse, lbfgsCount} {
		state[i] = graph.Where(condition, graph.ZerosLike(state[i]), state[i])
	}
}

// Rebase implements Rebaser: the pairs stay, but the next one would compare gradients of different objectives.
func (l lbfgsDirection) Rebase(state []*tensors.Tensor) []*tensors.Tensor {
	state = slices.Clone(state)
	state[lbfgsStarted] = tensors.FromShape(state[lbfgsStarted].Shape())
	return state
}

// learn stores the pair of the last step, unless its curvature sᵀy is not safely positive.
func (l lbfgsDirection) learn(p *objective.Point, state []*graph.Node) []*graph.Node {
	s := graph.Sub(p.Theta, state[lbfgsTheta])
	y := graph.Sub(p.Gradient, state[lbfgsGradient])
	if l.damped {
		// Bs = −αg because the step was s = αd = −αHg.
		ss, before := device.Dot(s, s), state[lbfgsGradient]
		sbs := graph.Mul(ss, state[lbfgsQuotient])
		y = damp(y, graph.Mul(graph.Div(sbs, device.Dot(s, before)), before), device.Dot(s, y), sbs)
	}
	sy, yy := device.Dot(s, y), device.Dot(y, y)
	floor := graph.MulScalar(graph.Mul(device.Norm(s), graph.Sqrt(yy)), device.Epsilon(p.Theta.DType()))
	started := graph.GreaterThan(state[lbfgsStarted], graph.ZerosLike(state[lbfgsStarted]))
	useful := graph.LogicalAnd(started, graph.GreaterThan(sy, floor))

	scale := graph.Sqrt(sy)
	s, y = graph.Div(s, scale), graph.Div(y, scale)
	newS, newY, newInverse := push(state[lbfgsS], s), push(state[lbfgsY], y), l.border(state, y)
	return []*graph.Node{
		lbfgsTheta:    p.Theta,
		lbfgsGradient: p.Gradient,
		lbfgsS:        graph.Where(useful, newS, state[lbfgsS]),
		lbfgsY:        graph.Where(useful, newY, state[lbfgsY]),
		lbfgsInverse:  graph.Where(useful, newInverse, state[lbfgsInverse]),
		lbfgsGamma:    graph.Where(useful, graph.Div(sy, yy), state[lbfgsGamma]),
		lbfgsStarted:  graph.OnesLike(state[lbfgsStarted]),
		lbfgsQuotient: state[lbfgsQuotient],
		lbfgsCount:    graph.Add(state[lbfgsCount], graph.ConvertDType(useful, p.Theta.DType())),
	}
}

// push appends a row and drops the first.
func push(rows, row *graph.Node) *graph.Node {
	last := graph.ExpandAxes(row, 0)
	if rows.Shape().Dimensions[0] == 1 {
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
	w := device.Multiply(inverse, device.Multiply(s, v))
	combined := device.TransposeMultiply(y, w)
	inner := graph.Add(w, graph.Mul(gamma, device.Multiply(y, graph.Sub(combined, v))))
	outer := device.TransposeMultiply(s, device.TransposeMultiply(inverse, inner))
	return graph.Add(outer, graph.Mul(gamma, graph.Sub(v, combined)))
}

// twoLoopProduct is Hv by the two-loop recursion over pairs with sᵀy = 1.
func twoLoopProduct(v *graph.Node, state []*graph.Node) *graph.Node {
	memory := state[lbfgsS].Shape().Dimensions[0]
	row := func(of, i int) *graph.Node { return graph.Squeeze(graph.Slice(state[of], graph.AxisElem(i)), 0) }
	alpha := make([]*graph.Node, memory)
	for i := memory - 1; i >= 0; i-- {
		alpha[i] = device.Dot(row(lbfgsS, i), v)
		v = graph.Sub(v, graph.Mul(alpha[i], row(lbfgsY, i)))
	}
	v = graph.Mul(state[lbfgsGamma], v)
	for i := range memory {
		v = graph.Add(v, graph.Mul(graph.Sub(alpha[i], device.Dot(row(lbfgsY, i), v)), row(lbfgsS, i)))
	}
	return v
}
