package nn_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/layers/fnn"
	"github.com/gomlx/gomlx/ml/layers/norm"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/checkpoint"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
)

// gomlxModel is of GoMLX's own layers: normalized, residual, with a hyperparameter, and batch normalization whose
// averages are not trained.
func gomlxModel(scope *model.Scope, x *graph.Node) *graph.Node {
	width := model.GetParamOr(scope, "width", 4)
	h := graph.Tanh(layers.DenseWithBias(scope.In("first"), x, width))
	h = norm.BatchNorm(scope.In("batch"), h, -1).UseBackendInference(false).Done()
	h = fnn.New(scope.In("residual"), h, width).NumHiddenLayers(2, width).Activation(activation.TypeSilu).Residual(true).Normalization("layer").Done()
	return layers.DenseWithBias(scope.In("last"), h, 2)
}

func TestModel(t *testing.T) {
	points := [][]float64{{0.1, 0.7}, {1.3, 0.2}, {0, 0}}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		store := model.NewStore()
		store.SetParam("width", 3)
		n := must(nn.FromModel(b, store, dtypes.Float64, 2, gomlxModel))
		next := 0
		for _, block := range n.Blocks() {
			if block.Offset != next || store.GetVariable(block.Name) == nil {
				t.Errorf("block %q begins at %d, expected at %d, and a variable of that name", block.Name, block.Offset, next)
			}
			next += block.Size()
		}
		if next != n.NumParams() || n.Inputs() != 2 || n.Outputs() != 2 || n.Blocks()[0].Name != "batch/batch_normalization/offset" {
			t.Errorf("%s with blocks of %d parameters, the first %q", n, next, n.Blocks()[0].Name)
		}
		theta := n.Init(7)
		if !slices.Equal(theta, n.Init(7)) || slices.Equal(theta, n.Init(8)) || len(theta) != next {
			t.Error("the initial values do not go by the seed")
		}
		if slices.Equal(theta, must(n.Theta())) {
			t.Error("Init has changed the store")
		}
		theta = parameters(n)
		got := must(graph.CallOnce(b, n.Apply, theta, points))
		if err := n.Write(theta); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(theta, must(n.Theta())) {
			t.Error("Theta is not what Write was given")
		}
		near(t, "θ against GoMLX's executor", got, predict(t, b, store, gomlxModel, points), 1e-14)
		near(t, "two models in one graph", must(graph.CallOnce(b, func(theta, x *graph.Node) *graph.Node {
			other := must(nn.FromModel(b, model.NewStore(), dtypes.Float64, 2, gomlxModel)) // of another width, with the same paths
			u := n.Apply(theta, x)
			zero := other.Apply(graph.Zeros(x.Graph(), shapes.Make(dtypes.Float64, other.NumParams())), x)
			return graph.Add(graph.MulScalar(graph.Add(u, n.Apply(theta, x)), 0.5), zero)
		}, theta, points)), got, 1e-14)

		axes := [][]int{{0}, {0, 1}, {0, 1, 1}, {0, 0, 1, 1}}
		if b.Name() == "xla" {
			axes = axes[:2]
		}
		checkDerivatives(t, b, n, theta, axes...)

		theta32 := make([]float32, len(theta))
		for i, v := range theta {
			theta32[i] = float32(v)
		}
		narrow := must(graph.CallOnce(b, n.Apply, theta32, [][]float32{{0.1, 0.7}, {1.3, 0.2}, {0, 0}}))
		wide := tensors.MustCopyFlatData[float64](got)
		for i, v := range tensors.MustCopyFlatData[float32](narrow) {
			if math.Abs(float64(v)-wide[i]) > 1e-4 {
				t.Errorf("in float32, entry %d is %v, want %v", i, v, wide[i])
			}
		}
	})
}

// predict evaluates a model as GoMLX does.
func predict(t *testing.T, b compute.Backend, store *model.Store, build nn.ModelFn, points any) *tensors.Tensor {
	t.Helper()
	exec, err := model.NewExec(b, store, func(scope *model.Scope, x *graph.Node) *graph.Node { return build(scope, x) })
	if err != nil {
		t.Fatal(err)
	}
	return must(exec.Call1(points))
}

func near(t *testing.T, what string, got, want *tensors.Tensor, tolerance float64) {
	t.Helper()
	a, b := tensors.MustCopyFlatData[float64](got), tensors.MustCopyFlatData[float64](want)
	if len(a) != len(b) {
		t.Fatalf("%s: %d values, want %d", what, len(a), len(b))
	}
	for i := range a {
		if !(math.Abs(a[i]-b[i]) <= tolerance*math.Max(1, math.Abs(b[i]))) {
			t.Errorf("%s: entry %d is %v, want %v", what, i, a[i], b[i])
		}
	}
}

// TestModelCheckpoint trains a little, writes back, saves by GoMLX's checkpoints, and loads in a new store.
func TestModelCheckpoint(t *testing.T) {
	points := [][]float64{{0.1, 0.7}, {0.3, 0.2}, {0.5, 0.5}, {0.9, 0.1}}
	build := func(scope *model.Scope, x *graph.Node) *graph.Node {
		return fnn.New(scope, x, 1).NumHiddenLayers(1, 8).Activation(activation.TypeTanh).Done()
	}
	for _, dtype := range []dtypes.DType{dtypes.Float64, dtypes.Float32} {
		b := backendtest.Best(t)
		store := model.NewStore()
		handler := must(checkpoint.Build(store).Dir(t.TempDir()).Done())
		n := must(nn.FromModel(b, store, dtype, 2, build))
		loss := func(theta, x *graph.Node) *graph.Node { // of Δu = 1
			return graph.ReduceAllMean(graph.Square(graph.AddScalar(autodiff.Of(n.Apply(theta, x), x).Laplacian(), -1)))
		}
		step := must(graph.NewExec(b, func(theta, x *graph.Node) (*graph.Node, *graph.Node) {
			l := loss(theta, x)
			return l, graph.Sub(theta, graph.MulScalar(graph.Gradient(l, theta)[0], 0.02))
		}))
		theta, first, last := n.Init(1), 0.0, 0.0
		for i := range 50 {
			out := must(step.Call(theta, points))
			last, theta = tensors.ToScalar[float64](out[0]), tensors.MustCopyFlatData[float64](out[1])
			if i == 0 {
				first = last
			}
		}
		if !(last < 0.5*first) {
			t.Errorf("training brought the loss from %v to %v", first, last)
		}
		if err := n.Write(theta); err != nil {
			t.Fatal(err)
		}
		if err := handler.Save(); err != nil {
			t.Fatal(err)
		}

		fresh := model.NewStore()
		must(checkpoint.Load(fresh).Dir(handler.Dir()).Done())
		if dtype == dtypes.Float64 {
			near(t, "a loaded GoMLX model", predict(t, b, fresh, build, points), must(graph.CallOnce(b, n.Apply, theta, points)), 1e-14)
		}
		loaded := must(nn.FromModel(b, fresh, dtype, 2, build))
		again := must(loaded.Theta())
		for i, v := range theta {
			if dtype == dtypes.Float32 {
				v = float64(float32(v))
			}
			if again[i] != v {
				t.Errorf("parameter %d is %v after loading, want %v", i, again[i], v)
			}
		}
	}
}

func TestFrozenVariablesAreNotParameters(t *testing.T) {
	b := backendtest.Best(t)
	store := model.NewStore()
	build := func(scope *model.Scope, x *graph.Node) *graph.Node {
		scale := scope.VariableWithValue("scale", tensors.FromValue(3.0)).SetTrainable(false)
		if x.DType() == dtypes.Float32 {
			t.Error("built in another type than asked for")
		}
		return graph.Mul(layers.Dense(scope, x, false, 1), scale.NodeValue(x))
	}
	n := must(nn.FromModel(b, store, dtypes.Float64, 2, build))
	if n.NumParams() != 2 || len(n.Blocks()) != 1 {
		t.Errorf("%s in blocks %v, want one of the two weights", n, n.Blocks())
	}
	if got := must(graph.CallOnce(b, n.Apply, []float64{1, 2}, [][]float64{{10, 1}})).Value().([][]float64)[0][0]; got != 36 {
		t.Errorf("u is %v, want 36", got)
	}
}

func TestModelErrors(t *testing.T) {
	b := backendtest.Best(t)
	dense := func(scope *model.Scope, x *graph.Node) *graph.Node { return layers.DenseWithBias(scope, x, 1) }
	elsewhere := model.NewStore()
	for want, build := range map[string]nn.ModelFn{
		"the model function is nil": nil,
		"returns nil, expected":     func(*model.Scope, *graph.Node) *graph.Node { return nil },
		"shape [3, outputs]":        func(s *model.Scope, x *graph.Node) *graph.Node { return graph.ReduceAllSum(dense(s, x)) },
		"no trainable variable":     func(_ *model.Scope, x *graph.Node) *graph.Node { return x },
		"of my own":                 func(*model.Scope, *graph.Node) *graph.Node { panic("of my own") },
		"not in the scope that it is given": func(s *model.Scope, x *graph.Node) *graph.Node {
			return graph.Add(dense(s, x), dense(elsewhere.RootScope(), x)) // whose paths are the same
		},
		"variables of another store": func(s *model.Scope, x *graph.Node) *graph.Node {
			return graph.Add(dense(s, x), dense(elsewhere.Scope("/other"), x))
		},
		"random numbers": func(s *model.Scope, x *graph.Node) *graph.Node {
			return graph.Add(dense(s, x), s.RandomNormal(x.Graph(), shapes.Make(x.DType(), 3, 1)))
		},
		`variable "/steps"`: func(s *model.Scope, x *graph.Node) *graph.Node {
			s.VariableWithValue("steps", 1.0).SetTrainable(false).SetNodeValue(graph.Scalar(x.Graph(), x.DType(), 2.0))
			return dense(s, x)
		},
		`variable "/w" has type Float32`: func(s *model.Scope, x *graph.Node) *graph.Node {
			return graph.Add(dense(s, x), graph.ConvertDType(s.VariableWithValue("w", float32(1)).NodeValue(x), x.DType()))
		},
	} {
		n, err := nn.FromModel(b, model.NewStore(), dtypes.Float64, 2, build)
		if n != nil || err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "nn.FromModel") {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
	check := func(want string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
	_, err := nn.FromModel(nil, model.NewStore(), dtypes.Float64, 2, dense)
	check("the back end is nil", err)
	_, err = nn.FromModel(b, nil, dtypes.Float64, 2, dense)
	check("the store is nil", err)
	_, err = nn.FromModel(b, model.NewStore(), dtypes.Int32, 2, dense)
	check("dtype is Int32", err)
	_, err = nn.FromModel(b, model.NewStore(), dtypes.Float64, 0, dense)
	check("inputs is 0", err)
	n := must(nn.FromModel(b, model.NewStore(), dtypes.Float64, 2, dense))
	check("theta has 1 entries, expected 3", n.Write([]float64{1}))
	_, err = nn.Marshal(n)
	check("store its variables by GoMLX's checkpoints", err)
	_, err = graph.CallOnce(b, n.Apply, []float64{1, 2, 3, 4}, [][]float64{{1, 2}})
	check("theta of shape [3]", err)
	_, err = graph.CallOnce(b, n.Apply, []float64{1, 2, 3}, [][]float64{{1, 2, 3}})
	check("[N, 2]", err)

	wide := false
	growing := must(nn.FromModel(b, model.NewStore(), dtypes.Float64, 2, func(s *model.Scope, x *graph.Node) *graph.Node {
		u := dense(s, x)
		if wide {
			u = graph.Add(u, dense(s.In("more"), x))
		}
		return u
	}))
	wide = true
	_, err = graph.CallOnce(b, growing.Apply, []float64{1, 2, 3}, [][]float64{{1, 2}})
	check("that it did not use when FromModel made it", err)
}
