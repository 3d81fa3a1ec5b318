package linalg_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/linalg"
)

func TestSPD(t *testing.T) {
	for _, condition := range []float64{1e2, 1e8, 1e12, 1e15} {
		a := withSpectrum(logarithmic(20, condition), 100)
		want := gaussianVector(20, 101)
		kept := rowsOf(a)
		s, err := linalg.NewSPD(20, kept)
		noError(t, err)
		x := times(a, want)
		noError(t, s.Solve(x, x)) // in place
		atMost(t, "the error", apart(x, want), 1e-15*condition)
		if !floats.Equal(kept, rowsOf(a)) {
			t.Error("the matrix was changed")
		}
	}
	for _, values := range [][]float64{{1, -1e-3, 2}, {1, 0, 0}} {
		if _, err := linalg.NewSPD(3, rowsOf(mat.NewDiagDense(3, values))); !errors.Is(err, linalg.ErrNotPositiveDefinite) {
			t.Errorf("eigenvalues %v: the error is %v", values, err)
		}
	}
	s, err := linalg.NewSPD(1, []float64{4})
	noError(t, err)
	for says, err := range map[string]error{
		"lengths 2 and 1, expected 1": s.Solve(make([]float64, 2), []float64{1}),
		"n is 0":                      second(linalg.NewSPD(0, nil)),
		"a has 3 numbers":             second(linalg.NewSPD(2, make([]float64, 3))),
		"a has NaN at index 0":        second(linalg.NewSPD(1, []float64{math.NaN()})),
		"linalg.NewEigen: n is 2":     second(linalg.NewEigen(2, make([]float64, 3))),
	} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the error is %v, expected %q in it", err, says)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestEigen(t *testing.T) {
	const n = 16
	values := logarithmic(n, 1e3)
	for i := n - 4; i < n; i++ {
		values[i] = 0
	}
	a := withSpectrum(values, 102)
	e, err := linalg.NewEigen(n, rowsOf(a))
	noError(t, err)
	atMost(t, "the error of the values", floats.Distance(e.Values, values, 2), 1e-13)
	isOrthonormal(t, e.Vectors)
	var image, scaled mat.Dense
	image.Mul(a, e.Vectors)
	scaled.Mul(e.Vectors, mat.NewDiagDense(n, e.Values))
	image.Sub(&image, &scaled)
	atMost(t, "‖AV − VΛ‖", mat.Norm(&image, 2), 1e-13)
	if e.Rank(1e-12) != n-4 || e.Rank(0.9e-1) >= n-4 {
		t.Errorf("rank %d, expected %d", e.Rank(1e-12), n-4)
	}

	// The pseudo-inverse, against gonum's SVD.
	b := gaussianVector(n, 103)
	x := append([]float64(nil), b...)
	e.Solve(x, x, 1e-12, 0) // in place
	atMost(t, "the error of the pseudo-inverse", apart(x, truncated(mat.DenseCopyOf(a), b, 1e-12)), 1e-11)
	// A cutoff among the eigenvalues drops the same as with the SVD.
	e.Solve(x, b, 0.05, 0)
	atMost(t, "the error with a cutoff", apart(x, truncated(mat.DenseCopyOf(a), b, 0.05)), 1e-12)
	// A shift without a cutoff is the ordinary solution.
	var shifted mat.Dense
	shifted.Add(a, diagonal(n, 0.01))
	e.Solve(x, b, 0, 0.01)
	atMost(t, "the residual with a shift", floats.Distance(times(&shifted, x), b, 2), 1e-11)

	root := mat.NewDense(n, n, e.InverseRoot(0.01))
	var square, product mat.Dense
	square.Mul(root, root)
	product.Mul(&square, &shifted)
	product.Sub(&product, diagonal(n, 1))
	atMost(t, "R²(A + 0.01·I) − I", mat.Norm(&product, 2), 1e-11)
	negative, err := linalg.NewEigen(2, []float64{4, 0, 0, -1e-20})
	noError(t, err)
	if r := negative.InverseRoot(0.25); math.Abs(r[0]-1/math.Sqrt(4.25)) > 1e-15 || r[3] != 2 || r[1] != 0 {
		t.Errorf("the inverse root with a negative eigenvalue is %v", r)
	}

	for _, value := range []float64{0, -2} { // nothing to invert
		e, err := linalg.NewEigen(2, []float64{value, 0, 0, value})
		noError(t, err)
		x := []float64{1, 2}
		e.Solve(x, x, 1e-12, 0)
		if x[0] != 0 || x[1] != 0 || e.Rank(1e-12) != 0 {
			t.Errorf("%g·I: %v of rank %d", value, x, e.Rank(1e-12))
		}
	}
	one, err := linalg.NewEigen(1, []float64{8})
	noError(t, err)
	x = []float64{2}
	one.Solve(x, x, 0, 0)
	atMost(t, "what is wrong with 2/8", math.Abs(x[0]-0.25), 1e-16)
}
