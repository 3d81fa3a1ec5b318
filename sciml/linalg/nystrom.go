package linalg

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Nystrom is an approximation U·diag(Values)·Uᵀ of low rank of a symmetric positive semidefinite matrix.
type Nystrom struct {
	Vectors *mat.Dense // U, of shape [n, r] and with orthonormal columns
	Values  []float64  // largest first, and not above those of the matrix but for rounding
}

// NewNystrom takes as many products as the rank with a symmetric positive semidefinite matrix of order n (Frangella, Tropp
// and Udell 2023, algorithm 2.1), besides a small multiple of n·rank² operations. The same seed gives the same approximation.
func NewNystrom(a Operator, n, rank int, seed uint64) (*Nystrom, error) {
	if n < 1 || rank < 1 || rank > n {
		return nil, fmt.Errorf("linalg.NewNystrom: n is %d and rank is %d, expected 1 ≤ rank ≤ n", n, rank)
	}
	p, err := newSketch(a, n, seed).approximation(rank)
	if err != nil {
		return nil, fmt.Errorf("linalg.NewNystrom: %w", err)
	}
	return p, nil
}

// AdaptNystrom doubles the rank, from first to most, until the smallest value is 10·shift or less (Frangella, Tropp and Udell
// 2023, section 5.4): with Inverse(shift), the condition of the shifted matrix is then a small number. Products are kept
// from one rank to the next, so that it takes as many as the final rank, and gives what NewNystrom does with that rank.
func AdaptNystrom(a Operator, n, first, most int, shift float64, seed uint64) (*Nystrom, error) {
	if n < 1 || first < 1 || first > most || most > n {
		return nil, fmt.Errorf("linalg.AdaptNystrom: n is %d, first is %d and most is %d, expected 1 ≤ first ≤ most ≤ n", n, first, most)
	}
	if !(shift >= 0) {
		return nil, fmt.Errorf("linalg.AdaptNystrom: shift is %v, expected at least 0", shift)
	}
	s := newSketch(a, n, seed)
	for rank := first; ; rank = min(2*rank, most) {
		p, err := s.approximation(rank)
		if err != nil {
			return nil, fmt.Errorf("linalg.AdaptNystrom, rank %d: %w", rank, err)
		}
		if p.Values[rank-1] <= 10*shift || rank == most {
			return p, nil
		}
	}
}

// Inverse is the preconditioner for A + shift·I that comes of the approximation (Frangella, Tropp and Udell 2023, 5.3),
//
//	P⁻¹ = (λᵣ + shift)·U(Λ + shift·I)⁻¹Uᵀ + I − UUᵀ.
//
// A product takes 4nr operations. It is an error of the operator, at the first product, if shift is not a positive number
// (nor zero with all values positive) or x is not of length n. dst may be x.
func (p *Nystrom) Inverse(shift float64) Operator {
	if p == nil || p.Vectors == nil || len(p.Values) == 0 {
		return func(_, _ []float64) error {
			return errors.New("linalg.Nystrom.Inverse: there is no approximation, expected one of NewNystrom or AdaptNystrom")
		}
	}
	n, rank := p.Vectors.Dims()
	least := p.Values[rank-1] + shift
	return func(dst, x []float64) error {
		if !(shift >= 0) || !(least > 0) {
			return fmt.Errorf("linalg.Nystrom.Inverse: shift is %v and the smallest value %v, expected a positive sum", shift, p.Values[rank-1])
		}
		if len(x) != n || len(dst) != n {
			return fmt.Errorf("linalg.Nystrom.Inverse: lengths are %d and %d, expected %d", len(dst), len(x), n)
		}
		along := blas64.Vector{N: rank, Data: make([]float64, rank), Inc: 1}
		blas64.Gemv(blas.Trans, 1, p.Vectors.RawMatrix(), blas64.Vector{N: n, Data: x, Inc: 1}, 0, along)
		for i, v := range p.Values {
			along.Data[i] *= least/(v+shift) - 1
		}
		copy(dst, x)
		blas64.Gemv(blas.NoTrans, 1, p.Vectors.RawMatrix(), along, 1, blas64.Vector{N: n, Data: dst, Inc: 1})
		return nil
	}
}

// sketch holds random test vectors Ω, orthonormal, and AΩ; both grow by one vector at a time.
type sketch struct {
	a               Operator
	n               int
	random          *rand.Rand
	tests, products [][]float64
}

func newSketch(a Operator, n int, seed uint64) *sketch {
	return &sketch{a: a, n: n, random: rand.New(rand.NewPCG(seed, 0))}
}

func (s *sketch) grow() error {
	test, product := make([]float64, s.n), make([]float64, s.n)
	for i := range test {
		test[i] = s.random.NormFloat64()
	}
	orthogonalize(test, s.tests)
	unit(test, test)
	if err := apply("A", s.a, product, test); err != nil {
		return err
	}
	s.tests, s.products = append(s.tests, test), append(s.products, product)
	return nil
}

// approximation is algorithm 2.1 with the vectors as rows.
func (s *sketch) approximation(rank int) (*Nystrom, error) {
	for len(s.tests) < rank {
		if err := s.grow(); err != nil {
			return nil, err
		}
	}
	tests, products := columns(s.tests), columns(s.products)
	norm := mat.Norm(products, 2)
	if norm == 0 {
		return &Nystrom{Vectors: tests, Values: make([]float64, rank)}, nil
	}
	// The shift keeps ΩᵀAΩ positive definite in rounding, where A is of low rank; it goes from the values again.
	var factor mat.Cholesky
	shift := math.Nextafter(norm, math.Inf(1)) - norm
	for {
		shifted := mat.NewDense(s.n, rank, nil)
		shifted.Apply(func(i, j int, v float64) float64 { return v + shift*tests.At(i, j) }, products)
		var core mat.Dense
		core.Mul(tests.T(), shifted)
		symmetric := mat.NewSymDense(rank, nil)
		for i := range rank {
			for j := range i + 1 {
				symmetric.SetSym(i, j, (core.At(i, j)+core.At(j, i))/2)
			}
		}
		if factor.Factorize(symmetric) {
			products = shifted
			break
		}
		if shift *= 16; !(shift <= 1e-8*norm) { // nor for a norm that overflows
			return nil, errors.New("the matrix A is not positive semidefinite, as expected: ΩᵀAΩ has a negative eigenvalue")
		}
	}
	var upper mat.TriDense
	factor.UTo(&upper)
	blas64.Trsm(blas.Right, blas.NoTrans, 1, upper.RawTriangular(), products.RawMatrix())
	var svd mat.SVD
	if !svd.Factorize(products, mat.SVDThinU) {
		return nil, errors.New("the singular values of the sketch were not found")
	}
	p := &Nystrom{Vectors: new(mat.Dense), Values: svd.Values(nil)}
	svd.UTo(p.Vectors)
	floats.Mul(p.Values, p.Values)
	for i, v := range p.Values {
		p.Values[i] = max(0, v-shift)
	}
	return p, nil
}
