package optim_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// TestVarianceReduction: SGD with a constant rate stalls at a noise floor unless the data are consistent, the methods that
// reduce the variance converge linearly.
func TestVarianceReduction(t *testing.T) {
	batches := objective.Batches{Size: 8, Seed: 1}
	excess := func(l leastSquares, m optim.Method, iterations int) float64 {
		r := minimize(t, l.objective(pureGo(t)), make([]float64, lsDim), m, optim.Options{MaxIterations: iterations})
		return r.Loss - l.minimum
	}
	noisy, consistent := newLeastSquares(0.5), newLeastSquares(0)
	start := noisy.loss(make([]float64, lsDim)) - noisy.minimum
	sgd := optim.SGD{Rate: 0.05, Batches: batches}
	short, long := excess(noisy, sgd, 200), excess(noisy, sgd, 1500)
	t.Logf("f − min: %.2g at the start; SGD %.2g, %.2g; consistent %.2g", start, short, long, excess(consistent, sgd, 600))
	if long < 1e-5 || short > 0.05*start {
		t.Errorf("SGD on noisy data: f − min = %.2g after 200 iterations and %.2g after 1500, want a floor", short, long)
	}
	if e := excess(consistent, sgd, 1000); e > 1e-15 {
		t.Errorf("SGD on consistent data: f − min = %.2g", e)
	}
	for name, m := range map[string]optim.Method{
		"SVRG":  optim.SVRG{Rate: 0.05, Batches: batches},
		"SAGA":  optim.SAGA{Rate: 0.05, Blocks: 8},
		"SARAH": optim.SARAH{Rate: 0.05, Batches: batches},
	} {
		half, whole := excess(noisy, m, 150), excess(noisy, m, 600)
		t.Logf("%s: %.2g, %.2g", name, half, whole)
		if whole > 1e-10 || half < 1e-10 || half > 0.05*start {
			t.Errorf("%s: f − min = %.2g after 150 iterations and %.2g after 600", name, half, whole)
		}
	}
}

// TestDecayBeatsTheFloor: with a rate that decays as 1/k SGD gets below its floor.
func TestDecayBeatsTheFloor(t *testing.T) {
	l := newLeastSquares(0.5)
	last := func(s optim.Schedule) float64 {
		m := optim.SGD{Rate: 0.05, Schedule: s, Batches: objective.Batches{Size: 4, WithReplacement: true}, Measure: 10}
		r := minimize(t, l.objective(pureGo(t)), make([]float64, lsDim), m, optim.Options{MaxIterations: 1000})
		_, full := r.History.FullLosses()
		return floats.Sum(full[len(full)-20:])/20 - l.minimum
	}
	constant, decaying := last(nil), last(optim.InverseTime{Every: 50})
	t.Logf("constant %.2g, decaying %.2g", constant, decaying)
	if decaying > 0.2*constant {
		t.Errorf("f − min is %.2g with a decaying rate, %.2g with a constant one", decaying, constant)
	}
}

// TestMultiBatchLBFGS: on a problem that is not well conditioned it is faster than SGD at its best rate, and an overlap
// with too few samples to tell the curvature is worse.
func TestMultiBatchLBFGS(t *testing.T) {
	batches := objective.Batches{Size: 32}
	for _, c := range []struct{ noise, times float64 }{{0, 1e-6}, {0.02, 0.1}} {
		l := newLeastSquares(c.noise)
		for j := range lsDim { // squares of the condition number grow by 100
			for i := range lsRows {
				l.a.Set(i, j, l.a.At(i, j)*math.Pow(10, -float64(j)/(lsDim-1)))
			}
		}
		iterations := 250
		if c.noise > 0 {
			iterations = 80 // later both are at their floor
		}
		run := func(m optim.Method) float64 {
			r := minimize(t, l.objective(pureGo(t)), make([]float64, lsDim), m, optim.Options{MaxIterations: iterations})
			return r.Loss - l.loss(l.solve())
		}
		best := math.Inf(1)
		for _, rate := range []float64{0.05, 0.1, 0.2} {
			best = min(best, run(optim.SGD{Rate: rate, Momentum: 0.9, Batches: batches, Measure: 10}))
		}
		quasi := run(optim.MultiBatchLBFGS{Batches: batches, Measure: 10})
		few := run(optim.MultiBatchLBFGS{Batches: batches, Overlap: 0.03, Measure: 10})
		bounded := run(optim.MultiBatchLBFGS{Batches: batches, Longest: 1e-3, Measure: 10})
		t.Logf("noise %v: SGD with momentum %.2g, multi-batch L-BFGS %.2g, with little overlap %.2g, bounded %.2g", c.noise, best, quasi, few, bounded)
		if quasi > c.times*best || few < 10*quasi || bounded < 100*quasi {
			t.Errorf("noise %v: f − min is %.2g with multi-batch L-BFGS, %.2g with SGD, %.2g with little overlap", c.noise, quasi, best, few)
		}
	}
}

// TestNormTest: batches grow as the gradient vanishes, and each growth has its reason.
func TestNormTest(t *testing.T) {
	l := newLeastSquares(0.5)
	m := optim.NormTest{Method: optim.GradientDescent{Rate: 0.05}, Batches: objective.Batches{Size: 4}, Theta: 2, Measure: 10}
	r := minimize(t, l.objective(pureGo(t)), make([]float64, lsDim), m, optim.Options{MaxIterations: 400})
	if r.Loss-l.minimum > 1e-10 {
		t.Errorf("f − min = %.2g with growing batches", r.Loss-l.minimum)
	}
	var sizes []int
	for _, rec := range r.History.Records {
		if rec.Batch > 0 && (len(sizes) == 0 || sizes[len(sizes)-1] != rec.Batch) {
			sizes = append(sizes, rec.Batch)
		}
	}
	t.Log(sizes, r.History.Events)
	if sizes[0] != 4 || sizes[len(sizes)-1] != lsRows || !slices.IsSorted(sizes) || len(sizes) < 3 {
		t.Errorf("sizes of batches %v, want them to grow from 4 to %d", sizes, lsRows)
	}
	if len(r.History.Events) != len(sizes)-1 {
		t.Errorf("%d events for the sizes %v", len(r.History.Events), sizes)
	}
	for i, e := range r.History.Events {
		if !strings.Contains(e.Text, "batches grow from") || r.History.Records[e.Iteration+1].Batch != sizes[i+1] || r.History.Records[e.Iteration-1].Batch != sizes[i] {
			t.Errorf("event %d at iteration %d: %s", i, e.Iteration, e.Text)
		}
	}
	// Consistent data: the noise vanishes with the gradient, and batches need not grow to all.
	r = minimize(t, newLeastSquares(0).objective(pureGo(t)), make([]float64, lsDim), m, optim.Options{MaxIterations: 200})
	if last := r.History.Last().Batch; last == lsRows {
		t.Errorf("batches of %d samples for consistent data", last)
	}
}
