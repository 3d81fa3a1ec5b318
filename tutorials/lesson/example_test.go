package lesson_test

import "github.com/gosciml/gosciml/tutorials/lesson"

func ExampleCheck() {
	const largest = 40.0 // the largest curvature
	for _, rate := range []float64{0, 0.1, 0.04} {
		lesson.Check("1").
			Hint(rate == 0, "Put your rate in the place of 0.").
			Hint(rate > 2/largest, "With %g the steepest direction grows: look at 1 − rate·λ₁.", rate).
			Right("Steps up to 2/λ₁ = %.2f shrink every direction.", 2/largest)
	}
	// Output:
	// ✗ Exercise 1: Put your rate in the place of 0.
	// ✗ Exercise 1: With 0.1 the steepest direction grows: look at 1 − rate·λ₁.
	// ✓ Exercise 1: Steps up to 2/λ₁ = 0.05 shrink every direction.
}
