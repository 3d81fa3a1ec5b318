package autodiff

import (
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// rule says how derivatives pass through one operation.
type rule interface {
	// apply builds the stream of n for the form f from streams of n's inputs. It is called only for nodes that depend
	// on the inputs, and may return zero.
	apply(e *engine, n *graph.Node, f form) stream
	// kind describes the rule in the table of operations in the documentation.
	kind() string
}

// rules has one entry for each GoMLX operation that can be differentiated. Operations without an entry give an error
// that names them.
var rules map[graph.NodeType]rule

func init() { // not a literal: rules differentiate the expressions of other rules
	rules = map[graph.NodeType]rule{
		graph.NodeTypeIdentity:            linear{},
		graph.NodeTypeNeg:                 linear{},
		graph.NodeTypeAdd:                 linear{},
		graph.NodeTypeSub:                 linear{},
		graph.NodeTypeConcatenate:         linear{},
		graph.NodeTypeReshape:             linear{},
		graph.NodeTypeTranspose:           linear{},
		graph.NodeTypeBroadcastInDim:      linear{},
		graph.NodeTypeSlice:               linear{},
		graph.NodeTypePad:                 linear{},
		graph.NodeTypeReverse:             linear{},
		graph.NodeTypeReduceSum:           linear{},
		graph.NodeTypeCumSum:              linear{},
		graph.NodeTypeConvertDType:        linear{},
		graph.NodeTypeOptimizationBarrier: barrier{},
		graph.NodeTypeFFT:                 linear{},
		graph.NodeTypeReal:                linear{},
		graph.NodeTypeImag:                linear{},
		graph.NodeTypeConj:                linear{},
		graph.NodeTypeComplex:             linear{},
		graph.NodeTypeWhere:               linear{only: []int{1, 2}},
		graph.NodeTypeGather:              linear{only: []int{0}},
		graph.NodeTypeDynamicSlice:        linear{only: []int{0}},
		graph.NodeTypeDynamicUpdateSlice:  linear{only: []int{0, 1}},
		graph.NodeTypeScatterSum:          linear{only: []int{0, 2}},
		graph.NodeTypeSchedulingBarrier:   linear{only: []int{0}},
		graph.NodeTypeReduceWindow:        sumWindow{},

		graph.NodeTypeMul:         bilinear{},
		graph.NodeTypeDotGeneral:  bilinear{},
		graph.NodeTypeConvGeneral: bilinear{},
		graph.NodeTypeDiv:         quotient{},

		graph.NodeTypeSin:      elementwise{sinSlope},
		graph.NodeTypeCos:      elementwise{cosSlope},
		graph.NodeTypeTanh:     elementwise{tanhSlope},
		graph.NodeTypeLogistic: elementwise{logisticSlope},
		graph.NodeTypeExp:      elementwise{expSlope},
		graph.NodeTypeExpm1:    elementwise{expm1Slope},
		graph.NodeTypeLog:      elementwise{logSlope},
		graph.NodeTypeLog1p:    elementwise{log1pSlope},
		graph.NodeTypeSqrt:     elementwise{sqrtSlope},
		graph.NodeTypeRsqrt:    elementwise{rsqrtSlope},
		graph.NodeTypeErf:      elementwise{erfSlope},
		graph.NodeTypeAbs:      absolute{},
		graph.NodeTypePow:      power{},
		graph.NodeTypeAtan2:    angle{},

		graph.NodeTypeMax:       choice{maxChoice},
		graph.NodeTypeMin:       choice{minChoice},
		graph.NodeTypeClamp:     choice{clampChoice},
		graph.NodeTypeReduceMax: extreme{},
		graph.NodeTypeReduceMin: extreme{},

		graph.NodeTypeSign:  constant{},
		graph.NodeTypeFloor: constant{},
		graph.NodeTypeCeil:  constant{},
		graph.NodeTypeRound: constant{},

		graph.NodeTypeBatchNormForInference: rewritten{batchNorm},
		graph.NodeTypeFusedGelu:             rewritten{fusedGelu},
		graph.NodeTypeFusedSoftmax:          rewritten{fusedSoftmax},
		graph.NodeTypeFusedLayerNorm:        rewritten{fusedLayerNorm},
		graph.NodeTypeFusedDense:            rewritten{fusedDense},
		graph.NodeTypeRem:                   rewritten{remainder},
		graph.NodeTypeReduceProduct:         rewritten{productOf},

		graph.NodeTypeSplitNode:                   resultOf{},
		graph.NodeTypeFusedAttentionQKVProjection: several{qkvProjection},

		graph.NodeTypeBatchNormForTraining: refused{"batch normalization in training couples the points of a batch"},
		graph.NodeTypeWhile:                refused{"control flow is not differentiated"},
		graph.NodeTypeIf:                   refused{"control flow is not differentiated"},
		graph.NodeTypeSort:                 refused{"sorting has no derivative rule"},
		graph.NodeTypeCall:                 refused{"calls of functions are not differentiated"},
		graph.NodeTypeFusedScaledDotProductAttention: refused{
			"its mask is hidden from the graph; build the attention without fusion (WithFusion(false))"},
	}
	completeReverseMode()
}

// operationName is the name of an operation; GoMLX names only those of its back ends.
func operationName(op graph.NodeType) string {
	switch op {
	case graph.NodeTypeCall:
		return "Call"
	case graph.NodeTypeSort:
		return "Sort"
	case graph.NodeTypeWhile:
		return "While"
	case graph.NodeTypeIf:
		return "If"
	}
	return op.String()
}

// linear operations are linear in the inputs named by only together, or in all of them when it is nil.
type linear struct{ only []int }

func (linear) kind() string { return "linear" }

func (l linear) apply(e *engine, n *graph.Node, f form) stream {
	in := make([]stream, len(n.Inputs()))
	width, zero := 0, true
	for k, input := range n.Inputs() {
		if l.only != nil && !slices.Contains(l.only, k) {
			in[k] = stream{node: input} // an index or condition stays what it is
			continue
		}
		in[k] = e.top(input, f)
		width = max(width, in[k].width)
		zero = zero && in[k].zero()
	}
	if zero {
		return stream{}
	}
	switch n.Type() { // a zero operand of a sum needs no node
	case graph.NodeTypeAdd:
		return e.add(e.fit(in[0], n), e.fit(in[1], n))
	case graph.NodeTypeSub:
		if in[1].zero() {
			return in[0]
		}
		return e.add(e.fit(in[0], n), e.fit(stream{node: graph.Neg(in[1].node), width: in[1].width}, n))
	}
	for k, input := range n.Inputs() {
		if in[k].zero() {
			in[k] = stream{node: graph.ZerosLike(input)}
		}
	}
	if width == 0 {
		return stream{node: clone(n, in)}
	}
	return stream{node: bundled(n, in, width), width: width}
}

func clone(n *graph.Node, in []stream) *graph.Node {
	nodes := make([]*graph.Node, len(in))
	for k, s := range in {
		nodes[k] = s.node
	}
	return n.CloneWithInputs(nodes...)
}

// bilinear operations have two inputs and are linear in each.
type bilinear struct{}

func (bilinear) kind() string { return "bilinear: product rule" }

func (bilinear) apply(e *engine, n *graph.Node, f form) stream {
	a, b := n.Inputs()[0], n.Inputs()[1]
	total := e.add(
		e.fit(e.times(n, e.top(a, f), stream{node: b}), n),
		e.fit(e.times(n, stream{node: a}, e.top(b, f)), n))
	return e.add(total, e.lower(f, func(m mono) stream {
		var total stream
		m.splits(func(ma, mb mono, times float64) {
			total = e.add(total, e.scale(e.times(n, e.mono(a, ma), e.mono(b, mb)), times))
		})
		return e.fit(total, n)
	}))
}

// times is the operation of n on streams.
func (e *engine) times(n *graph.Node, a, b stream) stream {
	if a.zero() || b.zero() {
		return stream{}
	}
	w := max(a.width, b.width)
	switch {
	case w == 0:
		return stream{node: n.CloneWithInputs(a.node, b.node)}
	case n.Type() == graph.NodeTypeMul:
		return e.multiply(e.fitScalars(a, n), e.fitScalars(b, n))
	case n.Type() == graph.NodeTypeDotGeneral:
		return stream{node: bundledDot(n, a, b), width: w}
	default:
		return stream{node: eachOf(n, []stream{a, b}, w), width: w}
	}
}

// quotient is y = a/b: since yb = a, y_m = (a_m − Σ y_s b_r)/b over the splits m = s·r with r not empty.
type quotient struct{}

func (quotient) kind() string { return "quotient rule" }

func (quotient) apply(e *engine, n *graph.Node, f form) stream {
	a, b := n.Inputs()[0], n.Inputs()[1]
	top := e.fit(e.top(a, f), n)
	less := e.multiply(stream{node: n}, e.fit(e.top(b, f), n))
	less = e.add(less, e.lower(f, func(m mono) stream {
		var total stream
		m.splits(func(my, mb mono, times float64) {
			total = e.add(total, e.scale(e.multiply(e.mono(n, my), e.fit(e.mono(b, mb), n)), times))
		})
		return total
	}))
	if !less.zero() {
		top = e.add(top, stream{node: graph.Neg(less.node), width: less.width})
	}
	if top.zero() {
		return top
	}
	return stream{node: graph.Div(top.node, widen(stream{node: b}, top.width)), width: top.width}
}

// elementwise is y = f(x): Faà di Bruno's formula. The function builds f′ from x and y, or nil for zero.
type elementwise struct {
	slope func(x, y *graph.Node) *graph.Node
}

func (elementwise) kind() string { return "element-wise: chain rule" }

func (r elementwise) apply(e *engine, n *graph.Node, f form) stream {
	return r.along(e, n, n.Inputs()[0], f)
}

// along is the stream of n as a function of x alone, which need not be an input of n.
func (r elementwise) along(e *engine, n, x *graph.Node, f form) stream {
	slope := func(k int) stream { return stream{node: e.slope(n, x, r.slope, k)} }
	top := e.top(x, f)
	if !top.zero() {
		top = e.multiply(slope(1), top)
	}
	return e.add(top, e.lower(f, func(m mono) stream {
		if len(m) > mostPartitioned {
			return e.recursively(n, slope(1).node, m)
		}
		// Terms of the same order of f share one product with it.
		byOrder := make([]stream, len(m)+1)
		m.partitions(func(blocks []mono, times float64) {
			product := e.mono(x, blocks[0])
			for _, b := range blocks[1:] {
				product = e.multiply(product, e.mono(x, b))
			}
			byOrder[len(blocks)] = e.add(byOrder[len(blocks)], e.scale(product, times))
		})
		var total stream
		for k, s := range byOrder {
			if !s.zero() {
				if f.sum { // sum over the bundle first: f⁽ᵏ⁾ is the same for all of it
					s = e.collapse(s)
				}
				total = e.add(total, e.multiply(slope(k), s))
			}
		}
		return total
	}))
}

// mostPartitioned is the highest order for which Faà di Bruno's formula is written out. The number of its terms grows like that of
// partitions, and the expressions of f⁽ᵏ⁾ double with each k.
const mostPartitioned = 4

// recursively is y_m − f′·x_m of y = f(x), by Leibniz' rule for y_m = (f′·x_d)_{m∖d}: the streams of f′, an expression of x and
// y, take those of y of lower orders. So order k takes about k products for each of the orders up to it.
func (e *engine) recursively(n, slope *graph.Node, m mono) stream {
	if slope == nil {
		return stream{}
	}
	x := n.Inputs()[0]
	var total stream
	m[1:].divisions(func(a, b mono, times float64) {
		if len(a) > 0 {
			total = e.add(total, e.scale(e.multiply(e.mono(slope, a), e.mono(x, append(mono{m[0]}, b...))), times))
		}
	})
	return total
}

// constant operations are piecewise constant.
type constant struct{}

func (constant) kind() string { return "piecewise constant: zero" }

func (constant) apply(*engine, *graph.Node, form) stream { return stream{} }

// refused operations give an error with a reason.
type refused struct{ why string }

func (r refused) kind() string { return "error: " + r.why }

func (r refused) apply(_ *engine, n *graph.Node, _ form) stream {
	unsupported(n, r.why)
	return stream{}
}
