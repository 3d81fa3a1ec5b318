package linalg

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// bidiagonal is the process of Golub and Kahan that LSQR and LSMR build on: β₁u₁ = b, α₁v₁ = Aᵀu₁, and then
// βₖ₊₁uₖ₊₁ = Avₖ − αₖuₖ and αₖ₊₁vₖ₊₁ = Aᵀuₖ₊₁ − βₖ₊₁vₖ, of unit vectors.
type bidiagonal struct {
	a, at       Operator
	u, v        []float64
	alpha, beta float64
	long, short []float64 // products
}

// startBidiagonal begins at b of unit norm.
func startBidiagonal(a, at Operator, b []float64, n int) (*bidiagonal, error) {
	g := &bidiagonal{a: a, at: at, u: b, v: make([]float64, n), long: make([]float64, len(b)), short: make([]float64, n)}
	if err := apply("Aᵀ", at, g.short, b); err != nil {
		return nil, err
	}
	g.beta = 1
	g.alpha = unit(g.v, g.short)
	return g, nil
}

func (g *bidiagonal) next() error {
	if err := apply("A", g.a, g.long, g.v); err != nil {
		return err
	}
	floats.AddScaled(g.long, -g.alpha, g.u)
	g.beta = unit(g.u, g.long)
	if g.beta == 0 {
		g.alpha = 0
		return nil
	}
	if err := apply("Aᵀ", g.at, g.short, g.u); err != nil {
		return err
	}
	floats.AddScaled(g.short, -g.beta, g.v)
	g.alpha = unit(g.v, g.short)
	return nil
}

// unit writes x/‖x‖ into dst, or zeros, and returns ‖x‖.
func unit(dst, x []float64) float64 {
	norm := floats.Norm(x, 2)
	for i, v := range x {
		dst[i] = 0
		if norm > 0 {
			dst[i] = v / norm
		}
	}
	return norm
}

// rotation is c, s and ρ with cf + sg = ρ ≥ 0 and sf = cg.
func rotation(f, g float64) (c, s, rho float64) {
	rho = math.Hypot(f, g)
	if rho == 0 {
		return 1, 0, 0
	}
	return f / rho, g / rho, rho
}

// leastSquares is a method on the bidiagonal process: step returns estimates of ‖r‖, ‖Aᵀr‖ and ‖A‖ after the step, where
// A has √Shift·I below it and r belongs to that.
type leastSquares interface {
	step(g *bidiagonal) (residual, normal, norm float64)
}

// iterate runs the method that start makes, on b/‖b‖.
func iterate(who string, a, at Operator, b []float64, n int, o Options,
	start func(g *bidiagonal, damping float64, x []float64) leastSquares) (x []float64, out Outcome, err error) {
	o, scaled, scale, err := o.ready(who, b, n)
	switch {
	case err != nil:
		return nil, out, err
	case o.Shift < 0:
		return nil, out, fmt.Errorf("%s: Options.Shift is %v, expected at least 0", who, o.Shift)
	case o.Preconditioner != nil:
		return nil, out, fmt.Errorf("%s: Options.Preconditioner is set, expected nil: compose a right preconditioner with A", who)
	}
	x = make([]float64, n)
	if scale == 0 {
		out.Converged = true
		return x, out, nil
	}
	failed := func(err error) error { return fmt.Errorf("%s, iteration %d: %w", who, out.Iterations+1, err) }
	g, err := startBidiagonal(a, at, slices.Clone(scaled), n)
	if err != nil {
		return x, out, failed(err)
	}
	out.Residual = 1
	out.Converged = g.alpha == 0 // b is orthogonal to the columns
	method := start(g, math.Sqrt(o.Shift), x)
	for !out.Converged && out.Iterations < o.MaxIterations {
		if err = g.next(); err != nil {
			break
		}
		residual, normal, norm := method.step(g)
		if !finite(residual) {
			err = errors.New("the residual is not finite: the iterates overflow")
			break
		}
		out.Iterations++
		out.NormalResidual = 0
		if residual > 0 {
			out.NormalResidual = normal / (norm * residual)
		}
		out.Converged = residual <= o.Tolerance || out.NormalResidual <= o.Tolerance
	}
	if err == nil && out.Iterations > 0 {
		if err = apply("A", a, g.long, x); err == nil {
			floats.Sub(g.long, scaled)
			out.Residual = floats.Norm(g.long, 2)
		}
	}
	if err != nil {
		err = failed(err)
	}
	floats.Scale(scale, x)
	return x, out, err
}
