package autodiff_test

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// ruleCase is a function of points in R³ whose graph has the operations of some rules.
type ruleCase struct {
	name      string
	u         func(x *graph.Node) *graph.Node
	noReverse string // why GoMLX's reverse mode cannot be the reference
	onlyXLA   bool   // the pure-Go back end lacks one of its operations
}

// curved is a non-linear function of every coordinate, to feed what is linear.
func curved(x *graph.Node) *graph.Node { return graph.Mul(graph.Sin(x), graph.Exp(column(x, 0))) }

// volume has shape [N, 3, 4, 1]: points with an image.
func volume(x *graph.Node) *graph.Node {
	weights := constant(x.Graph(), points(3, 12, -1, 1, 31))
	return graph.Reshape(graph.Sin(graph.MatMul(x, weights)), x.Shape().Dimensions[0], 3, 4, 1)
}

// complexOf is a complex function of the points.
func complexOf(x *graph.Node) *graph.Node { return graph.Complex(curved(x), graph.Cos(x)) }

func vector(x *graph.Node, v ...float64) *graph.Node { return constant(x.Graph(), v) }

var ruleCases = []ruleCase{
	{name: "x itself", u: func(x *graph.Node) *graph.Node { return x }},
	{name: "a constant", u: func(x *graph.Node) *graph.Node { return graph.OnesLike(x) }},
	{name: "Mul and Add", u: func(x *graph.Node) *graph.Node {
		return graph.Add(graph.Mul(column(x, 0), graph.Sin(column(x, 1))), column(x, 2))
	}},
	{name: "Square of sum", u: func(x *graph.Node) *graph.Node { return graph.Square(graph.ReduceAndKeep(x, graph.ReduceSum, -1)) }},
	{name: "Sub both ways", u: func(x *graph.Node) *graph.Node {
		c := graph.OnesLike(x)
		return graph.Mul(graph.Sub(c, graph.Exp(x)), graph.Sub(graph.Square(x), c))
	}},
	{name: "Div", u: func(x *graph.Node) *graph.Node {
		return graph.Div(graph.Sin(graph.Mul(column(x, 0), column(x, 1))), graph.Add(graph.Exp(column(x, 1)), graph.Square(column(x, 2))))
	}},
	{name: "scalar over points", u: func(x *graph.Node) *graph.Node {
		return graph.Div(constant(x.Graph(), 2.0), graph.OnePlus(graph.Square(x)))
	}},
	{name: "scalar operands", u: func(x *graph.Node) *graph.Node {
		g := x.Graph()
		y := graph.Add(constant(g, 2.0), graph.Sin(x))
		y = graph.Mul(graph.Sub(constant(g, 3.0), y), constant(g, 1.5))
		return graph.Sub(graph.Mul(y, y), constant(g, 1.0))
	}},
	{name: "Pow", u: func(x *graph.Node) *graph.Node {
		return graph.Pow(graph.Add(column(x, 0), column(x, 1)), constant(x.Graph(), 3.5))
	}},
	{name: "Pow of an exponent", u: func(x *graph.Node) *graph.Node {
		return graph.Pow(graph.Square(x), graph.MulScalar(graph.OnesLike(x), 1.5))
	}},
	{name: "Reciprocal", u: func(x *graph.Node) *graph.Node { return graph.Reciprocal(graph.OnePlus(x)) }},
	{name: "Concatenate", u: func(x *graph.Node) *graph.Node {
		return graph.Concatenate([]*graph.Node{graph.Square(column(x, 1)), graph.OnesLike(column(x, 0)), graph.Sin(x)}, 1)
	}},
	{name: "Reshape and Transpose", u: func(x *graph.Node) *graph.Node {
		y := graph.Transpose(graph.Reshape(graph.Square(x), x.Shape().Dimensions[0], 3, 1), 1, 2)
		return graph.Reshape(graph.Mul(y, graph.Sin(y)), x.Shape().Dimensions...)
	}},
	{name: "BroadcastInDim", u: func(x *graph.Node) *graph.Node {
		wide := graph.BroadcastToShape(graph.Square(column(x, 0)), x.Shape())
		return graph.Mul(wide, graph.Cos(x))
	}},
	{name: "implicit broadcast", u: func(x *graph.Node) *graph.Node {
		narrow := graph.Sin(column(x, 0)) // shape [N, 1] against [N, 3]
		return graph.Div(graph.Mul(narrow, graph.Sub(graph.Add(graph.Exp(x), narrow), x)), graph.OnePlus(graph.Square(narrow)))
	}},
	{name: "Slice with a stride", u: func(x *graph.Node) *graph.Node {
		return graph.Slice(graph.Mul(x, graph.Square(x)), graph.AxisRange(), graph.AxisRangeToEnd(0).Stride(2))
	}},
	{name: "Pad", u: func(x *graph.Node) *graph.Node {
		return graph.Pad(graph.Square(x), constant(x.Graph(), 5.0), compute.PadAxis{}, compute.PadAxis{Start: 1, End: 2})
	}},
	{name: "Reverse", u: func(x *graph.Node) *graph.Node { return graph.Mul(graph.Reverse(graph.Sin(x), 1), x) }},
	{name: "ReduceSum", u: func(x *graph.Node) *graph.Node {
		return graph.ReduceAndKeep(graph.Mul(x, graph.Square(x)), graph.ReduceSum, 1)
	}},
	{name: "DotGeneral with a matrix", u: func(x *graph.Node) *graph.Node {
		return graph.Square(graph.MatMul(graph.Sin(x), constant(x.Graph(), points(3, 2, -1, 1, 5))))
	}},
	{name: "DotGeneral of two functions", u: func(x *graph.Node) *graph.Node {
		return graph.ExpandAxes(graph.Einsum("ni,ni->n", graph.Sin(x), graph.Exp(x)), -1)
	}},
	{name: "matrix on the left", u: func(x *graph.Node) *graph.Node {
		return graph.Einsum("ji,ni->nj", constant(x.Graph(), points(2, 3, -1, 1, 6)), graph.Square(x))
	}},
	{name: "shared parts", u: func(x *graph.Node) *graph.Node {
		s := graph.Sin(graph.Mul(column(x, 0), column(x, 1)))
		return graph.Add(graph.Mul(s, graph.Exp(s)), graph.Div(s, graph.AddScalar(s, 3)))
	}},
	{name: "ConvertDType there and back", u: func(x *graph.Node) *graph.Node {
		wide := graph.ConvertDType(graph.ConvertDType(graph.OnesLike(x), dtypes.Float32), dtypes.Float64)
		return graph.Mul(graph.ConvertDType(graph.Sin(x), dtypes.Float64), wide)
	}},
	{name: "Where", u: func(x *graph.Node) *graph.Node {
		first := graph.GreaterThan(x, graph.MulScalar(graph.OnesLike(x), 0.8))
		return graph.Where(first, graph.Sin(graph.Square(x)), graph.Mul(x, graph.Exp(x)))
	}},
	{name: "Where with scalars", u: func(x *graph.Node) *graph.Node {
		inside := graph.LessThan(x, graph.MulScalar(graph.OnesLike(x), 0.8))
		return graph.Add(graph.Where(inside, constant(x.Graph(), 1.0), graph.Square(x)), graph.Where(inside, graph.Exp(x), constant(x.Graph(), 0.0)))
	}},
	{name: "MLP tanh", u: mlp(graph.Tanh, 1)},
	{name: "MLP sin", u: mlp(graph.Sin, 2)},

	{name: "Identity", u: func(x *graph.Node) *graph.Node { return graph.Identity(curved(x)) }, noReverse: "GoMLX has no rule"},
	{name: "Neg", u: func(x *graph.Node) *graph.Node { return graph.Neg(curved(x)) }},
	{name: "Conv", u: func(x *graph.Node) *graph.Node {
		kernel := graph.Reshape(constant(x.Graph(), points(1, 18, -1, 1, 32)), 3, 3, 1, 2)
		return flattened(graph.Square(graph.Convolve(volume(x), kernel).PadSame().Done()))
	}},
	{name: "Conv of a kernel that varies", u: func(x *graph.Node) *graph.Node { // one image, so that the batch is the points
		n := x.Shape().Dimensions[0]
		image := constant(x.Graph(), points(1, 12, -1, 1, 33))
		kernel := graph.Transpose(graph.Reshape(graph.Exp(x), n, 3), 0, 1) // [3, N]
		out := graph.Convolve(graph.Reshape(image, 1, 12, 1), graph.Reshape(kernel, 3, 1, n)).NoPadding().Done()
		return graph.Transpose(graph.Reshape(out, 10, n), 0, 1)
	}},
	{name: "SumPool and MeanPool", u: func(x *graph.Node) *graph.Node {
		return graph.Concatenate([]*graph.Node{flattened(graph.SumPool(volume(x)).Window(2).Strides(1).Done()),
			flattened(graph.MeanPool(volume(x)).Window(2).Done())}, 1)
	}},
	{name: "CumSum", u: func(x *graph.Node) *graph.Node { return graph.CumSum(curved(x), 1) }},
	{name: "CumSum in reverse", u: func(x *graph.Node) *graph.Node {
		return graph.CumSum(curved(x), 1, &graph.CumSumOptions{Exclusive: true, Reverse: true})
	}},
	{name: "Gather", u: func(x *graph.Node) *graph.Node {
		return graph.Transpose(graph.Gather(graph.Transpose(curved(x), 0, 1), graph.Const(x.Graph(), [][]int32{{2}, {0}, {2}})), 0, 1)
	}},
	{name: "ScatterSum", u: func(x *graph.Node) *graph.Node {
		onto := graph.Transpose(graph.Square(x), 0, 1)
		updates := graph.Transpose(curved(x), 0, 1)
		return graph.Transpose(graph.ScatterSum(onto, graph.Const(x.Graph(), [][]int32{{1}, {0}, {1}}), updates, false, false), 0, 1)
	}},
	{name: "DynamicSlice", onlyXLA: true, u: func(x *graph.Node) *graph.Node {
		zero, one := graph.Const(x.Graph(), int32(0)), graph.Const(x.Graph(), int32(1))
		return graph.DynamicSlice(curved(x), []*graph.Node{zero, one}, []int{x.Shape().Dimensions[0], 2})
	}},
	{name: "DynamicUpdateSlice", onlyXLA: true, u: func(x *graph.Node) *graph.Node {
		zero, one := graph.Const(x.Graph(), int32(0)), graph.Const(x.Graph(), int32(1))
		return graph.DynamicUpdateSlice(curved(x), graph.Square(column(x, 0)), []*graph.Node{zero, one})
	}},
	{name: "barriers", noReverse: "GoMLX has no rule", u: func(x *graph.Node) *graph.Node {
		two := graph.OptimizationBarriers(curved(x), graph.Cos(x))
		y := graph.Mul(two[0], two[1])
		return graph.SchedulingBarrier(graph.OptimizationBarrier(y), graph.Sin(x))
	}},
	{name: "FFT", onlyXLA: true, noReverse: "GoMLX's rule of Complex fails on broadcast zeros", u: func(x *graph.Node) *graph.Node {
		spectrum := graph.FFT(complexOf(x))
		return graph.Concatenate([]*graph.Node{graph.Real(graph.Mul(spectrum, spectrum)), graph.Imag(graph.Conj(spectrum))}, 1)
	}},
	{name: "real FFT and back", onlyXLA: true, noReverse: "GoMLX's reverse of it is not differentiated again",
		u: func(x *graph.Node) *graph.Node {
			spectrum := graph.RealFFT(curved(x))
			return graph.Real(graph.InverseFFT(graph.Mul(spectrum, spectrum)))
		}},
	{name: "Abs", u: func(x *graph.Node) *graph.Node { return graph.Abs(graph.AddScalar(curved(x), -1)) }},
	{name: "Abs of complex", onlyXLA: true, noReverse: "GoMLX's derivative of it is not differentiated again",
		u: func(x *graph.Node) *graph.Node { return graph.Abs(complexOf(x)) }},
	{name: "Expm1 and Rsqrt", noReverse: "GoMLX has no rule", u: func(x *graph.Node) *graph.Node {
		return graph.Mul(graph.Expm1(x), graph.Rsqrt(graph.Add(column(x, 1), graph.Square(x))))
	}},
	{name: "Log, Log1p, Sqrt, Erf", u: func(x *graph.Node) *graph.Node {
		return graph.Concatenate([]*graph.Node{graph.Log(curved(x)), graph.Log1P(curved(x)), graph.Sqrt(curved(x)), graph.Erf(curved(x))}, 1)
	}},
	{name: "Sin, Cos, Tanh, Logistic, Exp", u: func(x *graph.Node) *graph.Node {
		y := curved(x)
		return graph.Concatenate([]*graph.Node{graph.Sin(y), graph.Cos(y), graph.Tanh(y), graph.Logistic(y), graph.Exp(y)}, 1)
	}},
	{name: "Pow of integers", u: func(x *graph.Node) *graph.Node {
		y := graph.AddScalar(x, -3) // negative, where the logarithm is not defined
		return graph.Concatenate([]*graph.Node{graph.PowScalar(y, 1), graph.PowScalar(y, 2), graph.PowScalar(y, 3), graph.PowScalar(y, 5), graph.PowScalar(y, -2)}, 1)
	}, noReverse: "GoMLX's goes through the logarithm"},
	{name: "Pow of a list of exponents", u: func(x *graph.Node) *graph.Node {
		return graph.Pow(x, graph.BroadcastToShape(graph.ExpandAxes(vector(x, 2, 0, 1.5), 0), x.Shape()))
	}},
	{name: "Pow of functions", u: func(x *graph.Node) *graph.Node { return graph.Pow(graph.Exp(x), graph.Sin(column(x, 2))) }},
	{name: "Max and Min", u: func(x *graph.Node) *graph.Node {
		return graph.Max(graph.Sin(x), graph.Min(graph.Mul(x, graph.Exp(column(x, 1))), constant(x.Graph(), 0.9)))
	}},
	{name: "Clamp", onlyXLA: true, noReverse: "GoMLX has no rule", u: func(x *graph.Node) *graph.Node {
		return graph.Clamp(constant(x.Graph(), 0.5), curved(x), graph.Mul(x, graph.Exp(x)))
	}},
	{name: "ReduceMax and ReduceMin", u: func(x *graph.Node) *graph.Node {
		return graph.Concatenate([]*graph.Node{graph.ReduceAndKeep(curved(x), graph.ReduceMax, 1), graph.ReduceAndKeep(graph.Mul(x, curved(x)), graph.ReduceMin, 1)}, 1)
	}},
	{name: "ReduceMultiply", u: func(x *graph.Node) *graph.Node {
		return graph.Concatenate([]*graph.Node{graph.ReduceAndKeep(curved(x), graph.ReduceMultiply, 1), graph.ReduceAndKeep(x, graph.ReduceMultiply, -1)}, 1)
	}},
	{name: "Atan2", u: func(x *graph.Node) *graph.Node {
		return graph.Concatenate([]*graph.Node{graph.Atan2(graph.AddScalar(curved(x), 1), graph.AddScalar(x, -0.8)), graph.Atan2(graph.Cos(graph.MulScalar(x, 1.5)), column(x, 0)),
			graph.Atan2(constant(x.Graph(), -1.5), graph.Cos(graph.MulScalar(x, 1.6)))}, 1)
	}},
	{name: "steps", u: func(x *graph.Node) *graph.Node {
		y := graph.MulScalar(x, 3)
		steps := graph.Add(graph.Add(graph.Floor(y), graph.Ceil(y)), graph.Add(graph.Round(y), graph.Sign(graph.AddScalar(x, -0.7))))
		return graph.Mul(curved(x), steps)
	}, noReverse: "GoMLX has no rule for them"},
	{name: "Rem", noReverse: "GoMLX has no rule", u: func(x *graph.Node) *graph.Node { // no jumps in the range of the points
		first := graph.Rem(graph.AddScalar(curved(x), 7), graph.AddScalar(column(x, 1), 5))
		return graph.Mul(first, graph.Rem(graph.AddScalar(graph.MulScalar(x, -1.5), -2), constant(x.Graph(), 2.2)))
	}},
	{name: "batch normalization, inference", onlyXLA: true, noReverse: "GoMLX has no rule", u: func(x *graph.Node) *graph.Node {
		return graph.InternalBatchNormForInference(curved(x), vector(x, 1, 2, 3), vector(x, 0, 1, 2), vector(x, 0.5, 0.1, 0.2), vector(x, 0.5, 2, 1), 1e-3, 1)
	}},
	{name: "FusedGelu", noReverse: "GoMLX has no rule", u: func(x *graph.Node) *graph.Node {
		return graph.Concatenate([]*graph.Node{graph.BackendFusedGelu(curved(x), true), graph.BackendFusedGelu(curved(x), false)}, 1)
	}},
	{name: "FusedSoftmax", noReverse: "GoMLX has no rule", u: func(x *graph.Node) *graph.Node { return graph.BackendFusedSoftmax(curved(x), 1) }},
	{name: "FusedLayerNorm", noReverse: "GoMLX has no rule", u: func(x *graph.Node) *graph.Node {
		y := volume(x) // 3×4×1
		gamma := graph.Reshape(constant(x.Graph(), points(1, 12, -1, 1, 34)), 3, 4)
		return graph.Concatenate([]*graph.Node{
			flattened(graph.BackendFusedLayerNorm(y, []int{1, 2}, 1e-3, nil, nil)),
			flattened(graph.BackendFusedLayerNorm(graph.Squeeze(y, -1), []int{-2, -1}, 1e-3, gamma, graph.Sin(gamma))),
			graph.BackendFusedLayerNorm(curved(x), []int{-1}, 0.1, vector(x, 1, 2, 3), vector(x, 3, 2, 1)),
			graph.BackendFusedLayerNorm(curved(x), []int{1}, 0.1, vector(x, 1, 2, 3), nil)}, 1)
	}},
	{name: "FusedDense", noReverse: "GoMLX has no rule", u: func(x *graph.Node) *graph.Node {
		weight, bias := constant(x.Graph(), points(3, 2, -1, 1, 35)), vector(x, 0.3, -0.2)
		y := curved(x)
		var all []*graph.Node
		for _, a := range []compute.ActivationType{compute.ActivationNone, compute.ActivationGelu, compute.ActivationRelu,
			compute.ActivationSilu, compute.ActivationHardSwish, compute.ActivationTanh} {
			all = append(all, graph.BackendFusedDense(y, weight, bias, compute.DenseConfig{Activation: a}))
		}
		turned := compute.DenseConfig{Activation: compute.ActivationTanh, WeightLayout: compute.DenseLayoutOutputsInput}
		all = append(all, graph.BackendFusedDense(y, graph.Transpose(weight, 0, 1), nil, turned))
		deep := graph.BackendFusedDense(graph.Reshape(y, -1, 1, 3), graph.Reshape(weight, 3, 2, 1), graph.Reshape(bias, 2, 1), compute.DenseConfig{})
		return graph.Concatenate(append(all, flattened(deep)), 1)
	}},
	{name: "FusedAttentionQKVProjection", noReverse: "GoMLX has no rule", u: func(x *graph.Node) *graph.Node {
		weight := constant(x.Graph(), points(3, 8, -1, 1, 36))
		q, k, v := graph.BackendFusedAttentionQKVProjection(curved(x), weight, vector(x, 1, 2, 3, 4), nil, vector(x, 5, 6), 4, 2)
		return graph.Concatenate([]*graph.Node{graph.Square(q), graph.Mul(k, v)}, 1)
	}},
}

// flattened has shape [N, …].
func flattened(y *graph.Node) *graph.Node { return graph.Reshape(y, y.Shape().Dimensions[0], -1) }

// refusals are functions with operations that have no derivative.
var refusals = map[graph.NodeType]func(x *graph.Node) *graph.Node{
	graph.NodeTypeSort: func(x *graph.Node) *graph.Node { return graph.Sort(x, 1, true) },
	graph.NodeTypeReduceWindow: func(x *graph.Node) *graph.Node {
		return flattened(graph.MaxPool(graph.Reshape(x, -1, 2, 1)).Window(2).Done())
	},
	graph.NodeTypeBatchNormForTraining: func(x *graph.Node) *graph.Node {
		y, _, _ := graph.InternalBatchNormForTraining(x, vector(x, 1, 2), vector(x, 0, 0), 1e-3, 1)
		return y
	},
	graph.NodeTypeWhile: func(x *graph.Node) *graph.Node {
		g, shape := x.Graph(), x.Shape()
		condition := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
			return []*graph.Node{graph.LessThan(graph.ReduceAllSum(graph.Parameter(g, "x", shape)), graph.Const(g, 1.0))}
		})
		body := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
			return []*graph.Node{graph.OnePlus(graph.Parameter(g, "x", shape))}
		})
		return graph.While(condition, body, x)[0]
	},
	graph.NodeTypeCall: func(x *graph.Node) *graph.Node {
		shape := shapes.Make(dtypes.Float64, x.Shape().Dimensions...)
		sine := graph.NewFunction(x.Graph(), "sine", func(g *graph.Graph) []*graph.Node {
			return []*graph.Node{graph.Sin(graph.Parameter(g, "x", shape))}
		})
		return sine.Call(x)[0]
	},
}

// unreachable operations have a rule but cannot be built here.
var unreachable = map[graph.NodeType]string{
	graph.NodeTypeFusedScaledDotProductAttention: "only back ends on a GPU have it",
	graph.NodeTypeIf: "its branches cannot use nodes of the graph, so it depends on its condition only",
}
