package objective

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// Batch is an objective on some of its samples, within a graph. Its loss is an unbiased estimate of that of all of them.
type Batch struct {
	obj  *Objective
	Rows []*graph.Node // numbers of the rows of each group, shape [size]; then that of the block, if there are blocks
	data []*graph.Node // all samples
	mine []*graph.Node // data with these rows; nil before the first use
}

// NewBatch is the batch of the samples whose numbers are in row k, an int32 scalar, of indices: for each group of Samples a tensor
// [batches, size] of int32. Further tensors are kept in Rows.
func NewBatch(obj *Objective, indices []*graph.Node, k *graph.Node, data []*graph.Node) *Batch {
	b := &Batch{obj: obj, data: data}
	for _, all := range indices {
		row := graph.Gather(all, graph.Reshape(k, 1, 1))
		b.Rows = append(b.Rows, graph.Reshape(row, all.Shape().Dimensions[1]))
	}
	return b
}

// At builds the point θ of the batch: its loss and gradient are unbiased estimates of those of the objective.
func (b *Batch) At(theta *graph.Node) *Point {
	if b.mine == nil {
		b.mine = b.Data()
	}
	return b.obj.BuildPoint(theta, b.mine)
}

// Data are those of the objective with the rows of these samples alone, and scales that make the loss an estimate of that of all.
func (b *Batch) Data() []*graph.Node {
	mine := append([]*graph.Node{}, b.data...)
	for g, group := range b.obj.Samples {
		size := b.Rows[g].Shape().Dimensions[0]
		rows := graph.Reshape(b.Rows[g], size, 1)
		for _, place := range group.Data {
			mine[place] = graph.Gather(b.data[place], rows)
		}
		for _, place := range group.Scales {
			mine[place] = graph.MulScalar(mine[place], math.Sqrt(float64(group.Rows)/float64(size)))
		}
	}
	return mine
}

// Head is the batch of the first samples of each group, so many of each.
func (b *Batch) Head(sizes []int) *Batch {
	return b.part(func(rows *graph.Node, g int) *graph.Node {
		return graph.Slice(rows, graph.AxisRange(0, sizes[g]))
	})
}

// Tail is the batch of the last samples of each group.
func (b *Batch) Tail(sizes []int) *Batch {
	return b.part(func(rows *graph.Node, g int) *graph.Node {
		return graph.Slice(rows, graph.AxisRangeToEnd(rows.Shape().Dimensions[0]-sizes[g]))
	})
}

func (b *Batch) part(of func(rows *graph.Node, g int) *graph.Node) *Batch {
	p := &Batch{obj: b.obj, data: b.data}
	for g, rows := range b.Rows {
		p.Rows = append(p.Rows, of(rows, g))
	}
	return p
}
