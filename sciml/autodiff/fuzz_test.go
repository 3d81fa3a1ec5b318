package autodiff_test

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
)

// composer builds a function of points in R² from bytes, as a program on a stack of nodes of shape [N, 3].
type composer struct {
	x       *graph.Node
	program []byte
	stack   []*graph.Node
}

// operations of the fuzz test take arguments for which they are smooth, and mostly keep values small, so that long
// programs have derivatives of moderate size.
var operations = []func(c *composer) *graph.Node{
	func(c *composer) *graph.Node { return graph.Sin(c.pop()) },
	func(c *composer) *graph.Node { return graph.Cos(c.pop()) },
	func(c *composer) *graph.Node { return graph.Tanh(c.pop()) },
	func(c *composer) *graph.Node { return graph.Logistic(c.pop()) },
	func(c *composer) *graph.Node { return graph.Exp(graph.Neg(graph.Square(c.pop()))) },
	func(c *composer) *graph.Node { return graph.Erf(c.pop()) },
	func(c *composer) *graph.Node { return graph.Log(c.positive()) },
	func(c *composer) *graph.Node { return graph.Log1P(c.positive()) },
	func(c *composer) *graph.Node { return graph.Sqrt(c.positive()) },
	func(c *composer) *graph.Node { return graph.Pow(c.positive(), constant(c.x.Graph(), -1.3)) },
	func(c *composer) *graph.Node { return graph.Pow(c.positive(), graph.Tanh(c.pop())) },
	func(c *composer) *graph.Node { return graph.Mul(graph.Tanh(c.pop()), graph.Tanh(c.pop())) },
	func(c *composer) *graph.Node { return graph.MulScalar(graph.Add(c.pop(), c.pop()), 0.5) },
	func(c *composer) *graph.Node { return graph.MulScalar(graph.Sub(c.pop(), c.pop()), 0.5) },
	func(c *composer) *graph.Node { return graph.Div(c.pop(), c.positive()) },
	func(c *composer) *graph.Node {
		return graph.MatMul(c.pop(), constant(c.x.Graph(), points(3, 3, -0.6, 0.6, uint64(c.next()))))
	},
	func(c *composer) *graph.Node { // a product of each point's own matrices
		n := c.x.Shape().Dimensions[0]
		left, right := graph.Reshape(c.pop(), n, 3, 1), graph.Reshape(graph.Tanh(c.pop()), n, 1, 3)
		return graph.ReduceSum(graph.MulScalar(graph.Einsum("nij,njk->nik", left, right), 0.5), 1)
	},
	func(c *composer) *graph.Node { return graph.Reverse(c.pop(), 1) },
	func(c *composer) *graph.Node {
		y := c.pop()
		return graph.Concatenate([]*graph.Node{column(y, 2), graph.Slice(c.pop(), graph.AxisRange(), graph.AxisRange(0, 2))}, 1)
	},
	func(c *composer) *graph.Node {
		y := c.pop()
		return graph.BroadcastToShape(graph.MulScalar(graph.ReduceAndKeep(y, graph.ReduceSum, 1), 0.3), y.Shape())
	},
	func(c *composer) *graph.Node { return graph.Transpose(graph.Cos(graph.Transpose(c.pop(), 0, 1)), 0, 1) },
	func(c *composer) *graph.Node { return graph.Softmax(c.pop(), -1) },
	func(c *composer) *graph.Node {
		padded := graph.Pad(c.pop(), constant(c.x.Graph(), 0.4), compute.PadAxis{}, compute.PadAxis{Start: 1})
		return graph.Slice(padded, graph.AxisRange(), graph.AxisRange(0, 3))
	},
	func(c *composer) *graph.Node {
		first := constant(c.x.Graph(), [][]bool{{true, false, true}})
		y := c.pop()
		return graph.Where(graph.BroadcastToShape(first, graph.GreaterThan(y, y).Shape()), y, c.pop())
	},
	func(c *composer) *graph.Node {
		return graph.Max(graph.Sin(c.pop()), graph.AddScalar(graph.Cos(c.pop()), 2.1))
	},
	func(c *composer) *graph.Node { return activation.Gelu(c.pop()) },
}

// next is the next byte of the program; zero at its end.
func (c *composer) next() byte {
	if len(c.program) == 0 {
		return 0
	}
	b := c.program[0]
	c.program = c.program[1:]
	return b
}

// pop takes a node off the stack, or builds one from the points.
func (c *composer) pop() *graph.Node {
	if n := len(c.stack); n > 0 {
		top := c.stack[n-1]
		if n > 1 || c.next()%2 == 0 { // else the last node stays, to be shared
			c.stack = c.stack[:n-1]
		}
		return top
	}
	w := constant(c.x.Graph(), points(2, 3, -1, 1, 100+uint64(c.next()%8)))
	return graph.Sin(graph.MatMul(c.x, w))
}

// positive is a function of at least one half.
func (c *composer) positive() *graph.Node { return graph.AddScalar(graph.Square(c.pop()), 0.5) }

func (c *composer) function() *graph.Node {
	for steps := 0; len(c.program) > 0 && steps < 12; steps++ {
		c.stack = append(c.stack, operations[int(c.next())%len(operations)](c))
	}
	y := c.pop()
	for len(c.stack) > 1 {
		y = graph.Add(y, c.pop())
	}
	return y
}

// FuzzComposedGraphs composes graphs at random, and compares derivatives of orders one to three with nested reverse
// mode. Its seeds run as an ordinary test.
func FuzzComposedGraphs(f *testing.F) {
	for seed := range 60 {
		program := make([]byte, 4+seed/3)
		state := uint32(seed)*2654435761 + 12345
		for i := range program {
			state = state*1664525 + 1013904223
			program[i] = byte(state >> 24)
		}
		f.Add(program)
	}
	for k := range operations { // each by itself, and each of each of its arguments
		f.Add([]byte{byte(k)})
		f.Add([]byte{byte(k), 1, byte(k), 3, byte(k)})
	}
	x := points(2, 2, 0.2, 1.1, 91)
	f.Fuzz(func(t *testing.T, program []byte) {
		u := func(x *graph.Node) *graph.Node { return (&composer{x: x, program: program}).function() }
		checkReverse(t, plain(pureGo(t)), x, u)
	})
}
