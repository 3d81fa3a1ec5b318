package linalg_test

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/linalg"
)

type symmetricMethod func(linalg.Operator, []float64, linalg.Options) ([]float64, linalg.Outcome, error)

var symmetricMethods = map[string]symmetricMethod{"CG": linalg.CG, "MINRES": linalg.MINRES}

func eachSymmetric(t *testing.T, f func(t *testing.T, method symmetricMethod)) {
	for name, method := range symmetricMethods {
		t.Run(name, func(t *testing.T) { f(t, method) })
	}
}

// TestSpectra solves with prescribed spectra; the reported residual is the true one where rounding allows it.
func TestSpectra(t *testing.T) {
	const n = 40
	for _, condition := range []float64{1e2, 1e4, 1e8, 1e12} {
		a := withSpectrum(logarithmic(n, condition), 1)
		want := gaussianVector(n, 2)
		b := times(a, want)
		eachSymmetric(t, func(t *testing.T, method symmetricMethod) {
			x, out, err := method(operator(a), b, linalg.Options{Tolerance: 1e-9, MaxIterations: 4000})
			noError(t, err)
			if !out.Converged || out.NegativeCurvature != nil {
				t.Fatalf("condition %g: %+v", condition, out)
			}
			atMost(t, "the reported residual", out.Residual, 1e-9)
			left := floats.Norm(floats.SubTo(make([]float64, n), b, times(a, x)), 2) / floats.Norm(b, 2)
			atMost(t, "the difference to the true residual", math.Abs(left-out.Residual), 1e-12)
			// The error is bounded by the residual and the condition.
			atMost(t, fmt.Sprintf("the error with condition %g", condition), apart(x, want), 1e-9*condition)
		})
	}
}

// TestFewEigenvalues: the Krylov space of k different eigenvalues has k dimensions, whatever the condition.
func TestFewEigenvalues(t *testing.T) {
	const n = 60
	values := make([]float64, n)
	for i := range values {
		values[i] = []float64{1e6, 3, 1, 1e3}[i%4]
	}
	a := withSpectrum(values, 3)
	want := gaussianVector(n, 4)
	eachSymmetric(t, func(t *testing.T, method symmetricMethod) {
		x, out, err := method(operator(a), times(a, want), linalg.Options{Tolerance: 1e-11})
		noError(t, err)
		if !out.Converged || out.Iterations > 6 {
			t.Errorf("%+v, expected 4 iterations, and hardly more by rounding", out)
		}
		atMost(t, "the error", apart(x, want), 1e-5)
	})
}

// TestKrylovOptimality compares iterates with their definitions: after k iterations CG has the least error in the norm
// of A, and MINRES the least residual, over the Krylov space.
func TestKrylovOptimality(t *testing.T) {
	const n, k = 20, 5
	a := withSpectrum(logarithmic(n, 100), 5)
	b := gaussianVector(n, 6)
	space := mat.NewDense(n, k, nil)
	v := b
	for j := range k {
		space.SetCol(j, v)
		v = times(a, v)
	}
	var image, normal mat.Dense
	image.Mul(a, space)

	var y mat.VecDense
	normal.Mul(space.T(), &image)
	noError(t, y.SolveVec(&normal, mat.NewVecDense(k, times(space.T(), b))))
	x, _, err := linalg.CG(operator(a), b, linalg.Options{Tolerance: 1e-15, MaxIterations: k})
	noError(t, err)
	atMost(t, "CG against its definition", apart(x, times(space, y.RawVector().Data)), 1e-8)

	noError(t, y.SolveVec(&image, mat.NewVecDense(n, b)))
	x, _, err = linalg.MINRES(operator(a), b, linalg.Options{Tolerance: 1e-15, MaxIterations: k})
	noError(t, err)
	atMost(t, "MINRES against its definition", apart(x, times(space, y.RawVector().Data)), 1e-8)
}

func TestShift(t *testing.T) {
	const n, shift = 15, 0.25
	a := withSpectrum(logarithmic(n, 1e10), 7)
	b := gaussianVector(n, 8)
	shifted := mat.NewDense(n, n, nil)
	shifted.Add(a, diagonal(n, shift))
	var want mat.VecDense
	noError(t, want.SolveVec(shifted, mat.NewVecDense(n, b)))
	eachSymmetric(t, func(t *testing.T, method symmetricMethod) {
		x, _, err := method(operator(a), b, linalg.Options{Tolerance: 1e-13, Shift: shift})
		noError(t, err)
		atMost(t, "the error", apart(x, want.RawVector().Data), 1e-12)
	})
}

// TestPreconditioner: with M = A there is one iteration; with the diagonal of a badly scaled matrix there are those of the
// well-scaled one.
func TestPreconditioner(t *testing.T) {
	const n = 50
	a := withSpectrum(logarithmic(n, 1e8), 9)
	b := gaussianVector(n, 10)
	spd, err := linalg.NewSPD(n, rowsOf(a))
	noError(t, err)
	scale := logarithmic(n, 1e5)
	scaled := mat.NewSymDense(n, nil)
	well := withSpectrum(logarithmic(n, 10), 11)
	for i := range n {
		for j := range i + 1 {
			scaled.SetSym(i, j, scale[i]*well.At(i, j)*scale[j])
		}
	}
	jacobi := func(dst, x []float64) error {
		for i, v := range x {
			dst[i] = v / scaled.At(i, i)
		}
		return nil
	}
	want := gaussianVector(n, 12)
	eachSymmetric(t, func(t *testing.T, method symmetricMethod) {
		_, out, err := method(operator(a), b, linalg.Options{Preconditioner: spd.Solve, Tolerance: 1e-5})
		noError(t, err)
		if !out.Converged || out.Iterations != 1 {
			t.Errorf("with the inverse: %+v, expected one iteration", out)
		}
		right := times(scaled, want)
		x, out, err := method(operator(scaled), right, linalg.Options{Preconditioner: jacobi, Tolerance: 1e-12, MaxIterations: 60})
		noError(t, err)
		if !out.Converged {
			t.Errorf("with the diagonal: %+v", out)
		}
		left := floats.Distance(right, times(scaled, x), 2) / floats.Norm(right, 2)
		atMost(t, "the true residual with the diagonal", left, 1.1e-12)
	})
}

// TestNegativeCurvature: CG gives x so far and the direction, and MINRES solves.
func TestNegativeCurvature(t *testing.T) {
	const n = 30
	values := logarithmic(n, 50)
	values[n-1], values[3] = -0.5, -0.01
	a := withSpectrum(values, 13)
	want := gaussianVector(n, 14)
	b := times(a, want)
	x, out, err := linalg.CG(operator(a), b, linalg.Options{})
	noError(t, err)
	d := out.NegativeCurvature
	if d == nil || out.Converged || floats.Dot(d, times(a, d)) > 0 {
		t.Fatalf("%+v, expected a direction of negative curvature", out)
	}
	if left := floats.Distance(b, times(a, x), 2) / floats.Norm(b, 2); math.Abs(left-out.Residual) > 1e-12 {
		t.Errorf("x so far has the residual %g, expected %g as reported", left, out.Residual)
	}
	x, out, err = linalg.MINRES(operator(a), b, linalg.Options{Tolerance: 1e-12, MaxIterations: 200})
	noError(t, err)
	if !out.Converged {
		t.Errorf("MINRES: %+v", out)
	}
	atMost(t, "the error of MINRES", apart(x, want), 1e-9)

	x, out, err = linalg.CG(operator(diagonal(2, -1)), []float64{3, 4}, linalg.Options{})
	noError(t, err)
	if out.NegativeCurvature == nil || out.Iterations != 0 || x[0] != 0 || x[1] != 0 {
		t.Errorf("at once: %v, %+v, expected zero and no iteration", x, out)
	}
	x, out, err = linalg.CG(operator(diagonal(2, -1)), []float64{3, 4}, linalg.Options{Shift: 2})
	noError(t, err)
	if !out.Converged || apart(x, []float64{3, 4}) > 1e-15 {
		t.Errorf("shifted to the identity: %v, %+v", x, out)
	}
}

// TestSingular: in the range both solve; outside of it MINRES ends at a least-squares solution.
func TestSingular(t *testing.T) {
	const n = 24
	values := logarithmic(n, 100)
	for i := range 5 {
		values[2+3*i] = 0
	}
	values[1] = -0.3
	a := withSpectrum(values, 15)
	b := times(a, gaussianVector(n, 16))
	x, out, err := linalg.MINRES(operator(a), b, linalg.Options{Tolerance: 1e-10})
	noError(t, err)
	if !out.Converged {
		t.Errorf("MINRES in the range: %+v", out)
	}
	atMost(t, "the residual of MINRES", floats.Distance(b, times(a, x), 2)/floats.Norm(b, 2), 1.1e-10)

	for seed := range uint64(10) {
		b = gaussianVector(n, 17+seed)
		x, out, err = linalg.MINRES(operator(a), b, linalg.Options{Tolerance: 1e-10})
		noError(t, err)
		residual := floats.SubTo(make([]float64, n), b, times(a, x))
		left := floats.Norm(residual, 2) / floats.Norm(b, 2)
		if !out.Converged || left < 0.1 || math.Abs(left-out.Residual) > 1e-10 {
			t.Errorf("MINRES outside the range: %+v, and the residual is %g", out, left)
		}
		atMost(t, "the normal residual of MINRES", floats.Norm(times(a, residual), 2)/floats.Norm(residual, 2), 2e-8)
	}

	values[1] = 1
	a = withSpectrum(values, 15)
	b = times(a, gaussianVector(n, 16))
	x, out, err = linalg.CG(operator(a), b, linalg.Options{Tolerance: 1e-10})
	noError(t, err)
	if !out.Converged {
		t.Errorf("CG in the range: %+v", out)
	}
	atMost(t, "the residual of CG", floats.Distance(b, times(a, x), 2)/floats.Norm(b, 2), 1.1e-10)
}

func TestSmallSystems(t *testing.T) {
	eachSymmetric(t, func(t *testing.T, method symmetricMethod) {
		// A right-hand side whose square vanishes, one whose square overflows, and n = 1.
		for _, size := range []float64{1e-200, 1, 1e200} {
			x, out, err := method(operator(diagonal(1, 4)), []float64{size}, linalg.Options{})
			noError(t, err)
			if !out.Converged || math.Abs(x[0]/size-0.25) > 1e-15 {
				t.Errorf("4x = %g: %v, %+v", size, x, out)
			}
		}
		x, out, err := method(operator(diagonal(3, 2)), make([]float64, 3), linalg.Options{})
		noError(t, err)
		if !out.Converged || out.Iterations != 0 || out.Residual != 0 || floats.Norm(x, 1) != 0 || len(x) != 3 {
			t.Errorf("right-hand side zero: %v, %+v", x, out)
		}
		x, out, err = method(operator(withSpectrum(logarithmic(20, 1e6), 18)), gaussianVector(20, 19), linalg.Options{MaxIterations: 3})
		noError(t, err)
		if out.Converged || out.Iterations != 3 || floats.Norm(x, 2) == 0 {
			t.Errorf("three iterations: %+v", out)
		}
	})
	x, out, err := linalg.MINRES(operator(diagonal(3, 0)), []float64{1, 2, 3}, linalg.Options{})
	noError(t, err)
	if floats.Norm(x, 1) != 0 || !out.Converged || out.Residual != 1 {
		t.Errorf("MINRES with the zero matrix: %v, %+v", x, out)
	}
}

func diagonal(n int, value float64) *mat.DiagDense {
	d := mat.NewDiagDense(n, nil)
	for i := range n {
		d.SetDiag(i, value)
	}
	return d
}
