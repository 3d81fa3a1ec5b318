// Package autodiff differentiates GoMLX graphs forward, and gives the products with Jacobians and Hessians that
// optimizers for scientific machine learning are made of.
//
// GoMLX has reverse mode only. A residual such as Δu + f needs second derivatives of u with respect to x at every
// collocation point, and nesting reverse mode for them costs several times the forward pass. This package instead
// walks the graph that computes u from x and builds, next to each node, the nodes of its derivatives ("streams"), by
// one rule for each operation (see docs/autodiff.md):
//
//   - an operation that is linear in its inputs passes a derivative through a copy of itself,
//   - a bilinear one (Mul, DotGeneral, convolution) uses the product rule,
//   - an element-wise one uses f′, f″, … in Faà di Bruno's formula.
//
// The highest derivative enters each rule linearly, so a weighted sum of derivatives needs one stream at the highest
// order, not one for each summand: y_Δ = f′(x)·x_Δ + f″(x)·Σᵢ(∂ᵢx)². For the Laplacian this is the forward Laplacian
// (Li et al. 2024, "A computational framework for neural network-based variational Monte Carlo with Forward
// Laplacian"), in general collapsed Taylor mode (Dangel et al. 2025).
//
// Reverse mode over the result gives gradients with respect to parameters; see VJP, JVP, HessianProduct and
// GaussNewtonProduct for products.
//
// As everywhere in GoMLX, graph-building functions report misuse by panicking with an error; graph.Exec returns it.
package autodiff

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// Derivatives gives the derivatives of u with respect to x, point by point.
//
// x has shape [N, d] (N points, d coordinates) and u shape [N, m] or [N]; row n of u must depend on row n of x only,
// as every network applied to a batch of points does. Unless said otherwise results have the shape of u. Results are
// memoized: asking twice, or for derivatives that share streams, adds no work to the graph.
type Derivatives struct {
	x, u   *graph.Node
	dims   int
	engine *engine
}

// Of prepares the derivatives of u with respect to x. It adds nothing to the graph until a derivative is asked for.
//
// It panics when x is not of shape [N, d], when u has another number of points, or when they are in different graphs.
func Of(u, x *graph.Node) *Derivatives {
	if x.Rank() != 2 {
		exceptions.Panicf("autodiff.Of: x has shape %s, expected [points, coordinates]", x.Shape())
	}
	if !x.DType().IsFloat() {
		exceptions.Panicf("autodiff.Of: x has shape %s, expected floating-point numbers; convert it with graph.ConvertDType", x.Shape())
	}
	if u.Rank() < 1 || u.Shape().Dimensions[0] != x.Shape().Dimensions[0] {
		exceptions.Panicf("autodiff.Of: u has shape %s, expected %d points along its first axis as x has (%s)",
			u.Shape(), x.Shape().Dimensions[0], x.Shape())
	}
	if u.Graph() != x.Graph() {
		exceptions.Panicf("autodiff.Of: u and x belong to different graphs")
	}
	d := &Derivatives{x: x, u: u, dims: x.Shape().Dimensions[1], engine: newEngine(x)}
	d.engine.points = x
	d.Allow(DefaultAllowance)
	return d
}

// For returns the derivatives of another function v of the same points, sharing all streams with d.
func (d *Derivatives) For(v *graph.Node) *Derivatives {
	other := Of(v, d.x)
	other.engine = d.engine
	return other
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

// Order returns the highest order of the derivatives that were asked for so far, of u or of others by For; 0 for none.
func (d *Derivatives) Order() int { return d.engine.highest }

// OrderBy returns how often at most a derivative that was asked for so far is one by the given axis: 2 for a wave equation and the
// axis of time. Of directions other than axes it knows nothing.
func (d *Derivatives) OrderBy(axis int) int {
	d.checkAxis(axis)
	most := 0
	for _, name := range []string{fmt.Sprintf("axis %d", axis), "axes"} {
		if k, known := d.engine.byName[name]; known {
			most = max(most, d.engine.often[k])
		}
	}
	return most
}

// Partial returns a partial derivative of any order, one axis for each order: Partial(0) is ∂u/∂x₀, Partial(0, 1) is
// ∂²u/∂x₀∂x₁, Partial(0, 0, 0) is ∂³u/∂x₀³.
func (d *Derivatives) Partial(axes ...int) *graph.Node {
	if len(axes) == 0 {
		exceptions.Panicf("autodiff.Partial: no axes were given, expected one for each order of the derivative")
	}
	return d.result(d.stream(single(d.mono(axes))))
}

// Directional returns the derivative of the given order along a direction: dᵏ/dtᵏ u(x + tv) at t = 0. The direction
// has shape [d], or [N, d] for one of its own at each point.
func (d *Derivatives) Directional(v *graph.Node, order int) *graph.Node {
	if order < 1 {
		exceptions.Panicf("autodiff.Directional: order is %d, expected at least 1", order)
	}
	k := d.engine.direction(fmt.Sprintf("vector %d", v.Id()), 0, false, func() map[graph.NodeId]*graph.Node {
		return map[graph.NodeId]*graph.Node{d.x.Id(): d.spread("Directional", v)}
	})
	return d.result(d.stream(single(slices.Repeat(mono{k}, order))))
}

// spread gives every point the direction v.
func (d *Derivatives) spread(who string, v *graph.Node) *graph.Node {
	switch {
	case v.Shape().Equal(d.x.Shape()):
		return v
	case v.Rank() == 1 && v.Shape().Dimensions[0] == d.dims:
		return graph.BroadcastToShape(graph.ExpandAxes(v, 0), d.x.Shape())
	}
	exceptions.Panicf("autodiff.%s: the direction has shape %s, expected [%d] or %s", who, v.Shape(), d.dims, d.x.Shape())
	return nil
}

// Gradient returns all first derivatives, with the axis of coordinates last: shape [N, d] for u of shape [N] or
// [N, 1], and [N, m, d] for u of shape [N, m].
func (d *Derivatives) Gradient() *graph.Node {
	var all *graph.Node
	if shape := d.u.Shape().Dimensions; d.dims < bundleFrom {
		parts := make([]*graph.Node, d.dims)
		for i := range parts {
			parts[i] = d.Partial(i)
		}
		all = graph.Stack(parts, len(shape))
	} else {
		g := d.stream(single(mono{d.axesBundle()}))
		if g.zero() {
			g.node = graph.Zeros(d.u.Graph(), widened(d.u, d.dims))
		}
		all = graph.TransposeAllAxes(g.node, append(axesFrom(1, len(shape)+1), 0)...)
	}
	if d.u.Rank() == 2 && d.u.Shape().Dimensions[1] == 1 {
		all = graph.Squeeze(all, 1)
	}
	return all
}

// Divergence returns Σᵢ ∂uᵢ/∂xᵢ of u with d components, shape [N, 1].
func (d *Derivatives) Divergence() *graph.Node {
	shape := d.u.Shape().Dimensions
	if len(shape) != 2 || shape[1] != d.dims {
		exceptions.Panicf("autodiff.Divergence: u has shape %s, expected [%d, %d], one component for each coordinate",
			d.u.Shape(), d.x.Shape().Dimensions[0], d.dims)
	}
	var total *graph.Node
	for i := range d.dims {
		term := graph.Slice(d.Partial(i), graph.AxisRange(), graph.AxisElem(i))
		if total == nil {
			total = term
		} else {
			total = graph.Add(total, term)
		}
	}
	return total
}

// bundleFrom is the number of coordinates from which all are carried as one bundle. One stream each fuses better and is
// up to twice as fast; but the graph grows with their number, and with it the time to compile it.
const bundleFrom = 128

// Laplacian returns Δu = Σᵢ ∂²u/∂xᵢ² over the given axes, or over all of them when none is given.
func (d *Derivatives) Laplacian(axes ...int) *graph.Node {
	if len(axes) == 0 && d.dims >= bundleFrom {
		b := d.axesBundle()
		return d.result(d.stream(sumOf([]weighted{{mono{b, b}, 1}})))
	}
	if len(axes) == 0 {
		axes = axesFrom(0, d.dims)
	}
	terms := make([]Term, len(axes))
	for n, i := range axes {
		terms[n] = Term{Weight: 1, Axes: []int{i, i}}
	}
	return d.Operator(terms...)
}

// Term is one summand Weight·∂ᵏu/∂x_{Axes[0]}…∂x_{Axes[k−1]} of a differential operator.
type Term struct {
	Weight float64
	Axes   []int
}

// Operator returns a linear differential operator with constant coefficients, Σ Weight·∂^{Axes}u, of any and also of
// mixed orders, computed with one stream at the highest order for the whole sum.
func (d *Derivatives) Operator(terms ...Term) *graph.Node {
	sum := make([]weighted, len(terms))
	for n, t := range terms {
		if len(t.Axes) == 0 {
			exceptions.Panicf("autodiff.Operator: term %d has no axes, expected one for each order of the derivative", n)
		}
		sum[n] = weighted{d.mono(t.Axes), t.Weight}
	}
	return d.result(d.stream(sumOf(sum)))
}

// SecondOrder returns tr(A(x)·D²u) = Σᵢⱼ aᵢⱼ ∂²u/∂xᵢ∂xⱼ for A = σσᵀ given by its factor: sigma has shape [d, r], or
// [N, d, r] for coefficients that vary from point to point. It costs as much as a Laplacian in r dimensions.
func (d *Derivatives) SecondOrder(sigma *graph.Node) *graph.Node {
	points := d.x.Shape().Dimensions[0]
	shape := sigma.Shape().Dimensions
	if len(shape) == 2 && shape[0] == d.dims {
		sigma = graph.ExpandAxes(sigma, 0)
	} else if len(shape) != 3 || shape[0] != points || shape[1] != d.dims {
		exceptions.Panicf("autodiff.SecondOrder: sigma has shape %s, expected [%d, r] or [%d, %d, r]", sigma.Shape(), d.dims, points, d.dims)
	}
	return d.squared(fmt.Sprintf("sigma %d", sigma.Id()), graph.TransposeAllAxes(sigma, 2, 0, 1))
}

// squared returns Σᵣ vᵣᵀ·D²u·vᵣ for directions of shape [r, N, d], or [r, 1, d] when they are the same at all points.
func (d *Derivatives) squared(name string, directions *graph.Node) *graph.Node {
	shape := directions.Shape().Dimensions
	uniform := shape[1] == 1 && d.x.Shape().Dimensions[0] != 1
	b := d.engine.direction(name, shape[0], uniform, func() map[graph.NodeId]*graph.Node {
		return map[graph.NodeId]*graph.Node{d.x.Id(): directions}
	})
	return d.result(d.stream(sumOf([]weighted{{mono{b, b}, 1}})))
}

// mono registers axes as directions.
func (d *Derivatives) mono(axes []int) mono {
	m := make(mono, len(axes))
	for n, i := range axes {
		d.checkAxis(i)
		m[n] = d.engine.direction(fmt.Sprintf("axis %d", i), 0, true, func() map[graph.NodeId]*graph.Node {
			row := make([]float64, d.dims)
			row[i] = 1
			unit := graph.ConstAsDType(d.x.Graph(), d.x.DType(), [][]float64{row})
			return map[graph.NodeId]*graph.Node{d.x.Id(): unit}
		})
		d.engine.coordinate[m[n]] = i
	}
	slices.Sort(m)
	return m
}

// axesBundle registers all axes as one bundle.
func (d *Derivatives) axesBundle() int {
	k := d.engine.direction("axes", d.dims, true, func() map[graph.NodeId]*graph.Node {
		unit := graph.ConvertDType(graph.Diagonal(d.x.Graph(), d.dims), d.x.DType())
		return map[graph.NodeId]*graph.Node{d.x.Id(): graph.ExpandAxes(unit, 1)}
	})
	d.engine.coordinate[k] = -1
	return k
}

func (d *Derivatives) checkAxis(axis int) {
	if axis < 0 || axis >= d.dims {
		exceptions.Panicf("autodiff: axis %d is out of range, expected 0 to %d for points of shape %s", axis, d.dims-1, d.x.Shape())
	}
}

// result is a stream as a node, with zeros written out.
func (d *Derivatives) result(s stream) *graph.Node {
	if s.zero() {
		return graph.ZerosLike(d.u)
	}
	return s.node
}

func axesFrom(first, end int) []int {
	var axes []int
	for i := first; i < end; i++ {
		axes = append(axes, i)
	}
	return axes
}
