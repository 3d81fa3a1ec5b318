package search_test

import (
	"math"
	"testing"

	"github.com/gosciml/gosciml/sciml/optim/search"
)

// TestArmijoConditions: the result has sufficient decrease, and is the first trial if that has.
func TestArmijoConditions(t *testing.T) {
	for name, phi := range moreThuente {
		for _, given := range []float64{0, 0.1, 0.4} {
			decrease := given
			if given == 0 {
				decrease = 1e-4
			}
			enough := func(start, t search.Trial) bool { return t.Loss <= start.Loss+decrease*t.Alpha*start.Slope }
			for _, first := range []float64{1e-3, 1e-1, 1e1, 1e3} {
				start, got, ok, trials := runSearch(t, search.Armijo{Decrease: given}, phi, first, 0)
				if !ok || !enough(start, got) || (trials == 1) != enough(start, phi(first)) {
					t.Errorf("function %s, c₁ = %v from %v: %+v after %d trials has no sufficient decrease, or the first had", name, decrease, first, got, trials)
				}
			}
		}
	}
}

// TestArmijoModels: the second trial is the minimizer of a quadratic φ, the third that of a cubic φ, within the bounds.
func TestArmijoModels(t *testing.T) {
	trials := func(phi func(a float64) (loss, slope float64)) (at []float64) {
		_, start := phi(0)
		zero, _ := phi(0)
		_, _, err := search.Armijo{Decrease: 0.49999, MaxTrials: 4}.Find(search.Trial{Loss: zero, Slope: start}, 1, 0, func(a float64) (search.Trial, error) {
			at = append(at, a)
			loss, slope := phi(a)
			return search.Trial{Alpha: a, Loss: loss, Slope: slope}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	quadratic := func(minimizer float64) func(a float64) (float64, float64) {
		return func(a float64) (float64, float64) { return a*a/2 - minimizer*a, a - minimizer }
	}
	for _, c := range []struct{ minimizer, want float64 }{{0.3, 0.3}, {0.1234, 0.1234}, {0.05, 0.1}, {0.95, 0.5}} {
		if at := trials(quadratic(c.minimizer)); len(at) < 2 || at[0] != 1 || math.Abs(at[1]-c.want) > 1e-15 {
			t.Errorf("parabola with the minimizer %v: trials at %v, want the second at %v", c.minimizer, at, c.want)
		}
	}
	// φ = −a + 8a² − 6a³ has its minimizer at (8 − √46)/18, which no quadratic through its values finds.
	cubic := func(a float64) (float64, float64) { return -a + 8*a*a - 6*a*a*a, -1 + 16*a - 18*a*a }
	want := (8 - math.Sqrt(46)) / 18
	if at := trials(cubic); len(at) < 3 || at[1] != 0.25 || math.Abs(at[2]-want) > 1e-14 {
		t.Errorf("cubic: trials at %v, want 1, 0.25 and %v first", at, want)
	}
}

// TestArmijoNotFinite: trials that are not finite are left by factors of ten.
func TestArmijoNotFinite(t *testing.T) {
	phi := func(a float64) search.Trial {
		if a > 0.005 {
			return search.Trial{Alpha: a, Loss: math.Inf(1), Slope: math.NaN()}
		}
		return search.Trial{Alpha: a, Loss: 1 - a, Slope: -1}
	}
	if _, got, ok, trials := runSearch(t, search.Armijo{}, phi, 1, 0); !ok || math.Abs(got.Alpha-1e-3) > 1e-18 || trials != 4 {
		t.Errorf("%+v, %v after %d trials, want 0.001 after 4", got, ok, trials)
	}
}

// TestArmijoHiddenDecrease: where values are equal to the last digit, slopes decide.
func TestArmijoHiddenDecrease(t *testing.T) {
	const resolution = 0x1p-52
	for _, level := range []float64{1, 1e8, -1, -1e8} {
		phi := func(a float64) search.Trial { // the decrease is rounding noise of both signs
			noise := 2 * resolution * math.Abs(level) * math.Sin(1e6*a)
			return search.Trial{Alpha: a, Loss: level + noise, Slope: 1e-10 * (a - 1)}
		}
		start := search.Trial{Loss: level - 2*resolution*math.Abs(level), Slope: -1e-10}
		got, ok, err := search.Armijo{}.Find(start, 0.9, resolution, func(a float64) (search.Trial, error) { return phi(a), nil })
		if err != nil || !ok || got.Alpha != 0.9 {
			t.Errorf("level %v: %+v, %v, %v: a step that takes a tenth of the slope is refused", level, got, ok, err)
		}
	}
}
