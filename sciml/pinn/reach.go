package pinn

import (
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// reaches reports whether a node is made of another one.
func reaches(n, of *graph.Node) bool {
	seen := map[*graph.Node]bool{}
	var visit func(n *graph.Node) bool
	visit = func(n *graph.Node) bool {
		if n == of {
			return true
		}
		if n == nil || seen[n] {
			return false
		}
		seen[n] = true
		return slices.ContainsFunc(n.Inputs(), visit)
	}
	return visit(n)
}

// occurrences notes which coefficients some nodes are made of.
func (t *trial) occurrences(asked map[string][]*graph.Node, nodes []*graph.Node) {
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
	if len(asked) == 0 {
		return
	}
	for _, n := range nodes {
		visit(n)
	}
	for name, values := range asked {
		t.used[name] = t.used[name] || slices.ContainsFunc(values, func(n *graph.Node) bool { return seen[n] })
	}
}
