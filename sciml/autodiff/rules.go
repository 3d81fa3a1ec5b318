package autodiff

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// rule says how derivatives pass through one operation.
type rule interface {
	// first returns ∂n along one axis from those of its inputs, not all of which are zero.
	first(d *Derivatives, n *graph.Node, in inputStreams) *graph.Node
	// second returns the stream of the form f from those of its inputs, all of which may be zero.
	second(d *Derivatives, n *graph.Node, f form, in inputStreams) *graph.Node
}

// rules has one entry per GoMLX operation.
var rules = map[graph.NodeType]rule{
	graph.NodeTypeIdentity:       linear{},
	graph.NodeTypeNeg:            linear{},
	graph.NodeTypeAdd:            linear{},
	graph.NodeTypeSub:            linear{},
	graph.NodeTypeConcatenate:    linear{},
	graph.NodeTypeReshape:        linear{},
	graph.NodeTypeTranspose:      linear{},
	graph.NodeTypeBroadcastInDim: linear{},
	graph.NodeTypeSlice:          linear{},
	graph.NodeTypePad:            linear{},
	graph.NodeTypeReverse:        linear{},
	graph.NodeTypeReduceSum:      linear{},
	graph.NodeTypeConvertDType:   linear{},
	graph.NodeTypeWhere:          choice{},

	graph.NodeTypeMul:        bilinear{},
	graph.NodeTypeDotGeneral: bilinear{},
	graph.NodeTypeDiv:        quotient{},
	graph.NodeTypePow:        constantPower{},

	graph.NodeTypeSin:      elementwise(sinDerivatives),
	graph.NodeTypeCos:      elementwise(cosDerivatives),
	graph.NodeTypeTanh:     elementwise(tanhDerivatives),
	graph.NodeTypeLogistic: elementwise(logisticDerivatives),
	graph.NodeTypeExp:      elementwise(expDerivatives),
	graph.NodeTypeExpm1:    elementwise(expm1Derivatives),
	graph.NodeTypeLog:      elementwise(logDerivatives),
	graph.NodeTypeLog1p:    elementwise(log1pDerivatives),
	graph.NodeTypeSqrt:     elementwise(sqrtDerivatives),
	graph.NodeTypeErf:      elementwise(erfDerivatives),
}

// linear operations are linear in all of their inputs together.
type linear struct{}

func (linear) first(_ *Derivatives, n *graph.Node, in inputStreams) *graph.Node {
	return cloneLinear(n, in)
}

func (linear) second(_ *Derivatives, n *graph.Node, _ form, in inputStreams) *graph.Node {
	return cloneLinear(n, in)
}

func cloneLinear(n *graph.Node, in inputStreams) *graph.Node {
	if in.zero() {
		return nil
	}
	switch n.Type() { // A zero operand of a sum needs no node.
	case graph.NodeTypeAdd:
		return sum(fitShape(in[0], n), fitShape(in[1], n))
	case graph.NodeTypeSub:
		if in[0] == nil {
			return graph.Neg(in[1])
		} else if in[1] == nil {
			return in[0]
		}
	}
	filled := make([]*graph.Node, len(in))
	for k, input := range n.Inputs() {
		filled[k] = orZeros(in[k], input)
	}
	return n.CloneWithInputs(filled...)
}

// choice is Where: linear in what it chooses from, under a condition that is piecewise constant.
type choice struct{}

func (choice) first(_ *Derivatives, n *graph.Node, in inputStreams) *graph.Node {
	return chooseFrom(n, in)
}

func (choice) second(_ *Derivatives, n *graph.Node, _ form, in inputStreams) *graph.Node {
	return chooseFrom(n, in)
}

func chooseFrom(n *graph.Node, in inputStreams) *graph.Node {
	if in.zero() {
		return nil
	}
	return n.CloneWithInputs(n.Inputs()[0], orZeros(in[1], n.Inputs()[1]), orZeros(in[2], n.Inputs()[2]))
}

// bilinear operations have two inputs and are linear in each.
type bilinear struct{}

func (bilinear) first(_ *Derivatives, n *graph.Node, in inputStreams) *graph.Node {
	return productRule(n, in)
}

func (bilinear) second(d *Derivatives, n *graph.Node, f form, in inputStreams) *graph.Node {
	total := productRule(n, in)
	a, b := n.Inputs()[0], n.Inputs()[1]
	for _, t := range f.terms {
		ai, aj := d.firstStream(a, t.I), d.firstStream(a, t.J)
		bi, bj := d.firstStream(b, t.I), d.firstStream(b, t.J)
		if t.I == t.J {
			total = sum(total, scaled(cross(n, ai, bi), 2*t.Weight))
		} else {
			total = sum(total, scaled(sum(cross(n, ai, bj), cross(n, aj, bi)), t.Weight))
		}
	}
	return total
}

func productRule(n *graph.Node, in inputStreams) *graph.Node {
	a, b := n.Inputs()[0], n.Inputs()[1]
	return sum(fitShape(cross(n, in[0], b), n), fitShape(cross(n, a, in[1]), n))
}

func cross(n, a, b *graph.Node) *graph.Node {
	if a == nil || b == nil {
		return nil
	}
	return n.CloneWithInputs(a, b)
}

// quotient is y = a/b, so that ∂y = (∂a − y ∂b)/b.
type quotient struct{}

func (quotient) first(_ *Derivatives, n *graph.Node, in inputStreams) *graph.Node {
	b := n.Inputs()[1]
	return graph.Div(minus(in[0], product(n, in[1]), n), b)
}

func (quotient) second(d *Derivatives, n *graph.Node, f form, in inputStreams) *graph.Node {
	b := n.Inputs()[1]
	subtract := product(n, in[1])
	for _, t := range f.terms {
		pair := sum(product(d.firstStream(n, t.I), d.firstStream(b, t.J)), product(d.firstStream(n, t.J), d.firstStream(b, t.I)))
		subtract = sum(subtract, scaled(pair, t.Weight))
	}
	if in[0] == nil && subtract == nil {
		return nil
	}
	return graph.Div(minus(in[0], subtract, n), b)
}

// minus returns a − b with nil as zero; not both may be nil.
func minus(a, b, like *graph.Node) *graph.Node {
	a, b = fitShape(a, like), fitShape(b, like)
	switch {
	case b == nil:
		return a
	case a == nil:
		return graph.Neg(b)
	default:
		return graph.Sub(a, b)
	}
}

// derivatives returns f′ and f″ of an element-wise y = f(x) as nodes, given x and y.
type derivatives func(x, y *graph.Node) (f1, f2 *graph.Node)

// elementwise makes the chain rule of an element-wise operation; f″ may be nil for zero.
func elementwise(fn derivatives) rule { return chain{fn} }

type chain struct{ derivatives }

func (c chain) first(d *Derivatives, n *graph.Node, in inputStreams) *graph.Node {
	f1, _ := c.at(d, n)
	return product(f1, in[0])
}

func (c chain) second(d *Derivatives, n *graph.Node, f form, in inputStreams) *graph.Node {
	f1, f2 := c.at(d, n)
	return sum(product(f1, in[0]), product(f2, quadratic(d, n.Inputs()[0], f)))
}

// at builds f′ and f″ at one node once, however many streams pass through it.
func (c chain) at(d *Derivatives, n *graph.Node) (f1, f2 *graph.Node) {
	memo, done := d.slopes[n.Id()]
	if !done {
		memo[0], memo[1] = c.derivatives(n.Inputs()[0], n)
		d.slopes[n.Id()] = memo
	}
	return memo[0], memo[1]
}

// quadratic is Σ w ∂ᵢx ∂ⱼx, what f″ is multiplied with.
func quadratic(d *Derivatives, x *graph.Node, f form) *graph.Node {
	var total *graph.Node
	for _, t := range f.terms {
		total = sum(total, scaled(product(d.firstStream(x, t.I), d.firstStream(x, t.J)), t.Weight))
	}
	return total
}

// constantPower is y = x^p with an exponent that does not depend on the points.
type constantPower struct{}

func (c constantPower) first(d *Derivatives, n *graph.Node, in inputStreams) *graph.Node {
	return c.chain(d, n).first(d, n, in)
}

func (c constantPower) second(d *Derivatives, n *graph.Node, f form, in inputStreams) *graph.Node {
	return c.chain(d, n).second(d, n, f, in)
}

func (constantPower) chain(d *Derivatives, n *graph.Node) chain {
	p := n.Inputs()[1]
	if d.live[p.Id()] {
		exceptions.Panicf("autodiff: Pow with an exponent that depends on the points (node %s): write it as Exp(Mul(p, Log(x)))", n)
	}
	return chain{func(x, _ *graph.Node) (*graph.Node, *graph.Node) {
		p1, p2 := graph.AddScalar(p, -1), graph.AddScalar(p, -2)
		f1 := graph.Mul(p, graph.Pow(x, p1))
		return f1, graph.Mul(graph.Mul(p, p1), graph.Pow(x, p2))
	}}
}

func sinDerivatives(x, y *graph.Node) (*graph.Node, *graph.Node) { return graph.Cos(x), graph.Neg(y) }

func cosDerivatives(x, y *graph.Node) (*graph.Node, *graph.Node) {
	return graph.Neg(graph.Sin(x)), graph.Neg(y)
}

func tanhDerivatives(_, y *graph.Node) (*graph.Node, *graph.Node) {
	f1 := graph.OneMinus(graph.Square(y))
	return f1, graph.MulScalar(graph.Mul(y, f1), -2.0)
}

func logisticDerivatives(_, y *graph.Node) (*graph.Node, *graph.Node) {
	f1 := graph.Mul(y, graph.OneMinus(y))
	return f1, graph.Mul(f1, graph.OneMinus(graph.MulScalar(y, 2.0)))
}

func expDerivatives(_, y *graph.Node) (*graph.Node, *graph.Node) { return y, y }

func expm1Derivatives(_, y *graph.Node) (*graph.Node, *graph.Node) {
	f := graph.OnePlus(y)
	return f, f
}

func logDerivatives(x, _ *graph.Node) (*graph.Node, *graph.Node) {
	f1 := graph.Reciprocal(x)
	return f1, graph.Neg(graph.Square(f1))
}

func log1pDerivatives(x, y *graph.Node) (*graph.Node, *graph.Node) {
	return logDerivatives(graph.OnePlus(x), y)
}

func sqrtDerivatives(x, y *graph.Node) (*graph.Node, *graph.Node) {
	f1 := graph.DivScalar(graph.Reciprocal(y), 2.0)
	return f1, graph.Neg(graph.Div(f1, graph.MulScalar(x, 2.0)))
}

func erfDerivatives(x, _ *graph.Node) (*graph.Node, *graph.Node) {
	f1 := graph.MulScalar(graph.Exp(graph.Neg(graph.Square(x))), 2/math.SqrtPi)
	return f1, graph.Mul(graph.MulScalar(x, -2.0), f1)
}
