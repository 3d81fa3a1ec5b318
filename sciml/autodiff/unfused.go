package autodiff

import (
	"github.com/gomlx/gomlx/core/graph"
)

// unfused is the same function of theta without the operations that weights enter by within others, such as a whole dense layer: those are
// replaced by equivalent expressions, in which a structure of rows can be found. It is r itself where there are none.
func unfused(r, theta *graph.Node) *graph.Node {
	u := &unfusing{byTheta: newEngine(theta), made: map[graph.NodeId]*graph.Node{}}
	return u.of(r)
}

type unfusing struct {
	byTheta *engine
	made    map[graph.NodeId]*graph.Node
}

func (u *unfusing) of(n *graph.Node) *graph.Node {
	if u.byTheta.inputs[n.Id()] || !u.byTheta.depends(n) {
		return n
	}
	if m := u.made[n.Id()]; m != nil {
		return m
	}
	m := n
	inputs, changed := make([]*graph.Node, len(n.Inputs())), false
	for k, input := range n.Inputs() {
		inputs[k] = u.of(input)
		changed = changed || inputs[k] != input
	}
	if changed {
		m = n.CloneWithInputs(inputs...)
	}
	switch n.Type() {
	case graph.NodeTypeFusedDense, graph.NodeTypeFusedLayerNorm, graph.NodeTypeBatchNormForInference:
		m = rules[n.Type()].(rewritten).as(m)
	case graph.NodeTypeSplitNode:
		if whole, ok := rules[inputs[0].Type()].(several); ok {
			m = whole.as(inputs[0], integer(n, "index"))
		}
	}
	u.made[n.Id()] = m
	return m
}
