package sample

import (
	"math/rand/v2"

	"github.com/gosciml/gosciml/sciml/pde"
)

// Uniform draws points independently and uniformly. The same seed gives the same points.
type Uniform struct {
	Seed uint64
}

// Name implements Sampler.
func (Uniform) Name() string { return "uniform" }

// WithSeed implements Sampler.
func (Uniform) WithSeed(seed uint64) Sampler { return Uniform{Seed: seed} }

// Interior implements Sampler.
func (u Uniform) Interior(domain pde.Domain, n int) (*Points, error) {
	return interior(domain, n, uniform, rand.New(rand.NewPCG(u.Seed, interiorStream)))
}

// Boundary implements Sampler.
func (u Uniform) Boundary(domain pde.Domain, n int, on ...string) (*Points, error) {
	return boundary(domain, n, on, uniform, rand.New(rand.NewPCG(u.Seed, boundaryStream)))
}

func uniform(_, _ int, rng *rand.Rand) (func(unit []float64), error) {
	return func(unit []float64) {
		for i := range unit {
			unit[i] = rng.Float64()
		}
	}, nil
}
