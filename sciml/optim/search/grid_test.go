package search_test

import (
	"math"
	"testing"

	"github.com/gosciml/gosciml/sciml/optim/search"
)

// TestGridPicksTheLowest: of all step lengths on the grid, and only if it is a decrease.
func TestGridPicksTheLowest(t *testing.T) {
	for _, c := range []struct {
		grid    search.Grid
		lowest  float64 // the minimizer of φ
		want    float64
		trials  int
		decline bool
	}{
		{search.Grid{}, 0.26, 0.25, 31, false},
		{search.Grid{}, 3, 1, 31, false},
		{search.Grid{}, 0x1p-30, 0x1p-30, 31, false},
		{search.Grid{Points: 4, Factor: 0.1}, 0.012, 0.01, 4, false},
		{search.Grid{Points: 4}, 0.01, 0, 4, true}, // 1/8 is too long
	} {
		phi := func(a float64) search.Trial {
			d := a - c.lowest
			if a > 100*c.lowest {
				return search.Trial{Alpha: a, Loss: math.Inf(1), Slope: math.NaN()}
			}
			return search.Trial{Alpha: a, Loss: d * d, Slope: 2 * d}
		}
		_, got, ok, trials := runSearch(t, c.grid, phi, 1, 0)
		if trials != c.trials || ok == c.decline || ok && math.Abs(got.Alpha-c.want) > 1e-15 {
			t.Errorf("%+v: %+v, accepted %v, after %d trials, want α = %v after %d", c.grid, got, ok, trials, c.want, c.trials)
		}
	}
}
