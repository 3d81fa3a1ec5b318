package autodiff

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// A node is separate along an axis if there is one place there for each coordinate, and what is at a place depends on that
// coordinate alone: x itself along its second axis, and all that is made of it place by place, such as the factors of
// Πᵢ fᵢ(xᵢ). Then the derivatives along the coordinates, which are zero but at one place each, are those along the vector of
// ones, all in one stream: the d streams of a gradient and that of a Laplacian take two. Products and sums over that axis
// are where this ends; they are differentiated here. Everything that is not seen to be so goes by the rule of its operation.

// separateInput is what is summed or multiplied over an axis along which it is separate.
type separateInput struct {
	x      *graph.Node
	axis   int
	ones   int   // the direction
	orders []int // of each term of the form, by one coordinate
}

// separately is the stream of a product or a sum over an axis along which its input is separate, for derivatives by one coordinate
// each; it is not apart where that is not so.
func (e *engine) separately(n *graph.Node, f form) (s stream, apart bool) {
	product := n.Type() == graph.NodeTypeReduceProduct
	if e.points == nil || !product && n.Type() != graph.NodeTypeReduceSum {
		return s, false
	}
	x := n.Inputs()[0]
	reduced := reducedAxes(n)
	if x == e.points || len(reduced) != 1 || e.separate(x) != reduced[0] {
		return s, false
	}
	in := separateInput{x: x, axis: reduced[0]}
	for _, t := range f.terms {
		for _, k := range t.mono {
			if _, along := e.coordinate[k]; !along || k != t.mono[0] {
				return s, false
			}
		}
		in.orders = append(in.orders, len(t.mono))
	}
	in.ones = e.direction("ones", 0, true, func() map[graph.NodeId]*graph.Node {
		unit := graph.OnesLike(graph.Slice(e.points, graph.AxisRange(0, 1)))
		return map[graph.NodeId]*graph.Node{e.points.Id(): unit}
	})
	if product {
		return in.product(e, n, f), true
	}
	return in.gather(e, n, f, func(order int) stream { return in.at(e, order) }), true
}

// at is the stream of the input for a derivative of that order by the coordinate of each place.
func (s separateInput) at(e *engine, order int) stream {
	return e.mono(s.x, slices.Repeat(mono{s.ones}, order))
}

// gather adds up the terms of a form, where whole are the derivatives of that order at all places.
func (s separateInput) gather(e *engine, n *graph.Node, f form, whole func(order int) stream) stream {
	orders := s.orders
	var total stream
	byOrder := map[int][]float64{} // weights of the places, of a sum
	places := s.x.Shape().Dimensions[s.axis]
	for i, t := range f.terms {
		coordinate := e.coordinate[t.mono[0]]
		d := whole(orders[i])
		switch {
		case d.zero():
		case !f.sum && coordinate < 0: // a bundle of all of them
			order := append([]int{s.axis}, others([]int{s.axis}, s.x.Rank())...)
			total = e.add(total, stream{node: graph.TransposeAllAxes(d.node, order...), width: places})
		case !f.sum:
			total = e.add(total, stream{node: graph.Reshape(graph.SliceAxis(d.node, s.axis, graph.AxisElem(coordinate)), n.Shape().Dimensions...)})
		default:
			if byOrder[orders[i]] == nil {
				byOrder[orders[i]] = make([]float64, places)
			}
			for k := range places {
				if coordinate < 0 || k == coordinate {
					byOrder[orders[i]][k] += t.weight
				}
			}
		}
	}
	for _, order := range sortedKeys(byOrder) {
		d, weights := whole(order), byOrder[order]
		if slices.Min(weights) != slices.Max(weights) {
			dims := slices.Repeat([]int{1}, s.x.Rank())
			dims[s.axis] = places
			by := graph.Reshape(graph.ConstAsDType(n.Graph(), n.DType(), weights), dims...)
			d = e.multiply(d, stream{node: graph.BroadcastToShape(by, s.x.Shape())})
		} else {
			d = e.scale(d, weights[0])
		}
		total = e.add(total, stream{node: graph.ReduceSum(d.node, s.axis)})
	}
	return total
}

func sortedKeys(m map[int][]float64) []int {
	var keys []int
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// product multiplies the derivative of each factor by all others.
func (s separateInput) product(e *engine, n *graph.Node, f form) stream {
	once := func(what string, make func() stream) stream {
		key := memoKey{n.Id(), what}
		if _, done := e.memo[key]; !done {
			e.memo[key] = make()
		}
		return e.memo[key]
	}
	return s.gather(e, n, f, func(order int) stream {
		return once(fmt.Sprint("each factor ", order), func() stream {
			rest := once("all others", func() stream { return stream{node: allOthers(s.x, s.axis)} })
			return e.multiply(s.at(e, order), rest)
		})
	})
}

// allOthers has at each place along an axis the product of all others: the products of halves, halves of halves and so on up,
// and then down, so that nothing is divided by.
func allOthers(x *graph.Node, axis int) *graph.Node {
	part := func(y *graph.Node, from, to int) *graph.Node {
		return graph.SliceAxis(y, axis, graph.AxisRange(from, to))
	}
	var levels []*graph.Node
	for y := x; ; {
		levels = append(levels, y)
		count := y.Shape().Dimensions[axis]
		if count == 1 {
			break
		}
		half := count / 2
		product := graph.Mul(part(y, 0, half), part(y, half, 2*half))
		if 2*half < count {
			product = graph.Concatenate([]*graph.Node{product, part(y, 2*half, count)}, axis)
		}
		y = product
	}
	rest := graph.OnesLike(levels[len(levels)-1])
	for l := len(levels) - 2; l >= 0; l-- {
		y, count := levels[l], levels[l].Shape().Dimensions[axis]
		half := count / 2
		above := part(rest, 0, half)
		parts := []*graph.Node{graph.Mul(above, part(y, half, 2*half)), graph.Mul(above, part(y, 0, half))}
		if 2*half < count {
			parts = append(parts, part(rest, half, half+1))
		}
		rest = graph.Concatenate(parts, axis)
	}
	return rest
}

// separate is the axis along which a node is separate, or −1.
func (e *engine) separate(n *graph.Node) int {
	if axis, known := e.apart[n.Id()]; known {
		return axis
	}
	axis := -1
	if n == e.points {
		axis = 1
	} else if e.depends(n) && n.NumOutputs() == 1 {
		axis = e.separateBy(n)
	}
	e.apart[n.Id()] = axis
	return axis
}

func (e *engine) separateBy(n *graph.Node) int {
	in := n.Inputs()
	axis := -1
	for k, input := range in { // of all inputs that vary it has to be the same one
		if !matters(n, k) || !e.depends(input) {
			continue
		}
		its := e.separate(input)
		if its >= 0 {
			its = passedOn(n, k, its)
		}
		if its < 0 || axis >= 0 && its != axis {
			return -1
		}
		axis = its
	}
	return axis
}

// passedOn is the axis of n that is the given one of its input k, place by place, or −1.
func passedOn(n *graph.Node, k, axis int) int {
	input := n.Inputs()[k]
	switch {
	case isElementwise(n):
		if input.Rank() == n.Rank() && input.Shape().Dimensions[axis] == n.Shape().Dimensions[axis] {
			return axis
		}
		return -1
	case n.Type() == graph.NodeTypeDotGeneral:
		names := [2]string{"lhs", "rhs"}
		side := [2]dotSide{}
		for i := range side {
			side[i] = dotSide{n.Inputs()[i], integers(n, names[i]+"ContractingAxes"), integers(n, names[i]+"BatchAxes")}
		}
		if at := slices.Index(side[k].batch, axis); at >= 0 {
			return at
		}
		at := slices.Index(side[k].free(), axis)
		if at < 0 {
			return -1
		}
		at += len(side[k].batch)
		if k == 1 {
			at += len(side[0].free())
		}
		return at
	}
	switch n.Type() {
	case graph.NodeTypeTranspose:
		return slices.Index(integers(n, "permutation"), axis)
	case graph.NodeTypeReshape:
		for at := range n.Rank() {
			if from, found := reshapedAxis(n, at); found && from == axis && n.Shape().Dimensions[at] > 1 {
				return at
			}
		}
	case graph.NodeTypeBroadcastInDim:
		if at := integers(n, "broadcastAxes")[axis]; input.Shape().Dimensions[axis] == n.Shape().Dimensions[at] {
			return at
		}
	case graph.NodeTypeReduceSum, graph.NodeTypeReduceProduct:
		at := axis
		for _, reduced := range reducedAxes(n) {
			switch {
			case reduced == axis:
				return -1
			case reduced < axis:
				at--
			}
		}
		return at
	case graph.NodeTypeConcatenate:
		if integer(n, "axis") != axis {
			return axis
		}
	case graph.NodeTypeSlice:
		if input.Shape().Dimensions[axis] == n.Shape().Dimensions[axis] {
			return axis
		}
	}
	return -1
}
