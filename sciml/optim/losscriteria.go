package optim

import (
	"cmp"
	"fmt"
	"math"
)

// LossVariance is met when the loss has come to rest: the variance of its last Window values is not above Relative² times the
// square of their mean. The zero value is usable.
type LossVariance struct {
	// Window is in iterations; 100 when zero.
	Window int
	// Relative is the coefficient of variation, standard deviation over mean; 0.01 when zero.
	Relative float64
}

func (v LossVariance) check() error {
	return checkSettings("LossVariance", optional("Window", v.Window, "the default"), notNegative("Relative", v.Relative))
}

// Met implements Criterion.
func (v LossVariance) Met(phase []Record) (bool, string) {
	window, bound := v.Window, cmp.Or(v.Relative, 0.01)
	window = cmp.Or(window, 100)
	if len(phase) < window {
		return false, ""
	}
	recent := phase[len(phase)-window:]
	mean, square := 0.0, 0.0
	for _, r := range recent {
		mean += r.Loss / float64(window)
	}
	for _, r := range recent {
		square += (r.Loss - mean) * (r.Loss - mean) / float64(window)
	}
	deviation := math.Sqrt(square) / math.Abs(mean)
	if !(deviation <= bound) {
		return false, ""
	}
	return true, fmt.Sprintf("the loss varied by %.2g of its mean over %d iterations, not more than %.2g", deviation, window, bound)
}

// Next implements Criterion.
func (LossVariance) Next(made int) int { return nextLook(made) }

// SmallGradient is met when the norm of the gradient is small: not above Absolute, or not above Relative times that at the
// start of the phase. Norms of batches, which are noisy, do not count. A field that is zero has no say.
type SmallGradient struct{ Absolute, Relative float64 }

func (g SmallGradient) check() error {
	return checkSettings("SmallGradient", notNegative("Absolute", g.Absolute), notNegative("Relative", g.Relative))
}

// Met implements Criterion.
func (g SmallGradient) Met(phase []Record) (bool, string) {
	first, last := math.NaN(), math.NaN()
	for _, r := range phase {
		if r.Batch > 0 {
			continue
		}
		if math.IsNaN(first) {
			first = r.GradientNorm
		}
		last = r.GradientNorm
	}
	switch {
	case g.Absolute > 0 && last <= g.Absolute:
		return true, fmt.Sprintf("the norm of the gradient is %.3g, not more than %.3g", last, g.Absolute)
	case g.Relative > 0 && last <= g.Relative*first:
		return true, fmt.Sprintf("the norm of the gradient fell from %.3g to %.3g, to less than %.2g of it", first, last, g.Relative)
	}
	return false, ""
}

// Next implements Criterion.
func (SmallGradient) Next(made int) int { return nextLook(made) }

// RelativeImprovement is met when the lowest loss has improved too little: by less than Fraction of itself over Window
// iterations. The zero value is usable.
type RelativeImprovement struct {
	// Window is in iterations; 100 when zero.
	Window int
	// Fraction is (before − after)/|before| for the lowest losses; 0.01 when zero.
	Fraction float64
}

func (c RelativeImprovement) check() error {
	return checkSettings("RelativeImprovement", optional("Window", c.Window, "the default"), notNegative("Fraction", c.Fraction))
}

// Met implements Criterion.
func (c RelativeImprovement) Met(phase []Record) (bool, string) {
	window, bound := c.Window, cmp.Or(c.Fraction, 0.01)
	window = cmp.Or(window, 100)
	if len(phase) <= window {
		return false, ""
	}
	lowest := func(records []Record) float64 {
		low := math.Inf(1)
		for _, r := range records {
			if r.Loss < low {
				low = r.Loss
			}
		}
		return low
	}
	before := lowest(phase[:len(phase)-window])
	after := math.Min(before, lowest(phase[len(phase)-window:]))
	improvement := (before - after) / math.Abs(before)
	if !(improvement < bound) {
		return false, ""
	}
	return true, fmt.Sprintf("the lowest loss improved by %.2g of itself in %d iterations, less than %.2g", improvement, window, bound)
}

// Next implements Criterion.
func (RelativeImprovement) Next(made int) int { return nextLook(made) }
