package linalg

import (
	"cmp"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
)

// Operator writes A·x into dst, which has the length of the result and shares no memory with x. It leaves x as it is.
type Operator func(dst, x []float64) error

// Options of the iterative methods. The zero value is ready for use.
type Options struct {
	// Tolerance is the relative residual ‖b − Ax‖/‖b‖ to reach, 1e-6 when zero. Least squares also end where the
	// residual is orthogonal to the columns of A: ‖Aᵀr‖ ≤ Tolerance·‖A‖‖r‖. An ill-conditioned A with a loose tolerance
	// ends early by that; iterations are then better limited by number.
	Tolerance float64
	// MaxIterations is twice the number of unknowns when zero.
	MaxIterations int
	// Preconditioner is M⁻¹ of a symmetric positive definite M near A + Shift·I; nil for none. CG and MINRES only.
	Preconditioner Operator
	// Shift has A + Shift·I in place of A, and least squares minimize ‖Ax − b‖² + Shift·‖x‖².
	Shift float64
}

// Outcome tells how an iterative method ended.
type Outcome struct {
	Iterations int
	// Residual is ‖b − Ax‖/‖b‖, with A + Shift·I for A in CG and MINRES. Those two have it from their recurrence, which
	// goes on to decrease where rounding keeps ‖b − Ax‖ above about 1e-16·‖A‖‖x‖; least squares compute it at the end.
	Residual float64
	// NormalResidual is ‖Aᵀr‖/(‖A‖‖r‖), zero in CG: how far x is from a least-squares solution. With a Shift it is that
	// of the problem with √Shift·I below A. MINRES gives it for the iterate before, which is not further from one.
	NormalResidual float64
	// Converged says that the tolerance was met. For least squares, and MINRES on a singular system, this may be by
	// the normal residual (1e-8 in MINRES); Residual then says how much of b is left.
	Converged bool
	// NegativeCurvature is a direction d with dᵀ(A + Shift·I)d ≤ 0 that CG met, and nil otherwise. Its length says nothing.
	NegativeCurvature []float64
}

const epsilon = 0x1p-52

// ready checks what all methods are given, and fills in defaults. All of them solve for b/‖b‖ and multiply x by ‖b‖,
// so that squares of small numbers do not vanish.
func (o Options) ready(who string, b []float64, unknowns int) (full Options, unit []float64, scale float64, err error) {
	switch {
	case len(b) == 0:
		return o, nil, 0, fmt.Errorf("%s: b is empty, expected at least one number", who)
	case unknowns < 1:
		return o, nil, 0, fmt.Errorf("%s: n is %d, expected at least 1", who, unknowns)
	case !(o.Tolerance >= 0) || math.IsInf(o.Tolerance, 1):
		return o, nil, 0, fmt.Errorf("%s: Options.Tolerance is %v, expected a finite number, at least 0", who, o.Tolerance)
	case o.MaxIterations < 0:
		return o, nil, 0, fmt.Errorf("%s: Options.MaxIterations is %d, expected at least 0", who, o.MaxIterations)
	case !finite(o.Shift):
		return o, nil, 0, fmt.Errorf("%s: Options.Shift is %v, expected a finite number", who, o.Shift)
	}
	if err := allFinite("b", b); err != nil {
		return o, nil, 0, fmt.Errorf("%s: %w", who, err)
	}
	o.Tolerance = cmp.Or(o.Tolerance, 1e-6)
	o.MaxIterations = cmp.Or(o.MaxIterations, 2*unknowns)
	scale = floats.Norm(b, 2)
	if math.IsInf(scale, 1) {
		return o, nil, 0, fmt.Errorf("%s: the norm of b overflows", who)
	}
	unit = make([]float64, len(b))
	if scale > 0 {
		for i, v := range b {
			unit[i] = v / scale
		}
	}
	return o, unit, scale, nil
}

// Solve gives a method for a symmetric matrix b/‖b‖ in r, zero in x, and A + Shift·I. The method improves x, and says in out
// how far it came.
func (o Options) solve(who string, a Operator, b []float64, method func(o Options, a Operator, x, r []float64, out *Outcome) error) (x []float64, out Outcome, err error) {
	o, r, scale, err := o.ready(who, b, len(b))
	if err != nil {
		return nil, out, err
	}
	x = make([]float64, len(b))
	if scale == 0 {
		out.Converged = true
		return x, out, nil
	}
	err = method(o, o.symmetric(a), x, r, &out)
	floats.Scale(scale, x)
	if err != nil {
		err = fmt.Errorf("%s, iteration %d: %w", who, out.Iterations+1, err)
	}
	return x, out, err
}

// symmetric is A + Shift·I.
func (o Options) symmetric(a Operator) Operator {
	return func(dst, x []float64) error {
		if err := apply("A", a, dst, x); err != nil {
			return err
		}
		if o.Shift != 0 {
			floats.AddScaled(dst, o.Shift, x)
		}
		return nil
	}
}

// precondition writes M⁻¹r into dst, or r where there is no preconditioner, and returns rᵀM⁻¹r.
func (o Options) precondition(dst, r []float64) (float64, error) {
	if o.Preconditioner == nil {
		copy(dst, r)
		return floats.Dot(r, r), nil
	}
	if err := apply("Preconditioner", o.Preconditioner, dst, r); err != nil {
		return 0, err
	}
	product := floats.Dot(r, dst)
	if !(product > 0) && floats.Norm(r, 2) > 1e-150 { // the square of less is not above 0 in rounding
		return 0, fmt.Errorf("the Preconditioner has rᵀM⁻¹r = %g for a vector r, expected a positive definite one", product)
	}
	return product, nil
}

// apply has the operator write into dst, and checks what it wrote.
func apply(name string, a Operator, dst, x []float64) error {
	if a == nil {
		return errors.New(name + " is nil, expected an operator")
	}
	if err := a(dst, x); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return allFinite("the result of "+name, dst)
}

func allFinite(name string, x []float64) error {
	for i, v := range x {
		if !finite(v) {
			return fmt.Errorf("%s has %v at index %d, expected finite numbers", name, v, i)
		}
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
