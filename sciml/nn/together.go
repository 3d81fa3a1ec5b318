package nn

import (
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// together reports whether a network can be computed with several θ at once: an MLP without trainable slopes, with maps of this package before and factors
// after it, which take points with their coordinates along the last axis.
func together(network Network) bool {
	switch n := network.(type) {
	case *MLP:
		return n.nonlinear.slope == 0
	case *mapped:
		return together(n.Network) && !slices.ContainsFunc(n.maps, func(m Map) bool {
			switch m.(type) {
			case *scale, *periodic, *harmonics, *fourier:
				return false
			}
			return true
		})
	case *amplified:
		return together(n.Network)
	}
	return false
}

// applyTogether computes a network with each of K θ, shape [K, P], at points of its own, shape [K, N, inputs]: the result has the shape [K, N, outputs].
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
	take := func(b Block) *graph.Node {
		return graph.Reshape(graph.Slice(thetas, graph.AxisRange(), graph.AxisRange(b.Offset, b.Offset+b.Size())), append([]int{thetas.Shape().Dimensions[0]}, b.Dims...)...)
	}
	layer := func(a affine, h *graph.Node) *graph.Node {
		return layerEach(h, take(a.weights), take(a.biases))
	}
	for _, inner := range n.inner {
		x = n.nonlinear.apply(layer(inner.affine, x), nil)
	}
	return layer(n.last, x)
}

// layerEach is a layer of K networks side by side, [K, N, in] to [K, N, out], with weights [K, in, out] and biases [K, out].
func layerEach(h, weights, biases *graph.Node) *graph.Node {
	y := graph.DotGeneral(h, []int{2}, []int{0}, weights, []int{1}, []int{0})
	return graph.Add(y, graph.BroadcastToShape(graph.ExpandAxes(biases, 1), y.Shape()))
}
