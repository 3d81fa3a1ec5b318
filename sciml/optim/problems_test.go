package optim_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/optimize/functions"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// problem is one of gonum's test functions, with residuals as a GoMLX graph.
type problem struct {
	reference interface {
		Func(x []float64) float64
		Grad(grad, x []float64)
	}
	start, solution []float64
	residual        objective.GraphFn
}

// entry is θᵢ, of shape [1].
func entry(theta *graph.Node, i int) *graph.Node { return graph.Slice(theta, graph.AxisRange(i, i+1)) }

func join(parts ...*graph.Node) *graph.Node { return graph.Concatenate(parts, 0) }

func times(x *graph.Node, by float64) *graph.Node { return graph.MulScalar(x, by) }

func rosenbrock(theta *graph.Node, _ []*graph.Node) *graph.Node {
	n := theta.Shape().Dimensions[0]
	head, tail := graph.Slice(theta, graph.AxisRange(0, n-1)), graph.Slice(theta, graph.AxisRange(1, n))
	return join(graph.OneMinus(head), times(graph.Sub(tail, graph.Square(head)), 10))
}

var problems = map[string]problem{
	"Rosenbrock": {
		reference: functions.ExtendedRosenbrock{}, residual: rosenbrock,
		start: []float64{-1.2, 1}, solution: []float64{1, 1},
	},
	"Rosenbrock in R¹⁰": {
		reference: functions.ExtendedRosenbrock{}, residual: rosenbrock,
		start:    []float64{1.2, 1, 1.1, 0.8, 1.3, 0.6, 1, 1.5, 1.1, 0.9},
		solution: []float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
	},
	"Beale": {
		reference: functions.Beale{}, start: []float64{1, 1}, solution: []float64{3, 0.5},
		residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			x, y := entry(theta, 0), entry(theta, 1)
			part := func(c float64, power *graph.Node) *graph.Node {
				return graph.AddScalar(graph.Neg(graph.Mul(x, graph.OneMinus(power))), c)
			}
			square := graph.Square(y)
			return join(part(1.5, y), part(2.25, square), part(2.625, graph.Mul(square, y)))
		},
	},
	"Wood": {
		reference: functions.Wood{}, start: []float64{-3, -1, -3, -1}, solution: []float64{1, 1, 1, 1},
		residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			a, b, c, d := entry(theta, 0), entry(theta, 1), entry(theta, 2), entry(theta, 3)
			return join(times(graph.Sub(b, graph.Square(a)), 10), graph.OneMinus(a),
				times(graph.Sub(d, graph.Square(c)), math.Sqrt(90)), graph.OneMinus(c),
				times(graph.AddScalar(graph.Add(b, d), -2), math.Sqrt(10)), times(graph.Sub(b, d), math.Sqrt(0.1)))
		},
	},
	"Brown badly scaled": {
		reference: functions.BrownBadlyScaled{}, start: []float64{1, 1}, solution: []float64{1e6, 2e-6},
		residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			x, y := entry(theta, 0), entry(theta, 1)
			return join(graph.AddScalar(x, -1e6), graph.AddScalar(y, -2e-6), graph.AddScalar(graph.Mul(x, y), -2))
		},
	},
	"variably dimensioned": {
		reference: functions.VariablyDimensioned{}, start: []float64{0.8, 0.6, 0.4, 0.2, 0}, solution: []float64{1, 1, 1, 1, 1},
		residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			off := graph.AddScalar(theta, -1)
			weighted := graph.Mul(off, graph.Const(theta.Graph(), []float64{1, 2, 3, 4, 5}))
			s := graph.Reshape(graph.ReduceAllSum(weighted), 1)
			return join(off, s, graph.Square(s))
		},
	},
}

func (p problem) objective(b compute.Backend) *objective.Objective {
	return &objective.Objective{Backend: b, Dim: len(p.start), Residual: p.residual}
}

// minimize runs to the end without an error.
func minimize(t *testing.T, obj *objective.Objective, start []float64, method optim.Method, options optim.Options) *optim.Result {
	t.Helper()
	r, err := optim.Minimize(context.Background(), obj, start, method, options)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestEvaluator compares values and gradients with gonum's own, which says that the problems are what they claim.
func TestEvaluator(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, p := range problems {
			e, err := objective.NewEvaluator(p.objective(b))
			if err != nil {
				t.Fatal(err)
			}
			loss, gradient, err := e.At(p.start)
			if err != nil {
				t.Fatal(err)
			}
			want := make([]float64, len(p.start))
			p.reference.Grad(want, p.start)
			if f := p.reference.Func(p.start); math.Abs(loss-f) > 1e-13*math.Abs(f) {
				t.Errorf("%s: f = %v, gonum says %v", name, loss, f)
			}
			for i := range want {
				if math.Abs(gradient[i]-want[i]) > 1e-12*(1+math.Abs(want[i])) {
					t.Errorf("%s: ∂f/∂θ%d = %v, gonum says %v", name, i, gradient[i], want[i])
				}
			}
			if _, _, err := e.At(p.start[1:]); err == nil {
				t.Errorf("%s: no error for a θ that is too short", name)
			}
		}
	})
}

func TestLBFGSOnProblems(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, p := range problems {
			if strings.HasSuffix(t.Name(), "/xla") && name != "Wood" {
				continue // the same programs, which take XLA a second each to compile
			}
			for _, memory := range []int{1, 0} {
				r := minimize(t, p.objective(b), p.start, optim.LBFGS{Memory: memory}, optim.Options{MaxIterations: 500, GradientTolerance: 1e-8})
				if r.Status != optim.GradientSmall && r.Status != optim.SearchFailed {
					t.Errorf("%s, memory %d: %s", name, memory, r)
				}
				for i, want := range p.solution {
					if math.Abs(r.Theta[i]-want) > 1e-6*math.Max(1, math.Abs(want)) {
						t.Errorf("%s, memory %d: θ%d = %v, want %v (%s)", name, memory, i, r.Theta[i], want, r)
					}
				}
				checkHistory(t, name, r)
			}
		}
	})
}

// checkHistory tests what holds for every run of one method.
func checkHistory(t *testing.T, name string, r *optim.Result) {
	t.Helper()
	records := r.History.Records
	lowest := math.Inf(1)
	for i, rec := range records {
		if rec.Iteration != i {
			t.Errorf("%s: record %d says iteration %d", name, i, rec.Iteration)
		}
		if rec.Loss < lowest {
			lowest = rec.Loss
		}
		if i == 0 {
			continue
		}
		before := records[i-1]
		if rec.Evaluations <= before.Evaluations || rec.Seconds < before.Seconds || rec.Phase == "" {
			t.Errorf("%s: record %d has %d evaluations after %d, %v s after %v, phase %q", name, i, rec.Evaluations, before.Evaluations, rec.Seconds, before.Seconds, rec.Phase)
		}
		if rec.Step <= 0 && !math.IsNaN(rec.Step) {
			t.Errorf("%s: record %d has a step of length %v", name, i, rec.Step)
		}
	}
	if last := r.History.Last(); r.Evaluations < last.Evaluations || r.Seconds < last.Seconds {
		t.Errorf("%s: the result has %d evaluations in %v s, its last record %d in %v", name, r.Evaluations, r.Seconds, last.Evaluations, last.Seconds)
	}
	if len(records) > 0 && r.Loss > lowest+1e-15*math.Abs(lowest) {
		t.Errorf("%s: the result has the loss %.17g, the lowest seen is %.17g", name, r.Loss, lowest)
	}
}
