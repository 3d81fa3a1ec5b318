package sample

import (
	"math/rand/v2"

	"github.com/gosciml/gosciml/sciml/pde"
)

// RAD, residual-based adaptive distribution, draws all points anew from candidates with probabilities in proportion to
// r^K/mean(r^K) + C, without replacement (Wu, Zhu, Tan, Kartha and Lu 2023, algorithm 2). The zero value has K = 1 and
// C = 1, which they advise; otherwise both are taken as they are. A larger K favours large residuals more, a larger C
// keeps more points elsewhere. Candidates are drawn uniformly, ten for each point when the number is 0.
type RAD struct {
	K, C       float64
	Candidates int
}

// Name implements Refiner.
func (RAD) Name() string { return "RAD" }

// Refine implements Refiner. All points count alike afterwards.
func (a RAD) Refine(domain pde.Domain, current *Points, residual func(*Points) ([]float64, error), rng *rand.Rand) (*Points, error) {
	run := refinement{a.Name(), domain, current, residual, rng}
	if err := run.check(); err != nil {
		return nil, err
	}
	if a.K == 0 && a.C == 0 {
		a.K, a.C = 1, 1
	}
	if err := checkDensity(a.Name(), a.K, a.C); err != nil {
		return nil, err
	}
	candidates, values, err := run.candidates(a.Candidates, current.N)
	if err != nil {
		return nil, err
	}
	points := &Points{N: current.N, Dim: current.Dim, Coords: make([]float64, 0, len(current.Coords))}
	for _, i := range withoutReplacement(density(values, a.K, a.C), current.N, rng) {
		points.Coords = append(points.Coords, candidates.At(i)...)
	}
	return points, nil
}
