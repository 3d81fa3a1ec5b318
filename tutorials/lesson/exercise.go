package lesson

import (
	"fmt"
	"math"
)

// Exercise is the check of one answer. It prints one line, which begins with ✓ where the answer is right, and with ✗ and
// a hint where it is not:
//
//	lesson.Check("1").
//		Hint(rate == 0, "Put your rate in the place of 0.").
//		Hint(rate > 2/largest, "With %g the steepest direction grows.", rate).
//		Right("Steps beyond 2/λ₁ = %.3g overshoot by more than they correct.", 2/largest)
type Exercise struct {
	name string
	hint string
}

// Check begins the check of the exercise of that name.
func Check(name string) *Exercise { return &Exercise{name: name} }

// Hint says what to look at, in the manner of fmt.Sprintf, if the answer is wrong in this way. The first one that applies
// is given.
func (e *Exercise) Hint(wrong bool, format string, args ...any) *Exercise {
	if wrong && e.hint == "" {
		e.hint = fmt.Sprintf(format, args...)
	}
	return e
}

// Right ends the check. If no hint applied it says that the answer is right, and why, in the manner of fmt.Sprintf.
func (e *Exercise) Right(format string, args ...any) {
	if e.hint != "" {
		fmt.Printf("✗ Exercise %s: %s\n", e.name, e.hint)
		return
	}
	fmt.Printf("✓ Exercise %s: %s\n", e.name, fmt.Sprintf(format, args...))
}

// Near reports whether an answer is within a relative tolerance of what is expected; an absolute one where that is zero.
// NaN is near nothing.
func Near(answer, expected, tolerance float64) bool {
	scale := math.Abs(expected)
	if scale == 0 {
		scale = 1
	}
	return math.Abs(answer-expected) <= tolerance*scale
}
