package objective

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
)

// Batches say how a stochastic method draws its samples. The zero value is usable.
//
// Each of the objective's Samples is gone through in an order that is shuffled anew for each pass over it; what is left
// over at the end of a pass, fewer samples than a batch takes, is skipped, so that no sample is twice in a batch. A batch
// takes from each about the same share, at least one sample.
type Batches struct {
	// NumSamples is the number of samples in a batch, of all Samples together; 32 when zero. There are never more than all.
	Size int
	// Seed chooses the orders.
	Seed uint64
	// WithReplacement draws each sample independently of the others instead.
	WithReplacement bool
}

// Sampler starts drawing for a method of that name. It fails when the objective has no samples, or they do not fit it.
func (b Batches) Sampler(obj *Objective, method string) (*Sampler, error) {
	if err := obj.NeedSamples(method); err != nil {
		return nil, err
	}
	if b.Size < 0 {
		return nil, fmt.Errorf("objective: %s.Batches.Size is %d, expected at least 1 (or 0 for the default)", method, b.Size)
	}
	s := new(Sampler)
	for g, group := range obj.Samples {
		s.streams = append(s.streams, stream{rows: group.Rows, seed: b.Seed, number: uint64(g), replace: b.WithReplacement})
	}
	s.Resize(obj.ShareBatch(b.NumSamples()))
	return s, nil
}

// NumSamples is Size, or its default.
func (b Batches) NumSamples() int {
	if b.Size == 0 {
		return 32
	}
	return b.Size
}

// stream is an endless sequence of row numbers, one pass over the rows after the other. The order of each pass depends
// on nothing but the seed and the number of the pass, so that a place in the stream is all there is to save.
type stream struct {
	rows         int
	seed, number uint64
	replace      bool
	at           int // the place of the next batch
	pass         int
	order        []int32 // of that pass; nil before the first use
}

func (s *stream) entry(i int) int32 {
	if pass := i / s.rows; s.order == nil || pass != s.pass {
		s.pass = pass
		s.order = s.shuffled()
	}
	return s.order[i%s.rows]
}

func (s *stream) shuffled() []int32 {
	order := make([]int32, s.rows)
	rng := rand.New(rand.NewPCG(s.seed, (s.number<<40+uint64(s.pass)+1)*0x9e3779b97f4a7c15))
	for i := range order {
		order[i] = int32(i)
		if s.replace {
			order[i] = int32(rng.IntN(s.rows))
		}
	}
	if !s.replace {
		rng.Shuffle(s.rows, func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	return order
}

// Sampler cuts streams into batches, of fixed sizes so that nothing is compiled anew.
type Sampler struct {
	streams []stream
	// Sizes are the numbers of samples of each group in a batch, and strides how far a batch is from the one before it:
	// less than its size where they overlap.
	Sizes, Strides []int
	// partition is nil, or divides the rows of each group into blocks; the one stream is then of block numbers.
	partition [][]int32
}

// Resize has batches to come take so many samples of each group.
func (s *Sampler) Resize(sizes []int) { s.Sizes, s.Strides = sizes, sizes }

// Size is the number of samples in a batch.
func (s *Sampler) Size() int {
	total := 0
	for _, n := range s.Sizes {
		total += n
	}
	return total
}

// Next draws count batches. It gives the row numbers for each group, shape [room, size], with zeros below the first
// count rows; with a partition also the numbers of the blocks, shape [room, 1].
func (s *Sampler) Next(count, room int) []*tensors.Tensor {
	all := make([][]int32, len(s.Sizes), len(s.Sizes)+1)
	for g, size := range s.Sizes {
		all[g] = make([]int32, room*size)
	}
	sizes := s.Sizes
	if s.partition != nil {
		blocks := make([]int32, room)
		for k := range count {
			blocks[k] = s.streams[0].entry(s.streams[0].at + k)
			for g, size := range s.Sizes {
				copy(all[g][k*size:(k+1)*size], s.partition[g][int(blocks[k])*size:])
			}
		}
		s.streams[0].at += count
		all, sizes = append(all, blocks), append(append([]int{}, sizes...), 1)
	} else {
		for g, size := range s.Sizes {
			rows := &s.streams[g]
			for k := range count {
				if left := rows.rows - rows.at%rows.rows; size > left && size == s.Strides[g] {
					rows.at += left
				}
				for i := range size {
					all[g][k*size+i] = rows.entry(rows.at + i)
				}
				rows.at += s.Strides[g]
			}
		}
	}
	out := make([]*tensors.Tensor, len(all))
	for g, numbers := range all {
		out[g] = tensors.FromFlatDataAndDimensions(numbers, room, sizes[g])
	}
	return out
}

// Places are where the orders of the groups are; with Sizes all there is to save.
func (s *Sampler) Places() []int {
	at := make([]int, len(s.streams))
	for g := range s.streams {
		at[g] = s.streams[g].at
	}
	return at
}

// Restore takes back places, and the size of batches, which may have changed since the start.
func (s *Sampler) Restore(at, sizes []int) error {
	if len(at) != len(s.streams) || len(sizes) != len(s.Sizes) {
		return fmt.Errorf("objective: the stored state is one of %d groups of samples, expected %d", len(sizes), len(s.Sizes))
	}
	for g := range s.streams {
		s.streams[g].at = at[g]
	}
	if !slices.Equal(sizes, s.Sizes) {
		s.Resize(sizes)
	}
	return nil
}

// Overlap lets batches share a part, and returns the number of samples of each group in it. A batch begins with what it
// shares with the one before.
func (s *Sampler) Overlap(part float64) (shared []int) {
	sizes, strides := make([]int, len(s.Sizes)), make([]int, len(s.Sizes))
	shared = make([]int, len(s.Sizes))
	for g, size := range s.Sizes {
		sizes[g] = max(2, size)
		shared[g] = min(sizes[g]-1, max(1, int(math.Round(part*float64(sizes[g])))))
		strides[g] = sizes[g] - shared[g]
	}
	s.Sizes, s.Strides = sizes, strides
	return shared
}

// NewBlockSampler divides each group into so many blocks at random, since neighbouring rows may be neighbouring points, and draws
// a block at a time. The number of rows of each group must be a multiple of that of the blocks.
func NewBlockSampler(obj *Objective, blocks int, seed uint64, replace bool) *Sampler {
	s := &Sampler{streams: []stream{{rows: blocks, seed: seed, replace: replace}}}
	for g, group := range obj.Samples {
		parts := stream{rows: group.Rows, seed: seed, number: uint64(g) + 1}
		s.partition = append(s.partition, parts.shuffled())
		s.Sizes = append(s.Sizes, group.Rows/blocks)
	}
	return s
}

// ToPass goes to the beginning of a pass over the samples, by its number.
func (s *Sampler) ToPass(number int) {
	for g := range s.streams {
		s.streams[g].at = number * s.streams[g].rows
	}
}
