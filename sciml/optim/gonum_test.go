package optim_test

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/optimize"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/optim"
)

// gonumMethods make new ones, because a method of gonum keeps the state of its run.
var gonumMethods = map[string]func() optimize.Method{
	"gonum LBFGS":           func() optimize.Method { return &optimize.LBFGS{} },
	"gonum BFGS":            func() optimize.Method { return &optimize.BFGS{Linesearcher: &optimize.MoreThuente{}} },
	"gonum CG":              func() optimize.Method { return &optimize.CG{} },
	"gonum GradientDescent": func() optimize.Method { return &optimize.GradientDescent{} },
	"gonum NelderMead":      func() optimize.Method { return &optimize.NelderMead{} },
	"gonum CmaEsChol":       func() optimize.Method { return &optimize.CmaEsChol{Population: 20, Src: rand.NewPCG(1, 1)} },
}

// stopped checks that no goroutine is left of a run that had so many before.
func stopped(t *testing.T, name string, before int) {
	t.Helper()
	for wait := time.Millisecond; runtime.NumGoroutine() > before; wait *= 2 {
		if wait > time.Second {
			t.Errorf("%s: %d goroutines are left, there were %d before", name, runtime.NumGoroutine(), before)
			return
		}
		time.Sleep(wait)
	}
}

// TestGonumIsGonum: iterates and evaluations are those of optimize.Minimize.
func TestGonumIsGonum(t *testing.T) {
	p := problems["Rosenbrock in R¹⁰"]
	for name, method := range gonumMethods {
		if name == "gonum CmaEsChol" {
			continue // goes on drawing where its last run stopped
		}
		const iterations = 20
		evaluated := map[[10]float64]bool{} // points, whether asked for a value or a gradient
		see := func(x []float64) { evaluated[[10]float64(x)] = true }
		want, err := optimize.Minimize(optimize.Problem{
			Func: func(x []float64) float64 { see(x); return p.reference.Func(x) },
			Grad: func(gradient, x []float64) { see(x); p.reference.Grad(gradient, x) },
		}, p.start, &optimize.Settings{Converger: optimize.NeverTerminate{}, MajorIterations: iterations + 1}, method()) // the start is one of its iterations
		if err != nil && want.Status != optimize.IterationLimit {
			t.Fatal(err)
		}
		before := runtime.NumGoroutine()
		m := optim.Gonum{Method: method()}
		for range 2 { // a method may be used again
			r := minimize(t, p.ofHost(t), p.start, m, optim.Options{MaxIterations: iterations})
			last := r.History.Last()
			if r.Status != optim.IterationLimit || r.Iterations != iterations || len(r.History.Records) != iterations+1 || last.Loss != want.F || !floats.Equal(r.Theta, want.X) {
				t.Errorf("%s: %s, %d records, θ = %v, want %v with the loss %v", name, r, len(r.History.Records), r.Theta, want.X, want.F)
			}
			if m.Name() != name || last.Phase != name {
				t.Errorf("the name is %q and the phase %q, want %q", m.Name(), last.Phase, name)
			}
			if r.Evaluations != len(evaluated) {
				t.Errorf("%s: %d evaluations, gonum sees %d points", name, r.Evaluations, len(evaluated))
			}
			g := make([]float64, 10)
			p.reference.Grad(g, r.Theta)
			if math.Abs(floats.Norm(g, 2)-last.GradientNorm) > 1e-12*last.GradientNorm {
				t.Errorf("%s: the norm of the gradient is %v, want %v", name, last.GradientNorm, floats.Norm(g, 2))
			}
		}
		stopped(t, name, before)
	}
}

func TestGonumOnProblems(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		p := problems["Wood"]
		for name, method := range gonumMethods {
			if strings.HasSuffix(t.Name(), "/xla") && name != "gonum LBFGS" || name == "gonum GradientDescent" {
				continue
			}
			before := runtime.NumGoroutine()
			r := minimize(t, p.objective(b), p.start, optim.Gonum{Method: method()}, optim.Options{MaxIterations: 3000, LossTolerance: 1e-10})
			if r.Status != optim.LossReached || floats.Distance(r.Theta, p.solution, 2) > 1e-3 {
				t.Errorf("%s: %s, θ = %v", name, r, r.Theta)
			}
			stopped(t, name, before)
		}
	})
}

// TestGonumEnds: how runs end that do not reach the limit of iterations.
func TestGonumEnds(t *testing.T) {
	p := problems["Rosenbrock in R¹⁰"]
	before := runtime.NumGoroutine()
	lbfgs := optim.Gonum{Method: &optimize.LBFGS{}}
	// By gonum's own threshold, 1e-12 for the largest entry.
	r := minimize(t, p.ofHost(t), p.start, lbfgs, optim.Options{})
	if r.Status != optim.GradientSmall || r.Message != "gonum says GradientThreshold" || r.Loss > 1e-24 {
		t.Errorf("to the end: %s", r)
	}
	// A gradient of the wrong sign leaves nothing to be found.
	obj := p.ofHost(t)
	inner := obj.Function
	obj.Function = func(theta, gradient []float64) float64 {
		f := inner(theta, gradient)
		floats.Scale(-1, gradient)
		return f
	}
	r = minimize(t, obj, p.start, lbfgs, optim.Options{})
	if r.Status != optim.SearchFailed || !strings.HasPrefix(r.Message, "gonum says Failure: ") || r.Loss != p.reference.Func(p.start) {
		t.Errorf("with a wrong gradient: %s", r)
	}
	// At the solution there is nothing to do, and nothing to tell it from another stationary point.
	if r = minimize(t, p.ofHost(t), p.solution, lbfgs, optim.Options{}); r.Status != optim.Stationary || r.Iterations != 0 || r.Evaluations != 1 {
		t.Errorf("from the minimizer: %s, %d evaluations", r, r.Evaluations)
	}
	// Canceled by the function, stopped by a criterion, and ended by a panic in the function or in the method.
	ctx, cancel := context.WithCancel(context.Background())
	calls := 0
	obj.Function = func(theta, gradient []float64) float64 {
		if calls++; calls == 20 {
			cancel()
		}
		return inner(theta, gradient)
	}
	r, err := optim.Minimize(ctx, obj, p.start, lbfgs, optim.Options{})
	if err != nil || r.Status != optim.Canceled || calls > 25 {
		t.Errorf("canceled: %v, error %v, %d calls", r, err, calls)
	}
	if r = minimize(t, p.ofHost(t), p.start, lbfgs, optim.Options{Until: optim.Iterations(7)}); r.Status != optim.CriterionMet || r.Iterations != 7 {
		t.Errorf("with a criterion: %s", r)
	}
	here := goroutine()
	calls = 0
	obj.Function = func(theta, gradient []float64) float64 {
		if calls++; calls == 20 || goroutine() != here {
			panic("twenty calls, all in " + goroutine())
		}
		return inner(theta, gradient)
	}
	r, err = optim.Minimize(context.Background(), obj, p.start, lbfgs, optim.Options{})
	if err == nil || !strings.Contains(err.Error(), "): twenty calls, all in "+here) || r.Status != optim.Failed || len(r.History.Records) < 5 {
		t.Errorf("panic of the function: %v, error %v", r, err)
	}
	r, err = optim.Minimize(context.Background(), p.ofHost(t), p.start, optim.Gonum{Method: &optimize.LBFGS{Linesearcher: panicking{&optimize.Bisection{}}}}, optim.Options{})
	if err == nil || !strings.Contains(err.Error(), "gonum's *optimize.LBFGS (") || !strings.HasSuffix(err.Error(), "): no search today") || r.Loss != p.reference.Func(p.start) {
		t.Errorf("panic of the method: %v, error %v", r, err)
	}
	stopped(t, "gonum LBFGS", before)
}

// panicking is a search that panics.
type panicking struct{ *optimize.Bisection }

func (panicking) Iterate(_, _ float64) (optimize.Operation, float64, error) { panic("no search today") }

// TestGonumInHybrid: as a phase it hands over, and leaves nothing behind.
func TestGonumInHybrid(t *testing.T) {
	p := problems["Rosenbrock in R¹⁰"]
	before := runtime.NumGoroutine()
	method := optim.Hybrid{
		{Method: optim.Adam{Rate: 0.01}, Until: optim.Iterations(10)},
		{Method: optim.Gonum{Method: &optimize.BFGS{}}, Until: optim.Iterations(10)},
		{Method: optim.LBFGS{}},
	}
	r := minimize(t, p.ofHost(t), p.start, method, optim.Options{GradientTolerance: 1e-8})
	phases := map[string]int{}
	for _, rec := range r.History.Records {
		phases[rec.Phase]++
	}
	if r.Status != optim.GradientSmall || phases["Adam"] != 10 || phases["gonum BFGS"] != 11 || phases["L-BFGS"] < 5 {
		t.Errorf("%s, records by phase: %v", r, phases)
	}
	minimize(t, p.ofHost(t), p.start, method, optim.Options{MaxIterations: 15}) // ends within its phase
	stopped(t, "hybrid", before)
}

func TestGonumErrors(t *testing.T) {
	p := problems["Rosenbrock"]
	obj := p.objective(pureGo(t))
	mustFail(t, obj, p.start, optim.Gonum{}, optim.Options{}, "Gonum.Method is nil")
	mustFail(t, obj, p.start, optim.Gonum{Method: &optimize.Newton{}}, optim.Options{}, "*optimize.Newton, which cannot do with values and gradients")
	path := filepath.Join(t.TempDir(), "run")
	g := optim.Gonum{Method: &optimize.LBFGS{}}
	for _, m := range []optim.Method{g, optim.Hybrid{{Method: optim.Adam{}, Until: optim.Iterations(3)}, {Method: optim.Hybrid{{Method: optim.LBFGS{}}, {Method: g}}}}} {
		mustFail(t, obj, p.start, m, optim.Options{CheckpointPath: path}, "cannot be saved")
	}
	if name := (optim.Gonum{}).Name(); name == "" {
		t.Error("a method without a method of gonum has no name")
	}
}

// TestGonumPaused: a context that is done ends a search in between, also one without an end, and the search can go on.
func TestGonumPaused(t *testing.T) {
	p := problems["Rosenbrock in R¹⁰"]
	before := runtime.NumGoroutine()
	calls := 0
	obj := p.ofHost(t)
	inner := obj.Function
	ctx, cancel := context.WithCancel(context.Background())
	obj.Function = func(theta, gradient []float64) float64 {
		f := inner(theta, gradient)
		switch calls++; {
		case calls == 3:
			gradient[0] = math.Inf(1) // after which gonum asks for the same point for ever
		case calls == 1000:
			cancel()
		case calls > 2000:
			panic("the search has no end")
		}
		return f
	}
	r, err := optim.Minimize(ctx, obj, p.start, optim.Gonum{Method: &optimize.CG{}}, optim.Options{})
	if err != nil || r.Status != optim.Canceled || r.Evaluations != calls {
		t.Errorf("canceled in a search without an end: %v, error %v, %d calls", r, err, calls)
	}

	// follow makes ten iterations, with a context that is done at one of the calls.
	follow := func(last int) (losses []float64, evaluations int) {
		obj := p.ofHost(t)
		inner := obj.Function
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		calls := 0
		obj.Function = func(theta, gradient []float64) float64 {
			if calls++; calls == last {
				cancel()
			}
			return inner(theta, gradient)
		}
		s, err := optim.Gonum{Method: &optimize.BFGS{Linesearcher: &optimize.MoreThuente{}}}.Start(obj, tensors.FromValue(p.start))
		if err != nil {
			t.Fatal(err)
		}
		defer s.(optim.Stopper).Stop()
		for made := 0; made < 10; ctx = context.Background() {
			progress, err := s.Advance(ctx, 10-made, optim.Goal{Loss: math.Inf(-1)})
			if err != nil || progress.Status != optim.Running || progress.Message != "" {
				t.Fatalf("paused at call %d: %+v, error %v", last, progress, err)
			}
			made += progress.Iterations
			evaluations += progress.Evaluations
			for _, rec := range progress.Records {
				losses, evaluations = append(losses, rec.Loss), evaluations+rec.Evaluations
			}
		}
		return losses, evaluations
	}
	want, evaluations := follow(0)
	for last := 1; last < evaluations; last++ {
		if got, n := follow(last); !slices.Equal(got, want) || n != evaluations {
			t.Errorf("paused at call %d: %v after %d evaluations, want %v after %d", last, got, n, want, evaluations)
		}
	}
	stopped(t, "paused", before)
}
