package optim

import (
	"cmp"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// NewtonCG is the truncated Newton method with a line search (Dembo and Steihaug 1983; Nocedal and Wright 2006, Algorithm
// 7.1): the direction p is an approximate solution of
//
//	∇²f(θ)p = −∇f(θ)
//
// by conjugate gradients from zero. They stop when ‖∇²f·p + ∇f‖ ≤ min(Forcing, √‖∇f‖)·‖∇f‖, which makes the method converge
// superlinearly, or at a direction of curvature that is not positive, with what they have so far; that is −∇f when it is
// the first one. Near a saddle point that is slow, and NewtonTrustRegion, which goes along negative curvature, is not. The
// Hessian is never stored: a product with it costs about two gradients and counts as one evaluation. The zero value is
// usable.
type NewtonCG struct {
	// Matrix is what stands on the left: the Hessian when zero, or the Gauss–Newton matrix.
	Matrix objective.CurvatureMatrix
	// Forcing bounds the relative residual of the system, between 0 and 1; 0.5 when zero. 1e-8 solves it all but exactly.
	Forcing float64
	// MaxProducts bounds the products for one direction; 100 when zero.
	MaxProducts int
	// Search finds the step length, first trying 1; StrongWolfe{} when nil.
	Search search.Search
}

// Name implements Method.
func (NewtonCG) Name() string { return "Newton–CG" }

// Start implements Method. It fails when a setting is out of its range, for an objective made of a Function, and with the
// Gauss–Newton matrix for one without residuals.
func (m NewtonCG) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	m.Forcing = cmp.Or(m.Forcing, 0.5)
	m.MaxProducts = cmp.Or(m.MaxProducts, 100)
	m.Search = cmp.Or[search.Search](m.Search, search.StrongWolfe{})
	if err := m.Matrix.Check(obj, "NewtonCG"); err != nil {
		return nil, err
	}
	if err := checkSettings("NewtonCG", forcing(m.Forcing), counted("MaxProducts", m.MaxProducts)); err != nil {
		return nil, err
	}
	h, err := objective.NewCurvature(obj, m.Matrix)
	if err != nil {
		return nil, err
	}
	d := &newtonDirector{obj: obj, system: wholeSystem{obj, h}, forcing: m.Forcing, most: m.MaxProducts}
	return startDirected(obj, theta, d, m.Search)
}

// newtonSystem is the matrix of the linear systems of a Newton method.
type newtonSystem interface {
	// state gives the shapes of what it remembers; all of it starts as zeros.
	state() []shapes.Shape
	// prepare makes the system of an iterate. The number of steps taken before only grows during a run, except that it
	// starts again from zero when a search has failed.
	prepare(at *evaluated, steps int, state []*tensors.Tensor) (prepared, error)
}

// prepared is the matrix at one iterate.
type prepared struct {
	matrix         *objective.CurvatureAt
	preconditioner linalg.Operator // M⁻¹, nil for none
	products       int             // that the preconditioner has cost
	share          float64         // of an evaluation, for a product
	next           []*tensors.Tensor
	release        []*tensors.Tensor // to free when the direction is found
}

// newtonDirector solves (A + damping·I)p = −∇f by conjugate gradients. Its state is the number of steps, then that of the
// system.
type newtonDirector struct {
	obj     *objective.Objective
	system  newtonSystem
	damping float64
	forcing float64
	most    int
	last    *evaluated // where the last direction began
}

func (d *newtonDirector) blank() []*tensors.Tensor {
	return device.Zeros(append([]shapes.Shape{shapes.Make(dtypes.Int32)}, d.system.state()...))
}

func (d *newtonDirector) direct(at *evaluated, state []*tensors.Tensor) (directed, error) {
	steps := int(tensors.ToScalar[int32](state[0]))
	gradient, err := device.Numbers(at.gradient)
	if err != nil {
		return directed{}, err
	}
	down := make([]float64, len(gradient))
	floats.AddScaled(down, -1, gradient)
	again := d.last == at
	d.last = at
	if again && steps == 0 { // the state was forgotten, as the search along Newton's direction has failed
		return d.directed(down, gradient, append([]*tensors.Tensor{tensors.FromScalar(int32(1))}, device.Zeros(d.system.state())...), 0), nil
	}

	s, err := d.system.prepare(at, steps, state[1:])
	if err != nil {
		return directed{}, err
	}
	defer device.Free(s.release)
	tolerance := math.Max(device.Epsilon(d.obj.Precision()), math.Min(d.forcing, math.Sqrt(at.gradientNorm)))
	p, _, err := linalg.CG(trusted(s.matrix, d.damping), down, linalg.Options{
		Tolerance: tolerance, MaxIterations: d.most, Preconditioner: s.preconditioner,
	})
	if s.matrix.Err != nil {
		device.Free(s.next)
		return directed{}, s.matrix.Err
	}
	if err != nil || !(floats.Dot(p, gradient) < 0) { // no positive curvature in the first direction, or rounding has won
		p = steepest(down, gradient, s.preconditioner)
	}
	products := int(math.Ceil(s.share * float64(s.products+s.matrix.Products)))
	return d.directed(p, gradient, append([]*tensors.Tensor{tensors.FromScalar(int32(steps + 1))}, s.next...), products), nil
}

// mark implements rewinder.
func (d *newtonDirector) mark() func() {
	before := d.last
	return func() { d.last = before }
}

func (d *newtonDirector) directed(p, gradient []float64, next []*tensors.Tensor, products int) directed {
	return directed{
		step: device.Vector(d.obj.Precision(), p), slope: floats.Dot(p, gradient), length: floats.Norm(p, 2), next: next, products: products,
	}
}

// steepest is the direction of steepest descent, in the norm of the preconditioner if there is a good one.
func steepest(down, gradient []float64, preconditioner linalg.Operator) []float64 {
	if preconditioner == nil {
		return down
	}
	p := make([]float64, len(down))
	if err := preconditioner(p, down); err != nil || !(floats.Dot(p, gradient) < 0) {
		return down
	}
	return p
}

// rebase keeps the number of steps.
func (d *newtonDirector) rebase(state []*tensors.Tensor) []*tensors.Tensor {
	device.Free(state[1:])
	return append(state[:1:1], device.Zeros(d.system.state())...)
}

// wholeSystem has the matrix of all samples.
type wholeSystem struct {
	obj     *objective.Objective
	hessian *objective.Curvature
}

func (wholeSystem) state() []shapes.Shape { return nil }

func (s wholeSystem) prepare(at *evaluated, _ int, _ []*tensors.Tensor) (prepared, error) {
	return prepared{matrix: s.hessian.AtDevice(at.theta, s.obj.Data), share: 1}, nil
}

// trusted is the operator A + damping·I for conjugate gradients. A product that is not finite, or with which the curvature
// xᵀAx/xᵀx would be lost in the rounding of the largest one met, is zero: conjugate gradients take that for the end of what
// is convex, and would else make an enormous step out of noise.
func trusted(a *objective.CurvatureAt, damping float64) linalg.Operator {
	largest, noise := 0.0, device.Epsilon(a.Precision())
	return func(dst, x []float64) error {
		if err := a.Multiply(dst, x); err != nil {
			return err
		}
		floats.AddScaled(dst, damping, x)
		size := floats.Norm(x, 2)
		bent := math.Abs(floats.Dot(dst, x)) / size / size
		if !device.Finite(bent) || bent <= noise*largest {
			clear(dst)
			return nil
		}
		largest = math.Max(largest, bent)
		return nil
	}
}
