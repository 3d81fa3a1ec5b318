package pinn_test

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// reacting is −εu″ + u³ − u = 0 beside −v″ = u, written with the other sign.
func reacting(t testing.TB) *pde.Problem {
	t.Helper()
	line, err := pde.NewInterval("x", -1, 1)
	if err != nil {
		t.Fatal(err)
	}
	odd := func(x *graph.Node) *graph.Node { return graph.Concatenate([]*graph.Node{x, graph.ZerosLike(x)}, 1) }
	return &pde.Problem{
		Name: "reacting", Coordinates: []string{"x"}, Unknowns: []string{"u", "v"}, Domain: line,
		Equations: []pde.Equation{
			{Name: "first", Residual: func(f *pde.Fields) *graph.Node {
				u := f.Of("u")
				return graph.Sub(graph.Sub(graph.Mul(graph.Square(u.U()), u.U()), u.U()), graph.MulScalar(u.D("x", "x"), 0.01))
			}},
			{Name: "second", Residual: func(f *pde.Fields) *graph.Node {
				return graph.Add(f.Of("v").D("x", "x"), f.Of("u").U())
			}},
		},
		Conditions: []pde.Condition{pde.Dirichlet("u", func(x *graph.Node) *graph.Node { return x }), pde.Dirichlet("v", nil)},
		Ansatz:     pde.DistanceAndLift(pde.Bump(line), odd),
	}
}

var evolving = pinn.PseudoTime{Unknowns: map[string]string{"first": "u", "second": "-v"}, Step: 0.5, Every: 3}

// TestPseudoTime: a residual has what the step adds to it, with its sign, and steps follow the residuals until they have fallen.
func TestPseudoTime(t *testing.T) {
	network := mlp(t, 1, 6, 2)
	m := newModel(t, pureGo(t), reacting(t), network, pinn.Options{Interior: 20, PseudoTime: evolving})
	plain := newModel(t, pureGo(t), reacting(t), network, pinn.Options{Interior: 20})
	adapter := m.Objective().Adaptation.Begin()
	begin, other, third := network.Init(1), network.Init(2), network.Init(3)
	residual := func(theta []float64) float64 {
		terms, err := plain.Terms(t.Context(), theta, nil)
		if err != nil {
			t.Fatal(err)
		}
		return math.Sqrt(terms[0].Loss + terms[1].Loss)
	}
	compare := func(step float64, from, theta []float64) {
		t.Helper()
		points := m.Points()["first"].Coords
		now, err := plain.Evaluate(theta, points)
		if err != nil {
			t.Fatal(err)
		}
		then, err := plain.Evaluate(from, points)
		if err != nil {
			t.Fatal(err)
		}
		terms, err := m.Terms(t.Context(), theta, adapter)
		if err != nil {
			t.Fatal(err)
		}
		for k, sign := range []float64{1, -1} {
			r, err := plain.Measure(theta, points, reacting(t).Equations[k].Residual)
			if err != nil {
				t.Fatal(err)
			}
			want := 0.0
			for n := range r {
				v := r[n]
				if step > 0 {
					v += sign * (now[2*n+k] - then[2*n+k]) / step
				}
				want += v * v / float64(len(r))
			}
			if math.Abs(terms[k].Loss-want) > 1e-10*want {
				t.Errorf("the term %q is %.12g with the step %g, want %.12g", terms[k].Name, terms[k].Loss, step, want)
			}
		}
	}
	adapt := func(iteration int, theta []float64, want bool) {
		t.Helper()
		data, err := adapter.Adapt(t.Context(), objective.Iterate{Iteration: iteration, Theta: tensors.FromValue(theta)})
		if err != nil {
			t.Fatal(err)
		}
		if (data != nil) != want {
			t.Errorf("at iteration %d the loss changed: %v, want %v", iteration, data != nil, want)
		}
	}
	compare(0, begin, other) // before the first step
	adapt(0, begin, true)
	compare(0.5, begin, other)
	adapt(2, other, false)
	adapt(3, other, true)
	step := 0.5 * math.Max(0.5, math.Min(10, residual(begin)/residual(other)))
	compare(step, other, third)
	adapt(6, other, true) // it led nowhere
	compare(0, other, third)
	adapt(9, third, false)
}

// TestResumePseudoTime: steps go on as they would have.
func TestResumePseudoTime(t *testing.T) {
	network := mlp(t, 1, 6, 2)
	m := newModel(t, pureGo(t), reacting(t), network, pinn.Options{Interior: 20, PseudoTime: evolving})
	options := optim.Options{MaxIterations: 30}
	whole, err := optim.Minimize(t.Context(), m.Objective(), network.Init(1), optim.LevenbergMarquardt{}, options)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{2, 13} {
		options.MaxIterations, options.CheckpointPath = at, filepath.Join(t.TempDir(), "run")
		if _, err := optim.Minimize(t.Context(), m.Objective(), network.Init(1), optim.LevenbergMarquardt{}, options); err != nil {
			t.Fatal(err)
		}
		checkpoint, err := optim.LoadCheckpoint(options.CheckpointPath)
		if err != nil {
			t.Fatal(err)
		}
		options.MaxIterations = 30
		resumed, err := optim.Resume(t.Context(), m.Objective(), checkpoint, optim.LevenbergMarquardt{}, options)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(resumed.Theta, whole.Theta) {
			t.Errorf("resumed after %d iterations it ends with %s, in one go with %s", at, resumed, whole)
		}
		other := evolving
		other.Step = 2
		stranger := newModel(t, pureGo(t), reacting(t), network, pinn.Options{Interior: 20, PseudoTime: other})
		if _, err := optim.Resume(t.Context(), stranger.Objective(), checkpoint, optim.LevenbergMarquardt{}, options); err == nil || !strings.Contains(err.Error(), "from τ = 0.5") {
			t.Errorf("resumed with another step: %v", err)
		}
	}
}

// TestPseudoTimeReachesTheSolution: where −0.01u″ + u³ − u is small, but for a kink in the wrong place, plain training ends; steps in
// pseudo-time end at the solution.
func TestPseudoTimeReachesTheSolution(t *testing.T) {
	problem := reacting(t)
	problem.Unknowns, problem.Equations, problem.Conditions = []string{"u"}, problem.Equations[:1], problem.Conditions[:1]
	lift := func(x *graph.Node) *graph.Node { return x }
	problem.Ansatz = pde.DistanceAndLift(pde.Bump(problem.Domain.(*pde.Box)), lift)
	// Exactly up to 1e-6, what the ends are off.
	problem.Exact = func(p []float64) []float64 { return []float64{math.Tanh(p[0] / (0.1 * math.Sqrt2))} }
	network := mlp(t, 1, 12, 1)
	solve := func(pseudo pinn.PseudoTime, seed uint64) float64 {
		m := newModel(t, pureGo(t), problem, network, pinn.Options{Interior: 80, PseudoTime: pseudo})
		r, err := optim.Minimize(t.Context(), m.Objective(), network.Init(seed), optim.LevenbergMarquardt{}, optim.Options{MaxIterations: 100, Monitor: m.Monitor})
		if err != nil {
			t.Fatal(err)
		}
		return r.Metrics[pinn.RelativeL2]
	}
	const seed = 2 // others may do without
	if e := solve(pinn.PseudoTime{}, seed); e < 0.5 {
		t.Errorf("plain training ends with the error %g: this test shows nothing", e)
	}
	if e := solve(pinn.PseudoTime{Unknowns: map[string]string{"first": "u"}}, seed); e > 1e-3 {
		t.Errorf("with pseudo-time the error is %g", e)
	}
}

func TestPseudoTimeErrors(t *testing.T) {
	of := func(equation, unknown string) map[string]string { return map[string]string{equation: unknown} }
	for words, c := range map[string]struct {
		problem *pde.Problem
		options pinn.Options
	}{
		`Unknowns has "third", expected a name of an equation`:   {reacting(t), pinn.Options{PseudoTime: pinn.PseudoTime{Unknowns: of("third", "u")}}},
		`Unknowns["first"] is "w", expected one of the unknowns`: {reacting(t), pinn.Options{PseudoTime: pinn.PseudoTime{Unknowns: of("first", "w")}}},
		"PseudoTime.Step is -1":                                  {reacting(t), pinn.Options{PseudoTime: pinn.PseudoTime{Unknowns: of("first", "u"), Step: -1}}},
		"PseudoTime.Step is NaN":                                 {reacting(t), pinn.Options{PseudoTime: pinn.PseudoTime{Unknowns: of("first", "u"), Step: math.NaN()}}},
		"PseudoTime.Every is -1":                                 {reacting(t), pinn.Options{PseudoTime: pinn.PseudoTime{Unknowns: of("first", "u"), Every: -1}}},
		"PseudoTime.Unknowns is empty":                           {reacting(t), pinn.Options{PseudoTime: pinn.PseudoTime{Step: 1}}},
		"which has a time of its own":                            {pde.Burgers(0.1), pinn.Options{PseudoTime: pinn.PseudoTime{Unknowns: of("Burgers", "u")}}},
		"Form is deep Ritz, expected the st":                     {pde.Poisson1D(), pinn.Options{Form: pinn.DeepRitz{}, PseudoTime: pinn.PseudoTime{Unknowns: of("Poisson", "u")}}},
	} {
		if _, err := pinn.New(pureGo(t), c.problem, mlp(t, len(c.problem.Coordinates), 3, len(c.problem.Unknowns)), c.options); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("error %v, want one with %q", err, words)
		}
	}
	both := reacting(t)
	both.Equations = []pde.Equation{{Name: "both", Residual: func(f *pde.Fields) *graph.Node { return f.D("x", "x") }}}
	if _, err := pinn.New(pureGo(t), both, mlp(t, 1, 3, 2), pinn.Options{PseudoTime: pinn.PseudoTime{Unknowns: of("both", "u")}}); err == nil || !strings.Contains(err.Error(), "has 2 components") {
		t.Errorf("two components: %v", err)
	}
}
