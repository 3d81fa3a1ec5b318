package sample

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/gosciml/gosciml/sciml/pde"
)

// RAR, residual-based adaptive refinement, adds the candidates of largest residual (Lu, Meng, Mao and Karniadakis 2021;
// the greedy RAR-G of Wu et al. 2023, algorithm 1). The points that it adds come out of those that Reserve put in
// reserve; when there are none left it changes nothing. It adds Add points each time, a hundredth of all when that is 0,
// from so many candidates, drawn uniformly, ten for each point when that is 0.
type RAR struct {
	Add, Candidates int
}

// Name implements Refiner.
func (RAR) Name() string { return "RAR" }

// Refine implements Refiner.
func (a RAR) Refine(domain pde.Domain, current *Points, residual func(*Points) ([]float64, error), rng *rand.Rand) (*Points, error) {
	return refinement{a.Name(), domain, current, residual, rng}.grow(a.Add, a.Candidates, func(values []float64, m int) []int {
		order := make([]int, len(values))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(values[j], values[i]) })
		return order[:m]
	})
}

// RARD, RAR-D, adds points as RAR does, but draws them from the candidates as RAD does (Wu et al. 2023, algorithm 3).
// The zero value has K = 2 and C = 0, which they advise; otherwise both are taken as they are.
type RARD struct {
	K, C            float64
	Add, Candidates int
}

// Name implements Refiner.
func (RARD) Name() string { return "RAR-D" }

// Refine implements Refiner.
func (a RARD) Refine(domain pde.Domain, current *Points, residual func(*Points) ([]float64, error), rng *rand.Rand) (*Points, error) {
	if a.K == 0 && a.C == 0 {
		a.K = 2
	}
	if err := checkDensity(a.Name(), a.K, a.C); err != nil {
		return nil, err
	}
	return refinement{a.Name(), domain, current, residual, rng}.grow(a.Add, a.Candidates, func(values []float64, m int) []int {
		return withoutReplacement(density(values, a.K, a.C), m, rng)
	})
}

// grow activates points of the reserve at the candidates that pick picks by their residuals.
func (r refinement) grow(add, candidates int, pick func(values []float64, m int) []int) (*Points, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if add < 0 {
		return nil, fmt.Errorf("sample: %s: Add is %d, expected at least 0", r.name, add)
	}
	add = cmp.Or(add, (r.current.N+99)/100)
	reserve, err := r.current.inReserve()
	if err != nil {
		return nil, fmt.Errorf("sample: %s: %w", r.name, err)
	}
	points := r.current.clone()
	m := min(add, len(reserve))
	if m == 0 {
		return points, nil
	}
	drawn, values, err := r.candidates(candidates, m)
	if err != nil {
		return nil, err
	}
	for i, chosen := range pick(values, m) {
		copy(points.At(reserve[i]), drawn.At(chosen))
	}
	waiting := reserve[m:]
	for k := range points.Weights {
		points.Weights[k] = float64(points.N) / float64(points.N-len(waiting))
	}
	for _, k := range waiting {
		points.Weights[k] = 0
	}
	return points, nil
}
