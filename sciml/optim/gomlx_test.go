package optim_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"gonum.org/v1/gonum/optimize"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// curve is a network 1-4-4-1 and the data that it is fitted to. Its parameters in the order of θ are those of layers.
type curve struct{ x, y [][]float64 }

func newCurve() curve {
	var c curve
	for i := range 20 {
		x := float64(i)/10 - 1
		c.x, c.y = append(c.x, []float64{x}), append(c.y, []float64{math.Sin(3*x) + 0.3*x})
	}
	return c
}

var curveLayers = []struct {
	name    string
	in, out int
	start   [][]float64
}{
	{"first", 1, 4, [][]float64{{0.5, -1.1, 1.7, 0.3}}},
	{"hidden", 4, 4, [][]float64{{0.3, -0.2, 0.5, 0.1}, {-0.4, 0.6, 0.2, 0.7}, {0.1, 0.8, -0.5, 0.3}, {0.9, -0.3, 0.4, -0.6}}},
	{"last", 4, 1, [][]float64{{0.7}, {-0.6}, {0.2}, {0.4}}},
}

// model is a ModelFn of GoMLX.
func (curve) model(scope *model.Scope, x *graph.Node) *graph.Node {
	for i, layer := range curveLayers {
		w := scope.In("%s", layer.name).VariableWithValue("weights", layer.start)
		x = graph.MatMul(x, w.NodeValue(x))
		if i < len(curveLayers)-1 {
			x = graph.Tanh(x)
		}
	}
	return x
}

// objective is the same for this package.
func (c curve) objective(b compute.Backend) (obj *objective.Objective, start []float64) {
	obj = &objective.Objective{Backend: b}
	for _, layer := range curveLayers {
		obj.Blocks = append(obj.Blocks, objective.Block{Name: "/" + layer.name + "/weights", Offset: obj.Dim, Dims: []int{layer.in, layer.out}})
		obj.Dim += layer.in * layer.out
		for _, row := range layer.start {
			start = append(start, row...)
		}
	}
	obj.Loss = func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		x, y := graph.Const(theta.Graph(), c.x), graph.Const(theta.Graph(), c.y)
		for i, block := range obj.Blocks {
			size := block.Dims[0] * block.Dims[1]
			x = graph.MatMul(x, graph.Reshape(graph.Slice(theta, graph.AxisRange(block.Offset, block.Offset+size)), block.Dims...))
			if i < len(obj.Blocks)-1 {
				x = graph.Tanh(x)
			}
		}
		return graph.ReduceAllMean(graph.Square(graph.Sub(x, y)))
	}
	return obj, start
}

// train makes training steps and returns the loss before each of them.
func (c curve) train(t *testing.T, b compute.Backend, o optimizer.Interface, steps int) ([]float64, *model.Store) {
	t.Helper()
	store := model.NewStore()
	trainer := train.NewTrainer(b, store, c.model, loss.MeanSquaredError, o, nil, nil)
	var losses []float64
	for range steps {
		metrics, err := trainer.TrainStep(train.Batch{
			Inputs: []*tensors.Tensor{tensors.FromValue(c.x)}, Labels: []*tensors.Tensor{tensors.FromValue(c.y)},
		})
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, tensors.ToScalar[float64](metrics[0]))
	}
	return losses, store
}

// evaluations minimizes the objective and returns the loss of every point where it was evaluated.
func evaluations(t *testing.T, obj *objective.Objective, start []float64, method optim.Method, most int) []float64 {
	t.Helper()
	e, err := objective.NewEvaluator(obj)
	if err != nil {
		t.Fatal(err)
	}
	var losses []float64
	host, err := objective.FromFunction(obj.Dim, func(theta, gradient []float64) float64 {
		f, g, err := e.At(theta)
		if err != nil {
			panic(err)
		}
		copy(gradient, g)
		losses = append(losses, f)
		return f
	})
	if err != nil {
		t.Fatal(err)
	}
	host.Blocks = obj.Blocks
	minimize(t, host, start, method, optim.Options{MaxIterations: most})
	return losses
}

// TestGoMLX compares training steps with this package's own run, evaluation by evaluation.
func TestGoMLX(t *testing.T) {
	c := newCurve()
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, method := range map[string]optim.Method{
			"Adam":               optim.Adam{Rate: 0.02},
			"momentum, schedule": optim.Momentum{Rate: 0.1, Schedule: optim.StepDecay{Every: 10}},
			"Nesterov":           optim.Nesterov{Rate: 0.1, Restart: optim.FunctionRestart},
			"Muon":               optim.Muon{},
			"Barzilai–Borwein":   optim.BarzilaiBorwein{Longest: 0.3},
			"L-BFGS":             optim.LBFGS{Search: search.Armijo{}},
			"L-BFGS, m = 2":      optim.LBFGS{Memory: 2, Damped: true, Search: search.Armijo{Decrease: 0.4}},
			"BFGS":               optim.BFGS{Search: search.Armijo{Decrease: 0.3}},
			"nonlinear CG":       optim.NonlinearCG{Search: search.Armijo{Decrease: 0.45}},
		} {
			if strings.HasSuffix(t.Name(), "/xla") && name != "Adam" && name != "L-BFGS" {
				continue // XLA takes a second each to compile
			}
			const steps = 40
			obj, start := c.objective(b)
			want := evaluations(t, obj, start, method, steps)
			got, store := c.train(t, b, optim.GoMLX(method), steps)
			higher := 0
			for i, f := range got {
				// Rounding differs, and grows along the way.
				if math.Abs(f-want[i]) > 1e-6*want[i] {
					t.Fatalf("%s: the loss in training step %d is %.12g, want %.12g", name, i, f, want[i])
				}
				if i > 0 && f > got[i-1] {
					higher++
				}
			}
			if got[steps-1] > got[0]/2 {
				t.Errorf("%s: the loss fell from %.3g to %.3g only", name, got[0], got[steps-1])
			}
			if name == "L-BFGS" { // the last point that was accepted is known
				if f := tensors.ToScalar[float64](store.GetVariable("/optimizers/L_BFGS/state_3").MustValue()); f != slices.Min(got) {
					t.Errorf("the loss accepted last is %v, want %v", f, slices.Min(got))
				}
			}
			t.Logf("%s: loss %.3g after %d steps, %d of which went up", name, got[steps-1], steps, higher)
			if (name == "BFGS" || name == "nonlinear CG") && higher == 0 {
				t.Errorf("%s: no step went up, so that backtracking was not tested", name)
			}
		}
	})
}

// TestGoMLXFloat32 fits a line by least squares in single precision, the usual one of GoMLX.
func TestGoMLXFloat32(t *testing.T) {
	b := pureGo(t)
	fit := func(scope *model.Scope, x *graph.Node) *graph.Node {
		w := scope.VariableWithValue("w", []float32{3, -2})
		return graph.Add(graph.Mul(graph.Slice(w.NodeValue(x), graph.AxisRange(0, 1)), x), graph.Slice(w.NodeValue(x), graph.AxisRange(1, 2)))
	}
	store := model.NewStore()
	o := optim.GoMLX(optim.LBFGS{Search: search.Armijo{MaxTrials: 3}})
	trainer := train.NewTrainer(b, store, fit, loss.MeanSquaredError, o, nil, nil)
	last := math.Inf(1)
	for range 150 {
		metrics, err := trainer.TrainStep(train.Batch{
			Inputs: []*tensors.Tensor{tensors.FromValue([]float32{-1, 0, 1, 2})}, Labels: []*tensors.Tensor{tensors.FromValue([]float32{-0.2, 0.15, 0.4, 0.7})},
		})
		if err != nil {
			t.Fatal(err)
		}
		last = float64(tensors.ToScalar[float32](metrics[0]))
	}
	// By hand: the means are 0.5 and 0.2625, Sxy/Sxx = 1.475/5, and the sum of squares is 0.00175.
	w := tensors.MustCopyFlatData[float32](store.GetVariable("/w").MustValue())
	if slope, offset := 0.295, 0.2625-0.295*0.5; math.Abs(float64(w[0])-slope) > 1e-3 || math.Abs(float64(w[1])-offset) > 1e-3 {
		t.Errorf("w = %v after 150 steps, want %v and %v", w, slope, offset)
	}
	if math.Abs(last-0.0004375) > 1e-6 {
		t.Errorf("the loss is %v, want the minimum 0.0004375", last)
	}
	if optimizer.GetGlobalStep(store) != 150 {
		t.Errorf("the global step is %d, want 150", optimizer.GetGlobalStep(store))
	}
	before := store.NumVariables()
	if err := o.Clear(store.RootScope()); err != nil || store.GetVariable("/w") == nil || store.NumVariables() > before-9 {
		t.Errorf("after Clear there are %d variables of %d, error %v", store.NumVariables(), before, err)
	}
}

// TestGoMLXStuck: a gradient of the wrong sign makes every trial fail; then training returns to where the search began.
func TestGoMLXStuck(t *testing.T) {
	wrong := func(scope *model.Scope, x *graph.Node) *graph.Node {
		square := graph.Square(scope.VariableWithValue("w", []float64{3}).NodeValue(x))
		return graph.Sub(graph.StopGradient(graph.MulScalar(square, 2)), square)
	}
	itself := func(_, predictions []*graph.Node) *graph.Node { return graph.ReduceAllSum(predictions[0]) }
	for _, method := range []optim.Method{optim.BFGS{Search: search.Armijo{MaxTrials: 3}}, optim.LBFGS{Search: search.Armijo{MaxTrials: 3}}} {
		trainer := train.NewTrainer(pureGo(t), model.NewStore(), wrong, itself, optim.GoMLX(method), nil, nil)
		for i := range 13 {
			metrics, err := trainer.TrainStep(train.Batch{Inputs: []*tensors.Tensor{tensors.FromValue([]float64{0})}})
			if err != nil {
				t.Fatal(err)
			}
			f := tensors.ToScalar[float64](metrics[0])
			if start := i%4 == 0; start != (math.Abs(f-9) < 1e-12) || f < 9-1e-12 {
				t.Errorf("%s: the loss in step %d is %v, want 9 at the start of a search and more at its three trials", method.Name(), i, f)
			}
		}
	}
}

func TestGoMLXErrors(t *testing.T) {
	c := newCurve()
	b := pureGo(t)
	for word, method := range map[string]optim.Method{
		"method of GoMLX is nil":                               nil,
		"the Search of L-BFGS is search.StrongWolfe":           optim.LBFGS{},
		"SR1 cannot run in a trainer":                          optim.SR1{},
		"SGD.Batches is {Size:8":                               optim.SGD{Batches: objective.Batches{Size: 8}},
		"ExactGradientDescent needs products with the Hessian": optim.ExactGradientDescent{},
		"Adam.Rate is -1":                                      optim.Adam{Rate: -1},
		"gonum LBFGS cannot run in a trainer":                  optim.Gonum{Method: &optimize.LBFGS{}},
	} {
		trainer := train.NewTrainer(b, model.NewStore(), c.model, loss.MeanSquaredError, optim.GoMLX(method), nil, nil)
		_, err := trainer.TrainStep(train.Batch{
			Inputs: []*tensors.Tensor{tensors.FromValue(c.x)}, Labels: []*tensors.Tensor{tensors.FromValue(c.y)},
		})
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
}
