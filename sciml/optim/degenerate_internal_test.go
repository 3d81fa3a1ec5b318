package optim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/optimize"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// boldMethods take such steps that they leave where an objective is sound, and search in every way.
func boldMethods() map[string]Method {
	return map[string]Method{
		"Adam": Adam{Rate: 5}, "GD": GradientDescent{Rate: 5}, "momentum": Momentum{Rate: 5}, "Nesterov": Nesterov{Rate: 5}, "RMSProp": RMSProp{Rate: 5},
		"Adagrad": Adagrad{Rate: 5}, "Lion": Lion{Rate: 5}, "BB": BarzilaiBorwein{Rate: 5}, "BB, searched": BarzilaiBorwein{Rate: 5, Search: search.NonMonotone{}},
		"Adam → L-BFGS": Hybrid{{Adam{Rate: 5}, nil}, {LBFGS{}, nil}}, "GD → SSBroyden → SR1": Hybrid{{GradientDescent{Rate: 5}, Iterations(3)}, {SSBroyden{}, Iterations(3)}, {SR1{}, nil}},
		"L-BFGS, Hager–Zhang": LBFGS{Search: search.HagerZhang{}}, "BFGS, Armijo": BFGS{Search: search.Armijo{}}, "CG, grid": NonlinearCG{Search: search.Grid{}},
		"gonum CG": Gonum{&optimize.CG{}}, "gonum GD": Gonum{&optimize.GradientDescent{}}, "gonum BFGS": Gonum{&optimize.BFGS{}},
		"gonum Nelder–Mead": Gonum{&optimize.NelderMead{}},
	}
}

// degenerate is a function of two variables.
type degenerate struct {
	start []float64
	at    objective.Function
	// minimum is the lowest value, where a method may claim to have come to it; NaN where none may.
	minimum float64
}

// eachEntry sums a function of one variable, with its derivative.
func eachEntry(of func(x float64) (f, slope float64)) objective.Function {
	return func(theta, gradient []float64) float64 {
		total := 0.0
		for i, x := range theta {
			f, slope := of(x)
			total += f
			gradient[i] = slope
		}
		return total
	}
}

var inf, nan = math.Inf(1), math.NaN()

// barrier is x − ln x, and another value with a gradient of zero where that is not known.
func barrier(elsewhere float64) objective.Function {
	return func(theta, gradient []float64) float64 {
		total := 0.0
		for i, x := range theta {
			if !(x > 0) {
				clear(gradient)
				return elsewhere
			}
			total += x - math.Log(x)
			gradient[i] = 1 - 1/x
		}
		return total
	}
}

var degenerates = map[string]degenerate{
	"barrier, +Inf":           {[]float64{3, 3}, barrier(inf), 2},
	"barrier, NaN":            {[]float64{3, 3}, barrier(nan), 2},
	"barrier, -Inf":           {[]float64{3, 3}, barrier(-inf), 2},
	"barrier, from outside":   {[]float64{-3, 3}, barrier(inf), nan},
	"barrier, from -Inf":      {[]float64{-3, 3}, barrier(-inf), nan},
	"a plateau beyond":        {[]float64{3, 3}, barrier(100), 2},
	"constant":                {[]float64{1, 2}, eachEntry(func(float64) (float64, float64) { return 1, 0 }), nan},
	"constantly zero":         {[]float64{1, 2}, eachEntry(func(float64) (float64, float64) { return 0, 0 }), nan},
	"a stationary start":      {[]float64{0, 0}, eachEntry(func(x float64) (float64, float64) { return math.Pow(x*x-4, 2), 4 * x * (x*x - 4) }), nan},
	"nearly stationary":       {[]float64{1e-7, 1e-7}, eachEntry(func(x float64) (float64, float64) { return math.Pow(x*x-4, 2), 4 * x * (x*x - 4) }), 0},
	"absolute values":         {[]float64{1, -0.3}, eachEntry(func(x float64) (float64, float64) { return math.Abs(x - 0.3), math.Copysign(1, x-0.3) }), 0},
	"a hinge":                 {[]float64{1, 2}, eachEntry(func(x float64) (float64, float64) { return math.Max(x, 0), (1 + math.Copysign(1, x)) / 2 }), 0},
	"a well in a plain":       {[]float64{1, 1}, eachEntry(func(x float64) (float64, float64) { return -math.Exp(-x * x), 2 * x * math.Exp(-x*x) }), -2},
	"a slope without end":     {[]float64{1, 2}, eachEntry(func(x float64) (float64, float64) { return -x, -1 }), nan},
	"a parabola downwards":    {[]float64{1, 2}, eachEntry(func(x float64) (float64, float64) { return -x * x, -2 * x }), nan},
	"a gradient uphill":       {[]float64{1, 2}, eachEntry(func(x float64) (float64, float64) { return x * x, -2*x - 1 }), nan},
	"stairs":                  {[]float64{1.5, 2.5}, eachEntry(func(x float64) (float64, float64) { return math.Floor(x * x), math.Copysign(1, x) }), nan},
	"NaN everywhere":          {[]float64{1, 2}, eachEntry(func(x float64) (float64, float64) { return nan, 1 }), nan},
	"+Inf everywhere":         {[]float64{1, 2}, eachEntry(func(x float64) (float64, float64) { return inf, 0 }), nan},
	"-Inf everywhere":         {[]float64{1, 2}, eachEntry(func(x float64) (float64, float64) { return -inf, 0 }), nan},
	"a gradient of NaN":       {[]float64{1, 2}, eachEntry(func(x float64) (float64, float64) { return x * x, nan }), nan},
	"an infinite gradient":    {[]float64{1, 2}, eachEntry(func(x float64) (float64, float64) { return x * x, inf }), nan},
	"NaN in half the slopes":  {[]float64{1, 2}, eachEntry(func(x float64) (float64, float64) { return x * x, 2*x + 0*math.Sqrt(x-0.5) }), 0.5},
	"hidden by a constant":    {[]float64{1e-3, 2e-3}, eachEntry(func(x float64) (float64, float64) { return 1e12 + x*x, 2 * x }), 2e12},
	"an overflow of the norm": {[]float64{1, 2}, eachEntry(func(x float64) (float64, float64) { return x * x, 1e200 * x }), 0},
}

// ended checks what is true of every run: within its limits, with a status that is true of the result. It returns the lowest
// loss seen.
func ended(t *testing.T, name string, r *Result, err error, limit int, minimum float64, at func(theta []float64) (float64, []float64)) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if r.Iterations > limit || r.Status == Running || r.Status == TimeLimit || r.Status == Canceled {
		t.Errorf("%s: %s", name, r)
	}
	lowest := inf
	for _, rec := range r.History.Records {
		if rec.Batch == 0 && device.Finite(rec.Loss) {
			lowest = min(lowest, rec.Loss)
		}
	}
	if !(r.Loss <= lowest) || math.IsInf(r.Loss, -1) || !device.AllFinite(r.Theta) {
		t.Errorf("%s: %s at %v, the lowest loss seen is %v", name, r, r.Theta, lowest)
	}
	loss, gradient := at(r.Theta)
	if r.Status.Converged() {
		remark := strings.Contains(r.Message, "exactly zero")
		if !device.Finite(loss) || math.IsNaN(minimum) || !(floats.Norm(gradient, 2) <= 1e-7) && !remark || !(loss <= minimum+1e-6) {
			t.Errorf("%s: %s at %v, where the loss is %v with a gradient of %v; the minimum is %v", name, r, r.Theta, loss, gradient, minimum)
		}
	}
	if first := r.History.Records[0]; !strings.HasPrefix(name, "turns") && nonFinite(first, true) != "" && (r.Status != NonFinite || !strings.Contains(r.Message, "at the start") || strings.Contains(r.Message, "rate")) {
		t.Errorf("%s: %s, where the start is not finite", name, r)
	}
}

// TestDegenerateFunctions: every method ends on a function that it cannot minimize, and says what is true.
func TestDegenerateFunctions(t *testing.T) {
	const limit = 40
	for _, methods := range []func() map[string]Method{everyMethod, boldMethods} {
		for label := range methods() {
			for kind, d := range degenerates {
				method, name := methods()[label], label+" on "+kind
				obj, err := objective.FromFunction(2, d.at)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				r, err := Minimize(ctx, obj, d.start, method, Options{MaxIterations: limit, GradientTolerance: 1e-8})
				cancel()
				if errors.Is(err, objective.ErrUnsuitable) || r == nil && strings.Contains(err.Error(), "needs") {
					continue
				}
				ended(t, name, r, err, limit, d.minimum, func(theta []float64) (float64, []float64) {
					gradient := make([]float64, 2)
					return d.at(theta, gradient), gradient
				})
			}
		}
	}
}

// degenerateResiduals are what becomes of the outputs y of the network of curve.
var degenerateResiduals = map[string]struct {
	of      func(y *graph.Node) *graph.Node
	start   float64 // the last parameter where the others are zero, which is y then; NaN for the start of curve
	minimum float64
}{
	"independent of θ":       {func(y *graph.Node) *graph.Node { return graph.OnesLike(y) }, nan, nan},
	"constant":               {func(y *graph.Node) *graph.Node { return graph.AddScalar(graph.MulScalar(y, 0), 1) }, nan, nan},
	"without a Jacobian":     {func(y *graph.Node) *graph.Node { return graph.AddScalar(graph.Square(y), -4) }, 0, nan},
	"with hardly a Jacobian": {func(y *graph.Node) *graph.Node { return graph.AddScalar(graph.Square(y), -4) }, 1e-7, 0},
	"a ten-thousandth of it": {func(y *graph.Node) *graph.Node { return graph.AddScalar(graph.Square(y), -4) }, 1e-11, 0},
	"a kink": {func(y *graph.Node) *graph.Node {
		off := graph.AddScalar(y, -0.2)
		return graph.AddScalar(graph.Max(off, graph.Neg(off)), 0.3)
	}, nan, 0.09},
	"a hinge":             {func(y *graph.Node) *graph.Node { return graph.AddScalar(graph.Max(y, graph.ZerosLike(y)), 0.3) }, 0.5, 0.09},
	"dead":                {func(y *graph.Node) *graph.Node { return graph.AddScalar(graph.Max(y, graph.ZerosLike(y)), 0.3) }, -0.5, nan},
	"NaN everywhere":      {func(y *graph.Node) *graph.Node { return graph.Sqrt(graph.AddScalar(graph.Neg(graph.Square(y)), -1)) }, nan, nan},
	"infinite everywhere": {func(y *graph.Node) *graph.Node { return graph.Div(graph.OnesLike(y), graph.MulScalar(y, 0)) }, 1, nan},
	"NaN below":           {func(y *graph.Node) *graph.Node { return graph.Sqrt(y) }, 0.5, 0},
	"infinite below": {func(y *graph.Node) *graph.Node {
		high := graph.GreaterThan(y, graph.ZerosLike(y))
		return graph.Where(high, graph.AddScalar(y, 1), graph.Infinity(y.Graph(), y.DType(), 1))
	}, 0.5, nan},
	"a Jacobian of NaN": {func(y *graph.Node) *graph.Node { return graph.Add(y, graph.Sqrt(graph.MulScalar(y, 0))) }, 0.5, nan},
	"a Jacobian that overflows": {func(y *graph.Node) *graph.Node {
		return graph.AddScalar(graph.MulScalar(graph.MulScalar(y, 5), 1.7e308), 1e-160)
	}, 0, nan},
	"a Jacobian of NaN below": {func(y *graph.Node) *graph.Node {
		return graph.Add(y, graph.MulScalar(graph.Sqrt(graph.Max(y, graph.ZerosLike(y))), 0.1))
	}, 0.5, nan},
}

// TestDegenerateResiduals: so it is with residuals, in both precisions where that matters.
func TestDegenerateResiduals(t *testing.T) {
	b, err := objective.HostBackend()
	if err != nil {
		t.Fatal(err)
	}
	single := []string{"a kink", "with hardly a Jacobian", "NaN below", "a Jacobian of NaN below"}
	for kind := range degenerateResiduals {
		for label, method := range everyMethod() {
			endsOnResiduals(t, b, dtypes.Float64, label, method, kind)
		}
		if !slices.Contains(single, kind) {
			continue
		}
		for label, method := range everyMethod() {
			endsOnResiduals(t, b, dtypes.Float32, label, method, kind)
		}
	}
}

func endsOnResiduals(t *testing.T, b compute.Backend, dtype dtypes.DType, label string, method Method, kind string) {
	t.Helper()
	const limit = 25
	d := degenerateResiduals[kind]
	obj, start := curve(b, dtype, false)
	obj.Pieces = func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		return []*graph.Node{graph.Mul(data[1], d.of(networkOf(obj.Blocks, theta, data[0])))}
	}
	if !math.IsNaN(d.start) {
		clear(start)
		start[len(start)-1] = d.start
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := Minimize(ctx, obj, start, method, Options{MaxIterations: limit, GradientTolerance: 1e-12})
	if r == nil && errors.Is(err, objective.ErrUnsuitable) {
		return // a KFAC finds no layers where there is no θ
	}
	evaluator, failure := objective.NewEvaluator(obj)
	if failure != nil {
		t.Fatal(failure)
	}
	if _, ok := method.(Preconditioned); ok && r.Status == GradientSmall {
		return // its tolerance is for the gradient in other variables
	}
	ended(t, fmt.Sprintf("%s on %s, %s", label, kind, dtype), r, err, limit, d.minimum, func(theta []float64) (float64, []float64) {
		loss, gradient, err := evaluator.At(theta)
		if err != nil {
			t.Fatal(err)
		}
		return loss, gradient
	})
}

// TestHardlyAnyJacobian: next to a point without a Jacobian any step is too long for a while, and the damping has to grow.
func TestHardlyAnyJacobian(t *testing.T) {
	b, err := objective.HostBackend()
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []Method{
		LevenbergMarquardt{}, LevenbergMarquardt{Geodesic: true}, LevenbergMarquardt{Solver: DenseKernel}, LevenbergMarquardt{Solver: MatrixFree},
		LevenbergMarquardt{Columns: 2}, Auto{}, SketchedGaussNewton{},
	} {
		for _, start := range []float64{1e-4, 1e-7, -1e-10, 1e-14} {
			for _, dtype := range []dtypes.DType{dtypes.Float64, dtypes.Float32} {
				obj := &objective.Objective{Backend: b, DType: dtype, Dim: 3, Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
					return graph.AddScalar(graph.Square(theta), -4)
				}}
				if m, ok := method.(LevenbergMarquardt); ok && m.Columns > 0 && dtype == dtypes.Float32 {
					continue // subspaces without the way down have its rounding errors taken for large
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				r, err := Minimize(ctx, obj, []float64{start, start, start}, method, Options{MaxIterations: 80, LossTolerance: 1e-10})
				cancel()
				if err != nil || r.Status != LossReached {
					t.Errorf("%s from %v, %s: %v and error %v", method.Name(), start, dtype, r, err)
				}
			}
		}
	}
}

// TestWallOnDevice: where the loop is on the device, a loss of +Inf with a gradient of zero is no success, nor is one of −Inf, and
// the next phase goes on from the best iterate.
func TestWallOnDevice(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for _, sign := range []int{1, -1} {
			obj := &objective.Objective{Backend: b, Dim: 2, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
				sound := graph.GreaterThan(theta, graph.ZerosLike(theta))
				safe := graph.Where(sound, theta, graph.OnesLike(theta))
				beyond := graph.Infinity(theta.Graph(), theta.DType(), sign)
				return graph.ReduceAllSum(graph.Where(sound, graph.Sub(safe, graph.Log(safe)), graph.BroadcastToShape(beyond, theta.Shape())))
			}}
			for _, method := range []Method{Adam{Rate: 5}, Hybrid{{Adam{Rate: 5}, nil}, {LBFGS{}, nil}}} {
				r, err := Minimize(t.Context(), obj, []float64{3, 3}, method, Options{MaxIterations: 60, LossTolerance: 1e-300, GradientTolerance: 1e-8})
				if err != nil {
					t.Fatal(err)
				}
				first := 2 * (3 - math.Log(3))
				if _, ok := method.(Adam); ok && (r.Status != NonFinite || math.Abs(r.Loss-first) > 1e-14 || !slices.Equal(r.Theta, []float64{3, 3})) {
					t.Errorf("%+d·Inf: %s at %v, want the start", sign, r, r.Theta)
				} else if !ok && (r.Status != GradientSmall || math.Abs(r.Loss-2) > 1e-12) {
					t.Errorf("%+d·Inf: %s at %v, want the minimum", sign, r, r.Theta)
				}
			}
		}
	})
}

// onlySound adapts nothing, and cannot where θ is not positive.
type onlySound struct{}

func (onlySound) Every() int               { return 1 }
func (onlySound) Begin() objective.Adapter { return onlySound{} }
func (onlySound) Save() ([]byte, error)    { return nil, nil }
func (onlySound) Load([]byte) error        { return nil }

func (onlySound) Adapt(_ context.Context, now objective.Iterate) ([]*tensors.Tensor, error) {
	theta, err := device.Numbers(now.Theta)
	if err == nil && !(slices.Min(theta) > 0) {
		err = errors.New("a residual is NaN")
	}
	return nil, err
}

// TestAdaptingWhereNothingIsSound: an objective that cannot be adapted at an iterate without a loss is no reason to end with an
// error, nor to keep a Hybrid from its next phase.
func TestAdaptingWhereNothingIsSound(t *testing.T) {
	for _, method := range []Method{Adam{Rate: 5}, Hybrid{{Adam{Rate: 5}, nil}, {LBFGS{}, nil}}} {
		obj, err := objective.FromFunction(2, degenerates["barrier, +Inf"].at)
		if err != nil {
			t.Fatal(err)
		}
		obj.Adaptation = onlySound{}
		r, err := Minimize(t.Context(), obj, []float64{3, 3}, method, Options{MaxIterations: 60, GradientTolerance: 1e-8})
		if err != nil {
			t.Fatalf("%s: %v", method.Name(), err)
		}
		want := NonFinite
		if _, ok := method.(Hybrid); ok {
			want = GradientSmall
		}
		told := slices.ContainsFunc(r.History.Events, func(e Event) bool {
			return strings.Contains(e.Text, "not adapted") && strings.Contains(e.Text, "a residual is NaN")
		})
		if r.Status != want || !told || !device.Finite(r.Loss) {
			t.Errorf("%s: %s, events %v", method.Name(), r, r.History.Events)
		}
	}
}

// TestSmallGradientOfResult: where a constant hides by how much the loss falls, the result is the iterate whose gradient met the
// tolerance, wherever the best iterate is kept.
func TestSmallGradientOfResult(t *testing.T) {
	const tolerance, rows = 1e-4, 4
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		constant := func(theta *graph.Node) *graph.Node { return graph.Scalar(theta.Graph(), theta.DType(), 1e12) }
		hidden := func(dim int) *objective.Objective {
			return &objective.Objective{Backend: b, Dim: dim, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
				return graph.Add(graph.ReduceAllSum(graph.Square(theta)), constant(theta))
			}}
		}
		sampled := &objective.Objective{
			Backend: b, Dim: 2, Data: []*tensors.Tensor{device.Vector(dtypes.Float64, []float64{0.5, 0.5, 0.5, 0.5})},
			Samples: []objective.Samples{{Name: "x", Rows: rows, Data: []int{0}, Scales: []int{0}}},
			Pieces: func(theta *graph.Node, data []*graph.Node) []*graph.Node {
				r := func(of *graph.Node) *graph.Node { return graph.Mul(data[0], graph.BroadcastToDims(of, rows)) }
				part := func(i int) *graph.Node { return r(graph.Reshape(graph.Slice(theta, graph.AxisElem(i)))) }
				return []*graph.Node{part(0), part(1), r(graph.Sqrt(constant(theta)))}
			},
		}
		for name, c := range map[string]struct {
			obj    *objective.Objective
			method Method
		}{
			"on the device": {hidden(2), GradientDescent{Rate: 0.4}}, "large": {hidden(1<<20 + 1), GradientDescent{Rate: 0.4}},
			"searched": {hidden(2), BarzilaiBorwein{Search: search.NonMonotone{}}}, "preconditioned": {hidden(2), Preconditioned{By: Diagonal{}}},
			"phases":  {hidden(2), Hybrid{{GradientDescent{Rate: 0.1}, Iterations(2)}, {GradientDescent{Rate: 0.4}, nil}}},
			"samples": {sampled, SGD{Rate: 0.4, Batches: objective.Batches{Size: rows}, Measure: 1}},
		} {
			start := make([]float64, c.obj.Dim)
			for i := range start {
				start[i] = 2e-3 / math.Sqrt(float64(c.obj.Dim))
			}
			r, err := Minimize(t.Context(), c.obj, start, c.method, Options{MaxIterations: 30, GradientTolerance: tolerance})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if norm := 2 * floats.Norm(r.Theta, 2); r.Status != GradientSmall || !(norm <= tolerance) {
				t.Errorf("%s: %s, where the gradient of the result is %.2g", name, r, norm)
			}
		}
	})
}
