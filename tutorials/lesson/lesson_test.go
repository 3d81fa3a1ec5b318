package lesson_test

import (
	"errors"
	"math"
	"testing"

	"github.com/gosciml/gosciml/tutorials/lesson"
)

func TestMustEndsTheCellWithTheErrorItself(t *testing.T) {
	if got := lesson.Must(3, nil); got != 3 {
		t.Errorf("Must gave %d, expected 3", got)
	}
	want := errors.New("no such network")
	defer func() {
		if got := recover(); got != want {
			t.Errorf("the cell ended with %v, expected %v", got, want)
		}
	}()
	lesson.Must(0, want)
}

func TestNear(t *testing.T) {
	for _, c := range []struct {
		answer, expected, tolerance float64
		near                        bool
	}{
		{1.09, 1, 0.1, true}, {1.11, 1, 0.1, false}, {-1, 1, 0.1, false}, {1e-9, 0, 1e-6, true}, {1e-3, 0, 1e-6, false},
		{math.NaN(), 1, 0.1, false}, {math.Inf(1), 1, 0.1, false}, {-2.1, -2, 0.1, true},
	} {
		if got := lesson.Near(c.answer, c.expected, c.tolerance); got != c.near {
			t.Errorf("Near(%g, %g, %g) = %v", c.answer, c.expected, c.tolerance, got)
		}
	}
}
