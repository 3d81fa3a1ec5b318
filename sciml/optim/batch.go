package optim

import (
	"math"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// batch is an objective on some of its samples, within a graph.
type batch struct {
	obj  *Objective
	rows []*graph.Node // numbers of the rows of each group, shape [size]; then that of the block, if there are blocks
	data []*graph.Node // all samples
	mine []*graph.Node // data with these rows; nil before the first use
}

// batchOf is the batch that index tensors of a sampler have in row k, an int32 scalar.
func batchOf(obj *Objective, indices []*graph.Node, k *graph.Node, data []*graph.Node) *batch {
	b := &batch{obj: obj, data: data}
	for _, all := range indices {
		row := graph.Gather(all, graph.Reshape(k, 1, 1))
		b.rows = append(b.rows, graph.Reshape(row, all.Shape().Dimensions[1]))
	}
	return b
}

// at builds the point θ of the batch: its loss and gradient are unbiased estimates of those of the objective.
func (b *batch) at(theta *graph.Node) *Point {
	if b.mine == nil {
		b.mine = b.gather()
	}
	return b.obj.at(theta, b.mine)
}

func (b *batch) gather() []*graph.Node {
	mine := append([]*graph.Node{}, b.data...)
	for g, group := range b.obj.Samples {
		size := b.rows[g].Shape().Dimensions[0]
		rows := graph.Reshape(b.rows[g], size, 1)
		for _, place := range group.Data {
			mine[place] = graph.Gather(b.data[place], rows)
		}
		for _, place := range group.Scales {
			mine[place] = graph.MulScalar(mine[place], math.Sqrt(float64(group.Rows)/float64(size)))
		}
	}
	return mine
}

// head and tail are batches of the first and the last samples of each group.
func (b *batch) head(sizes []int) *batch {
	return b.part(func(rows *graph.Node, g int) *graph.Node {
		return graph.Slice(rows, graph.AxisRange(0, sizes[g]))
	})
}

func (b *batch) tail(sizes []int) *batch {
	return b.part(func(rows *graph.Node, g int) *graph.Node {
		return graph.Slice(rows, graph.AxisRangeToEnd(rows.Shape().Dimensions[0]-sizes[g]))
	})
}

func (b *batch) part(of func(rows *graph.Node, g int) *graph.Node) *batch {
	p := &batch{obj: b.obj, data: b.data}
	for g, rows := range b.rows {
		p.rows = append(p.rows, of(rows, g))
	}
	return p
}

// move is what a batchRule does with a batch.
type move struct {
	loss, gradient *graph.Node // for the record: the loss of the batch, and the estimate of the gradient
	step           *graph.Node
	next           []*graph.Node // state
	// complete says whether the batch completes a step; until then θ stays, and state takes what the rule gathered. Nil
	// where each batch does.
	complete *graph.Node
}

// batchRule makes steps out of batches.
type batchRule interface {
	// State gives the shapes of what it remembers; all of it starts as zeros.
	State(obj *Objective) []shapes.Shape
	// Step builds the step from θ.
	Step(b *batch, theta *graph.Node, state []*graph.Node) move
	// Snapshot takes note of θ and of the gradient there of all samples, which become known from time to time.
	Snapshot(state []*tensors.Tensor, theta, gradient *tensors.Tensor) []*tensors.Tensor
	// Rebase returns the state without what belongs to the objective before its data changed.
	Rebase(state []*tensors.Tensor) []*tensors.Tensor
}

// ownsState is a batchRule whose state is its own business alone.
type ownsState struct{}

func (ownsState) Snapshot(state []*tensors.Tensor, _, _ *tensors.Tensor) []*tensors.Tensor {
	return state
}

func (ownsState) Rebase(state []*tensors.Tensor) []*tensors.Tensor { return state }
