package linalg

import (
	"fmt"

	"gonum.org/v1/gonum/floats"
)

// CG solves (A + Shift·I)x = b for a symmetric positive definite matrix of order len(b) by preconditioned conjugate
// gradients (Hestenes and Stiefel 1952; Saad 2003, algorithm 9.1), which begin at zero. An iteration takes one product
// with A and one with the preconditioner. At a direction of negative or no curvature it returns x so far, which is zero in
// the first iteration, and the direction in the Outcome: truncated Newton methods want both. An error comes with x so far.
func CG(a Operator, b []float64, o Options) (x []float64, out Outcome, err error) {
	return o.solve("linalg.CG", a, b, Options.cg)
}

func (o Options) cg(a Operator, x, r []float64, out *Outcome) error {
	n := len(x)
	z, d, product := make([]float64, n), make([]float64, n), make([]float64, n)
	out.Residual = floats.Norm(r, 2)
	rz, err := o.precondition(z, r)
	if err != nil {
		return err
	}
	copy(d, z)
	for out.Residual > o.Tolerance && out.Iterations < o.MaxIterations {
		if err := a(product, d); err != nil {
			return err
		}
		curvature := floats.Dot(d, product)
		if curvature <= 0 {
			out.NegativeCurvature = d
			return nil
		}
		step := rz / curvature
		floats.AddScaled(x, step, d)
		floats.AddScaled(r, -step, product)
		out.Residual = floats.Norm(r, 2)
		if !finite(out.Residual) {
			return fmt.Errorf("the residual is %v: the iterates overflow", out.Residual)
		}
		out.Iterations++
		before := rz
		if rz, err = o.precondition(z, r); err != nil {
			return err
		}
		floats.AddScaledTo(d, z, rz/before, d)
	}
	out.Converged = out.Residual <= o.Tolerance
	return nil
}
