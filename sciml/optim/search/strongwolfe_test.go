package search_test

import (
	"errors"
	"math"
	"testing"

	"gonum.org/v1/gonum/optimize/functions"

	"github.com/gosciml/gosciml/sciml/optim/search"
)

// TestMoreThuente runs the search on the six functions, tolerances and first trials of Moré and Thuente (1994),
// section 5, and checks the strong Wolfe conditions themselves.
func TestMoreThuente(t *testing.T) {
	type function interface {
		Func(x []float64) float64
		Grad(grad, x []float64)
	}
	for _, c := range []struct {
		name                string
		f                   function
		decrease, curvature float64
	}{
		{"1", functions.ConcaveRight{}, 1e-3, 0.1},
		{"2", functions.ConcaveLeft{}, 0.1, 0.1},
		{"3", functions.Plassmann{L: 39, Beta: 0.01}, 0.1, 0.1},
		{"4", functions.YanaiOzawaKaneko{Beta1: 0.001, Beta2: 0.001}, 1e-3, 1e-3},
		{"5", functions.YanaiOzawaKaneko{Beta1: 0.01, Beta2: 0.001}, 1e-3, 1e-3},
		{"6", functions.YanaiOzawaKaneko{Beta1: 0.001, Beta2: 0.01}, 1e-3, 1e-3},
		{"1, defaults", functions.ConcaveRight{}, 0, 0},
		{"3, defaults", functions.Plassmann{L: 39, Beta: 0.01}, 0, 0},
	} {
		phi := func(alpha float64) search.Trial {
			slope := []float64{0}
			c.f.Grad(slope, []float64{alpha})
			return search.Trial{Alpha: alpha, Loss: c.f.Func([]float64{alpha}), Slope: slope[0]}
		}
		for _, first := range []float64{1e-3, 1e-1, 1e1, 1e3} {
			tried := map[float64]bool{}
			s := search.StrongWolfe{Decrease: c.decrease, Curvature: c.curvature}
			start := phi(0)
			got, ok, err := s.Find(start, first, 0, func(alpha float64) (search.Trial, error) {
				if len(tried) == 0 && alpha != first {
					t.Errorf("function %s: the first trial is %v, not %v", c.name, alpha, first)
				}
				if alpha < 0 || tried[alpha] {
					t.Errorf("function %s from %v: trial at %v, which is negative or known", c.name, first, alpha)
				}
				tried[alpha] = true
				return phi(alpha), nil
			})
			if err != nil {
				t.Fatal(err)
			}
			c1, c2 := c.decrease, c.curvature
			if c1 == 0 {
				c1, c2 = 1e-4, 0.9
			}
			if !ok || !tried[got.Alpha] || got != phi(got.Alpha) ||
				got.Loss > start.Loss+c1*got.Alpha*start.Slope || math.Abs(got.Slope) > -c2*start.Slope {
				t.Errorf("function %s from %v: %+v after %d trials (accepted: %v) does not satisfy the strong Wolfe conditions", c.name, first, got, len(tried), ok)
			}
			t.Logf("function %s from %v: α = %.3g after %d trials", c.name, first, got.Alpha, len(tried))
		}
	}
}

// TestTrialsThatAreNotFinite: beyond a barrier the loss is not a number.
func TestTrialsThatAreNotFinite(t *testing.T) {
	for _, barrier := range []float64{1, 0.1, 1e-4} {
		for _, first := range []float64{barrier / 2, 1, 50} {
			phi := func(a float64) (search.Trial, error) { // minimizer of −α/b − log(1 − α/b)/2 at b/2
				if a >= barrier {
					return search.Trial{Alpha: a, Loss: math.Inf(1), Slope: math.NaN()}, nil
				}
				u := a / barrier
				return search.Trial{Alpha: a, Loss: 3 - u - math.Log(1-u)/2, Slope: (-1 + 0.5/(1-u)) / barrier}, nil
			}
			start, _ := phi(0)
			got, ok, err := search.StrongWolfe{Curvature: 0.1}.Find(start, first, 0, phi)
			if err != nil || !ok || math.Abs(got.Slope) > -0.1*start.Slope || got.Loss >= start.Loss {
				t.Errorf("barrier %v, first %v: %+v, %v, %v", barrier, first, got, ok, err)
			}
		}
	}
}

func TestSearchGivesUp(t *testing.T) {
	trials := 0
	increasing := func(a float64) (search.Trial, error) { // contradicts its slope: there is no way down
		trials++
		return search.Trial{Alpha: a, Loss: 1 + a, Slope: 1}, nil
	}
	if got, ok, err := (search.StrongWolfe{MaxTrials: 7}).Find(search.Trial{Loss: 1, Slope: -1}, 1, 0, increasing); ok || err != nil || trials > 7 {
		t.Errorf("%+v, %v, %v after %d trials, want a failure within 7", got, ok, err, trials)
	}
	nowhere := func(a float64) (search.Trial, error) { return search.Trial{Alpha: a, Loss: math.Inf(1)}, nil }
	if got, ok, err := (search.StrongWolfe{}).Find(search.Trial{Loss: 1, Slope: -1}, 1, 0, nowhere); ok || err != nil {
		t.Errorf("%+v, %v, %v where nothing is finite, want a failure", got, ok, err)
	}
	broken := errors.New("broken")
	failing := func(float64) (search.Trial, error) { return search.Trial{}, broken }
	if _, ok, err := (search.StrongWolfe{}).Find(search.Trial{Loss: 1, Slope: -1}, 1, 0, failing); ok || !errors.Is(err, broken) {
		t.Errorf("%v, %v, want the error of the trial", ok, err)
	}
}

// TestHiddenDecrease: next to a minimizer, where values are equal to the last digit, slopes decide; also below zero.
func TestHiddenDecrease(t *testing.T) {
	for _, level := range []float64{1, 1e8, -1, -1e8} {
		const width = 1e-10
		phi := func(a float64) (search.Trial, error) { // the decrease, width/2, is rounding noise of both signs
			noise := math.Abs(level) * 0x1p-53 * math.Copysign(2, math.Sin(1e6*a))
			return search.Trial{Alpha: a, Loss: level + noise, Slope: width * (a - 1)}, nil
		}
		start := search.Trial{Loss: level - math.Abs(level)*0x1p-52, Slope: -width}
		got, ok, err := search.StrongWolfe{Curvature: 0.5}.Find(start, 0.7, 0x1p-52, phi)
		if err != nil || !ok {
			t.Errorf("level %v: %+v, %v, %v: a step to slope %v of %v is refused", level, got, ok, err, got.Slope, start.Slope)
		}
	}
}
