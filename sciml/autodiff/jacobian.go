package autodiff

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// Jacobian returns the Jacobian of residuals with respect to theta (shape [P]): shape [N, P] for r of shape [N] or
// [N, 1], and [N, C, P] for r of shape [N, C].
//
// Residuals at different points must not interact: row n of r may depend on theta and on point n only. Then one
// reverse pass for each of the C components is enough. The gradient of the sum of residuals with respect to the output
// of every operation that meets a weight gives each point's own signal δ, and the rows of the Jacobian that belong to
// a weight matrix W are Σ h ⊗ δ over all products hW in which W occurs: those of the network itself and those of its
// derivative streams.
//
// It panics, naming the operation, where a weight enters by an operation that it does not know, or where points
// interact; products with such a Jacobian are still to be had from JVP and VJP.
func Jacobian(r, theta *graph.Node) *graph.Node {
	if theta.Rank() != 1 {
		panic(fmt.Errorf("autodiff.Jacobian: theta has shape %s, expected a vector", theta.Shape()))
	}
	if r.Rank() != 1 && r.Rank() != 2 {
		panic(fmt.Errorf("autodiff.Jacobian: r has shape %s, expected [points] or [points, components]", r.Shape()))
	}
	points := r.Shape().Dimensions[0]
	components := 1
	if r.Rank() == 2 {
		components = r.Shape().Dimensions[1]
	}
	var structure *pointwise
	if points > 1 { // with one point its axis cannot be told from others of size one, and there is nothing to separate
		structure = newPointwise(r, theta)
	}
	rows := make([]*graph.Node, components)
	for c := range rows {
		component := r
		if r.Rank() == 2 {
			component = graph.Slice(r, graph.AxisRange(), graph.AxisElem(c))
		}
		total := graph.ReduceAllSum(component)
		if structure == nil {
			rows[c] = graph.ExpandAxes(Gradient(total, theta), 0)
		} else {
			rows[c] = structure.jacobian(total, points)
		}
	}
	if components == 1 {
		return rows[0]
	}
	return graph.Stack(rows, 1)
}

// jacobian assembles the rows of one component from its sum over the points.
func (p *pointwise) jacobian(total *graph.Node, points int) *graph.Node {
	outputs := make([]*graph.Node, len(p.meetings))
	for i, m := range p.meetings {
		outputs[i] = m.at
	}
	j := &columns{points: points, size: p.theta.Shape().Dimensions[0]}
	if len(p.meetings) > 0 {
		signals := graph.Gradient(total, outputs...)
		for _, group := range groupProducts(p.meetings) {
			rows := perPoint(group, func(m meeting) *graph.Node { return signals[m.index] })
			weight, rows := p.pullBack(group[0].weight, rows)
			j.add(p.locate(weight), rows)
		}
	}
	return j.assemble(p.theta)
}

// pullBack goes from a weight that is a constant times another weight, as the tangent of a first layer is, to that
// other weight. Rows have shape [N, weight's dimensions…].
func (p *pointwise) pullBack(weight, rows *graph.Node) (source, sourceRows *graph.Node) {
	points := rows.Shape().Dimensions[0]
	for weight.Type() == graph.NodeTypeDotGeneral {
		left := dotSide{weight.Inputs()[0], integers(weight, "lhsContractingAxes"), integers(weight, "lhsBatchAxes")}
		right := dotSide{weight.Inputs()[1], integers(weight, "rhsContractingAxes"), integers(weight, "rhsBatchAxes")}
		fixed, other, first := left, right, 1
		if !p.byTheta.depends(right.node) {
			fixed, other, first = right, left, 1+len(left.free())
		}
		if len(fixed.batch) > 0 || p.byTheta.depends(fixed.node) {
			refuse(weight, "a weight is a product of weights")
		}
		ofFixed := axesFrom(first, first+len(fixed.free()))
		product := graph.DotGeneral(rows, ofFixed, nil, fixed.node, fixed.free(), nil)
		// The axes now: points, the free ones of the other factor, those contracted with it.
		order := make([]int, other.node.Rank()+1)
		for i, a := range append(other.free(), other.contract...) {
			order[a+1] = i + 1
		}
		// Contracted axes of the fixed factor come in the order of its axes, not of the pairs.
		for i, a := range other.contract {
			order[a+1] = 1 + len(other.free()) + slices.Index(sorted(fixed.contract), fixed.contract[i])
		}
		weight, rows = other.node, graph.TransposeAllAxes(product, order...)
		for weight.Type() == graph.NodeTypeReshape && p.onlyInput(weight).Type() == graph.NodeTypeDotGeneral {
			weight = p.onlyInput(weight)
			rows = graph.Reshape(rows, append([]int{points}, weight.Shape().Dimensions...)...)
		}
	}
	return weight, rows
}

// groupProducts puts the products of one weight together, so that their rows come from a single product.
func groupProducts(meetings []meeting) [][]meeting {
	type key struct {
		weight graph.NodeId
		shape  string
	}
	var order []key
	groups := map[key][]meeting{}
	for i, m := range meetings {
		m.index = i
		k := key{m.weight.Id(), fmt.Sprint(i)}
		if m.factor != nil {
			k.shape = fmt.Sprint(m.contract, m.free)
		}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], m)
	}
	out := make([][]meeting, len(order))
	for i, k := range order {
		out[i] = groups[k]
	}
	return out
}

// columns collects the parts of a Jacobian by their place in theta.
type columns struct {
	points, size int
	parts        []part
}

type part struct {
	offset, size int
	rows         *graph.Node // [N, size]
}

// add places the rows of a weight, shape [N, weight's dimensions…], where it stands in theta.
func (c *columns) add(place place, rows *graph.Node) {
	flat := graph.Reshape(rows, c.points, place.size)
	if place.slope != nil {
		slope := graph.Reshape(place.slope, 1, place.size)
		flat = graph.Mul(flat, graph.BroadcastToShape(slope, flat.Shape()))
	}
	for i, p := range c.parts {
		if p.offset == place.offset && p.size == place.size {
			c.parts[i].rows = graph.Add(p.rows, flat)
			return
		}
	}
	c.parts = append(c.parts, part{place.offset, place.size, flat})
}

// assemble puts the parts side by side, with zeros where theta has no influence.
func (c *columns) assemble(theta *graph.Node) *graph.Node {
	slices.SortFunc(c.parts, func(a, b part) int { return a.offset - b.offset })
	blank := func(size int) *graph.Node {
		return graph.Zeros(theta.Graph(), shapes.Make(theta.DType(), c.points, size))
	}
	var side []*graph.Node
	at := 0
	for _, p := range c.parts {
		if p.offset < at {
			panic(fmt.Errorf("autodiff.Jacobian: entries %d to %d of theta are used as parts of two different weights", p.offset, min(at, p.offset+p.size)))
		}
		if p.offset > at {
			side = append(side, blank(p.offset-at))
		}
		side = append(side, p.rows)
		at = p.offset + p.size
	}
	if at < c.size {
		side = append(side, blank(c.size-at))
	}
	if len(side) == 1 {
		return side[0]
	}
	return graph.Concatenate(side, 1)
}

// place says which entries of theta a weight is.
type place struct {
	offset, size int
	slope        *graph.Node // derivative of the weight by the entry, element by element; nil for one
}

// locate follows a weight back to theta through reshapes, element-wise functions and slices.
func (p *pointwise) locate(weight *graph.Node) place {
	n, smooth := weight, false
	for n != p.theta && n.Type() != graph.NodeTypeSlice {
		source := p.onlyInput(n)
		switch {
		case n.Type() == graph.NodeTypeReshape || n.Type() == graph.NodeTypeIdentity:
		case isElementwise(n) && source.Shape().Equal(n.Shape()):
			smooth = true
		default:
			refuse(n, "a weight is made from theta by more than slices and element-wise functions")
		}
		n = source
	}
	at := place{size: n.Shape().Size()}
	if smooth {
		at.slope = graph.Gradient(graph.ReduceAllSum(weight), n)[0]
	}
	for n != p.theta { // slices of slices
		strides := integers(n, "strides")
		if n.Type() != graph.NodeTypeSlice || n.Rank() != 1 || len(strides) > 0 && strides[0] != 1 {
			refuse(n, "a weight is a slice of something else than theta, or one with gaps")
		}
		at.offset += integers(n, "starts")[0]
		n = n.Inputs()[0]
	}
	return at
}

// onlyInput is the one input of n that depends on theta.
func (p *pointwise) onlyInput(n *graph.Node) *graph.Node {
	var only *graph.Node
	for _, input := range n.Inputs() {
		if p.byTheta.depends(input) {
			if only != nil && only != input {
				refuse(n, "a weight is made from theta by more than slices and element-wise functions")
			}
			only = input
		}
	}
	return only
}

func refuse(n *graph.Node, why string) {
	panic(fmt.Errorf("autodiff.Jacobian: %s (%s at node %s); JVP and VJP give products with this Jacobian all the same", why, n.Type(), n))
}
