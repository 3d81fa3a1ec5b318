package nn

import "github.com/gomlx/gomlx/core/graph"

// together reports whether a network can be computed with several θ at once.
func together(network Network) bool {
	switch n := network.(type) {
	case *MLP:
		return n.nonlinear.slope == 0
	case *mapped:
		return together(n.Network)
	case *amplified:
		return together(n.Network)
	}
	return false
}

// applyTogether computes a network with each of K θ, shape [K, P], at points of its own: those of the first θ, then those of the second, and so on,
// as many of each, shape [K·N, inputs]. The result has the shape [K·N, outputs].
func applyTogether(network Network, thetas, x *graph.Node) *graph.Node {
	switch n := network.(type) {
	case *mapped:
		for _, f := range n.maps {
			x = f.Apply(x)
		}
		return applyTogether(n.Network, thetas, x)
	case *amplified:
		u := applyTogether(n.Network, thetas, x)
		return graph.Mul(u, row(u, n.factors))
	}
	n := network.(*MLP)
	count := thetas.Shape().Dimensions[0]
	take := func(b Block) *graph.Node {
		return graph.Reshape(graph.Slice(thetas, graph.AxisRange(), graph.AxisRange(b.Offset, b.Offset+b.Size())), append([]int{count}, b.Dims...)...)
	}
	layer := func(a affine, h *graph.Node) *graph.Node {
		y := graph.DotGeneral(h, []int{2}, []int{0}, take(a.weights), []int{1}, []int{0})
		return graph.Add(y, graph.BroadcastToShape(graph.ExpandAxes(take(a.biases), 1), y.Shape()))
	}
	h := graph.Reshape(x, count, x.Shape().Dimensions[0]/count, x.Shape().Dimensions[1])
	for _, inner := range n.inner {
		h = n.nonlinear.apply(layer(inner.affine, h), nil)
	}
	u := layer(n.last, h)
	return graph.Reshape(u, x.Shape().Dimensions[0], u.Shape().Dimensions[2])
}
