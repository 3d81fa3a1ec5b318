package linalg_test

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/linalg"
)

func isOrthonormal(t *testing.T, u *mat.Dense) {
	t.Helper()
	_, r := u.Dims()
	var gram mat.Dense
	gram.Mul(u.T(), u)
	gram.Sub(&gram, diagonal(r, 1))
	atMost(t, "‖UᵀU − I‖", mat.Norm(&gram, 2), 1e-12)
}

func approximated(p *linalg.Nystrom) *mat.Dense {
	var scaled, a mat.Dense
	scaled.Mul(p.Vectors, mat.NewDiagDense(len(p.Values), p.Values))
	a.Mul(&scaled, p.Vectors.T())
	return &a
}

// TestNystromLowRank: a matrix of rank 6 is found exactly, with its eigenvalues, from a rank of 6 on.
func TestNystromLowRank(t *testing.T) {
	const n = 40
	values := make([]float64, n)
	copy(values, []float64{7, 3, 1, 0.1, 1e-3, 1e-5})
	a := withSpectrum(values, 90)
	for _, rank := range []int{6, 9, n} {
		p, err := linalg.NewNystrom(operator(a), n, rank, 91)
		noError(t, err)
		if r, c := p.Vectors.Dims(); r != n || c != rank || len(p.Values) != rank {
			t.Fatalf("rank %d: shape [%d, %d] and %d values", rank, r, c, len(p.Values))
		}
		isOrthonormal(t, p.Vectors)
		atMost(t, "the error of the values", floats.Distance(p.Values, values[:rank], 2), 1e-12)
		var difference mat.Dense
		difference.Sub(approximated(p), a)
		atMost(t, "the error of the matrix", mat.Norm(&difference, 2), 1e-12)
	}
}

// TestNystromApproximation: values never lie above the eigenvalues, and the expected error is bounded as in Frangella, Tropp
// and Udell, proposition 2.2: with rank 2p − 1 and decay like here it is a small multiple of the p-th eigenvalue.
func TestNystromApproximation(t *testing.T) {
	const n, rank = 60, 19
	values := logarithmic(n, 1e12)
	a := withSpectrum(values, 92)
	p, err := linalg.NewNystrom(operator(a), n, rank, 93)
	noError(t, err)
	isOrthonormal(t, p.Vectors)
	for i, v := range p.Values {
		if v > values[i]*(1+1e-10) || v < 0 || i > 0 && v > p.Values[i-1] {
			t.Errorf("value %d is %g, the eigenvalue %g", i, v, values[i])
		}
	}
	var difference mat.Dense
	difference.Sub(a, approximated(p))
	var tail float64
	for _, v := range values[9:] {
		tail += v
	}
	atMost(t, "the error", mat.Norm(&difference, 2), 3*values[9]+2*math.E*math.E/10*tail)

	again, err := linalg.NewNystrom(operator(a), n, rank, 93)
	noError(t, err)
	other, err := linalg.NewNystrom(operator(a), n, rank, 94)
	noError(t, err)
	if !mat.Equal(p.Vectors, again.Vectors) || mat.Equal(p.Vectors, other.Vectors) {
		t.Error("approximations of one seed differ, or those of two do not")
	}
}

// TestAdaptNystrom: the rank is the first of 3, 6, 12, 24, … whose smallest value is 10·shift or less, and gives what
// NewNystrom does, at no more products than the rank.
func TestAdaptNystrom(t *testing.T) {
	const n = 60
	a := withSpectrum(logarithmic(n, 1e12), 95)
	for shift, want := range map[float64]int{1: 3, 1e-3: 12, 1e-7: 48, 0: 50} {
		products := 0
		counted := func(dst, x []float64) error { products++; return operator(a)(dst, x) }
		p, err := linalg.AdaptNystrom(counted, n, 3, 50, shift, 96)
		noError(t, err)
		if len(p.Values) != want || products != want {
			t.Errorf("shift %g: rank %d by %d products, expected %d", shift, len(p.Values), products, want)
			continue
		}
		same, err := linalg.NewNystrom(operator(a), n, want, 96)
		noError(t, err)
		if !mat.Equal(p.Vectors, same.Vectors) || !floats.Equal(p.Values, same.Values) {
			t.Errorf("shift %g: not what NewNystrom gives", shift)
		}
	}
}

// TestNystromPreconditioner: the preconditioned matrix has a condition below 28 where the rank is enough (theorem 5.1 bounds
// its expectation), and CG takes few iterations.
func TestNystromPreconditioner(t *testing.T) {
	const n, shift = 80, 1e-6
	a := withSpectrum(logarithmic(n, 1e10), 97)
	b := gaussianVector(n, 98)
	p, err := linalg.AdaptNystrom(operator(a), n, 10, n, shift, 99)
	noError(t, err)
	inverse := p.Inverse(shift)

	// P⁻¹ against its definition, and the eigenvalues of P⁻¹(A + shift·I).
	dense := mat.NewDense(n, n, nil)
	unit := make([]float64, n)
	for j := range n {
		clear(unit)
		unit[j] = 1
		noError(t, inverse(unit, unit)) // in place
		dense.SetCol(j, unit)
	}
	r := len(p.Values)
	var forward mat.Dense // P = U(Λ + shift·I)Uᵀ/(λᵣ + shift) + I − UUᵀ
	scaled := mat.DenseCopyOf(p.Vectors)
	scaled.Apply(func(_, j int, v float64) float64 { return v * ((p.Values[j]+shift)/(p.Values[r-1]+shift) - 1) }, scaled)
	forward.Mul(scaled, p.Vectors.T())
	forward.Add(&forward, diagonal(n, 1))
	forward.Mul(&forward, dense)
	forward.Sub(&forward, diagonal(n, 1))
	atMost(t, "‖PP⁻¹ − I‖", mat.Norm(&forward, 2), 1e-9)
	var shifted mat.Dense
	shifted.Add(a, diagonal(n, shift))
	shifted.Mul(dense, &shifted)
	var eigen mat.Eigen
	eigen.Factorize(&shifted, mat.EigenNone)
	least, most := math.Inf(1), 0.0
	for _, v := range eigen.Values(nil) {
		least, most = min(least, real(v)), max(most, real(v))
	}
	atMost(t, "the condition", most/least, 28)

	_, plain, err := linalg.CG(operator(a), b, linalg.Options{Shift: shift, Tolerance: 1e-8, MaxIterations: 2000})
	noError(t, err)
	x, out, err := linalg.CG(operator(a), b, linalg.Options{Shift: shift, Tolerance: 1e-8, Preconditioner: inverse})
	noError(t, err)
	if !out.Converged || out.Iterations > 40 || plain.Iterations < 3*out.Iterations {
		t.Errorf("%d iterations with, %d without", out.Iterations, plain.Iterations)
	}
	left := times(a, x)
	floats.AddScaled(left, shift, x)
	atMost(t, "the residual", floats.Distance(left, b, 2)/floats.Norm(b, 2), 2e-8)
}

func TestNystromArguments(t *testing.T) {
	a := operator(diagonal(3, 1))
	zero, err := linalg.NewNystrom(operator(diagonal(3, 0)), 3, 2, 1)
	noError(t, err)
	isOrthonormal(t, zero.Vectors)
	if zero.Values[0] != 0 || zero.Values[1] != 0 {
		t.Errorf("the zero matrix has the values %v", zero.Values)
	}
	x := []float64{1, 2, 3}
	noError(t, zero.Inverse(1)(x, x))
	atMost(t, "the identity, from the zero matrix", apart(x, []float64{1, 2, 3}), 1e-15)
	one, err := linalg.NewNystrom(operator(diagonal(1, 5)), 1, 1, 1)
	noError(t, err)
	atMost(t, "the value of [5]", math.Abs(one.Values[0]-5), 1e-13)

	for says, call := range map[string]func() error{
		"rank is 0":                    func() error { _, err := linalg.NewNystrom(a, 3, 0, 1); return err },
		"rank is 4":                    func() error { _, err := linalg.NewNystrom(a, 3, 4, 1); return err },
		"first is 3 and most is 2":     func() error { _, err := linalg.AdaptNystrom(a, 3, 3, 2, 1, 1); return err },
		"shift is NaN":                 func() error { _, err := linalg.AdaptNystrom(a, 3, 1, 2, math.NaN(), 1); return err },
		"not positive semidefinite":    func() error { _, err := linalg.NewNystrom(operator(diagonal(3, -1)), 3, 2, 1); return err },
		"shift is 0 and the smallest":  func() error { return zero.Inverse(0)(x, x) },
		"shift is -1 and the smallest": func() error { return zero.Inverse(-1)(x, x) },
		"lengths are 3 and 2":          func() error { return zero.Inverse(1)(x, x[:2]) },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the error is %v, expected %q in it", err, says)
		}
	}
}
