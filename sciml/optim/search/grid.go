package search

import (
	"cmp"
	"fmt"
	"math"
)

// Grid tries the step lengths α = 1, q, q², … and takes the one with the lowest loss, if that is a decrease: the search of
// natural-gradient methods for physics-informed networks (Müller and Zeinhofer 2023, "Achieving high accuracy with PINNs
// via energy natural gradient descent"). Their losses differ along a direction by many orders of magnitude, where models
// of φ through a few trials are of no use. One call to the device computes all losses, without gradients; Record counts
// each as an evaluation. The zero value is usable.
type Grid struct {
	// Points is the number of step lengths; 31 when zero, which are 2⁰ to 2⁻³⁰.
	Points int
	// Factor is q, between 0 and 1; 1/2 when zero.
	Factor float64
}

// Check reports a field that is out of its range.
func (g Grid) Check() error {
	if g.Points < 0 || g.Points > 1<<16 || !(g.Factor >= 0 && g.Factor < 1) {
		return fmt.Errorf("search: Grid.Points is %d and Factor %v, expected 1 to 65536 (or 0 for the default) and a number between 0 and 1", g.Points, g.Factor)
	}
	return nil
}

// Find implements Search, with one trial after the other.
func (g Grid) Find(start Trial, first, _ float64, try func(float64) (Trial, error)) (Trial, bool, error) {
	trials := map[float64]Trial{}
	alpha, accepted, err := g.FindMany(start, first, func(alphas []float64) ([]float64, error) {
		losses := make([]float64, len(alphas))
		for i, alpha := range alphas {
			t, err := try(alpha)
			if err != nil {
				return nil, err
			}
			trials[alpha], losses[i] = t, t.Loss
		}
		return losses, nil
	})
	return trials[alpha], accepted, err
}

// FindMany is Find with losses that are computed all at once. It returns the α with the lowest one, and whether that is
// below the loss at the start.
func (g Grid) FindMany(start Trial, first float64, losses func(alphas []float64) ([]float64, error)) (float64, bool, error) {
	if err := g.Check(); err != nil {
		return 0, false, err
	}
	g.Points = cmp.Or(g.Points, 31)
	factor := cmp.Or(g.Factor, 0.5)
	alphas := make([]float64, g.Points)
	for i := range alphas {
		alphas[i] = first * math.Pow(factor, float64(i))
	}
	all, err := losses(alphas)
	if err != nil {
		return 0, false, err
	}
	if len(all) != len(alphas) {
		return 0, false, fmt.Errorf("search: Grid was given %d losses for %d trials, expected one for each", len(all), len(alphas))
	}
	best := 0
	for i, loss := range all {
		if loss < all[best] {
			best = i
		}
	}
	return alphas[best], all[best] < start.Loss, nil
}
