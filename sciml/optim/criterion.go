package optim

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Criterion decides from the records of a phase of a Hybrid whether to go on to the next, or from those of a whole run
// whether to end it.
type Criterion interface {
	// Met reports whether it is time, and in words why.
	Met(phase []Record) (bool, string)
	// Next is the number of iterations of the phase after which it is to be asked next, when made of them were made. It
	// depends on nothing else, so that a run switches where it did the last time, however fast the machine was.
	Next(made int) int
}

// checkCriterion reports settings of a criterion that make no sense, where it has any of this package's; nil is none.
func checkCriterion(c Criterion) error {
	if checked, ok := c.(interface{ check() error }); ok {
		return checked.check()
	}
	return nil
}

// lookEvery is how many iterations pass between two looks at records.
const lookEvery = 50

func nextLook(made int) int { return made - made%lookEvery + lookEvery }

// Iterations is met after a number of iterations, at least 1.
type Iterations int

func (n Iterations) check() error {
	if n < 1 {
		return fmt.Errorf("optim: Iterations is %d, expected at least 1", int(n))
	}
	return nil
}

// Met implements Criterion.
func (n Iterations) Met(phase []Record) (bool, string) {
	if len(phase) < int(n) {
		return false, ""
	}
	return true, fmt.Sprintf("%d iterations were made", n)
}

// Next implements Criterion.
func (n Iterations) Next(made int) int { return max(int(n), made+1) }

// Stalled is met when the mean of the logarithm of the loss falls too slowly: by less than Decades over Window
// iterations, between one half of the last 2·Window records and the other. It is meant for losses that are positive,
// such as sums of squares; it leaves alone a phase whose loss is not. The zero value is usable.
type Stalled struct {
	// Window is in iterations; 250 when zero.
	Window int
	// Decades is a decrease in powers of ten; 0.1 when zero, which is a fifth of the loss.
	Decades float64
}

func (s Stalled) check() error {
	return checkSettings("Stalled", optional("Window", s.Window, "the default"), notNegative("Decades", s.Decades))
}

// Met implements Criterion.
func (s Stalled) Met(phase []Record) (bool, string) {
	window := s.Window
	window = cmp.Or(window, 250)
	if len(phase)/2 < window { // twice a window may be more than an int holds
		return false, ""
	}
	recent := phase[len(phase)-2*window:]
	decrease := meanLog10(recent[:window]) - meanLog10(recent[window:])
	if math.IsNaN(decrease) { // logarithms of negative losses
		return false, ""
	}
	if decrease >= cmp.Or(s.Decades, 0.1) {
		return false, ""
	}
	return true, fmt.Sprintf("the loss fell by %.2g decades in %d iterations, less than %.2g", decrease, window, cmp.Or(s.Decades, 0.1))
}

// Next implements Criterion.
func (Stalled) Next(made int) int { return nextLook(made) }

func meanLog10(records []Record) float64 {
	total := 0.0
	for _, r := range records {
		loss := r.Loss
		loss = cmp.Or(loss, math.SmallestNonzeroFloat64)
		total += math.Log10(loss)
	}
	return total / float64(len(records))
}

// AnyOf is met as soon as one of its criteria is.
type AnyOf []Criterion

func (a AnyOf) check() error {
	if len(a) == 0 {
		return errors.New("optim: AnyOf has no criteria, expected at least one")
	}
	for i, c := range a {
		if usercode.Nil(c) {
			return fmt.Errorf("optim: AnyOf has nil as criterion %d, expected a criterion", i)
		}
		if err := checkCriterion(c); err != nil {
			return err
		}
	}
	return nil
}

// Met implements Criterion.
func (a AnyOf) Met(phase []Record) (bool, string) {
	var reasons []string
	for _, c := range a {
		if met, why := c.Met(phase); met {
			reasons = append(reasons, why)
		}
	}
	return len(reasons) > 0, strings.Join(reasons, "; ")
}

// Next implements Criterion.
func (a AnyOf) Next(made int) int {
	next := nextLook(made)
	for _, c := range a {
		next = min(next, max(c.Next(made), made+1))
	}
	return next
}
