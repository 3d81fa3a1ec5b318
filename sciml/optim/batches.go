package optim

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/objective"
)

// Batches say how a stochastic method draws its samples. The zero value is usable.
//
// Each of the objective's Samples is gone through in an order that is shuffled anew for each pass over it; what is left
// over at the end of a pass, fewer samples than a batch takes, is skipped, so that no sample is twice in a batch. A batch
// takes from each about the same share, at least one sample.
type Batches struct {
	// Size is the number of samples in a batch, of all Samples together; 32 when zero. There are never more than all.
	Size int
	// Seed chooses the orders.
	Seed uint64
	// WithReplacement draws each sample independently of the others instead.
	WithReplacement bool
}

// sampler starts drawing for a method of that name.
func (b Batches) sampler(obj *objective.Objective, method string) (*sampler, error) {
	if err := obj.NeedSamples(method); err != nil {
		return nil, err
	}
	if err := checkSettings(method, optional("Batches.Size", b.Size, "the default")); err != nil {
		return nil, err
	}
	s := new(sampler)
	for g, group := range obj.Samples {
		s.streams = append(s.streams, stream{rows: group.Rows, seed: b.Seed, number: uint64(g), replace: b.WithReplacement})
	}
	s.resize(obj.ShareBatch(b.size()))
	return s, nil
}

func (b Batches) size() int {
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

// sampler cuts streams into batches, of fixed sizes so that nothing is compiled anew.
type sampler struct {
	streams []stream
	// sizes are the numbers of samples of each group in a batch, and strides how far a batch is from the one before it:
	// less than its size where they overlap.
	sizes, strides []int
	// partition is nil, or divides the rows of each group into blocks; the one stream is then of block numbers.
	partition [][]int32
}

func (s *sampler) resize(sizes []int) { s.sizes, s.strides = sizes, sizes }

// size is the number of samples in a batch.
func (s *sampler) size() int {
	total := 0
	for _, n := range s.sizes {
		total += n
	}
	return total
}

// next draws count batches. It gives the row numbers for each group, shape [room, size], with zeros below the first
// count rows; with a partition also the numbers of the blocks, shape [room, 1].
func (s *sampler) next(count, room int) []*tensors.Tensor {
	all := make([][]int32, len(s.sizes), len(s.sizes)+1)
	for g, size := range s.sizes {
		all[g] = make([]int32, room*size)
	}
	sizes := s.sizes
	if s.partition != nil {
		blocks := make([]int32, room)
		for k := range count {
			blocks[k] = s.streams[0].entry(s.streams[0].at + k)
			for g, size := range s.sizes {
				copy(all[g][k*size:(k+1)*size], s.partition[g][int(blocks[k])*size:])
			}
		}
		s.streams[0].at += count
		all, sizes = append(all, blocks), append(append([]int{}, sizes...), 1)
	} else {
		for g, size := range s.sizes {
			rows := &s.streams[g]
			for k := range count {
				if left := rows.rows - rows.at%rows.rows; size > left && size == s.strides[g] {
					rows.at += left
				}
				for i := range size {
					all[g][k*size+i] = rows.entry(rows.at + i)
				}
				rows.at += s.strides[g]
			}
		}
	}
	out := make([]*tensors.Tensor, len(all))
	for g, numbers := range all {
		out[g] = tensors.FromFlatDataAndDimensions(numbers, room, sizes[g])
	}
	return out
}

// places returns where the streams are.
func (s *sampler) places() []int {
	at := make([]int, len(s.streams))
	for g := range s.streams {
		at[g] = s.streams[g].at
	}
	return at
}

// restore takes back places, and the size of batches, which may have changed since the start.
func (s *sampler) restore(at, sizes []int) error {
	if len(at) != len(s.streams) || len(sizes) != len(s.sizes) {
		return fmt.Errorf("optim: the stored state is one of %d groups of samples, expected %d", len(sizes), len(s.sizes))
	}
	for g := range s.streams {
		s.streams[g].at = at[g]
	}
	if !slices.Equal(sizes, s.sizes) {
		s.resize(sizes)
	}
	return nil
}
