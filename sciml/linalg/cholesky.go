package linalg

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// Factor is the Cholesky factorization A = LLᵀ in blocks, within a graph.
type Factor struct {
	n, block int
	below    []*graph.Node // the blocks of L below the diagonal, one matrix for each column of blocks but the last
	inverse  []*graph.Node // of the diagonal blocks of L
}

// blockSize balances the loops over the columns of a diagonal block, which go through the whole block for each column,
// against the number of blocks, each of which is some twenty nodes to compile.
func blockSize(n int) int {
	switch {
	case n <= 32:
		return n
	case n <= 320:
		return 32
	case n <= 1024:
		return 64
	}
	return 128
}

// Cholesky factorizes a symmetric positive definite matrix of shape [n, n] in blocks from left to right (Golub and Van Loan
// 2013, section 4.2), with the diagonal blocks inverted, so that all the rest is matrix products. It takes
// about n³/3 operations, and n steps one after the other. Where a pivot is not positive, entries of
// the factor are NaN or infinite from there on, and so are those of a solution: the caller sees it by that.
func Cholesky(a *graph.Node) *Factor {
	if a.Rank() != 2 || a.Shape().Dimensions[0] != a.Shape().Dimensions[1] {
		panic(fmt.Errorf("linalg.Cholesky: a has shape %s, expected a square matrix", a.Shape()))
	}
	n := a.Shape().Dimensions[0]
	f := &Factor{n: n, block: blockSize(n)}
	for begin := 0; begin < n; begin += f.block {
		end := min(n, begin+f.block)
		// What is left of the block and of all below it, after the columns of L before: the rows of those from begin on.
		column := corner(a, begin, n, begin, end)
		if begin > 0 {
			before := f.rowsFrom(begin)
			column = graph.Sub(column, graph.DotGeneral(before, []int{1}, nil, rows(before, 0, end-begin), []int{1}, nil))
		}
		inverse := invertedFactor(rows(column, 0, end-begin))
		f.inverse = append(f.inverse, inverse)
		if end < n {
			f.below = append(f.below, graph.DotGeneral(rows(column, end-begin, n-begin), []int{1}, nil, inverse, []int{1}, nil))
		}
	}
	return f
}

// rowsFrom are the rows of L from begin on, left of the diagonal block there.
func (f *Factor) rowsFrom(begin int) *graph.Node {
	side := make([]*graph.Node, len(f.below))
	for i, below := range f.below {
		height := below.Shape().Dimensions[0]
		side[i] = rows(below, height-(f.n-begin), height)
	}
	if len(side) == 1 {
		return side[0]
	}
	return graph.Concatenate(side, 1)
}

// Blocks are the nodes that a Factor consists of, from which FactorOf makes it again in another graph.
func (f *Factor) Blocks() []*graph.Node { return append(slices.Clone(f.inverse), f.below...) }

// FactorOf is the factorization of a matrix of shape [n, n] that has the Blocks.
func FactorOf(n int, blocks []*graph.Node) *Factor {
	f := &Factor{n: n, block: blockSize(n)}
	diagonal := (n + f.block - 1) / f.block
	if len(blocks) != 2*diagonal-1 {
		panic(fmt.Errorf("linalg.FactorOf: there are %d blocks for a matrix of order %d, expected the %d of its Factor", len(blocks), n, 2*diagonal-1))
	}
	f.inverse, f.below = blocks[:diagonal], blocks[diagonal:]
	return f
}

// Solve is A⁻¹b for b of shape [n] or [n, k], of which the result has the shape.
func (f *Factor) Solve(b *graph.Node) *graph.Node { return f.Backward(f.Forward(b)) }

// Forward is L⁻¹b for b of shape [n] or [n, k], of which the result has the shape.
func (f *Factor) Forward(b *graph.Node) *graph.Node {
	rest := f.columns("Forward", b)
	var parts []*graph.Node
	for k, inverse := range f.inverse {
		size := inverse.Shape().Dimensions[0]
		left := rest.Shape().Dimensions[0] - size
		y := graph.MatMul(inverse, rows(rest, 0, size))
		parts = append(parts, y)
		if left > 0 {
			rest = graph.Sub(rows(rest, size, size+left), graph.MatMul(f.below[k], y))
		}
	}
	return graph.Reshape(stacked(parts), b.Shape().Dimensions...)
}

// Backward is L⁻ᵀb for b of shape [n] or [n, k], of which the result has the shape.
func (f *Factor) Backward(b *graph.Node) *graph.Node {
	all := f.columns("Backward", b)
	parts := make([]*graph.Node, len(f.inverse))
	var below *graph.Node // the solution below the block
	end := f.n
	for k := len(f.inverse) - 1; k >= 0; k-- {
		inverse := f.inverse[k]
		size := inverse.Shape().Dimensions[0]
		right := rows(all, end-size, end)
		if below != nil {
			right = graph.Sub(right, graph.DotGeneral(f.below[k], []int{0}, nil, below, []int{0}, nil))
		}
		parts[k] = graph.DotGeneral(inverse, []int{0}, nil, right, []int{0}, nil)
		below = stacked(parts[k:])
		end -= size
	}
	return graph.Reshape(below, b.Shape().Dimensions...)
}

func (f *Factor) columns(who string, b *graph.Node) *graph.Node {
	if b.Rank() < 1 || b.Rank() > 2 || b.Shape().Dimensions[0] != f.n {
		panic(fmt.Errorf("linalg.Factor.%s: b has shape %s, expected [%d] or [%d, k]", who, b.Shape(), f.n, f.n))
	}
	return graph.Reshape(b, f.n, b.Shape().Size()/f.n)
}

func corner(a *graph.Node, top, bottom, left, right int) *graph.Node {
	return graph.Slice(a, graph.AxisRange(top, bottom), graph.AxisRange(left, right))
}

func rows(a *graph.Node, top, bottom int) *graph.Node {
	return graph.SliceAxis(a, 0, graph.AxisRange(top, bottom))
}

func stacked(parts []*graph.Node) *graph.Node {
	if len(parts) == 1 {
		return parts[0]
	}
	return graph.Concatenate(parts, 0)
}

// leastInverted is the order up to which a factor is inverted row by row: each row takes a pass over all of the matrix.
const leastInverted = 64

// invertedFactor is L⁻¹ for a small matrix LLᵀ, from those of two halves.
func invertedFactor(a *graph.Node) *graph.Node {
	n := a.Shape().Dimensions[0]
	if n <= leastInverted {
		return eliminatedFactor(a)
	}
	half := n / 2
	upper := invertedFactor(corner(a, 0, half, 0, half))
	below := graph.DotGeneral(corner(a, half, n, 0, half), []int{1}, nil, upper, []int{1}, nil)
	lower := invertedFactor(graph.Sub(corner(a, half, n, half, n), graph.DotGeneral(below, []int{1}, nil, below, []int{1}, nil)))
	left := graph.Neg(graph.MatMul(lower, graph.MatMul(below, upper)))
	return stacked([]*graph.Node{
		graph.Concatenate([]*graph.Node{upper, graph.Zeros(a.Graph(), shapes.Make(a.DType(), half, n-half))}, 1),
		graph.Concatenate([]*graph.Node{left, lower}, 1),
	})
}

// eliminatedFactor is L⁻¹ for a matrix LLᵀ. Row by row it eliminates [A I], which becomes [Lᵀ L⁻¹].
func eliminatedFactor(a *graph.Node) *graph.Node {
	g, n, dtype := a.Graph(), a.Shape().Dimensions[0], a.DType()
	index := func(dims []int, axis int) *graph.Node { return graph.Iota(g, shapes.Make(dtypes.Int32, dims...), axis) }
	unit := graph.ConvertDType(graph.Equal(index([]int{n, n}, 0), index([]int{n, n}, 1)), dtype)
	if unrolls(g) {
		m := eliminated(graph.Concatenate([]*graph.Node{a, unit}, 1))
		return corner(m, 0, n, n, 2*n)
	}
	// The body has no constants and no sums of its own: GoMLX would share those between the functions of a graph.
	initial := []*graph.Node{
		graph.Const(g, int32(0)), graph.Const(g, int32(1)), graph.Const(g, int32(n)),
		index([]int{n}, 0), index([]int{2 * n}, 0), graph.Zeros(g, shapes.Make(dtype, n)),
		graph.Concatenate([]*graph.Node{a, unit}, 1),
	}
	variables := func(g *graph.Graph) []*graph.Node {
		vars := make([]*graph.Node, len(initial))
		for i, v := range initial {
			vars[i] = graph.Parameter(g, fmt.Sprintf("c%d", i), v.Shape())
		}
		return vars
	}
	condition := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
		vars := variables(g)
		return []*graph.Node{graph.LessThan(vars[0], vars[2])}
	})
	body := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
		vars := variables(g)
		k, one, tall, wide, nothing, m := vars[0], vars[1], vars[3], vars[4], vars[5], vars[6]
		same := func(index *graph.Node) *graph.Node {
			return graph.Equal(index, graph.BroadcastToDims(k, index.Shape().Dimensions...))
		}
		isRow := same(tall)
		here, there := graph.ConvertDType(isRow, dtype), graph.ConvertDType(same(wide), dtype)
		row := graph.DotGeneral(here, []int{0}, nil, m, []int{0}, nil)
		column := graph.DotGeneral(m, []int{1}, nil, there, []int{0}, nil)
		pivot := graph.Sqrt(graph.DotGeneral(row, []int{0}, nil, there, []int{0}, nil))
		row = graph.Div(row, graph.BroadcastToDims(pivot, 2*n))
		below := graph.GreaterThan(tall, graph.BroadcastToDims(k, n))
		factor := graph.Where(below, graph.Div(column, graph.BroadcastToDims(pivot, n)), nothing)
		spread := graph.BroadcastToDims(graph.Reshape(row, 1, 2*n), n, 2*n)
		after := graph.Sub(m, graph.Mul(graph.BroadcastToDims(graph.Reshape(factor, n, 1), n, 2*n), spread))
		after = graph.Where(graph.BroadcastToDims(graph.Reshape(isRow, n, 1), n, 2*n), spread, after)
		return append([]*graph.Node{graph.Add(k, one)}, vars[1], vars[2], vars[3], vars[4], vars[5], after)
	})
	m := graph.While(condition, body, initial...)[6]
	return corner(m, 0, n, n, 2*n)
}

// unrolls reports whether loops are written out: GoMLX's pure-Go back end loses nodes in the body of a While.
func unrolls(g *graph.Graph) bool { return g.Backend().String() == gobackend.BackendName }

// eliminated makes the square on the left of m upper triangular, by the rows of its Cholesky factorization.
func eliminated(m *graph.Node) *graph.Node {
	n, width := m.Shape().Dimensions[0], m.Shape().Dimensions[1]
	done := make([]*graph.Node, n)
	for k := range n {
		row := corner(m, 0, 1, 0, width)
		row = graph.Div(row, graph.Sqrt(corner(row, 0, 1, k, k+1)))
		done[k] = row
		if left := n - k - 1; left > 0 {
			below := corner(m, 1, left+1, 0, width)
			m = graph.Sub(below, graph.MatMul(graph.Transpose(corner(row, 0, 1, k+1, n), 0, 1), row))
		}
	}
	return stacked(done)
}
