package autodiff

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// ErrNoDerivative is what errors.Is finds in an error that names an operation without a derivative, in forward or in reverse mode.
var ErrNoDerivative = errors.New("an operation has no derivative")

// noDerivative is an error that is ErrNoDerivative, without its words.
type noDerivative struct{ error }

func (noDerivative) Is(target error) bool { return target == ErrNoDerivative }

// completeReverseMode gives GoMLX's reverse mode what it lacks of the operations that have a rule here. What it has stays.
func completeReverseMode() {
	correctConvolutions()
	correctGathers()
	for op, r := range rules {
		if graph.VJPRegistration[op] != nil {
			continue
		}
		switch r := r.(type) {
		case elementwise:
			register(op, func(n, v *graph.Node) []*graph.Node {
				return []*graph.Node{graph.Mul(v, r.slope(n.Inputs()[0], n))}
			})
		case constant:
			register(op, func(n, _ *graph.Node) []*graph.Node { return make([]*graph.Node, len(n.Inputs())) })
		case rewritten:
			register(op, func(n, v *graph.Node) []*graph.Node {
				return through(n, func(n *graph.Node) *graph.Node { return graph.Mul(v, r.as(n)) })
			})
		case several:
			graph.VJPRegistration[op] = func(n *graph.Node, all []*graph.Node, _ shapes.Shape) []*graph.Node {
				return through(n, func(n *graph.Node) *graph.Node {
					var sum *graph.Node
					for i, v := range all {
						sum = plus(sum, graph.ReduceAllSum(graph.Mul(v, r.as(n, i))))
					}
					return sum
				})
			}
		}
	}
	register(graph.NodeTypeIdentity, func(_, v *graph.Node) []*graph.Node { return []*graph.Node{v} })
	register(graph.NodeTypeClamp, func(n, v *graph.Node) []*graph.Node {
		return through(n, func(n *graph.Node) *graph.Node { return graph.Mul(v, clampChoice(n, n.Inputs())) })
	})
	register(graph.NodeTypeAtan2, func(n, v *graph.Node) []*graph.Node {
		return through(n, func(m *graph.Node) *graph.Node {
			y, x := n.Inputs()[0], n.Inputs()[1]
			v := graph.Div(v, graph.Add(graph.Square(x), graph.Square(y)))
			return graph.Sub(graph.Mul(graph.Mul(v, x), m.Inputs()[0]), graph.Mul(graph.Mul(v, y), m.Inputs()[1]))
		})
	})
}

// correctGathers completes the gradient of Gather, which in GoMLX is that of slices of whole axes, by rows of the first axes, or of
// slices that leave axes as they are: it takes the case that is both for the first, and fails for others.
func correctGathers() {
	theirs := graph.VJPRegistration[graph.NodeTypeGather]
	graph.VJPRegistration[graph.NodeTypeGather] = func(n *graph.Node, v []*graph.Node, s shapes.Shape) []*graph.Node {
		x, collapsed, sizes := n.Inputs()[0], integers(n, "collapsedSliceAxes"), integers(n, "sliceSizes")
		rows := len(collapsed) > 0
		for axis, size := range sizes {
			if axis < len(collapsed) {
				rows = rows && collapsed[axis] == axis
			} else {
				rows = rows && size == x.Shape().Dimensions[axis]
			}
		}
		if rows || len(collapsed) == 0 && !slices.Equal(sizes, x.Shape().Dimensions) {
			return theirs(n, v, s)
		}
		return []*graph.Node{graph.BackendScatterSum(graph.ZerosLike(x), n.Inputs()[1], v[0], integer(n, "indexVectorAxis"),
			integers(n, "offsetOutputAxes"), collapsed, integers(n, "startIndexMap"), attribute(n, "indicesAreSorted") == "true", false), nil}
	}
}

func register(op graph.NodeType, vjp func(n, v *graph.Node) []*graph.Node) {
	graph.VJPRegistration[op] = func(n *graph.Node, v []*graph.Node, _ shapes.Shape) []*graph.Node { return vjp(n, v[0]) }
}

// through differentiates the sum of an expression with respect to the inputs of an operation, which it is given as a copy with inputs
// of its own: where one input depends on another, reverse mode gets there by itself. Nothing is held constant, so that the result can
// be differentiated again.
func through(n *graph.Node, expression func(copied *graph.Node) *graph.Node) []*graph.Node {
	own := make([]*graph.Node, len(n.Inputs()))
	for k, input := range n.Inputs() {
		own[k] = graph.Identity(input)
	}
	return graph.Gradient(graph.ReduceAllSum(expression(n.CloneWithInputs(own...))), own...)
}

// reverse is graph.Gradient, with an error that names the operation where one has no gradient.
func reverse(f *graph.Node, by ...*graph.Node) (gradients []*graph.Node) {
	err := exceptions.TryCatch[error](func() { gradients = graph.Gradient(f, by...) })
	if err == nil {
		return gradients
	}
	if n := withoutReverse(f, newEngine(by...)); n != nil {
		panic(noDerivative{fmt.Errorf("autodiff: the operation %s has no derivative rule in reverse mode (node %s)%s", operationName(n.Type()), n, traceOf(n))})
	}
	panic(err)
}

// withoutReverse is a node between f and the inputs that has no gradient; nil where there is none.
func withoutReverse(f *graph.Node, inputs *engine) (found *graph.Node) {
	seen := map[graph.NodeId]bool{}
	var walk func(n *graph.Node)
	walk = func(n *graph.Node) {
		if seen[n.Id()] || found != nil || inputs.inputs[n.Id()] || !inputs.depends(n) {
			return
		}
		seen[n.Id()] = true
		if _, ok := graph.VJPRegistration[n.Type()]; !ok && n.Type() != graph.NodeTypeSplitNode {
			found = n
			return
		}
		for _, input := range n.Inputs() {
			walk(input)
		}
	}
	walk(f)
	return found
}
