package pinn

import (
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// madeOf are some nodes with all that they are made of.
func madeOf(nodes ...*graph.Node) map[*graph.Node]bool {
	seen := map[*graph.Node]bool{}
	var visit func(n *graph.Node)
	visit = func(n *graph.Node) {
		if n == nil || seen[n] {
			return
		}
		seen[n] = true
		for _, input := range n.Inputs() {
			visit(input)
		}
	}
	for _, n := range nodes {
		visit(n)
	}
	return seen
}

// occurrences notes which coefficients some nodes are made of.
func (t *trial) occurrences(asked map[string][]*graph.Node, nodes []*graph.Node) {
	if len(asked) == 0 {
		return
	}
	seen := madeOf(nodes...)
	for name, values := range asked {
		t.used[name] = t.used[name] || slices.ContainsFunc(values, func(n *graph.Node) bool { return seen[n] })
	}
}
