package objective

import (
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// Embedding is a random matrix of shape [size, items] that adds up its items, with random signs, in size sums of equally
// many each, and does so in a number of copies that are added in turn: a CountSketch of as many hash functions, but for
// the equal numbers. Nil is the identity.
type Embedding struct {
	items, size, copies, slots int
	// order and signs have an entry for each place in each sum of each copy, shape [copies, size, slots]: the item there and
	// its factor. Places that are left over have the factor zero.
	order []int32
	signs []float64
}

// NewEmbedding draws an embedding S such that the mean of SᵀS is the identity, or none where size is not below items.
func NewEmbedding(rng *rand.Rand, items, size, copies int) *Embedding {
	if size >= items {
		return nil
	}
	slots := (items + size - 1) / size
	s := &Embedding{items: items, size: size, copies: copies, slots: slots}
	s.order, s.signs = make([]int32, copies*size*slots), make([]float64, copies*size*slots)
	for c := range copies {
		for k, item := range rng.Perm(items) {
			sum, slot := k%size, k/size
			factor := 1 / math.Sqrt(float64(copies))
			if rng.Uint64()&1 == 1 {
				factor = -factor
			}
			place := (c*size+sum)*slots + slot
			s.order[place], s.signs[place] = int32(item), factor
		}
	}
	return s
}

// Inputs are what Build takes within a program; none of nil.
func (s *Embedding) Inputs(obj *Objective) []*tensors.Tensor {
	if s != nil && len(s.order) == 0 {
		return nil
	}
	if s == nil {
		return nil
	}
	return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(s.order, len(s.order)), device.Vector(obj.Precision(), s.signs)}
}

// Build builds Sx, shape [size, k], for x of shape [items, k].
func (s *Embedding) Build(x *graph.Node, in []*graph.Node) *graph.Node {
	if s == nil {
		return x
	}
	places, k := len(s.order), x.Shape().Dimensions[1]
	picked := graph.Gather(x, graph.Reshape(in[0], places, 1))
	picked = graph.Mul(picked, graph.BroadcastToDims(graph.Reshape(in[1], places, 1), places, k))
	return graph.ReduceSum(graph.Reshape(picked, s.copies, s.size, s.slots, k), 0, 2)
}
