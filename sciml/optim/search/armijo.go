package search

import (
	"cmp"
	"fmt"
	"math"
)

// Armijo backtracks from the first trial until the decrease is sufficient,
//
//	φ(α) ≤ φ(0) + c₁αφ′(0),
//
// each time to the minimizer of the quadratic, later of the cubic, through the values known (Nocedal and Wright 2006,
// section 3.5), but not by more than a factor of ten nor less than two. Where φ changes by less than it is resolved, the
// slope decides as in StrongWolfe. It never looks further than the first trial and leaves curvature alone: for methods
// whose step has a length of its own, such as Newton's. The zero value is usable.
type Armijo struct {
	// Decrease is c₁, between 0 and 1/2; 1e-4 when zero.
	Decrease float64
	// MaxTrials bounds the evaluations of one search; 20 when zero.
	MaxTrials int
}

// Check reports a field that is out of its range.
func (a Armijo) Check() error {
	_, err := a.WithDefaults()
	return err
}

func (a Armijo) WithDefaults() (Armijo, error) {
	a.Decrease = cmp.Or(a.Decrease, 1e-4)
	a.MaxTrials = cmp.Or(a.MaxTrials, 20)
	if !(a.Decrease > 0 && a.Decrease < 0.5) || a.MaxTrials < 0 {
		return a, fmt.Errorf("search: Armijo.Decrease is %v and MaxTrials %d, expected a number between 0 and 1/2 and at least 1", a.Decrease, a.MaxTrials)
	}
	return a, nil
}

// Find implements Search. It fails when a field is out of its range.
func (a Armijo) Find(start Trial, first, resolution float64, try func(float64) (Trial, error)) (Trial, bool, error) {
	return a.find(start, start.Loss, first, resolution, try)
}

// find asks for a sufficient decrease below a level, which is φ(0) in a monotone search.
func (a Armijo) find(start Trial, level, first, resolution float64, try func(float64) (Trial, error)) (Trial, bool, error) {
	a, err := a.WithDefaults()
	if err != nil {
		return Trial{}, false, err
	}
	best, previous := Trial{Loss: math.Inf(1)}, Trial{Loss: math.Inf(1)}
	alpha := first
	for range a.MaxTrials {
		t, err := try(alpha)
		if err != nil {
			return best, false, err
		}
		if a.accepts(start, level, t, resolution) {
			return t, true, nil
		}
		if t.Loss < best.Loss {
			best = t
		}
		next := 0.1 * alpha // a loss that is not finite says nothing of where a minimizer is
		if finite(t.Loss) {
			next = math.Max(0.1*alpha, math.Min(0.5*alpha, backtrack(start, previous, t)))
		}
		alpha, previous = next, t
	}
	return best, best.Loss < start.Loss, nil
}

func (a Armijo) accepts(start Trial, level float64, t Trial, resolution float64) bool {
	if t.Loss <= level+a.Decrease*t.Alpha*start.Slope {
		return true
	}
	hidden := math.Abs(t.Loss-start.Loss) <= 8*resolution*math.Abs(start.Loss)
	return hidden && t.Slope <= (2*a.Decrease-1)*start.Slope
}

// backtrack is the minimizer of the cubic through φ(0), φ′(0) and the last two values, or of the quadratic through the
// last one where there is one value only or the cubic has no minimizer.
func backtrack(start, previous, last Trial) float64 {
	// What is left of the values after the tangent at zero, over α²: the quadratic's coefficient, or the cubic's two.
	rest := func(t Trial) float64 { return ((t.Loss-start.Loss)/t.Alpha - start.Slope) / t.Alpha }
	quadratic := -start.Slope / (2 * rest(last))
	if !finite(previous.Loss) {
		return quadratic
	}
	third := (rest(previous) - rest(last)) / (previous.Alpha - last.Alpha)
	second := rest(last) - third*last.Alpha
	root := second*second - 3*third*start.Slope
	if !(root >= 0) || third == 0 {
		return quadratic
	}
	// The root of 3cα² + 2bα + φ′(0) at which the cubic turns upwards, without cancellation.
	if second > 0 {
		return -start.Slope / (second + math.Sqrt(root))
	}
	return (math.Sqrt(root) - second) / (3 * third)
}
