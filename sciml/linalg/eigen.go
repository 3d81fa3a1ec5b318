package linalg

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Eigen is the eigendecomposition of a symmetric matrix, on the host. One serves for solving with any shift and cutoff, at
// 4n² operations each, by any number of goroutines.
type Eigen struct {
	Values  []float64  // largest first
	Vectors *mat.Dense // of shape [n, n], in columns
}

// NewEigen decomposes the symmetric matrix of order n with these rows, of which it reads the upper triangle, in some 9n³
// operations. Errors are a length of a other than n², numbers that are not finite, and eigenvalues that were not found.
func NewEigen(n int, a []float64) (*Eigen, error) {
	symmetric, err := symmetricMatrix("linalg.NewEigen", n, a)
	if err != nil {
		return nil, err
	}
	var decomposition mat.EigenSym
	if !decomposition.Factorize(symmetric, true) {
		return nil, fmt.Errorf("linalg.NewEigen: the eigenvalues of a matrix of order %d were not found", n)
	}
	e := &Eigen{Values: decomposition.Values(nil), Vectors: new(mat.Dense)}
	decomposition.VectorsTo(e.Vectors)
	slices.Reverse(e.Values)
	for i := range n {
		slices.Reverse(e.Vectors.RawRowView(i))
	}
	return e, nil
}

// Solve writes (A + shift·I)⁻¹b into dst, which may be b, for a positive semidefinite A: of the eigenvectors it takes those
// with eigenvalues of at least cutoff times the largest, and drops the others, as well as those whose eigenvalue and shift
// add up to zero. Negative eigenvalues count as zeros, which rounding made of them. With shift zero this is the product with
// the pseudo-inverse: of all x that minimize ‖Ax − b‖ the one of least norm. dst and b have length n.
func (e *Eigen) Solve(dst, b []float64, cutoff, shift float64) {
	if len(e.Values) == 0 { // of order 0
		return
	}
	n := len(e.Values)
	along := blas64.Vector{N: n, Data: make([]float64, n), Inc: 1}
	blas64.Gemv(blas.Trans, 1, e.Vectors.RawMatrix(), blas64.Vector{N: n, Data: b, Inc: 1}, 0, along)
	least := cutoff * max(0, e.Values[0])
	for i, v := range e.Values {
		v = max(0, v)
		if v >= least && v+shift > 0 {
			along.Data[i] /= v + shift
		} else {
			along.Data[i] = 0
		}
	}
	blas64.Gemv(blas.NoTrans, 1, e.Vectors.RawMatrix(), along, 0, blas64.Vector{N: n, Data: dst, Inc: 1})
}

// Rank is the number of eigenvalues that Solve takes with this cutoff and no shift.
func (e *Eigen) Rank(cutoff float64) int {
	if len(e.Values) == 0 {
		return 0
	}
	least := cutoff * max(0, e.Values[0])
	for i, v := range e.Values {
		if !(v > 0 && v >= least) {
			return i
		}
	}
	return len(e.Values)
}

// InverseRoot is (A + shift·I)^(−1/2) for a positive semidefinite A, a symmetric matrix, row by row. Negative eigenvalues count as
// zeros, as in Solve; where such a one and the shift add up to zero, the entries are infinite or NaN.
func (e *Eigen) InverseRoot(shift float64) []float64 {
	if len(e.Values) == 0 {
		return nil
	}
	n := len(e.Values)
	vectors, scaled, root := mat.NewDense(n, n, nil), mat.NewDense(n, n, nil), mat.NewDense(n, n, nil)
	for k, v := range e.Values {
		factor := 1 / math.Sqrt(max(0, v)+shift)
		for i := range n { // the smallest eigenvalue comes first in the sums
			entry := e.Vectors.At(i, k)
			vectors.Set(i, n-1-k, entry)
			scaled.Set(i, n-1-k, entry*factor)
		}
	}
	root.Mul(scaled, vectors.T())
	return root.RawMatrix().Data
}
