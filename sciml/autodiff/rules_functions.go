package autodiff

import (
	"math"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// The first derivatives of element-wise functions, from x and y = f(x).

func sinSlope(x, _ *graph.Node) *graph.Node { return graph.Cos(x) }

func cosSlope(x, _ *graph.Node) *graph.Node { return graph.Neg(graph.Sin(x)) }

func tanhSlope(_, y *graph.Node) *graph.Node { return graph.OneMinus(graph.Square(y)) }

func logisticSlope(_, y *graph.Node) *graph.Node { return graph.Mul(y, graph.OneMinus(y)) }

func expSlope(_, y *graph.Node) *graph.Node { return y }

func expm1Slope(_, y *graph.Node) *graph.Node { return graph.OnePlus(y) }

func logSlope(x, _ *graph.Node) *graph.Node { return graph.Reciprocal(x) }

func log1pSlope(x, _ *graph.Node) *graph.Node { return graph.Reciprocal(graph.OnePlus(x)) }

func sqrtSlope(_, y *graph.Node) *graph.Node { return graph.Reciprocal(graph.MulScalar(y, 2.0)) }

func rsqrtSlope(x, y *graph.Node) *graph.Node { return graph.Div(graph.MulScalar(y, -0.5), x) }

func erfSlope(x, _ *graph.Node) *graph.Node {
	return graph.MulScalar(graph.Exp(graph.Neg(graph.Square(x))), 2/math.SqrtPi)
}

func absSlope(x, _ *graph.Node) *graph.Node { return graph.Sign(x) }

// absolute is |x|; of a complex number the root of its squares.
type absolute struct{}

func (absolute) kind() string { return elementwise{}.kind() }

func (absolute) apply(e *engine, n *graph.Node, f form) stream {
	if !n.Inputs()[0].DType().IsComplex() {
		return elementwise{absSlope}.apply(e, n, f)
	}
	return rewritten{func(n *graph.Node) *graph.Node {
		z := n.Inputs()[0]
		return graph.Sqrt(graph.Add(graph.Square(graph.Real(z)), graph.Square(graph.Imag(z))))
	}}.apply(e, n, f)
}

// power is y = x^p. With an exponent that does not depend on the inputs it is element-wise in x, and valid for negative
// x; otherwise y = exp(p·log x).
type power struct{}

func (power) kind() string { return "element-wise: chain rule" }

func (power) apply(e *engine, n *graph.Node, f form) stream {
	x, p := n.Inputs()[0], n.Inputs()[1]
	if e.depends(p) {
		return rewritten{func(*graph.Node) *graph.Node {
			return graph.Exp(graph.Mul(p, graph.Log(x)))
		}}.apply(e, n, f)
	}
	return elementwise{func(x, _ *graph.Node) *graph.Node { return powSlope(x, p) }}.apply(e, n, f)
}

// powSlope is p·x^(p−1), with care at x = 0: there the slopes of a polynomial must end as zero, not as 0·0⁻¹.
func powSlope(x, p *graph.Node) *graph.Node {
	if value := p.ConstantValue(); value != nil && p.IsScalar() && (p.DType() == dtypes.Float64 || p.DType() == dtypes.Float32) {
		switch exponent := scalarValue(value); exponent {
		case 0:
			return nil
		case 1:
			return graph.OnesLike(x)
		case 2:
			return graph.MulScalar(x, 2)
		case 3:
			return graph.MulScalar(graph.Square(x), 3)
		default:
			return graph.MulScalar(graph.PowScalar(x, exponent-1), exponent)
		}
	}
	less := graph.Where(graph.Equal(p, graph.ZerosLike(p)), p, graph.AddScalar(p, -1))
	return graph.Mul(p, graph.Pow(x, less))
}

// scalarValue is the value of a constant of type float64 or float32.
func scalarValue(value *tensors.Tensor) float64 {
	if value.DType() == dtypes.Float32 {
		return float64(tensors.ToScalar[float32](value))
	}
	return tensors.ToScalar[float64](value)
}

// choice operations take one of their inputs, element by element; pick builds the choice among streams in their place.
type choice struct {
	pick func(n *graph.Node, in []*graph.Node) *graph.Node
}

func (choice) kind() string { return "piecewise: the chosen input's" }

func (c choice) apply(e *engine, n *graph.Node, f form) stream {
	in := make([]stream, len(n.Inputs()))
	width, zero := 0, true
	for k, input := range n.Inputs() {
		in[k] = e.top(input, f)
		width = max(width, in[k].width)
		zero = zero && in[k].zero()
	}
	if zero {
		return stream{}
	}
	filled := make([]*graph.Node, len(in))
	for k := range in {
		if in[k].zero() {
			in[k] = stream{node: graph.ZerosLike(n)}
		}
		fitted := e.fit(in[k], n)
		filled[k] = widen(fitted, width)
	}
	return stream{node: c.pick(n, filled), width: width}
}

// where chooses among streams by a condition on the values, which may lack the bundle's axis.
func where(condition, yes, no *graph.Node) *graph.Node {
	if missing := yes.Rank() - condition.Rank(); missing > 0 {
		if condition.IsScalar() {
			condition = graph.BroadcastToDims(condition, yes.Shape().Dimensions...)
		} else {
			condition = graph.BroadcastPrefix(condition, yes.Shape().Dimensions[:missing]...)
		}
	}
	return graph.Where(condition, yes, no)
}

func maxChoice(n *graph.Node, in []*graph.Node) *graph.Node {
	return where(graph.GreaterOrEqual(n.Inputs()[0], n.Inputs()[1]), in[0], in[1])
}

func minChoice(n *graph.Node, in []*graph.Node) *graph.Node {
	return where(graph.LessOrEqual(n.Inputs()[0], n.Inputs()[1]), in[0], in[1])
}

func clampChoice(n *graph.Node, in []*graph.Node) *graph.Node {
	low, x, high := n.Inputs()[0], n.Inputs()[1], n.Inputs()[2]
	return where(graph.LessThan(x, low), in[0], where(graph.GreaterThan(x, high), in[2], in[1]))
}

// extreme is the greatest or least element along axes: the mean of the derivatives where it is attained.
type extreme struct{}

func (extreme) kind() string { return "piecewise: the chosen input's" }

func (extreme) apply(e *engine, n *graph.Node, f form) stream {
	x := n.Inputs()[0]
	s := e.top(x, f)
	if s.zero() {
		return s
	}
	axes := integers(n, "axes")
	kept := append([]int(nil), x.Shape().Dimensions...)
	for _, a := range axes {
		kept[a] = 1
	}
	attained := graph.ConvertDType(graph.Equal(x, graph.BroadcastToShape(graph.Reshape(n, kept...), x.Shape())), x.DType())
	share := graph.ReduceSum(attained, axes...)
	picked := e.multiply(stream{node: attained}, s)
	if picked.width > 0 {
		axes = shifted(axes)
	}
	return stream{node: graph.Div(graph.ReduceSum(picked.node, axes...), widen(stream{node: share}, s.width)), width: s.width}
}

// sumWindow is a sum over sliding windows, which is linear; their maxima are not handled.
type sumWindow struct{}

func (sumWindow) kind() string { return "linear (sums only)" }

func (sumWindow) apply(e *engine, n *graph.Node, f form) stream {
	if kind := attribute(n, "reductionType"); !strings.Contains(strings.ToLower(kind), "sum") {
		unsupported(n, "of windows, only sums and means are differentiated, not "+kind)
	}
	return linear{}.apply(e, n, f)
}

// rewritten operations are differentiated as an equivalent expression of operations that have rules.
type rewritten struct {
	as func(n *graph.Node) *graph.Node
}

func (rewritten) kind() string { return "as an equivalent expression" }

func (r rewritten) apply(e *engine, n *graph.Node, f form) stream {
	if e.equivalents[n.Id()] == nil {
		e.equivalents[n.Id()] = r.as(n)
	}
	return e.top(e.equivalents[n.Id()], f)
}

// several is an operation with more than one result, each differentiated as an equivalent expression.
type several struct {
	as func(n *graph.Node, index int) *graph.Node
}

func (several) kind() string { return "as equivalent expressions, one for each result" }

func (several) apply(_ *engine, n *graph.Node, _ form) stream {
	unsupported(n, "it has several results, and only they can be differentiated")
	return stream{}
}

// resultOf is one result of an operation that has several.
type resultOf struct{}

func (resultOf) kind() string { return "by the rule of the operation it is a result of" }

func (resultOf) apply(e *engine, n *graph.Node, f form) stream {
	whole, index := n.Inputs()[0], integer(n, "index")
	switch r := ruleFor(whole).(type) {
	case several:
		return rewritten{func(*graph.Node) *graph.Node { return r.as(whole, index) }}.apply(e, n, f)
	case barrier:
		return r.pass(e.top(whole.Inputs()[index], f))
	default:
		return r.apply(e, whole, f)
	}
}

// barrier passes its operands on, and only keeps the compiler from moving work across it.
type barrier struct{}

func (barrier) kind() string { return "linear" }

func (b barrier) apply(e *engine, n *graph.Node, f form) stream {
	return b.pass(e.top(n.Inputs()[0], f))
}

func (barrier) pass(s stream) stream {
	if s.zero() {
		return s
	}
	return stream{node: graph.OptimizationBarrier(s.node), width: s.width}
}

func batchNorm(n *graph.Node) *graph.Node {
	in := n.Inputs() // operand, scale, offset, mean, variance
	axis := integer(n, "featureAxis")
	dims := make([]int, n.Rank())
	for i := range dims {
		dims[i] = 1
	}
	dims[axis] = n.Shape().Dimensions[axis]
	spread := func(v *graph.Node) *graph.Node { return graph.BroadcastToShape(graph.Reshape(v, dims...), n.Shape()) }
	deviation := graph.Sqrt(graph.AddScalar(in[4], float64(float32(real64(n, "epsilon"))))) // GoMLX keeps it as a float32
	return graph.Add(graph.Mul(graph.Sub(in[0], spread(in[3])), spread(graph.Div(in[1], deviation))), spread(in[2]))
}

func fusedGelu(n *graph.Node) *graph.Node {
	x := n.Inputs()[0]
	if attribute(n, "exact") == "true" {
		return exactGelu(x)
	}
	cubic := graph.MulScalar(graph.Add(x, graph.MulScalar(graph.Mul(x, graph.Square(x)), 0.044715)), math.Sqrt(2/math.Pi))
	return graph.Mul(x, graph.MulScalar(graph.OnePlus(graph.Tanh(cubic)), 0.5))
}

func fusedSoftmax(n *graph.Node) *graph.Node {
	x, axis := n.Inputs()[0], integer(n, "axis")
	shift := graph.StopGradient(graph.ReduceAndKeep(x, graph.ReduceMax, axis))
	numerator := graph.Exp(graph.Sub(x, graph.BroadcastToShape(shift, x.Shape())))
	total := graph.ReduceAndKeep(numerator, graph.ReduceSum, axis)
	return graph.Div(numerator, graph.BroadcastToShape(total, x.Shape()))
}

func fusedLayerNorm(n *graph.Node) *graph.Node {
	in := n.Inputs()
	x, axes := in[0], integers(n, "axes")
	for i, a := range axes {
		axes[i] = (a + x.Rank()) % x.Rank() // the text has them as they were given, from the end too
	}
	like := func(v *graph.Node) *graph.Node { return graph.BroadcastToShape(v, x.Shape()) }
	mean := graph.ReduceAndKeep(x, graph.ReduceMean, axes...)
	centred := graph.Sub(x, like(mean))
	variance := graph.ReduceAndKeep(graph.Square(centred), graph.ReduceMean, axes...)
	y := graph.Div(centred, like(graph.Sqrt(graph.AddScalar(variance, real64(n, "epsilon")))))
	dims := make([]int, x.Rank())
	for i := range dims {
		dims[i] = 1
	}
	for _, a := range axes {
		dims[a] = x.Shape().Dimensions[a]
	}
	next := 1
	for _, name := range []string{"gamma", "beta"} {
		if strings.Contains(attribute(n, name), "nil") {
			continue
		}
		factor := like(graph.Reshape(in[next], dims...))
		next++
		if name == "gamma" {
			y = graph.Mul(y, factor)
		} else {
			y = graph.Add(y, factor)
		}
	}
	return y
}

func fusedDense(n *graph.Node) *graph.Node {
	x, weight := n.Inputs()[0], n.Inputs()[1]
	options := attribute(n, "options")
	contract := 0
	if strings.Contains(options, "OutputsInput") {
		contract = weight.Rank() - 1
	}
	y := graph.DotGeneral(x, []int{x.Rank() - 1}, nil, weight, []int{contract}, nil)
	if len(n.Inputs()) > 2 {
		bias := n.Inputs()[2]
		dims := make([]int, y.Rank())
		for i := range dims {
			dims[i] = 1
		}
		copy(dims[y.Rank()-bias.Rank():], bias.Shape().Dimensions)
		y = graph.Add(y, graph.BroadcastToShape(graph.Reshape(bias, dims...), y.Shape()))
	}
	for name, apply := range map[string]func(*graph.Node) *graph.Node{
		"none":       func(y *graph.Node) *graph.Node { return y },
		"tanh":       graph.Tanh,
		"silu":       func(y *graph.Node) *graph.Node { return graph.Mul(y, graph.Logistic(y)) },
		"relu":       func(y *graph.Node) *graph.Node { return graph.Max(y, graph.ZerosLike(y)) },
		"gelu":       exactGelu,
		"hard_swish": hardSwish,
	} {
		if strings.Contains(options, "Activation:"+name+" ") {
			return apply(y)
		}
	}
	unsupported(n, "its activation is unknown: "+options)
	return nil
}

// qkvProjection is one of the three parts of x·W + bias.
func qkvProjection(n *graph.Node, index int) *graph.Node {
	in := n.Inputs()
	query, keyValue := integer(n, "queryDim"), integer(n, "keyValueDim")
	ends := []int{0, query, query + keyValue, query + 2*keyValue}
	weight := graph.Slice(in[1], graph.AxisRange(), graph.AxisRange(ends[index], ends[index+1]))
	y := graph.DotGeneral(in[0], []int{in[0].Rank() - 1}, nil, weight, []int{0}, nil)
	next := 2
	for k, name := range []string{"biasQ", "biasK", "biasV"} {
		if strings.Contains(attribute(n, name), "nil") {
			continue
		}
		if k == index {
			y = graph.Add(y, graph.BroadcastToShape(graph.ExpandLeftToRank(in[next], y.Rank()), y.Shape()))
		}
		next++
	}
	return y
}

// remainder is x − y·(the integer part of x/y), which is constant between jumps.
func remainder(n *graph.Node) *graph.Node {
	x, y := n.Inputs()[0], n.Inputs()[1]
	whole := graph.StopGradient(graph.Round(graph.Div(graph.Sub(x, n), y)))
	return graph.Sub(x, graph.Mul(y, whole))
}

func exactGelu(x *graph.Node) *graph.Node {
	return graph.Mul(x, graph.MulScalar(graph.OnePlus(graph.Erf(graph.MulScalar(x, math.Sqrt2/2))), 0.5))
}

func hardSwish(x *graph.Node) *graph.Node {
	return graph.Mul(x, graph.ClipScalar(graph.AddScalar(graph.DivScalar(x, 6.0), 0.5), 0, 1))
}
