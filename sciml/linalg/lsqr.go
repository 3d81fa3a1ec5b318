package linalg

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// LSQR minimizes ‖Ax − b‖² + Shift·‖x‖² for A of shape [len(b), n] by the method of Paige and Saunders (1982), which in exact
// arithmetic is CG on the normal equations, without their loss of digits. ‖r‖ decreases in every iteration. Of a
// rank-deficient problem it finds the solution of least norm. An iteration takes one product with A and one with Aᵀ.
// An error comes with x so far.
//
// There is no preconditioner among the Options. With one on the right, of which R⁻¹ and R⁻ᵀ are known, give the products
// with AR⁻¹ and R⁻ᵀAᵀ for a and at, which yields y, and then x = R⁻¹y. The stopping rule, and the norm in Shift·‖y‖² and in
// "least norm", are then those of y.
func LSQR(a, at Operator, b []float64, n int, o Options) ([]float64, Outcome, error) {
	return iterate("linalg.LSQR", a, at, b, n, o, startLSQR)
}

func startLSQR(g *bidiagonal, damping float64, x []float64) leastSquares {
	return &lsqr{damping: damping, x: x, w: slices.Clone(g.v), alpha: g.alpha, rhobar: g.alpha, phibar: g.beta}
}

// lsqr has the names of the paper.
type lsqr struct {
	damping        float64
	x, w           []float64
	alpha          float64 // before the step
	rhobar, phibar float64
	below, norm    float64 // the part of ‖r‖ that belongs to the damping, and ‖A‖
}

func (l *lsqr) step(g *bidiagonal) (residual, normal, norm float64) {
	l.norm = math.Hypot(l.norm, math.Hypot(l.alpha, math.Hypot(g.beta, l.damping)))
	l.alpha = g.alpha
	c1, s1, rhobar := rotation(l.rhobar, l.damping)
	l.below = math.Hypot(l.below, s1*l.phibar)
	l.phibar *= c1

	c, s, rho := rotation(rhobar, g.beta)
	theta := s * g.alpha
	l.rhobar = -c * g.alpha
	phi := c * l.phibar
	l.phibar *= s
	floats.AddScaled(l.x, phi/rho, l.w)
	floats.AddScaledTo(l.w, g.v, -theta/rho, l.w)
	return math.Hypot(l.phibar, l.below), g.alpha * math.Abs(s*phi), l.norm
}
