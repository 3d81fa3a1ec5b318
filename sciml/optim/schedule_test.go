package optim_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// schedules have a closed form of the number of iterations before.
var schedules = map[string]struct {
	given optim.Schedule
	want  func(k float64) float64
}{
	"nil":              {nil, func(float64) float64 { return 1 }},
	"constant":         {optim.Constant{}, func(float64) float64 { return 1 }},
	"steps":            {optim.StepDecay{Every: 7, Factor: 0.3}, func(k float64) float64 { return math.Pow(0.3, math.Floor(k/7)) }},
	"growing steps":    {optim.StepDecay{Every: 3, Factor: 1.1}, func(k float64) float64 { return math.Pow(1.1, math.Floor(k/3)) }},
	"default steps":    {optim.StepDecay{}, func(k float64) float64 { return math.Pow(0.5, math.Floor(k/1000)) }},
	"exponential":      {optim.Exponential{Every: 50, Factor: 0.1}, func(k float64) float64 { return math.Pow(10, -k/50) }},
	"slow exponential": {optim.Exponential{}, func(k float64) float64 { return math.Pow(0.9, k/1000) }},
	"cosine": {optim.Cosine{Total: 40, Floor: 0.2}, func(k float64) float64 {
		return 0.2 + 0.4*(1+math.Cos(math.Pi*math.Min(1, k/40)))
	}},
	"warm-up": {optim.WarmUp{Steps: 10}, func(k float64) float64 { return math.Min(1, (k+1)/10) }},
	"warm-up, then cosine": {optim.WarmUp{Steps: 5, Then: optim.Cosine{Total: 30}}, func(k float64) float64 {
		if k < 5 {
			return (k + 1) / 5
		}
		return (1 + math.Cos(math.Pi*math.Min(1, (k-5)/30))) / 2
	}},
	"warm-up twice": {optim.WarmUp{Steps: 5, Then: optim.WarmUp{Steps: 4, Then: optim.StepDecay{Every: 10}}}, func(k float64) float64 {
		switch {
		case k < 5:
			return (k + 1) / 5
		case k < 9:
			return (k - 4) / 4
		}
		return math.Pow(0.5, math.Floor((k-9)/10))
	}},
}

// TestSchedules: on f = Σ θᵢ in one dimension the length of a step is the rate.
func TestSchedules(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		obj := &objective.Objective{Backend: b, Dim: 1, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			return graph.ReduceAllSum(theta)
		}}
		for name, s := range schedules {
			if strings.HasSuffix(t.Name(), "/xla") && name != "warm-up twice" {
				continue
			}
			r := minimize(t, obj, []float64{0}, optim.GradientDescent{Rate: 2, Schedule: s.given}, optim.Options{MaxIterations: 101})
			for k := range 100 {
				if got, want := r.History.Records[k+1].Step, 2*s.want(float64(k)); math.Abs(got-want) > 1e-13 {
					t.Errorf("%s: the rate is %.16g in iteration %d, want %.16g", name, got, k, want)
				}
			}
		}
	})
}

// TestSchedulesLate: after many iterations, in single precision, a step of the rate is where it should be.
func TestSchedulesLate(t *testing.T) {
	b := pureGo(t)
	for _, every := range []int{3, 7, 10, 49, 1000} {
		s := optim.StepDecay{Every: every, Factor: 0.999}
		exec := graph.MustNewExec(b, func(loss, count *graph.Node) *graph.Node {
			factor, _ := s.Scale(loss, []*graph.Node{count})
			return factor
		})
		for _, times := range []int{1, 17, 999} {
			k := every * times
			for _, c := range []struct{ k, times int }{{k - 1, times - 1}, {k, times}} {
				got := float64(tensors.ToScalar[float32](exec.MustCall(float32(0), float32(c.k))[0]))
				if want := math.Pow(0.999, float64(c.times)); math.Abs(got-want) > 1e-5*want {
					t.Errorf("every %d: the factor after %d iterations is %v, want %v", every, c.k, got, want)
				}
			}
		}
	}
}

// TestPlateau compares with plain Go on losses that fall, rise, and cross zero.
func TestPlateau(t *testing.T) {
	p := optim.Plateau{Patience: 5, Factor: 0.4, Min: 0.01, Threshold: 0.02}
	exec := graph.MustNewExec(pureGo(t), func(in []*graph.Node) []*graph.Node {
		factor, next := p.Scale(in[0], in[1:])
		return append([]*graph.Node{factor}, next...)
	})
	rng := rand.New(rand.NewPCG(1, 2))
	state := make([]*tensors.Tensor, p.Size())
	for i := range state {
		state[i] = tensors.FromScalar(0.0)
	}
	best, waited, factor := math.Inf(1), 0, 1.0
	reductions := 0
	for k := range 200 {
		loss := 3*math.Exp(-float64(k)/40) - 1 + 0.3*rng.NormFloat64()
		if k == 50 {
			loss = math.NaN() // no improvement
		}
		if k == 120 { // a new objective
			state, best = p.Rebase(state), math.Inf(1)
			loss = 100
		}
		if math.IsInf(best, 1) || loss < best-0.02*math.Abs(best) {
			best, waited = loss, 0
		} else if waited++; waited == 5 {
			factor, waited = math.Max(0.01, factor*0.4), 0
			reductions++
		}
		in := []any{loss}
		for _, s := range state {
			in = append(in, s)
		}
		out := exec.MustCall(in...)
		if got := tensors.ToScalar[float64](out[0]); math.Abs(got-factor) > 1e-14 {
			t.Fatalf("the factor after %d losses is %v, want %v", k+1, got, factor)
		}
		state = out[1:]
	}
	if reductions < 6 || factor != 0.01 {
		t.Errorf("%d reductions to %v: the test is too easy", reductions, factor)
	}
}

// TestPlateauInRun: a rate too large for gradient descent to converge is brought down until it does, also after a warm-up.
func TestPlateauInRun(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		obj, start := quadratic(b, []float64{1, 5})
		for _, s := range []optim.Schedule{optim.Plateau{Patience: 10}, optim.WarmUp{Steps: 3, Then: optim.Plateau{Patience: 10}}} {
			r := minimize(t, obj, start, optim.GradientDescent{Rate: 0.4, Schedule: s}, optim.Options{LossTolerance: 1e-12})
			if r.Status != optim.LossReached {
				t.Errorf("%+v: %s", s, r)
			}
			if strings.HasSuffix(t.Name(), "/xla") {
				break
			}
		}
		// 5·0.4 = 2: without the schedule it oscillates for ever.
		if r := minimize(t, obj, start, optim.GradientDescent{Rate: 0.4}, optim.Options{LossTolerance: 1e-12}); r.Status != optim.IterationLimit {
			t.Errorf("without a schedule: %s", r)
		}
	})
}
