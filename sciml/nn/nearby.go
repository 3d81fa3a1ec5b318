package nn

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// A point is in no more than two boxes along each coordinate: the one between whose edges it is, and the one that is beyond the nearer of these
// edges, since a zone is at most as wide as the narrower of the two boxes that it is between. So u takes the weights of few boxes at each point.
// That they are taken by a product with a matrix of zeros and ones lets the Jacobian see how a point depends on them.

// near reports whether boxes are computed where a point may be in them, rather than everywhere: where there are enough of them, as the
// products of each point with weights of its own are slower than one matrix product.
func (s *subdomains) near() bool {
	return together(s.Network) && s.number >= nearFrom*s.slots()
}

// nearFrom is the number of boxes, relative to those that a point may be in, from which on that pays.
const nearFrom = 4

// slots is the number of boxes that a point may be in.
func (s *subdomains) slots() int {
	count := 1
	for _, edges := range s.edges {
		if len(edges) > 2 && s.overlap > 0 {
			count *= 2
		}
	}
	return count
}

// beside is a coordinate of the points, [N, 1], seen from the boxes that they may be in along it: first the one between whose edges they are, then
// its neighbour.
type beside struct {
	box   []*graph.Node // ones at the box, [N, boxes]
	share []*graph.Node // ω of it, [N, 1]
	local []*graph.Node // the coordinate as it sees it, [N, 1]
}

// nearby computes u at each point from the boxes that it may be in.
func (s *subdomains) nearby(theta, x *graph.Node) *graph.Node {
	n := x.Shape().Dimensions[0]
	thetas := graph.Reshape(theta, s.number, s.Network.NumParams())
	type slot struct{ box, share, local *graph.Node }
	slots := []slot{{}}
	for i := range s.edges {
		along := s.beside(x, i)
		var next []slot
		for _, before := range slots {
			for k := range along.local {
				own := slot{local: along.local[k]}
				if before.local != nil {
					own.local = graph.Concatenate([]*graph.Node{before.local, own.local}, 1)
				}
				own.box, own.share = before.box, before.share
				switch {
				case along.box == nil:
				case before.box == nil:
					own.box, own.share = along.box[k], along.share[k]
				default:
					own.box = graph.Reshape(graph.DotGeneral(before.box, nil, []int{0}, along.box[k], nil, []int{0}), n, -1)
					own.share = graph.Mul(before.share, along.share[k])
				}
				next = append(next, own)
			}
		}
		slots = next
	}
	var boxes, shares, locals []*graph.Node
	for _, own := range slots {
		boxes, shares, locals = append(boxes, own.box), append(shares, own.share), append(locals, own.local)
	}
	weights := graph.DotGeneral(graph.Stack(boxes, 1), []int{2}, nil, thetas, []int{0}, nil) // [N, slots, P]
	u := applyTogether(s.Network, weights, graph.ExpandAxes(graph.Stack(locals, 1), 2))
	u = graph.Mul(u, graph.BroadcastToShape(graph.ExpandAxes(graph.Stack(shares, 1), 2), u.Shape()))
	return graph.Reshape(graph.ReduceSum(u, 1), n, s.Outputs())
}

// beside looks along coordinate i. Each box has two halves, whose neighbours differ.
func (s *subdomains) beside(x *graph.Node, i int) beside {
	v := column(x, i)
	edges := s.edges[i]
	cells := len(edges) - 1
	if cells == 1 {
		return beside{local: []*graph.Node{v}}
	}
	n := x.Shape().Dimensions[0]
	constant := func(values any) *graph.Node { return graph.ConstAsDType(x.Graph(), x.DType(), values) }
	bounds := make([]float64, 0, 2*cells-1) // of the halves
	for k := range cells {
		if k > 0 {
			bounds = append(bounds, edges[k])
		}
		bounds = append(bounds, (edges[k]+edges[k+1])/2)
	}
	row := graph.BroadcastToDims(graph.ExpandAxes(constant(bounds), 0), n, len(bounds))
	beyond := graph.ConvertDType(graph.GreaterOrEqual(graph.StopGradient(graph.BroadcastToDims(v, n, len(bounds))), row), x.DType())
	one := graph.OnesLike(graph.SliceAxis(beyond, 1, graph.AxisRange(0, 1)))
	half := graph.Sub(graph.Concatenate([]*graph.Node{one, beyond}, 1), graph.Concatenate([]*graph.Node{beyond, graph.ZerosLike(one)}, 1)) // ones at it
	of := func(number func(half int) float64) *graph.Node {                                                                                // [N, 1]
		values := make([][]float64, 2*cells)
		for h := range values {
			values[h] = []float64{number(h)}
		}
		return graph.DotGeneral(half, []int{1}, nil, constant(values), []int{0}, nil)
	}
	neighbour := func(h int) int { return h/2 - 1 + h%2*2 }
	exists := func(h int) bool { k := neighbour(h); return k >= 0 && k < cells && s.overlap > 0 }
	// ω of the box is a step that rises from the edge inwards.
	slope := func(h int) float64 {
		if !exists(h) {
			return 0
		}
		k := max(h/2, neighbour(h)) // of the edge between them
		width := s.overlap * math.Min(edges[k]-edges[k-1], edges[k+1]-edges[k])
		return float64(1-h%2*2) / width
	}
	shift := func(h int) float64 {
		if !exists(h) {
			return 1
		}
		return 0.5 - slope(h)*edges[max(h/2, neighbour(h))]
	}
	share := s.step(graph.Add(graph.Mul(v, of(slope)), of(shift)))
	out := beside{}
	options := []func(h int) int{func(h int) int { return h / 2 }}
	out.share = []*graph.Node{share}
	if s.overlap > 0 {
		options = append(options, func(h int) int {
			if !exists(h) {
				return h / 2 // whose share is zero
			}
			return neighbour(h)
		})
		out.share = append(out.share, graph.OneMinus(share))
	}
	first, last := edges[0], edges[cells]
	for _, box := range options {
		table := make([][]float64, 2*cells)
		for h := range table {
			table[h] = make([]float64, cells)
			table[h][box(h)] = 1
		}
		out.box = append(out.box, graph.DotGeneral(half, []int{1}, nil, constant(table), []int{0}, nil))
		begin := func(h int) float64 { return s.along(box(h), i).begin }
		end := func(h int) float64 { return s.along(box(h), i).end }
		scale := of(func(h int) float64 { return (last - first) / (end(h) - begin(h)) })
		out.local = append(out.local, graph.AddScalar(graph.Mul(graph.Sub(v, of(begin)), scale), first))
	}
	return out
}
