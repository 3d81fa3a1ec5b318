package diagnose

import (
	"fmt"
	"math"
)

// Extremes are the ends of a spectrum.
type Extremes struct {
	// Smallest and Largest are the outermost Ritz values, which lie between the eigenvalues at the ends: those may be further out where
	// the bounds are wide.
	Smallest, Largest Ritz
	// Rounding is that of Spectrum: an eigenvalue of smaller magnitude may as well be zero.
	Rounding float64
	// Products is the number of those taken.
	Products int
}

// Extremes are the smallest and the largest eigenvalue, as far as they are known; those of a zero value are NaN.
func (s *Spectrum) Extremes() Extremes {
	nan := Ritz{math.NaN(), math.NaN()}
	if s.check() != nil {
		return Extremes{Smallest: nan, Largest: nan, Rounding: math.NaN()}
	}
	e := Extremes{Smallest: Ritz{Value: math.Inf(1)}, Largest: Ritz{Value: math.Inf(-1)}, Rounding: s.Rounding, Products: s.Products}
	see := func(v Ritz) {
		if v.Value < e.Smallest.Value {
			e.Smallest = v
		}
		if v.Value > e.Largest.Value {
			e.Largest = v
		}
	}
	for _, v := range s.located {
		see(v)
	}
	for _, r := range s.probes {
		for _, v := range r.nodes {
			see(v)
		}
	}
	for _, v := range []*Ritz{&e.Smallest, &e.Largest} {
		v.Bound = max(v.Bound, e.Rounding)
	}
	return e
}

// Indefinite reports a negative eigenvalue that rounding did not make.
func (e Extremes) Indefinite() bool {
	return e.Smallest.Value+e.Smallest.Bound < 0 && e.Smallest.Value < -e.Rounding
}

// Condition is a lower bound of the condition number: the largest eigenvalue over the smallest, or over Rounding where the smallest is
// below that, and then nothing more is known. It is close where the bound of the smallest is small beside it. Of an indefinite
// matrix, whose eigenvalue nearest to zero lies within the spectrum, it is NaN.
func (e Extremes) Condition() float64 {
	switch {
	case e.Indefinite() || !(e.Largest.Value > 0):
		return math.NaN()
	case e.Smallest.Value <= e.Rounding:
		return e.Largest.Value / e.Rounding
	}
	return e.Largest.Value / e.Smallest.Value
}

// String tells the ends and what is known of the condition number.
func (e Extremes) String() string {
	ends := fmt.Sprintf("eigenvalues from %.3g (±%.1g) to %.3g (±%.1g)", e.Smallest.Value, e.Smallest.Bound, e.Largest.Value, e.Largest.Bound)
	switch condition := e.Condition(); {
	case e.Indefinite():
		return ends + "; indefinite"
	case math.IsNaN(condition):
		return ends
	case e.Smallest.Value <= e.Rounding:
		return fmt.Sprintf("%s; condition at least %.2g: the smallest is below rounding, %.1g", ends, condition, e.Rounding)
	case e.Smallest.Bound > e.Smallest.Value/10:
		return fmt.Sprintf("%s; condition at least %.2g: the smallest has not been found to a tenth yet", ends, condition)
	default:
		return fmt.Sprintf("%s; condition %.3g", ends, condition)
	}
}
