package optim_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

var levenbergMethods = []optim.LevenbergMarquardt{
	{}, {Geodesic: true}, {Solver: optim.DenseNormal}, {Solver: optim.DenseKernel}, {Solver: optim.DenseKernel, Geodesic: true}, {Solver: optim.MatrixFree},
}

// TestLevenbergFunctions: the known minimum of every least-squares problem among the test functions.
func TestLevenbergFunctions(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, p := range problems {
			for i, m := range levenbergMethods {
				if b.String() != pureGo(t).String() && i > 0 && name != "Rosenbrock" {
					break // compiles for long
				}
				if m.Solver == optim.MatrixFree && name == "Brown badly scaled" {
					continue // its tolerance is for larger problems
				}
				r := minimize(t, p.objective(b), p.start, m, optim.Options{MaxIterations: 300, GradientTolerance: 1e-9})
				if !r.Status.Converged() && r.Status != optim.SearchFailed || r.Loss > 1e-15 {
					t.Errorf("%s, %s (geodesic %v): %s", name, m.Solver, m.Geodesic, r)
				}
				for i, v := range p.solution {
					if math.Abs(r.Theta[i]-v) > 1e-5*math.Max(1, math.Abs(v)) {
						t.Errorf("%s, %s (geodesic %v): θ = %v, expected %v", name, m.Solver, m.Geodesic, r.Theta, p.solution)
						break
					}
				}
			}
		}
	})
}

// decaying is ‖D(θ − 1)‖² whose Hessian has a condition number of κ, as a linear least-squares problem of separate points.
func decaying(b compute.Backend, dim int, kappa float64) *objective.Objective {
	weights := make([]float64, dim)
	for i := range weights {
		weights[i] = math.Pow(kappa, -0.5*float64(i)/float64(dim-1))
	}
	return &objective.Objective{Backend: b, Dim: dim, Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		return graph.Mul(graph.AddScalar(theta, -1), graph.Const(theta.Graph(), weights))
	}}
}

// TestLevenbergCondition: ill-conditioning does not slow it down.
func TestLevenbergCondition(t *testing.T) {
	b := pureGo(t)
	for _, kappa := range []float64{1e2, 1e6, 1e12} {
		for _, m := range levenbergMethods {
			r := minimize(t, decaying(b, 12, kappa), make([]float64, 12), m, optim.Options{MaxIterations: 60, LossTolerance: 1e-22})
			if r.Status != optim.LossReached {
				t.Errorf("condition %g, %s: %s", kappa, m.Solver, r)
			}
		}
	}
}

// TestResidualShape: residuals need not be a vector.
func TestResidualShape(t *testing.T) {
	p := problems["Wood"]
	obj := p.objective(pureGo(t))
	residual := obj.Residual
	obj.Residual = func(theta *graph.Node, data []*graph.Node) *graph.Node {
		return graph.Reshape(residual(theta, data), 2, 3)
	}
	for _, m := range []optim.Method{optim.LevenbergMarquardt{}, optim.BFGS{}} {
		if r := minimize(t, obj, p.start, m, optim.Options{MaxIterations: 300, GradientTolerance: 1e-9}); r.Loss > 1e-15 {
			t.Errorf("%s: %s", m.Name(), r)
		}
	}
}

// TestRemarkAtTheEnd: what a method has to say besides is an event also where it ends at once, and no part of why it ends.
func TestRemarkAtTheEnd(t *testing.T) {
	obj := &objective.Objective{Backend: pureGo(t), Dim: 1, Residual: func(x *graph.Node, _ []*graph.Node) *graph.Node {
		return graph.AddScalar(graph.Square(x), -4)
	}}
	for _, m := range []optim.Method{optim.LevenbergMarquardt{}, optim.Auto{}, optim.ENGD{}} {
		r := minimize(t, obj, []float64{0}, m, optim.Options{})
		if r.Status != optim.Stationary || strings.Contains(r.Message, "solves by") || len(r.History.Events) == 0 ||
			!strings.Contains(r.History.Events[0].Text, "solves by") {
			t.Errorf("%s ends as %q, with the events %v", m.Name(), r, r.History.Events)
		}
	}
}
