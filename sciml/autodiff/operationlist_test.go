package autodiff_test

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/nn"
)

// operation is a function of GoMLX in a residual. It gets positive numbers of shape [N, 3] that depend on the points and on θ.
type operation struct {
	build func(h *graph.Node) *graph.Node
	// reverseOnly is set where there is no rule of forward mode.
	reverseOnly bool
}

// none are operations in no residual, by the reason.
type none string

const (
	discrete  none = "its result are integers or truth values"
	fixed     none = "its result does not depend on what a residual is made of"
	building  none = "it makes no node, or takes apart one"
	unknown   none = "shapes are not known when the graph is built"
	alias     none = "it is another one by another name, or for tests"
	quantized none = "weights are integers"
	refused   none = "it has no derivative rule"
)

func op(build func(h *graph.Node) *graph.Node) operation { return operation{build: build} }

// pairOf are two positive functions.
func pairOf(h *graph.Node) (a, b *graph.Node) { return h, graph.Reverse(graph.Square(h), 1) }

func binary(f func(a, b *graph.Node) *graph.Node) operation {
	return op(func(h *graph.Node) *graph.Node { a, b := pairOf(h); return f(a, b) })
}

func maskOf(h *graph.Node) *graph.Node {
	return graph.BroadcastToShape(graph.Const(h.Graph(), [][]bool{{true, false, true}}), graph.GreaterThan(h, h).Shape())
}

func masked(f func(x, mask *graph.Node) *graph.Node) operation {
	return op(func(h *graph.Node) *graph.Node { return f(h, maskOf(h)) })
}

func reduced(f func(x *graph.Node, axes ...int) *graph.Node) operation {
	return op(func(h *graph.Node) *graph.Node { return graph.Add(f(h, 1), f(h, 0, 1)) })
}

func rowsAt(h *graph.Node) *graph.Node { return graph.Const(h.Graph(), [][]int32{{3}, {0}, {3}}) }

func imageOf(h *graph.Node) *graph.Node {
	return graph.Reshape(graph.Concatenate([]*graph.Node{h, graph.Square(h)}, 1), h.Shape().Dimensions[0], 2, 3, 1)
}

func pooled(f func(x *graph.Node) *graph.PoolBuilder) func(h *graph.Node) *graph.Node {
	return func(h *graph.Node) *graph.Node { return f(imageOf(h)).Window(2).Strides(1).Done() }
}

func onto(h *graph.Node) (operand, updates *graph.Node) {
	return graph.Square(h), graph.Sin(graph.Slice(h, graph.AxisRange(0, 3)))
}

func scattered(f func(operand, indices, updates *graph.Node, sorted, unique bool) *graph.Node) func(h *graph.Node) *graph.Node {
	return func(h *graph.Node) *graph.Node {
		operand, updates := onto(h)
		return f(operand, rowsAt(h), updates, false, false)
	}
}

func scatteredBackend(f func(operand, indices, updates *graph.Node, indexVectorAxis int, a, b, c []int, sorted, unique bool) *graph.Node) func(h *graph.Node) *graph.Node {
	return func(h *graph.Node) *graph.Node {
		operand, updates := onto(h)
		return f(operand, rowsAt(h), updates, 1, []int{1}, []int{0}, []int{0}, false, false)
	}
}

func kernelOf(h *graph.Node) *graph.Node { // of the network's own output, so that it depends on θ
	return graph.Reshape(graph.Slice(h, graph.AxisRange(0, 4), graph.AxisElem(1)), 2, 2, 1, 1)
}

func spectrumOf(h *graph.Node) *graph.Node { return graph.FFT(graph.Complex(h, graph.Square(h))) }

func moduli(z *graph.Node) *graph.Node { return graph.Add(graph.Real(z), graph.Square(graph.Imag(z))) }

// graphOperations has an entry for each exported function of GoMLX's graph package that takes nodes.
var graphOperations = map[string]any{
	"Abs":       op(func(h *graph.Node) *graph.Node { return graph.Abs(graph.AddScalar(h, -0.7)) }),
	"Add":       binary(graph.Add),
	"AddScalar": op(func(h *graph.Node) *graph.Node { return graph.AddScalar(graph.Square(h), 2) }),
	"Atan2": binary(func(a, b *graph.Node) *graph.Node {
		return graph.Atan2(graph.AddScalar(a, -0.7), graph.AddScalar(b, -0.5))
	}),
	"BackendGather": op(func(h *graph.Node) *graph.Node {
		return graph.BackendGather(h, rowsAt(h), 1, []int{1}, []int{0}, []int{0}, []int{1, 3}, false)
	}),
	"BackendReduceWindow": op(func(h *graph.Node) *graph.Node {
		return graph.BackendReduceWindow(h, compute.ReduceOpSum, []int{1, 2}, []int{1, 1}, nil, nil, nil)
	}),
	"BackendFusedAttentionQKVProjection": op(func(h *graph.Node) *graph.Node {
		q, k, v := graph.BackendFusedAttentionQKVProjection(h, constant(h.Graph(), points(3, 8, -1, 1, 36)), nil, nil, nil, 4, 2)
		return graph.Concatenate([]*graph.Node{q, graph.Mul(k, v)}, 1)
	}),
	"BackendFusedDense": op(func(h *graph.Node) *graph.Node {
		return graph.BackendFusedDense(h, constant(h.Graph(), points(3, 2, -1, 1, 36)), vector(h, 1, 2), compute.DenseConfig{Activation: compute.ActivationTanh})
	}),
	"BackendFusedGelu": op(func(h *graph.Node) *graph.Node { return graph.BackendFusedGelu(h, true) }),
	"BackendFusedLayerNorm": op(func(h *graph.Node) *graph.Node {
		return graph.BackendFusedLayerNorm(h, []int{1}, 0.1, vector(h, 1, 2, 3), vector(h, 3, 2, 1))
	}),
	"BackendFusedSoftmax": op(func(h *graph.Node) *graph.Node { return graph.BackendFusedSoftmax(h, 1) }),
	"BackendScatterMax":   operation{scatteredBackend(graph.BackendScatterMax), true},
	"BackendScatterMin":   operation{scatteredBackend(graph.BackendScatterMin), true},
	"BackendScatterSum":   op(scatteredBackend(graph.BackendScatterSum)),
	"BroadcastLike": op(func(h *graph.Node) *graph.Node {
		return graph.BroadcastLike(graph.Slice(h, graph.AxisRange(), graph.AxisElem(1)), h)
	}),
	"BroadcastPrefix": op(func(h *graph.Node) *graph.Node { return graph.BroadcastPrefix(h, 2) }),
	"BroadcastToDims": op(func(h *graph.Node) *graph.Node {
		return graph.BroadcastToDims(graph.Slice(h, graph.AxisRange(), graph.AxisElem(1)), h.Shape().Dimensions...)
	}),
	"BroadcastToShape": op(func(h *graph.Node) *graph.Node {
		return graph.BroadcastToShape(graph.Slice(h, graph.AxisElem(2)), h.Shape())
	}),
	"Ceil":                  op(func(h *graph.Node) *graph.Node { return graph.Add(graph.Ceil(graph.MulScalar(h, 2)), h) }),
	"Clamp":                 binary(func(a, b *graph.Node) *graph.Node { return graph.Clamp(graph.ConstAs(a, 0.6), a, b) }),
	"Clip":                  binary(func(a, b *graph.Node) *graph.Node { return graph.Clip(a, graph.ConstAs(a, 0.6), b) }),
	"ClipScalar":            op(func(h *graph.Node) *graph.Node { return graph.ClipScalar(h, 0.5, 0.9) }),
	"Complex":               op(func(h *graph.Node) *graph.Node { return moduli(graph.Complex(h, graph.Square(h))) }),
	"Concatenate":           op(func(h *graph.Node) *graph.Node { return graph.Concatenate([]*graph.Node{h, graph.Square(h)}, 0) }),
	"ConcatPool":            fixed, // of channels, by a convolution with a constant
	"Conj":                  op(func(h *graph.Node) *graph.Node { return moduli(graph.Conj(spectrumOf(h))) }),
	"ConsecutiveDifference": op(func(h *graph.Node) *graph.Node { return graph.ConsecutiveDifference(h, 0, true) }),
	"ConvGeneral": op(func(h *graph.Node) *graph.Node {
		axes := compute.ConvolveAxesConfig{InputBatch: 0, InputChannels: 3, InputSpatial: []int{1, 2}, KernelInputChannels: 2, KernelOutputChannels: 3,
			KernelSpatial: []int{0, 1}, OutputBatch: 0, OutputChannels: 3, OutputSpatial: []int{1, 2}}
		return graph.ConvGeneral(imageOf(h), kernelOf(h), axes, nil, nil, nil, nil, 1, 1)
	}),
	"ConvertDType": op(func(h *graph.Node) *graph.Node {
		return graph.Mul(h, graph.ConvertDType(graph.OnesLike(h), dtypes.Float64))
	}),
	"ConvertType":           alias,
	"Convolve":              op(func(h *graph.Node) *graph.Node { return graph.Convolve(imageOf(h), kernelOf(h)).PadSame().Done() }),
	"Cos":                   op(graph.Cos),
	"CosineSimilarity":      binary(func(a, b *graph.Node) *graph.Node { return graph.CosineSimilarity(a, b, 1) }),
	"CrossCosineSimilarity": binary(func(a, b *graph.Node) *graph.Node { return graph.CrossCosineSimilarity(a, b, 1, 0) }),
	"CumSum":                op(func(h *graph.Node) *graph.Node { return graph.CumSum(h, 0) }),
	"DiagonalWithValue":     op(func(h *graph.Node) *graph.Node { return graph.DiagonalWithValue(graph.ReduceAllMean(h), 3) }),
	"Div":                   binary(graph.Div),
	"DivScalar":             op(func(h *graph.Node) *graph.Node { return graph.DivScalar(graph.Square(h), 2) }),
	"Dot":                   binary(func(a, b *graph.Node) *graph.Node { return graph.Dot(a, graph.Transpose(b, 0, 1)).MatMul() }),
	"DotProduct":            binary(func(a, b *graph.Node) *graph.Node { return graph.DotProduct(graph.Transpose(a, 0, 1), b) }),
	"DotGeneral": binary(func(a, b *graph.Node) *graph.Node {
		return graph.DotGeneral(a, []int{1}, []int{0}, b, []int{1}, []int{0})
	}),
	"DynamicSlice": op(func(h *graph.Node) *graph.Node {
		one := graph.Const(h.Graph(), int32(1))
		return graph.DynamicSlice(h, []*graph.Node{one, one}, []int{3, 2})
	}),
	"DynamicUpdateSlice": op(func(h *graph.Node) *graph.Node {
		zero := graph.Const(h.Graph(), int32(0))
		return graph.DynamicUpdateSlice(h, graph.Square(graph.Slice(h, graph.AxisRange(1, 3))), []*graph.Node{zero, zero})
	}),
	"Einsum":     binary(func(a, b *graph.Node) *graph.Node { return graph.Einsum("ni,nj->nij", a, b) }),
	"EinsumAxes": binary(func(a, b *graph.Node) *graph.Node { return graph.EinsumAxes(a, b, [][2]int{{1, 1}}, [][2]int{{0, 0}}) }),
	"Erf":        op(graph.Erf),
	"Exp":        op(graph.Exp),
	"ExpandAndBroadcast": op(func(h *graph.Node) *graph.Node {
		return graph.ExpandAndBroadcast(h, []int{h.Shape().Dimensions[0], 2, 3}, []int{1})
	}),
	"ExpandAxes":       op(func(h *graph.Node) *graph.Node { return graph.ExpandAxes(h, 1) }),
	"ExpandDims":       alias,
	"ExpandLeftToRank": op(func(h *graph.Node) *graph.Node { return graph.ExpandLeftToRank(h, 3) }),
	"Expm1":            op(graph.Expm1),
	"FFT":              op(func(h *graph.Node) *graph.Node { return moduli(spectrumOf(h)) }),
	"Floor":            op(func(h *graph.Node) *graph.Node { return graph.Add(graph.Floor(graph.MulScalar(h, 2)), h) }),
	"Gather":           op(func(h *graph.Node) *graph.Node { return graph.Gather(h, rowsAt(h)) }),
	"GatherSlices": op(func(h *graph.Node) *graph.Node {
		return graph.GatherSlices(h, []int{0}, graph.Const(h.Graph(), [][]int32{{2}, {0}}), []int{2}, false)
	}),
	"Gradient": op(func(h *graph.Node) *graph.Node {
		return graph.Gradient(graph.ReduceAllSum(graph.Exp(graph.Square(h))), h)[0]
	}),
	"GrowLeft":  op(func(h *graph.Node) *graph.Node { return graph.GrowLeft(h, 1, 1, 2) }),
	"GrowRight": op(func(h *graph.Node) *graph.Node { return graph.GrowRight(h, 0, 1, 2) }),
	"Identity":  op(graph.Identity),
	"IdentityWithCustomGradient": op(func(h *graph.Node) *graph.Node {
		return graph.IdentityWithCustomGradient(h, func(_, v *graph.Node) *graph.Node { return v })
	}),
	"Imag":       op(func(h *graph.Node) *graph.Node { return graph.Imag(spectrumOf(h)) }),
	"InsertAxes": op(func(h *graph.Node) *graph.Node { return graph.InsertAxes(h, 1) }),
	"InternalBatchNormForInference": op(func(h *graph.Node) *graph.Node {
		return graph.InternalBatchNormForInference(h, vector(h, 1, 2, 3), vector(h, 0, 1, 2), vector(h, 0.5, 0.1, 0.2), vector(h, 0.5, 2, 1), 1e-3, 1)
	}),
	"InternalBatchNormForTraining": refused, "InternalBatchNormGradient": refused,
	"InternalFusedOpCaller": op(func(h *graph.Node) *graph.Node {
		f := func() *graph.Node { return graph.Square(h) }
		y, _ := graph.InternalFusedOpCaller(f, f, true)
		return y
	}),
	"InternalFusedOpCallerMulti": building,
	"Interpolate": op(func(h *graph.Node) *graph.Node {
		return graph.Interpolate(imageOf(h), graph.NoInterpolation, 4, 5, graph.NoInterpolation).Done()
	}),
	"Inverse":    alias,
	"InverseFFT": op(func(h *graph.Node) *graph.Node { return moduli(graph.InverseFFT(spectrumOf(h))) }),
	"InverseRealFFT": op(func(h *graph.Node) *graph.Node {
		return graph.InverseRealFFT(graph.RealFFT(graph.Concatenate([]*graph.Node{h, graph.Slice(h, graph.AxisRange(), graph.AxisElem(0))}, 1)))
	}),
	"L1Norm":                 op(func(h *graph.Node) *graph.Node { return graph.L1Norm(h, 1) }),
	"L2Norm":                 op(func(h *graph.Node) *graph.Node { return graph.L2Norm(h, 1) }),
	"L2NormSquare":           op(func(h *graph.Node) *graph.Node { return graph.L2NormSquare(h, 1) }),
	"L2Normalize":            op(func(h *graph.Node) *graph.Node { return graph.L2Normalize(h, 1) }),
	"L2NormalizeWithEpsilon": op(func(h *graph.Node) *graph.Node { return graph.L2NormalizeWithEpsilon(h, 1e-3, 0) }),
	"Log":                    op(graph.Log),
	"Log1P":                  op(graph.Log1P),
	"Log1p":                  op(graph.Log1p),
	"LogAddExp":              binary(graph.LogAddExp),
	"LogSoftmax":             op(func(h *graph.Node) *graph.Node { return graph.LogSoftmax(h, -1) }),
	"Logistic":               op(graph.Logistic),
	"MakeRagged2D": op(func(h *graph.Node) *graph.Node {
		return graph.MakeRagged2D(3, graph.Slice(graph.Reshape(h, -1), graph.AxisRange(0, 4)), graph.Const(h.Graph(), []int32{0, 0, 1, 2})).ReduceSumCols()
	}),
	"MaskedLogSoftmax": operation{masked(func(x, m *graph.Node) *graph.Node {
		return graph.Slice(graph.MaskedLogSoftmax(x, m, -1), graph.AxisRange(), graph.AxisElem(0))
	}).build, false},
	"MaskedReduceAllMax":  masked(graph.MaskedReduceAllMax),
	"MaskedReduceAllMean": masked(graph.MaskedReduceAllMean),
	"MaskedReduceAllMin":  masked(graph.MaskedReduceAllMin),
	"MaskedReduceAllSum":  masked(graph.MaskedReduceAllSum),
	"MaskedReduceAndKeep": masked(func(x, m *graph.Node) *graph.Node { return graph.MaskedReduceAndKeep(x, m, graph.MaskedReduceSum, 1) }),
	"MaskedReduceMax":     masked(func(x, m *graph.Node) *graph.Node { return graph.MaskedReduceMax(x, m, 1) }),
	"MaskedReduceMean":    masked(func(x, m *graph.Node) *graph.Node { return graph.MaskedReduceMean(x, m, 1) }),
	"MaskedReduceMin":     masked(func(x, m *graph.Node) *graph.Node { return graph.MaskedReduceMin(x, m, 1) }),
	"MaskedReduceSum":     masked(func(x, m *graph.Node) *graph.Node { return graph.MaskedReduceSum(x, m, 1) }),
	"MaskedSoftmax":       masked(func(x, m *graph.Node) *graph.Node { return graph.MaskedSoftmax(x, m, -1) }),
	"MatMul":              binary(func(a, b *graph.Node) *graph.Node { return graph.MatMul(graph.Transpose(a, 0, 1), b) }),
	"Max":                 binary(graph.Max),
	"MaxPool":             operation{pooled(graph.MaxPool), true},
	"MaxScalar":           op(func(h *graph.Node) *graph.Node { return graph.MaxScalar(h, 0.7) }),
	"MeanPool":            op(pooled(graph.MeanPool)),
	"Min":                 binary(graph.Min),
	"MinPool":             operation{pooled(graph.MinPool), true},
	"MinScalar":           op(func(h *graph.Node) *graph.Node { return graph.MinScalar(h, 0.7) }),
	"MinusOne":            op(graph.MinusOne),
	"MirroredLog1p":       op(func(h *graph.Node) *graph.Node { return graph.MirroredLog1p(graph.AddScalar(h, -0.7)) }),
	"Mod":                 binary(func(a, b *graph.Node) *graph.Node { return graph.Mod(graph.MulScalar(a, 3), b) }),
	"ModScalar":           op(func(h *graph.Node) *graph.Node { return graph.ModScalar(graph.MulScalar(h, 3), 1.1) }),
	"Mul":                 binary(graph.Mul),
	"MulScalar":           op(func(h *graph.Node) *graph.Node { return graph.MulScalar(graph.Square(h), 2) }),
	"Neg":                 op(graph.Neg),
	"OneMinus":            op(graph.OneMinus),
	"OnePlus":             op(graph.OnePlus),
	"OptimizationBarrier": op(graph.OptimizationBarrier),
	"OptimizationBarriers": binary(func(a, b *graph.Node) *graph.Node {
		two := graph.OptimizationBarriers(a, b)
		return graph.Mul(two[0], two[1])
	}),
	"Pad": op(func(h *graph.Node) *graph.Node {
		return graph.Pad(h, graph.ConstAs(h, 2), compute.PadAxis{Start: 1}, compute.PadAxis{Interior: 1})
	}),
	"Pow":               binary(graph.Pow),
	"PowScalar":         op(func(h *graph.Node) *graph.Node { return graph.PowScalar(graph.Neg(h), 3) }),
	"Real":              op(func(h *graph.Node) *graph.Node { return graph.Real(spectrumOf(h)) }),
	"RealFFT":           op(func(h *graph.Node) *graph.Node { return moduli(graph.RealFFT(h)) }),
	"Reciprocal":        op(graph.Reciprocal),
	"ReduceAllMax":      op(graph.ReduceAllMax),
	"ReduceAllMean":     op(graph.ReduceAllMean),
	"ReduceAllMin":      op(graph.ReduceAllMin),
	"ReduceAllMultiply": op(graph.ReduceAllMultiply),
	"ReduceAllSum":      op(graph.ReduceAllSum),
	"ReduceAndKeep":     op(func(h *graph.Node) *graph.Node { return graph.ReduceAndKeep(h, graph.ReduceMean, 0) }),
	"ReduceMax":         reduced(graph.ReduceMax),
	"ReduceMean":        reduced(graph.ReduceMean),
	"ReduceMin":         reduced(graph.ReduceMin),
	"ReduceMultiply":    reduced(graph.ReduceMultiply),
	"ReduceSkewness":    reduced(graph.ReduceSkewness),
	"ReduceSum":         reduced(graph.ReduceSum),
	"ReduceVariance":    reduced(graph.ReduceVariance),
	"Rem":               binary(func(a, b *graph.Node) *graph.Node { return graph.Rem(graph.MulScalar(a, -3), b) }),
	"Reshape":           op(func(h *graph.Node) *graph.Node { return graph.Reshape(graph.Slice(h, graph.AxisRange(0, 4)), 2, 6) }),
	"ReshapeLike":       binary(func(a, b *graph.Node) *graph.Node { return graph.ReshapeLike(graph.Transpose(a, 0, 1), b) }),
	"ReshapeWithShape":  op(func(h *graph.Node) *graph.Node { return graph.ReshapeWithShape(graph.ExpandAxes(h, 0), h.Shape()) }),
	"Reverse":           op(func(h *graph.Node) *graph.Node { return graph.Reverse(h, 0) }),
	"Round":             op(func(h *graph.Node) *graph.Node { return graph.Add(graph.Round(graph.MulScalar(h, 2)), h) }),
	"Rsqrt":             op(graph.Rsqrt),
	"Scatter": op(func(h *graph.Node) *graph.Node {
		_, updates := onto(h)
		return graph.Scatter(rowsAt(h), updates, h.Shape(), false, false)
	}),
	"ScatterAdd":        alias,
	"ScatterMax":        operation{scattered(graph.ScatterMax), true},
	"ScatterMin":        operation{scattered(graph.ScatterMin), true},
	"ScatterSum":        op(scattered(graph.ScatterSum)),
	"ScatterUpdate":     none("GoMLX has it for numbers that are no floating-point ones"),
	"SchedulingBarrier": binary(func(a, b *graph.Node) *graph.Node { return graph.SchedulingBarrier(a, b) }),
	"Shift":             op(func(h *graph.Node) *graph.Node { return graph.Shift(h, 0, graph.ShiftDirLeft, 1) }),
	"ShiftLeft":         op(func(h *graph.Node) *graph.Node { return graph.ShiftLeft(h, 1, 0.5) }),
	"ShiftRight":        op(func(h *graph.Node) *graph.Node { return graph.ShiftRight(h, 1, 0.5) }),
	"ShiftWithScalar":   op(func(h *graph.Node) *graph.Node { return graph.ShiftWithScalar(h, 0, graph.ShiftDirRight, 2, 0.5) }),
	"ShiftWithValue": op(func(h *graph.Node) *graph.Node {
		return graph.ShiftWithValue(h, 0, graph.ShiftDirRight, 2, graph.ReduceAllMax(h))
	}),
	"Sigmoid":         op(graph.Sigmoid),
	"Sign":            op(func(h *graph.Node) *graph.Node { return graph.Add(graph.Sign(graph.AddScalar(h, -0.7)), h) }),
	"SignPlusOrMinus": op(func(h *graph.Node) *graph.Node { return graph.Add(graph.SignPlusOrMinus(graph.AddScalar(h, -0.7)), h) }),
	"Sin":             op(graph.Sin),
	"Skewness":        reduced(graph.Skewness),
	"Slice": op(func(h *graph.Node) *graph.Node {
		return graph.Slice(h, graph.AxisRange(1, 4).Stride(2), graph.AxisElem(1))
	}),
	"SliceAxis": op(func(h *graph.Node) *graph.Node { return graph.SliceAxis(h, 0, graph.AxisRange(1, 3)) }),
	"Softmax":   op(func(h *graph.Node) *graph.Node { return graph.Add(graph.Softmax(h, -1), graph.Softmax(h, 0)) }),
	"Softplus":  op(graph.Softplus),
	"Split":     op(func(h *graph.Node) *graph.Node { return graph.Mul(graph.Split(h, 1, 3)[0], graph.Split(h, 1, 3)[2]) }),
	"Sqrt":      op(graph.Sqrt),
	"Square":    op(graph.Square),
	"Squeeze": op(func(h *graph.Node) *graph.Node {
		return graph.Squeeze(graph.Slice(h, graph.AxisRange(), graph.AxisElem(1)), 1)
	}),
	"Stack":               op(func(h *graph.Node) *graph.Node { return graph.Stack([]*graph.Node{h, graph.Square(h)}, 1) }),
	"StopGradient":        op(func(h *graph.Node) *graph.Node { return graph.Add(h, graph.StopGradient(graph.ZerosLike(h))) }),
	"Sub":                 binary(graph.Sub),
	"SubScalar":           op(func(h *graph.Node) *graph.Node { return graph.SubScalar(graph.Square(h), 2) }),
	"SumPool":             op(pooled(graph.SumPool)),
	"TakeLowerTriangular": op(func(h *graph.Node) *graph.Node { return graph.TakeLowerTriangular(h, 0) }),
	"TakeUpperTriangular": op(func(h *graph.Node) *graph.Node { return graph.TakeUpperTriangular(h, 0) }),
	"Tanh":                op(graph.Tanh),
	"Transpose":           op(func(h *graph.Node) *graph.Node { return graph.Transpose(h, 0, 1) }),
	"TransposeAllAxes":    op(func(h *graph.Node) *graph.Node { return graph.TransposeAllAxes(h, 1, 0) }),
	"TransposeAllDims":    alias,
	"Variance":            reduced(graph.Variance),
	"Where":               op(func(h *graph.Node) *graph.Node { return graph.Where(maskOf(h), graph.Square(h), graph.ReduceAllSum(h)) }),

	"BottomK": refused, "TopK": refused, "Sort": refused, "SortFunc": refused, "While": refused, "If": refused,
	"BackendFusedScaledDotProductAttention": refused,

	"And": discrete, "ArgMax": discrete, "ArgMin": discrete, "BitCount": discrete, "Bitcast": discrete, "BitwiseAnd": discrete, "BitwiseNot": discrete,
	"BitwiseOr": discrete, "BitwiseShiftLeft": discrete, "BitwiseShiftRightArithmetic": discrete, "BitwiseShiftRightLogical": discrete,
	"BitwiseShiftLeftScalar": discrete, "BitwiseShiftRightArithmeticScalar": discrete, "BitwiseShiftRightLogicalScalar": discrete,
	"BitwiseXor": discrete, "Clz": discrete, "Equal": discrete, "EqualTotalOrder": discrete, "GreaterOrEqual": discrete, "GreaterOrEqualTotalOrder": discrete,
	"GreaterThan": discrete, "GreaterThanTotalOrder": discrete, "IsFinite": discrete, "IsNaN": discrete, "IsNegative": discrete, "IsNonNegative": discrete,
	"IsNonPositive": discrete, "IsPositive": discrete, "IsZero": discrete, "LessOrEqual": discrete, "LessOrEqualTotalOrder": discrete, "LessThan": discrete,
	"LessThanTotalOrder": discrete, "LogicalAll": discrete, "LogicalAnd": discrete, "LogicalAny": discrete, "LogicalNot": discrete, "LogicalOr": discrete,
	"LogicalXor": discrete, "NormalizeIndices": discrete, "Not": discrete, "NotEqual": discrete, "NotEqualTotalOrder": discrete, "OneHot": discrete, "Or": discrete,
	"ReduceBitwiseAnd": discrete, "ReduceBitwiseOr": discrete, "ReduceBitwiseXor": discrete, "ReduceLogicalAnd": discrete, "ReduceLogicalOr": discrete,
	"ReduceLogicalXor": discrete, "TopKMask": discrete, "DimensionSize": discrete,
	"NegativeIndicator": fixed, "NonNegativeIndicator": fixed, "NonPositiveIndicator": fixed, "PositiveIndicator": fixed,
	"ConstAs": fixed, "IotaLike": fixed, "OnesLike": fixed, "ZerosLike": fixed, "RNGStateSplit": fixed, "RandomNormal": fixed, "RandomUniform": fixed,
	"RandomIntN":             fixed,
	"InternalBackendOutputs": building, "NewClosure": building, "NewClosureWithSharding": building, "NewFunction": building,
	"NewFunctionWithSharding": building,
	"DimensionSpecFor":        unknown, "DimensionSpecsFor": unknown, "DynamicBroadcastInDim": unknown, "DynamicBroadcastLike": unknown, "DynamicBroadcastToDims": unknown,
	"DynamicBroadcastToShape": unknown, "DynamicDim": unknown, "DynamicPad": unknown, "DynamicReshape": unknown, "DynamicReshapeLike": unknown, "DynamicShape": unknown,
	"NamedDynamicDim":            unknown,
	"BackendFusedQuantizedDense": quantized, "BackendQuantizedEmbeddingLookup": quantized,
}

// activationOperations has those of the package of activations, and layerOperations those of package nn.
var activationOperations = map[string]any{
	"Apply": alias, "ApplyFromScope": building,
	"Relu":            op(func(h *graph.Node) *graph.Node { return activation.Relu(graph.AddScalar(h, -0.7)) }),
	"LeakyRelu":       op(func(h *graph.Node) *graph.Node { return activation.LeakyRelu(graph.AddScalar(h, -0.7)) }),
	"LeakyReluWith":   op(func(h *graph.Node) *graph.Node { return activation.LeakyReluWith(graph.AddScalar(h, -0.7), 0.2) }),
	"Swish":           op(activation.Swish),
	"HardSigmoid":     op(activation.HardSigmoid),
	"HardSigmoidWith": op(func(h *graph.Node) *graph.Node { return activation.HardSigmoidWith(h, 0.3, 0.4) }),
	"HardSwish":       op(activation.HardSwish),
	"HardSwishWith": op(func(h *graph.Node) *graph.Node {
		return activation.HardSwishWith(h, graph.ConstAs(h, 0.3), graph.ConstAs(h, 0.4))
	}),
	"Selu":            op(func(h *graph.Node) *graph.Node { return activation.Selu(graph.AddScalar(h, -0.7)) }),
	"Gelu":            op(activation.Gelu),
	"GeluApproximate": op(activation.GeluApproximate),
	"SwiGLU": op(func(h *graph.Node) *graph.Node {
		return activation.SwiGLU(graph.Concatenate([]*graph.Node{h, graph.Square(h)}, 1))
	}),
}

var layerOperations = map[string]any{
	"Dense": op(func(h *graph.Node) *graph.Node {
		return nn.Dense(h, constant(h.Graph(), points(3, 2, -1, 1, 36)), vector(h, 1, 2), compute.DenseLayoutInputOutputs, activation.TypeTanh)
	}),
	"LayerNorm": op(func(h *graph.Node) *graph.Node {
		return nn.LayerNorm(h, []int{1}, 0.1, vector(h, 1, 2, 3), vector(h, 3, 2, 1), nil)
	}),
	"SoftCap":        op(func(h *graph.Node) *graph.Node { return nn.SoftCap(h, 2) }),
	"QuantizedDense": quantized, "QuantizedGather": quantized,
}
