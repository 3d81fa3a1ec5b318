package reference

import (
	"math"
	"testing"
)

func tabulate(points, frames int, graded bool, f func(x, t float64) float64) *Table {
	table := &Table{lo: []float64{-1}, hi: []float64{3}, end: 2, graded: graded, points: points, frames: frames, unknowns: 1}
	for i := range frames + 1 {
		for j := range points {
			table.values = append(table.values, f(-1+4*float64(j)/float64(points), table.time(i)))
		}
	}
	return table
}

func TestInterpolation(t *testing.T) {
	f := func(x, t float64) float64 { return math.Exp(math.Sin(math.Pi/2*(x-t))) * math.Cos(3*t) }
	worst := func(points, frames int, graded bool) float64 {
		table := tabulate(points, frames, graded, f)
		largest := 0.0
		for i := range 101 {
			for j := range 97 {
				x, at := -1+4*float64(i)/100, 2*float64(j)/96
				got := table.At([]float64{x, at})[0]
				largest = math.Max(largest, math.Abs(got-f(x, at)))
				for _, wrapped := range []float64{x - 4, x + 8} {
					if other := table.At([]float64{wrapped, at})[0]; math.Abs(other-got) > 1e-12 {
						t.Errorf("at x = %g and %g: %v and %v, expected the same", x, wrapped, got, other)
					}
				}
			}
		}
		return largest
	}
	for graded, most := range map[bool]float64{false: 1e-10, true: 1e-8} { // Graded, the last frames are twice as far apart.
		if got := worst(128, 100, graded); !(got <= most) {
			t.Errorf("graded: %v: the error is %g", graded, got)
		}
	}
	// Degree 11 in space, 9 in time: halving the spacing divides the errors by 2¹² and 2¹⁰.
	if order := math.Log2(worst(16, 400, false) / worst(32, 400, false)); !(order > 10) {
		t.Errorf("order %.1f in space, want 12", order)
	}
	if order := math.Log2(worst(128, 12, false) / worst(128, 24, false)); !(order > 8) {
		t.Errorf("order %.1f in time, want 10", order)
	}
}

func TestInterpolationAtNodesAndEnds(t *testing.T) {
	table := tabulate(16, 12, false, func(x, t float64) float64 { return math.Abs(math.Sin(17*x)) + math.Sqrt(t) })
	for i := range 13 {
		for j := range 16 {
			point := []float64{-1 + 4*float64(j)/16, 2 * float64(i) / 12}
			if got, want := table.At(point)[0], table.values[i*16+j]; math.Abs(got-want) > 1e-13 {
				t.Errorf("at the node %v: %v, want %v", point, got, want)
			}
		}
	}
	for _, c := range []struct {
		t  float64
		ok bool
	}{{-1e-7, true}, {2 + 1e-7, true}, {-0.01, false}, {2.01, false}, {math.NaN(), false}} {
		if got := table.At([]float64{0, c.t})[0]; math.IsNaN(got) == c.ok {
			t.Errorf("at t = %v: %v", c.t, got)
		}
	}
}
