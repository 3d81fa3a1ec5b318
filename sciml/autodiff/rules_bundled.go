package autodiff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
)

// bundled applies a linear operation to streams of which some have a bundle's axis first.
func bundled(n *graph.Node, in []stream, width int) *graph.Node {
	if carry := bundlers[n.Type()]; carry != nil {
		wide := make([]*graph.Node, len(in))
		for k, s := range in {
			wide[k] = s.node
			if matters(n, k) {
				wide[k] = widen(s, width)
			}
		}
		return carry(n, wide, width)
	}
	return eachOf(n, in, width)
}

// carries reports whether an operation takes a bundle along as one, rather than being repeated for each of its members.
func carries(n *graph.Node) bool {
	switch rules[n.Type()].(type) {
	case linear:
		return bundlers[n.Type()] != nil || n.Type() == graph.NodeTypeAdd || n.Type() == graph.NodeTypeSub
	case sumWindow:
		return false
	case bilinear:
		return n.Type() != graph.NodeTypeConvGeneral
	}
	return true
}

// bundlers build linear operations on inputs with a bundle's axis first, those that they do not vary with aside.
var bundlers = map[graph.NodeType]func(n *graph.Node, in []*graph.Node, width int) *graph.Node{
	graph.NodeTypeIdentity:     alike,
	graph.NodeTypeNeg:          alike,
	graph.NodeTypeConvertDType: alike,
	graph.NodeTypeReal:         alike,
	graph.NodeTypeImag:         alike,
	graph.NodeTypeConj:         alike,
	graph.NodeTypeReshape: func(n *graph.Node, in []*graph.Node, width int) *graph.Node {
		return graph.Reshape(in[0], append([]int{width}, n.Shape().Dimensions...)...)
	},
	graph.NodeTypeTranspose: func(n *graph.Node, in []*graph.Node, _ int) *graph.Node {
		return graph.TransposeAllAxes(in[0], append([]int{0}, shifted(integers(n, "permutation"))...)...)
	},
	graph.NodeTypeReduceSum: func(n *graph.Node, in []*graph.Node, _ int) *graph.Node {
		return graph.ReduceSum(in[0], shifted(reducedAxes(n))...)
	},
	graph.NodeTypeReverse: func(n *graph.Node, in []*graph.Node, _ int) *graph.Node {
		return graph.Reverse(in[0], shifted(integers(n, "axes"))...)
	},
	graph.NodeTypeConcatenate: func(n *graph.Node, in []*graph.Node, _ int) *graph.Node {
		return graph.Concatenate(in, integer(n, "axis")+1)
	},
	graph.NodeTypeSlice: func(n *graph.Node, in []*graph.Node, _ int) *graph.Node {
		starts, limits, strides := integers(n, "starts"), integers(n, "limits"), integers(n, "strides")
		spec := []graph.SliceAxisSpec{graph.AxisRange()}
		for i := range starts {
			axis := graph.AxisRange(starts[i], limits[i])
			if len(strides) > 0 {
				axis = axis.Stride(strides[i])
			}
			spec = append(spec, axis)
		}
		return graph.Slice(in[0], spec...)
	},
	graph.NodeTypeBroadcastInDim: func(n *graph.Node, in []*graph.Node, width int) *graph.Node {
		axes := append([]int{0}, shifted(integers(n, "broadcastAxes"))...)
		return graph.BroadcastLike(in[0], graph.Zeros(n.Graph(), widened(n, width)), axes...)
	},
	graph.NodeTypeWhere: func(n *graph.Node, in []*graph.Node, width int) *graph.Node {
		condition := in[0]
		if !condition.IsScalar() {
			condition = graph.BroadcastPrefix(condition, width)
		}
		return graph.Where(condition, likeResult(n, in[1], width), likeResult(n, in[2], width))
	},
	graph.NodeTypeCumSum: func(n *graph.Node, in []*graph.Node, _ int) *graph.Node {
		options := attribute(n, "options")
		return graph.CumSum(in[0], integer(n, "axis")+1, &graph.CumSumOptions{
			Exclusive: strings.Contains(options, "Exclusive:true"), Reverse: strings.Contains(options, "Reverse:true")})
	},
	graph.NodeTypePad: func(n *graph.Node, in []*graph.Node, _ int) *graph.Node {
		var axes []compute.PadAxis
		for _, text := range strings.Split(strings.Trim(attribute(n, "axesConfig"), "[]{}"), "} {") {
			var a compute.PadAxis
			if _, err := fmt.Sscanf(text, "Start:%d End:%d Interior:%d", &a.Start, &a.End, &a.Interior); err != nil {
				panic(fmt.Errorf("autodiff: axesConfig of the node %s is not as expected: %w", n, err))
			}
			axes = append(axes, a)
		}
		return graph.Pad(in[0], graph.ScalarZero(n.Graph(), n.DType()), append([]compute.PadAxis{{}}, axes...)...)
	},
	graph.NodeTypeGather: func(n *graph.Node, in []*graph.Node, width int) *graph.Node {
		return graph.BackendGather(in[0], in[1], integer(n, "indexVectorAxis"), append([]int{0}, shifted(integers(n, "offsetOutputAxes"))...),
			shifted(integers(n, "collapsedSliceAxes")), shifted(integers(n, "startIndexMap")), append([]int{width}, integers(n, "sliceSizes")...),
			attribute(n, "indicesAreSorted") == "true")
	},
	graph.NodeTypeDynamicSlice: func(n *graph.Node, in []*graph.Node, width int) *graph.Node {
		starts := append([]*graph.Node{graph.ZerosLike(in[1])}, in[1:]...)
		return graph.DynamicSlice(in[0], starts, append([]int{width}, n.Shape().Dimensions...))
	},
}

func alike(n *graph.Node, in []*graph.Node, _ int) *graph.Node { return n.CloneWithInputs(in[0]) }

// likeResult gives a bundle of scalars the shape of the result.
func likeResult(n, x *graph.Node, width int) *graph.Node {
	if x.Rank() == 1 && n.Rank() > 0 {
		dims := append([]int{width}, slices.Repeat([]int{1}, n.Rank())...)
		return graph.BroadcastToShape(graph.Reshape(x, dims...), widened(n, width))
	}
	return x
}

// eachOf applies an operation to each member of a bundle, for operations that do not take the bundle's axis along.
func eachOf(n *graph.Node, in []stream, width int) *graph.Node {
	members := make([]*graph.Node, width)
	for r := range width {
		one := make([]stream, len(in))
		for k, s := range in {
			one[k] = s
			if s.width > 0 {
				one[k] = stream{node: graph.Squeeze(graph.SliceAxis(s.node, 0, graph.AxisElem(r)), 0)}
			}
		}
		members[r] = clone(n, one)
	}
	return graph.Stack(members, 0)
}

// bundledDot is a DotGeneral with a bundle on one side or on both.
func bundledDot(n *graph.Node, a, b stream) *graph.Node {
	contractA, contractB := integers(n, "lhsContractingAxes"), integers(n, "rhsContractingAxes")
	batchA, batchB := integers(n, "lhsBatchAxes"), integers(n, "rhsBatchAxes")
	if a.width > 0 {
		contractA, batchA = shifted(contractA), shifted(batchA)
	}
	if b.width > 0 {
		contractB, batchB = shifted(contractB), shifted(batchB)
	}
	if a.width > 0 && b.width > 0 { // the bundle is a batch, and stays first
		batchA, batchB = append([]int{0}, batchA...), append([]int{0}, batchB...)
		return graph.DotGeneral(a.node, contractA, batchA, b.node, contractB, batchB)
	}
	out := graph.DotGeneral(a.node, contractA, batchA, b.node, contractB, batchB)
	// The result has the batch axes, what is left of a, then what is left of b: the bundle is the first left of its own.
	at := len(batchA)
	if b.width > 0 {
		at = a.node.Rank() - len(contractA)
	}
	if at == 0 {
		return out
	}
	permutation := []int{at}
	for i := range out.Rank() {
		if i != at {
			permutation = append(permutation, i)
		}
	}
	return graph.TransposeAllAxes(out, permutation...)
}
