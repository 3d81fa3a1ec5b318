package autodiff

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// NormalEquations returns JᵀJ (shape [P, P]) and Jᵀr (shape [P]) for residuals r of points x (shape [N, d]) that do not
// interact; see Jacobian. The rows of J are made and used up in chunks of points, so that they and what goes with them
// stay within budget bytes; the graph grows with the number of chunks.
//
// Solving with JᵀJ squares the condition number of J: half of the digits are lost. Where they matter use J itself.
func NormalEquations(x, theta *graph.Node, budget int64, r func(x *graph.Node) *graph.Node) (matrix, right *graph.Node) {
	params := checkGram("NormalEquations", x, theta, budget)
	both := SumOverChunks(x, ChunkSize(budget, params), func(x *graph.Node) *graph.Node {
		residual := r(x)
		j := graph.Reshape(Jacobian(residual, theta), residual.Shape().Size(), params)
		side := graph.Concatenate([]*graph.Node{j, graph.Reshape(residual, residual.Shape().Size(), 1)}, 1)
		return graph.DotGeneral(j, []int{0}, nil, side, []int{0}, nil) // Jᵀ[J r]
	})
	column := graph.Slice(both, graph.AxisRange(), graph.AxisElem(params))
	return graph.Slice(both, graph.AxisRange(), graph.AxisRange(0, params)), graph.Reshape(column, params)
}

// GramMatrix returns JJᵀ for the residuals of NormalEquations: shape [N, N], or [N·C, N·C] for C components a point,
// which come one after the other for each point. Where the rows of J do not fit into budget bytes, blocks of them are
// made again for each block of the result.
func GramMatrix(x, theta *graph.Node, budget int64, r func(x *graph.Node) *graph.Node) *graph.Node {
	params := checkGram("GramMatrix", x, theta, budget)
	size := max(1, ChunkSize(budget, params)/2) // two blocks of rows at a time
	rows := func(x *graph.Node) *graph.Node {
		residual := r(x)
		return graph.Reshape(Jacobian(residual, theta), residual.Shape().Size(), params)
	}
	if x.Shape().Dimensions[0] <= 2*size {
		j := rows(x)
		return graph.DotGeneral(j, []int{1}, nil, j, []int{1}, nil)
	}
	return InChunks(x, size, func(chunk *graph.Node) *graph.Node {
		j := rows(chunk)
		// The other side waits for this one, so that the blocks of a row of the result come one after the other.
		other := InChunks(graph.SchedulingBarrier(x, j), size, func(chunk *graph.Node) *graph.Node {
			return graph.DotGeneral(rows(chunk), []int{1}, nil, j, []int{1}, nil)
		})
		return graph.Transpose(other, 0, 1)
	})
}

func checkGram(who string, x, theta *graph.Node, budget int64) (params int) {
	if theta.Rank() != 1 {
		exceptions.Panicf("autodiff.%s: theta has shape %s, expected a vector", who, theta.Shape())
	}
	params = theta.Shape().Dimensions[0]
	if least := int64(8 * 3 * params); budget < least {
		exceptions.Panicf("autodiff.%s: the budget is %d bytes, expected at least %d for one point and %d parameters", who, budget, least, params)
	}
	return params
}
