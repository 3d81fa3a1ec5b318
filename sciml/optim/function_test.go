package optim_test

import (
	"context"
	"math"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/optimize"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// ofHost is the objective as plain Go code.
func (p problem) ofHost(t *testing.T) *objective.Objective {
	t.Helper()
	obj, err := objective.FromFunction(len(p.start), func(theta, gradient []float64) float64 {
		p.reference.Grad(gradient, theta)
		return p.reference.Func(theta)
	})
	if err != nil {
		t.Fatal(err)
	}
	return obj
}

// hostMethods are those that need values and gradients only.
var hostMethods = map[string]optim.Method{
	"gradient descent": optim.GradientDescent{Rate: 1e-3},
	"Adam":             optim.Adam{Rate: 0.02, Schedule: optim.Cosine{Total: 50}},
	"Barzilai–Borwein": optim.BarzilaiBorwein{},
	"BFGS":             optim.BFGS{},
	"L-BFGS":           optim.LBFGS{},
	"L-BFGS, NM":       optim.LBFGS{Search: search.NonMonotone{}},
	"L-BFGS, grid":     optim.LBFGS{Search: search.Grid{}},
	"nonlinear CG":     optim.NonlinearCG{},
	"SR1":              optim.SR1{},
	"dogleg":           optim.Dogleg{},
	"Hybrid": optim.Hybrid{
		{Method: optim.Adam{Rate: 0.02}, Until: optim.Iterations(12)}, {Method: optim.LBFGS{}, Until: optim.Iterations(15)}, {Method: optim.SSBroyden{}},
	},
}

// TestFunctionIsGraph: what a Function and a graph compute is the same, and so are the runs.
func TestFunctionIsGraph(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		p := problems["Rosenbrock in R¹⁰"]
		e, err := objective.NewEvaluator(p.objective(b))
		if err != nil {
			t.Fatal(err)
		}
		host := &objective.Objective{Backend: b, Dim: len(p.start), Function: func(theta, gradient []float64) float64 {
			f, g, err := e.At(theta)
			if err != nil {
				panic(err)
			}
			copy(gradient, g)
			return f
		}}
		for name, method := range hostMethods {
			if strings.HasSuffix(t.Name(), "/xla") && name != "Adam" && name != "L-BFGS" {
				continue // XLA takes a second each to compile
			}
			options := optim.Options{MaxIterations: 25}
			want, got := minimize(t, p.objective(b), p.start, method, options), minimize(t, host, p.start, method, options)
			if len(got.History.Records) != len(want.History.Records) {
				t.Errorf("%s: %d records, want %d", name, len(got.History.Records), len(want.History.Records))
				continue
			}
			for i, r := range got.History.Records {
				w := want.History.Records[i]
				// XLA may fuse operations of the objective and the method, which changes the rounding.
				if math.Abs(r.Loss-w.Loss) > 1e-9*w.Loss || math.Abs(r.Step-w.Step) > 1e-7*w.Step || r.Phase != w.Phase {
					t.Errorf("%s: record %d has loss %.15g after a step of %.12g, want %.15g and %.12g", name, i, r.Loss, r.Step, w.Loss, w.Step)
				}
				// The losses of a grid are computed one by one, each with a gradient, and count as many.
				if r.Evaluations != w.Evaluations && name != "L-BFGS, grid" {
					t.Errorf("%s: record %d has %d evaluations, want %d", name, i, r.Evaluations, w.Evaluations)
				}
			}
		}
	})
}

// TestFunctionResumes: an interrupted run goes on as if it had not been, bit for bit.
func TestFunctionResumes(t *testing.T) {
	p := problems["Rosenbrock in R¹⁰"]
	for name, method := range hostMethods {
		options := optim.Options{MaxIterations: 30}
		whole := minimize(t, p.ofHost(t), p.start, method, options)
		options.CheckpointPath, options.MaxIterations = filepath.Join(t.TempDir(), "run"), 14
		minimize(t, p.ofHost(t), p.start, method, options)
		c, err := optim.LoadCheckpoint(options.CheckpointPath)
		if err != nil {
			t.Fatal(err)
		}
		options.MaxIterations = 30
		resumed, err := optim.Resume(context.Background(), p.ofHost(t), c, method, options)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := withoutTime(resumed.History), withoutTime(whole.History); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the history differs: %s, want %s", name, resumed, whole)
		}
	}
}

// logBarrier is Σ (θᵢ − log θᵢ) with the minimizer 1, NaN where it is not defined.
func logBarrier(theta, gradient []float64) (f float64) {
	for i, v := range theta {
		f += v - math.Log(v)
		gradient[i] = 1 - 1/v
	}
	return f
}

// TestFunctionNotFinite: NaN is too long a step for a search, and the end of a method without one or at the start.
func TestFunctionNotFinite(t *testing.T) {
	obj, err := objective.FromFunction(2, logBarrier)
	if err != nil {
		t.Fatal(err)
	}
	hit := false
	obj.Function = func(theta, gradient []float64) float64 {
		hit = hit || theta[0] < 0 || theta[1] < 0
		return logBarrier(theta, gradient)
	}
	for _, method := range []optim.Method{
		optim.BFGS{}, optim.LBFGS{Search: search.HagerZhang{}}, optim.NonlinearCG{}, optim.SR1{}, optim.Dogleg{}, optim.Gonum{Method: &optimize.BFGS{}},
	} {
		hit = false
		r := minimize(t, obj, []float64{30, 0.05}, method, optim.Options{GradientTolerance: 1e-8})
		if r.Status != optim.GradientSmall || math.Abs(r.Loss-2) > 1e-12 || !hit {
			t.Errorf("%s: %s, NaN met %v; want the minimum 2, after NaN", method.Name(), r, hit)
		}
	}
	hit = false
	r := minimize(t, obj, []float64{2, 2}, optim.GradientDescent{Rate: 10}, optim.Options{})
	if r.Status != optim.NonFinite || math.Abs(r.Loss-2*(2-math.Log(2))) > 1e-12 || !hit {
		t.Errorf("steps that are too long: %s, want the start as the best iterate", r)
	}
	for _, method := range []optim.Method{optim.LBFGS{}, optim.SR1{}, optim.Adam{}, optim.Gonum{Method: &optimize.LBFGS{}}} {
		if r := minimize(t, obj, []float64{-1, 1}, method, optim.Options{}); r.Status != optim.NonFinite || !math.IsInf(r.Loss, 1) {
			t.Errorf("%s from where f is NaN: %s", method.Name(), r)
		}
	}
}

// goroutine is the number of the one that runs.
func goroutine() string {
	trace := make([]byte, 64)
	return strings.Fields(string(trace[:runtime.Stack(trace, false)]))[1]
}

// TestFunctionCalls: the function is called where Minimize was, with slices of its own; a panic ends the run with an error.
func TestFunctionCalls(t *testing.T) {
	p := problems["Rosenbrock in R¹⁰"]
	here := goroutine()
	for name, method := range hostMethods {
		calls := 0
		obj := p.ofHost(t)
		inner := obj.Function
		obj.Function = func(theta, gradient []float64) float64 {
			if calls++; calls == 15 {
				var none []float64
				return none[3]
			}
			if there := goroutine(); there != here {
				t.Errorf("%s: called by goroutine %s, want %s", name, there, here)
			}
			for i, v := range gradient {
				if v != 0 {
					t.Errorf("%s: gradient[%d] is %v at first, want 0", name, i, v)
				}
			}
			f := inner(theta, gradient)
			for i := range theta {
				theta[i] = math.NaN()
			}
			return f
		}
		r, err := optim.Minimize(context.Background(), obj, p.start, method, optim.Options{})
		for _, word := range []string{"Objective.Function (", "function_test.go", "): runtime error: index out of range [3]"} {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s: error %v, want one that mentions %q", name, err, word)
			}
		}
		if r == nil || r.Status != optim.Failed || !(r.Loss <= p.reference.Func(p.start)) {
			t.Errorf("%s: %v, want the best iterate before the panic", name, r)
		}
	}
	// Cancellation from within the function.
	obj := p.ofHost(t)
	inner := obj.Function
	for name, method := range hostMethods {
		ctx, cancel := context.WithCancel(context.Background())
		calls := 0
		obj.Function = func(theta, gradient []float64) float64 {
			if calls++; calls == 25 {
				cancel()
			}
			return inner(theta, gradient)
		}
		r, err := optim.Minimize(ctx, obj, p.start, method, optim.Options{})
		if err != nil || r.Status != optim.Canceled || calls > 25+35 {
			t.Errorf("%s: %v and error %v after %d calls, want it canceled", name, r, err, calls)
		}
	}
}

// movingCenter moves the minimizer of ½‖θ − c‖² every 10 iterations, by changing what the function does.
type movingCenter struct{ center *float64 }

func (movingCenter) Every() int { return 10 }

func (s movingCenter) Begin() objective.Adapter { return s }

func (s movingCenter) Adapt(ctx context.Context, now objective.Iterate) ([]*tensors.Tensor, error) {
	if now.Stuck || now.Iteration == 0 || now.Iteration > 20 {
		return nil, nil
	}
	*s.center++
	return []*tensors.Tensor{}, nil
}

func (movingCenter) Save() ([]byte, error) { return nil, nil }
func (movingCenter) Load([]byte) error     { return nil }

func TestFunctionAdapts(t *testing.T) {
	for name, method := range map[string]optim.Method{
		"Adam": optim.Adam{Rate: 0.3}, "L-BFGS": optim.LBFGS{}, "SR1": optim.SR1{}, "gonum BFGS": optim.Gonum{Method: &optimize.BFGS{GradStopThreshold: math.NaN()}},
	} {
		center := 1.0
		obj, err := objective.FromFunction(3, func(theta, gradient []float64) (f float64) {
			for i, v := range theta {
				gradient[i] = float64(i+1) * math.Pow(v-center, 3)
				f += float64(i+1) * math.Pow(v-center, 4) / 4
			}
			return f
		})
		if err != nil {
			t.Fatal(err)
		}
		obj.Adaptation = movingCenter{&center}
		r := minimize(t, obj, []float64{0, 0.5, 2}, method, optim.Options{MaxIterations: 150})
		for i, v := range r.Theta {
			if math.Abs(v-3) > 0.05 {
				t.Errorf("%s: θ%d = %v, want 3: %s", name, i, v, r)
			}
		}
	}
}

func TestFunctionFloat32(t *testing.T) {
	p := problems["Rosenbrock"]
	for _, method := range []optim.Method{optim.BFGS{Search: search.HagerZhang{}}, optim.SR1{}, optim.Gonum{Method: &optimize.LBFGS{}}} {
		obj := p.ofHost(t)
		obj.DType = dtypes.Float32
		r := minimize(t, obj, p.start, method, optim.Options{LossTolerance: 1e-8})
		if r.Status != optim.LossReached || float64(float32(r.Theta[0])) != r.Theta[0] {
			t.Errorf("%s: %s, θ = %v", method.Name(), r, r.Theta)
		}
	}
}

func TestFunctionErrors(t *testing.T) {
	if _, err := objective.FromFunction(2, nil); err == nil || !strings.Contains(err.Error(), "function is nil") {
		t.Errorf("error %v for no function", err)
	}
	if _, err := objective.FromFunction(0, logBarrier); err == nil || !strings.Contains(err.Error(), "Dim is 0") {
		t.Errorf("error %v for no dimension", err)
	}
	with := func(change func(o *objective.Objective)) *objective.Objective {
		obj, err := objective.FromFunction(2, logBarrier)
		if err != nil {
			t.Fatal(err)
		}
		change(obj)
		return obj
	}
	start := []float64{1, 2}
	sum := func(theta *graph.Node, _ []*graph.Node) *graph.Node { return graph.ReduceAllSum(theta) }
	for word, change := range map[string]func(o *objective.Objective){
		"a Function and a Loss": func(o *objective.Objective) { o.Loss = sum },
		"a Function and Data":   func(o *objective.Objective) { o.Data = []*tensors.Tensor{tensors.FromScalar(1.0)} },
		"a Function and Terms":  func(o *objective.Objective) { o.Terms = &objective.Terms{} },
		"nor Pieces nor Funct":  func(o *objective.Objective) { o.Function = nil },
	} {
		mustFail(t, with(change), start, optim.LBFGS{}, optim.Options{}, word)
	}
	obj := with(func(*objective.Objective) {})
	for word, method := range map[string]optim.Method{
		"ExactGradientDescent needs products with the Hessian, which Objective.Function does not give": optim.ExactGradientDescent{},
		"NewtonTrustRegion needs products":   optim.NewtonTrustRegion{},
		"CubicRegularization needs products": optim.CubicRegularization{},
		"SGD needs samples":                  optim.SGD{},
		"MiniBatch needs samples":            optim.MiniBatch{},
		"SVRG needs samples":                 optim.SVRG{},
		"SAGA needs samples":                 optim.SAGA{},
		"Muon needs Objective.Blocks":        optim.Muon{},
	} {
		mustFail(t, obj, start, method, optim.Options{}, word)
	}
	e, err := objective.NewEvaluator(obj)
	if err != nil {
		t.Fatal(err)
	}
	f, g, err := e.At([]float64{1, 2})
	if err != nil || math.Abs(f-(3-math.Log(2))) > 1e-15 || g[0] != 0 || g[1] != 0.5 {
		t.Errorf("the evaluator gives %v, %v and error %v", f, g, err)
	}
}
