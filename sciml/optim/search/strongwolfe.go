package search

import (
	"cmp"
	"fmt"
	"math"
)

// StrongWolfe finds a step that satisfies the strong Wolfe conditions
//
//	φ(α) ≤ φ(0) + c₁αφ′(0),   |φ′(α)| ≤ c₂|φ′(0)|
//
// by the method of Moré and Thuente (1994, "Line search algorithms with guaranteed sufficient decrease"): an interval
// that contains such a step is kept, and cubic and quadratic models choose the trial in it. Where φ changes by less
// than it is resolved, the first condition is replaced by the approximate one of Hager and Zhang (2005, equation 4.1).
// Trials with a loss that is not finite are too long a step. The zero value is usable.
type StrongWolfe struct {
	// Decrease is c₁, 1e-4 when zero; Curvature is c₂, 0.9 when zero.
	Decrease, Curvature float64
	// MaxTrials bounds the evaluations of one search; 20 when zero.
	MaxTrials int
}

const (
	wolfeLongest  = 1e10  // no step is longer than this multiple of the direction
	wolfeShortest = 1e-20 // nor shorter
	wolfeWidth    = 1e-15 // relative width of an interval that is not worth dividing
)

// Check reports a field that is out of its range.
func (w StrongWolfe) Check() error {
	_, err := w.withDefaults()
	return err
}

func (w StrongWolfe) withDefaults() (StrongWolfe, error) {
	w.Decrease, w.Curvature = cmp.Or(w.Decrease, 1e-4), cmp.Or(w.Curvature, 0.9)
	w.MaxTrials = cmp.Or(w.MaxTrials, 20)
	switch {
	case !(w.Decrease > 0 && w.Decrease < 0.5 && w.Curvature > 0 && w.Curvature < 1):
		return w, fmt.Errorf("search: StrongWolfe.Decrease is %v and Curvature %v, expected numbers above 0 and below 1/2 and 1", w.Decrease, w.Curvature)
	case w.MaxTrials < 0:
		return w, fmt.Errorf("search: StrongWolfe.MaxTrials is %d, expected at least 1", w.MaxTrials)
	}
	return w, nil
}

// Find implements Search. It fails when a field is out of its range.
func (w StrongWolfe) Find(start Trial, first, resolution float64, try func(float64) (Trial, error)) (Trial, bool, error) {
	w, err := w.withDefaults()
	if err != nil {
		return Trial{}, false, err
	}
	var best Trial
	best.Loss = math.Inf(1)
	b := bracket{low: start, high: start, longest: wolfeLongest, shortest: wolfeShortest, width: wolfeLongest, wider: 2 * wolfeLongest}
	b.limit(first)
	alpha := first
	requested := w.Decrease * start.Slope // slope of the line that bounds sufficient decrease
	for range w.MaxTrials {
		t, err := try(alpha)
		if err != nil {
			return best, false, err
		}
		if t.Loss < best.Loss {
			best = t
		}
		if math.IsInf(t.Loss, 0) {
			// Too far: come back towards the best end of the interval.
			b.longest = alpha
			alpha = b.low.Alpha + 0.2*(alpha-b.low.Alpha)
			b.limit(alpha)
			if alpha-b.low.Alpha <= wolfeShortest {
				break
			}
			continue
		}
		if w.accepts(start, t, resolution) {
			return t, true, nil
		}
		if b.exhausted(alpha) || alpha == b.longest && t.Loss <= start.Loss+alpha*requested && t.Slope <= requested {
			break
		}
		alpha = b.next(start, t, requested)
	}
	return best, best.Loss < start.Loss, nil
}

// accepts tests the strong Wolfe conditions, or the approximate ones where rounding hides the first.
func (w StrongWolfe) accepts(start, t Trial, resolution float64) bool {
	if math.Abs(t.Slope) > -w.Curvature*start.Slope {
		return false
	}
	if t.Loss <= start.Loss+w.Decrease*t.Alpha*start.Slope {
		return true
	}
	hidden := math.Abs(t.Loss-start.Loss) <= 8*resolution*math.Abs(start.Loss)
	return hidden && t.Slope <= (2*w.Decrease-1)*start.Slope
}

// bracket is the interval of uncertainty: low is its best end, high the other. Until bracketed, high means nothing.
type bracket struct {
	low, high         Trial
	bracketed         bool
	refined           bool // in the second stage: a trial had sufficient decrease and a rising slope
	from, to          float64
	shortest, longest float64
	width, wider      float64 // of the interval now and one trial before
}

// limit bounds the next trial while nothing is bracketed.
func (b *bracket) limit(alpha float64) {
	b.from, b.to = 0, alpha+4*alpha
}

// exhausted reports that rounding leaves no trial inside the interval.
func (b *bracket) exhausted(alpha float64) bool {
	return b.bracketed && (alpha <= b.from || alpha >= b.to || b.to-b.from <= wolfeWidth*b.to)
}

// next puts the trial into the interval and returns where to look next (Moré and Thuente, section 4; in the first
// stage on the function φ(α) − c₁αφ′(0), which has a minimizer of the right kind).
func (b *bracket) next(start, t Trial, requested float64) float64 {
	bound := start.Loss + t.Alpha*requested
	if !b.refined && t.Loss <= bound && t.Slope >= 0 {
		b.refined = true
	}
	var alpha float64
	if !b.refined && t.Loss <= b.low.Loss && t.Loss > bound {
		shift := func(t Trial, by float64) Trial {
			return Trial{Alpha: t.Alpha, Loss: t.Loss - by*t.Alpha*requested, Slope: t.Slope - by*requested}
		}
		b.low, b.high = shift(b.low, 1), shift(b.high, 1)
		alpha = b.update(shift(t, 1))
		b.low, b.high = shift(b.low, -1), shift(b.high, -1)
	} else {
		alpha = b.update(t)
	}
	if b.bracketed {
		if math.Abs(b.high.Alpha-b.low.Alpha) >= 0.66*b.wider {
			alpha = b.low.Alpha + 0.5*(b.high.Alpha-b.low.Alpha) // too slow: bisect
		}
		b.wider, b.width = b.width, math.Abs(b.high.Alpha-b.low.Alpha)
		b.from, b.to = math.Min(b.low.Alpha, b.high.Alpha), math.Max(b.low.Alpha, b.high.Alpha)
	} else {
		b.from, b.to = alpha+1.1*(alpha-b.low.Alpha), alpha+4*(alpha-b.low.Alpha)
	}
	alpha = math.Max(b.shortest, math.Min(alpha, b.longest))
	if b.exhausted(alpha) {
		alpha = b.low.Alpha // nothing left to divide: end on the best
	}
	return alpha
}

// update chooses the next trial from the models and shrinks the interval (Moré and Thuente, section 4, cases 1 to 4).
func (b *bracket) update(t Trial) float64 {
	cubic, quadratic, secant := b.models(t)
	opposite := t.Slope*(b.low.Slope/math.Abs(b.low.Slope)) < 0
	var alpha float64
	switch {
	case t.Loss > b.low.Loss: // higher: a minimizer lies between
		if math.Abs(cubic-b.low.Alpha) < math.Abs(quadratic-b.low.Alpha) {
			alpha = cubic
		} else {
			alpha = cubic + (quadratic-cubic)/2
		}
		b.bracketed = true
	case opposite: // lower, and the slope changed sign
		if math.Abs(cubic-t.Alpha) > math.Abs(secant-t.Alpha) {
			alpha = cubic
		} else {
			alpha = secant
		}
		b.bracketed = true
	case math.Abs(t.Slope) < math.Abs(b.low.Slope): // lower, and flatter
		alpha = b.flatter(t, secant)
	case b.bracketed: // lower, and not flatter
		alpha = cubicMinimizer(t, b.high)
	case t.Alpha > b.low.Alpha:
		alpha = b.to
	default:
		alpha = b.from
	}
	switch {
	case t.Loss > b.low.Loss:
		b.high = t
	case opposite:
		b.low, b.high = t, b.low
	default:
		b.low = t
	}
	return alpha
}

// flatter handles case 3: the cubic may have no minimizer beyond t.
func (b *bracket) flatter(t Trial, secant float64) float64 {
	theta := 3*(b.low.Loss-t.Loss)/(t.Alpha-b.low.Alpha) + b.low.Slope + t.Slope
	scale := math.Max(math.Abs(theta), math.Max(math.Abs(b.low.Slope), math.Abs(t.Slope)))
	gamma := scale * math.Sqrt(math.Max(0, (theta/scale)*(theta/scale)-(b.low.Slope/scale)*(t.Slope/scale)))
	if t.Alpha > b.low.Alpha {
		gamma = -gamma
	}
	p, q := gamma-t.Slope+theta, gamma+(b.low.Slope-t.Slope)+gamma
	r := p / q
	cubic := b.to
	switch {
	case r < 0 && gamma != 0:
		cubic = t.Alpha + r*(b.low.Alpha-t.Alpha)
	case t.Alpha <= b.low.Alpha:
		cubic = b.from
	}
	cubicIsNearer := math.Abs(cubic-t.Alpha) < math.Abs(secant-t.Alpha)
	if !b.bracketed {
		alpha := cubic
		if cubicIsNearer {
			alpha = secant // further: nothing is bracketed yet
		}
		return math.Max(b.from, math.Min(b.to, alpha))
	}
	alpha := secant
	if cubicIsNearer {
		alpha = cubic
	}
	safeguard := t.Alpha + 0.66*(b.high.Alpha-t.Alpha)
	if t.Alpha > b.low.Alpha {
		return math.Min(safeguard, alpha)
	}
	return math.Max(safeguard, alpha)
}

// models gives the minimizers of the cubic through both values and slopes, of the quadratic through both values and
// the slope at low, and of the one through both slopes.
func (b *bracket) models(t Trial) (cubic, quadratic, secant float64) {
	width := t.Alpha - b.low.Alpha
	cubic = cubicMinimizer(b.low, t)
	quadratic = b.low.Alpha + b.low.Slope/((b.low.Loss-t.Loss)/width+b.low.Slope)/2*width
	secant = t.Alpha + t.Slope/(t.Slope-b.low.Slope)*(b.low.Alpha-t.Alpha)
	return cubic, quadratic, secant
}

// cubicMinimizer is the local minimizer of the cubic that has the values and slopes of both trials.
func cubicMinimizer(a, b Trial) float64 {
	theta := 3*(a.Loss-b.Loss)/(b.Alpha-a.Alpha) + a.Slope + b.Slope
	scale := math.Max(math.Abs(theta), math.Max(math.Abs(a.Slope), math.Abs(b.Slope)))
	gamma := scale * math.Sqrt(math.Max(0, (theta/scale)*(theta/scale)-(a.Slope/scale)*(b.Slope/scale)))
	if b.Alpha < a.Alpha {
		gamma = -gamma
	}
	p := gamma - a.Slope + theta
	q := gamma - a.Slope + gamma + b.Slope
	return a.Alpha + p/q*(b.Alpha-a.Alpha)
}
