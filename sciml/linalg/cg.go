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
	o, r, scale, err := o.ready("linalg.CG", b, len(b))
	if err != nil {
		return nil, out, err
	}
	n := len(b)
	x = make([]float64, n)
	if scale == 0 {
		out.Converged = true
		return x, out, nil
	}
	a = o.symmetric(a)
	defer func() {
		floats.Scale(scale, x)
		if err != nil {
			err = fmt.Errorf("linalg.CG, iteration %d: %w", out.Iterations+1, err)
		}
	}()
	z, d, product := make([]float64, n), make([]float64, n), make([]float64, n)
	out.Residual = floats.Norm(r, 2)
	rz, err := o.precondition(z, r)
	if err != nil {
		return x, out, err
	}
	copy(d, z)
	for out.Residual > o.Tolerance && out.Iterations < o.MaxIterations {
		if err := a(product, d); err != nil {
			return x, out, err
		}
		curvature := floats.Dot(d, product)
		if curvature <= 0 {
			out.NegativeCurvature = d
			return x, out, nil
		}
		step := rz / curvature
		floats.AddScaled(x, step, d)
		floats.AddScaled(r, -step, product)
		out.Residual = floats.Norm(r, 2)
		if !finite(out.Residual) {
			return x, out, fmt.Errorf("the residual is %v: the iterates overflow", out.Residual)
		}
		out.Iterations++
		before := rz
		if rz, err = o.precondition(z, r); err != nil {
			return x, out, err
		}
		floats.AddScaledTo(d, z, rz/before, d)
	}
	out.Converged = out.Residual <= o.Tolerance
	return x, out, nil
}
