package autodiff

import (
	"math"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
)

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
	dims := slices.Repeat([]int{1}, n.Rank())
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
	dims := slices.Repeat([]int{1}, x.Rank())
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
		dims := slices.Repeat([]int{1}, y.Rank())
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

// productOf multiplies the first half of the elements with the second until one is left.
func productOf(n *graph.Node) *graph.Node {
	x, axes := n.Inputs()[0], reducedAxes(n)
	count := x.Shape().Size() / n.Shape().Size()
	y := graph.Reshape(graph.TransposeAllAxes(x, append(axes, others(axes, x.Rank())...)...), count, n.Shape().Size())
	for count > 1 {
		half := count / 2
		product := graph.Mul(graph.Slice(y, graph.AxisRange(0, half)), graph.Slice(y, graph.AxisRange(half, 2*half)))
		if 2*half < count {
			product = graph.Concatenate([]*graph.Node{product, graph.Slice(y, graph.AxisRange(2*half, count))}, 0)
		}
		y, count = product, (count+1)/2
	}
	return graph.Reshape(y, n.Shape().Dimensions...)
}

// others are the axes of that rank that are not among the given ones.
func others(axes []int, rank int) []int {
	return slices.DeleteFunc(axesFrom(0, rank), func(a int) bool { return slices.Contains(axes, a) })
}

func exactGelu(x *graph.Node) *graph.Node {
	return graph.Mul(x, graph.MulScalar(graph.OnePlus(graph.Erf(graph.MulScalar(x, math.Sqrt2/2))), 0.5))
}

func hardSwish(x *graph.Node) *graph.Node {
	return graph.Mul(x, graph.ClipScalar(graph.AddScalar(graph.DivScalar(x, 6.0), 0.5), 0, 1))
}
