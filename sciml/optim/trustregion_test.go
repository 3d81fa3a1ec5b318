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
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// regionMethods are all methods with a trust region.
var regionMethods = []optim.Method{optim.NewtonTrustRegion{}, optim.CubicRegularization{}, optim.SR1{}, optim.LSR1{}, optim.Dogleg{}}

func TestTrustRegionOnProblems(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, p := range problems {
			if strings.HasSuffix(t.Name(), "/xla") && name != "Wood" {
				continue // the same programs, which take XLA a second each to compile
			}
			for _, method := range regionMethods {
				r := minimize(t, p.objective(b), p.start, method, optim.Options{MaxIterations: 1000, GradientTolerance: 1e-8})
				if r.Status != optim.GradientSmall && r.Status != optim.SearchFailed {
					t.Errorf("%s, %s: %s", name, method.Name(), r)
				}
				for i, want := range p.solution {
					if math.Abs(r.Theta[i]-want) > 1e-6*math.Max(1, math.Abs(want)) {
						t.Errorf("%s, %s: θ%d = %v, want %v (%s)", name, method.Name(), i, r.Theta[i], want, r)
					}
				}
				checkHistory(t, name, r)
				t.Logf("%s, %s: %d iterations, %d evaluations, %.1f s", name, method.Name(), r.Iterations, r.Evaluations, r.Seconds)
			}
		}
	})
}

// doubleWell is x⁴/4 − x²/2 + ½Σyᵢ² + x·y₁/10, with a saddle point at zero between two minimizers. Near the saddle its
// Hessian has one negative eigenvalue.
func doubleWell(b compute.Backend) *objective.Objective {
	return &objective.Objective{Backend: b, Dim: 3, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		x, y := entry(theta, 0), graph.Slice(theta, graph.AxisRangeToEnd(1))
		square := graph.Square(x)
		well := graph.Sub(graph.MulScalar(graph.Square(square), 0.25), graph.MulScalar(square, 0.5))
		cross := graph.MulScalar(graph.Mul(x, entry(theta, 1)), 0.1)
		return graph.Add(graph.ReduceAllSum(graph.Add(well, cross)), graph.MulScalar(graph.ReduceAllSum(graph.Square(y)), 0.5))
	}}
}

// TestSaddle: Newton's method goes to the saddle, where a trust region leaves it along the negative curvature.
func TestSaddle(t *testing.T) {
	start := []float64{0.05, 0.3, -0.2}
	x := append([]float64(nil), start...)
	for range 20 {
		g := mat.NewVecDense(3, []float64{x[0]*x[0]*x[0] - x[0] + 0.1*x[1], x[1] + 0.1*x[0], x[2]})
		h := mat.NewDense(3, 3, []float64{3*x[0]*x[0] - 1, 0.1, 0, 0.1, 1, 0, 0, 0, 1})
		var step mat.VecDense
		if err := step.SolveVec(h, g); err != nil {
			t.Fatal(err)
		}
		floats.Sub(x, step.RawVector().Data)
	}
	if floats.Norm(x, 2) > 1e-12 {
		t.Fatalf("Newton's method ends at %v, not at the saddle", x)
	}
	// y₁ = −x/10, so that x² = 1.01.
	want, lowest := math.Sqrt(1.01), -1.01*1.01/4
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for _, method := range regionMethods {
			r := minimize(t, doubleWell(b), start, method, optim.Options{MaxIterations: 100, GradientTolerance: 1e-10})
			if r.Status != optim.GradientSmall || math.Abs(math.Abs(r.Theta[0])-want) > 1e-7 || math.Abs(r.Loss-lowest) > 1e-14 {
				t.Errorf("%s: θ = %v, %s", method.Name(), r.Theta, r)
			}
			if strings.HasSuffix(t.Name(), "/xla") {
				break
			}
		}
	})
}

// TestRegionSuperlinear: successive gradient norms have ratios that go to zero, on a convex function and on Rosenbrock's.
func TestRegionSuperlinear(t *testing.T) {
	b := pureGo(t)
	p := problems["Rosenbrock in R¹⁰"]
	for name, c := range map[string]struct {
		obj   *objective.Objective
		start []float64
	}{"convex": {convex(b), []float64{1, -1, 1.5, 0.5, -0.7, 1.2}}, "Rosenbrock": {p.objective(b), p.start}} {
		for _, method := range append(regionMethods, optim.LSR1{Memory: 20}, optim.BFGS{}) {
			r := minimize(t, c.obj, c.start, method, optim.Options{GradientTolerance: 1e-9})
			records := r.History.Records
			last := len(records) - 1
			if r.Status != optim.GradientSmall || last < 4 {
				t.Fatalf("%s, %s: %s", name, method.Name(), r)
			}
			ratio := records[last].GradientNorm / records[last-1].GradientNorm
			three := math.Pow(records[last].GradientNorm/records[last-3].GradientNorm, 1.0/3)
			t.Logf("%s, %s: %d iterations, the last one by a factor of %.2g, the last three by %.2g", name, method.Name(), last, ratio, three)
			if !(three < 0.15) {
				t.Errorf("%s, %s: the last three iterations lower the gradient by %.2g each, the last one by %.2g: not superlinear", name, method.Name(), three, ratio)
			}
			if _, newton := method.(optim.NewtonTrustRegion); newton && !(ratio < 0.02) {
				t.Errorf("%s: Newton's last iteration lowers the gradient by no more than %.2g", name, ratio)
			}
		}
	}
}

// coupled is ½Σ dᵢθᵢ² + ½(Σθᵢ)².
func coupled(b compute.Backend, d []float64) *objective.Objective {
	return &objective.Objective{Backend: b, Dim: len(d), Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		weighted := graph.Mul(graph.Const(theta.Graph(), d), graph.Square(theta))
		return graph.MulScalar(graph.Add(graph.ReduceAllSum(weighted), graph.Square(graph.ReduceAllSum(theta))), 0.5)
	}}
}

// TestRegionOnQuadratic: Newton's method takes one step, with an exact solution of its system, and SR1 has the Hessian after n
// steps, whatever they are.
func TestRegionOnQuadratic(t *testing.T) {
	b := pureGo(t)
	d, start := []float64{1, 3, 7, 20, 50}, []float64{1, -1, 2, 0.5, -0.3}
	wide := optim.TrustRegion{Radius: 100}
	exact := optim.NewtonTrustRegion{Region: wide, Forcing: 1e-12}
	for _, c := range []struct {
		method optim.Method
		most   int
	}{{exact, 1}, {optim.NewtonTrustRegion{Region: wide}, 10}, {optim.SR1{Region: wide}, len(d) + 4}, {optim.LSR1{Region: wide}, len(d) + 4}} {
		r := minimize(t, coupled(b, d), start, c.method, optim.Options{GradientTolerance: 1e-10})
		if r.Status != optim.GradientSmall || r.Iterations > c.most {
			t.Errorf("%s: %s, want at most %d iterations", c.method.Name(), r, c.most)
		}
	}
	// Unbounded below: every method goes down for as long as it may.
	for _, method := range regionMethods {
		r := minimize(t, coupled(b, []float64{1, -4, 2}), []float64{1, 0.1, -1}, method, optim.Options{MaxIterations: 50})
		if r.Loss > -1e6 {
			t.Errorf("%s, no minimizer: %s", method.Name(), r)
		}
	}
}

// TestRegionNotFinite: −log(1 − θᵢ) − θᵢ/2 is not defined beyond one, where steps from the start lead to.
func TestRegionNotFinite(t *testing.T) {
	obj := &objective.Objective{Backend: pureGo(t), Dim: 2, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		barrier := graph.Neg(graph.Log(graph.OneMinus(theta)))
		return graph.ReduceAllSum(graph.Sub(barrier, graph.MulScalar(theta, 10)))
	}}
	for _, method := range regionMethods {
		r := minimize(t, obj, []float64{-3, 0.5}, method, optim.Options{GradientTolerance: 1e-9})
		if r.Status != optim.GradientSmall || math.Abs(r.Theta[0]-0.9) > 1e-8 || math.Abs(r.Theta[1]-0.9) > 1e-8 {
			t.Errorf("%s: θ = %v, want 0.9; %s", method.Name(), r.Theta, r)
		}
		if r.Evaluations <= r.Iterations+1 {
			t.Errorf("%s: no step was refused, which does not test what it should", method.Name())
		}
	}
	r := minimize(t, obj, []float64{2, 0}, optim.SR1{}, optim.Options{})
	if r.Status != optim.NonFinite || !math.IsInf(r.Loss, 1) {
		t.Errorf("a start that is not finite: %s", r)
	}
}

// TestRegionTooSmall: at a kink no step lowers the loss, and the radius goes to zero.
func TestRegionTooSmall(t *testing.T) {
	obj := &objective.Objective{Backend: pureGo(t), Dim: 2, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		return graph.ReduceAllSum(graph.Abs(graph.AddScalar(theta, -0.2))) // at zero, steps could be as short as numbers can be
	}}
	for _, method := range regionMethods {
		r := minimize(t, obj, []float64{0.5, -0.5}, method, optim.Options{MaxIterations: 500})
		if r.Status != optim.SearchFailed || !strings.Contains(r.Message, "trust region became too small") || r.Loss > 0.1 {
			t.Errorf("%s: %s", method.Name(), r)
		}
	}
	flat := &objective.Objective{Backend: pureGo(t), Dim: 2, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		return graph.MulScalar(graph.ReduceAllSum(theta), 0)
	}}
	if r := minimize(t, flat, []float64{1, 2}, optim.SR1{}, optim.Options{}); r.Status != optim.Stationary || !strings.Contains(r.Message, "may not depend on θ") {
		t.Errorf("a constant: %s", r)
	}
}

func TestRegionFloat32(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		p := problems["Rosenbrock in R¹⁰"]
		for _, method := range regionMethods {
			obj := p.objective(b)
			obj.DType = dtypes.Float32
			r := minimize(t, obj, p.start, method, optim.Options{MaxIterations: 300, LossTolerance: 1e-10})
			if r.Status != optim.LossReached {
				t.Errorf("%s: %s", method.Name(), r)
			}
			// To the end of what single precision allows, and not for ever.
			r = minimize(t, obj, p.start, method, optim.Options{MaxIterations: 300, GradientTolerance: 1e-30})
			if r.Status != optim.SearchFailed && r.Status != optim.GradientSmall || r.Loss > 1e-11 {
				t.Errorf("%s, to the end: %s", method.Name(), r)
			}
			if strings.HasSuffix(t.Name(), "/xla") {
				break
			}
		}
	})
}

func TestRegionResume(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for _, method := range regionMethods {
			checkResume(t, b, method, 6)
			if strings.HasSuffix(t.Name(), "/xla") {
				break
			}
		}
	})
}

// checkResume interrupts a run on Rosenbrock's function and compares it, resumed, with one that was not interrupted.
func checkResume(t *testing.T, b compute.Backend, method optim.Method, stop int) {
	t.Helper()
	p := problems["Rosenbrock in R¹⁰"]
	checkResumeOf(t, func() *objective.Objective { return p.objective(b) }, p.start, method, stop, 20)
}

// checkResumeOf is checkResume for any objective and end.
func checkResumeOf(t *testing.T, objective func() *objective.Objective, start []float64, method optim.Method, stop, end int) {
	t.Helper()
	options := optim.Options{MaxIterations: end}
	whole := minimize(t, objective(), start, method, options)
	options.CheckpointPath = filepath.Join(t.TempDir(), "run")
	options.MaxIterations = stop
	minimize(t, objective(), start, method, options)
	c, err := optim.LoadCheckpoint(options.CheckpointPath)
	if err != nil {
		t.Fatal(err)
	}
	options.MaxIterations = end
	resumed, err := optim.Resume(context.Background(), objective(), c, method, options)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := withoutTime(resumed.History), withoutTime(whole.History); !slices.Equal(resumed.Theta, whole.Theta) || !reflect.DeepEqual(got, want) {
		t.Errorf("%s, resumed at %d: %s, want %s", method.Name(), stop, resumed, whole)
	}
}

func TestRegionAdaptation(t *testing.T) {
	for _, method := range regionMethods {
		checkAdaptation(t, method)
	}
}

// checkAdaptation: a changed objective, Σ eᶿ − dᵢθᵢ, is minimized from where the iterate is.
func checkAdaptation(t *testing.T, method optim.Method) {
	t.Helper()
	obj := energy(pureGo(t))
	obj.Loss = func(theta *graph.Node, data []*graph.Node) *graph.Node {
		return graph.ReduceAllSum(graph.Sub(graph.Exp(theta), graph.Mul(data[0], theta)))
	}
	s := &shifting{}
	obj.Adaptation = s
	r := minimize(t, obj, []float64{1, 1, 1}, method, optim.Options{MaxIterations: 18})
	lowest := 0.0
	for _, d := range s.data {
		lowest += d - d*math.Log(d)
	}
	if len(s.calls) < 3 || !(r.Loss-lowest < 1e-3) || r.Loss < lowest-1e-12 {
		t.Errorf("%s, adapted at %v: loss %v, the minimum is %v", method.Name(), s.calls, r.Loss, lowest)
	}
}

func TestRegionSettings(t *testing.T) {
	p := problems["Wood"]
	obj := p.objective(pureGo(t))
	for word, method := range map[string]optim.Method{
		"TrustRegion.Radius is -1":                         optim.NewtonTrustRegion{Region: optim.TrustRegion{Radius: -1}},
		"MaxRadius 0.5":                                    optim.SR1{Region: optim.TrustRegion{MaxRadius: 0.5}},
		"TrustRegion.Accept is 0.95":                       optim.LSR1{Region: optim.TrustRegion{Accept: 0.95}},
		"TrustRegion.MaxProducts is -2":                    optim.Dogleg{Region: optim.TrustRegion{MaxProducts: -2}},
		"NewtonTrustRegion.Forcing is 1, expected":         optim.NewtonTrustRegion{Forcing: 1},
		"CubicRegularization.Sigma is -1":                  optim.CubicRegularization{Sigma: -1},
		"CubicRegularization.Accept is 0.95":               optim.CubicRegularization{Accept: 0.95},
		"CubicRegularization.Forcing is 2":                 optim.CubicRegularization{Forcing: 2},
		"CubicRegularization.MaxProducts is -1":            optim.CubicRegularization{MaxProducts: -1},
		"LSR1.Memory is -1":                                optim.LSR1{Memory: -1},
		"SR1.MaxMemory is -1":                              optim.SR1{MaxMemory: -1},
		"SR1 needs 1.19e-07 GiB for the Hessian":           optim.SR1{MaxMemory: 127},
		"needs 2.38e-07 GiB for the Hessian and its inver": optim.Dogleg{MaxMemory: 255},
	} {
		mustFail(t, obj, p.start, method, optim.Options{}, word)
	}
	minimize(t, obj, p.start, optim.SR1{MaxMemory: 128}, optim.Options{MaxIterations: 1})
	minimize(t, obj, p.start, optim.Dogleg{MaxMemory: 256}, optim.Options{MaxIterations: 1})
}
