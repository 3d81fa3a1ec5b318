package optim_test

import (
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/optimize"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// TestEvaluationsAreCounted: a result has as many as there were calls of the function, those of searches that fail and of phases
// that fail at once among them.
func TestEvaluationsAreCounted(t *testing.T) {
	failing := optim.Hybrid{
		{Method: optim.LBFGS{}}, {Method: optim.SR1{}}, {Method: optim.Hybrid{{Method: optim.BFGS{}}, {Method: optim.Dogleg{}}}}, {Method: optim.NonlinearCG{}},
		{Method: optim.Gonum{Method: &optimize.BFGS{}}}, {Method: optim.LBFGS{Search: search.HagerZhang{}}}, {Method: optim.SSBroyden{}},
	}
	methods := maps.Clone(hostMethods)
	maps.Copy(methods, map[string]optim.Method{
		"failing": failing, "auto": optim.Auto{WarmUp: 5}, "L-SR1": optim.LSR1{}, "gonum": optim.Gonum{Method: &optimize.LBFGS{}},
		"armijo": optim.LBFGS{Search: search.Armijo{}},
	})
	smooth := func(theta, gradient []float64) (f float64) {
		for i, v := range theta {
			c := math.Pow(10, float64(i)/2)
			f += c * (1 - math.Cos(v))
			gradient[i] = c * math.Sin(v)
		}
		return f
	}
	// Each is told the number of the call, from one.
	functions := map[string]func(call int, theta, gradient []float64) float64{
		"smooth": func(_ int, theta, gradient []float64) float64 { return smooth(theta, gradient) },
		"with a kink": func(_ int, theta, gradient []float64) (f float64) {
			for i, v := range theta {
				f += math.Abs(v - 0.3)
				gradient[i] = math.Copysign(1, v-0.3)
			}
			return f
		},
		"with a wrong gradient": func(_ int, theta, gradient []float64) (f float64) {
			for i, v := range theta {
				f += v * v
				gradient[i] = -2 * v
			}
			return f
		},
		"not finite at times": func(call int, theta, gradient []float64) float64 {
			f := smooth(theta, gradient)
			switch call % 9 {
			case 2:
				return math.NaN()
			case 5:
				gradient[1] = math.Inf(1)
			case 8:
				return math.Inf(-1)
			}
			return f
		},
	}
	for what, f := range functions {
		for name, method := range methods {
			calls := 0
			obj, err := objective.FromFunction(6, func(theta, gradient []float64) float64 {
				calls++
				return f(calls, theta, gradient)
			})
			if err != nil {
				t.Fatal(err)
			}
			r := minimize(t, obj, []float64{0.5, -0.4, 0.3, 0.6, -0.5, 0.2}, method, optim.Options{MaxIterations: 40})
			if r.Evaluations != calls {
				t.Errorf("%s, %s: %d evaluations after %d calls, %s", name, what, r.Evaluations, calls, r)
			}
			if last := r.History.Last().Evaluations; last > r.Evaluations || r.Status == optim.SearchFailed && r.Iterations == 0 && last == r.Evaluations {
				t.Errorf("%s, %s: %d evaluations up to the last record, %d in all, %s", name, what, last, r.Evaluations, r)
			}
			if name == "failing" && what == "with a wrong gradient" && (r.Status != optim.SearchFailed || len(r.History.Events) != len(failing)) {
				t.Errorf("%s, with events %v, want one for each phase that fails", r, r.History.Events)
			}
		}
	}
}

// TestEvaluationsOfPhases: of an objective in graphs, a Hybrid has as many as its methods have one after the other, and Auto counts
// what its look at the curvature takes, a gradient and some products.
func TestEvaluationsOfPhases(t *testing.T) {
	obj := &objective.Objective{Backend: pureGo(t), Dim: 6, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		weights := graph.Const(theta.Graph(), []float64{1, 3, 10, 30, 100, 300})
		return graph.ReduceAllSum(graph.Mul(weights, graph.OneMinus(graph.Cos(theta))))
	}}
	start := []float64{0.5, -0.4, 0.3, 0.6, -0.5, 0.2}
	const first, then = 8, 7
	preconditioned := optim.Preconditioned{Method: optim.LBFGS{}, By: optim.Diagonal{}, Every: 3}
	for name, pair := range map[string][2]optim.Method{
		"fixed steps, search": {optim.Adam{}, optim.LBFGS{}}, "search, fixed steps": {optim.BFGS{}, optim.Momentum{Rate: 1e-3}},
		"search, search": {optim.LBFGS{}, optim.NonlinearCG{}}, "region, fixed steps": {optim.NewtonTrustRegion{}, optim.Adam{}},
		"preconditioned, search": {preconditioned, optim.BFGS{}}, "fixed steps, preconditioned": {optim.Adam{}, preconditioned},
		"search, products": {optim.LBFGS{}, optim.NewtonCG{}}, "gonum, search": {optim.Gonum{Method: &optimize.LBFGS{}}, optim.LBFGS{}},
		"hybrid, search": {optim.Hybrid{{Method: optim.Adam{}, Until: optim.Iterations(3)}, {Method: optim.BFGS{}}}, optim.LBFGS{}},
	} {
		one := minimize(t, obj, start, pair[0], optim.Options{MaxIterations: first})
		two := minimize(t, obj, one.Theta, pair[1], optim.Options{MaxIterations: then})
		both := minimize(t, obj, start, optim.Hybrid{{Method: pair[0], Until: optim.Iterations(first)}, {Method: pair[1]}}, optim.Options{MaxIterations: first + then})
		if want := one.Evaluations + two.Evaluations; both.Evaluations != want || both.Iterations != first+then {
			t.Errorf("%s: %d evaluations in %d iterations, want %d + %d", name, both.Evaluations, both.Iterations, one.Evaluations, two.Evaluations)
		}
	}
	const warm = 8
	near := []float64{0.06, -0.06, 0.06, 0.06, -0.06, 0.06} // where Adam does not stall
	auto := minimize(t, obj, near, optim.Auto{WarmUp: warm}, optim.Options{MaxIterations: warm + 5})
	chain := optim.Hybrid{{Method: optim.Adam{Rate: 5e-3}, Until: optim.Iterations(warm)}, {Method: optim.SSBroyden{}}}
	plain := minimize(t, obj, near, chain, optim.Options{MaxIterations: warm + 5})
	if len(auto.History.Events) < 2 || !strings.Contains(auto.History.Events[1].Text, "across curvatures") {
		t.Fatalf("events %v, want one of a look at the curvature", auto.History.Events)
	}
	if looked := auto.Evaluations - plain.Evaluations; looked != 1+6 || auto.Loss != plain.Loss {
		t.Errorf("%v and %v, with %d evaluations more, want a gradient and 6 products in 6 dimensions", auto, plain, looked)
	}
}
