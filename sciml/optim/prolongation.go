package optim

import (
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Prolongation takes the variables z of a subspace, such as a coarser level, to changes Cz of θ; its transpose is the restriction of gradients. It
// holds settings, and no state of a run.
type Prolongation interface {
	// Name is short and appears in histories, for example "θ[0:97]".
	Name() string
	// Of gives C for an objective, and the tensors that it is kept in, which are the caller's. It reports settings that make no sense, and what
	// the objective lacks. Where the variables are an objective.Narrower, methods that need a Jacobian work in the subspace as they do outside.
	Of(obj *objective.Objective) (objective.Variables, []*tensors.Tensor, error)
}

// Part is the subspace of the parameters θ[From:To], all others staying as they are.
type Part struct{ From, To int }

// Name implements Prolongation.
func (p Part) Name() string { return fmt.Sprintf("θ[%d:%d]", p.From, p.To) }

// Of implements Prolongation.
func (p Part) Of(obj *objective.Objective) (objective.Variables, []*tensors.Tensor, error) {
	if p.From < 0 || p.To <= p.From || p.To > obj.Dim {
		return nil, nil, fmt.Errorf("optim: Part is from %d to %d, expected 0 ≤ From < To ≤ %d, the number of parameters", p.From, p.To, obj.Dim)
	}
	r := objective.Range{Items: obj.Dim, Size: p.To - p.From}
	return r, []*tensors.Tensor{r.From(p.From)}, nil
}

// Columns is the subspace that the columns of a matrix with a row for each parameter span: such as the interpolation from a coarser mesh, where θ
// are values at nodes.
type Columns struct{ Matrix mat.Matrix }

// Name implements Prolongation.
func (c Columns) Name() string {
	if usercode.Nil(c.Matrix) {
		return "no columns"
	}
	_, n := c.Matrix.Dims()
	return fmt.Sprintf("%d columns", n)
}

// Of implements Prolongation.
func (c Columns) Of(obj *objective.Objective) (objective.Variables, []*tensors.Tensor, error) {
	if usercode.Nil(c.Matrix) {
		return nil, nil, errors.New("optim: Columns.Matrix is nil, expected one with a row for each parameter")
	}
	rows, n := c.Matrix.Dims()
	if rows != obj.Dim || n < 1 {
		return nil, nil, fmt.Errorf("optim: Columns.Matrix is %d×%d, expected %d rows, one for each parameter, and at least one column", rows, n, obj.Dim)
	}
	values := make([]float64, 0, rows*n)
	for k := range n {
		for i := range rows {
			v := c.Matrix.At(i, k)
			if !device.Finite(v) {
				return nil, nil, fmt.Errorf("optim: Columns.Matrix has %v in row %d and column %d, expected finite numbers", v, i, k)
			}
			values = append(values, v)
		}
	}
	return objective.StoredColumns(n), []*tensors.Tensor{device.Filled(shapes.Make(obj.Precision(), n, rows), values)}, nil
}

// Aggregation is a hierarchy in widths: each Factor consecutive units of a layer move as one, so that matrices shrink by Factor² and vectors by
// Factor. It is the prolongation of aggregation-based algebraic multigrid (Braess 1995, "Towards algebraic multigrid for elliptic problems of second
// order"), for want of a better one: which units of a network belong together is not known. Axes of fewer than eight entries, such as
// coordinates and unknowns, stay. C has orthonormal columns. It needs Objective.Blocks.
type Aggregation struct {
	// Factor is the number of units that move as one; 2 when zero.
	Factor int
}

// fewestUnits is the length of the shortest axis of a block that is aggregated.
const fewestUnits = 8

// Name implements Prolongation.
func (a Aggregation) Name() string { return fmt.Sprintf("aggregation by %d", a.factor()) }

func (a Aggregation) factor() int {
	if a.Factor == 0 {
		return 2
	}
	return a.Factor
}

// Of implements Prolongation.
func (a Aggregation) Of(obj *objective.Objective) (objective.Variables, []*tensors.Tensor, error) {
	if err := checkSettings("Aggregation", setting{"Factor", a.Factor, a.Factor == 0 || a.Factor >= 2, "at least 2 (or 0 for the default)"}); err != nil {
		return nil, nil, err
	}
	blocks, _, err := obj.ConsecutiveBlocks("Aggregation")
	if err != nil {
		return nil, nil, err
	}
	v := &aggregates{factor: a.factor()}
	for _, b := range blocks {
		coarse := make([]int, len(b.Dims))
		size := 1
		for i, n := range b.Dims {
			if coarse[i] = n; n >= fewestUnits {
				coarse[i] = (n + v.factor - 1) / v.factor
			}
			size *= coarse[i]
		}
		v.blocks, v.coarse = append(v.blocks, b), append(v.coarse, coarse)
		v.size += size
	}
	return v, nil, nil
}

// aggregates are the variables of an Aggregation.
type aggregates struct {
	factor, size int
	blocks       []objective.Block
	coarse       [][]int // dimensions of each block
}

// Dim implements objective.Variables.
func (a *aggregates) Dim() int { return a.size }

// Multiply implements objective.Variables.
func (a *aggregates) Multiply(z *graph.Node, _ []*graph.Node) *graph.Node {
	var all []*graph.Node
	at := 0
	for b, block := range a.blocks {
		size := entries(a.coarse[b])
		x := graph.Reshape(graph.Slice(z, graph.AxisRange(at, at+size)), a.coarse[b]...)
		at += size
		for i, n := range block.Dims {
			if coarse := a.coarse[b][i]; coarse < n {
				x = graph.Mul(x, a.weights(x, i, n, coarse))
				x = graph.ExpandAxes(x, i+1)
				dims := append([]int(nil), x.Shape().Dimensions...)
				dims[i+1] = a.factor
				x = graph.BroadcastToDims(x, dims...)
				dims[i+1] = coarse * a.factor
				x = graph.SliceAxis(graph.Reshape(x, append(dims[:i:i], dims[i+1:]...)...), i, graph.AxisRange(0, n))
			}
		}
		all = append(all, graph.Reshape(x, entries(block.Dims)))
	}
	return graph.Concatenate(all, 0)
}

// weights are 1/√(number of units) of the aggregates along an axis of x, in its shape.
func (a *aggregates) weights(x *graph.Node, axis, n, coarse int) *graph.Node {
	w := make([]float64, coarse)
	for k := range w {
		w[k] = 1 / math.Sqrt(float64(min(a.factor, n-k*a.factor)))
	}
	dims := make([]int, x.Rank())
	for i := range dims {
		dims[i] = 1
	}
	dims[axis] = coarse
	along := graph.ConvertDType(graph.Const(x.Graph(), w), x.DType())
	return graph.BroadcastToShape(graph.Reshape(along, dims...), x.Shape())
}

// Narrow implements objective.Narrower: a row of J·C is made of sums along the axes of its blocks.
func (a *aggregates) Narrow(j *graph.Node, _ []*graph.Node) *graph.Node {
	rows := j.Shape().Dimensions[0]
	var all []*graph.Node
	at := 0
	for b, block := range a.blocks {
		size := entries(block.Dims)
		x := graph.Reshape(graph.SliceAxis(j, 1, graph.AxisRange(at, at+size)), append([]int{rows}, block.Dims...)...)
		at += size
		for i, n := range block.Dims {
			if coarse := a.coarse[b][i]; coarse < n {
				axis := i + 1
				if pad := coarse*a.factor - n; pad > 0 {
					dims := append([]int(nil), x.Shape().Dimensions...)
					dims[axis] = pad
					x = graph.Concatenate([]*graph.Node{x, graph.Zeros(x.Graph(), shapes.Make(x.DType(), dims...))}, axis)
				}
				dims := append([]int(nil), x.Shape().Dimensions...)
				dims = append(dims[:axis:axis], append([]int{coarse, a.factor}, dims[axis+1:]...)...)
				x = graph.ReduceSum(graph.Reshape(x, dims...), axis+1)
				x = graph.Mul(x, a.weights(x, axis, n, coarse))
			}
		}
		all = append(all, graph.Reshape(x, rows, entries(a.coarse[b])))
	}
	return graph.Concatenate(all, 1)
}

func entries(dims []int) int {
	size := 1
	for _, d := range dims {
		size *= d
	}
	return size
}
