package optim

import (
	"cmp"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Kronecker preconditions each matrix among Objective.Blocks with a Kronecker product of two small matrices, and other
// blocks with their diagonal. For a block W of shape [m, n], the rows of its Jacobian are M matrices J_r of that shape, and
//
//	A = ΣJ_rJ_rᵀ,   G = ΣJ_rᵀJ_r,   2JᵀJ ≈ (2/tr A)·A ⊗ G,
//
// as in Shampoo (Gupta, Koren and Singer 2018), with residuals in the place of batches. With the division by the trace it
// is exact where 2JᵀJ is a Kronecker product, and otherwise one step of the power iteration towards the nearest one
// (Morwani et al. 2025, "A new perspective on Shampoo's preconditioner", section 3; Shampoo itself takes the roots of
// both factors). With A′ ⊗ G′ for the right-hand side, C = (A′ + π√μ·I)^(−1/2) ⊗ (G′ + √μ/π·I)^(−1/2), π² being the
// mean eigenvalue of A′ over that of G′ (Martens and Grosse 2015, section 6.3). It takes one Jacobian, and m³ + n³
// multiplications for a block. An objective needs residuals and Blocks.
// The zero value is usable: fields that are zero take the defaults.
type Kronecker struct {
	// Shift is μ in units of the largest eigenvalue of all blocks; 1e-6 when zero. It is never below the rounding of θ's type.
	Shift float64
	// MaxFactor is the order of the largest factor that is made; of blocks with larger ones the diagonal is taken. 512
	// when zero.
	MaxFactor int
	// MaxMemory is the most that J and the factors may need, in bytes; 4 GiB when zero, or 256 vectors of the length of θ where they are more.
	MaxMemory int64
}

// Name implements Preconditioner.
func (Kronecker) Name() string { return "Kronecker" }

// Start implements Preconditioner.
func (k Kronecker) Start(obj *objective.Objective) (Root, error) {
	k.Shift = cmp.Or(k.Shift, defaultShift)
	k.MaxFactor = cmp.Or(k.MaxFactor, 512)
	if err := checkSettings("Kronecker", positive("Shift", k.Shift), counted("MaxFactor", k.MaxFactor)); err != nil {
		return nil, err
	}
	blocks, sizes, err := obj.ConsecutiveBlocks("Kronecker")
	if err != nil {
		return nil, err
	}
	forms := make([]placedForm, len(blocks))
	for i, block := range blocks {
		forms[i] = placedForm{diagonalForm(sizes[i]), block.Offset, sizes[i]}
		if len(block.Dims) == 2 && max(block.Dims[0], block.Dims[1]) <= k.MaxFactor {
			forms[i].blockForm = kroneckerForm{block.Dims[0], block.Dims[1]}
		}
	}
	return startBlocks(obj, "Kronecker", k.Shift, forms, k.MaxMemory)
}

// kroneckerForm is A′ ⊗ G′ for the entries of a matrix with so many rows and columns, row by row.
type kroneckerForm struct{ rows, columns int }

func (k kroneckerForm) dims() [][]int { return [][]int{{k.rows, k.rows}, {k.columns, k.columns}} }

func (k kroneckerForm) identity() [][]float64 {
	return [][]float64{unitMatrix(k.rows), unitMatrix(k.columns)}
}

func (k kroneckerForm) multiply(z *graph.Node, c []*graph.Node) *graph.Node {
	w := graph.Reshape(z, k.rows, k.columns)
	return graph.Reshape(graph.MatMul(graph.MatMul(c[0], w), c[1]), k.rows*k.columns)
}

func (k kroneckerForm) curvature(columns *graph.Node) []*graph.Node {
	j := graph.Reshape(columns, columns.Shape().Dimensions[0], k.rows, k.columns)
	return []*graph.Node{
		graph.DotGeneral(j, []int{0, 2}, nil, j, []int{0, 2}, nil),
		graph.DotGeneral(j, []int{0, 1}, nil, j, []int{0, 1}, nil),
	}
}

func (k kroneckerForm) decompose(curvature [][]float64) (blockSpectrum, error) {
	trace := 0.0
	for i := range k.rows {
		trace += curvature[0][i*k.rows+i]
	}
	scale := 0.0 // of a block without any curvature
	if trace > 0 {
		scale = math.Sqrt(2 / trace)
	}
	for _, factor := range curvature {
		for i := range factor {
			factor[i] *= scale
		}
	}
	a, err := linalg.NewEigen(k.rows, curvature[0])
	if err != nil {
		return nil, err
	}
	g, err := linalg.NewEigen(k.columns, curvature[1])
	return kroneckerSpectrum{denseSpectrum{a}, denseSpectrum{g}}, err
}

type kroneckerSpectrum struct{ a, g denseSpectrum }

func (k kroneckerSpectrum) largest() float64 { return k.a.largest() * k.g.largest() }

func (k kroneckerSpectrum) root(shift float64) (c [][]float64, low, high float64, rank int) {
	// Both factors have the same trace.
	balance := math.Sqrt(float64(len(k.g.Values)) / float64(len(k.a.Values)))
	ofA, ofG := math.Sqrt(shift)*balance, math.Sqrt(shift)/balance
	for _, a := range k.a.Values {
		for _, g := range k.g.Values {
			if a > 0 && a*g > shift {
				rank++
			}
		}
	}
	left, lowA, highA, _ := k.a.root(ofA)
	right, lowG, highG, _ := k.g.root(ofG)
	return append(left, right...), lowA * lowG, highA * highG, rank
}
