package autodiff

import (
	"github.com/gomlx/gomlx/core/graph"
)

// bundled applies a linear operation to streams of which some have a bundle's axis first.
func bundled(n *graph.Node, in []stream, width int) *graph.Node {
	x := widen(in[0], width)
	dims := n.Shape().Dimensions
	switch n.Type() {
	case graph.NodeTypeIdentity, graph.NodeTypeNeg, graph.NodeTypeConvertDType, graph.NodeTypeReal, graph.NodeTypeImag,
		graph.NodeTypeConj:
		return n.CloneWithInputs(x)
	case graph.NodeTypeReshape:
		return graph.Reshape(x, append([]int{width}, dims...)...)
	case graph.NodeTypeTranspose:
		return graph.TransposeAllAxes(x, append([]int{0}, shifted(integers(n, "permutation"))...)...)
	case graph.NodeTypeReduceSum:
		return graph.ReduceSum(x, shifted(integers(n, "axes"))...)
	case graph.NodeTypeReverse:
		return graph.Reverse(x, shifted(integers(n, "axes"))...)
	case graph.NodeTypeConcatenate:
		parts := make([]*graph.Node, len(in))
		for k, s := range in {
			parts[k] = widen(s, width)
		}
		return graph.Concatenate(parts, integer(n, "axis")+1)
	case graph.NodeTypeSlice:
		starts, limits, strides := integers(n, "starts"), integers(n, "limits"), integers(n, "strides")
		spec := []graph.SliceAxisSpec{graph.AxisRange()}
		for i := range starts {
			axis := graph.AxisRange(starts[i], limits[i])
			if len(strides) > 0 {
				axis = axis.Stride(strides[i])
			}
			spec = append(spec, axis)
		}
		return graph.Slice(x, spec...)
	case graph.NodeTypeBroadcastInDim:
		axes := append([]int{0}, shifted(integers(n, "broadcastAxes"))...)
		return graph.BroadcastLike(x, graph.Zeros(n.Graph(), widened(n, width)), axes...)
	case graph.NodeTypeWhere:
		if n.Inputs()[0].IsScalar() {
			break
		}
		return graph.Where(widen(in[0], width), widen(in[1], width), widen(in[2], width))
	}
	return eachOf(n, in, width)
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
