package optim_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/optimize/functions"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// denseMethods has each method, with one search and with another.
func denseMethods(search search.Search) []optim.Method {
	return []optim.Method{optim.BFGS{Search: search}, optim.SSBFGS{Search: search}, optim.SSBroyden{Search: search}}
}

// powellSingular is gonum's extended Powell function, whose Hessian at the minimizer is singular.
var powellSingular = problem{
	reference: functions.ExtendedPowellSingular{}, start: []float64{3, -1, 0, 3}, solution: []float64{0, 0, 0, 0},
	residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		a, b, c, d := entry(theta, 0), entry(theta, 1), entry(theta, 2), entry(theta, 3)
		return join(graph.Add(a, times(b, 10)), times(graph.Sub(c, d), math.Sqrt(5)),
			graph.Square(graph.Sub(b, times(c, 2))), times(graph.Square(graph.Sub(a, d)), math.Sqrt(10)))
	},
}

func TestDenseOnProblems(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, p := range problems {
			if strings.HasSuffix(t.Name(), "/xla") && name != "Wood" {
				continue // the same programs, which take XLA a second each to compile
			}
			for _, search := range []search.Search{nil, search.HagerZhang{}, search.Armijo{}} {
				for _, method := range denseMethods(search) {
					r := minimize(t, p.objective(b), p.start, method, optim.Options{MaxIterations: 500, GradientTolerance: 1e-8})
					if r.Status != optim.GradientSmall && r.Status != optim.SearchFailed {
						t.Errorf("%s, %s with %T: %s", name, method.Name(), search, r)
					}
					for i, want := range p.solution {
						if math.Abs(r.Theta[i]-want) > 1e-6*math.Max(1, math.Abs(want)) {
							t.Errorf("%s, %s with %T: θ%d = %v, want %v (%s)", name, method.Name(), search, i, r.Theta[i], want, r)
						}
					}
					checkHistory(t, name, r)
					t.Logf("%s, %s with %T: %d iterations, %d evaluations", name, method.Name(), search, r.Iterations, r.Evaluations)
				}
				if strings.HasSuffix(t.Name(), "/xla") {
					break
				}
			}
		}
	})
	// The exact Hessian of this one is singular at the minimizer, where θ is found to less accuracy than the loss.
	for _, method := range denseMethods(nil) {
		r := minimize(t, powellSingular.objective(pureGo(t)), powellSingular.start, method, optim.Options{GradientTolerance: 1e-10})
		if r.Status != optim.GradientSmall || r.Loss > 1e-12 {
			t.Errorf("Powell's singular function, %s: %s", method.Name(), r)
		}
	}
}

// convex is Σ dᵢ(eᶿ + e⁻ᶿ) + ½(Σθᵢ)², with the minimizer 0.
func convex(b compute.Backend) *objective.Objective {
	weights := []float64{1, 2, 5, 10, 20, 50}
	return &objective.Objective{Backend: b, Dim: len(weights), Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		both := graph.Add(graph.Exp(theta), graph.Exp(graph.Neg(theta)))
		coupling := graph.Square(graph.ReduceAllSum(theta))
		return graph.Add(graph.ReduceAllSum(graph.Mul(graph.Const(theta.Graph(), weights), both)), graph.MulScalar(coupling, 0.5))
	}}
}

// TestSuperlinear: on a strictly convex function the gradient falls by ever larger factors, which those of a method that
// converges linearly do not.
func TestSuperlinear(t *testing.T) {
	obj := convex(pureGo(t))
	for _, method := range denseMethods(search.StrongWolfe{Curvature: 0.1}) {
		r := minimize(t, obj, []float64{1, -1, 1.5, 0.5, -0.7, 1.2}, method, optim.Options{GradientTolerance: 1e-9})
		records := r.History.Records
		last := len(records) - 1
		if r.Status != optim.GradientSmall || last < 10 {
			t.Fatalf("%s: %s", method.Name(), r)
		}
		early := math.Pow(records[5].GradientNorm/records[0].GradientNorm, 1.0/5)
		late := math.Pow(records[last].GradientNorm/records[last-3].GradientNorm, 1.0/3)
		if !(late < 0.15 && late < early/2) {
			t.Errorf("%s: the gradient falls by %.2g an iteration at first and %.2g at the end, which is not superlinear", method.Name(), early, late)
		}
		t.Logf("%s: %d iterations, factors %.2g and %.2g", method.Name(), last, early, late)
	}
}

func TestDenseSettings(t *testing.T) {
	b := pureGo(t)
	large := &objective.Objective{Backend: b, Dim: 30_000, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		return graph.ReduceAllSum(graph.Square(theta))
	}}
	start := make([]float64, large.Dim)
	mustFail(t, large, start, optim.BFGS{}, optim.Options{}, "BFGS needs 6.71 GiB for the inverse Hessian of 30000 parameters")
	mustFail(t, large, start, optim.SSBroyden{}, optim.Options{}, "LBFGS needs far less")
	p := problems["Wood"]
	obj := p.objective(b)
	mustFail(t, obj, p.start, optim.SSBFGS{MaxMemory: 127}, optim.Options{}, "SSBFGS needs")
	mustFail(t, obj, p.start, optim.BFGS{MaxMemory: -1}, optim.Options{}, "BFGS.MaxMemory is -1")
	minimize(t, obj, p.start, optim.SSBFGS{MaxMemory: 128}, optim.Options{MaxIterations: 2}) // 8·4²
	obj.DType = dtypes.Float32
	minimize(t, obj, p.start, optim.SSBFGS{MaxMemory: 64}, optim.Options{MaxIterations: 2})
	for i, want := range []string{"BFGS", "SSBFGS", "SSBroyden"} {
		if got := denseMethods(nil)[i].Name(); got != want {
			t.Errorf("the name is %q, want %q", got, want)
		}
	}
}

// TestDenseAtMinimum: a start that is a minimizer, or all but one, is kept.
func TestDenseAtMinimum(t *testing.T) {
	b := pureGo(t)
	for name, p := range problems {
		for _, method := range denseMethods(nil) {
			r := minimize(t, p.objective(b), p.solution, method, optim.Options{MaxIterations: 5})
			if math.IsNaN(r.Loss) || r.Loss > p.reference.Func(p.solution) {
				t.Errorf("%s, %s from the minimizer: %s", name, method.Name(), r)
			}
			near := append([]float64(nil), p.solution...)
			near[0] += 1e-9 * math.Max(1, math.Abs(near[0]))
			r = minimize(t, p.objective(b), near, method, optim.Options{MaxIterations: 50})
			if math.IsNaN(r.Loss) || r.Loss > p.reference.Func(near) || r.Status == optim.NonFinite {
				t.Errorf("%s, %s next to the minimizer: %s", name, method.Name(), r)
			}
		}
	}
}

// TestDenseFloat32: in single precision with the search that is made for it.
func TestDenseFloat32(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		p := problems["Rosenbrock in R¹⁰"]
		for _, method := range denseMethods(search.HagerZhang{}) {
			obj := p.objective(b)
			obj.DType = dtypes.Float32
			r, err := optim.Minimize(context.Background(), obj, p.start, method, optim.Options{MaxIterations: 200, LossTolerance: 1e-10})
			if err != nil || r.Status != optim.LossReached {
				t.Errorf("%s: %v, error %v", method.Name(), r, err)
			}
			if strings.HasSuffix(t.Name(), "/xla") {
				break
			}
		}
	})
}
