package linalg

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Tridiagonal is a symmetric matrix of order n seen from a Krylov space of k dimensions: A·Q = Q·T + Next·q·eₖᵀ, with T the
// tridiagonal matrix, and q a unit vector orthogonal to the basis Q.
type Tridiagonal struct {
	Diagonal    []float64  // k
	OffDiagonal []float64  // k − 1
	Basis       *mat.Dense // Q, of shape [n, k] and with orthonormal columns
	Next        float64    // zero where the space is invariant, and the eigenvalues of T are ones of A
}

// Lanczos takes up to steps products with a symmetric matrix of order len(start) (Lanczos 1950), from a start vector of any
// Length but zero. Each vector is made orthogonal to all before, and twice, since rounding would bring back those that
// converged (Parlett 1998, section 6.9). That takes 4nk² operations and the memory of the basis. There are fewer steps
// where the space becomes invariant, n at most.
func Lanczos(a Operator, start []float64, steps int) (*Tridiagonal, error) {
	n := len(start)
	if steps < 1 {
		return nil, fmt.Errorf("linalg.Lanczos: steps is %d, expected at least 1", steps)
	}
	if err := allFinite("start", start); err != nil {
		return nil, fmt.Errorf("linalg.Lanczos: %w", err)
	}
	q := make([]float64, n)
	if length := unit(q, start); !(length > 0) || math.IsInf(length, 1) {
		return nil, fmt.Errorf("linalg.Lanczos: start has norm %v, expected a finite number above 0", length)
	}
	t := &Tridiagonal{}
	basis := [][]float64{q}
	var norm float64 // of A, as far as seen
	for step := range min(steps, n) {
		product := make([]float64, n)
		if err := apply("A", a, product, basis[step]); err != nil {
			return nil, fmt.Errorf("linalg.Lanczos, step %d: %w", step+1, err)
		}
		norm = max(norm, floats.Norm(product, 2))
		t.Diagonal = append(t.Diagonal, floats.Dot(basis[step], product))
		orthogonalize(product, basis)
		t.Next = unit(product, product)
		// What rounding leaves of a space that A does not lead out of is no new direction.
		if t.Next <= 16*epsilon*norm || step+1 == n {
			t.Next = 0
			break
		}
		if step+1 < steps {
			t.OffDiagonal = append(t.OffDiagonal, t.Next)
			basis = append(basis, product)
		}
	}
	t.Basis = columns(basis)
	return t, nil
}

// Eigenvalues returns the Ritz values, largest first, and for each a bound on its distance from the nearest eigenvalue of A:
// the norm of the residual of its Ritz vector (Parlett 1998, chapter 13). Those at the ends of the spectrum are the good
// ones. It fails if the eigenvalues of the tridiagonal matrix are not found.
func (t *Tridiagonal) Eigenvalues() (values, bounds []float64, err error) {
	eigen, err := t.Eigen()
	if err != nil {
		return nil, nil, err
	}
	last := len(eigen.Values) - 1
	bounds = make([]float64, len(eigen.Values))
	for i := range bounds {
		bounds[i] = t.Next * math.Abs(eigen.Vectors.At(last, i))
	}
	return eigen.Values, bounds, nil
}

// Eigen is the eigendecomposition of T, whose eigenvectors y make the Ritz vectors Q·y. The squares of their first entries are the
// weights of a Gauss quadrature with the Ritz values as nodes: sᵀg(A)s ≈ Σ y₁²·g(value) for the unit vector s along the start
// (Golub and Meurant 2010, chapter 6). It fails if the eigenvalues are not found.
func (t *Tridiagonal) Eigen() (*Eigen, error) {
	if len(t.Diagonal) == 0 || len(t.OffDiagonal) != len(t.Diagonal)-1 {
		return nil, errors.New("linalg.Tridiagonal: there is no matrix, expected one of Lanczos")
	}
	k := len(t.Diagonal)
	dense := make([]float64, k*k)
	for i, d := range t.Diagonal {
		dense[i*k+i] = d
		if i > 0 {
			dense[(i-1)*k+i], dense[i*k+i-1] = t.OffDiagonal[i-1], t.OffDiagonal[i-1]
		}
	}
	return NewEigen(k, dense)
}

// orthogonalize takes from x what it has along the vectors of an orthonormal basis; the second time takes what rounding
// left in the first.
func orthogonalize(x []float64, basis [][]float64) {
	for range 2 {
		for _, q := range basis {
			floats.AddScaled(x, -floats.Dot(q, x), q)
		}
	}
}

// columns is the matrix with these columns.
func columns(vectors [][]float64) *mat.Dense {
	m := mat.NewDense(len(vectors[0]), len(vectors), nil)
	for j, v := range vectors {
		m.SetCol(j, v)
	}
	return m
}
