package linalg

import (
	"cmp"
	"errors"
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// LeastSquares minimizes ‖Ax − b‖ on the host, for the matrix of shape [m, n] with these rows, and returns x with the rank
// of A. Singular values below cutoff times the largest count as zeros; cutoff is max(m, n)·2⁻⁵² when zero. Where A has full
// column rank by that rule it takes a QR factorization of 2mn² operations, and else the singular values, at several times
// the cost, for the solution of least norm (Golub and Van Loan 2013, sections 5.3 and 5.5). Errors are lengths that do not
// fit, numbers that are not finite, and singular values that were not found.
func LeastSquares(m, n int, a, b []float64, cutoff float64) (x []float64, rank int, err error) {
	switch {
	case m < 1 || n < 1 || len(a) != m*n:
		return nil, 0, fmt.Errorf("linalg.LeastSquares: m is %d, n is %d and a has %d numbers, expected m, n ≥ 1 and m·n", m, n, len(a))
	case len(b) != m:
		return nil, 0, fmt.Errorf("linalg.LeastSquares: b has length %d, expected m = %d", len(b), m)
	case !(cutoff >= 0 && cutoff < 1):
		return nil, 0, fmt.Errorf("linalg.LeastSquares: cutoff is %v, expected at least 0 and below 1", cutoff)
	}
	if err := errors.Join(allFinite("a", a), allFinite("b", b)); err != nil {
		return nil, 0, fmt.Errorf("linalg.LeastSquares: %w", err)
	}
	cutoff = cmp.Or(cutoff, float64(max(m, n))*epsilon)
	matrix, right, solution := mat.NewDense(m, n, a), mat.NewVecDense(m, b), mat.NewVecDense(n, nil)
	if m >= n {
		var qr mat.QR
		qr.Factorize(matrix)
		// The condition is in a norm that may be below that of the singular values by a factor of n.
		if qr.Cond()*float64(n)*cutoff < 1 && qr.SolveVecTo(solution, false, right) == nil {
			return solution.RawVector().Data, n, nil
		}
	}
	var svd mat.SVD
	if !svd.Factorize(matrix, mat.SVDThin) {
		return nil, 0, errors.New("linalg.LeastSquares: the singular values of a were not found")
	}
	if rank = svd.Rank(cutoff); rank == 0 {
		return make([]float64, n), 0, nil
	}
	svd.SolveVecTo(solution, right, rank)
	return solution.RawVector().Data, rank, nil
}
