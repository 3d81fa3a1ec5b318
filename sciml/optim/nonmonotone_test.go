package optim_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// TestNonMonotoneLevel: a trial is accepted up to the largest of the last losses, or the average of Zhang and Hager, and
// not above.
func TestNonMonotoneLevel(t *testing.T) {
	losses := []float64{9, 5, 7, 2, 4, 1, 3}
	average := func(eta float64) float64 {
		q, c := 1.0, losses[0]
		for _, f := range losses[1:] {
			c = (eta*q*c + f) / (eta*q + 1)
			q = eta*q + 1
		}
		return c
	}
	mean := 0.0
	for _, f := range losses {
		mean += f / float64(len(losses))
	}
	if math.Abs(average(1)-mean) > 1e-15 {
		t.Fatalf("η = 1 gives %v, the mean is %v", average(1), mean)
	}
	for _, c := range []struct {
		search search.NonMonotone
		level  float64
	}{
		{search.NonMonotone{Memory: 1}, 3}, {search.NonMonotone{Memory: 2}, 3}, {search.NonMonotone{Memory: 3}, 4},
		{search.NonMonotone{Memory: 5}, 7}, {search.NonMonotone{Memory: 6}, 7}, {search.NonMonotone{Memory: 7}, 9}, {search.NonMonotone{}, 9},
		{search.NonMonotone{Average: 1}, mean}, {search.NonMonotone{Average: 0.5}, math.Max(3, average(0.5))},
	} {
		s := c.search.Begin()
		for _, f := range losses {
			s.Reached(f)
		}
		again := c.search.Begin()
		again.SetMemory(s.Memory())
		for _, side := range []float64{-1, 1} {
			phi := func(a float64) (search.Trial, error) { // the first trial is at the level, the others are far below
				if a == 1 {
					return search.Trial{Alpha: a, Loss: c.level - 1e-4 + side*1e-9, Slope: -1}, nil
				}
				return search.Trial{Alpha: a, Loss: -10, Slope: -1}, nil
			}
			for _, s := range []search.MemorySearch{s, again} {
				got, ok, err := s.Find(search.Trial{Loss: 3, Slope: -1}, 1, 0, phi)
				if err != nil || !ok || (got.Alpha == 1) != (side < 0) {
					t.Errorf("%+v, %v above the level %v: %+v, %v, %v", c.search, side*1e-9, c.level, got, ok, err)
				}
			}
		}
		s.SetMemory(nil)
		if got := s.Memory(); len(got) != 0 {
			t.Errorf("%+v: after a reset it knows %v", c.search, got)
		}
	}
}

// TestNonMonotoneRuns: the loss rises on the way, by what the memory allows, and the result is the lowest.
func TestNonMonotoneRuns(t *testing.T) {
	b := pureGo(t)
	p := problems["Rosenbrock"]
	for _, memory := range []int{1, 2, 10} {
		r := minimize(t, p.objective(b), p.start, optim.BFGS{Search: search.NonMonotone{Memory: memory}}, optim.Options{GradientTolerance: 1e-8})
		if r.Status != optim.GradientSmall || math.Abs(r.Theta[0]-1) > 1e-6 {
			t.Errorf("memory %d: θ = %v, %s", memory, r.Theta, r)
		}
		rises := 0
		records := r.History.Records
		for k := 1; k < len(records); k++ {
			highest := math.Inf(-1)
			for _, rec := range records[max(0, k-memory):k] {
				highest = math.Max(highest, rec.Loss)
			}
			if records[k].Loss > highest {
				t.Errorf("memory %d: the loss at iteration %d is %v, above %v", memory, k, records[k].Loss, highest)
			}
			if records[k].Loss > records[k-1].Loss {
				rises++
			}
		}
		if (rises > 0) != (memory > 1) {
			t.Errorf("memory %d: the loss rises %d times", memory, rises)
		}
		t.Logf("memory %d: %d iterations, %d evaluations, %d rises", memory, r.Iterations, r.Evaluations, rises)
	}
	r := minimize(t, p.objective(b), p.start, optim.LBFGS{Search: search.NonMonotone{Average: 0.85}, Damped: true}, optim.Options{GradientTolerance: 1e-8})
	if r.Status != optim.GradientSmall || math.Abs(r.Theta[0]-1) > 1e-6 {
		t.Errorf("average: θ = %v, %s", r.Theta, r)
	}
	for _, search := range []search.Search{search.NonMonotone{}, search.NonMonotone{Average: 0.85}, search.Grid{}} {
		for _, method := range []optim.Method{optim.LBFGS{Search: search, Damped: true, RestartEvery: 7}, optim.BFGS{Search: search, Damped: true}} {
			checkResume(t, b, method, 8)
		}
	}
}

// TestSearchesAreChecked: settings out of their range are reported by Start, and by Find.
func TestSearchesAreChecked(t *testing.T) {
	p := problems["Rosenbrock"]
	obj := p.objective(pureGo(t))
	start := search.Trial{Loss: 1, Slope: -1}
	fine := func(a float64) (search.Trial, error) { return search.Trial{Alpha: a}, nil }
	for word, search := range map[string]search.Search{
		"StrongWolfe.Decrease is 0.7":     search.StrongWolfe{Decrease: 0.7},
		"Curvature 1.5":                   search.StrongWolfe{Curvature: 1.5},
		"StrongWolfe.MaxTrials is -1":     search.StrongWolfe{MaxTrials: -1},
		"HagerZhang.Rho is 0.5":           search.HagerZhang{Rho: 0.5},
		"Armijo.Decrease is 0.5":          search.Armijo{Decrease: 0.5},
		"NonMonotone.Memory is -3":        search.NonMonotone{Memory: -3},
		"NonMonotone.Average is 2":        search.NonMonotone{Average: 2},
		"expected one of them":            search.NonMonotone{Average: 0.5, Memory: 3},
		"NonMonotone.Decrease or MaxTria": search.NonMonotone{Decrease: -1},
		"Grid.Points is -1":               search.Grid{Points: -1},
		"Factor 1, expected":              search.Grid{Factor: 1},
	} {
		for _, method := range []optim.Method{optim.LBFGS{Search: search}, optim.BFGS{Search: search}} {
			mustFail(t, obj, p.start, method, optim.Options{}, word)
		}
		if _, ok, err := search.Find(start, 1, 0, fine); ok || err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%+v: Find reports %v, want %q", search, err, word)
		}
	}
	for word, method := range map[string]optim.LBFGS{
		"LBFGS.RestartEvery is -1":   {RestartEvery: -1},
		"LBFGS.RestartCosine is 1, ": {RestartCosine: 1},
	} {
		mustFail(t, obj, p.start, method, optim.Options{}, word)
	}
}
