package linalg_test

import (
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/linalg"
)

// TestMain has XLA compile fast rather than well, except for benchmarks: the tests run each graph once.
func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() == "" && os.Getenv("GOMLX_BACKEND") == "" && os.Getenv("XLA_FLAGS") == "" {
		os.Setenv("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true --xla_cpu_use_fusion_emitters=false")
	}
	os.Exit(m.Run())
}

// gaussian has independent entries of the normal distribution.
func gaussian(m, n int, seed uint64) *mat.Dense {
	random := rand.New(rand.NewPCG(seed, 1))
	a := mat.NewDense(m, n, nil)
	a.Apply(func(_, _ int, _ float64) float64 { return random.NormFloat64() }, a)
	return a
}

func gaussianVector(n int, seed uint64) []float64 { return gaussian(n, 1, seed).RawMatrix().Data }

// orthonormal has n columns of length m.
func orthonormal(m, n int, seed uint64) *mat.Dense {
	var qr mat.QR
	qr.Factorize(gaussian(m, n, seed))
	var q mat.Dense
	qr.QTo(&q)
	return mat.DenseCopyOf(q.Slice(0, m, 0, n))
}

// withSpectrum is QΛQᵀ with a random orthogonal Q, and exactly symmetric.
func withSpectrum(values []float64, seed uint64) *mat.SymDense {
	n := len(values)
	q := orthonormal(n, n, seed)
	var scaled, a mat.Dense
	scaled.Mul(q, mat.NewDiagDense(n, values))
	a.Mul(&scaled, q.T())
	s := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			s.SetSym(i, j, (a.At(i, j)+a.At(j, i))/2)
		}
	}
	return s
}

// withSingularValues is UΣVᵀ, of shape [m, len(values)].
func withSingularValues(m int, values []float64, seed uint64) *mat.Dense {
	n := len(values)
	var scaled, a mat.Dense
	scaled.Mul(orthonormal(m, n, seed), mat.NewDiagDense(n, values))
	a.Mul(&scaled, orthonormal(n, n, seed+1).T())
	return &a
}

// logarithmic goes from 1 down to 1/condition.
func logarithmic(n int, condition float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = math.Pow(condition, -float64(i)/float64(n-1))
	}
	return values
}

func operator(a mat.Matrix) linalg.Operator {
	return func(dst, x []float64) error {
		mat.NewVecDense(len(dst), dst).MulVec(a, mat.NewVecDense(len(x), x))
		return nil
	}
}

func times(a mat.Matrix, x []float64) []float64 {
	m, _ := a.Dims()
	dst := make([]float64, m)
	operator(a)(dst, x)
	return dst
}

// rowsOf has the entries of a matrix row by row.
func rowsOf(a mat.Matrix) []float64 { return mat.DenseCopyOf(a).RawMatrix().Data }

// apart is ‖x − y‖/‖y‖.
func apart(x, y []float64) float64 { return floats.Distance(x, y, 2) / floats.Norm(y, 2) }

func atMost(t *testing.T, what string, got, limit float64) {
	t.Helper()
	if !(got <= limit) {
		t.Errorf("%s is %g, expected at most %g", what, got, limit)
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
