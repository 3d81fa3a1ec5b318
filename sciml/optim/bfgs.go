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

// BFGS is the quasi-Newton method with a dense inverse Hessian H and a line search (Nocedal and Wright 2006, Algorithm
// 6.1). The first step is −γ∇f with γ = min(1, 1/‖∇f‖), before the search; the first update is one of H = γI, with this γ
// or that of their equation 6.20, sᵀy/yᵀy, if that is larger. The latter alone is about the smallest eigenvalue of the
// inverse Hessian: too small elsewhere, which costs some evaluations where γ = 1 is about right, as it is near a minimizer.
// SSBFGS and SSBroyden have the same settings. The zero value is usable: fields that are zero take the defaults.
//
// H is a matrix of P² numbers, 8P² bytes in float64, and an iteration reads it twice and writes it once. There are three
// such matrices at the peak of an iteration: H before and after the update, and the zeros that a restart begins with.
// Where that is too much, LBFGS needs 2·Memory vectors of length P.
type BFGS struct {
	// Search decides the length of each step; StrongWolfe{} when nil.
	Search search.Search
	// MaxMemory is the largest size of H in bytes; 4 GiB when zero.
	MaxMemory int64
	// Damped moves y towards Bs where sᵀy < sᵀBs/5, so that steps of little or negative curvature are learned from rather
	// than left out (Powell 1978; Nocedal and Wright 2006, Procedure 18.2). It matters with a search that does not look at
	// slopes, such as Armijo.
	Damped bool
}

// SSBFGS is BFGS with self-scaling: H is divided by τ = min(1, sᵀy/sᵀBs), with B = H⁻¹, before every update but the
// first (Al-Baali 1998, "Numerical experience with a class of self-scaling quasi-Newton algorithms"; for networks Urbán,
// Stefanou and Pons 2025, J. Comput. Phys. 523, 113656).
type SSBFGS BFGS

// SSBroyden is the self-scaled method of Broyden's class that Urbán, Stefanou and Pons (2025, J. Comput. Phys. 523,
// 113656) use for physics-informed networks: scale τ and parameter φ are Al-Baali's (1998).
type SSBroyden BFGS

// Name implements Method.
func (BFGS) Name() string { return "BFGS" }

// Name implements Method.
func (SSBFGS) Name() string { return "SSBFGS" }

// Name implements Method.
func (SSBroyden) Name() string { return "SSBroyden" }

// Start implements Method. It fails when H would be larger than MaxMemory.
func (m BFGS) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	return startDirect(m, obj, theta)
}

// Direct implements Directed.
func (m BFGS) Direct(obj *objective.Objective) (Direction, search.Search, error) {
	return m.direct(obj, m.Name(), bfgsFactors)
}

// Start implements Method. It fails when H would be larger than MaxMemory.
func (m SSBFGS) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	return startDirect(m, obj, theta)
}

// Direct implements Directed.
func (m SSBFGS) Direct(obj *objective.Objective) (Direction, search.Search, error) {
	return BFGS(m).direct(obj, m.Name(), ssbfgsFactors)
}

// Start implements Method. It fails when H would be larger than MaxMemory.
func (m SSBroyden) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	return startDirect(m, obj, theta)
}

// Direct implements Directed.
func (m SSBroyden) Direct(obj *objective.Objective) (Direction, search.Search, error) {
	return BFGS(m).direct(obj, m.Name(), ssbroydenFactors)
}

func (m BFGS) direct(obj *objective.Objective, name string, factors denseFactors) (Direction, search.Search, error) {
	if err := checkDense(obj, name, "inverse Hessian", m.MaxMemory, 1); err != nil {
		return nil, nil, err
	}
	m.Search = cmp.Or[search.Search](m.Search, search.StrongWolfe{})
	return denseDirection{factors: factors, damped: m.Damped}, m.Search, nil
}

// checkDense reports that P×P matrices would be larger than maxMemory, which is 4 GiB when zero.
func checkDense(obj *objective.Objective, name, what string, maxMemory int64, matrices float64) error {
	if err := checkSettings(name, memory(maxMemory)); err != nil {
		return err
	}
	maxMemory = cmp.Or(maxMemory, defaultMemory)
	if size := matrices * float64(obj.Precision().Size()) * float64(obj.Dim) * float64(obj.Dim); size > float64(maxMemory) {
		return objective.TooLarge("optim: %s needs %.3g GiB for the %s of %d parameters, expected at most MaxMemory = %.3g GiB; LBFGS needs far less",
			name, size/(1<<30), what, obj.Dim, float64(maxMemory)/(1<<30))
	}
	return nil
}

// identity is the unit matrix in the shape and type of a square one.
func identity(like *graph.Node) *graph.Node {
	indices := shapes.Make(dtypes.Int32, like.Shape().Dimensions...)
	return graph.ConvertDType(graph.Equal(graph.Iota(like.Graph(), indices, 0), graph.Iota(like.Graph(), indices, 1)), like.DType())
}

// outer is xyᵀ.
func outer(x, y *graph.Node) *graph.Node {
	return graph.Mul(graph.ExpandAxes(x, 1), graph.ExpandAxes(y, 0))
}

// denseDirection is −H∇f with a dense H, updated by a self-scaled method of Broyden's class: with s and y the changes of
// θ and of the gradient, w = Hy and v = s/sᵀy − w/yᵀw,
//
//	H⁺ = (H − wwᵀ/yᵀw + φ·yᵀw·vvᵀ)/τ + ssᵀ/sᵀy.
//
// Until the first update, for which H = γI, the direction is steepest descent.
type denseDirection struct {
	factors denseFactors
	damped  bool
}

// The state of denseDirection: the previous θ and gradient; H; dᵀBd/dᵀd for the previous direction d, along which the
// last step was, and zero before there is one; one once H has been updated.
const (
	denseTheta = iota
	denseGradient
	denseH
	denseQuotient
	denseUpdated
)

func (denseDirection) State(dim int, dtype dtypes.DType) []shapes.Shape {
	return []shapes.Shape{
		denseTheta:    shapes.Make(dtype, dim),
		denseGradient: shapes.Make(dtype, dim),
		denseH:        shapes.Make(dtype, dim, dim),
		denseQuotient: shapes.Make(dtype),
		denseUpdated:  shapes.Make(dtype),
	}
}

func (d denseDirection) Step(p *objective.Point, state []*graph.Node) (*graph.Node, []*graph.Node) {
	gradient, h := p.Gradient, state[denseH]
	zero, one := graph.ZerosLike(state[denseUpdated]), graph.OnesLike(state[denseUpdated])
	first := graph.Equal(state[denseUpdated], zero)

	s, y := graph.Sub(p.Theta, state[denseTheta]), graph.Sub(gradient, state[denseGradient])
	ss := device.Dot(s, s)
	if d.damped {
		// Bs = −αg because the step was s = αd = −αHg.
		sbs, before := graph.Mul(ss, state[denseQuotient]), state[denseGradient]
		y = damp(y, graph.Mul(graph.Div(sbs, device.Dot(s, before)), before), device.Dot(s, y), sbs)
	}
	sy, yy := device.Dot(s, y), device.Dot(y, y)
	scale := graph.Max(graph.Div(sy, yy), firstFactor(state[denseGradient]))
	// Hy and Hg in one reading of H.
	pair := graph.Stack([]*graph.Node{y, gradient}, 1)
	both := graph.Where(first, graph.Mul(scale, pair), graph.MatMul(h, pair))
	w := graph.Squeeze(graph.Slice(both, graph.AxisRange(), graph.AxisElem(0)), 1)
	hg := graph.Squeeze(graph.Slice(both, graph.AxisRange(), graph.AxisElem(1)), 1)
	yw := device.Dot(y, w)
	// Bs = −αg because the step was s = −αHg: the curvature along it is known without B.
	curvature := graph.Mul(ss, graph.Where(first, graph.Reciprocal(scale), state[denseQuotient]))
	tau, phi := d.factors(update{b: graph.Div(curvature, sy), h: graph.Div(yw, sy), first: first, dim: s.Shape().Size()})

	// The update multiplied out: H/τ + A·ssᵀ + C·(swᵀ + wsᵀ) + D·wwᵀ, and the same applied to the gradient.
	inverse := graph.Reciprocal(tau)
	a := graph.Div(graph.AddScalar(graph.Div(graph.Mul(graph.Mul(phi, inverse), yw), sy), 1), sy)
	c := graph.Neg(graph.Div(graph.Mul(phi, inverse), sy))
	e := graph.Div(graph.Mul(graph.AddScalar(phi, -1), inverse), yw)
	left, right := graph.Add(graph.Mul(a, s), graph.Mul(c, w)), graph.Add(graph.Mul(c, s), graph.Mul(e, w))
	before := graph.Where(first, graph.Mul(scale, identity(h)), h)
	after := graph.Add(graph.Mul(inverse, before), graph.Add(outer(left, s), outer(right, w)))
	afterG := graph.Add(graph.Mul(inverse, hg),
		graph.Add(graph.Mul(left, device.Dot(s, gradient)), graph.Mul(right, device.Dot(w, gradient))))

	// An update without safely positive curvature, or with an H that rounding has made indefinite, is left out.
	floor := graph.MulScalar(graph.Sqrt(graph.Mul(ss, yy)), device.Epsilon(s.DType()))
	useful := graph.LogicalAnd(graph.GreaterThan(state[denseQuotient], zero),
		graph.LogicalAnd(graph.GreaterThan(sy, floor), graph.GreaterThan(yw, zero)))
	updated := graph.Where(useful, one, state[denseUpdated])
	steepest := graph.Mul(gradient, firstFactor(gradient))
	step := graph.Neg(graph.Where(useful, afterG, graph.Where(first, steepest, hg)))
	length := device.Dot(step, step)
	quotient := graph.Where(graph.GreaterThan(length, zero), graph.Neg(graph.Div(device.Dot(gradient, step), length)), zero)
	return step, []*graph.Node{
		denseTheta:    p.Theta,
		denseGradient: gradient,
		denseH:        graph.Where(useful, after, h),
		denseQuotient: quotient,
		denseUpdated:  updated,
	}
}

// firstFactor is γ of the first step, which is not longer than one.
func firstFactor(gradient *graph.Node) *graph.Node {
	length := device.Norm(gradient)
	return graph.Min(graph.OnesLike(length), graph.Reciprocal(length))
}

// Rebase implements Rebaser: H stays, but the next change of the gradient would be one of different objectives.
func (denseDirection) Rebase(state []*tensors.Tensor) []*tensors.Tensor {
	state = slices.Clone(state)
	state[denseQuotient] = tensors.FromShape(state[denseQuotient].Shape())
	return state
}

// update is what the factors of an update depend on: b = sᵀBs/sᵀy and h = yᵀHy/sᵀy, where bh ≥ 1, whether it is the
// first one, and P.
type update struct {
	b, h, first *graph.Node
	dim         int
}

// denseFactors builds τ and φ.
type denseFactors func(u update) (tau, phi *graph.Node)

func bfgsFactors(u update) (tau, phi *graph.Node) {
	one := graph.OnesLike(u.b)
	return one, one
}

func ssbfgsFactors(u update) (tau, phi *graph.Node) {
	one := graph.OnesLike(u.b)
	return graph.Where(u.first, one, graph.Min(one, graph.Reciprocal(u.b))), one
}

// ssbroydenFactors are Al-Baali's, in terms of the parameter of the update of B, where θ = 0 is BFGS and θ = 1 DFP:
// θ = max(θ⁻, min(θ⁺, (1−b)/b)) with ρ⁻ = min(1, h(1−c)), θ⁻ = (ρ⁻−1)/a and θ⁺ = 1/ρ⁻. Any θ ≥ θ⁻ keeps σ = 1 + aθ, and
// with it H, positive. This θ is never above 1, so that θ⁺ can be 1 and his bound ρ/θ on τ is left out.
func ssbroydenFactors(u update) (tau, phi *graph.Node) {
	one := graph.OnesLike(u.b)
	// a is zero where Hy is along s; then its floor serves, as v vanishes.
	a := graph.Max(graph.AddScalar(graph.Mul(u.b, u.h), -1), graph.MulScalar(one, device.Epsilon(one.DType())))
	c := graph.Sqrt(graph.Div(a, graph.Add(a, one)))
	// h(1−c) without the cancellation: 1−c² = 1/(1+a).
	smallest := graph.Min(one, graph.Div(u.h, graph.Mul(graph.Add(a, one), graph.Add(c, one))))
	lower := graph.Div(graph.Sub(smallest, one), a)
	theta := graph.Max(lower, graph.Min(one, graph.Div(graph.Sub(one, u.b), u.b)))
	sigma := graph.Add(graph.Mul(a, theta), one)

	power := 1 / (1 - math.Max(2, float64(u.dim))) // in one dimension σ is one
	rho := graph.Min(one, graph.Reciprocal(u.b))
	tau = graph.Min(sigma, graph.Mul(rho, graph.Pow(sigma, graph.MulScalar(one, power))))
	return graph.Where(u.first, graph.Div(u.h, sigma), tau), graph.Div(graph.Sub(one, theta), sigma)
}
