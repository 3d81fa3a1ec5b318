package search

import (
	"cmp"
	"fmt"
	"math"
)

// HagerZhang finds a step by the method of Hager and Zhang (2005, "A new conjugate gradient method with guaranteed
// descent and an efficient line search", section 4; 2006, Algorithm 851). It accepts the first trial that satisfies the
// Wolfe conditions
//
//	φ(α) ≤ φ(0) + δαφ′(0),   φ′(α) ≥ σφ′(0)
//
// or the approximate ones
//
//	φ(α) ≤ φ(0) + ε|φ(0)|,   σφ′(0) ≤ φ′(α) ≤ (2δ−1)φ′(0),
//
// and only the latter where φ(α) and φ(0) differ by no more than ε|φ(0)|.
// Close to a minimizer a decrease of φ drowns in rounding long before the slope does. This search compares values only
// up to ε|φ(0)| and decides by slopes, so that it goes on where StrongWolfe gives up, above all in float32. Therefore
// the loss may rise by ε|φ(0)| in a step. Trials with a loss that is not finite are too long a step.
// The zero value is usable: fields that are zero take the defaults.
type HagerZhang struct {
	// Delta is δ and Sigma is σ, 0 < δ < 1/2 and δ ≤ σ < 1; 0.1 and 0.9 when zero.
	Delta, Sigma float64
	// Epsilon is ε; 1e-6 when zero, and never taken as less than 8 times the relative rounding error of φ.
	Epsilon float64
	// Theta is where an interval whose far end is too high is divided, between 0 and 1; 0.5, bisection, when zero.
	Theta float64
	// Gamma is the factor by which two secant steps have to shrink the interval, lest it is bisected; 0.66 when zero.
	Gamma float64
	// Rho is the factor by which trials grow before there is an interval, above 1; 5 when zero.
	Rho float64
	// MaxTrials bounds the evaluations of one search; 30 when zero.
	MaxTrials int
}

// Find implements Search. It fails when a field is out of its range.
func (h HagerZhang) Find(start Trial, first, resolution float64, try func(float64) (Trial, error)) (Trial, bool, error) {
	h, err := h.withDefaults()
	if err != nil {
		return Trial{}, false, err
	}
	s := &hagerZhang{
		HagerZhang: h, start: start, try: try, left: h.MaxTrials,
		high: start.Loss + math.Max(h.Epsilon, 8*resolution)*math.Abs(start.Loss),
		best: Trial{Loss: math.Inf(1)},
	}
	s.search(first)
	return s.best, s.err == nil && (s.accepted || s.best.Loss < start.Loss), s.err
}

// Check reports a field that is out of its range.
func (h HagerZhang) Check() error {
	_, err := h.withDefaults()
	return err
}

func (h HagerZhang) withDefaults() (HagerZhang, error) {
	h.Delta, h.Sigma, h.Epsilon = cmp.Or(h.Delta, 0.1), cmp.Or(h.Sigma, 0.9), cmp.Or(h.Epsilon, 1e-6)
	h.Theta, h.Gamma, h.Rho = cmp.Or(h.Theta, 0.5), cmp.Or(h.Gamma, 0.66), cmp.Or(h.Rho, 5)
	h.MaxTrials = cmp.Or(h.MaxTrials, 30)
	switch {
	case !(h.Delta > 0 && h.Delta < 0.5 && h.Delta <= h.Sigma && h.Sigma < 1):
		return h, fmt.Errorf("search: HagerZhang.Delta is %v and Sigma %v, expected 0 < Delta < 1/2 and Delta ≤ Sigma < 1", h.Delta, h.Sigma)
	case !(h.Epsilon > 0) || !finite(h.Epsilon):
		return h, fmt.Errorf("search: HagerZhang.Epsilon is %v, expected a finite number above 0", h.Epsilon)
	case !(h.Theta > 0 && h.Theta < 1 && h.Gamma > 0 && h.Gamma < 1):
		return h, fmt.Errorf("search: HagerZhang.Theta is %v and Gamma %v, expected numbers between 0 and 1", h.Theta, h.Gamma)
	case !(h.Rho > 1) || !finite(h.Rho):
		return h, fmt.Errorf("search: HagerZhang.Rho is %v, expected a finite number above 1", h.Rho)
	case h.MaxTrials < 0:
		return h, fmt.Errorf("search: HagerZhang.MaxTrials is %d, expected at least 1", h.MaxTrials)
	}
	return h, nil
}

// hagerZhang is one search. Its intervals [a, b] satisfy the opposite slope condition (4.4): φ(a) is not above high and
// falls, φ(b) rises.
type hagerZhang struct {
	HagerZhang
	start    Trial
	high     float64 // φ(0) + ε|φ(0)|
	try      func(float64) (Trial, error)
	left     int   // trials that may still be made
	best     Trial // the accepted one, else the lowest
	accepted bool
	err      error
}

// search is the algorithm "Line search", L0 to L3.
func (s *hagerZhang) search(first float64) {
	a, b, ok := s.bracket(first)
	for ok {
		before := b.Alpha - a.Alpha
		if a, b, ok = s.secant2(a, b); !ok {
			return
		}
		if b.Alpha-a.Alpha > s.Gamma*before {
			middle := a.Alpha + (b.Alpha-a.Alpha)/2
			if middle <= a.Alpha || middle >= b.Alpha {
				return // rounding leaves nothing to divide
			}
			a, b, ok = s.update(a, b, middle)
		}
	}
}

// at makes a trial; ok is false when the search is over, with it or for lack of more.
func (s *hagerZhang) at(alpha float64) (t Trial, ok bool) {
	if s.left == 0 {
		return Trial{}, false
	}
	s.left--
	if t, s.err = s.try(alpha); s.err != nil {
		return t, false
	}
	if s.accepts(t) {
		s.best, s.accepted = t, true
		return t, false
	}
	if t.Loss < s.best.Loss {
		s.best = t
	}
	return t, true
}

// accepts tests the Wolfe conditions, exact (T1) and approximate (T2). Hager and Zhang go over to the latter for good once
// the decrease of an iteration is small; here each trial says which.
func (s *hagerZhang) accepts(t Trial) bool {
	if !finite(t.Loss) || !(t.Slope >= s.Sigma*s.start.Slope) {
		return false
	}
	proves := s.start.Loss-t.Loss > s.high-s.start.Loss // a smaller decrease may be noise
	return proves && t.Loss <= s.start.Loss+s.Delta*t.Alpha*s.start.Slope ||
		t.Loss <= s.high && t.Slope <= (2*s.Delta-1)*s.start.Slope
}

// tooHigh reports that a minimizer lies before t, whatever its slope says.
func (s *hagerZhang) tooHigh(t Trial) bool {
	return !finite(t.Loss) || t.Slope < 0 && t.Loss > s.high
}

// bracket finds the first interval, B0 to B3.
func (s *hagerZhang) bracket(first float64) (a, b Trial, ok bool) {
	a = s.start
	for alpha := first; ; alpha *= s.Rho {
		t, ok := s.at(alpha)
		switch {
		case !ok:
			return a, t, false
		case s.tooHigh(t):
			return s.divide(a, t) // a serves, and is nearer than the zero of B2
		case t.Slope >= 0:
			return a, t, true
		}
		a = t
	}
}

// divide finds an interval in [a, b], of which b is too high, U3.
func (s *hagerZhang) divide(a, b Trial) (Trial, Trial, bool) {
	for {
		alpha := (1-s.Theta)*a.Alpha + s.Theta*b.Alpha
		if alpha <= a.Alpha || alpha >= b.Alpha {
			return a, b, false
		}
		t, ok := s.at(alpha)
		switch {
		case !ok:
			return a, b, false
		case s.tooHigh(t):
			b = t
		case t.Slope >= 0:
			return a, t, true
		default:
			a = t
		}
	}
}

// update makes a smaller interval with a trial inside of it, U0 to U3.
func (s *hagerZhang) update(a, b Trial, alpha float64) (Trial, Trial, bool) {
	if !(alpha > a.Alpha && alpha < b.Alpha) {
		return a, b, true
	}
	t, ok := s.at(alpha)
	switch {
	case !ok:
		return a, b, false
	case s.tooHigh(t):
		return s.divide(a, t)
	case t.Slope >= 0:
		return a, t, true
	default:
		return t, b, true
	}
}

// secant2 is the double secant step, S1 to S4.
func (s *hagerZhang) secant2(a, b Trial) (Trial, Trial, bool) {
	alpha := secant(a, b)
	newA, newB, ok := s.update(a, b, alpha)
	if !ok {
		return newA, newB, false
	}
	switch alpha {
	case newB.Alpha:
		return s.update(newA, newB, secant(b, newB))
	case newA.Alpha:
		return s.update(newA, newB, secant(a, newA))
	}
	return newA, newB, true
}

// secant is the zero of the line through both slopes.
func secant(a, b Trial) float64 {
	return (a.Alpha*b.Slope - b.Alpha*a.Slope) / (b.Slope - a.Slope)
}
