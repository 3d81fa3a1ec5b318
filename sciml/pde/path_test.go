package pde_test

import (
	"math"
	"testing"

	"github.com/gosciml/gosciml/sciml/pde"
)

// TestPathValues: the way is even in the value, or in its logarithm where that makes sense, and has both ends exactly.
func TestPathValues(t *testing.T) {
	for _, c := range []struct{ from, to, half float64 }{
		{100, 1000, math.Sqrt(1e5)}, {1000, 100, math.Sqrt(1e5)}, {-0.1, -0.001, -0.01}, {0.1, 0.03, math.Sqrt(0.003)},
		{1, 1.5, 1.25}, {1.5, 1, 1.25}, {-1, 3, 1}, {0, 4, 2}, {4, 0, 2},
	} {
		path := &pde.Path{From: c.from, To: c.to}
		if got := path.Value(0.5); math.Abs(got-c.half) > 1e-12*math.Abs(c.half) {
			t.Errorf("half the way from %v to %v is %v, want %v", c.from, c.to, got, c.half)
		}
		if path.Value(0) != c.from || path.Value(1) != c.to {
			t.Errorf("the way from %v to %v begins with %v and ends with %v", c.from, c.to, path.Value(0), path.Value(1))
		}
	}
}

// TestPathsOfTheCatalogue: the problems on the way of each are complete, and end with it.
func TestPathsOfTheCatalogue(t *testing.T) {
	paths := 0
	for _, p := range append(pde.Catalogue(), pde.Along(pde.Burgers, 0.1, 0.01)) {
		path := p.Suggested.Path
		if path == nil {
			continue
		}
		paths++
		for _, place := range []float64{0, 0.3, 1} {
			at, err := path.At(path.Value(place), p)
			if err != nil {
				t.Errorf("%s: %v", p.Name, err)
			} else if (at.Name == p.Name) != (place == 1) || at.Suggested.Path != nil {
				t.Errorf("at %v of the path to %q there is %q, with the path %v", place, p.Name, at.Name, at.Suggested.Path)
			}
		}
	}
	if paths == 0 {
		t.Error("there are no paths")
	}
}
