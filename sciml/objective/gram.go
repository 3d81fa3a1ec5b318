package objective

import "github.com/gomlx/gomlx/core/graph"

// GramOf builds JᵀJ, or JJᵀ for a kernel, of J with shape [M, P].
func GramOf(j *graph.Node, kernel bool) *graph.Node {
	if kernel {
		j = graph.Transpose(j, 0, 1)
	}
	return Gram(j)
}

// LargestColumn builds the largest diagonal entry of JᵀJ, a scalar.
func LargestColumn(j *graph.Node) *graph.Node { return graph.ReduceAllMax(columnSums(graph.Square(j))) }

// columnParts is the number of parts of a matrix, one above the other, that are added up before its columns are summed: along
// a row entries are next to each other in memory, which is three times faster.
const columnParts = 8

func columnSums(a *graph.Node) *graph.Node {
	rows := a.Shape().Dimensions[0]
	part := func(top, bottom int) *graph.Node { return graph.SliceAxis(a, 0, graph.AxisRange(top, bottom)) }
	height := rows / columnParts
	if height == 0 {
		return graph.ReduceSum(a, 0)
	}
	sum := part(0, height)
	for k := 1; k < columnParts; k++ {
		sum = graph.Add(sum, part(k*height, (k+1)*height))
	}
	sum = graph.ReduceSum(sum, 0)
	if columnParts*height == rows {
		return sum
	}
	return graph.Add(sum, graph.ReduceSum(part(columnParts*height, rows), 0))
}

// gramBlocks is the number of blocks of columns, of which the products above the diagonal serve twice.
const gramBlocks = 4

// Gram builds AᵀA for A of shape [m, n], in blocks: those below the diagonal are those above it.
func Gram(a *graph.Node) *graph.Node {
	n := a.Shape().Dimensions[1]
	if n < 64*gramBlocks {
		return graph.DotGeneral(a, []int{0}, nil, a, []int{0}, nil)
	}
	var columns [gramBlocks]*graph.Node
	for k := range columns {
		columns[k] = graph.Slice(a, graph.AxisRange(), graph.AxisRange(k*n/gramBlocks, (k+1)*n/gramBlocks))
	}
	var products [gramBlocks][gramBlocks]*graph.Node
	rows := make([]*graph.Node, gramBlocks)
	for i := range columns {
		for k := range columns {
			if k < i {
				products[i][k] = graph.Transpose(products[k][i], 0, 1)
			} else {
				products[i][k] = graph.DotGeneral(columns[i], []int{0}, nil, columns[k], []int{0}, nil)
			}
		}
		rows[i] = graph.Concatenate(products[i][:], 1)
	}
	return graph.Concatenate(rows, 0)
}
