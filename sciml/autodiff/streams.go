package autodiff

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// form is a second-order operator Σ w ∂²/∂xᵢ∂xⱼ with a key to memoize its streams.
type form struct {
	terms []Term
	key   string
}

func newForm(terms []Term) form {
	return form{terms: terms, key: fmt.Sprint(terms)}
}

// inputStreams are the streams that arrive at a node, one entry per input; nil stands for zero.
type inputStreams []*graph.Node

// zero reports whether nothing arrives.
func (s inputStreams) zero() bool {
	return !slices.ContainsFunc(s, func(n *graph.Node) bool { return n != nil })
}

// markLive records every node between u and x: only those can have derivatives that are not zero. Integers and booleans
// computed from x are piecewise constant, so that nothing passes through them.
func (d *Derivatives) markLive(n *graph.Node) bool {
	if live, seen := d.live[n.Id()]; seen {
		return live
	}
	if n == d.x {
		d.live[n.Id()] = true
		return true
	}
	d.live[n.Id()] = false
	live := false
	for _, input := range n.Inputs() {
		if d.markLive(input) {
			live = true
		}
	}
	d.live[n.Id()] = live && !n.StopGradient() && n.DType().IsFloat()
	return d.live[n.Id()]
}

// firstStream returns ∂n/∂x_axis, or nil when it is zero.
func (d *Derivatives) firstStream(n *graph.Node, axis int) *graph.Node {
	if !d.live[n.Id()] {
		return nil
	}
	key := streamKey{n.Id(), axis}
	if stream, done := d.first[key]; done {
		return stream
	}
	var stream *graph.Node
	if n == d.x {
		stream = d.unitColumn(axis)
	} else if in := d.firstInputs(n, axis); !in.zero() {
		stream = d.ruleFor(n).first(d, n, in)
	}
	stream = fitShape(stream, n)
	d.first[key] = stream
	return stream
}

func (d *Derivatives) firstInputs(n *graph.Node, axis int) inputStreams {
	in := make(inputStreams, len(n.Inputs()))
	for k, input := range n.Inputs() {
		in[k] = d.firstStream(input, axis)
	}
	return in
}

// secondStream returns Σ w ∂²n/∂xᵢ∂xⱼ, or nil when it is zero.
func (d *Derivatives) secondStream(n *graph.Node, f form) *graph.Node {
	if !d.live[n.Id()] || n == d.x {
		return nil
	}
	memo := d.second[f.key]
	if memo == nil {
		memo = map[graph.NodeId]*graph.Node{}
		d.second[f.key] = memo
	}
	if stream, done := memo[n.Id()]; done {
		return stream
	}
	in := make(inputStreams, len(n.Inputs()))
	for k, input := range n.Inputs() {
		in[k] = d.secondStream(input, f)
	}
	stream := fitShape(d.ruleFor(n).second(d, n, f, in), n)
	memo[n.Id()] = stream
	return stream
}

// ruleFor finds the rule of n's operation, or panics naming the operation and where it was built.
func (d *Derivatives) ruleFor(n *graph.Node) rule {
	r, ok := rules[n.Type()]
	if !ok {
		where := "; call Graph.SetTraced(true) before building it to see where"
		if n.Trace() != nil {
			where = fmt.Sprintf("; it was built at:\n%+v", n.Trace())
		}
		exceptions.Panicf("autodiff: no forward derivative for the operation %s (node %s)%s", n.Type(), n, where)
	}
	return r
}

// unitColumn is ∂x/∂x_axis: one in the column of that axis, zero elsewhere.
func (d *Derivatives) unitColumn(axis int) *graph.Node {
	g := d.x.Graph()
	row := make([]float64, d.dims)
	row[axis] = 1
	unit := graph.ConstAsDType(g, d.x.DType(), [][]float64{row})
	return graph.BroadcastToShape(unit, d.x.Shape())
}

// fitShape broadcasts a scalar stream where the operation itself had broadcast a scalar operand.
func fitShape(stream, n *graph.Node) *graph.Node {
	if stream == nil || stream.Shape().Equal(n.Shape()) {
		return stream
	}
	return graph.BroadcastToShape(stream, n.Shape())
}

// sum adds the parts that are not zero; nil when all are.
func sum(parts ...*graph.Node) *graph.Node {
	var total *graph.Node
	for _, part := range parts {
		switch {
		case part == nil:
		case total == nil:
			total = part
		default:
			total = graph.Add(total, part)
		}
	}
	return total
}

// scaled multiplies a node by a number, leaving it alone when that is one.
func scaled(n *graph.Node, by float64) *graph.Node {
	if n == nil || by == 1 {
		return n
	}
	return graph.MulScalar(n, by)
}

// product multiplies unless one side is zero.
func product(a, b *graph.Node) *graph.Node {
	if a == nil || b == nil {
		return nil
	}
	return graph.Mul(a, b)
}
