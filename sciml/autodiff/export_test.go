package autodiff

import (
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// BundledOperator is Σᵢ ∂_{first}∂ᵢ²u with all the axes i carried as one bundle, whatever their number.
func BundledOperator(d *Derivatives, first ...int) *graph.Node {
	b := d.axesBundle()
	m := append(d.mono(first), b, b)
	slices.Sort(m)
	return d.result(d.engine.at(d.u, sumOf([]weighted{{m, 1}})))
}

// BundledPartials is ∂_{first}∂ᵢ²u for all axes i, each by itself: shape [d, N, …].
func BundledPartials(d *Derivatives, first ...int) *graph.Node {
	b := d.axesBundle()
	m := append(d.mono(first), b, b)
	slices.Sort(m)
	s := d.engine.mono(d.u, m)
	if s.zero() {
		return graph.Zeros(d.u.Graph(), widened(d.u, d.dims))
	}
	return graph.BroadcastToShape(widen(s, d.dims), widened(d.u, d.dims))
}

// RuleTable has the kind of rule of each operation in the table.
func RuleTable() map[graph.NodeType]string {
	table := map[graph.NodeType]string{}
	for op, r := range rules {
		table[op] = r.kind()
	}
	return table
}

// OperationName is the name of an operation in errors and documentation.
func OperationName(op graph.NodeType) string { return operationName(op) }

// GradientBySlices is Gradient for a theta of any length.
func GradientBySlices(f, theta *graph.Node) *graph.Node { return gradientBySlices(f, theta) }
