package sciml_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// bratu is u″ + λe^u = 0 on [0, 1] with u = 0 at both ends, which has two solutions below the fold at λ = 3.513830719, and none above.
func bratu(lambda float64) *pde.Problem {
	line, err := pde.NewInterval("x", 0, 1)
	if err != nil {
		panic(err)
	}
	return &pde.Problem{
		Name: "Bratu", Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: line,
		Equations: []pde.Equation{{Name: "Bratu", Residual: func(u *pde.Fields) *graph.Node {
			return graph.Add(u.D("x", "x"), graph.MulScalar(graph.Exp(u.U()), lambda))
		}}},
		Conditions: []pde.Condition{pde.Dirichlet("u", nil)},
		Ansatz:     pde.DistanceAndLift(pde.Bump(line), nil),
		Suggested:  pde.Setup{Hidden: []int{10}, Interior: 40},
	}
}

// fold is the largest λ for which Bratu's problem has a solution.
const fold = 3.513830719

// lower is the smaller of the two solutions of Bratu's problem at x: u = −2 log(cosh((x−½)θ/2)/cosh(θ/4)), θ = √(2λ) cosh(θ/4).
func lower(lambda, x float64) float64 {
	f := func(theta float64) float64 { return theta - math.Sqrt(2*lambda)*math.Cosh(theta/4) }
	lo, hi := 0.0, 4.79871456 // where θ of the fold is
	for range 200 {
		if mid := (lo + hi) / 2; f(mid) < 0 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return -2 * math.Log(math.Cosh((x-0.5)*lo/2)/math.Cosh(lo/4))
}

// TestPathStopsAtAFold: continuation comes to the fold of Bratu's problem, says so, and what it gives is the solution just below it.
func TestPathStopsAtAFold(t *testing.T) {
	problem := pde.Along(bratu, 1, 4)
	s := solve(t, problem, sciml.Options{Backend: pureGo(t), Method: levenberg, Iterations: 100, Seed: 1})
	if r := s.Result; r.Status != optim.PathEnded || r.Status.Converged() || !strings.Contains(r.Message, "there may be a fold") {
		t.Errorf("the path ended by %q, %q", r.Status, r.Message)
	}
	steps := s.Steps()
	last := steps[len(steps)-1]
	if last.Value > fold || last.Value < fold-0.015 {
		t.Errorf("the last value is %.9g, want one just below %.9g", last.Value, fold)
	}
	if s.Result.Loss != last.Loss {
		t.Errorf("the loss is %g, want %g", s.Result.Loss, last.Loss)
	}
	for _, x := range []float64{0.1, 0.3, 0.5, 0.8} {
		u, err := s.At([]float64{x})
		if err != nil {
			t.Fatal(err)
		}
		if e := math.Abs(u[0][0] - lower(last.Value, x)); !(e < 1e-5) {
			t.Errorf("u(%g) is %.9g at %.9g, which is off by %.2g", x, u[0][0], last.Value, e)
		}
	}
}

// TestPathToAShock: Burgers' equation with a hundredth of the viscosity is reached in steps that need not be halved to nothing, and the steps
// are told with their errors.
func TestPathToAShock(t *testing.T) {
	problem := pde.Along(func(nu float64) *pde.Problem {
		p := pde.Burgers(nu)
		if nu > 0.01 {
			p.Exact = func([]float64) []float64 { return []float64{1} } // wrong
		}
		p.Suggested = pde.Setup{Hidden: []int{10, 10}, Interior: 200}
		return p
	}, 0.1, 0.01)
	options := sciml.Options{Backend: pureGo(t), Method: levenberg, Iterations: 60, Seed: 1, MonitorEvery: 20}
	s := solve(t, problem, options)
	steps := s.Steps()
	if last := steps[len(steps)-1]; len(steps) < 3 || last.Value != 0.01 || s.Model().Problem().Name != problem.Name || s.Result.Status == optim.PathEnded {
		t.Errorf("the steps are %+v, and it ended by %q", steps, s.Result)
	}
	for i, step := range steps[1:] {
		if step.Value >= steps[i].Value || step.Loss > s.Result.History.Records[0].Loss {
			t.Errorf("step %d is %+v", i+1, step)
		}
	}
	if e := s.RelativeError(); !(e < 2e-2) {
		t.Errorf("the error is %g", e)
	}
	if wrong := steps[0].Metrics[pinn.RelativeL2]; !(wrong > 0.1) {
		t.Errorf("the first step has the error %g from another function", wrong)
	}
	if at, _ := s.Result.History.Metric(pinn.RelativeL2); len(at) == 0 || at[0] < float64(steps[0].Iterations) {
		t.Errorf("the history has errors at %v, want those of the last value only", at)
	}
	iterations := 0
	for _, step := range steps {
		iterations += step.Iterations
	}
	if halved := strings.Count(events(s), "the step is halved"); halved == 0 && iterations != s.Result.Iterations || len(s.Result.History.Records) < iterations {
		t.Errorf("the steps have %d iterations, the history %d records, and the result %d", iterations, len(s.Result.History.Records), s.Result.Iterations)
	}
}

// events are those of a solution's history, in lines.
func events(s *sciml.Solution) string {
	var all strings.Builder
	for _, e := range s.Result.History.Events {
		all.WriteString(e.Text + "\n")
	}
	return all.String()
}

// onPath are options for trainings of Bratu's problem.
func onPath(t testing.TB) sciml.Options {
	return sciml.Options{Backend: pureGo(t), Method: levenberg, Iterations: 30, Loss: pinn.Options{Interior: 20}, Seed: 3, MonitorEvery: 10}
}

// TestPathResumes: a training that is canceled at any time on its path goes on bit for bit, and what there is can be looked at.
func TestPathResumes(t *testing.T) {
	problem := pde.Along(bratu, 1, 4)
	options := onPath(t)
	whole := solve(t, problem, options)
	identical(t, solve(t, problem, options), whole)
	n := len(whole.Result.History.Records)
	for _, at := range []int{3, 33, n / 2, n - 10} {
		path := filepath.Join(t.TempDir(), "path.checkpoint")
		interrupted := options
		interrupted.Checkpoint, interrupted.CheckpointEvery = path, 1
		ctx, cancel := context.WithCancel(t.Context())
		seen := 0
		interrupted.OnProgress = func(h *optim.History) error {
			if len(h.Records) < seen {
				t.Errorf("the history shrinks from %d records to %d", seen, len(h.Records))
			}
			if seen = len(h.Records); seen > at {
				cancel()
			}
			return nil
		}
		part, err := sciml.Solve(ctx, problem, interrupted)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		done := part.Result.Status == whole.Result.Status // before it was canceled
		if !done && part.Result.Status != optim.Canceled || len(part.Steps()) == 0 || !strings.Contains(part.Result.Message, "the path to 4 was followed to") {
			t.Errorf("the part ended by %q, %q, with the steps %+v", part.Result.Status, part.Result.Message, part.Steps())
		}
		if u, err := part.At([]float64{0.5}); err != nil || !(u[0][0] > 0) {
			t.Errorf("the part is %v at ½ (%v)", u, err)
		}
		known, err := sciml.LoadCheckpoint(path, problem)
		if err != nil {
			t.Fatal(err)
		}
		// A value that was reached in that very moment is not yet in the file.
		if n := len(known.Steps()); !slices.Equal(known.Result.Theta, part.Result.Theta) && (n != len(part.Steps())-1 || known.Steps()[n-1].Loss != part.Steps()[n-1].Loss) {
			t.Errorf("after %d records the checkpoint has another solution than the part: %v and %v", at, known, part)
		}
		resumed, err := sciml.Resume(t.Context(), path, problem, options)
		if err != nil {
			t.Fatal(err)
		}
		identical(t, resumed, whole)
		if !reflect.DeepEqual(without(resumed.Steps()), without(whole.Steps())) {
			t.Errorf("after %d records the steps are %+v, want %+v", at, resumed.Steps(), whole.Steps())
		}
	}
}

// without leaves out what differs from run to run.
func without(steps []sciml.Step) []sciml.Step {
	for i := range steps {
		steps[i].Seconds = 0
	}
	return steps
}

// TestPathRefusesFiles: a damaged checkpoint, one of another path, and one of no path are told from each other.
func TestPathRefusesFiles(t *testing.T) {
	problem := pde.Along(bratu, 1, 2)
	options := onPath(t)
	path := filepath.Join(t.TempDir(), "path.checkpoint")
	options.Checkpoint = path
	solve(t, problem, options)
	try := func(what string, problem *pde.Problem, change func(*sciml.Options), want string) {
		t.Helper()
		other := options
		change(&other)
		if _, err := sciml.Resume(t.Context(), path, problem, other); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("resumed %s: %v, want %q", what, err, want)
		}
	}
	same := func(*sciml.Options) {}
	try("with other steps", problem, func(o *sciml.Options) { o.Continuation.First = 0.5 }, "Options.Continuation is {")
	try("from elsewhere", pde.Along(bratu, 0.5, 2), same, "from 0.5 to 2")
	try("as one problem", bratu(2), same, "Options.Continuation is none")
	if _, err := sciml.LoadCheckpoint(path, bratu(2)); err == nil || !strings.Contains(err.Error(), "expected one of pde.Along") {
		t.Errorf("loaded without a path: %v", err)
	}
	if s, err := sciml.LoadCheckpoint(path, problem); err != nil || s.Steps()[len(s.Steps())-1].Value != 2 {
		t.Errorf("loaded %v (%v)", s, err)
	}
	damage(t, path)
	if _, err := sciml.Resume(t.Context(), path, problem, options); !errors.Is(err, optim.ErrDamaged) {
		t.Errorf("a damaged file: %v", err)
	}
	options.Checkpoint = filepath.Join(t.TempDir(), "alone.checkpoint")
	solve(t, bratu(2), options)
	path = options.Checkpoint
	try("one of no path", problem, same, "is not of a training along a path")
}

// TestPathIsKept: a solution of a path is saved and loaded with its steps, also where the path ended early.
func TestPathIsKept(t *testing.T) {
	s := solve(t, pde.Along(bratu, 3, 4), onPath(t))
	last := s.Steps()[len(s.Steps())-1].Value
	path := filepath.Join(t.TempDir(), "solution")
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := sciml.Load(path, bratu(last))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(loaded.Steps(), s.Steps()) || loaded.Result.Status != optim.PathEnded {
		t.Errorf("loaded %v with the steps %v, want %v with %v", loaded, loaded.Steps(), s, s.Steps())
	}
	if s.Model().Problem().Suggested.Path != nil {
		t.Error("the problem of the last value has a path")
	}
}

// TestPathIsLeftOut: who says where to begin, or Direct, gets the problem alone.
func TestPathIsLeftOut(t *testing.T) {
	problem := pde.Along(bratu, 1, 2)
	options := onPath(t)
	options.Continuation.Direct = true
	alone := solve(t, problem, options)
	if alone.Steps() != nil {
		t.Errorf("there are steps: %v", alone.Steps())
	}
	options.Continuation.Direct = false
	options.From = alone
	if s := solve(t, problem, options); s.Steps() != nil {
		t.Errorf("there are steps from a solution: %v", s.Steps())
	}
}

// TestPathRefuses: what cannot be followed says so, before anything is trained.
func TestPathRefuses(t *testing.T) {
	with := func(change func(*sciml.Options)) sciml.Options {
		o := onPath(t)
		change(&o)
		return o
	}
	good := pde.Along(bratu, 1, 2)
	for _, c := range []struct {
		problem *pde.Problem
		options sciml.Options
		want    string
	}{
		{pde.Along(nil, 1, 2), onPath(t), "pde.Along: of is nil"},
		{pde.Along(func(float64) *pde.Problem { return nil }, 1, 2), onPath(t), "the problem is nil"},
		{pde.Along(bratu, 1, 1), onPath(t), "from 1 to 1, expected two finite numbers that differ"},
		{pde.Along(bratu, math.NaN(), 1), onPath(t), "from NaN to 1"},
		{pde.Along(func(l float64) *pde.Problem {
			p := bratu(l)
			if l < 2 {
				p.Unknowns = []string{"v"}
			}
			return p
		}, 1, 2), onPath(t), `has the unknowns ["v"], expected ["u"] as the last has`},
		{pde.Along(func(l float64) *pde.Problem {
			if l < 2 {
				return nil
			}
			return bratu(l)
		}, 1, 2), onPath(t), "it gives no problem for 1"},
		{pde.Along(func(l float64) *pde.Problem {
			if l < 2 {
				panic("no")
			}
			return bratu(l)
		}, 1, 2), onPath(t), "Of, in the path of problem"},
		{good, with(func(o *sciml.Options) { o.Continuation.Tolerance = -1 }), "Continuation.Tolerance is -1"},
		{good, with(func(o *sciml.Options) { o.Continuation.First = 2 }), "Continuation.First is 2"},
		{good, with(func(o *sciml.Options) { o.Continuation.Shortest = math.NaN() }), "Continuation.Shortest is NaN"},
		{good, with(func(o *sciml.Options) { o.SnapshotEvery = 3 }), "SnapshotEvery is 3"},
		{good, with(func(o *sciml.Options) { o.Windows.Count = 3 }), "expected one of the two"},
		{bratu(1), with(func(o *sciml.Options) { o.Continuation.First = 0.5 }), "suggests no path"},
		{pde.Along(func(k float64) *pde.Problem { return pde.Poisson1D() }, 1, 2), with(func(o *sciml.Options) { o.Loss.Form, o.Method = pinn.DeepRitz{}, optim.LBFGS{} }), "is no sum of squares"},
	} {
		if s, err := sciml.Solve(t.Context(), c.problem, c.options); s != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, %v, want %q", s, err, c.want)
		}
	}
}

// TestPathEndsInTime: the time is that of all values, and the first one leaves most of it.
func TestPathEndsInTime(t *testing.T) {
	options := onPath(t)
	options.Iterations, options.Time = 0, 2*time.Second
	s := solve(t, pde.Along(bratu, 1, 2), options)
	if r := s.Result; r.Status == optim.Running || r.Seconds > 60 {
		t.Errorf("it ended by %q after %g s", r.Status, r.Seconds)
	}
	if first := s.Steps()[0]; len(s.Steps()) < 2 && first.Status == optim.TimeLimit && s.Result.Seconds < 1 {
		t.Errorf("the first value took all the time: %+v", first)
	}
	ctx, cancel := context.WithCancel(t.Context())
	options.Time = 0
	options.OnProgress = func(h *optim.History) error { cancel(); return nil }
	s, err := sciml.Solve(ctx, pde.Along(bratu, 1, 2), options)
	cancel()
	if err != nil || s.Result.Status != optim.Canceled || len(s.Steps()) != 1 {
		t.Errorf("canceled at once: %v (%v)", s, err)
	}
}
