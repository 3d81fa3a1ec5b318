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
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// mustFail checks that bad arguments give an error with the word in it, and no result.
func mustFail(t *testing.T, obj *objective.Objective, start []float64, method optim.Method, options optim.Options, word string) {
	t.Helper()
	r, err := optim.Minimize(context.Background(), obj, start, method, options)
	if r != nil || err == nil || !strings.Contains(err.Error(), word) {
		t.Errorf("result %v and error %v, want an error that mentions %q", r, err, word)
	}
}

// pureGo is the back end that compiles in no time, for tests of the run loop, which does not depend on it.
func pureGo(t *testing.T) compute.Backend {
	t.Helper()
	b, err := backend.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// energy is ½Σ dᵢθᵢ² − Σ θᵢ with d as its data: the minimizer is 1/dᵢ, and the minimum −½Σ 1/dᵢ.
func energy(b compute.Backend) *objective.Objective {
	return &objective.Objective{
		Backend: b, Dim: 3, Data: []*tensors.Tensor{tensors.FromValue([]float64{1, 4, 10})},
		Loss: func(theta *graph.Node, data []*graph.Node) *graph.Node {
			half := graph.MulScalar(graph.Mul(data[0], graph.Square(theta)), 0.5)
			return graph.ReduceAllSum(graph.Sub(half, theta))
		},
	}
}

var methods = map[string]optim.Method{
	"Adam":   optim.Adam{Rate: 0.05},
	"L-BFGS": optim.LBFGS{},
}

// TestNegativeLoss: an energy below zero is no reason to stop.
func TestNegativeLoss(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, method := range methods {
			obj := energy(b)
			r := minimize(t, obj, []float64{1, 1, 1}, method, optim.Options{GradientTolerance: 1e-6})
			if r.Status != optim.GradientSmall || math.Abs(r.Loss+0.5*(1+0.25+0.1)) > 1e-10 {
				t.Errorf("%s: %s, want the minimum −0.675", name, r)
			}
			for i, want := range []float64{1, 0.25, 0.1} {
				if math.Abs(r.Theta[i]-want) > 1e-5 {
					t.Errorf("%s: θ%d = %v, want %v", name, i, r.Theta[i], want)
				}
			}
			r = minimize(t, obj, []float64{1, 1, 1}, method, optim.Options{LossTolerance: -0.6})
			if r.Status != optim.LossReached || r.Loss > -0.6 {
				t.Errorf("%s: %s, want the loss −0.6 reached", name, r)
			}
		}
	})
}

func TestIterationLimit(t *testing.T) {
	b := backendtest.Best(t)
	p := problems["Wood"]
	for name, method := range methods {
		for _, limit := range []int{1, 37} {
			r := minimize(t, p.objective(b), p.start, method, optim.Options{MaxIterations: limit})
			records := limit // the loss of Adam's last iterate is not known
			if name == "L-BFGS" {
				records++
			}
			if r.Status != optim.IterationLimit || r.Iterations != limit || len(r.History.Records) != records {
				t.Errorf("%s, limit %d: %s, with %d records", name, limit, r, len(r.History.Records))
			}
		}
	}
	if r := minimize(t, energy(b), []float64{1, 1, 1}, optim.Adam{Rate: 1e-9}, optim.Options{}); r.Iterations != optim.DefaultIterations {
		t.Errorf("%d iterations by default, want %d", r.Iterations, optim.DefaultIterations)
	}
}

func TestTolerances(t *testing.T) {
	b := pureGo(t)
	p := problems["Beale"]
	for name, method := range methods {
		r := minimize(t, p.objective(b), p.start, method, optim.Options{LossTolerance: 1})
		if r.Status != optim.LossReached || r.Loss > 1 || !r.Status.Converged() {
			t.Errorf("%s: %s", name, r)
		}
		r = minimize(t, p.objective(b), p.start, method, optim.Options{GradientTolerance: 1})
		if r.Status != optim.GradientSmall || !r.Status.Converged() {
			t.Errorf("%s: %s", name, r)
		}
		if !slices.ContainsFunc(r.History.Records, func(rec optim.Record) bool { return rec.GradientNorm <= 1 }) {
			t.Errorf("%s: %s, but no record has so small a gradient", name, r)
		}
	}
	// A start that is a minimizer needs no iteration.
	r := minimize(t, p.objective(b), p.solution, optim.LBFGS{}, optim.Options{})
	if r.Status != optim.GradientSmall || !slices.Equal(r.Theta, p.solution) || r.Loss != 0 {
		t.Errorf("from the minimizer: %s", r)
	}
}

func TestInterrupted(t *testing.T) {
	b := pureGo(t)
	p := problems["Wood"]
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancelLate := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancelLate()
	for name, method := range methods {
		for _, c := range []struct {
			ctx    context.Context
			limit  time.Duration
			status optim.Status
		}{{canceled, 0, optim.Canceled}, {late, 0, optim.TimeLimit}, {context.Background(), 1, optim.TimeLimit}, {canceled, time.Hour, optim.Canceled}} {
			r, err := optim.Minimize(c.ctx, p.objective(b), p.start, method, optim.Options{MaxTime: c.limit})
			if err != nil || r.Status != c.status || !slices.Equal(r.Theta, p.start) || len(r.History.Records) != 0 {
				t.Errorf("%s before the start: %v, error %v, want %s and the start", name, r, err, c.status)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		calls := 0
		r, err := optim.Minimize(ctx, p.objective(b), p.start, method, optim.Options{MonitorEvery: 5, OnProgress: func(h *optim.History) error {
			if calls++; calls == 3 {
				cancel()
			}
			return nil
		}})
		if err != nil || r.Status != optim.Canceled || calls != 3 || r.Iterations == 0 || len(r.History.Records) == 0 || !(r.Loss < p.reference.Func(p.start)) {
			t.Errorf("%s on the way: %v, error %v, after %d calls", name, r, err, calls)
		}
	}
}

func TestCallback(t *testing.T) {
	b := pureGo(t)
	p := problems["Wood"]
	broken := errors.New("broken")
	for name, method := range methods {
		for _, c := range []struct {
			gives  error
			status optim.Status
			err    error
		}{{optim.ErrStop, optim.CallbackStopped, nil}, {fmt.Errorf("enough: %w", optim.ErrStop), optim.CallbackStopped, nil}, {broken, optim.Failed, broken}} {
			seen := 0
			r, err := optim.Minimize(context.Background(), p.objective(b), p.start, method, optim.Options{OnProgress: func(h *optim.History) error {
				seen = len(h.Records)
				return c.gives
			}})
			if r == nil || !errors.Is(err, c.err) || (c.err == nil) != (err == nil) || r.Status != c.status || seen == 0 || r.Iterations != 1 {
				t.Errorf("%s: %v, error %v with %d records, want %s and %v", name, r, err, seen, c.status, c.err)
			} else if len(r.Theta) != 4 || math.IsInf(r.Loss, 0) {
				t.Errorf("%s: the result after %v has θ = %v, loss %v", name, err, r.Theta, r.Loss)
			} else if err != nil && !strings.Contains(err.Error(), "Options.OnProgress") {
				t.Errorf("%s: error %v, want one that names the callback", name, err)
			}
		}
		r, err := optim.Minimize(context.Background(), p.objective(b), p.start, method, optim.Options{Monitor: func(context.Context, *tensors.Tensor) (map[string]float64, error) {
			return nil, broken
		}})
		if !errors.Is(err, broken) || r == nil || r.Status != optim.Failed || !slices.Equal(r.Theta, p.start) {
			t.Errorf("%s with a monitor that fails: %v, error %v", name, r, err)
		}
	}
}

// TestMonitor checks that metrics are attached to the iterates they were measured of.
func TestMonitor(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		p := problems["Wood"]
		for name, method := range methods {
			r := minimize(t, p.objective(b), p.start, method, optim.Options{
				MaxIterations: 25, MonitorEvery: 7,
				Monitor: func(_ context.Context, theta *tensors.Tensor) (map[string]float64, error) {
					return map[string]float64{"f": p.reference.Func(tensors.MustCopyFlatData[float64](theta))}, nil
				},
			})
			at, values := r.History.Metric("f")
			if want := []float64{0, 7, 14, 21}; !slices.Equal(at, want) {
				t.Errorf("%s: measured at %v, want %v", name, at, want)
			}
			iterations, losses := r.History.Losses()
			for k, i := range at {
				if loss := losses[int(i)]; iterations[int(i)] != i || math.Abs(values[k]-loss) > 1e-12*loss {
					t.Errorf("%s: at iteration %v the monitor saw an iterate of loss %v, the history has %v", name, i, values[k], loss)
				}
			}
			if got := r.Metrics["f"]; math.Abs(got-r.Loss) > 1e-12*r.Loss {
				t.Errorf("%s: the result is measured as %v, its loss is %v", name, got, r.Loss)
			}
			if seconds, _ := r.History.Along(optim.BySeconds, func(rec optim.Record) (float64, bool) { return 0, rec.Metrics != nil }); len(seconds) != 4 {
				t.Errorf("%s: %d times of measurements, want 4", name, len(seconds))
			}
		}
	})
}

func TestSearchFailed(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		obj := &objective.Objective{Backend: b, Dim: 2, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			return graph.AddScalar(graph.ReduceAllSum(graph.Abs(graph.AddScalar(theta, -0.3))), 2) // a kink at 0.3
		}}
		r := minimize(t, obj, []float64{1, -2}, optim.LBFGS{}, optim.Options{})
		if r.Status != optim.SearchFailed || r.Message == "" {
			t.Errorf("%s", r)
		}
		checkHistory(t, "kink", r)
	})
}

// root is Σ√θᵢ, which leads out of where it is defined.
func root(b compute.Backend) *objective.Objective {
	return &objective.Objective{Backend: b, Dim: 2, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		return graph.ReduceAllSum(graph.Sqrt(theta))
	}}
}

func TestNonFinite(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		r := minimize(t, root(b), []float64{1, 1}, optim.Adam{Rate: 0.03}, optim.Options{})
		if r.Status != optim.NonFinite || r.Message == "" || r.Iterations < 20 || r.Iterations > 100 {
			t.Errorf("%s", r)
		}
		want := math.Sqrt(r.Theta[0]) + math.Sqrt(r.Theta[1])
		if !(r.Theta[0] >= 0 && r.Theta[0] < 0.1) || math.Abs(r.Loss-want) > 1e-14 {
			t.Errorf("the best iterate is %v with loss %v, want one next to zero with its loss %v", r.Theta, r.Loss, want)
		}
		if last := r.History.Last(); !math.IsNaN(last.Loss) {
			t.Errorf("the last record has loss %v, want NaN", last.Loss)
		}
		for name, method := range methods {
			r := minimize(t, root(b), []float64{1, -1}, method, optim.Options{})
			if r.Status != optim.NonFinite || !slices.Equal(r.Theta, []float64{1, -1}) || !math.IsInf(r.Loss, 1) {
				t.Errorf("%s from where the loss is NaN: %s, θ = %v", name, r, r.Theta)
			}
		}
		// A line search stays where the loss is finite.
		r = minimize(t, root(b), []float64{1, 2}, optim.LBFGS{}, optim.Options{MaxIterations: 30})
		if math.IsNaN(r.Loss) || r.Loss > 1+math.Sqrt2 || r.Theta[0] < 0 || r.Theta[1] < 0 {
			t.Errorf("L-BFGS: %s, θ = %v", r, r.Theta)
		}
	})
}

func TestArguments(t *testing.T) {
	b := backendtest.Best(t)
	p := problems["Beale"]
	good := func() *objective.Objective { return p.objective(b) }
	spoilt := func(spoil func(o *objective.Objective)) *objective.Objective {
		o := good()
		spoil(o)
		return o
	}
	for _, c := range []struct {
		obj     *objective.Objective
		start   []float64
		method  optim.Method
		options optim.Options
		word    string
	}{
		{nil, p.start, optim.Adam{}, optim.Options{}, "objective is nil"},
		{spoilt(func(o *objective.Objective) { o.Backend = nil }), p.start, optim.Adam{}, optim.Options{}, "Objective.Backend is nil"},
		{spoilt(func(o *objective.Objective) { o.Residual = nil }), p.start, optim.Adam{}, optim.Options{}, "neither Loss nor Residual"},
		{spoilt(func(o *objective.Objective) { o.Dim = 0 }), nil, optim.Adam{}, optim.Options{}, "Objective.Dim is 0"},
		{spoilt(func(o *objective.Objective) { o.DType = dtypes.Int64 }), p.start, optim.Adam{}, optim.Options{}, "Objective.DType"},
		{good(), p.start[1:], optim.Adam{}, optim.Options{}, "starting θ has 1 entries, expected Objective.Dim = 2"},
		{good(), []float64{1, math.NaN()}, optim.Adam{}, optim.Options{}, "entry 1 of the starting θ is NaN"},
		{good(), []float64{math.Inf(-1), 1}, optim.LBFGS{}, optim.Options{}, "entry 0 of the starting θ is -Inf"},
		{good(), p.start, nil, optim.Options{}, "method is nil"},
		{good(), p.start, optim.LBFGS{Memory: -3}, optim.Options{}, "LBFGS.Memory is -3"},
		{good(), p.start, optim.Adam{}, optim.Options{MaxIterations: -1}, "MaxIterations is -1"},
		{good(), p.start, optim.Adam{}, optim.Options{MaxTime: -1}, "MaxTime is"},
		{good(), p.start, optim.Adam{}, optim.Options{MonitorEvery: -1}, "MonitorEvery is -1"},
		{good(), p.start, optim.Hybrid{}, optim.Options{}, "no phases"},
		{good(), p.start, optim.Hybrid{{Method: optim.Adam{}}, {}}, optim.Options{}, "phase 1 of the Hybrid has no Method"},
	} {
		mustFail(t, c.obj, c.start, c.method, c.options, c.word)
	}
	if _, err := objective.NewEvaluator(nil); err == nil {
		t.Error("an evaluator of no objective")
	}
	vector := &objective.Objective{Backend: b, Dim: 2, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node { return theta }}
	if _, err := optim.Minimize(context.Background(), vector, p.start, optim.LBFGS{}, optim.Options{}); err == nil || !strings.Contains(err.Error(), "expected a scalar") {
		t.Errorf("a loss that is a vector: error %v", err)
	}
}

func TestFloat32(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, method := range map[string]optim.Method{"Adam": optim.Adam{Rate: 0.05}, "L-BFGS": optim.LBFGS{}} {
			p := problems["Beale"]
			obj := p.objective(b)
			obj.DType = dtypes.Float32
			r := minimize(t, obj, p.start, method, optim.Options{LossTolerance: 1e-8, MaxIterations: 3000})
			if r.Status != optim.LossReached {
				t.Errorf("%s: %s", name, r)
			}
			for i, want := range p.solution {
				if float64(float32(r.Theta[i])) != r.Theta[i] || math.Abs(r.Theta[i]-want) > 1e-3 {
					t.Errorf("%s: θ%d is %v, want %v as a float32", name, i, r.Theta[i], want)
				}
			}
		}
	})
}

// TestRepeatable: two runs agree in every bit of θ and history, times aside.
func TestRepeatable(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, method := range methods {
			p := problems["Wood"]
			run := func() *optim.Result {
				r := minimize(t, p.objective(b), p.start, method, optim.Options{MaxIterations: 60})
				for i := range r.History.Records {
					r.History.Records[i].Seconds = 0
				}
				return r
			}
			first, second := run(), run()
			if !slices.Equal(first.Theta, second.Theta) || fmt.Sprint(first.History) != fmt.Sprint(second.History) {
				t.Errorf("%s: two runs differ", name)
			}
		}
	})
}

// TestDataReplaced: new data of the same shape take effect.
func TestDataReplaced(t *testing.T) {
	obj := energy(backendtest.Best(t))
	e, err := objective.NewEvaluator(obj)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []float64{2, 6} {
		obj.Data[0] = tensors.FromValue([]float64{d, 0, 0})
		if loss, gradient, err := e.At([]float64{1, 0, 0}); err != nil || loss != d/2-1 || gradient[0] != d-1 {
			t.Errorf("with %v: f = %v, ∇f = %v, error %v", d, loss, gradient, err)
		}
	}
}

func TestStatusSaysItInWords(t *testing.T) {
	seen := map[string]bool{}
	for s := optim.Running; s <= optim.Failed; s++ {
		if words := s.String(); seen[words] || strings.HasPrefix(words, "Status(") {
			t.Errorf("status %d is %q", int(s), words)
		} else {
			seen[words] = true
		}
		if s.Converged() != (s == optim.LossReached || s == optim.GradientSmall) {
			t.Errorf("%s: Converged is %v", s, s.Converged())
		}
	}
	if got := optim.Status(99).String(); got != "Status(99)" {
		t.Errorf("an unknown status is %q", got)
	}
}

// TestMostIterations: the environment bounds every run, and what it cannot mean is an error that names it.
func TestMostIterations(t *testing.T) {
	p := problems["Rosenbrock in R¹⁰"]
	t.Setenv(optim.MostIterationsEnv, "3")
	if r := minimize(t, p.objective(pureGo(t)), p.start, optim.LBFGS{}, optim.Options{MaxIterations: 100}); r.Iterations != 3 || r.Status != optim.IterationLimit {
		t.Errorf("%v", r)
	}
	if r := minimize(t, p.objective(pureGo(t)), p.start, optim.LBFGS{}, optim.Options{MaxIterations: 2}); r.Iterations != 2 {
		t.Errorf("with fewer asked for: %v", r)
	}
	monitor := func(context.Context, *tensors.Tensor) (map[string]float64, error) {
		return map[string]float64{"m": 1}, nil
	}
	for _, method := range []optim.Method{optim.Adam{}, optim.LBFGS{}} { // a loop on the device does not know the last iterate's loss
		r := minimize(t, p.objective(pureGo(t)), p.start, method, optim.Options{Monitor: monitor})
		if x, _ := r.History.Metric("m"); len(x) < 2 {
			t.Errorf("%s is measured at the iterations %v, expected two or more", method.Name(), x)
		}
	}
	for _, wrong := range []string{"0", "-1", "many", "1.5"} {
		t.Setenv(optim.MostIterationsEnv, wrong)
		_, err := optim.Minimize(t.Context(), p.objective(pureGo(t)), p.start, optim.LBFGS{}, optim.Options{})
		if err == nil || !strings.Contains(err.Error(), optim.MostIterationsEnv) || !strings.Contains(err.Error(), wrong) {
			t.Errorf("%q: error %v", wrong, err)
		}
	}
}

// TestResultPrintsOneLine: also where it is a value, as in a sciml.Solution, and not a pointer.
func TestResultPrintsOneLine(t *testing.T) {
	r := optim.Result{Theta: []float64{1, 2}, Loss: 0.5, Iterations: 3, Seconds: 1.25, Status: optim.SearchFailed, Message: "why"}
	const want = "loss 0.5, 3 iterations, 1.2 s: no further decrease along the search direction (why)"
	for _, got := range []string{fmt.Sprint(r), fmt.Sprint(&r)} {
		if got != want {
			t.Errorf("a result prints as %q, expected %q", got, want)
		}
	}
}
