package optim_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// newtonMethods are the Newton methods with a line search that take all samples.
var newtonMethods = map[string]optim.Method{
	"Newton–CG":                  optim.NewtonCG{},
	"Newton–CG, Gauss–Newton":    optim.NewtonCG{Matrix: objective.GaussNewtonMatrix},
	"NysNewton–CG":               optim.NNCG{},
	"NysNewton–CG, Gauss–Newton": optim.NNCG{Matrix: objective.GaussNewtonMatrix},
}

func TestNewtonCGOnProblems(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, p := range problems {
			for label, method := range newtonMethods {
				if strings.HasSuffix(t.Name(), "/xla") && (name != "Beale" || label != "Newton–CG") {
					continue // much the same programs, which take XLA a second each to compile
				}
				r := minimize(t, p.objective(b), p.start, method, optim.Options{MaxIterations: 1000, GradientTolerance: 1e-8})
				if r.Status != optim.GradientSmall && r.Status != optim.SearchFailed {
					t.Errorf("%s, %s: %s", name, label, r)
				}
				for i, want := range p.solution {
					if math.Abs(r.Theta[i]-want) > 1e-6*math.Max(1, math.Abs(want)) {
						t.Errorf("%s, %s: θ%d = %v, want %v (%s)", name, label, i, r.Theta[i], want, r)
					}
				}
				checkHistory(t, name, r)
				t.Logf("%s, %s: %d iterations, %d evaluations, %.1f s", name, label, r.Iterations, r.Evaluations, r.Seconds)
			}
		}
	})
}

// TestNewtonSteps: a step that is solved exactly is that of Newton's method, by gonum's gradients and their differences.
func TestNewtonSteps(t *testing.T) {
	for name, p := range problems {
		if name == "Brown badly scaled" {
			continue // differences lose all digits of the smaller eigenvalue
		}
		n := len(p.start)
		start, gradient := slices.Clone(p.solution), make([]float64, n)
		for i := range start {
			start[i] += 0.01 * math.Cos(float64(i))
		}
		p.reference.Grad(gradient, start)
		differences := mat.NewDense(n, n, nil)
		fd.Jacobian(differences, p.reference.Grad, start, &fd.JacobianSettings{Formula: fd.Central})
		for _, c := range []struct {
			method  optim.Method
			damping float64
		}{
			{optim.NewtonCG{Forcing: 1e-13, MaxProducts: 1000}, 0},
			{optim.NNCG{Forcing: 1e-13, Damping: 0.1}, 0.1},
			{optim.NNCG{Forcing: 1e-13, Rank: 1, MaxRank: 1}, 1e-4},
		} {
			damped := mat.DenseCopyOf(differences)
			for i := range n {
				damped.Set(i, i, damped.At(i, i)+c.damping)
			}
			var newton mat.VecDense
			if err := newton.SolveVec(damped, mat.NewVecDense(n, gradient)); err != nil {
				t.Fatal(err)
			}
			want := slices.Clone(start)
			floats.Sub(want, newton.RawVector().Data)
			r := minimize(t, p.objective(pureGo(t)), start, c.method, optim.Options{MaxIterations: 1})
			if off := floats.Distance(r.Theta, want, 2); off > 1e-5*mat.Norm(&newton, 2) || r.Iterations != 1 {
				t.Errorf("%s, %s: off Newton's step of length %.2g by %.2g: %s", name, c.method.Name(), mat.Norm(&newton, 2), off, r)
			}
		}
	}
}

// TestNewtonCGOnSpectra: quadratics of any condition are minimized in a few steps, and those of a moderate one with few
// products as well.
func TestNewtonCGOnSpectra(t *testing.T) {
	for _, c := range []struct {
		kappa       float64
		method      optim.Method
		iterations  int
		evaluations int
	}{
		{1e2, optim.NewtonCG{}, 20, 150},
		{1e2, optim.NewtonCG{Forcing: 1e-8}, 3, 150},
		{1e2, optim.NNCG{}, 8, 80},
		{1e6, optim.NewtonCG{}, 40, 1200},
		{1e6, optim.NewtonCG{Forcing: 1e-8, MaxProducts: 1000}, 4, 800},
		{1e6, optim.NNCG{}, 8, 80},
		{1e12, optim.NewtonCG{Forcing: 1e-8, MaxProducts: 5000}, 5, 3000},
		{1e12, optim.NNCG{}, 12, 120},
	} {
		obj, start := quadratic(pureGo(t), spectrum(40, c.kappa))
		r := minimize(t, obj, start, c.method, optim.Options{MaxIterations: c.iterations, GradientTolerance: 1e-6})
		if r.Status != optim.GradientSmall || r.Loss > 1e-12 || r.Evaluations > c.evaluations {
			t.Errorf("κ = %g, %s: %s, %d evaluations, want at most %d", c.kappa, c.method.Name(), r, r.Evaluations, c.evaluations)
		}
		checkHistory(t, "spectrum", r)
	}
}

// TestNewtonCGIsSuperlinear: the last steps gain more and more.
func TestNewtonCGIsSuperlinear(t *testing.T) {
	p := problems["Rosenbrock in R¹⁰"]
	for label, method := range map[string]optim.Method{"Hessian": optim.NewtonCG{}, "Gauss–Newton": optim.NewtonCG{Matrix: objective.GaussNewtonMatrix}} {
		r := minimize(t, p.objective(pureGo(t)), p.start, method, optim.Options{MaxIterations: 100, GradientTolerance: 1e-7})
		records := r.History.Records
		n := len(records) - 1
		last, before := records[n].GradientNorm/records[n-1].GradientNorm, records[n-1].GradientNorm/records[n-2].GradientNorm
		if r.Status != optim.GradientSmall || !(last < 0.02 && last < before) {
			t.Errorf("%s: %s, the last factors of the gradient are %.2g and %.2g", label, r, before, last)
		}
	}
}

// TestNewtonCGLeavesSaddles: from beside a saddle point, and from where the gradient has negative curvature.
func TestNewtonCGLeavesSaddles(t *testing.T) {
	lowest := -1.01 * 1.01 / 4
	for _, start := range [][]float64{{0.05, 0.3, -0.2}, {0.05, 0, 0}, {1e-6, 0, 0}} {
		for _, method := range []optim.Method{optim.NewtonCG{}, optim.NNCG{}} {
			r := minimize(t, doubleWell(pureGo(t)), start, method, optim.Options{MaxIterations: 200, GradientTolerance: 1e-8})
			if r.Status != optim.GradientSmall || math.Abs(r.Loss-lowest) > 1e-14 || math.Abs(math.Abs(r.Theta[0])-math.Sqrt(1.01)) > 1e-8 {
				t.Errorf("%s from %v: %s at %v, want the loss %v", method.Name(), start, r, r.Theta, lowest)
			}
		}
	}
}

// tinyPINN is the sum of squares of u″ + π² sin πx at points of (0, 1), for u = x(1−x)·n(x) with a network n of some
// tanh units. A solution is u = sin πx.
func tinyPINN(b compute.Backend, dtype dtypes.DType, units, points int) (*objective.Objective, []float64) {
	xs := make([]float64, points)
	for i := range xs {
		xs[i] = (float64(i) + 0.5) / float64(points)
	}
	start := make([]float64, 3*units)
	for k := range units {
		s := float64(k) + 0.5
		start[k], start[units+k], start[2*units+k] = 3*math.Sin(7*s), 2*math.Sin(11*s), math.Sin(13*s)/math.Sqrt(float64(units))
	}
	return &objective.Objective{Backend: b, Dim: 3 * units, DType: dtype, Pieces: func(theta *graph.Node, _ []*graph.Node) []*graph.Node {
		x := graph.ConvertDType(graph.Reshape(graph.Const(theta.Graph(), xs), points, 1), theta.DType())
		part := func(i int) *graph.Node {
			return graph.Reshape(graph.Slice(theta, graph.AxisRange(i*units, (i+1)*units)), 1, units)
		}
		hidden := graph.Tanh(graph.Add(graph.Mul(x, part(0)), part(1)))
		n := graph.ReduceAndKeep(graph.Mul(hidden, part(2)), graph.ReduceSum, 1)
		u := graph.Mul(graph.Mul(x, graph.OneMinus(x)), n)
		force := graph.MulScalar(graph.Sin(graph.MulScalar(x, math.Pi)), math.Pi*math.Pi)
		return []*graph.Node{graph.MulScalar(graph.Add(autodiff.Of(u, x).Laplacian(), force), 1/math.Sqrt(float64(points)))}
	}}, start
}

// TestNewtonCGOnNetworks: with more parameters than residuals and the reverse, in both precisions.
func TestNewtonCGOnNetworks(t *testing.T) {
	exact := optim.NewtonCG{Matrix: objective.GaussNewtonMatrix, Forcing: 1e-6, MaxProducts: 1000}
	for _, c := range []struct {
		points int
		dtype  dtypes.DType
		method optim.Method
		loss   float64
		most   int
	}{
		{8, dtypes.Float64, optim.NewtonCG{}, 1e-10, 100},
		{8, dtypes.Float64, exact, 1e-14, 20},
		{8, dtypes.Float64, optim.NNCG{}, 1e-10, 60},
		{8, dtypes.Float64, optim.NNCG{Matrix: objective.GaussNewtonMatrix}, 1e-10, 60},
		{8, dtypes.Float32, optim.NewtonCG{}, 1e-9, 100},
		{8, dtypes.Float32, exact, 1e-9, 20},
		{8, dtypes.Float32, optim.NNCG{}, 1e-9, 60},
		{40, dtypes.Float64, optim.NewtonCG{Forcing: 1e-3}, 1e-6, 150},
		{40, dtypes.Float64, exact, 1e-6, 150},
		{40, dtypes.Float64, optim.NNCG{}, 1e-6, 150},
		{40, dtypes.Float32, optim.NNCG{}, 1e-6, 150},
	} {
		obj, start := tinyPINN(pureGo(t), c.dtype, 10, c.points)
		r := minimize(t, obj, start, c.method, optim.Options{MaxIterations: c.most, LossTolerance: c.loss})
		if r.Status != optim.LossReached {
			t.Errorf("%d points in %s, %s: %s", c.points, c.dtype, c.method.Name(), r)
		}
		checkHistory(t, c.method.Name(), r)
	}
}

// TestNewtonCGAtTheEdge: starts where nothing is to be done, or nothing can be.
func TestNewtonCGAtTheEdge(t *testing.T) {
	b := pureGo(t)
	for label, method := range newtonMethods {
		p := problems["Wood"]
		if r := minimize(t, p.objective(b), p.solution, method, optim.Options{MaxIterations: 5}); r.Iterations != 0 || r.Loss != 0 {
			t.Errorf("%s at a solution with residuals of zero: %s", label, r)
		}
		obj := p.objective(b)
		obj.Residual = func(theta *graph.Node, data []*graph.Node) *graph.Node { return graph.Sqrt(p.residual(theta, data)) }
		if r := minimize(t, obj, p.start, method, optim.Options{MaxIterations: 5}); r.Status != optim.NonFinite || r.Iterations != 0 || !slices.Equal(r.Theta, p.start) {
			t.Errorf("%s from where the loss is no number: %s", label, r)
		}
	}
	// The gradient of θ₀^1.5 at zero is zero, and its second derivative infinite.
	for _, method := range []optim.Method{optim.NewtonCG{}, optim.NNCG{}} {
		obj := &objective.Objective{Backend: b, Dim: 2, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			edge := graph.Pow(entry(theta, 0), graph.Scalar(theta.Graph(), theta.DType(), 1.5))
			y := entry(theta, 1)
			return graph.ReduceAllSum(graph.Add(edge, graph.Sub(graph.Square(y), y)))
		}}
		r := minimize(t, obj, []float64{0, 0}, method, optim.Options{MaxIterations: 20, GradientTolerance: 1e-10})
		if r.Status != optim.GradientSmall || r.Loss != -0.25 {
			t.Errorf("%s where the Hessian is not finite: %s", method.Name(), r)
		}
	}
}

func TestNewtonCGResume(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		if strings.HasSuffix(t.Name(), "/xla") {
			checkResume(t, b, optim.NNCG{Every: 4}, 6)
			return
		}
		for _, method := range newtonMethods {
			checkResume(t, b, method, 6)
		}
		for _, every := range []int{1, 3, 4} {
			for stop := 1; stop < 9; stop++ {
				checkResume(t, b, optim.NNCG{Every: every, Damping: 1e-2, Rank: 2, Seed: 5}, stop)
			}
		}
	})
}

func TestNewtonCGAdaptation(t *testing.T) {
	for _, method := range []optim.Method{optim.NewtonCG{}, optim.NNCG{}} {
		checkAdaptation(t, method)
	}
}

func TestNewtonCGSettings(t *testing.T) {
	p := problems["Wood"]
	obj := p.objective(pureGo(t))
	loss := energy(pureGo(t))
	host := p.ofHost(t)
	for _, c := range []struct {
		obj    *objective.Objective
		method optim.Method
		word   string
	}{
		{obj, optim.NewtonCG{Forcing: 1}, "NewtonCG.Forcing is 1"},
		{obj, optim.NewtonCG{Forcing: math.NaN()}, "NewtonCG.Forcing is NaN"},
		{obj, optim.NewtonCG{MaxProducts: -1}, "NewtonCG.MaxProducts is -1"},
		{obj, optim.NewtonCG{Matrix: 7}, "NewtonCG.Matrix is 7"},
		{obj, optim.NewtonCG{Search: search.StrongWolfe{Decrease: 2}}, "StrongWolfe.Decrease"},
		{host, optim.NewtonCG{}, "products with the Hessian"},
		{loss, optim.NewtonCG{Matrix: objective.GaussNewtonMatrix}, "NewtonCG with the Gauss–Newton matrix needs the residuals"},
		{obj, optim.NNCG{Damping: -1}, "NNCG.Damping is -1"},
		{obj, optim.NNCG{Rank: 7, MaxRank: 3}, "NNCG.MaxRank is 3, expected at least Rank = 7"},
		{obj, optim.NNCG{Rank: -1}, "NNCG.Rank is -1"},
		{obj, optim.NNCG{MaxRank: -1}, "NNCG.MaxRank is -1"},
		{obj, optim.NNCG{Every: -1}, "NNCG.Every is -1"},
		{obj, optim.NNCG{Forcing: -1}, "NNCG.Forcing is -1"},
		{obj, optim.NNCG{MaxProducts: -1}, "NNCG.MaxProducts is -1"},
		{host, optim.NNCG{}, "products with the Hessian"},
		{loss, optim.NNCG{Matrix: objective.GaussNewtonMatrix}, "NNCG with the Gauss–Newton matrix needs the residuals"},
	} {
		mustFail(t, c.obj, make([]float64, c.obj.Dim), c.method, optim.Options{}, c.word)
	}
	for matrix, want := range map[objective.CurvatureMatrix]string{objective.HessianMatrix: "Hessian", objective.GaussNewtonMatrix: "Gauss–Newton matrix", 7: "CurvatureMatrix(7)"} {
		if got := matrix.String(); got != want {
			t.Errorf("the matrix is called %q, want %q", got, want)
		}
	}
}
