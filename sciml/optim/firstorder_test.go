package optim_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// firstOrder has every first-order method with every kind of state, at rates for a gradient of a few units.
var firstOrder = map[string]optim.Method{
	"gradient descent":    optim.GradientDescent{Rate: 0.05, Schedule: optim.Plateau{Patience: 3}},
	"exact":               optim.ExactGradientDescent{},
	"momentum":            optim.Momentum{Rate: 0.02, Schedule: optim.WarmUp{Steps: 10, Then: optim.Exponential{Every: 30}}},
	"Nesterov":            optim.Nesterov{Rate: 0.02, Restart: optim.FunctionRestart, Schedule: optim.StepDecay{Every: 6}},
	"Nesterov, condition": optim.Nesterov{Rate: 0.02, Condition: 40, Restart: optim.GradientRestart},
	"Adagrad":             optim.Adagrad{Rate: 0.1, Schedule: optim.Cosine{Total: 25, Floor: 0.1}},
	"RMSProp":             optim.RMSProp{Rate: 0.01},
	"AMSGrad":             optim.Adam{Rate: 0.05, AMSGrad: true, WeightDecay: 0.01, Schedule: optim.WarmUp{Steps: 4, Then: optim.Plateau{}}},
	"Lion":                optim.Lion{Rate: 0.01},
	"Muon":                optim.Muon{Adam: optim.Adam{AMSGrad: true}, Schedule: optim.Exponential{Every: 20}},
	"Barzilai–Borwein":    optim.BarzilaiBorwein{Size: optim.AlternatingBB},
	"BB, non-monotone":    optim.BarzilaiBorwein{Search: search.NonMonotone{Memory: 4}},
	"CG, Polak–Ribière":   optim.NonlinearCG{Restart: 9},
	"CG, Hager and Zhang": optim.NonlinearCG{Formula: optim.CGDescent, Search: search.HagerZhang{}},
	"CG, Fletcher–Reeves": optim.NonlinearCG{Formula: optim.FletcherReeves},
}

// TestFirstOrderResume: runs that were interrupted end as uninterrupted ones do, bit for bit.
func TestFirstOrderResume(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, method := range firstOrder {
			if strings.HasSuffix(t.Name(), "/xla") && name != "momentum" {
				continue // XLA takes a second to compile each
			}
			obj, start, _, _ := layered(b)
			options := optim.Options{MaxIterations: 24}
			whole := minimize(t, obj, start, method, options)
			for _, stop := range []int{1, 13} {
				options.CheckpointPath = filepath.Join(t.TempDir(), "run")
				first := options
				first.MaxIterations = stop
				minimize(t, obj, start, method, first)
				c, err := optim.LoadCheckpoint(options.CheckpointPath)
				if err != nil {
					t.Fatal(err)
				}
				resumed, err := optim.Resume(context.Background(), obj, c, method, options)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(resumed.Theta, whole.Theta) || resumed.Evaluations != whole.Evaluations || !reflect.DeepEqual(withoutTime(resumed.History), withoutTime(whole.History)) {
					t.Errorf("%s, resumed at %d: %s, want %s", name, stop, resumed, whole)
				}
			}
			if last := whole.History.Last(); whole.Loss >= whole.History.Records[0].Loss || math.IsNaN(last.Loss) {
				t.Errorf("%s: from loss %v to %v", name, whole.History.Records[0].Loss, last.Loss)
			}
		}
	})
}

// TestFirstOrderAdaptation: after a change of the objective nothing is compared with what was before it.
func TestFirstOrderAdaptation(t *testing.T) {
	for name, method := range firstOrder {
		if name == "Muon" {
			continue // it has no blocks there
		}
		obj := energy(pureGo(t))
		s := &shifting{}
		obj.Adaptation = s
		r := minimize(t, obj, []float64{1, 1, 1}, method, optim.Options{MaxIterations: 30})
		f := func(theta []float64) float64 {
			total := 0.0
			for i, d := range s.data {
				total += 0.5*d*theta[i]*theta[i] - theta[i]
			}
			return total
		}
		if math.Abs(f(r.Theta)-r.Loss) > 1e-12 || r.Loss > 0.5*f([]float64{1, 1, 1}) {
			t.Errorf("%s: the loss is %v, that of the result %v and of the start %v", name, r.Loss, f(r.Theta), f([]float64{1, 1, 1}))
		}
	}
}

// TestRebasedBB: an objective that is replaced by a multiple of it would give a secant without meaning; the step size of
// before is used once more instead.
func TestRebasedBB(t *testing.T) {
	obj := energy(pureGo(t))
	obj.Loss = func(theta *graph.Node, data []*graph.Node) *graph.Node {
		return times(graph.ReduceAllSum(graph.Mul(data[0], graph.Square(theta))), 0.5)
	}
	stepper, err := optim.BarzilaiBorwein{Rate: 0.1}.Start(obj, tensors.FromValue([]float64{1, 1, 1}))
	if err != nil {
		t.Fatal(err)
	}
	advance := func(n int) []float64 {
		if _, err := stepper.Advance(context.Background(), n, optim.Goal{Loss: math.Inf(-1)}); err != nil {
			t.Fatal(err)
		}
		return tensors.MustCopyFlatData[float64](stepper.Current())
	}
	first := advance(1)
	second := advance(1)
	rate := (1 - second[0]/first[0]) // the eigenvalue is one
	obj.Data[0] = tensors.FromValue([]float64{100, 400, 1000})
	stepper.Refresh()
	third := advance(1)
	if got := (1 - third[0]/second[0]) / 100; math.Abs(got-rate) > 1e-12 {
		t.Errorf("the step size after the change is %v, want %v as before it", got, rate)
	}
}

// TestFirstOrderFloat32: in single precision, no method leaves the numbers on a quadratic whose eigenvalues go from 1e-4
// to 1e4, from entries between 1e-6 and 1e3, nor after it has converged on one with eigenvalues from 1 to 3.
func TestFirstOrderFloat32(t *testing.T) {
	b := pureGo(t)
	hard, easy := spectrum(30, 1e8), spectrum(30, 3)
	start, ones := make([]float64, 30), make([]float64, 30)
	for i := range hard {
		hard[i] *= 1e-4
		start[i], ones[i] = math.Pow(10, float64(3-i%10)), 1
	}
	for name, method := range firstOrder {
		if name == "CG, Hager and Zhang" || name == "BB, non-monotone" {
			continue // their directions are tested with other searches
		}
		for _, c := range []struct {
			lambda, start []float64
			rate          float64
			iterations    int
		}{{hard, start, 1e-4, 1000}, {easy, ones, 0.3, 200}} {
			obj, _ := quadratic(b, c.lambda)
			obj.DType, obj.Blocks = dtypes.Float32, layers
			switch m := method.(type) { // rates that depend on the eigenvalues
			case optim.GradientDescent:
				m.Rate = c.rate
				method = m
			case optim.Momentum:
				m.Rate, m.Schedule = c.rate, nil
				method = m
			case optim.Nesterov:
				m.Rate = c.rate
				method = m
			}
			r := minimize(t, obj, c.start, method, optim.Options{MaxIterations: c.iterations})
			for _, rec := range r.History.Records {
				if !(math.Abs(rec.Loss) <= 1e12) || math.IsNaN(rec.Step) || math.IsNaN(rec.GradientNorm) {
					t.Fatalf("%s: %+v (%s)", name, rec, r)
				}
			}
			stopped := r.Status == optim.SearchFailed || r.Status == optim.GradientSmall
			if r.Iterations < c.iterations && !stopped || !(r.Loss < r.History.Records[0].Loss) {
				t.Errorf("%s: %s, from loss %v", name, r, r.History.Records[0].Loss)
			}
			t.Logf("%s: %s", name, r)
		}
	}
}

// TestBBOnNonconvex: with a search it minimizes what is not convex, too.
func TestBBOnNonconvex(t *testing.T) {
	for _, name := range []string{"Rosenbrock", "Wood", "Beale"} {
		p := problems[name]
		for size := optim.LongBB; size <= optim.AlternatingBB; size++ {
			if name == "Wood" && size == optim.ShortBB {
				continue // thousands of iterations go by at a saddle
			}
			r := minimize(t, p.objective(pureGo(t)), p.start, optim.BarzilaiBorwein{Size: size, Search: search.NonMonotone{}}, optim.Options{MaxIterations: 3000, GradientTolerance: 1e-6})
			for i, want := range p.solution {
				if math.Abs(r.Theta[i]-want) > 1e-4 {
					t.Errorf("%s, size %d: θ%d = %v, want %v (%s)", name, size, i, r.Theta[i], want, r)
				}
			}
			t.Logf("%s, size %d: %d iterations, %d evaluations", name, size, r.Iterations, r.Evaluations)
		}
	}
}

// The elastic energy of a string under its own weight, by conjugate gradients: ten unknowns, and symmetry leaves five.
func ExampleNonlinearCG() {
	b, err := backend.OpenConfig("go")
	if err != nil {
		panic(err)
	}
	const n, h = 10, 1.0 / 11
	objective := &objective.Objective{Backend: b, Dim: n, Loss: func(u *graph.Node, _ []*graph.Node) *graph.Node {
		zero := graph.Slice(graph.ZerosLike(u), graph.AxisRange(0, 1))
		left, right := graph.Concatenate([]*graph.Node{zero, u}, 0), graph.Concatenate([]*graph.Node{u, zero}, 0)
		elastic := graph.MulScalar(graph.ReduceAllSum(graph.Square(graph.Sub(right, left))), 0.5/h)
		return graph.Sub(elastic, graph.MulScalar(graph.ReduceAllSum(u), h))
	}}
	result, err := optim.Minimize(context.Background(), objective, make([]float64, n), optim.NonlinearCG{},
		optim.Options{GradientTolerance: 1e-9})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%d iterations, u = %.4f at x = 5/11: %s\n", result.Iterations, result.Theta[4], result.Status)
	// Output:
	// 5 iterations, u = 0.1240 at x = 5/11: gradient tolerance reached
}
