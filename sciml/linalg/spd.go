package linalg

import (
	"errors"
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// ErrNotPositiveDefinite is in the error of NewSPD where a pivot of the factorization is not positive.
var ErrNotPositiveDefinite = errors.New("the matrix is not positive definite")

// SPD is the Cholesky factorization of a symmetric positive definite matrix, on the host. Several goroutines may solve
// with it.
type SPD struct {
	n      int
	factor mat.Cholesky
}

// NewSPD factorizes the matrix of order n with these rows, of which it reads the upper triangle and keeps nothing, in n³/3
// multiplications. Errors are a length of a other than n², numbers that are not finite, and ErrNotPositiveDefinite.
func NewSPD(n int, a []float64) (*SPD, error) {
	symmetric, err := symmetricMatrix("linalg.NewSPD", n, a)
	if err != nil {
		return nil, err
	}
	s := &SPD{n: n}
	if !s.factor.Factorize(symmetric) {
		return nil, fmt.Errorf("linalg.NewSPD: %w", ErrNotPositiveDefinite)
	}
	return s, nil
}

// Solve writes A⁻¹b into dst, which may be b. Both have length n.
func (s *SPD) Solve(dst, b []float64) error {
	if s.n == 0 {
		return errors.New("linalg.SPD.Solve: there is no matrix, expected one of NewSPD")
	}
	if len(dst) != s.n || len(b) != s.n {
		return fmt.Errorf("linalg.SPD.Solve: dst and b have lengths %d and %d, expected %d", len(dst), len(b), s.n)
	}
	copy(dst, b)
	x := mat.NewVecDense(s.n, dst)
	err := s.factor.SolveVecTo(x, x)
	var condition mat.Condition
	if errors.As(err, &condition) { // a warning of gonum: there is a solution
		return nil
	}
	return err
}

func symmetricMatrix(who string, n int, a []float64) (*mat.SymDense, error) {
	if n < 1 || len(a) != n*n {
		return nil, fmt.Errorf("%s: n is %d and a has %d numbers, expected n ≥ 1 and n²", who, n, len(a))
	}
	if err := allFinite("a", a); err != nil {
		return nil, fmt.Errorf("%s: %w", who, err)
	}
	return mat.NewSymDense(n, a), nil
}
