package diagnose

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Spectrum is the eigenvalues of a symmetric matrix: all of them, of Matrix.Spectrum, or what Matrix.Quadrature knows of them. It
// answers the same either way.
type Spectrum struct {
	// Name is that of the matrix, and Order the number of its eigenvalues.
	Name  string
	Order int
	// Eigenvalues are all of them, largest first; nil where they are estimated.
	Eigenvalues []float64
	// Products is the number of those taken.
	Products int
	// Rounding is √Order·ε·max|λ|, with ε of the type of θ: eigenvalues are not known better than that, and those of a smaller
	// magnitude may as well be zero. Of 2JᵀJ and 2JJᵀ, which have no negative ones, it is at least what rounding made negative.
	Rounding float64

	semidefinite bool
	located      []Ritz // eigenvalues known by themselves, largest first
	probes       []rule // for the others
}

// exactSpectrum is that of eigenvalues in ascending order.
func exactSpectrum(name string, ascending []float64, semidefinite bool, epsilon float64) *Spectrum {
	s := &Spectrum{Name: name, Order: len(ascending), semidefinite: semidefinite, Eigenvalues: slices.Clone(ascending)}
	slices.Reverse(s.Eigenvalues)
	for _, v := range s.Eigenvalues {
		s.located = append(s.located, Ritz{Value: v})
	}
	s.setRounding(epsilon)
	for i := range s.located {
		s.located[i].Bound = s.Rounding
	}
	return s
}

// setRounding sets Rounding by the eigenvalues that are located.
func (s *Spectrum) setRounding(epsilon float64) {
	for _, v := range s.located {
		s.Rounding = max(s.Rounding, math.Sqrt(float64(s.Order))*epsilon*math.Abs(v.Value))
		if s.semidefinite {
			s.Rounding = max(s.Rounding, -v.Value)
		}
	}
}

// Magnitudes are |λ| of all eigenvalues, largest first, as a logarithmic figure has them; nil where they are estimated.
func (s *Spectrum) Magnitudes() []float64 {
	if s == nil {
		return nil
	}
	all := slices.Clone(s.Eigenvalues)
	for i, v := range all {
		all[i] = math.Abs(v)
	}
	slices.SortFunc(all, func(a, b float64) int { return cmp.Compare(b, a) })
	return all
}

// String is the matrix, the ends of its spectrum and what is known of its condition.
func (s *Spectrum) String() string {
	if s.check() != nil {
		return "no spectrum"
	}
	return fmt.Sprintf("%s of order %d: %v", s.Name, s.Order, s.Extremes())
}

func (s *Spectrum) check() error {
	if s == nil || s.Order < 1 || len(s.located)+len(s.probes) == 0 {
		return errors.New("diagnose: the Spectrum is nil or a literal, expected one of Matrix.Spectrum or Matrix.Quadrature")
	}
	return nil
}

// Estimate is a number and what it may be off by. Of an exact spectrum both errors are zero.
type Estimate struct {
	Value float64
	// StandardError is that of the mean over the probes, which are uniform on the sphere: √(2·Var/(n+2)/Probes)·n for n eigenvalues that
	// were not found by themselves, over which the function has the variance Var.
	StandardError float64
	// Quadrature is what the Lanczos steps were too few to resolve.
	Quadrature float64
}

// Error is 2·StandardError + Quadrature, about 95 of 100 times more than the error.
func (e Estimate) Error() float64 { return 2*e.StandardError + e.Quadrature }

// String is the value with its Error, such as "12.3 ± 0.4".
func (e Estimate) String() string {
	if e.Error() == 0 {
		return fmt.Sprintf("%.4g", e.Value)
	}
	return fmt.Sprintf("%.4g ± %.2g", e.Value, e.Error())
}

// Trace is tr f(A) = Σ f(λᵢ) for a function that is smooth between the eigenvalues, such as λ ↦ log(1 + λ). Quadrature is half the
// difference between the Gaussian and the anti-Gaussian quadrature (Laurie 1996), an estimate, which for functions that jump is
// none: Count has a bound for those. It fails where f is not finite at an eigenvalue.
func (s *Spectrum) Trace(f func(lambda float64) float64) (Estimate, error) {
	if err := s.check(); err != nil {
		return Estimate{}, err
	}
	if f == nil {
		return Estimate{}, errors.New("diagnose: the function of Trace is nil, expected one of an eigenvalue")
	}
	var e Estimate
	err := usercode.Call("the function of Trace", func() error {
		var wrong error
		e = s.trace(func(lambda float64) float64 {
			v := f(lambda)
			if !device.Finite(v) && wrong == nil {
				wrong = fmt.Errorf("diagnose: the function of Trace is %v at λ = %g, expected a finite number", v, lambda)
			}
			return v
		})
		return wrong
	})
	if err != nil {
		return Estimate{}, err
	}
	return e, nil
}

func (s *Spectrum) trace(f func(lambda float64) float64) Estimate {
	off := 0.0
	for _, r := range s.probes {
		off += math.Abs(r.fewer.sum(f)-r.anti.sum(f)) / 2
	}
	return s.estimate(f, off)
}

// estimate is the trace of f: what is known, and the mean over the probes, of whose quadratures off is the sum of what they may be off
// by.
func (s *Spectrum) estimate(f func(lambda float64) float64, off float64) Estimate {
	e := Estimate{}
	for _, v := range s.located {
		e.Value += f(v.Value)
	}
	if len(s.probes) == 0 {
		return e
	}
	probes, rest := float64(len(s.probes)), float64(s.Order-len(s.located))
	mean := 0.0 // of f over the other eigenvalues
	for _, r := range s.probes {
		mean += r.sum(f) / probes / rest
	}
	variance := 0.0
	for _, r := range s.probes {
		variance += r.sum(func(lambda float64) float64 { d := f(lambda) - mean; return d * d }) / probes / rest
	}
	e.Value += rest * mean
	e.StandardError = rest * math.Sqrt(2*variance/(rest+2)/probes)
	e.Quadrature = off / probes
	return e
}

// within is an estimate of a number from zero to the order, which it cannot be further off than.
func (s *Spectrum) within(e Estimate) Estimate {
	e.Quadrature = min(e.Quadrature, max(e.Value, float64(s.Order)-e.Value))
	return e
}

// Count is the number of eigenvalues from lo to hi, both of them included; infinities are the ends of the spectrum. Quadrature is a
// bound: the inequalities of Chebyshev, Markov and Stieltjes say that a Gauss quadrature has at most the weight of the
// next node on the wrong side of a point (Golub and Meurant 2010, section 2.6). It fails unless lo ≤ hi.
func (s *Spectrum) Count(lo, hi float64) (Estimate, error) {
	if err := s.check(); err != nil {
		return Estimate{}, err
	}
	if !(lo <= hi) {
		return Estimate{}, fmt.Errorf("diagnose: the interval of Count is from %v to %v, expected numbers in this order", lo, hi)
	}
	return s.count(math.Nextafter(lo, math.Inf(-1)), hi), nil
}

// count is that of lo < λ ≤ hi.
func (s *Spectrum) count(lo, hi float64) Estimate {
	within := func(lambda float64) float64 {
		if lo < lambda && lambda <= hi {
			return 1
		}
		return 0
	}
	more, less := 0.0, 0.0
	for i := range s.probes {
		r := &s.probes[i]
		sum := r.sum(within)
		below, above := r.beside(lo, s.semidefinite)
		more, less = more+below, less+min(above, sum)
		below, above = r.beside(hi, s.semidefinite)
		more, less = more+above, less+min(below, sum)
	}
	return s.within(s.estimate(within, max(more, less)))
}

// EffectiveDimension is tr |A|(|A| + μI)⁻¹ = Σ |λᵢ|/(|λᵢ| + μ): about the number of eigenvalues whose magnitude is above the shift μ,
// which is that of the parameters that a loss with this curvature determines (MacKay 1992), or of the directions in which a damped
// step is one of Newton's. Quadrature is a bound, from that of Count. It fails unless the shift is above zero.
func (s *Spectrum) EffectiveDimension(shift float64) (Estimate, error) {
	if err := s.check(); err != nil {
		return Estimate{}, err
	}
	if !(shift > 0) || math.IsInf(shift, 1) {
		return Estimate{}, fmt.Errorf("diagnose: the shift of EffectiveDimension is %v, expected a finite number above 0", shift)
	}
	counted := func(lambda float64) float64 { return 1 / (1 + shift/math.Abs(lambda)) }
	off := 0.0
	for _, r := range s.probes {
		off += r.spread(counted, s.semidefinite)
	}
	return s.within(s.estimate(counted, off)), nil
}
