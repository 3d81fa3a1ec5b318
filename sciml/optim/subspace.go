package optim

import (
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// subspaces are random ones of dimension size in the space of items parameters. Each has an orthonormal basis C of signed
// sums of a few parameters, no two of which share one. The parameters are cut into segments at random, one of which has the
// length size; each lies at random in a window of that length, and parameters at the same place in theirs are summed up. So
// JC takes one pass over J where it lies. With a size of items or more there is one subspace, the whole space, and C is the
// identity.
type subspaces struct{ items, size int }

func (s subspaces) whole() bool { return s.size >= s.items }

// windows is one more than the least number, so that segments vary.
func (s subspaces) windows() int { return (s.items+s.size-1)/s.size + 1 }

// subspace is one of them.
type subspace struct {
	subspaces
	begins  []int32   // of the windows
	weights []float64 // of the parameters in each window, one window after the other; zero beside its segment
	sums    []int32   // the sum that each parameter is part of
	entries []float64 // that it has in C there
}

// draw takes nothing from rng for the whole space.
func (s subspaces) draw(rng *rand.Rand) subspace {
	if s.whole() {
		return subspace{subspaces: s}
	}
	n := s.windows()
	d := subspace{s, make([]int32, n), make([]float64, n*s.size), make([]int32, s.items), make([]float64, s.items)}
	window := make([]int, s.items) // of each parameter
	counts := make([]float64, s.size)
	full, rest, begin := rng.IntN(n), s.items-s.size, 0
	others := n - 1
	for w := range n {
		length := s.size
		if w != full {
			others--
			length = between(rng, max(0, rest-others*s.size), min(s.size, rest))
			rest -= length
		}
		end := begin + length
		at := between(rng, max(0, end-s.size), min(begin, s.items-s.size))
		d.begins[w] = int32(at)
		for ; begin < end; begin++ {
			window[begin], d.sums[begin] = w, int32(begin-at)
			counts[begin-at]++
		}
	}
	for i, sum := range d.sums {
		d.entries[i] = 1 / math.Sqrt(counts[sum])
		if rng.Uint64()&1 == 1 {
			d.entries[i] = -d.entries[i]
		}
		d.weights[window[i]*s.size+int(sum)] = d.entries[i]
	}
	return d
}

// between is a random number from least to most.
func between(rng *rand.Rand, least, most int) int { return least + rng.IntN(most-least+1) }

// inputs are what narrow and expand take: as many as inputCount.
func (d subspace) inputs(obj *objective.Objective) []*tensors.Tensor {
	if d.whole() {
		return nil
	}
	return []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(d.begins, len(d.begins)), device.Vector(obj.Precision(), d.weights),
		tensors.FromFlatDataAndDimensions(d.sums, len(d.sums)), device.Vector(obj.Precision(), d.entries),
	}
}

// inputCount is the number of inputs of a subspace.
func (s subspaces) inputCount() int {
	if s.whole() {
		return 0
	}
	return 4
}

// step is Cz, on the host.
func (d subspace) step(z []float64) []float64 {
	if d.whole() {
		return z
	}
	p := make([]float64, d.items)
	for i := range p {
		p[i] = d.entries[i] * z[d.sums[i]]
	}
	return p
}

// narrow builds JC of shape [M, size] for J of shape [M, items].
func (s subspaces) narrow(j *graph.Node, in []*graph.Node) *graph.Node {
	if s.whole() {
		return j
	}
	rows := j.Shape().Dimensions[0]
	var sum *graph.Node
	for w := range s.windows() {
		begin := graph.Reshape(graph.Slice(in[0], graph.AxisRange(w, w+1)))
		weights := graph.Reshape(graph.Slice(in[1], graph.AxisRange(w*s.size, (w+1)*s.size)), 1, s.size)
		part := graph.Mul(s.window(j, begin), graph.BroadcastToDims(weights, rows, s.size))
		if sum == nil {
			sum = part
		} else {
			sum = graph.Add(sum, part)
		}
	}
	return sum
}

// window is the part of J of shape [M, items] with size columns from begin on.
func (s subspaces) window(j, begin *graph.Node) *graph.Node {
	g := j.Graph()
	if g.Backend().Capabilities().Operations[compute.OpTypeDynamicSlice] {
		return graph.DynamicSlice(j, []*graph.Node{graph.ScalarZero(g, begin.DType()), begin}, []int{j.Shape().Dimensions[0], s.size})
	}
	from := graph.Add(graph.Iota(g, shapes.Make(begin.DType(), s.size), 0), begin)
	return graph.Transpose(graph.Gather(graph.Transpose(j, 0, 1), graph.Reshape(from, s.size, 1)), 0, 1)
}

// expand builds Cz of shape [items] for z of shape [size].
func (s subspaces) expand(z *graph.Node, in []*graph.Node) *graph.Node {
	if s.whole() {
		return z
	}
	return graph.Mul(graph.Gather(z, graph.Reshape(in[2], s.items, 1)), in[3])
}
