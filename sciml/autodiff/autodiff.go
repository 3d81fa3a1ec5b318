// Package autodiff differentiates GoMLX graphs forward, with respect to the inputs of a network.
//
// GoMLX has reverse mode only. A residual such as Δu + f needs second derivatives of u with respect to x at every
// collocation point, and nesting reverse mode for them costs several times the forward pass. This package instead
// walks the graph that computes u from x and builds, next to each node, the node of its derivative ("stream"):
//
//   - an operation that is linear in its inputs passes a derivative through a copy of itself,
//   - a bilinear one (Mul, DotGeneral) uses the product rule,
//   - an element-wise one uses f′ and f″.
//
// For the Laplacian the second-order streams of all axes are summed at once, because the highest derivative enters
// each rule linearly: y_Δ = f′(x)·x_Δ + f″(x)·Σᵢ(∂ᵢx)². One stream for Δ, not one per axis: the forward Laplacian
// (Li et al. 2024, "A computational framework for neural network-based variational Monte Carlo with Forward
// Laplacian") and its generalization, collapsed Taylor mode (Dangel et al. 2025).
//
// Reverse mode over the result gives the gradient with respect to the network's parameters.
//
// As everywhere in GoMLX, graph-building functions report misuse by panicking with an error; graph.Exec returns it.
package autodiff

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// Derivatives gives the derivatives of u with respect to x, point by point.
//
// x has shape [N, d] (N points, d coordinates) and u shape [N, m] or [N]; row n of u must depend on row n of x only,
// as every network applied to a batch of points does. All results have the shape of u. Results are memoized: asking
// twice, or for derivatives that share streams, adds no work to the graph.
type Derivatives struct {
	x, u   *graph.Node
	dims   int
	live   map[graph.NodeId]bool
	first  map[streamKey]*graph.Node
	second map[string]map[graph.NodeId]*graph.Node
	slopes map[graph.NodeId][2]*graph.Node // f′ and f″ of element-wise operations
}

// streamKey names the first derivative of one node along one axis of x.
type streamKey struct {
	id   graph.NodeId
	axis int
}

// Of prepares the derivatives of u with respect to x. It adds nothing to the graph until a derivative is asked for.
//
// It panics when x is not of shape [N, d], when u has another number of points, or when they are in different graphs.
func Of(u, x *graph.Node) *Derivatives {
	if x.Rank() != 2 {
		exceptions.Panicf("autodiff.Of: x has shape %s, expected [points, coordinates]", x.Shape())
	}
	if u.Rank() < 1 || u.Shape().Dimensions[0] != x.Shape().Dimensions[0] {
		exceptions.Panicf("autodiff.Of: u has shape %s, expected %d points along its first axis as x has (%s)",
			u.Shape(), x.Shape().Dimensions[0], x.Shape())
	}
	if u.Graph() != x.Graph() {
		exceptions.Panicf("autodiff.Of: u and x belong to different graphs")
	}
	d := &Derivatives{
		x: x, u: u, dims: x.Shape().Dimensions[1],
		live:   map[graph.NodeId]bool{},
		first:  map[streamKey]*graph.Node{},
		second: map[string]map[graph.NodeId]*graph.Node{},
		slopes: map[graph.NodeId][2]*graph.Node{},
	}
	d.markLive(u)
	return d
}

// X returns the points, shape [N, d].
func (d *Derivatives) X() *graph.Node { return d.x }

// Coordinate returns column i of the points, shape [N, 1].
func (d *Derivatives) Coordinate(i int) *graph.Node {
	d.checkAxis(i)
	return graph.Slice(d.x, graph.AxisRange(), graph.AxisElem(i))
}

// U returns the differentiated function itself.
func (d *Derivatives) U() *graph.Node { return d.u }

// Dims returns d, the number of coordinates of a point.
func (d *Derivatives) Dims() int { return d.dims }

// Partial returns ∂u/∂xᵢ for one axis, and ∂²u/∂xᵢ∂xⱼ for two.
func (d *Derivatives) Partial(axes ...int) *graph.Node {
	for _, axis := range axes {
		d.checkAxis(axis)
	}
	switch len(axes) {
	case 1:
		return orZeros(d.firstStream(d.u, axes[0]), d.u)
	case 2:
		return d.SecondOrder(Term{I: axes[0], J: axes[1], Weight: 1})
	default:
		exceptions.Panicf("autodiff.Partial: derivatives of order %d are not available, expected 1 or 2 axes, got %v", len(axes), axes)
		return nil
	}
}

// Laplacian returns Δu = Σᵢ ∂²u/∂xᵢ² over the given axes, or over all of them when none is given.
func (d *Derivatives) Laplacian(axes ...int) *graph.Node {
	if len(axes) == 0 {
		axes = make([]int, d.dims)
		for i := range axes {
			axes[i] = i
		}
	}
	terms := make([]Term, len(axes))
	for n, i := range axes {
		terms[n] = Term{I: i, J: i, Weight: 1}
	}
	return d.SecondOrder(terms...)
}

// Term is one summand Weight·∂²u/∂x_I∂x_J of a second-order operator.
type Term struct {
	I, J   int
	Weight float64
}

// SecondOrder returns Σ Weight·∂²u/∂x_I∂x_J over the terms, computed with one second-order stream for the whole sum.
func (d *Derivatives) SecondOrder(terms ...Term) *graph.Node {
	for _, t := range terms {
		d.checkAxis(t.I)
		d.checkAxis(t.J)
	}
	return orZeros(d.secondStream(d.u, newForm(terms)), d.u)
}

func (d *Derivatives) checkAxis(axis int) {
	if axis < 0 || axis >= d.dims {
		exceptions.Panicf("autodiff: axis %d is out of range, expected 0 to %d for points of shape %s", axis, d.dims-1, d.x.Shape())
	}
}

func orZeros(stream, like *graph.Node) *graph.Node {
	if stream == nil {
		return graph.ZerosLike(like)
	}
	return stream
}
