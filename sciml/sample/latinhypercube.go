package sample

import (
	"math/rand/v2"

	"github.com/gosciml/gosciml/sciml/pde"
)

// LatinHypercube divides each axis into n intervals of equal length and puts one point into each of them, at a random
// place; the intervals of different axes are paired at random (McKay, Beckman and Conover 1979). That holds for boxes
// and whole patches; a domain that does not fill its bounds takes the points of one design of n after another.
type LatinHypercube struct {
	Seed uint64
}

// Name implements Sampler.
func (LatinHypercube) Name() string { return "Latin hypercube" }

// WithSeed implements Sampler.
func (LatinHypercube) WithSeed(seed uint64) Sampler { return LatinHypercube{Seed: seed} }

// Interior implements Sampler.
func (l LatinHypercube) Interior(domain pde.Domain, n int) (*Points, error) {
	return interior(domain, n, latinHypercube, rand.New(rand.NewPCG(l.Seed, interiorStream)))
}

// Boundary implements Sampler.
func (l LatinHypercube) Boundary(domain pde.Domain, n int, on ...string) (*Points, error) {
	return boundary(domain, n, on, latinHypercube, rand.New(rand.NewPCG(l.Seed, boundaryStream)))
}

func latinHypercube(dim, n int, rng *rand.Rand) (func(unit []float64), error) {
	order := make([][]int, dim)
	used := n
	return func(unit []float64) {
		if used == n {
			for i := range order {
				order[i] = rng.Perm(n)
			}
			used = 0
		}
		for i := range unit {
			unit[i] = min((float64(order[i][used])+rng.Float64())/float64(n), belowOne)
		}
		used++
	}, nil
}
