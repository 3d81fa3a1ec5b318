package optim_test

import (
	"context"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// TestPreconditionedQuadratics: with the exact curvature a few iterations are enough, where without it the number grows
// with the condition.
func TestPreconditionedQuadratics(t *testing.T) {
	b := pureGo(t)
	block, nystrom := optim.BlockDiagonal{Shift: optim.Zero}, optim.NystromPreconditioner{Shift: optim.Zero}
	for _, kappa := range []float64{1e2, 1e4, 1e8, 1e12} {
		for _, c := range []struct {
			plain, method optim.Method
			by            optim.Preconditioner
			most          int
		}{
			{optim.GradientDescent{Rate: 1 / kappa}, optim.GradientDescent{Rate: 1}, block, 4},
			{optim.Nesterov{Rate: 1 / kappa}, optim.Nesterov{Rate: 1}, block, 4},
			{optim.NonlinearCG{}, optim.NonlinearCG{}, nystrom, 3},
			{optim.NonlinearCG{}, optim.NonlinearCG{}, block, 3},
			{optim.LBFGS{}, nil, nystrom, 4},
			{optim.BFGS{}, optim.BFGS{}, nystrom, 4},
		} {
			options := optim.Options{MaxIterations: 200, LossTolerance: 1e-8}
			obj, start := rotated(b, spectrum(20, kappa), true)
			plain := minimize(t, obj, start, c.plain, options)
			m := optim.Preconditioned{Method: c.method, By: c.by}
			r := minimize(t, obj, start, m, options)
			if r.Status != optim.LossReached || r.Iterations > c.most {
				t.Errorf("κ = %g, %s: %s; want at most %d iterations", kappa, m.Name(), r, c.most)
			}
			if plain.Iterations < 5*r.Iterations {
				t.Errorf("κ = %g, %s: %d iterations, %d without a preconditioner", kappa, m.Name(), r.Iterations, plain.Iterations)
			}
			for i, v := range r.Theta {
				if math.Abs(v-1) > 1e-3 {
					t.Errorf("κ = %g, %s: θ%d = %v, want 1", kappa, m.Name(), i, v)
				}
			}
			checkHistory(t, m.Name(), r)
		}
	}
}

// TestPreconditionedKronecker: residuals P·W·Q have a Jacobian that is a Kronecker product, so that gradient descent in z
// ends after one step.
func TestPreconditionedKronecker(t *testing.T) {
	obj := &objective.Objective{
		Backend: pureGo(t), Dim: 6, Blocks: []objective.Block{{Name: "W", Dims: []int{2, 3}}},
		Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			g := theta.Graph()
			p := graph.Const(g, [][]float64{{1, 2}, {0, 10}})
			q := graph.Const(g, [][]float64{{1, 0, 0}, {2, 1, 0}, {0, 3, 0.2}})
			out := graph.MatMul(graph.MatMul(p, graph.Reshape(theta, 2, 3)), q)
			return graph.AddScalar(graph.Reshape(out, 6), -1)
		},
	}
	r := minimize(t, obj, make([]float64, 6), optim.Preconditioned{
		Method: optim.GradientDescent{Rate: 1}, By: optim.Kronecker{Shift: optim.Zero},
	}, optim.Options{MaxIterations: 10, LossTolerance: 1e-12})
	if r.Status != optim.LossReached || r.Iterations > 3 {
		t.Errorf("%s; want an end after about one iteration", r)
	}
}

// TestNystromRank: the rank grows until the rest of the spectrum is flat, and is told.
func TestNystromRank(t *testing.T) {
	eigenvalues := append(spectrum(60, 1)[:35], spectrum(25, 1e8)...) // 36 ones, then up to 1e8
	obj, start := rotated(pureGo(t), eigenvalues, true)
	r := minimize(t, obj, start, optim.Preconditioned{
		Method: optim.NonlinearCG{}, By: optim.NystromPreconditioner{Rank: 5, Shift: 1e-8},
	}, optim.Options{MaxIterations: 40, LossTolerance: 1e-8})
	if r.Status != optim.LossReached || r.Iterations > 12 {
		t.Error(r)
	}
	events := r.History.Events
	if len(events) != 1 || !strings.Contains(events[0].Text, "new preconditioner (Nyström): rank 40 of 60, condition ") {
		t.Errorf("events: %v", events)
	}
	if first := r.History.Records[0].Evaluations; first != 5+40+1 {
		t.Errorf("%d evaluations at the start, want 5 and 40 products and one gradient", first)
	}
}

// TestDiagonalScales: parameters in different units.
func TestDiagonalScales(t *testing.T) {
	obj, start := quadratic(pureGo(t), spectrum(12, 1e10))
	for _, m := range []optim.Method{optim.LBFGS{}, optim.GradientDescent{Rate: 1}, optim.NewtonTrustRegion{}} {
		r := minimize(t, obj, start, optim.Preconditioned{Method: m, By: optim.Diagonal{Samples: 1, Shift: optim.Zero}}, optim.Options{MaxIterations: 20, LossTolerance: 1e-16})
		if r.Status != optim.LossReached {
			t.Errorf("%s: %s", m.Name(), r)
		}
	}
}

// preconditionedRuns are methods of each kind of stepper, with what they do at new preconditioners.
var preconditionedRuns = map[string]optim.Method{
	"Adam":         optim.Preconditioned{Method: optim.Adam{Rate: 0.02, Schedule: optim.StepDecay{Every: 8}}, By: optim.BlockDiagonal{Shift: 1e-2}, Every: 7, Unit: true},
	"Nesterov":     optim.Preconditioned{Method: optim.Nesterov{Rate: 0.05}, By: optim.Diagonal{Seed: 3}, Every: 6},
	"L-BFGS":       optim.Preconditioned{By: optim.NystromPreconditioner{Rank: 2, MaxRank: 4, Seed: 7}, Every: 9},
	"BFGS":         optim.Preconditioned{Method: optim.BFGS{Search: search.NonMonotone{}}, By: optim.NystromPreconditioner{Hessian: true, Shift: 1e-2}, Every: 5},
	"CG":           optim.Preconditioned{Method: optim.NonlinearCG{}, By: optim.Kronecker{}, Every: 4},
	"trust region": optim.Preconditioned{Method: optim.NewtonTrustRegion{}, By: optim.Diagonal{}, Every: 3},
	"Hybrid": optim.Hybrid{
		{Method: optim.Adam{Rate: 0.01}, Until: optim.Iterations(12)}, {Method: optim.Preconditioned{By: optim.BlockDiagonal{}, Every: 6}},
	},
	"nested": optim.Preconditioned{
		Method: optim.Preconditioned{Method: optim.LBFGS{}, By: optim.BlockDiagonal{}, Every: 3}, By: optim.Diagonal{}, Every: 5,
	},
}

// blocked is Rosenbrock in R¹⁰ with a matrix and a vector.
func blocked(b compute.Backend) (*objective.Objective, []float64) {
	p := problems["Rosenbrock in R¹⁰"]
	obj := p.objective(b)
	obj.Blocks = []objective.Block{{Name: "W", Dims: []int{2, 3}}, {Name: "b", Offset: 6, Dims: []int{4}}}
	return obj, p.start
}

// TestPreconditionedRecords: each record has the loss of the iterate that Monitor sees, whether or not C was new there.
func TestPreconditionedRecords(t *testing.T) {
	b := pureGo(t)
	p := problems["Rosenbrock in R¹⁰"]
	for name, m := range preconditionedRuns {
		obj, start := blocked(b)
		r := minimize(t, obj, start, m, optim.Options{
			MaxIterations: 30, MonitorEvery: 1,
			Monitor: func(_ context.Context, theta *tensors.Tensor) (map[string]float64, error) {
				return map[string]float64{"own": p.reference.Func(tensors.MustCopyFlatData[float64](theta))}, nil
			},
		})
		if _, is := m.(optim.Hybrid); !is {
			checkHistory(t, name, r)
		}
		at, own := r.History.Metric("own")
		if len(at) < 15 {
			t.Errorf("%s: only %d measurements, %s", name, len(at), r)
		}
		for k, i := range at {
			if loss := r.History.Records[int(i)].Loss; math.Abs(loss-own[k]) > 1e-9*(1e-3+loss) {
				t.Errorf("%s: record %d has the loss %v, the iterate %v", name, int(i), loss, own[k])
			}
		}
		if loss := p.reference.Func(r.Theta); math.Abs(loss-r.Loss) > 1e-9*(1e-6+loss) || r.Loss >= r.History.Records[0].Loss {
			t.Errorf("%s: the loss is %v, of θ it is %v", name, r.Loss, loss)
		}
		if len(r.History.Events) < 2 {
			t.Errorf("%s: events %v, want one for each preconditioner", name, r.History.Events)
		}
	}
}

// resumes interrupts a run after some iterations; resumed it has to go on bit for bit.
func resumes(t *testing.T, name string, objective func() (*objective.Objective, []float64), m optim.Method, stops ...int) {
	t.Helper()
	options := optim.Options{MaxIterations: 28, MonitorEvery: 3}
	obj, start := objective()
	whole := minimize(t, obj, start, m, options)
	if len(whole.History.Events) < 2 {
		t.Errorf("%s: events %v, want one for each preconditioner", name, whole.History.Events)
	}
	for _, stop := range stops {
		options.CheckpointPath = filepath.Join(t.TempDir(), "run")
		first := options
		first.MaxIterations = stop
		obj, start := objective()
		minimize(t, obj, start, m, first)
		c, err := optim.LoadCheckpoint(options.CheckpointPath)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := objective()
		resumed, err := optim.Resume(context.Background(), again, c, m, options)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(resumed.Theta, whole.Theta) || resumed.Loss != whole.Loss || resumed.Evaluations != whole.Evaluations {
			t.Errorf("%s, resumed at %d: %s, want %s", name, stop, resumed, whole)
		}
		if got, want := withoutTime(resumed.History), withoutTime(whole.History); !reflect.DeepEqual(got, want) {
			t.Errorf("%s, resumed at %d: the history differs: %d and %d records", name, stop, len(got.Records), len(want.Records))
		}
	}
}

// TestPreconditionedResume: before, at and after a new preconditioner.
func TestPreconditionedResume(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		rosenbrock := func() (*objective.Objective, []float64) { return blocked(b) }
		if strings.HasSuffix(t.Name(), "/xla") {
			resumes(t, "Nesterov", rosenbrock, preconditionedRuns["Nesterov"], 14)
			return
		}
		for name, m := range preconditionedRuns {
			resumes(t, name, rosenbrock, m, 1, 9, 14, 20)
		}
		for _, m := range []optim.Method{optim.Adam{Rate: 0.1}, optim.LBFGS{}} {
			resumes(t, m.Name()+" on changing data", func() (*objective.Objective, []float64) {
				obj := energy(b)
				obj.Adaptation = &shifting{}
				return obj, []float64{1, 1, 1}
			}, optim.Preconditioned{Method: m, By: optim.Diagonal{Samples: 2, Shift: 0.1}, Every: 4}, 2, 3, 8)
		}
		l := newLeastSquares(0.5)
		sgd := optim.SGD{Rate: 0.01, Momentum: 0.5, Schedule: optim.InverseTime{Every: 20}, Batches: objective.Batches{Size: 8}, Measure: 6}
		resumes(t, "SGD", func() (*objective.Objective, []float64) { return l.objective(b), make([]float64, lsDim) },
			optim.Preconditioned{Method: sgd, By: optim.NystromPreconditioner{Shift: 1e-2}, Every: 8}, 5, 8, 18)
	})
}

// TestPreconditionedRestores: a damaged state is refused.
func TestPreconditionedRestores(t *testing.T) {
	obj, start := blocked(pureGo(t))
	path := filepath.Join(t.TempDir(), "run")
	minimize(t, obj, start, optim.Preconditioned{By: optim.Diagonal{}}, optim.Options{MaxIterations: 3, CheckpointPath: path})
	c, err := optim.LoadCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	c.Method = optim.Preconditioned{By: optim.Kronecker{}}.Name()
	if _, err := optim.Resume(context.Background(), obj, c, optim.Preconditioned{By: optim.Kronecker{}}, optim.Options{}); err == nil || !strings.Contains(err.Error(), "stored tensors") {
		t.Errorf("error %v, want one about the tensors stored", err)
	}
	c.Method = optim.Preconditioned{By: optim.Diagonal{}}.Name()
	c.State = c.State[:len(c.State)/2]
	if _, err := optim.Resume(context.Background(), obj, c, optim.Preconditioned{By: optim.Diagonal{}}, optim.Options{}); err == nil {
		t.Error("half of a state is restored")
	}
}

// TestPreconditionedSchedule: gradient descent with C = 2I is one with four times the rate, new preconditioners or not: the
// schedule of the rate goes on.
func TestPreconditionedSchedule(t *testing.T) {
	p := problems["Wood"]
	schedule := optim.StepDecay{Every: 4}
	want := trajectory(t, p.objective(pureGo(t)), p.start, optim.GradientDescent{Rate: 4e-4, Schedule: schedule}, 20)
	made := 0
	got := trajectory(t, p.objective(pureGo(t)), p.start, optim.Preconditioned{
		Method: optim.GradientDescent{Rate: 1e-4, Schedule: schedule}, By: kept{2, &made}, Every: 3,
	}, 20)
	unit := trajectory(t, p.objective(pureGo(t)), p.start, optim.Preconditioned{
		Method: optim.GradientDescent{Rate: 4e-4, Schedule: schedule}, By: kept{factor: 2}, Every: 3, Unit: true,
	}, 20)
	if made != 7 || len(got) != len(want) {
		t.Errorf("C was made %d times, want 7; %d iterates, want %d", made, len(got), len(want))
	}
	for k := range want {
		for i, v := range want[k] {
			if math.Abs(got[k][i]-v) > 1e-12*(1+math.Abs(v)) || math.Abs(unit[k][i]-v) > 1e-12*(1+math.Abs(v)) {
				t.Errorf("θ%d after %d iterations is %v, and %v for a C of norm one; want %v", i, k, got[k][i], unit[k][i], v)
			}
		}
	}
}

// TestPreconditionedBatches: batches of samples are drawn in z as they are in θ, and go on at a new preconditioner.
func TestPreconditionedBatches(t *testing.T) {
	l := newLeastSquares(0.5)
	batches := objective.Batches{Size: 8, Seed: 3}
	plain := minimize(t, l.objective(pureGo(t)), make([]float64, lsDim), optim.SGD{Rate: 0.04, Schedule: optim.InverseTime{Every: 20}, Batches: batches, Measure: 6}, optim.Options{MaxIterations: 30})
	r := minimize(t, l.objective(pureGo(t)), make([]float64, lsDim), optim.Preconditioned{
		Method: optim.SGD{Rate: 0.01, Schedule: optim.InverseTime{Every: 20}, Batches: batches, Measure: 6}, By: kept{factor: 2}, Every: 12,
	}, optim.Options{MaxIterations: 30})
	if len(r.History.Records) != len(plain.History.Records) || len(r.History.Events) != 3 {
		t.Fatalf("%d records and %d events, want %d and 3", len(r.History.Records), len(r.History.Events), len(plain.History.Records))
	}
	for i, rec := range r.History.Records {
		if want := plain.History.Records[i]; math.Abs(rec.Loss-want.Loss) > 1e-12 || rec.Batch != want.Batch {
			t.Errorf("record %d: loss %v of batch %d, want %v of %d", i, rec.Loss, rec.Batch, want.Loss, want.Batch)
		}
	}
	if math.Abs(r.Loss-plain.Loss) > 1e-12 {
		t.Errorf("loss %v, want %v", r.Loss, plain.Loss)
	}
}

// TestPreconditionedData: data that are replaced reach the objective of z, and a new C is made.
func TestPreconditionedData(t *testing.T) {
	for name, m := range map[string]optim.Method{
		"Adam":    optim.Preconditioned{Method: optim.Adam{Rate: 0.1}, By: optim.Diagonal{}, Every: 100},
		"L-BFGS":  optim.Preconditioned{By: optim.NystromPreconditioner{}, Every: 100},
		"descent": optim.Preconditioned{Method: optim.GradientDescent{Rate: 0.999}, By: optim.Diagonal{Shift: optim.Zero}, Every: 100},
	} {
		obj := energy(pureGo(t))
		s := &shifting{}
		obj.Adaptation = s
		r := minimize(t, obj, []float64{1, 1, 1}, m, optim.Options{MaxIterations: 12})
		minimum, loss := 0.0, 0.0
		for i, d := range s.data {
			minimum -= 0.5 / d
			loss += 0.5*d*r.Theta[i]*r.Theta[i] - r.Theta[i]
		}
		if math.Abs(r.Loss-loss) > 1e-12 {
			t.Errorf("%s: the loss is %v, of the last objective it would be %v", name, r.Loss, loss)
		}
		if name == "descent" && r.Loss > minimum+1e-9 { // after two steps with the C of the last change
			t.Errorf("%s: the loss is %v, the minimum %v", name, r.Loss, minimum)
		}
		if made := len(r.History.Events); made != len(s.calls) || made < 2 {
			t.Errorf("%s: %d preconditioners, want one after each of the changes at %v", name, made, s.calls)
		}
		for i, rec := range r.History.Records {
			if rec.Iteration != i {
				t.Errorf("%s: record %d says iteration %d", name, i, rec.Iteration)
			}
		}
	}
}
