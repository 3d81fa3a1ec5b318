package autodiff_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/layers/attention"
	"github.com/gomlx/gomlx/ml/layers/fnn"
	"github.com/gomlx/gomlx/ml/layers/kan"
	"github.com/gomlx/gomlx/ml/layers/norm"
	"github.com/gomlx/gomlx/ml/layers/rational"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/nn"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
)

// features are a non-linear map of the points to six numbers, so that what follows has curved input.
func features(x *graph.Node) *graph.Node {
	return graph.MulScalar(graph.Sin(graph.MatMul(x, constant(x.Graph(), points(2, 6, -1.5, 1.5, 81)))), 0.9)
}

// sequence has shape [N, 3, 4].
func sequence(x *graph.Node) *graph.Node {
	flat := graph.Cos(graph.MatMul(x, constant(x.Graph(), points(2, 12, -1.5, 1.5, 82))))
	return graph.Reshape(flat, x.Shape().Dimensions[0], 3, 4)
}

func activated(of activation.Type) func(scope *model.Scope, x *graph.Node) *graph.Node {
	return func(_ *model.Scope, x *graph.Node) *graph.Node { return activation.Apply(of, features(x)) }
}

func dense(layout compute.DenseLayout, of activation.Type) func(scope *model.Scope, x *graph.Node) *graph.Node {
	return func(_ *model.Scope, x *graph.Node) *graph.Node {
		weight := constant(x.Graph(), points(6, 4, -1, 1, 83))
		if layout == compute.DenseLayoutOutputsInput {
			weight = graph.Transpose(weight, 0, 1)
		}
		return nn.Dense(features(x), weight, constant(x.Graph(), points(1, 4, -1, 1, 84)[0]), layout, of)
	}
}

// layerCases are GoMLX's own layers, with variables as they are initialized.
var layerCases = []struct {
	name      string
	layer     func(scope *model.Scope, x *graph.Node) *graph.Node
	kinks     bool   // differences may reach across one: compare with reverse mode alone
	noReverse string // why GoMLX's reverse mode cannot be the reference
}{
	{name: "layers.Dense", layer: func(s *model.Scope, x *graph.Node) *graph.Node {
		h := graph.Tanh(layers.Dense(s.In("first"), x, true, 7))
		return layers.Dense(s.In("second"), h, true, 2)
	}},
	{name: "layers.Dense of a sequence", layer: func(s *model.Scope, x *graph.Node) *graph.Node {
		return flattened(graph.Tanh(layers.Dense(s, sequence(x), true, 2, 2)))
	}},
	{name: "fnn", layer: func(s *model.Scope, x *graph.Node) *graph.Node {
		return fnn.New(s, features(x), 2).NumHiddenLayers(2, 6).Activation(activation.TypeSwish).Residual(true).Normalization("layer").Done()
	}},
	{name: "nn.Dense with tanh", layer: dense(compute.DenseLayoutInputOutputs, activation.TypeTanh)},
	{name: "nn.Dense with GELU, turned", layer: dense(compute.DenseLayoutOutputsInput, activation.TypeGelu)},
	{name: "nn.Dense with swish", layer: dense(compute.DenseLayoutInputOutputs, activation.TypeSwish)},
	{name: "nn.Dense with hard swish", layer: dense(compute.DenseLayoutInputOutputs, activation.TypeHardSwish)},
	{name: "nn.Dense with ReLU", layer: dense(compute.DenseLayoutInputOutputs, activation.TypeRelu)},
	{name: "ReLU", layer: activated(activation.TypeRelu)},
	{name: "leaky ReLU", layer: activated(activation.TypeLeakyRelu)},
	{name: "sigmoid", layer: activated(activation.TypeSigmoid)},
	{name: "hard sigmoid", layer: activated(activation.TypeHardSigmoid)},
	{name: "tanh", layer: activated(activation.TypeTanh)},
	{name: "swish", layer: activated(activation.TypeSwish)},
	{name: "hard swish", layer: activated(activation.TypeHardSwish)},
	{name: "SELU", layer: activated(activation.TypeSelu)},
	{name: "GELU", layer: activated(activation.TypeGelu)},
	{name: "GELU, approximate", layer: activated(activation.TypeGeluApprox)},
	{name: "SwiGLU", layer: activated(activation.TypeSwiGLU)},
	{name: "softplus", layer: func(_ *model.Scope, x *graph.Node) *graph.Node { return graph.Log1P(graph.Exp(features(x))) }},
	{name: "LogSoftmax", layer: func(_ *model.Scope, x *graph.Node) *graph.Node { return graph.LogSoftmax(features(x)) }},
	{name: "Softmax", layer: func(_ *model.Scope, x *graph.Node) *graph.Node { return graph.Softmax(features(x), -1) }},
	{name: "MaskedSoftmax", layer: func(_ *model.Scope, x *graph.Node) *graph.Node {
		y := features(x)
		mask := graph.BroadcastToShape(graph.Const(x.Graph(), [][]bool{{true, true, false, true, false, true}}), graph.ConvertDType(y, dtypes.Bool).Shape())
		return graph.MaskedSoftmax(y, mask, -1)
	}},
	{name: "soft cap", layer: func(_ *model.Scope, x *graph.Node) *graph.Node { return nn.SoftCap(features(x), 2) }},
	{name: "layer normalization", layer: func(s *model.Scope, x *graph.Node) *graph.Node {
		return norm.LayerNorm(s, features(x), -1).Epsilon(0.1).Done()
	}},
	{name: "layer normalization, bare, over two axes", layer: func(s *model.Scope, x *graph.Node) *graph.Node {
		return flattened(norm.LayerNorm(s, sequence(x), -2, -1).Epsilon(0.1).LearnedGain(false).LearnedOffset(false).Done())
	}},
	{name: "RMS normalization", layer: func(s *model.Scope, x *graph.Node) *graph.Node { return norm.RMSNorm(s, features(x)).Done() }},
	{name: "dynamic tanh", layer: func(s *model.Scope, x *graph.Node) *graph.Node { return norm.DynamicTanh(s, features(x)).Done() }},
	{name: "batch normalization, inference", layer: func(s *model.Scope, x *graph.Node) *graph.Node {
		return graph.Sin(norm.BatchNorm(s, features(x), -1).Done())
	}},
	{name: "batch normalization, inference by the back end", layer: func(s *model.Scope, x *graph.Node) *graph.Node {
		return graph.Sin(norm.BatchNorm(s, features(x), -1).UseBackendInference(true).Done())
	}},
	{name: "L2 normalization", layer: func(_ *model.Scope, x *graph.Node) *graph.Node { return graph.L2Normalize(features(x), -1) }},
	{name: "convolution", noReverse: "GoMLX does not differentiate the gradient of a convolution", layer: func(s *model.Scope, x *graph.Node) *graph.Node {
		return flattened(graph.Tanh(layers.Convolution(s, sequence(x)).Channels(2).KernelSize(2).PadSame().Done()))
	}},
	{name: "convolution with strides and dilations", noReverse: "GoMLX does not differentiate the gradient of a convolution", layer: func(s *model.Scope, x *graph.Node) *graph.Node {
		image := graph.Reshape(graph.Concatenate([]*graph.Node{sequence(x), graph.Square(sequence(x))}, 2), x.Shape().Dimensions[0], 4, 6, 1)
		first := layers.Convolution(s.In("first"), image).Channels(2).KernelSize(2).StridePerAxis(1, 2).NoPadding().Done()
		return flattened(layers.Convolution(s.In("second"), graph.Tanh(first)).Channels(2).KernelSize(2).Dilations(2).NoPadding().Done())
	}},
	{name: "self-attention", layer: func(s *model.Scope, x *graph.Node) *graph.Node {
		return flattened(attention.SelfAttention(s, sequence(x), 2, 3).Done())
	}},
	{name: "self-attention by one projection", layer: func(s *model.Scope, x *graph.Node) *graph.Node {
		return flattened(attention.SelfAttention(s, sequence(x), 2, 2).UseQKVProjection().Done())
	}},
	{name: "KAN of B-splines", kinks: true, layer: func(s *model.Scope, x *graph.Node) *graph.Node {
		return kan.New(s, graph.Slice(features(x), graph.AxisRange(), graph.AxisRange(0, 3)), 1).NumControlPoints(6).Done()
	}},
	{name: "KAN of rational functions", layer: func(s *model.Scope, x *graph.Node) *graph.Node {
		return kan.New(s, features(x), 2).Rational().NumHiddenLayers(1, 3).Done()
	}},
	{name: "piecewise linear KAN", layer: func(s *model.Scope, x *graph.Node) *graph.Node {
		return kan.New(s, features(x), 2).PiecewiseLinear().NumControlPoints(6).Done()
	}},
	{name: "rational activation", layer: func(s *model.Scope, x *graph.Node) *graph.Node {
		return rational.New(s, features(x)).Approximate("swish").Done()
	}},
	{name: "piecewise linear calibration", layer: func(s *model.Scope, x *graph.Node) *graph.Node {
		keypoints := constant(x.Graph(), []float64{-1.1, -0.4, 0.21, 0.73, 1.2})
		return layers.PieceWiseLinearCalibration(s, graph.Sin(column(x, 0)), keypoints, true)
	}},
	{name: "Fourier features", layer: func(s *model.Scope, x *graph.Node) *graph.Node {
		phase := graph.MulScalar(graph.MatMul(x, constant(x.Graph(), points(2, 4, -1, 1, 85))), 2*math.Pi)
		return layers.Dense(s, graph.Concatenate([]*graph.Node{graph.Sin(phase), graph.Cos(phase)}, -1), true, 2)
	}},
	{name: "residual block", layer: func(s *model.Scope, x *graph.Node) *graph.Node {
		h := features(x)
		for _, name := range []string{"first", "second"} {
			h = graph.Add(h, graph.Tanh(layers.Dense(s.In("%s", name), h, true, 6)))
		}
		return h
	}},
}

// withVariables runs graphs with the variables of a store; layer has the layer itself, in the scope of the graph.
func withVariables(t *testing.T, b compute.Backend, build func(scope *model.Scope, x *graph.Node) *graph.Node) (by runner, layer func(x *graph.Node) *graph.Node) {
	t.Helper()
	store := model.NewStore()
	if err := store.SetRNGStateFromSeed(86); err != nil {
		t.Fatal(err)
	}
	var scope *model.Scope
	by = func(x any, build func(x *graph.Node) []*graph.Node) ([]*tensors.Tensor, error) {
		return model.CallOnceN(b, store, func(s *model.Scope, x *graph.Node) []*graph.Node {
			scope = s
			return build(x)
		}, x)
	}
	return by, func(x *graph.Node) *graph.Node { return build(scope, x) }
}

// TestLayers differentiates GoMLX's own layers, fused as each back end has them, up to the third order.
func TestLayers(t *testing.T) {
	x := points(3, 2, 0.1, 1, 87)
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for _, c := range layerCases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				by, layer := withVariables(t, b, c.layer)
				_, err := by(x, func(x *graph.Node) []*graph.Node { return []*graph.Node{layer(x)} })
				skipIfLacking(t, err)
				if !c.kinks {
					checkDifferences(t, by, x, layer)
				}
				if c.kinks || c.noReverse == "" && !isXLA(t) {
					checkReverse(t, by, x, layer)
				}
			})
		}
	})
}

// TestLayersForOptimizers takes products with respect to the variables of layers, through a Laplacian, whose reverse
// mode goes through what GoMLX puts in place of fused operations.
func TestLayersForOptimizers(t *testing.T) {
	x := points(4, 2, 0.1, 1, 88)
	theta, v := points(1, 24, -1, 1, 89)[0], points(1, 24, -1, 1, 90)[0]
	for name, layer := range map[string]func(h, w *graph.Node) *graph.Node{
		"fused dense": func(h, w *graph.Node) *graph.Node {
			return nn.Dense(h, w, nil, compute.DenseLayoutInputOutputs, activation.TypeTanh)
		},
		"fused GELU":    func(h, w *graph.Node) *graph.Node { return activation.Gelu(graph.MatMul(h, w)) },
		"fused softmax": func(h, w *graph.Node) *graph.Node { return graph.Softmax(graph.MatMul(h, w), -1) },
		"convolution": func(h, w *graph.Node) *graph.Node {
			out := graph.Convolve(graph.Reshape(h, -1, 3, 2), graph.Reshape(w, 3, 2, 4)).PadSame().Done()
			return flattened(graph.Tanh(out))
		},
		"fused normalization": func(h, w *graph.Node) *graph.Node {
			return nn.LayerNorm(graph.MatMul(h, w), []int{-1}, 0.1, nil, nil, nil)
		},
	} {
		residual := func(theta *graph.Node) *graph.Node {
			x := constant(theta.Graph(), x)
			u := layer(features(x), graph.Reshape(theta, 6, 4))
			return autodiff.Of(u, x).Laplacian()
		}
		loss := func(theta *graph.Node) *graph.Node { return graph.ReduceAllSum(graph.Square(residual(theta))) }
		backendtest.Each(t, func(t *testing.T, b compute.Backend) {
			t.Run(name, func(t *testing.T) {
				along := runWith(t, plain(pureGo(t)), stencil([][]float64{theta}, v), func(all *graph.Node) []*graph.Node {
					var r, g []*graph.Node
					for k := range 7 {
						one := graph.Reshape(graph.Slice(all, graph.AxisElem(k)), -1)
						r = append(r, graph.Reshape(residual(one), -1))
						g = append(g, graph.Gradient(loss(one), one)[0])
					}
					return []*graph.Node{graph.Concatenate(r, 0), graph.Concatenate(g, 0)}
				})
				out := call(t, b, func(in []*graph.Node) []*graph.Node {
					jv := autodiff.JVP(residual(in[0]), in[:1], in[1:])
					return []*graph.Node{jv, autodiff.HessianProduct(loss(in[0]), in[0], in[1]),
						autodiff.GaussNewtonProduct(residual(in[0]), in[0], in[1]), autodiff.VJP(residual(in[0]), jv, in[0])[0]}
				}, theta, v)
				near(t, "J·v", out[0], slope(along[0]), 1e-10)
				near(t, "H·v", out[1], slope(along[1]), 1e-10)
				near(t, "JᵀJ·v", out[2], out[3], 1e-12)
			})
		})
	}
}
