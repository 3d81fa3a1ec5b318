package optim

import (
	"cmp"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// CubicRegularization is Newton's method with an adaptive cubic term, ARC (Cartis, Gould and Toint 2011, "Adaptive cubic
// regularisation methods for unconstrained optimization", Algorithm 2.1): the step minimizes
//
//	m(p) = f + ∇fᵀp + ½pᵀ∇²f·p + (σ/3)‖p‖³
//
// over a Krylov space, where σ takes the place of the radius of a trust region. With the ratio ρ of the decrease of the
// loss to that of m
//
//	σ ← max(ε, min(σ/4, ‖∇f‖))  when ρ > Good
//	σ ← 2σ                      when ρ < Accept; the step is then refused
//
// where ε is the rounding unit. (In their section 7 it is σ in place of σ/4, which takes a thousand steps where the
// minimizer is far away.) A product with the Hessian costs about two gradients and counts as one evaluation; those
// of an iterate serve all of its steps. The zero value is usable: fields that are zero take the defaults.
type CubicRegularization struct {
	// Sigma is the first σ; 1 when zero.
	Sigma float64
	// Accept and Good are the ratios above, 0 < Accept ≤ Good < 1; 0.1 and 0.9 when zero.
	Accept, Good float64
	// Forcing bounds the norm of the model's gradient, min(Forcing, √‖∇f‖)·‖∇f‖, at which the Krylov space is large enough
	// (their rule TC.g), between 0 and 1; 0.1 when zero.
	Forcing float64
	// MaxProducts is the largest dimension of the space, whose basis is stored: so many vectors of length P; 50 when zero.
	MaxProducts int
	// MaxMemory is the most that the basis may need, in bytes; 4 GiB when zero, or 256 vectors of the length of θ where they are more.
	MaxMemory int64
}

// Name implements Method.
func (CubicRegularization) Name() string { return "cubic regularization" }

// Start implements Method. It fails when a setting is out of its range, and for an objective made of a Function.
func (c CubicRegularization) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	if err := obj.NeedGraph("CubicRegularization", "products with the Hessian"); err != nil {
		return nil, err
	}
	c.Sigma, c.Forcing = cmp.Or(c.Sigma, 1), cmp.Or(c.Forcing, 0.1)
	c.Accept, c.Good = cmp.Or(c.Accept, 0.1), cmp.Or(c.Good, 0.9)
	c.MaxProducts = cmp.Or(c.MaxProducts, 50)
	if err := checkSettings("CubicRegularization", positive("Sigma", c.Sigma), forcing(c.Forcing), optional("MaxProducts", c.MaxProducts, "the default")); err != nil {
		return nil, err
	}
	if !(c.Accept > 0 && c.Accept <= c.Good && c.Good < 1) {
		return nil, fmt.Errorf("optim: CubicRegularization.Accept is %v and Good %v, expected 0 < Accept ≤ Good < 1", c.Accept, c.Good)
	}
	basis := float64(min(c.MaxProducts, obj.Dim))
	if err := needMemory(obj, "CubicRegularization", fmt.Sprintf("a basis of dimension %g", basis), 2*basis*float64(obj.Dim), c.MaxMemory); err != nil {
		return nil, err
	}
	space, err := newLanczos(obj, min(c.MaxProducts, obj.Dim), func(g float64) float64 { return math.Min(c.Forcing, math.Sqrt(g)) })
	if err != nil {
		return nil, err
	}
	return startTrustRegion(obj, theta, newtonModel{}, space, cubicControl{CubicRegularization: c, least: device.Epsilon(obj.Precision())})
}

// cubicControl adapts σ.
type cubicControl struct {
	CubicRegularization
	least float64
}

func (c cubicControl) first() float64 { return c.Sigma }

func (c cubicControl) next(sigma, ratio float64, _ regionStep, gradientNorm float64) (float64, bool) {
	switch {
	case ratio > c.Good:
		return math.Max(c.least, math.Min(sigma/4, gradientNorm)), true
	case ratio >= c.Accept:
		return sigma, true
	}
	return 2 * sigma, false
}
