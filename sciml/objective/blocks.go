package objective

import (
	"fmt"
	"slices"
)

// Block is a part of θ that is a matrix, or a tensor of another rank, such as the weights of a layer: entries Offset to
// Offset + the product of Dims, in row-major order.
type Block struct {
	Name   string
	Offset int
	Dims   []int
}

// ConsecutiveBlocks are the objective's blocks in the order of θ, with their sizes, for a method or preconditioner of that name.
func (o *Objective) ConsecutiveBlocks(name string) (blocks []Block, sizes []int, err error) {
	if o == nil {
		return nil, nil, errNil
	}
	if o.Blocks == nil {
		return nil, nil, Unsuitable("objective: %s needs Objective.Blocks, which says what the parts of θ are, but it is nil", name)
	}
	blocks = slices.Clone(o.Blocks)
	slices.SortStableFunc(blocks, func(a, b Block) int { return a.Offset - b.Offset })
	end := 0
	for _, b := range blocks {
		size := 1
		for _, d := range b.Dims {
			size *= d
		}
		if b.Offset != end || size < 1 {
			return nil, nil, fmt.Errorf("objective: Objective.Blocks has the block %q at %d with dimensions %v, expected blocks that follow on each other, this one at %d", b.Name, b.Offset, b.Dims, end)
		}
		sizes = append(sizes, size)
		end += size
	}
	if end != o.Dim {
		return nil, nil, fmt.Errorf("objective: Objective.Blocks has %d entries in all, expected Objective.Dim = %d", end, o.Dim)
	}
	return blocks, sizes, nil
}
