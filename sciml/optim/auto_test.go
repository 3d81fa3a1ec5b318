package optim_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

func events(r *optim.Result) string {
	var all []string
	for _, e := range r.History.Events {
		all = append(all, e.Text)
	}
	return strings.Join(all, "\n")
}

// TestAuto: it finds the minimum of every test function, whatever may be known of it, and tells what it did.
func TestAuto(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, p := range problems {
			if b.String() != pureGo(t).String() && name != "Wood" {
				continue // compiles for long
			}
			r := minimize(t, p.objective(b), p.start, optim.Auto{WarmUp: 100}, optim.Options{MaxIterations: 3000, GradientTolerance: 1e-8})
			if r.Loss > 1e-12 || math.IsNaN(r.Loss) {
				t.Errorf("%s: %s\n%s", name, r, events(r))
			}
			if !strings.Contains(events(r), "Gauss–Newton steps are affordable") {
				t.Errorf("%s: the events are\n%s", name, events(r))
			}
		}
	})
}

// TestAutoWithoutResiduals: a loss that is no sum of squares, and a plain function.
func TestAutoWithoutResiduals(t *testing.T) {
	p := problems["Rosenbrock in R¹⁰"]
	obj := p.objective(pureGo(t))
	residual := obj.Residual
	obj.Residual = nil
	obj.Loss = func(theta *graph.Node, data []*graph.Node) *graph.Node {
		return graph.ReduceAllSum(graph.Square(residual(theta, data)))
	}
	function, err := objective.FromFunction(len(p.start), func(theta, gradient []float64) float64 {
		p.reference.Grad(gradient, theta)
		return p.reference.Func(theta)
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, obj := range map[string]*objective.Objective{"loss": obj, "function": function} {
		r := minimize(t, obj, p.start, optim.Auto{WarmUp: 50}, optim.Options{MaxIterations: 2000, GradientTolerance: 1e-8})
		if r.Status != optim.GradientSmall || r.Loss > 1e-12 || !strings.Contains(events(r), "SSBroyden") {
			t.Errorf("%s: %s\n%s", name, r, events(r))
		}
	}
}

// TestAutoMemory: with less memory than matrices need it says so and takes another way.
func TestAutoMemory(t *testing.T) {
	p := problems["Rosenbrock in R¹⁰"]
	r := minimize(t, p.objective(pureGo(t)), p.start, optim.Auto{WarmUp: 50, MaxMemory: 1000}, optim.Options{MaxIterations: 2000, GradientTolerance: 1e-8})
	if text := events(r); r.Loss > 1e-12 || !strings.Contains(text, "more than MaxMemory") || !strings.Contains(text, "→ L-BFGS") {
		t.Errorf("%s\n%s", r, text)
	}
}

// TestAutoEnds: at a minimum where no method can go on the run ends by itself, and does not go round for ever.
func TestAutoEnds(t *testing.T) {
	l := newLeastSquares(0.1)
	r := minimize(t, l.objective(pureGo(t)), make([]float64, lsDim), optim.Auto{WarmUp: 20}, optim.Options{MaxIterations: 100000})
	if r.Status != optim.SearchFailed && r.Status != optim.GradientSmall || r.Loss > l.minimum*(1+1e-12) {
		t.Errorf("%s, the minimum is %g\n%s", r, l.minimum, events(r))
	}
}

// TestAutoResume: bit for bit, in the first phase and in others. Without residuals there is a warm-up.
func TestAutoResume(t *testing.T) {
	b := pureGo(t)
	l := newLeastSquares(0.5)
	obj := func() *objective.Objective { return l.objective(b) }
	m := optim.Auto{WarmUp: 8}
	r := minimize(t, obj(), make([]float64, lsDim), m, optim.Options{MaxIterations: 120})
	t.Log(events(r))
	for _, stop := range []int{3, r.Iterations / 2, r.Iterations - 2} {
		checkResumeOf(t, obj, make([]float64, lsDim), m, stop, 120)
	}
	checkResumeOf(t, func() *objective.Objective { return energy(b) }, []float64{1, 1, 1}, m, 6, 12)
}

func TestAutoSettings(t *testing.T) {
	p := problems["Wood"]
	for _, m := range []optim.Auto{{WarmUp: -1}, {MaxMemory: -1}} {
		_, err := optim.Minimize(t.Context(), p.objective(pureGo(t)), p.start, m, optim.Options{})
		if err == nil || !strings.Contains(err.Error(), "Auto.WarmUp is") {
			t.Errorf("%+v: error %v", m, err)
		}
	}
}

// TestAutoWithInteractingResiduals: means, sums over other residuals, and operations without a forward derivative do not stop it: it
// takes Gauss–Newton steps where there are some, and says why where there are none.
func TestAutoWithInteractingResiduals(t *testing.T) {
	s := newSines(300, 6)
	for name, c := range map[string]struct {
		change func(r *graph.Node) *graph.Node
		word   string
	}{
		"mean":       {func(r *graph.Node) *graph.Node { return graph.Add(r, graph.ReduceAllMean(graph.Square(r))) }, "Gauss–Newton steps are affordable"},
		"cumulative": {func(r *graph.Node) *graph.Node { return graph.CumSum(r, 0) }, "Gauss–Newton steps are affordable"},
		"neighbours": {func(r *graph.Node) *graph.Node { return graph.Add(r, graph.Reverse(r, 0)) }, "Gauss–Newton steps are affordable"},
		"scattered maxima": {func(r *graph.Node) *graph.Node {
			places := graph.Iota(r.Graph(), shapes.Make(dtypes.Int32, 300, 1), 0)
			return graph.ScatterMax(graph.AddScalar(graph.ZerosLike(r), -10), places, r, true, true)
		}, "no Gauss–Newton steps, since"},
	} {
		obj := s.objective(pureGo(t), dtypes.Float64)
		pieces := obj.Pieces
		obj.Pieces = func(theta *graph.Node, data []*graph.Node) []*graph.Node {
			return []*graph.Node{c.change(graph.Reshape(pieces(theta, data)[0], 300))}
		}
		obj.Samples = nil
		r := minimize(t, obj, s.start, optim.Auto{WarmUp: 20}, optim.Options{MaxIterations: 400, LossTolerance: 1e-20})
		if text := events(r); r.Status != optim.LossReached || !strings.Contains(text, c.word) {
			t.Errorf("%s: %s\n%s", name, r, text)
		}
	}
}

// TestAutoSubspaces: steps are in subspaces where those are smaller than the residuals, and in all parameters where the matrix is
// that of the residuals anyway.
func TestAutoSubspaces(t *testing.T) {
	const rows = 300
	for _, c := range []struct {
		params int
		word   string
	}{{200, "dense JᵀJ (300 residuals, 200"}, {600, "dense JᵀJ (in subspaces of dimension 25"}, {1200, "dense JJᵀ (300 residuals, 1200"}} {
		obj := &objective.Objective{Backend: pureGo(t), Dim: c.params, Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			padded := graph.Concatenate([]*graph.Node{theta, theta}, 0)
			return graph.AddScalar(graph.Slice(graph.Add(padded, graph.Square(padded)), graph.AxisRange(0, rows)), -2)
		}}
		r := minimize(t, obj, make([]float64, c.params), optim.Auto{}, optim.Options{MaxIterations: 1})
		if text := events(r); !strings.Contains(text, c.word) {
			t.Errorf("%d parameters: the events are\n%s", c.params, text)
		}
	}
}
