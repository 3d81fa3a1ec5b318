package sciml_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// TestIntegralConditions: what is only determined by an integral, by means that were measured, or by a mean within the equation, is found
// by the default, with Gauss–Newton steps.
func TestIntegralConditions(t *testing.T) {
	interval := func(lo, hi float64) *pde.Box {
		box, err := pde.NewInterval("x", lo, hi)
		if err != nil {
			t.Fatal(err)
		}
		return box
	}
	square, err := pde.NewBox([]string{"x", "y"}, []float64{0, 0}, []float64{1, 1})
	if err != nil {
		t.Fatal(err)
	}
	cosine := func(x *graph.Node) *graph.Node { return graph.Cos(graph.MulScalar(x, math.Pi)) }
	minusLaplacian := func(factor float64, f func(u *pde.Fields) *graph.Node) func(u *pde.Fields) *graph.Node {
		return func(u *pde.Fields) *graph.Node {
			return graph.Add(u.Laplacian(), graph.MulScalar(f(u), factor*math.Pi*math.Pi))
		}
	}
	var groups [][][]float64 // measured means of exp(2x), from groups of different sizes
	var means []float64
	for k := range 3 {
		var group [][]float64
		mean := 0.0
		for i := range 2 + k {
			x := 0.3*float64(k) + 0.1*float64(i)
			group, mean = append(group, []float64{x}), mean+math.Exp(2*x)/float64(2+k)
		}
		groups, means = append(groups, group), append(means, mean)
	}
	value := func(u *pde.Fields) *graph.Node { return u.U() }
	for _, c := range []struct {
		problem   *pde.Problem
		tolerance float64
	}{
		{&pde.Problem{Name: "−u″ = f with Neumann conditions and ∫u = 0", Coordinates: []string{"x"}, Domain: interval(0, 1),
			Equations:  []pde.Equation{{Name: "poisson", Residual: minusLaplacian(1, func(u *pde.Fields) *graph.Node { return cosine(u.At("x")) })}},
			Conditions: []pde.Condition{pde.Neumann("u", nil), pde.Integral("mean", interval(0, 1), value, 0)},
			Exact:      func(p []float64) []float64 { return []float64{math.Cos(math.Pi * p[0])} }}, 1e-4},
		{&pde.Problem{Name: "Poisson with a given mass on a side", Coordinates: []string{"x", "y"}, Domain: square,
			Equations: []pde.Equation{{Name: "poisson", Residual: minusLaplacian(2, func(u *pde.Fields) *graph.Node {
				return graph.Mul(cosine(u.At("x")), cosine(u.At("y")))
			})}},
			Conditions: []pde.Condition{pde.Neumann("u", nil), pde.BoundaryIntegral("mass", square, value, 3, "x-")},
			Exact:      func(p []float64) []float64 { return []float64{3 + math.Cos(math.Pi*p[0])*math.Cos(math.Pi*p[1])} }}, 1e-3},
		{&pde.Problem{Name: "a rate from means", Coordinates: []string{"x"}, Domain: interval(0, 1),
			Coefficients: []pde.Coefficient{{Name: "c", Start: 1, True: 2}},
			Equations: []pde.Equation{{Name: "growth", Residual: func(u *pde.Fields) *graph.Node {
				return graph.Sub(u.D("x"), graph.Mul(u.U(), u.Coefficient("c")))
			}}},
			Conditions: []pde.Condition{pde.MeasuredMeans("u", groups, means)},
			Exact:      func(p []float64) []float64 { return []float64{math.Exp(2 * p[0])} }}, 1e-4},
		{&pde.Problem{Name: "a mean within the equation", Coordinates: []string{"x"}, Domain: interval(0, 1),
			Equations: []pde.Equation{{Name: "growth", Residual: func(u *pde.Fields) *graph.Node {
				return graph.Sub(u.D("x"), graph.Add(graph.ReduceAllMean(u.U()), graph.MulScalar(graph.Abs(u.At("x")), -2)))
			}}},
			Conditions: []pde.Condition{pde.Dirichlet("u", nil, "x-")},
		}, 0},
	} {
		t.Run(c.problem.Name, func(t *testing.T) {
			c.problem.Unknowns = []string{"u"}
			network, err := nn.NewMLP(nn.Tanh, len(c.problem.Coordinates), 8, 8, 1)
			if err != nil {
				t.Fatal(err)
			}
			s := solve(t, c.problem, sciml.Options{Backend: pureGo(t), Network: network, Iterations: 60, Loss: pinn.Options{Interior: 60, Boundary: 20}})
			if text := s.Result.History.Events[0].Text; !strings.Contains(text, "Gauss–Newton steps are affordable") {
				t.Errorf("the first event is %q", text)
			}
			if c.problem.Exact != nil && !(s.RelativeError() < c.tolerance) {
				t.Errorf("relative error %.3g at a loss of %.3g, expected %.0e", s.RelativeError(), s.Result.Loss, c.tolerance)
			}
			if c.problem.Exact == nil && !(s.Result.Loss < 1e-9) {
				t.Errorf("loss %.3g", s.Result.Loss)
			}
		})
	}
}
