package optim

import (
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// subspaces are random ones of dimension size in the space of items parameters. Each has an orthonormal basis C of signed
// sums of a few parameters, no two of which share one. For the parameters in blocks of size, one after the other, the sums
// are those of the blocks after each has been rotated: JC takes one pass over J where it lies. With a size of items or more
// there is one, the whole space, and C is the identity.
type subspaces struct{ items, size int }

func (s subspaces) whole() bool { return s.size >= s.items }

func (s subspaces) blocks() int { return (s.items + s.size - 1) / s.size }

// subspace is one of them.
type subspace struct {
	subspaces
	rotations []int32   // of the blocks
	entries   []float64 // that each parameter has in C, in the one column where it is not zero; then zeros that fill the last block
}

// draw takes nothing from rng for the whole space.
func (s subspaces) draw(rng *rand.Rand) subspace {
	if s.whole() {
		return subspace{subspaces: s}
	}
	d := subspace{s, make([]int32, s.blocks()), make([]float64, s.blocks()*s.size)}
	for b := range d.rotations {
		d.rotations[b] = int32(rng.IntN(s.size))
	}
	counts := make([]float64, s.size)
	for i := range s.items {
		counts[d.sum(i)]++
	}
	for i := range s.items {
		d.entries[i] = 1 / math.Sqrt(counts[d.sum(i)])
		if rng.Uint64()&1 == 1 {
			d.entries[i] = -d.entries[i]
		}
	}
	return d
}

// sum is the number of the sum that parameter i is part of.
func (d subspace) sum(i int) int {
	return (i%d.size - int(d.rotations[i/d.size]) + d.size) % d.size
}

// inputs are what narrow and expand take: as many as inputCount.
func (d subspace) inputs(obj *Objective) []*tensors.Tensor {
	if d.whole() {
		return nil
	}
	return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(d.rotations, len(d.rotations)), vector(obj.dtype(), d.entries)}
}

// inputCount is the number of inputs of a subspace.
func (s subspaces) inputCount() int {
	if s.whole() {
		return 0
	}
	return 2
}

// step is Cz, on the host.
func (d subspace) step(z []float64) []float64 {
	if d.whole() {
		return z
	}
	p := make([]float64, d.items)
	for i := range p {
		p[i] = d.entries[i] * z[d.sum(i)]
	}
	return p
}

// narrow builds JC of shape [M, size] for J of shape [M, items].
func (s subspaces) narrow(j *graph.Node, in []*graph.Node) *graph.Node {
	if s.whole() {
		return j
	}
	rows, all := j.Shape().Dimensions[0], s.blocks()*s.size
	j = graph.Pad(j, graph.ScalarZero(j.Graph(), j.DType()), compute.PadAxis{}, compute.PadAxis{End: all - s.items})
	j = graph.Mul(j, graph.BroadcastToDims(graph.Reshape(in[1], 1, all), rows, all))
	var sum *graph.Node
	for b := range s.blocks() {
		block := graph.Slice(j, graph.AxisRange(), graph.AxisRange(b*s.size, (b+1)*s.size))
		block = s.rotated(block, rotation(in[0], b))
		if sum == nil {
			sum = block
		} else {
			sum = graph.Add(sum, block)
		}
	}
	return sum
}

// expand builds Cz of shape [items] for z of shape [size].
func (s subspaces) expand(z *graph.Node, in []*graph.Node) *graph.Node {
	if s.whole() {
		return z
	}
	blocks := make([]*graph.Node, s.blocks())
	row := graph.Reshape(z, 1, s.size)
	for b := range blocks {
		back := graph.Sub(graph.Scalar(z.Graph(), in[0].DType(), s.size), rotation(in[0], b))
		blocks[b] = s.rotated(row, back)
	}
	all := graph.Reshape(graph.Concatenate(blocks, 1), s.blocks()*s.size)
	return graph.Slice(graph.Mul(all, in[1]), graph.AxisRange(0, s.items))
}

func rotation(rotations *graph.Node, b int) *graph.Node {
	return graph.Reshape(graph.Slice(rotations, graph.AxisRange(b, b+1)))
}

// rotated has column (c + by) mod size of a block in the place of column c, for by from 0 to size.
func (s subspaces) rotated(block, by *graph.Node) *graph.Node {
	g := block.Graph()
	if g.Backend().Capabilities().Operations[compute.OpTypeDynamicSlice] {
		start := []*graph.Node{graph.ScalarZero(g, by.DType()), by}
		return graph.DynamicSlice(graph.Concatenate([]*graph.Node{block, block}, 1), start, []int{block.Shape().Dimensions[0], s.size})
	}
	from := graph.Add(graph.Iota(g, shapes.Make(by.DType(), s.size), 0), by)
	from = graph.Where(graph.LessThan(from, graph.Scalar(g, by.DType(), s.size)), from, graph.AddScalar(from, -s.size))
	columns := graph.Gather(graph.Transpose(block, 0, 1), graph.Reshape(from, s.size, 1))
	return graph.Transpose(columns, 0, 1)
}
