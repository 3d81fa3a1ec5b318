package search_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/optimize/functions"

	"github.com/gosciml/gosciml/sciml/optim/search"
)

// along makes φ of a function of one variable.
func along(f interface {
	Func(x []float64) float64
	Grad(grad, x []float64)
}) func(alpha float64) search.Trial {
	return func(alpha float64) search.Trial {
		slope := []float64{0}
		f.Grad(slope, []float64{alpha})
		return search.Trial{Alpha: alpha, Loss: f.Func([]float64{alpha}), Slope: slope[0]}
	}
}

// moreThuente are the functions of Moré and Thuente (1994), section 5.
var moreThuente = map[string]func(alpha float64) search.Trial{
	"1": along(functions.ConcaveRight{}),
	"2": along(functions.ConcaveLeft{}),
	"3": along(functions.Plassmann{L: 39, Beta: 0.01}),
	"4": along(functions.YanaiOzawaKaneko{Beta1: 0.001, Beta2: 0.001}),
	"5": along(functions.YanaiOzawaKaneko{Beta1: 0.01, Beta2: 0.001}),
	"6": along(functions.YanaiOzawaKaneko{Beta1: 0.001, Beta2: 0.01}),
}

// search runs a search and checks what holds of every one: the first trial, no trial twice, the result one of them.
func runSearch(t *testing.T, s search.Search, phi func(float64) search.Trial, first, resolution float64) (start, got search.Trial, ok bool, trials int) {
	t.Helper()
	tried := map[float64]search.Trial{}
	start = phi(0)
	got, ok, err := s.Find(start, first, resolution, func(alpha float64) (search.Trial, error) {
		if _, known := tried[alpha]; known || !(alpha > 0) || len(tried) == 0 && alpha != first {
			t.Errorf("trial %d is at %v, with %v to be the first", len(tried), alpha, first)
		}
		tried[alpha] = phi(alpha)
		return tried[alpha], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if ok && got != tried[got.Alpha] {
		t.Errorf("the result %+v is not a trial", got)
	}
	return start, got, ok, len(tried)
}

// TestHagerZhangConditions checks the Wolfe conditions, exact and approximate, themselves.
func TestHagerZhangConditions(t *testing.T) {
	for name, phi := range moreThuente {
		for _, c := range []struct {
			given        search.HagerZhang
			delta, sigma float64
			most         int
		}{
			{search.HagerZhang{}, 0.1, 0.9, 20},
			{search.HagerZhang{Delta: 0.01, Sigma: 0.1, Epsilon: 1e-12}, 0.01, 0.1, 20},
			{search.HagerZhang{Delta: 1e-3, Sigma: 1e-3, Epsilon: 1e-12}, 1e-3, 1e-3, 20},
			{search.HagerZhang{Delta: 0.01, Sigma: 0.1, Theta: 0.3, Gamma: 0.5, Rho: 2, Epsilon: 1e-12}, 0.01, 0.1, 20},
		} {
			epsilon := math.Max(c.given.Epsilon, 1e-12)
			if c.given.Epsilon == 0 {
				epsilon = 1e-6
			}
			for _, first := range []float64{1e-3, 1e-1, 1e1, 1e3} {
				start, got, ok, trials := runSearch(t, c.given, phi, first, 0x1p-52)
				rise := epsilon * math.Abs(start.Loss)
				met := start.Loss-got.Loss > rise && got.Loss <= start.Loss+c.delta*got.Alpha*start.Slope ||
					got.Loss <= start.Loss+rise && got.Slope <= (2*c.delta-1)*start.Slope
				if !ok || !met || got.Slope < c.sigma*start.Slope {
					t.Errorf("function %s, %+v from %v: %+v after %d trials does not satisfy the conditions", name, c.given, first, got, trials)
				}
				if trials > c.most {
					t.Errorf("function %s, %+v from %v: %d trials", name, c.given, first, trials)
				}
				t.Logf("function %s, σ = %v from %v: α = %.3g after %d trials", name, c.sigma, first, got.Alpha, trials)
			}
		}
	}
}

// TestHagerZhangInNoise: φ is a parabola with the minimizer 3, rounded to float32 with an error of 40 units in its last
// place, which hides all of its decrease. Slopes are good. StrongWolfe fails in many cases.
func TestHagerZhangInNoise(t *testing.T) {
	const resolution = 0x1p-23
	settings := search.HagerZhang{Sigma: 0.5, Epsilon: 100 * resolution}
	// Slopes from half of the first one, at 1.5, to 0.8 of it upwards, at 5.4, satisfy the approximate conditions.
	good := func(got search.Trial, ok bool) bool { return ok && got.Alpha >= 1.5 && got.Alpha <= 5.4 }
	for _, first := range []float64{0.01, 1, 40} {
		refused := 0
		for seed := range 40 {
			phi := func(a float64) search.Trial {
				noise := 40 * resolution * math.Sin(1e4*a+float64(seed))
				return search.Trial{Alpha: a, Loss: float64(float32(1 + noise + 1e-8*a*(a/2-3))), Slope: 1e-8 * (a - 3)}
			}
			if start, got, ok, trials := runSearch(t, settings, phi, first, resolution); !good(got, ok) || trials > 10 {
				t.Errorf("noise %d: %+v from %+v after %d trials (accepted: %v), want α in [1.5, 5.4]", seed, got, start, trials, ok)
			}
			got, ok, err := search.StrongWolfe{Curvature: 0.5}.Find(phi(0), first, resolution, func(a float64) (search.Trial, error) { return phi(a), nil })
			if err != nil {
				t.Fatal(err)
			}
			if !good(got, ok) {
				refused++
			}
		}
		if refused < 10 {
			t.Errorf("StrongWolfe fails in %d of 40 cases: the test is too easy", refused)
		}
		t.Logf("from %v StrongWolfe fails in %d of 40 cases", first, refused)
	}
}

// TestHagerZhangDoubleSecant: a slope that is convex or concave puts every secant step on one side of the minimizer; the
// second one, through the two points there, then lands on the other.
func TestHagerZhangDoubleSecant(t *testing.T) {
	for name, c := range map[string]struct {
		settings search.HagerZhang
		phi      func(a float64) search.Trial
	}{
		"convex slope": {search.HagerZhang{Delta: 1e-3, Sigma: 1e-3}, func(a float64) search.Trial {
			return search.Trial{Alpha: a, Loss: math.Exp(a) - 2*a, Slope: math.Exp(a) - 2}
		}},
		"concave slope": {search.HagerZhang{Delta: 0.4999, Sigma: 0.5}, func(a float64) search.Trial {
			return search.Trial{Alpha: a, Loss: (1+a)*math.Log1p(a) - 2*a, Slope: math.Log1p(a) - 1}
		}},
	} {
		if _, got, ok, trials := runSearch(t, c.settings, c.phi, 5, 0x1p-52); !ok || trials != 3 {
			t.Errorf("%s: %+v, %v after %d trials, want 3", name, got, ok, trials)
		}
	}
}

// TestHagerZhangNotFinite: beyond a barrier the loss is not a number.
func TestHagerZhangNotFinite(t *testing.T) {
	for _, barrier := range []float64{1, 0.1, 1e-4} {
		for _, first := range []float64{barrier / 1000, barrier / 2, 1, 50} {
			phi := func(a float64) search.Trial { // minimizer of −α/b − log(1 − α/b)/2 at b/2
				if a >= barrier {
					return search.Trial{Alpha: a, Loss: math.Inf(1), Slope: math.NaN()}
				}
				u := a / barrier
				return search.Trial{Alpha: a, Loss: 3 - u - math.Log(1-u)/2, Slope: (-1 + 0.5/(1-u)) / barrier}
			}
			start, got, ok, _ := runSearch(t, search.HagerZhang{Sigma: 0.1}, phi, first, 0x1p-52)
			if !ok || got.Slope < 0.1*start.Slope || got.Loss >= start.Loss {
				t.Errorf("barrier %v, first %v: %+v, %v", barrier, first, got, ok)
			}
		}
	}
}

func TestHagerZhangGivesUp(t *testing.T) {
	rising := func(a float64) search.Trial { // contradicts its slope, whatever the trial: there is no way down
		return search.Trial{Alpha: a, Loss: 1 + a, Slope: -1}
	}
	nowhere := func(a float64) search.Trial {
		if a == 0 {
			return search.Trial{Loss: 1, Slope: -1}
		}
		return search.Trial{Alpha: a, Loss: math.Inf(1)}
	}
	endless := func(a float64) search.Trial { return search.Trial{Alpha: a, Loss: -a, Slope: -1} }
	for name, phi := range map[string]func(float64) search.Trial{"rising": rising, "nowhere finite": nowhere} {
		for _, s := range []search.Search{search.HagerZhang{MaxTrials: 7}, search.Armijo{MaxTrials: 7}} {
			if _, got, ok, trials := runSearch(t, s, phi, 1, 0x1p-52); ok || trials > 7 {
				t.Errorf("%T where φ is %s: %+v accepted: %v after %d trials, want a failure within 7", s, name, got, ok, trials)
			}
		}
	}
	// Without a minimizer the last trial is the lowest, and a decrease.
	if _, got, ok, trials := runSearch(t, search.HagerZhang{MaxTrials: 7}, endless, 1, 0x1p-52); !ok || got.Alpha != math.Pow(5, 6) || trials != 7 {
		t.Errorf("unbounded: %+v, %v after %d trials", got, ok, trials)
	}
	broken := errors.New("broken")
	failing := func(float64) (search.Trial, error) { return search.Trial{}, broken }
	for _, s := range []search.Search{search.HagerZhang{}, search.Armijo{}} {
		if _, ok, err := s.Find(search.Trial{Loss: 1, Slope: -1}, 1, 0, failing); ok || !errors.Is(err, broken) {
			t.Errorf("%T: %v, %v, want the error of the trial", s, ok, err)
		}
	}
}

func TestSearchSettings(t *testing.T) {
	fine := func(a float64) (search.Trial, error) { return search.Trial{Alpha: a, Loss: -a, Slope: 0}, nil }
	for word, s := range map[string]search.Search{
		"HagerZhang.Delta is 0.6":      search.HagerZhang{Delta: 0.6},
		"Sigma 0.05":                   search.HagerZhang{Sigma: 0.05},
		"HagerZhang.Epsilon is NaN":    search.HagerZhang{Epsilon: math.NaN()},
		"HagerZhang.Theta is 1":        search.HagerZhang{Theta: 1},
		"Gamma -1":                     search.HagerZhang{Gamma: -1},
		"HagerZhang.Rho is 1":          search.HagerZhang{Rho: 1},
		"HagerZhang.MaxTrials is -1":   search.HagerZhang{MaxTrials: -1},
		"Armijo.Decrease is 0.5":       search.Armijo{Decrease: 0.5},
		"Armijo.Decrease is 0.0001 an": search.Armijo{MaxTrials: -3},
	} {
		if _, ok, err := s.Find(search.Trial{Loss: 1, Slope: -1}, 1, 0, fine); ok || err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%+v: accepted %v, error %v, want one that mentions %q", s, ok, err, word)
		}
	}
}
