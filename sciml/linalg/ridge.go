package linalg

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/lapack"
	lapackgonum "gonum.org/v1/gonum/lapack/gonum"
)

// Ridge solves min ‖Az + b‖² + λ‖z‖² on the host for many λ after one bidiagonalization A = QBPᵀ (Eldén 1977, "Algorithms
// for the regularization of ill-conditioned least squares problems"): each further λ takes O(n) operations, and 2n² for the
// solution itself. That gives what singular vectors would, in a fraction of their time, and the condition number of A
// counts, not its square.
type Ridge struct {
	m, N     int
	a, tau   []float64 // the factor P in the form of LAPACK
	d, e     []float64 // B: its diagonal, and the one above
	right    []float64 // the first n entries of −Qᵀb
	Singular []float64 // values of A, descending
	in       []float64 // −b in the directions of the left singular vectors
}

// NewRidge factorizes the matrix A of shape [m, n] with these rows, which it overwrites; b has length m. It takes about 4mn²
// operations. Errors are numbers that are not finite, and singular values that were not found.
func NewRidge(m, n int, a, b []float64) (*Ridge, error) {
	for _, v := range a {
		if !finite(v) {
			return nil, errors.New("linalg.NewRidge: an entry of A is NaN or infinite")
		}
	}
	if m < n { // rows of zeros change nothing
		a = append(a[:m*n:m*n], make([]float64, (n-m)*n)...)
		m = n
	}
	var lib lapackgonum.Implementation
	r := &Ridge{m: m, N: n, a: a, tau: make([]float64, n), d: make([]float64, n), e: make([]float64, n-1), right: make([]float64, m)}
	for i, v := range b {
		r.right[i] = -v
	}
	tauQ, work := make([]float64, n), make([]float64, 1)
	lib.Dgebrd(m, n, a, n, r.d, r.e, tauQ, r.tau, work, -1)
	work = make([]float64, max(int(work[0]), 64*(m+n), 4*n))
	lib.Dgebrd(m, n, a, n, r.d, r.e, tauQ, r.tau, work, len(work))
	lib.Dormbr(lapack.ApplyQ, blas.Left, blas.Trans, m, 1, n, a, n, tauQ, r.right, 1, work, len(work))
	r.right = r.right[:n]
	r.Singular, r.in = append([]float64(nil), r.d...), append([]float64(nil), r.right...)
	e := append([]float64(nil), r.e...)
	if !lib.Dbdsqr(blas.Upper, n, 0, 0, 1, r.Singular, e, nil, n, nil, n, r.in, 1, work) {
		return nil, errors.New("linalg.NewRidge: the singular values were not found")
	}
	return r, nil
}

// Length is ‖z‖ for λ above zero.
func (r *Ridge) Length(lambda float64) float64 {
	sum := 0.0
	for i, s := range r.Singular {
		z := s * r.in[i] / (s*s + lambda)
		sum += z * z
	}
	return math.Sqrt(sum)
}

// Decrease is ‖b‖² − ‖Az + b‖² for λ above zero.
func (r *Ridge) Decrease(lambda float64) float64 {
	sum := 0.0
	for i, s := range r.Singular {
		g := s * r.in[i] / (s*s + lambda)
		sum += g * g * (s*s + 2*lambda)
	}
	return sum
}

// Descent is the derivative of −‖Az + b‖² along z from zero, 2(Aᵀb)ᵀ(−z), for λ above zero.
func (r *Ridge) Descent(lambda float64) float64 {
	sum := 0.0
	for i, s := range r.Singular {
		sum += 2 * math.Pow(s*r.in[i], 2) / (s*s + lambda)
	}
	return sum
}

// Damping is the λ, at least that least one above zero, for which ‖z‖ is the radius; the least one if z is shorter there.
func (r *Ridge) Damping(radius, least float64) float64 {
	if r.Length(least) <= radius {
		return least
	}
	slope := 0.0 // ‖Aᵀb‖, and ‖z‖ ≤ ‖Aᵀb‖/λ
	for i, s := range r.Singular {
		slope = math.Hypot(slope, s*r.in[i])
	}
	low, high := math.Log(least), math.Max(math.Log(slope/radius), math.Log(least))
	for range 64 {
		if middle := (low + high) / 2; r.Length(math.Exp(middle)) > radius {
			low = middle
		} else {
			high = middle
		}
	}
	return math.Exp(high)
}

// Solve returns z for each λ, one column after the other in rows: shape [n, number of λs].
func (r *Ridge) Solve(lambdas []float64) []float64 {
	if len(lambdas) == 0 || r.N == 0 {
		return nil
	}
	n, count := r.N, len(lambdas)
	all := make([]float64, n*count)
	for k, lambda := range lambdas {
		for i, v := range r.bidiagonal(math.Sqrt(lambda)) {
			all[i*count+k] = v
		}
	}
	work := make([]float64, 64*(n+count))
	lapackgonum.Implementation{}.Dormbr(lapack.ApplyP, blas.Left, blas.NoTrans, n, count, r.m, r.a, n, r.tau, all, count, work, len(work))
	return all
}

// bidiagonal is the minimizer of ‖By − c‖² + μ²‖y‖². Rotations of the rows of [B c] and [μI 0] make it triangular.
func (r *Ridge) bidiagonal(mu float64) []float64 {
	n := r.N
	diagonal, above, c := make([]float64, n), make([]float64, n), make([]float64, n)
	d, right := r.d[0], r.right[0]   // of the row of B that is next
	damping, dampingRight := mu, 0.0 // of the row of μI
	for i := range n {
		rho := math.Hypot(d, damping)
		cos, sin := 1.0, 0.0
		if rho > 0 {
			cos, sin = d/rho, damping/rho
		}
		diagonal[i], c[i] = rho, cos*right+sin*dampingRight
		if i == n-1 {
			break
		}
		above[i] = cos * r.e[i]
		// What is left of the row of μI has an entry in column i+1, and joins the one there.
		left, leftRight := -sin*r.e[i], -sin*right+cos*dampingRight
		damping = math.Hypot(mu, left)
		dampingRight = 0
		if damping > 0 {
			dampingRight = left / damping * leftRight
		}
		d, right = r.d[i+1], r.right[i+1]
	}
	y := c
	for i := n - 1; i >= 0; i-- {
		if i < n-1 {
			y[i] -= above[i] * y[i+1]
		}
		y[i] /= diagonal[i]
	}
	return y
}
