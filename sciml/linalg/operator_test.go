package linalg_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/linalg"
)

// everyMethod runs each method that takes operators on a problem of order 8, with a for A and for Aᵀ.
func everyMethod(a linalg.Operator) map[string]func() (any, error) {
	const n = 8
	b := gaussianVector(n, 70)
	krylov := func(x []float64, _ linalg.Outcome, err error) (any, error) { return x, err }
	return map[string]func() (any, error){
		"CG":           func() (any, error) { return krylov(linalg.CG(a, b, linalg.Options{})) },
		"MINRES":       func() (any, error) { return krylov(linalg.MINRES(a, b, linalg.Options{})) },
		"LSQR":         func() (any, error) { return krylov(linalg.LSQR(a, a, b, n, linalg.Options{})) },
		"LSMR":         func() (any, error) { return krylov(linalg.LSMR(a, a, b, n, linalg.Options{})) },
		"Lanczos":      func() (any, error) { return linalg.Lanczos(a, b, 5) },
		"NewNystrom":   func() (any, error) { return linalg.NewNystrom(a, n, 5, 1) },
		"AdaptNystrom": func() (any, error) { return linalg.AdaptNystrom(a, n, 1, n, 1e-9, 1) },
	}
}

// TestFailingOperator: in the third product the operator fails, or gives what is not a number. The error says so, and
// iterative methods return x so far.
func TestFailingOperator(t *testing.T) {
	good := operator(withSpectrum(logarithmic(8, 1e4), 71))
	broken := errors.New("the device is gone")
	for _, c := range []struct {
		name, says string
		fail       func(dst []float64) error
	}{
		{"error", "the device is gone", func([]float64) error { return broken }},
		{"NaN", "the result of A has NaN at index 6", func(dst []float64) error { dst[6] = math.NaN(); return nil }},
		{"Inf", "the result of A has -Inf at index 0", func(dst []float64) error { dst[0] = math.Inf(-1); return nil }},
	} {
		for name := range everyMethod(nil) {
			count := 0
			run := everyMethod(func(dst, x []float64) error {
				if count++; count == 4 { // LSQR: the second iteration, after Aᵀ, A, Aᵀ
					return c.fail(dst)
				}
				return good(dst, x)
			})[name]
			result, err := run()
			if err == nil || !strings.HasPrefix(err.Error(), "linalg."+name) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s, %s: the error is %v, expected %q in it", name, c.name, err, c.says)
			}
			if c.name == "error" && !errors.Is(err, broken) {
				t.Errorf("%s: the error does not wrap the operator's", name)
			}
			if x, ok := result.([]float64); ok && (len(x) != 8 || !(floats.Norm(x, 2) > 0)) {
				t.Errorf("%s, %s: x so far is %v", name, c.name, x)
			}
		}
	}
	for name, run := range everyMethod(nil) {
		if _, err := run(); err == nil || !strings.Contains(err.Error(), "is nil, expected an operator") {
			t.Errorf("%s without an operator: the error is %v", name, err)
		}
	}
}

func TestFailingPreconditioner(t *testing.T) {
	a, b := operator(diagonal(3, 2)), []float64{1, 2, 3}
	for says, m := range map[string]linalg.Operator{
		"Preconditioner: out of memory":            func(_, _ []float64) error { return errors.New("out of memory") },
		"the result of Preconditioner has NaN":     func(dst, _ []float64) error { dst[1] = math.NaN(); return nil },
		"expected a positive definite one":         operator(diagonal(3, -1)),
		"Preconditioner has rᵀM⁻¹r = 0 for a vect": func(dst, _ []float64) error { clear(dst); return nil },
	} {
		eachSymmetric(t, func(t *testing.T, method symmetricMethod) {
			x, _, err := method(a, b, linalg.Options{Preconditioner: m})
			if err == nil || !strings.Contains(err.Error(), says) || len(x) != 3 {
				t.Errorf("%v and the error %v, expected %q in it", x, err, says)
			}
		})
	}
}

func TestBadOptions(t *testing.T) {
	a, b := operator(diagonal(2, 1)), []float64{1, 2}
	for _, c := range []struct {
		says string
		b    []float64
		o    linalg.Options
	}{
		{"b is empty", nil, linalg.Options{}},
		{"b has NaN at index 1", []float64{0, math.NaN()}, linalg.Options{}},
		{"the norm of b overflows", []float64{math.MaxFloat64, math.MaxFloat64}, linalg.Options{}},
		{"Options.Tolerance is -1", b, linalg.Options{Tolerance: -1}},
		{"Options.Tolerance is NaN", b, linalg.Options{Tolerance: math.NaN()}},
		{"Options.MaxIterations is -2", b, linalg.Options{MaxIterations: -2}},
		{"Options.Shift is +Inf", b, linalg.Options{Shift: math.Inf(1)}},
	} {
		check := func(t *testing.T, err error) {
			t.Helper()
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %v, expected %q in it", err, c.says)
			}
		}
		eachSymmetric(t, func(t *testing.T, method symmetricMethod) {
			_, _, err := method(a, c.b, c.o)
			check(t, err)
		})
		eachLeastSquares(t, func(t *testing.T, method leastSquaresMethod) {
			_, _, err := method(a, a, c.b, 2, c.o)
			check(t, err)
		})
	}
	if _, _, err := linalg.LSQR(a, a, b, 0, linalg.Options{}); err == nil || !strings.Contains(err.Error(), "n is 0") {
		t.Errorf("the error is %v", err)
	}
}

// TestOverflow: numbers that grow beyond all bounds are an error and no NaN in x.
func TestOverflow(t *testing.T) {
	huge := operator(diagonal(2, 1e308))
	if _, _, err := linalg.CG(huge, []float64{1, 1e-3}, linalg.Options{Shift: 1e308}); err == nil {
		t.Error("no error")
	}
}
