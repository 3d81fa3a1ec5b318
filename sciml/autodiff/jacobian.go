package autodiff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// Jacobian returns the Jacobian of residuals with respect to theta (shape [P]): shape [N, P] for r of shape [N] or
// [N, 1], and [N, C, P] for r of shape [N, C].
//
// Where residuals at different points do not interact, row n of r depending on theta and on point n only, one reverse pass
// for each of the C components is enough. The gradient of the sum of residuals with respect to the output of every operation
// that meets a weight gives each point's own signal δ, and the rows of the Jacobian that belong to a weight matrix W are
// Σ h ⊗ δ over all products hW in which W occurs: those of the network itself and those of its derivative streams.
//
// Where they do interact, r is made of what does not: it contains sums of such rows, integrals, means, or other rows. Then
// those are found, their Jacobians are had that way, and carried forward through what brings them together; few residuals take
// a reverse pass each. See JacobianCost.
//
// It panics, naming the operation, where all of this would take more than 256 reverse passes; products with such a Jacobian
// are still to be had from JVP and VJP.
func Jacobian(r, theta *graph.Node) *graph.Node {
	checkJacobian(r, theta)
	p := newPlanner(theta)
	plan, refused := p.of(unfused(r, theta))
	if refused != nil {
		panic(refused)
	}
	j := p.build(plan)
	if r.Rank() == 2 && r.Shape().Dimensions[1] > 1 {
		return graph.Reshape(j, append(r.Shape().Dimensions, theta.Shape().Size())...)
	}
	return j
}

func checkJacobian(r, theta *graph.Node) {
	if theta.Rank() != 1 {
		panic(fmt.Errorf("autodiff.Jacobian: theta has shape %s, expected a vector", theta.Shape()))
	}
	if r.Rank() != 1 && r.Rank() != 2 {
		panic(fmt.Errorf("autodiff.Jacobian: r has shape %s, expected [points] or [points, components]", r.Shape()))
	}
}

// along builds the Jacobian of a node by its structure, shape [size, P], from the rows along an axis.
func (p *pointwise) along(n *graph.Node, axis int) *graph.Node {
	dims, params := n.Shape().Dimensions, p.theta.Shape().Size()
	order := append([]int{axis}, others([]int{axis}, n.Rank())...)
	first := n
	if axis != 0 {
		first = graph.TransposeAllAxes(n, order...)
	}
	points := dims[axis]
	components := n.Shape().Size() / points
	if n.Rank() > 2 {
		first = graph.Reshape(first, points, components)
	}
	rows := make([]*graph.Node, components)
	for c := range rows {
		component := first
		if n.Rank() > 1 {
			component = graph.Slice(first, graph.AxisRange(), graph.AxisElem(c))
		}
		rows[c] = p.jacobian(graph.ReduceAllSum(component), points)
	}
	if components == 1 {
		return rows[0]
	}
	j := graph.Stack(rows, 1)
	if axis != 0 {
		turned, back := make([]int, n.Rank()+1), make([]int, n.Rank()+1)
		for i, a := range order {
			turned[i], back[a] = dims[a], i
		}
		turned[n.Rank()], back[n.Rank()] = params, n.Rank()
		j = graph.TransposeAllAxes(graph.Reshape(j, turned...), back...)
	}
	return graph.Reshape(j, n.Shape().Size(), params)
}

// jacobian assembles the rows of one component from its sum over the points.
func (p *pointwise) jacobian(total *graph.Node, points int) *graph.Node {
	outputs := make([]*graph.Node, len(p.meetings))
	for i, m := range p.meetings {
		outputs[i] = m.at
	}
	j := &columns{points: points, size: p.theta.Shape().Dimensions[0]}
	if len(p.meetings) > 0 {
		signals := reverse(total, outputs...)
		for _, group := range groupProducts(p.meetings) {
			rows := perPoint(group, func(m meeting) *graph.Node { return signals[m.index] })
			if whole := p.general[group[0].weight.Id()]; whole != nil {
				j.addGeneral(whole, rows)
				continue
			}
			weight, rows := p.pullBack(group[0].weight, rows)
			j.add(p.locate(weight), rows)
		}
	}
	return j.assemble(p.theta)
}

// constantProduct takes apart a weight that is a constant times another weight. First is the axis, after that of the points, at
// which the free axes of the constant begin.
func (p *pointwise) constantProduct(weight *graph.Node) (fixed, other dotSide, first int) {
	left := dotSide{weight.Inputs()[0], integers(weight, "lhsContractingAxes"), integers(weight, "lhsBatchAxes")}
	right := dotSide{weight.Inputs()[1], integers(weight, "rhsContractingAxes"), integers(weight, "rhsBatchAxes")}
	fixed, other, first = left, right, 1
	if !p.byTheta.depends(right.node) {
		fixed, other, first = right, left, 1+len(left.free())
	}
	if len(fixed.batch) > 0 || p.byTheta.depends(fixed.node) {
		refuse(weight, "a weight is a product of weights")
	}
	return fixed, other, first
}

// source is the weight that a weight is made from by constant factors, as the tangent of a first layer is.
func (p *pointwise) source(weight *graph.Node) *graph.Node {
	for weight.Type() == graph.NodeTypeDotGeneral {
		_, other, _ := p.constantProduct(weight)
		weight = other.node
		for weight.Type() == graph.NodeTypeReshape && p.onlyInput(weight).Type() == graph.NodeTypeDotGeneral {
			weight = p.onlyInput(weight)
		}
	}
	return weight
}

// pullBack goes from a weight that is a constant times another weight, as the tangent of a first layer is, to that
// other weight. Rows have shape [N, weight's dimensions…].
func (p *pointwise) pullBack(weight, rows *graph.Node) (source, sourceRows *graph.Node) {
	points := rows.Shape().Dimensions[0]
	for weight.Type() == graph.NodeTypeDotGeneral {
		fixed, other, first := p.constantProduct(weight)
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
			k.shape = fmt.Sprint(m.contract, m.free, m.batch)
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
	whole        *graph.Node // of weights that are no part of theta, [N, P]; nil for none
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

// addGeneral adds the rows of a weight w that is any function of theta, by its Jacobian, shape [size of w, P].
func (c *columns) addGeneral(jacobian, rows *graph.Node) {
	flat := graph.Reshape(rows, c.points, jacobian.Shape().Dimensions[0])
	c.whole = plus(c.whole, graph.DotGeneral(flat, []int{1}, nil, jacobian, []int{0}, nil))
}

// assemble puts the parts side by side, with zeros where theta has no influence.
func (c *columns) assemble(theta *graph.Node) *graph.Node {
	slices.SortStableFunc(c.parts, func(a, b part) int { return a.offset - b.offset })
	blank := func(size int) *graph.Node {
		return graph.Zeros(theta.Graph(), shapes.Make(theta.DType(), c.points, size))
	}
	total := c.whole
	for parts := c.parts; len(parts) > 0 || total == nil; {
		var side []*graph.Node
		var overlapping []part // entries of theta that several weights have in common
		at := 0
		for _, p := range parts {
			if p.offset < at {
				overlapping = append(overlapping, p)
				continue
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
		sum := side[0]
		if len(side) > 1 {
			sum = graph.Concatenate(side, 1)
		}
		total, parts = plus(total, sum), overlapping
	}
	return total
}

// place says which entries of theta a weight is.
type place struct {
	offset, size int
	slope        *graph.Node // derivative of the weight by the entry, element by element; nil for one
}

// locate follows a weight back to theta through reshapes, element-wise functions and slices.
func (p *pointwise) locate(weight *graph.Node) place {
	at, n := p.find(weight)
	if n != nil {
		at.slope = reverse(graph.ReduceAllSum(weight), n)[0]
	}
	return at
}

// find is locate without the slope: n is what the weight is an element-wise function of, or nil where there is none.
func (p *pointwise) find(weight *graph.Node) (at place, smoothIn *graph.Node) {
	n := weight
	smooth := false
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
	at = place{size: n.Shape().Size()}
	if smooth {
		smoothIn = n
	}
	for n != p.theta { // slices of slices
		strides := integers(n, "strides")
		if n.Type() != graph.NodeTypeSlice || n.Rank() != 1 || len(strides) > 0 && strides[0] != 1 {
			refuse(n, "a weight is a slice of something else than theta, or one with gaps")
		}
		at.offset += integers(n, "starts")[0]
		n = n.Inputs()[0]
	}
	return at, smoothIn
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

// refusal is why rows cannot be had point by point.
type refusal struct {
	error
	couples bool // because points interact
}

func refuse(n *graph.Node, why string) {
	panic(&refusal{
		error:   fmt.Errorf("autodiff.Jacobian: %s (%s at node %s); JVP and VJP give products with this Jacobian all the same", why, operationName(n.Type()), n),
		couples: strings.HasPrefix(why, "points interact"),
	})
}
