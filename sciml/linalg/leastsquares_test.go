package linalg_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/linalg"
)

type leastSquaresMethod func(a, at linalg.Operator, b []float64, n int, o linalg.Options) ([]float64, linalg.Outcome, error)

func eachLeastSquares(t *testing.T, f func(t *testing.T, method leastSquaresMethod)) {
	for name, method := range map[string]leastSquaresMethod{"LSQR": linalg.LSQR, "LSMR": linalg.LSMR} {
		t.Run(name, func(t *testing.T) { f(t, method) })
	}
}

// truncated is the least-squares solution of least norm by singular values of at least cutoff times the largest.
func truncated(a *mat.Dense, b []float64, cutoff float64) []float64 {
	var svd mat.SVD
	svd.Factorize(a, mat.SVDThin)
	var x mat.VecDense
	svd.SolveVecTo(&x, mat.NewVecDense(len(b), b), svd.Rank(cutoff))
	return x.RawVector().Data
}

// TestLeastSquaresIterations has square, tall and wide matrices of full and of deficient rank, against gonum's SVD.
func TestLeastSquaresIterations(t *testing.T) {
	full, deficient := logarithmic(12, 100), logarithmic(12, 100)
	deficient[4], deficient[7] = 0, 0
	for _, c := range []struct {
		name string
		a    *mat.Dense
	}{
		{"square", withSingularValues(12, full, 20)},
		{"tall", withSingularValues(30, full, 22)},
		{"wide", mat.DenseCopyOf(withSingularValues(30, full, 24).T())},
		{"tall of rank 10", withSingularValues(30, deficient, 26)},
		{"wide of rank 10", mat.DenseCopyOf(withSingularValues(30, deficient, 28).T())},
	} {
		m, n := c.a.Dims()
		b := gaussianVector(m, 30)
		want := truncated(c.a, b, 1e-10)
		left := floats.Distance(times(c.a, want), b, 2) / floats.Norm(b, 2)
		eachLeastSquares(t, func(t *testing.T, method leastSquaresMethod) {
			x, out, err := method(operator(c.a), operator(c.a.T()), b, n, linalg.Options{Tolerance: 1e-12, MaxIterations: 200})
			noError(t, err)
			if !out.Converged || math.Abs(out.Residual-left) > 1e-9 {
				t.Errorf("%s: %+v, expected the residual %g", c.name, out, left)
			}
			atMost(t, c.name+": the error", apart(x, want), 1e-8)
		})
	}
}

// TestDamping compares with the problem that has √λ·I below A.
func TestDamping(t *testing.T) {
	const m, n, shift = 25, 10, 1e-2
	a := withSingularValues(m, logarithmic(n, 1e9), 31)
	b := gaussianVector(m, 33)
	below := mat.NewDense(m+n, n, nil)
	below.Stack(a, diagonal(n, math.Sqrt(shift)))
	want := truncated(below, append(append([]float64(nil), b...), make([]float64, n)...), 0)
	eachLeastSquares(t, func(t *testing.T, method leastSquaresMethod) {
		x, out, err := method(operator(a), operator(a.T()), b, n, linalg.Options{Tolerance: 1e-13, Shift: shift, MaxIterations: 100})
		noError(t, err)
		if !out.Converged {
			t.Errorf("%+v", out)
		}
		atMost(t, "the error", apart(x, want), 1e-10)
		r := floats.SubTo(make([]float64, m), b, times(a, x))
		atMost(t, "what is wrong with the residual", math.Abs(out.Residual-floats.Norm(r, 2)/floats.Norm(b, 2)), 1e-14)
	})
}

// TestHalfOfTheDigits is what doc.go says of normal equations: with condition 1e7 they leave two or three digits of
// 16 where QR and LSQR leave nine.
func TestHalfOfTheDigits(t *testing.T) {
	const m, n = 60, 12
	a := withSingularValues(m, logarithmic(n, 1e7), 39)
	want := gaussianVector(n, 41)
	b := times(a, want)
	var gram mat.Dense
	gram.Mul(a.T(), a)
	spd, err := linalg.NewSPD(n, rowsOf(&gram))
	noError(t, err)
	x := make([]float64, n)
	noError(t, spd.Solve(x, times(a.T(), b)))
	if lost := apart(x, want); lost < 1e-6 {
		t.Errorf("normal equations have the error %g, expected above 1e-6", lost)
	}
	x, rank, err := linalg.LeastSquares(m, n, rowsOf(a), b, 0)
	noError(t, err)
	if rank != n {
		t.Errorf("rank %d, expected %d", rank, n)
	}
	atMost(t, "the error of QR", apart(x, want), 1e-8)
	eachLeastSquares(t, func(t *testing.T, method leastSquaresMethod) {
		x, _, err := method(operator(a), operator(a.T()), b, n, linalg.Options{Tolerance: 1e-15, MaxIterations: 400})
		noError(t, err)
		atMost(t, "the error", apart(x, want), 1e-7)
	})
}

// TestRightPreconditioner composes as the comment at LSQR says, with R of a nearby matrix.
func TestRightPreconditioner(t *testing.T) {
	const m, n = 40, 15
	a := withSingularValues(m, logarithmic(n, 1e6), 43)
	near := mat.DenseCopyOf(a)
	near.Apply(func(i, j int, v float64) float64 { return v * (1 + 1e-8*float64((i+2*j)%3)) }, near)
	var qr mat.QR
	qr.Factorize(near)
	var r, inverse mat.Dense
	qr.RTo(&r)
	noError(t, inverse.Inverse(r.Slice(0, n, 0, n)))
	var composed mat.Dense
	composed.Mul(a, &inverse)
	b := gaussianVector(m, 45)
	want := truncated(a, b, 0)
	eachLeastSquares(t, func(t *testing.T, method leastSquaresMethod) {
		y, out, err := method(operator(&composed), operator(composed.T()), b, n, linalg.Options{Tolerance: 1e-13})
		noError(t, err)
		if !out.Converged || out.Iterations > 6 {
			t.Errorf("%+v, expected a few iterations", out)
		}
		atMost(t, "the error", apart(times(&inverse, y), want), 1e-6)
	})
}

func TestSmallLeastSquares(t *testing.T) {
	eachLeastSquares(t, func(t *testing.T, method leastSquaresMethod) {
		column := mat.NewDense(2, 1, []float64{3, 4})
		for _, size := range []float64{1e-200, 1, 1e200} {
			x, out, err := method(operator(column), operator(column.T()), []float64{size, 0}, 1, linalg.Options{})
			noError(t, err)
			if !out.Converged || math.Abs(x[0]/size-3./25) > 1e-15 || math.Abs(out.Residual-0.8) > 1e-14 {
				t.Errorf("size %g: %v, %+v", size, x, out)
			}
		}
		x, out, err := method(operator(column), operator(column.T()), []float64{0, 0}, 1, linalg.Options{})
		noError(t, err)
		if !out.Converged || x[0] != 0 || out.Residual != 0 {
			t.Errorf("right-hand side zero: %v, %+v", x, out)
		}
		column = mat.NewDense(2, 1, []float64{3, 0})
		x, out, err = method(operator(column), operator(column.T()), []float64{0, 7}, 1, linalg.Options{})
		noError(t, err)
		if !out.Converged || x[0] != 0 || out.Residual != 1 {
			t.Errorf("b orthogonal to the column: %v, %+v", x, out)
		}
		for _, c := range []struct {
			o    linalg.Options
			says string
		}{
			{linalg.Options{Shift: -1}, "Options.Shift is -1"},
			{linalg.Options{Preconditioner: operator(column)}, "Options.Preconditioner is set"},
		} {
			if _, _, err := method(operator(column), operator(column.T()), []float64{1, 1}, 1, c.o); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %v, expected %q in it", err, c.says)
			}
		}
	})
}

// TestLeastSquaresHost has every shape and rank against gonum's SVD; A and b are not changed.
func TestLeastSquaresHost(t *testing.T) {
	deficient := logarithmic(9, 1e3)
	deficient[2], deficient[5] = 0, 1e-12
	for _, c := range []struct {
		name   string
		a      *mat.Dense
		cutoff float64
		rank   int
	}{
		{"square", withSingularValues(9, logarithmic(9, 1e3), 50), 0, 9},
		{"tall", withSingularValues(20, logarithmic(9, 1e6), 52), 0, 9},
		{"wide", mat.DenseCopyOf(withSingularValues(20, logarithmic(9, 1e3), 54).T()), 0, 9},
		{"tall, truncated", withSingularValues(20, deficient, 56), 1e-9, 7},
		{"wide, truncated", mat.DenseCopyOf(withSingularValues(20, deficient, 58).T()), 1e-9, 7},
		{"tall, cut at 1/30", withSingularValues(20, logarithmic(9, 1e3), 60), 1. / 30, 4},
		{"one number", mat.NewDense(1, 1, []float64{-4}), 0, 1},
	} {
		m, n := c.a.Dims()
		b := gaussianVector(m, 62)
		a, bBefore := rowsOf(c.a), append([]float64(nil), b...)
		x, rank, err := linalg.LeastSquares(m, n, a, b, c.cutoff)
		noError(t, err)
		if rank != c.rank {
			t.Errorf("%s: rank %d, expected %d", c.name, rank, c.rank)
		}
		atMost(t, c.name+": the error", apart(x, truncated(c.a, b, c.cutoff)), 1e-9)
		if !floats.Equal(a, rowsOf(c.a)) || !floats.Equal(b, bBefore) {
			t.Errorf("%s: an argument was changed", c.name)
		}
	}
	x, rank, err := linalg.LeastSquares(2, 3, make([]float64, 6), []float64{1, 2}, 0)
	noError(t, err)
	if rank != 0 || fmt.Sprint(x) != "[0 0 0]" {
		t.Errorf("zero matrix: %v of rank %d", x, rank)
	}
	if x, rank, err = linalg.LeastSquares(3, 2, make([]float64, 6), []float64{1, 2, 3}, 0); err != nil || rank != 0 || fmt.Sprint(x) != "[0 0]" {
		t.Errorf("tall zero matrix: %v of rank %d, %v", x, rank, err)
	}
	for says, call := range map[string]func() error{
		"a has 5 numbers": func() error {
			_, _, err := linalg.LeastSquares(2, 3, make([]float64, 5), make([]float64, 2), 0)
			return err
		},
		"b has length 3": func() error {
			_, _, err := linalg.LeastSquares(2, 3, make([]float64, 6), make([]float64, 3), 0)
			return err
		},
		"cutoff is 1": func() error { _, _, err := linalg.LeastSquares(1, 1, []float64{1}, []float64{1}, 1); return err },
		"a has NaN": func() error {
			_, _, err := linalg.LeastSquares(1, 1, []float64{math.NaN()}, []float64{1}, 0)
			return err
		},
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the error is %v, expected %q in it", err, says)
		}
	}
}
