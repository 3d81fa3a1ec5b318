package optim

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/linalg"
)

// kfacProduct is A ⊗ G, both symmetric and positive semidefinite.
type kfacProduct struct{ a, g *mat.SymDense }

// solve writes the solution of (Σ A ⊗ G + λI)x = b into x for each layer, and returns λ: damping times the largest diagonal
// entry of all layers.
func (l *kfacLayout) solve(x, b, factors []float64, damping float64) (lambda float64, err error) {
	products := make([][]kfacProduct, len(l.layers))
	diagonals := make([]float64, len(l.layers)) // a bound of the largest entries: the sum of those of the products
	l.each(factors, func(k, _ int, a, g []float64) {
		layer := &l.layers[k]
		if traceOf(a) > 0 && traceOf(g) > 0 {
			products[k] = append(products[k], kfacProduct{mat.NewSymDense(layer.inputs, a), mat.NewSymDense(layer.outputs, g)})
		}
		diagonals[k] += largestDiagonal(a, layer.inputs) * largestDiagonal(g, layer.outputs)
		lambda = max(lambda, damping*diagonals[k])
	})
	for k := range l.layers {
		layer := &l.layers[k]
		right := layer.matrix(b)
		if len(products[k]) == 0 {
			continue // without an influence on any residual
		}
		var solution *mat.Dense
		if len(products[k]) == 1 {
			solution, err = products[k][0].solve(right, lambda)
		} else {
			solution, err = solveSum(products[k][0], products[k][1], right, lambda)
		}
		if err != nil {
			return 0, fmt.Errorf("optim: KFAC: the layer of θ from entry %d on: %w", layer.entries[0], err)
		}
		for i, e := range layer.entries {
			x[e] = solution.RawMatrix().Data[i]
		}
	}
	return lambda, nil
}

func largestDiagonal(a []float64, n int) float64 {
	largest := 0.0
	for i := range n {
		largest = max(largest, a[i*n+i])
	}
	return largest
}

// solve returns X with AXG + λX = B.
func (p kfacProduct) solve(b *mat.Dense, lambda float64) (*mat.Dense, error) {
	u, err := linalg.NewEigen(p.a.SymmetricDim(), p.a.RawSymmetric().Data)
	if err != nil {
		return nil, err
	}
	v, err := linalg.NewEigen(p.g.SymmetricDim(), p.g.RawSymmetric().Data)
	if err != nil {
		return nil, err
	}
	y := tripleProduct(u.Vectors.T(), b, v.Vectors)
	y.Apply(func(i, j int, of float64) float64 {
		return of / (max(0, u.Values[i])*max(0, v.Values[j]) + lambda)
	}, y)
	return tripleProduct(u.Vectors, y, v.Vectors.T()), nil
}

// solveSum returns X with A₁XG₁ + PXQ = B for P = A₂ + π√λ·I and Q = G₂ + √λ/π·I. With P = LLᵀ, Q = MMᵀ and the
// eigenvectors U of L⁻¹A₁L⁻ᵀ and V of M⁻¹G₁M⁻ᵀ it is X = L⁻ᵀUYVᵀM⁻¹, where each entry of Y has an equation of its own.
func solveSum(first, second kfacProduct, b *mat.Dense, lambda float64) (*mat.Dense, error) {
	a, g := second.a, second.g
	balance := math.Sqrt(mat.Trace(a) / float64(a.SymmetricDim()) / (mat.Trace(g) / float64(g.SymmetricDim())))
	left, u, err := reduce(first.a, a, math.Sqrt(lambda)*balance)
	if err != nil {
		return nil, err
	}
	right, v, err := reduce(first.g, g, math.Sqrt(lambda)/balance)
	if err != nil {
		return nil, err
	}
	y := tripleProduct(u.Vectors.T(), tripleProduct(left, b, right.T()), v.Vectors)
	y.Apply(func(i, j int, of float64) float64 {
		return of / (max(0, u.Values[i])*max(0, v.Values[j]) + 1)
	}, y)
	return tripleProduct(left.T(), tripleProduct(u.Vectors, y, v.Vectors.T()), right), nil
}

// reduce returns L⁻¹ for LLᵀ = second + shift·I, and the eigenvectors of L⁻¹·first·L⁻ᵀ.
func reduce(first, second *mat.SymDense, shift float64) (mat.Matrix, *linalg.Eigen, error) {
	n := first.SymmetricDim()
	damped := mat.NewSymDense(n, nil)
	damped.CopySym(second)
	for i := range n {
		damped.SetSym(i, i, damped.At(i, i)+shift)
	}
	var cholesky mat.Cholesky
	var l, inverse mat.TriDense
	if !cholesky.Factorize(damped) {
		return nil, nil, errors.New("a damped Kronecker factor is not positive definite at this precision; a larger KFAC.Damping helps")
	}
	cholesky.LTo(&l)
	if err := inverse.InverseTri(&l); err != nil && !conditionOnly(err) {
		return nil, nil, err
	}
	e, err := linalg.NewEigen(n, tripleProduct(&inverse, first, inverse.T()).RawMatrix().Data)
	return &inverse, e, err
}

// conditionOnly reports that gonum warns of the condition of a matrix, but has a result.
func conditionOnly(err error) bool {
	var condition mat.Condition
	return errors.As(err, &condition) && !math.IsInf(float64(condition), 1)
}

// tripleProduct is ABC.
func tripleProduct(a, b, c mat.Matrix) *mat.Dense {
	var left, all mat.Dense
	left.Mul(a, b)
	all.Mul(&left, c)
	return &all
}
