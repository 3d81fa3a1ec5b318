package linalg_test

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/linalg"
)

// TestLanczosRecurrence checks AQ = QT + Next·q·eₖᵀ with orthonormal Q, which without reorthogonalization is lost as soon as
// a Ritz value converges: here the largest, which is far from the others.
func TestLanczosRecurrence(t *testing.T) {
	const n, k = 50, 30
	values := logarithmic(n, 1e3)
	values[0] = 1e3
	a := withSpectrum(values, 80)
	l, err := linalg.Lanczos(operator(a), gaussianVector(n, 81), k)
	noError(t, err)
	if r, c := l.Basis.Dims(); r != n || c != k || len(l.Diagonal) != k || len(l.OffDiagonal) != k-1 {
		t.Fatalf("the basis is of shape [%d, %d], the tridiagonal matrix has %d and %d numbers", r, c, len(l.Diagonal), len(l.OffDiagonal))
	}
	var gram, image mat.Dense
	gram.Mul(l.Basis.T(), l.Basis)
	gram.Sub(&gram, diagonal(k, 1))
	atMost(t, "‖QᵀQ − I‖", mat.Norm(&gram, 2), 1e-14)
	image.Mul(a, l.Basis)
	tridiagonal := mat.NewSymDense(k, nil)
	for i, d := range l.Diagonal {
		tridiagonal.SetSym(i, i, d)
		if i > 0 {
			tridiagonal.SetSym(i-1, i, l.OffDiagonal[i-1])
		}
	}
	var product mat.Dense
	product.Mul(l.Basis, tridiagonal)
	image.Sub(&image, &product)
	last := mat.Norm(image.ColView(k-1), 2)
	atMost(t, "what leads out, against Next", math.Abs(last-l.Next), 1e-11)
	image.ColView(k - 1).(*mat.VecDense).Zero()
	atMost(t, "‖AQ − QT‖ in the other columns", mat.Norm(&image, 2), 1e-11)
}

// TestRitzValues: every Ritz value is as near to an eigenvalue as its bound says, the ends first.
func TestRitzValues(t *testing.T) {
	const n = 60
	values := make([]float64, n)
	for i := range values {
		values[i] = 1 - 2*float64(i)/(n-1)
	}
	values[0], values[n-1] = 3, -2
	l, err := linalg.Lanczos(operator(withSpectrum(values, 82)), gaussianVector(n, 83), 20)
	noError(t, err)
	ritz, bounds, err := l.Eigenvalues()
	noError(t, err)
	for i, v := range ritz {
		nearest := math.Inf(1)
		for _, w := range values {
			nearest = min(nearest, math.Abs(v-w))
		}
		atMost(t, "the distance from an eigenvalue", nearest, bounds[i]+1e-13)
		if i > 0 && v > ritz[i-1] {
			t.Errorf("Ritz values are not in descending order: %v", ritz)
		}
	}
	if k := len(ritz); math.Abs(ritz[0]-3) > 1e-12 || math.Abs(ritz[k-1]+2) > 1e-12 || bounds[0] > 1e-7 || bounds[k/2] < 1e-4 {
		t.Errorf("the ends are %g and %g, expected 3 and -2; bounds are %v", ritz[0], ritz[k-1], bounds)
	}
}

// TestLanczosInvariant: a space that A does not lead out of ends the process, and gives eigenvalues.
func TestLanczosInvariant(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   []float64
	}{
		{[]float64{5, 2, 2, -1, -1, -1}, []float64{5, 2, -1}},
		{[]float64{4, 3, 2, 1}, []float64{4, 3, 2, 1}},
		{[]float64{7}, []float64{7}},
		{[]float64{0, 0}, []float64{0}},
	} {
		n := len(c.values)
		l, err := linalg.Lanczos(operator(withSpectrum(c.values, 84)), gaussianVector(n, 85), 10)
		noError(t, err)
		got, bounds, err := l.Eigenvalues()
		noError(t, err)
		if len(got) != len(c.want) || l.Next != 0 {
			t.Errorf("%v: Ritz values %v, Next %g, expected %v and 0", c.values, got, l.Next, c.want)
			continue
		}
		for i, v := range c.want {
			if math.Abs(got[i]-v) > 1e-13 || bounds[i] != 0 {
				t.Errorf("%v: Ritz values %v with bounds %v, expected %v", c.values, got, bounds, c.want)
			}
		}
	}
}

func TestLanczosArguments(t *testing.T) {
	a := operator(diagonal(2, 1))
	for _, c := range []struct {
		says  string
		start []float64
		steps int
	}{
		{"steps is 0", []float64{1, 2}, 0},
		{"start has norm 0", []float64{0, 0}, 1},
		{"start has norm 0", nil, 1},
		{"start has NaN at index 0", []float64{math.NaN(), 0}, 1},
	} {
		if _, err := linalg.Lanczos(a, c.start, c.steps); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("the error is %v, expected %q in it", err, c.says)
		}
	}
}

// TestGaussQuadrature: the Ritz values with the squares of the first entries of T's eigenvectors integrate polynomials up to degree
// 2k − 1 exactly.
func TestGaussQuadrature(t *testing.T) {
	const n, k = 40, 5
	a := withSpectrum(logarithmic(n, 50), 90)
	start := gaussianVector(n, 91)
	l, err := linalg.Lanczos(operator(a), start, k)
	noError(t, err)
	eigen, err := l.Eigen()
	noError(t, err)
	unit := mat.NewVecDense(n, start)
	unit.ScaleVec(1/mat.Norm(unit, 2), unit)
	power := mat.VecDenseCopyOf(unit)
	for degree := range 2 * k {
		sum := 0.0
		for i, v := range eigen.Values {
			first := eigen.Vectors.At(0, i)
			sum += first * first * math.Pow(v, float64(degree))
		}
		want := mat.Dot(unit, power)
		atMost(t, "the relative error of a moment", math.Abs(sum-want)/want, 1e-12)
		next := mat.NewVecDense(n, nil)
		next.MulVec(a, power)
		power = next
	}
	if _, err := new(linalg.Tridiagonal).Eigen(); err == nil {
		t.Error("no error of a matrix that is not there")
	}
}
