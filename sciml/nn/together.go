package nn

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// copies is a network several times, each with weights of its own, which follow each other in θ.
type copies struct {
	Network
	number int
	called string // one of them, in the names of blocks
}

// NumParams implements Network.
func (c copies) NumParams() int { return c.number * c.Network.NumParams() }

// Blocks implements Network.
func (c copies) Blocks() []Block {
	var all []Block
	for k := range c.number {
		for _, b := range c.Network.Blocks() {
			b.Name, b.Offset = fmt.Sprintf("%s %d, %s", c.called, k+1, b.Name), b.Offset+k*c.Network.NumParams()
			all = append(all, b)
		}
	}
	return all
}

// differently are initial values of the copies, each from a seed of its own.
func (c copies) differently(seed uint64) []float64 {
	theta := make([]float64, 0, c.NumParams())
	for k := range c.number {
		theta = append(theta, c.Network.Init(seed+uint64(k)*seedStep)...)
	}
	return theta
}

// sum adds what part makes of the copies from one number up to another, shape [to − from, N, outputs], where network takes points of each of
// these copies, [to − from, N, inputs]. Networks that can be are computed for all copies together, so that the graph does not grow with their number.
func (c copies) sum(theta *graph.Node, part func(from, to int, network func(x *graph.Node) *graph.Node) *graph.Node) *graph.Node {
	if together(c.Network) {
		thetas := graph.Reshape(theta, c.number, c.Network.NumParams())
		return graph.ReduceSum(part(0, c.number, func(x *graph.Node) *graph.Node { return applyTogether(c.Network, thetas, x) }), 0)
	}
	var sum *graph.Node
	p := c.Network.NumParams()
	for k := range c.number {
		weights := graph.Slice(theta, graph.AxisRange(k*p, (k+1)*p))
		one := part(k, k+1, func(x *graph.Node) *graph.Node {
			return graph.ExpandAxes(c.Network.Apply(weights, graph.Squeeze(x, 0)), 0)
		})
		if sum == nil {
			sum = one
		} else {
			sum = graph.Add(sum, one)
		}
	}
	return graph.Squeeze(sum, 0)
}

// each is a number for each of k copies, for each of n points: [k, n, 1].
func each(like *graph.Node, k, n int, of func(k int) float64) *graph.Node {
	values := make([][][]float64, k)
	for i := range values {
		values[i] = [][]float64{{of(i)}}
	}
	return graph.BroadcastToDims(graph.ConstAsDType(like.Graph(), like.DType(), values), k, n, 1)
}

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

// applyTogether computes a network with each of several θ, shape [B…, P], at points of its own, shape [B…, N, inputs]: the result has the shape
// [B…, N, outputs], for any number of axes B.
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
	last := thetas.Rank() - 1
	take := func(b Block) *graph.Node {
		part := graph.SliceAxis(thetas, last, graph.AxisRange(b.Offset, b.Offset+b.Size()))
		return graph.Reshape(part, slices.Concat(thetas.Shape().Dimensions[:last], b.Dims)...)
	}
	layer := func(a affine, h *graph.Node) *graph.Node {
		return layerEach(h, take(a.weights), take(a.biases))
	}
	for _, inner := range n.inner {
		x = n.nonlinear.apply(layer(inner.affine, x), nil)
	}
	return layer(n.last, x)
}

// layerEach is a layer of several networks side by side, [B…, N, in] to [B…, N, out], with weights [B…, in, out] and biases [B…, out].
func layerEach(h, weights, biases *graph.Node) *graph.Node {
	last := h.Rank() - 1
	dims := weights.Shape().Dimensions
	if h.Shape().Dimensions[last-1] == 1 && dims[last-1] > 1 && dims[last] > 1 { // products with many small matrices are slow, one loop over all of them is not
		in := graph.BroadcastToShape(graph.ExpandAxes(graph.Squeeze(h, last-1), -1), weights.Shape())
		return graph.ExpandAxes(graph.Add(graph.ReduceSum(graph.Mul(in, weights), last-1), biases), last-1)
	}
	var batch []int
	for axis := range last - 1 {
		batch = append(batch, axis)
	}
	y := graph.DotGeneral(h, []int{last}, batch, weights, []int{last - 1}, batch)
	return graph.Add(y, graph.BroadcastToShape(graph.ExpandAxes(biases, last-1), y.Shape()))
}
