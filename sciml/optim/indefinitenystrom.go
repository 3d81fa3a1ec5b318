package optim

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/linalg"
)

// indefiniteNystrom is linalg.AdaptNystrom for a matrix that may be indefinite, as Hessians are (Rathore, Lei, Frangella, Lu
// and Udell 2024, Algorithm 5): where the sketch ΩᵀAΩ has a negative eigenvalue λ, it approximates A + |λ|·I, takes |λ| off
// the values again, and makes those zero that are negative then.
func indefiniteNystrom(a linalg.Operator, n, first, most int, shift float64, seed uint64) (*linalg.Nystrom, error) {
	// The test vectors are the same each time, as they depend on the seed alone: no product is computed twice.
	var tests, products [][]float64
	lift := 0.0
	for {
		call := 0
		p, err := linalg.AdaptNystrom(func(dst, x []float64) error {
			if call == len(tests) {
				if err := a(dst, x); err != nil {
					return err
				}
				tests, products = append(tests, slices.Clone(x)), append(products, slices.Clone(dst))
			}
			copy(dst, products[call])
			floats.AddScaled(dst, lift, x)
			call++
			return nil
		}, n, first, most, shift+lift/10, seed)
		if err == nil {
			for i, v := range p.Values {
				p.Values[i] = math.Max(0, v-lift)
			}
			return p, nil
		}
		least, problem := leastSketched(tests, products)
		if problem != nil || !(-least > lift) { // nothing that lifting helps with
			return nil, err
		}
		lift = -least * (1 + 1e-6)
	}
}

// leastSketched is the smallest eigenvalue of ΩᵀAΩ.
func leastSketched(tests, products [][]float64) (float64, error) {
	core := mat.NewSymDense(max(1, len(tests)), nil)
	for i := range tests {
		for j := range i + 1 {
			v := (floats.Dot(tests[i], products[j]) + floats.Dot(tests[j], products[i])) / 2
			if !device.Finite(v) {
				return 0, fmt.Errorf("optim: entry (%d, %d) of a sketched matrix is %v, expected a finite number", i, j, v)
			}
			core.SetSym(i, j, v)
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(core, false) {
		return 0, fmt.Errorf("optim: the eigenvalues of a sketched matrix of order %d were not found", len(tests))
	}
	return eigen.Values(nil)[0], nil
}
