package sample

import (
	"math/rand/v2"

	"github.com/gosciml/gosciml/sciml/pde"
)

// R3, retain-resample-release, retains the points whose residual is above the mean, releases the others and draws
// uniform ones in their places (Daw, Bu, Wang, Perdikaris and Karpatne 2023, algorithm 1). Retained points keep their
// numbers.
type R3 struct{}

// Name implements Refiner.
func (R3) Name() string { return "R3" }

// Refine implements Refiner. All points count alike afterwards.
func (a R3) Refine(domain pde.Domain, current *Points, residual func(*Points) ([]float64, error), rng *rand.Rand) (*Points, error) {
	run := refinement{a.Name(), domain, current, residual, rng}
	if err := run.check(); err != nil {
		return nil, err
	}
	points := current.clone()
	points.Weights = nil
	values, err := run.evaluate(points)
	if err != nil {
		return nil, err
	}
	mean := 0.0
	for _, v := range values {
		mean += v / float64(len(values))
	}
	var released []int
	for k, v := range values {
		if v <= mean {
			released = append(released, k)
		}
	}
	fresh, err := run.draw(len(released))
	if err != nil {
		return nil, err
	}
	for i, k := range released {
		copy(points.At(k), fresh.At(i))
	}
	return points, nil
}
