package optim

import (
	"cmp"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/objective"
)

// BlockDiagonal preconditions with the blocks of 2JᵀJ that belong to Objective.Blocks, such as the layers of a network:
// C is block by block (2J_bᵀJ_b + μI)^(−1/2), symmetric, from the eigenvalues on the host. It takes one Jacobian, and n³
// multiplications for a block of n parameters. An objective needs residuals, and Blocks unless there are Groups.
//
// With the parameters of each subdomain as a group, CCᵀ is the additive Schwarz preconditioner of one level, Σ Rᵢᵀ(RᵢMRᵢᵀ)⁻¹Rᵢ, where M is
// 2JᵀJ + μI and Rᵢ takes group i out of θ; with those of a coarse network as another group there are two, added up (Dolean, Jolivet and Nataf
// 2015, "An introduction to domain decomposition methods", sections 1.4 and 4.2).
// The zero value is usable: fields that are zero take the defaults.
type BlockDiagonal struct {
	// Groups are the numbers of parameters that make one block each, in their order in θ, such as nn.Parts gives for subdomains; all
	// parameters together. Nil for Objective.Blocks.
	Groups []int

	// Shift is μ in units of the largest eigenvalue of all blocks; 1e-6 when zero. It is never below the rounding of θ's type.
	Shift float64
	// MaxBlock is the number of parameters of the largest block that is made; of larger ones the diagonal is taken. When zero 512, or with
	// Groups as large as they are.
	MaxBlock int
	// MaxMemory is the most that J and the blocks may need, in bytes; 4 GiB when zero, or 256 vectors of the length of θ where they are more.
	MaxMemory int64
}

// Name implements Preconditioner.
func (b BlockDiagonal) Name() string {
	if b.Groups != nil {
		return "additive Schwarz"
	}
	return "block diagonal"
}

// Start implements Preconditioner.
func (b BlockDiagonal) Start(obj *objective.Objective) (Root, error) {
	b.Shift = cmp.Or(b.Shift, defaultShift)
	if err := checkSettings("BlockDiagonal", positive("Shift", b.Shift), counted("MaxBlock", cmp.Or(b.MaxBlock, 1))); err != nil {
		return nil, err
	}
	sizes := b.Groups
	if sizes == nil {
		var err error
		if _, sizes, err = obj.ConsecutiveBlocks("BlockDiagonal"); err != nil {
			return nil, err
		}
		b.MaxBlock = cmp.Or(b.MaxBlock, 512)
	} else if err := checkGroups("BlockDiagonal", b.Groups, obj.Dim); err != nil {
		return nil, err
	}
	forms, offset := make([]placedForm, len(sizes)), 0
	for i, size := range sizes {
		forms[i] = placedForm{denseForm(size), offset, size}
		if b.MaxBlock > 0 && size > b.MaxBlock {
			forms[i].blockForm = diagonalForm(size)
		}
		offset += size
	}
	return startBlocks(obj, "BlockDiagonal", b.Shift, forms, b.MaxMemory)
}

// checkGroups reports groups that are not all of θ.
func checkGroups(owner string, groups []int, dim int) error {
	sum := 0
	for i, size := range groups {
		if size < 1 || size > dim-sum {
			return fmt.Errorf("optim: %s.Groups has %d at %d after %d parameters, expected at least 1 and at most the %d that are left of %d", owner, size, i, sum, dim-sum, dim)
		}
		sum += size
	}
	if sum != dim {
		return fmt.Errorf("optim: %s.Groups are of %d parameters together, expected all %d", owner, sum, dim)
	}
	return nil
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
