package objective

import (
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// Subspaces are random subspaces of dimension Size in the space of Items parameters, for a J that is there already. Each has an
// orthonormal basis C of signed sums of a few parameters, no two of which share one. The parameters are cut into segments at
// random, one of which has the length Size; each lies at random in a window of that length, and parameters at the same place in
// theirs are summed up. So JC takes one pass over J where it lies. With a Size of Items or more there is one subspace, the whole
// space, and C is the identity.
type Subspaces struct{ Items, Size int }

// Whole reports whether there is but the whole space.
func (s Subspaces) Whole() bool { return s.Size >= s.Items }

// number is one more than the least number, so that segments vary.
func (s Subspaces) number() int { return (s.Items+s.Size-1)/s.Size + 1 }

// Subspace is one of them.
type Subspace struct {
	Subspaces
	begins  []int32   // of the windows
	weights []float64 // of the parameters in each window, one window after the other; zero beside its segment
	sums    []int32   // the sum that each parameter is part of
	entries []float64 // that it has in C there
}

// Draw draws one of them. It takes nothing from rng for the whole space.
func (s Subspaces) Draw(rng *rand.Rand) Subspace {
	if s.Whole() {
		return Subspace{Subspaces: s}
	}
	n := s.number()
	d := Subspace{s, make([]int32, n), make([]float64, n*s.Size), make([]int32, s.Items), make([]float64, s.Items)}
	window := make([]int, s.Items) // of each parameter
	counts := make([]float64, s.Size)
	full, rest, begin := rng.IntN(n), s.Items-s.Size, 0
	others := n - 1
	for w := range n {
		length := s.Size
		if w != full {
			others--
			length = between(rng, max(0, rest-others*s.Size), min(s.Size, rest))
			rest -= length
		}
		end := begin + length
		at := between(rng, max(0, end-s.Size), min(begin, s.Items-s.Size))
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
		d.weights[window[i]*s.Size+int(sum)] = d.entries[i]
	}
	return d
}

// between is a random number from least to most.
func between(rng *rand.Rand, least, most int) int { return least + rng.IntN(most-least+1) }

// Inputs are what Narrow and Expand take within a program: NumInputs tensors.
func (d Subspace) Inputs(obj *Objective) []*tensors.Tensor {
	if d.Whole() {
		return nil
	}
	return []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(d.begins, len(d.begins)), device.Vector(obj.Precision(), d.weights),
		tensors.FromFlatDataAndDimensions(d.sums, len(d.sums)), device.Vector(obj.Precision(), d.entries),
	}
}

// NumInputs is the number of inputs of a subspace.
func (s Subspaces) NumInputs() int {
	if s.Whole() {
		return 0
	}
	return 4
}

// Step is Cz, on the host.
func (d Subspace) Step(z []float64) []float64 {
	if d.Whole() {
		return z
	}
	p := make([]float64, d.Items)
	for i := range p {
		p[i] = d.entries[i] * z[d.sums[i]]
	}
	return p
}

// Narrow builds JC of shape [M, Size] for J of shape [M, Items].
func (s Subspaces) Narrow(j *graph.Node, in []*graph.Node) *graph.Node {
	if s.Whole() {
		return j
	}
	rows := j.Shape().Dimensions[0]
	var sum *graph.Node
	for w := range s.number() {
		begin := graph.Reshape(graph.Slice(in[0], graph.AxisRange(w, w+1)))
		weights := graph.Reshape(graph.Slice(in[1], graph.AxisRange(w*s.Size, (w+1)*s.Size)), 1, s.Size)
		part := graph.Mul(columnsFrom(j, begin, s.Size), graph.BroadcastToDims(weights, rows, s.Size))
		if sum == nil {
			sum = part
		} else {
			sum = graph.Add(sum, part)
		}
	}
	return sum
}

// columnsFrom is the part of J of shape [M, items] with size columns from begin on, a scalar int32.
func columnsFrom(j, begin *graph.Node, size int) *graph.Node {
	g := j.Graph()
	if g.Backend().Capabilities().Operations[compute.OpTypeDynamicSlice] {
		return graph.DynamicSlice(j, []*graph.Node{graph.ScalarZero(g, begin.DType()), begin}, []int{j.Shape().Dimensions[0], size})
	}
	from := graph.Add(graph.Iota(g, shapes.Make(begin.DType(), size), 0), begin)
	return graph.Transpose(graph.Gather(graph.Transpose(j, 0, 1), graph.Reshape(from, size, 1)), 0, 1)
}

// Expand builds Cz of shape [Items] for z of shape [Size].
func (s Subspaces) Expand(z *graph.Node, in []*graph.Node) *graph.Node {
	if s.Whole() {
		return z
	}
	return graph.Mul(graph.Gather(z, graph.Reshape(in[2], s.Items, 1)), in[3])
}
