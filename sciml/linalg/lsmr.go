package linalg

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// LSMR minimizes ‖Ax − b‖² + Shift·‖x‖² for A of shape [len(b), n] by the method of Fong and Saunders (2011), which in exact
// arithmetic is MINRES on the normal equations. ‖Aᵀr‖ decreases in every iteration, and ‖r‖ is nearly that of LSQR, so that
// it may be stopped earlier. Costs, errors, rank deficiency and preconditioners are as with LSQR.
func LSMR(a, at Operator, b []float64, n int, o Options) ([]float64, Outcome, error) {
	return iterate("linalg.LSMR", a, at, b, n, o, startLSMR)
}

func startLSMR(g *bidiagonal, damping float64, x []float64) leastSquares {
	return &lsmr{
		damping: damping, x: x, h: slices.Clone(g.v), hbar: make([]float64, len(x)), alpha: g.alpha,
		zetabar: g.alpha * g.beta, alphabar: g.alpha, rho: 1, rhobar: 1, cbar: 1,
		betadd: g.beta, rhodBefore: 1,
	}
}

// lsmr has the names of the paper.
type lsmr struct {
	damping                              float64
	x, h, hbar                           []float64
	alpha                                float64 // before the step
	zeta, zetabar, alphabar, rho, rhobar float64
	cbar, sbar                           float64
	norm                                 float64 // ‖A‖

	// for the estimate of ‖r‖
	betadd, betad, rhodBefore, tautildeBefore, thetatilde, below float64
}

func (l *lsmr) step(g *bidiagonal) (residual, normal, norm float64) {
	l.norm = math.Hypot(l.norm, math.Hypot(l.alpha, math.Hypot(g.beta, l.damping)))
	l.alpha = g.alpha
	chat, shat, alphahat := rotation(l.alphabar, l.damping)
	rhoBefore := l.rho
	c, s, rho := rotation(alphahat, g.beta)
	l.rho = rho
	theta := s * g.alpha
	l.alphabar = c * g.alpha

	rhobarBefore, zetaBefore := l.rhobar, l.zeta
	thetabar := l.sbar * rho
	l.cbar, l.sbar, l.rhobar = rotation(l.cbar*rho, theta)
	l.zeta = l.cbar * l.zetabar
	l.zetabar *= -l.sbar

	floats.AddScaledTo(l.hbar, l.h, -thetabar*rho/(rhoBefore*rhobarBefore), l.hbar)
	floats.AddScaled(l.x, l.zeta/(rho*l.rhobar), l.hbar)
	floats.AddScaledTo(l.h, g.v, -theta/rho, l.h)

	betaacute := chat * l.betadd
	l.below = math.Hypot(l.below, shat*l.betadd)
	betahat := c * betaacute
	l.betadd = -s * betaacute
	thetatildeBefore := l.thetatilde
	ctilde, stilde, rhotilde := rotation(l.rhodBefore, thetabar)
	l.thetatilde = stilde * l.rhobar
	l.rhodBefore = ctilde * l.rhobar
	l.betad = -stilde*l.betad + ctilde*betahat
	l.tautildeBefore = (zetaBefore - thetatildeBefore*l.tautildeBefore) / rhotilde
	taud := (l.zeta - l.thetatilde*l.tautildeBefore) / l.rhodBefore
	residual = math.Hypot(l.below, math.Hypot(l.betad-taud, l.betadd))
	return residual, math.Abs(l.zetabar), l.norm
}
