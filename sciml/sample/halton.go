package sample

import (
	"fmt"
	"math/rand/v2"

	"github.com/gosciml/gosciml/sciml/pde"
)

// maxHalton is the largest dimension of Halton points: beyond it the base, 547 and more, would be too large for the
// usual numbers of points to fill an axis evenly.
const maxHalton = 100

// Halton takes the first points of Halton's sequence (1960), in base 2 along the first axis, 3 along the second, then 5
// and further primes, with a random permutation for each digit (Owen 2017, "A randomized Halton algorithm in R"). It
// reaches to 100 dimensions.
type Halton struct {
	Seed uint64
}

// Name implements Sampler.
func (Halton) Name() string { return "Halton" }

// WithSeed implements Sampler.
func (Halton) WithSeed(seed uint64) Sampler { return Halton{Seed: seed} }

// Interior implements Sampler.
func (h Halton) Interior(domain pde.Domain, n int) (*Points, error) {
	return interior(domain, n, halton, rand.New(rand.NewPCG(h.Seed, interiorStream)))
}

// Boundary implements Sampler.
func (h Halton) Boundary(domain pde.Domain, n int, on ...string) (*Points, error) {
	return boundary(domain, n, on, halton, rand.New(rand.NewPCG(h.Seed, boundaryStream)))
}

// halton draws the permutations as gonum's samplemv.Halton does, whose points it gives; that one takes a fixed number of
// points, where rejection needs as many as it takes.
func halton(dim, _ int, rng *rand.Rand) (func(unit []float64), error) {
	if dim > maxHalton {
		return nil, fmt.Errorf("sample: Halton points of %d dimensions were asked for, expected at most %d", dim, maxHalton)
	}
	bases := primes(dim)
	permutations := make([][][]int, dim) // of the digits of each axis
	for i, base := range bases {
		for scale := 1 / float64(base); 1-scale < 1; scale /= float64(base) {
			permutations[i] = append(permutations[i], rng.Perm(base))
		}
	}
	index := 0
	return func(unit []float64) {
		for i, base := range bases {
			rest, value, scale := index, 0.0, 1/float64(base)
			for _, permutation := range permutations[i] {
				value += float64(permutation[rest%base]) * scale
				rest /= base
				scale /= float64(base)
			}
			unit[i] = min(value, belowOne)
		}
		index++
	}, nil
}

// primes are the first n.
func primes(n int) []int {
	var found []int
	for candidate := 2; len(found) < n; candidate++ {
		prime := true
		for _, p := range found {
			prime = prime && candidate%p != 0
		}
		if prime {
			found = append(found, candidate)
		}
	}
	return found
}
