package optim_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/optim"
)

// phases counts the records of each phase, in order of appearance.
func phases(h *optim.History) (names []string, counts []int) {
	for _, rec := range h.Records {
		if len(names) == 0 || names[len(names)-1] != rec.Phase {
			names, counts = append(names, rec.Phase), append(counts, 0)
		}
		counts[len(counts)-1]++
	}
	return names, counts
}

// slowly makes a run that looks at the clock often: its portions are as small as those of a slow problem.
func slowly(*optim.History) error {
	time.Sleep(time.Millisecond)
	return nil
}

// TestIterationsSwitch: the switch comes after the number of iterations asked for, however the run is portioned.
func TestIterationsSwitch(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		p := problems["Wood"]
		for _, n := range []int{10, 120} {
			for _, every := range []int{0, 7} {
				method := optim.Hybrid{{Method: optim.Adam{Rate: 0.01}, Until: optim.Iterations(n)}, {Method: optim.LBFGS{}}}
				r := minimize(t, p.objective(b), p.start, method, optim.Options{
					GradientTolerance: 1e-8, MonitorEvery: every, MaxIterations: 300,
					Monitor: func(_ context.Context, theta *tensors.Tensor) (map[string]float64, error) {
						return map[string]float64{"f": p.reference.Func(tensors.MustCopyFlatData[float64](theta))}, nil
					},
				})
				names, counts := phases(&r.History)
				if !slices.Equal(names, []string{"Adam", "L-BFGS"}) || counts[0] != n {
					t.Errorf("n = %d, portions of %d: phases %q with %d records", n, every, names, counts)
				}
				if r.Status != optim.GradientSmall || math.Abs(r.Theta[0]-1) > 1e-6 {
					t.Errorf("n = %d: %s", n, r)
				}
				if len(r.History.Events) != 1 || r.History.Events[0].Iteration != n ||
					!strings.Contains(r.History.Events[0].Text, "Adam → L-BFGS") || !strings.Contains(r.History.Events[0].Text, "iterations") {
					t.Errorf("n = %d: events %+v", n, r.History.Events)
				}
				// L-BFGS starts from the best iterate of Adam.
				best := math.Inf(1)
				for _, rec := range r.History.Records[:counts[0]] {
					best = math.Min(best, rec.Loss)
				}
				if first := r.History.Records[counts[0]].Loss; math.Abs(first-best) > 1e-13*best {
					t.Errorf("n = %d: L-BFGS starts from the loss %v, Adam's best is %v", n, first, best)
				}
				at, values := r.History.Metric("f")
				for k, i := range at {
					if loss := r.History.Records[int(i)].Loss; math.Abs(values[k]-loss) > 1e-10*(1+loss) {
						t.Errorf("n = %d: at %v the monitor saw the loss %v, the record has %v", n, i, values[k], loss)
					}
				}
			}
		}
	})
}

// TestRecordsCountIterations: record i is the iterate after i iterations, also after a switch away from L-BFGS,
// whose last iterate is the first of the next method.
func TestRecordsCountIterations(t *testing.T) {
	p := problems["Rosenbrock in R¹⁰"]
	measured := 0
	method := optim.Hybrid{
		{Method: optim.LBFGS{}, Until: optim.Iterations(5)}, {Method: optim.Adam{}, Until: optim.Iterations(6)}, {Method: optim.LBFGS{}},
	}
	r := minimize(t, p.objective(pureGo(t)), p.start, method, optim.Options{
		MonitorEvery: 3, MaxIterations: 20,
		Monitor: func(_ context.Context, theta *tensors.Tensor) (map[string]float64, error) {
			measured++
			return map[string]float64{"f": p.reference.Func(tensors.MustCopyFlatData[float64](theta))}, nil
		},
	})
	if names, counts := phases(&r.History); !slices.Equal(names, []string{"L-BFGS", "Adam", "L-BFGS"}) || len(r.History.Records) != r.Iterations+1 {
		t.Errorf("phases %q with %d records, %d in all for %d iterations", names, counts, len(r.History.Records), r.Iterations)
	}
	at, values := r.History.Metric("f")
	for k, i := range at {
		if loss := r.History.Records[int(i)].Loss; math.Abs(values[k]-loss) > 1e-12*(1+loss) {
			t.Errorf("at %v the monitor saw the loss %v, the record has %v", i, values[k], loss)
		}
	}
}

// TestStalledSwitch: Adam with a large rate stalls; where it does must not depend on how the run is portioned.
func TestStalledSwitch(t *testing.T) {
	p := problems["Rosenbrock in R¹⁰"]
	b := pureGo(t)
	method := optim.Hybrid{{Method: optim.Adam{Rate: 0.02}, Until: optim.Stalled{Window: 100, Decades: 0.3}}, {Method: optim.LBFGS{}}}
	var first []float64
	for _, options := range []optim.Options{{}, {MonitorEvery: 7}, {MonitorEvery: 1000}, {OnProgress: slowly, MonitorEvery: 13}} {
		options.MaxIterations, options.GradientTolerance = 5000, 1e-8
		r := minimize(t, p.objective(b), p.start, method, options)
		names, counts := phases(&r.History)
		if len(names) != 2 || counts[0] < 200 || r.Status != optim.GradientSmall {
			t.Fatalf("phases %q with %d records: %s", names, counts, r)
		}
		if len(r.History.Events) != 1 || !strings.Contains(r.History.Events[0].Text, "decades") {
			t.Errorf("events %+v", r.History.Events)
		}
		// The end may be a few iterations apart: tolerances are looked at once in a portion.
		_, losses := r.History.Losses()
		if first == nil {
			first = losses
		}
		if n := min(len(first), len(losses)); !slices.Equal(losses[:n], first[:n]) || n < counts[0]+10 {
			t.Errorf("with portions of %d: switched after %d records, and not as before", options.MonitorEvery, counts[0])
		}
	}
}

// TestStalledCriterion on records made by hand.
func TestStalledCriterion(t *testing.T) {
	falling := func(decades float64, n int) []optim.Record {
		records := make([]optim.Record, n)
		for i := range records {
			records[i].Loss = math.Pow(10, -decades*float64(i)/10)
		}
		return records
	}
	for _, c := range []struct {
		records []optim.Record
		met     bool
	}{
		{falling(0, 19), false}, {falling(0, 20), true}, {falling(0.49, 40), true}, {falling(0.51, 40), false}, {falling(-1, 40), true},
	} {
		met, why := optim.Stalled{Window: 10, Decades: 0.5}.Met(c.records)
		if met != c.met || met != (why != "") {
			t.Errorf("%d records down to %v: %v, %q", len(c.records), c.records[len(c.records)-1].Loss, met, why)
		}
	}
	if met, _ := (optim.Stalled{}).Met(falling(0, 499)); met {
		t.Error("the default window is not 250")
	}
	if met, _ := (optim.Stalled{}).Met(falling(0, 500)); !met {
		t.Error("a constant loss does not count as stalled")
	}
}

// TestMethodThatCannotGoOnHandsOver: Adam runs into NaN, L-BFGS goes on from the best iterate.
func TestMethodThatCannotGoOnHandsOver(t *testing.T) {
	b := pureGo(t)
	r := minimize(t, root(b), []float64{1, 1}, optim.Hybrid{{Method: optim.Adam{Rate: 0.03}}, {Method: optim.LBFGS{}}}, optim.Options{})
	names, _ := phases(&r.History)
	if !slices.Equal(names, []string{"Adam", "L-BFGS"}) || len(r.History.Events) != 1 || !strings.Contains(r.History.Events[0].Text, "NaN") {
		t.Errorf("phases %q, events %+v", names, r.History.Events)
	}
	if !(r.Loss < 0.5) || r.Theta[0] < 0 {
		t.Errorf("%s, θ = %v", r, r.Theta)
	}
}

func TestHybridNestsAndIsReusable(t *testing.T) {
	b := pureGo(t)
	p := problems["Wood"]
	inner := optim.Hybrid{{Method: optim.Adam{}, Until: optim.Iterations(50)}, {Method: optim.LBFGS{Memory: 2}, Until: optim.Iterations(3)}}
	method := optim.Hybrid{{Method: inner, Until: optim.Iterations(100)}, {Method: optim.LBFGS{}}}
	if got := method.Name(); got != "Adam → L-BFGS → L-BFGS" {
		t.Errorf("the name is %q", got)
	}
	var theta []float64
	for range 2 {
		r := minimize(t, p.objective(b), p.start, method, optim.Options{GradientTolerance: 1e-8})
		if r.Status != optim.GradientSmall || len(r.History.Events) != 2 {
			t.Errorf("%s, with events %+v, want one for each switch", r, r.History.Events)
		}
		if theta != nil && !slices.Equal(theta, r.Theta) {
			t.Error("a second run of the same method differs")
		}
		theta = r.Theta
	}
}

// TestHybridErrors: what is wrong with a later phase comes to light before the first one has worked for nothing.
func TestHybridErrors(t *testing.T) {
	b := pureGo(t)
	p := problems["Wood"]
	for word, last := range map[string]optim.Method{
		"LBFGS.Memory is -1": optim.LBFGS{Memory: -1}, "Gonum.Method is nil": optim.Gonum{}, "needs the residuals": optim.LevenbergMarquardt{},
		"Objective.Blocks": optim.Hybrid{{Method: optim.Adam{}, Until: optim.Iterations(5)}, {Method: optim.Shampoo{}}},
	} {
		method := optim.Hybrid{{Method: optim.Adam{}, Until: optim.Iterations(50)}, {Method: optim.SR1{}}, {Method: last}}
		r, err := optim.Minimize(context.Background(), p.ofHost(t), p.start, method, optim.Options{})
		if r != nil || err == nil || !strings.Contains(err.Error(), word) || !strings.Contains(err.Error(), "phase 2 of the Hybrid") {
			t.Errorf("result %v and error %v, want one that mentions %q and its phase", r, err, word)
		}
	}
	stop := errors.New("stop here")
	r, err := optim.Minimize(context.Background(), p.objective(b), p.start, optim.Hybrid{{Method: optim.Adam{}, Until: optim.Iterations(20)}, {Method: optim.LBFGS{}}},
		optim.Options{OnProgress: func(h *optim.History) error {
			if len(h.Events) > 0 {
				return fmt.Errorf("switched: %w", stop)
			}
			return nil
		}})
	if !errors.Is(err, stop) || r == nil || len(r.Theta) != 4 {
		t.Errorf("result %v, error %v", r, err)
	}
}
