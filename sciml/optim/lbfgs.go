package optim

import (
	"cmp"
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
	// MaxMemory is the most that the pairs may need, in bytes; 4 GiB when zero, or 256 vectors of the length of θ where they are more.
	MaxMemory int64
}

// Name implements Method.
func (l LBFGS) Name() string { return "L-BFGS" }

// Start implements Method. It fails when a setting is out of its range, or the pairs would be larger than MaxMemory.
func (l LBFGS) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	size := int64(obj.Dim) * int64(obj.Precision().Size())
	if l.TwoLoop || !device.Large(size) {
		return startDirect(l, obj, theta)
	}
	if err := l.settle(obj); err != nil {
		return nil, err
	}
	director, err := newPairsDirector(obj, l.direction())
	if err != nil {
		return nil, err
	}
	return startDirected(obj, theta, director, l.Search)
}

// Direct implements Directed.
func (l LBFGS) Direct(obj *objective.Objective) (Direction, search.Search, error) {
	err := l.settle(obj)
	return l.direction(), l.Search, err
}

// settle checks the settings and fills in defaults.
func (l *LBFGS) settle(obj *objective.Objective) error {
	l.Memory = cmp.Or(l.Memory, 20)
	l.Search = cmp.Or[search.Search](l.Search, search.StrongWolfe{})
	if err := checkSettings("LBFGS", optional("Memory", l.Memory, "the default"), optional("RestartEvery", l.RestartEvery, "never"),
		setting{"RestartCosine", l.RestartCosine, l.RestartCosine >= 0 && l.RestartCosine < 1, "a number between 0 and 1 (or 0 for never)"}); err != nil {
		return err
	}
	return needMemory(obj, "LBFGS", fmt.Sprintf("%d pairs", l.Memory), pairNumbers(obj, l.Memory), l.MaxMemory)
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

	product := inverseHessianProduct(gradient, next)
	if l.twoLoop {
		product = twoLoopProduct(gradient, next)
	}
	if l.cosine > 0 {
		poor := l.poor(gradient, product)
		restart(next, poor)
		product = graph.Where(poor, graph.Mul(next[lbfgsGamma], gradient), product)
	}
	step := lbfgsStep(gradient, product, next[lbfgsGamma])
	next[lbfgsQuotient] = graph.Neg(graph.Div(device.Dot(gradient, step), device.Dot(step, step)))
	return step, next
}

// poor reports whether the step is nearly orthogonal to the gradient.
func (l lbfgsDirection) poor(gradient, product *graph.Node) *graph.Node {
	bound := graph.MulScalar(graph.Mul(device.Norm(gradient), device.Norm(product)), l.cosine)
	return graph.LessThan(device.Dot(gradient, product), bound)
}

// lbfgsStep is −H∇f, or without a pair steepest descent, not longer than one.
func lbfgsStep(gradient, product, gamma *graph.Node) *graph.Node {
	first := graph.Mul(gradient, graph.Min(graph.OnesLike(gamma), graph.Reciprocal(device.Norm(gradient))))
	return graph.Neg(graph.Where(isZero(gamma), first, product))
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

// correction is the pair of the last step, scaled so that sᵀy = 1, its sᵀy/yᵀy, and whether it is useful: its curvature is
// safely positive. Otherwise s and y mean nothing.
func (l lbfgsDirection) correction(p *objective.Point, theta, before, quotient, started *graph.Node) (s, y, gamma, useful *graph.Node) {
	s, y = graph.Sub(p.Theta, theta), graph.Sub(p.Gradient, before)
	if l.damped {
		// Bs = −αg because the step was s = αd = −αHg.
		ss := device.Dot(s, s)
		sbs := graph.Mul(ss, quotient)
		y = damp(y, graph.Mul(graph.Div(sbs, device.Dot(s, before)), before), device.Dot(s, y), sbs)
	}
	sy, yy := device.Dot(s, y), device.Dot(y, y)
	floor := graph.MulScalar(graph.Mul(device.Norm(s), graph.Sqrt(yy)), device.Epsilon(p.Theta.DType()))
	useful = graph.LogicalAnd(graph.GreaterThan(started, graph.ZerosLike(started)), graph.GreaterThan(sy, floor))
	scale := graph.Sqrt(sy)
	return graph.Div(s, scale), graph.Div(y, scale), graph.Div(sy, yy), useful
}

// learn stores the pair of the last step if it is useful.
func (l lbfgsDirection) learn(p *objective.Point, state []*graph.Node) []*graph.Node {
	s, y, gamma, useful := l.correction(p, state[lbfgsTheta], state[lbfgsGradient], state[lbfgsQuotient], state[lbfgsStarted])
	newS, newY := push(state[lbfgsS], s), push(state[lbfgsY], y)
	var products *graph.Node
	if l.memory > 1 {
		products = graph.MatMul(graph.Slice(state[lbfgsS], graph.AxisRangeToEnd(1)), graph.ExpandAxes(y, -1))
	}
	newInverse := border(state[lbfgsInverse], products)
	return []*graph.Node{
		lbfgsTheta:    p.Theta,
		lbfgsGradient: p.Gradient,
		lbfgsS:        graph.Where(useful, newS, state[lbfgsS]),
		lbfgsY:        graph.Where(useful, newY, state[lbfgsY]),
		lbfgsInverse:  graph.Where(useful, newInverse, state[lbfgsInverse]),
		lbfgsGamma:    graph.Where(useful, gamma, state[lbfgsGamma]),
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

// border renews R⁻¹ for a new pair, from the products of the s that stay with its y, shape [m − 1, 1]: the new column is −R⁻¹(Sy),
// above a one.
func border(inverse, products *graph.Node) *graph.Node {
	m := inverse.Shape().Dimensions[0]
	corner := graph.Ones(inverse.Graph(), shapes.Make(inverse.DType(), 1, 1))
	if m == 1 {
		return corner
	}
	kept := graph.Slice(inverse, graph.AxisRangeToEnd(1), graph.AxisRangeToEnd(1))
	column := graph.Neg(graph.MatMul(kept, products))
	below := graph.Zeros(inverse.Graph(), shapes.Make(inverse.DType(), 1, m-1))
	return graph.Concatenate([]*graph.Node{
		graph.Concatenate([]*graph.Node{kept, column}, 1),
		graph.Concatenate([]*graph.Node{below, corner}, 1),
	}, 0)
}

// rowsOf is a matrix with the vectors of some pairs as rows.
type rowsOf interface {
	times(v *graph.Node) *graph.Node
	transposeTimes(w *graph.Node) *graph.Node
}

// matrix is one that is stored as such.
type matrix struct{ *graph.Node }

func (m matrix) times(v *graph.Node) *graph.Node { return device.Multiply(m.Node, v) }

func (m matrix) transposeTimes(w *graph.Node) *graph.Node { return device.TransposeMultiply(m.Node, w) }

// inverseHessianProduct is Hv for the state of lbfgsDirection.
func inverseHessianProduct(v *graph.Node, state []*graph.Node) *graph.Node {
	return compactProduct(v, matrix{state[lbfgsS]}, matrix{state[lbfgsY]}, state[lbfgsInverse], state[lbfgsGamma])
}

// compactProduct is Hv = γv + S·R⁻ᵀ(w + γY(Yᵀw) − γYv) − γYᵀw with w = R⁻¹Sv, for S and Y as rows.
func compactProduct(v *graph.Node, s, y rowsOf, inverse, gamma *graph.Node) *graph.Node {
	w := device.Multiply(inverse, s.times(v))
	combined := y.transposeTimes(w)
	inner := graph.Add(w, graph.Mul(gamma, y.times(graph.Sub(combined, v))))
	outer := s.transposeTimes(device.TransposeMultiply(inverse, inner))
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
