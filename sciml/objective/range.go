package objective

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Range are the variables of Size consecutive entries of a θ with Items, such as the parameters of a layer or of a subdomain. Where they begin is
// its tensor, so that ranges of one size share their programs.
type Range struct{ Items, Size int }

// From is the tensor of the range that begins at an entry.
func (Range) From(begin int) *tensors.Tensor { return tensors.FromScalar(int32(begin)) }

// Dim implements Variables.
func (r Range) Dim() int { return r.Size }

// Multiply implements Variables.
func (r Range) Multiply(z *graph.Node, c []*graph.Node) *graph.Node {
	g := z.Graph()
	place := graph.Sub(graph.Iota(g, shapes.Make(dtypes.Int32, r.Items), 0), c[0])
	last := graph.Const(g, int32(r.Size-1))
	inside := graph.LogicalAnd(graph.GreaterOrEqual(place, graph.ZerosLike(place)), graph.LessOrEqual(place, graph.BroadcastToShape(last, place.Shape())))
	entry := graph.Gather(z, graph.Reshape(graph.Where(inside, place, graph.ZerosLike(place)), r.Items, 1))
	return graph.Mul(entry, graph.ConvertDType(inside, z.DType()))
}

// Narrow implements Narrower.
func (r Range) Narrow(j *graph.Node, c []*graph.Node) *graph.Node {
	return columnsFrom(j, c[0], r.Size)
}
