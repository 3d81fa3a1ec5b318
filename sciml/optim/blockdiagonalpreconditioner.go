package optim

import (
	"cmp"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/objective"
)

// BlockDiagonal preconditions with the blocks of 2JᵀJ that belong to Objective.Blocks, such as the layers of a network:
// C is block by block (2J_bᵀJ_b + μI)^(−1/2), symmetric, from the eigenvalues on the host. It takes one Jacobian, and n³
// multiplications for a block of n parameters. An objective needs residuals and Blocks.
// The zero value is usable: fields that are zero take the defaults.
type BlockDiagonal struct {
	// Shift is μ in units of the largest eigenvalue of all blocks; 1e-6 when zero. It is never below the rounding of θ's type.
	Shift float64
	// MaxBlock is the number of parameters of the largest block that is made; of larger ones the diagonal is taken. 512
	// when zero.
	MaxBlock int
	// MaxMemory is the most that J and the blocks may need, in bytes; 4 GiB when zero, or 256 vectors of the length of θ where they are more.
	MaxMemory int64
}

// Name implements Preconditioner.
func (BlockDiagonal) Name() string { return "block diagonal" }

// Start implements Preconditioner.
func (b BlockDiagonal) Start(obj *objective.Objective) (Root, error) {
	b.Shift = cmp.Or(b.Shift, defaultShift)
	b.MaxBlock = cmp.Or(b.MaxBlock, 512)
	if err := checkSettings("BlockDiagonal", positive("Shift", b.Shift), counted("MaxBlock", b.MaxBlock)); err != nil {
		return nil, err
	}
	blocks, sizes, err := obj.ConsecutiveBlocks("BlockDiagonal")
	if err != nil {
		return nil, err
	}
	forms := make([]placedForm, len(blocks))
	for i, block := range blocks {
		forms[i] = placedForm{denseForm(sizes[i]), block.Offset, sizes[i]}
		if sizes[i] > b.MaxBlock {
			forms[i].blockForm = diagonalForm(sizes[i])
		}
	}
	return startBlocks(obj, "BlockDiagonal", b.Shift, forms, b.MaxMemory)
}

// denseForm is a symmetric matrix of that order.
type denseForm int

func (n denseForm) dims() [][]int { return [][]int{{int(n), int(n)}} }

func (n denseForm) identity() [][]float64 { return [][]float64{unitMatrix(int(n))} }

func (denseForm) multiply(z *graph.Node, c []*graph.Node) *graph.Node {
	return device.Multiply(c[0], z)
}

func (denseForm) curvature(columns *graph.Node) []*graph.Node {
	return []*graph.Node{graph.MulScalar(graph.DotGeneral(columns, []int{0}, nil, columns, []int{0}, nil), 2)}
}

func (n denseForm) decompose(curvature [][]float64) (blockSpectrum, error) {
	e, err := linalg.NewEigen(int(n), curvature[0])
	return denseSpectrum{e}, err
}

type denseSpectrum struct{ *linalg.Eigen }

func (d denseSpectrum) largest() float64 { return math.Max(0, d.Values[0]) }

func (d denseSpectrum) root(shift float64) (c [][]float64, low, high float64, rank int) {
	for _, v := range d.Values {
		if v > shift {
			rank++
		}
	}
	least := math.Max(0, d.Values[len(d.Values)-1])
	return [][]float64{d.InverseRoot(shift)}, least + shift, d.largest() + shift, rank
}
