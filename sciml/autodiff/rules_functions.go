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

// angle is atan2(y, x): up to a constant the arctangent of t, which is y/x where |y| ≤ |x|, and −x/y elsewhere, so that nothing is
// divided by zero but at the origin.
type angle struct{}

func (angle) kind() string { return "element-wise: chain rule" }

func (angle) apply(e *engine, n *graph.Node, f form) stream {
	if e.equivalents[n.Id()] == nil {
		e.equivalents[n.Id()] = tangentOf(n)
	}
	return elementwise{func(t, _ *graph.Node) *graph.Node { return graph.Reciprocal(graph.OnePlus(graph.Square(t))) }}.along(e, n, e.equivalents[n.Id()], f)
}

// tangentOf is the t of atan2.
func tangentOf(n *graph.Node) *graph.Node {
	y, x := graph.BroadcastToShape(n.Inputs()[0], n.Shape()), graph.BroadcastToShape(n.Inputs()[1], n.Shape())
	steep := graph.GreaterThan(graph.Abs(y), graph.Abs(x))
	return graph.Div(graph.Where(steep, graph.Neg(x), y), graph.Where(steep, y, x))
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
	above := graph.GreaterThan(graph.Max(x, low), high) // the upper bound counts where they contradict each other
	return where(above, in[2], where(graph.LessThan(x, low), in[0], in[1]))
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
	axes := reducedAxes(n)
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
