package linalg

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
)

// stationary is where MINRES takes the residual to be in the null space of A: its product with A is that small, and a step
// reduces it by no more. Rounding keeps the normal residual above 1e-10, and later steps divide by nearly nothing.
const stationary = 1e-8

// MINRES solves (A + Shift·I)x = b for a symmetric matrix of order len(b), which may be indefinite, by minimizing the
// residual over the Krylov space (Paige and Saunders 1975), or its norm by M⁻¹ where there is a preconditioner. For a
// Singular matrix and a b outside its range it ends at a least-squares solution. An iteration takes one product with A and
// one with the preconditioner. An error comes with x so far.
func MINRES(a Operator, b []float64, o Options) (x []float64, out Outcome, err error) {
	return o.solve("linalg.MINRES", a, b, Options.minres)
}

func (o Options) minres(a Operator, x, r []float64, out *Outcome) error {
	// The names of numbers are those of the paper and of Saunders' programs. r is the residual; lanczos and before are the
	// last two Lanczos vectors times their β, and y is M⁻¹ times the last.
	vector := func() []float64 { return make([]float64, len(x)) }
	lanczos, before, y, v, w, w1, w2 := vector(), vector(), vector(), vector(), vector(), vector(), vector()
	copy(lanczos, r)
	out.Residual = floats.Norm(r, 2)
	square, err := o.precondition(y, lanczos)
	if err != nil {
		return err
	}
	beta := math.Sqrt(square)
	var betaBefore, dbar, epsilonK, norm float64
	phibar, cs, sn := beta, -1.0, 0.0
	for out.Residual > o.Tolerance && out.Iterations < o.MaxIterations && beta > 0 {
		floats.ScaleTo(v, 1/beta, y)
		if err := a(y, v); err != nil {
			return err
		}
		if out.Iterations > 0 {
			floats.AddScaled(y, -beta/betaBefore, before)
		}
		alpha := floats.Dot(v, y)
		floats.AddScaled(y, -alpha/beta, lanczos)
		before, lanczos, y = lanczos, y, before
		if square, err = o.precondition(y, lanczos); err != nil {
			return err
		}
		betaBefore, beta = beta, math.Sqrt(square)
		norm = math.Hypot(norm, math.Hypot(alpha, math.Hypot(betaBefore, beta)))
		if out.Iterations == 0 { // the first β is no entry of the tridiagonal matrix
			norm = math.Hypot(alpha, beta)
		}

		epsilonBefore := epsilonK
		delta := cs*dbar + sn*alpha
		gbar := sn*dbar - cs*alpha
		epsilonK = sn * beta
		dbar = -cs * beta
		gamma := math.Hypot(gbar, beta)
		out.NormalResidual = 0
		if norm > 0 {
			out.NormalResidual = math.Hypot(gbar, dbar) / norm
		}
		if out.NormalResidual <= stationary && gbar*gbar <= stationary*gamma*gamma {
			out.Converged = true
			return nil
		}
		cs, sn = gbar/gamma, beta/gamma
		phi := cs * phibar
		phibar *= sn
		w1, w2, w = w2, w, w1
		for i := range w {
			w[i] = (v[i] - epsilonBefore*w1[i] - delta*w2[i]) / gamma
		}
		floats.AddScaled(x, phi, w)
		floats.Scale(sn*sn, r)
		if beta > 0 {
			floats.AddScaled(r, -phibar*cs/beta, lanczos)
		}
		out.Residual = floats.Norm(r, 2)
		if !finite(out.Residual) {
			return fmt.Errorf("the residual is %v: the iterates overflow", out.Residual)
		}
		out.Iterations++
	}
	out.Converged = out.Residual <= o.Tolerance
	return nil
}
