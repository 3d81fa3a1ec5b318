package autodiff

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// InChunks evaluates f on chunks of at most size points, one after the other, and joins the results along their first
// axis: what one chunk needs in memory is free again for the next. x has shape [N, d]; f must treat points
// independently, as point-wise residuals and their Jacobians do. The graph grows with N/size.
func InChunks(x *graph.Node, size int, f func(x *graph.Node) *graph.Node) *graph.Node {
	parts := chunked(x, size, f, nil)
	if len(parts) == 1 {
		return parts[0]
	}
	return graph.Concatenate(parts, 0)
}

// SumOverChunks is InChunks for results that are to be added up, such as JᵀJ and Jᵀr, of any shape: only their sum is
// kept.
func SumOverChunks(x *graph.Node, size int, f func(x *graph.Node) *graph.Node) *graph.Node {
	var total *graph.Node
	chunked(x, size, f, func(part *graph.Node) *graph.Node {
		if total == nil {
			total = part
		} else {
			total = graph.Add(total, part)
		}
		return total
	})
	return total
}

// chunked builds f on chunks, each of which waits for the one before it, or for what after makes of that.
func chunked(x *graph.Node, size int, f, after func(*graph.Node) *graph.Node) []*graph.Node {
	if x.Rank() < 1 || size < 1 {
		exceptions.Panicf("autodiff: chunks of %d points of x with shape %s were asked for, expected at least 1 point along the first axis", size, x.Shape())
	}
	var parts []*graph.Node
	var before *graph.Node
	for start, n := 0, x.Shape().Dimensions[0]; start < n; start += size {
		chunk := graph.SliceAxis(x, 0, graph.AxisRange(start, min(start+size, n)))
		if before != nil { // without this, a back end may work on all chunks at once
			chunk = graph.SchedulingBarrier(chunk, before)
		}
		before = f(chunk)
		parts = append(parts, before)
		if after != nil {
			before = after(before)
		}
	}
	return parts
}

// ChunkSize is the number of points whose Jacobian with respect to params parameters, and the working memory that goes
// with it, stays within budget bytes of float64: at least 1.
func ChunkSize(budget int64, params int) int {
	const copies = 3 // J, its parts before they are joined, and one transposed
	return max(1, int(budget/int64(8*copies*params)))
}
