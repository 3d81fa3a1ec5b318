package optim

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/objective"
)

// shampooFactors says which parts of θ are matrices with a Kronecker-factored preconditioner: for a matrix with the gradient G,
// of shape [m, n], a left factor of shape [m, m] is made of GGᵀ and a right one of shape [n, n] of GᵀG. Factors of one size
// are one tensor of shape [number, size, size], so that a graph treats all of them at once.
type shampooFactors struct {
	dim      int
	matrices []factored
	groups   []factorGroup // one for each size
}

// factored is a matrix in θ and where its factors are.
type factored struct {
	begin, rows, columns int
	left, right          factorPlace
}

type factorPlace struct{ group, index int }

type factorGroup struct{ size, number int }

// shampooFactorsOf takes the blocks of rank 2 with both dimensions up to a size.
func shampooFactorsOf(obj *objective.Objective, owner string, maxSize int) (shampooFactors, error) {
	k := shampooFactors{dim: obj.Dim}
	blocks, _, err := obj.ConsecutiveBlocks(owner)
	if err != nil {
		return k, err
	}
	for _, b := range blocks {
		if len(b.Dims) == 2 && max(b.Dims[0], b.Dims[1]) <= maxSize {
			m := factored{begin: b.Offset, rows: b.Dims[0], columns: b.Dims[1]}
			m.left, m.right = k.place(m.rows), k.place(m.columns)
			k.matrices = append(k.matrices, m)
		}
	}
	if len(k.matrices) == 0 {
		return k, objective.Unsuitable("optim: Objective.Blocks has no matrix with dimensions up to %s.MaxSize = %d, expected at least one", owner, maxSize)
	}
	return k, nil
}

// place makes room for one more factor.
func (k *shampooFactors) place(size int) factorPlace {
	g := slices.IndexFunc(k.groups, func(g factorGroup) bool { return g.size == size })
	if g < 0 {
		g, k.groups = len(k.groups), append(k.groups, factorGroup{size: size})
	}
	k.groups[g].number++
	return factorPlace{g, k.groups[g].number - 1}
}

// shapes are those of one square matrix for each factor.
func (k shampooFactors) shapes(dtype dtypes.DType) []shapes.Shape {
	all := make([]shapes.Shape, len(k.groups))
	for i, g := range k.groups {
		all[i] = shapes.Make(dtype, g.number, g.size, g.size)
	}
	return all
}

// of is the matrix in x, which is like θ.
func (m factored) of(x *graph.Node) *graph.Node {
	return graph.Reshape(graph.Slice(x, graph.AxisRange(m.begin, m.begin+m.rows*m.columns)), m.rows, m.columns)
}

// of is the matrix of a factor among those of all, shape [size, size].
func (p factorPlace) of(all []*graph.Node) *graph.Node {
	size := all[p.group].Shape().Dimensions[1]
	return graph.Reshape(graph.Slice(all[p.group], graph.AxisElem(p.index)), size, size)
}

// change builds x, which is like θ, with the i-th matrix replaced by with(i, matrix). The rest stays.
func (k shampooFactors) change(x *graph.Node, with func(i int, matrix *graph.Node) *graph.Node) *graph.Node {
	var parts []*graph.Node
	end := 0
	for i, m := range k.matrices {
		if m.begin > end {
			parts = append(parts, graph.Slice(x, graph.AxisRange(end, m.begin)))
		}
		parts = append(parts, graph.Reshape(with(i, m.of(x)), m.rows*m.columns))
		end = m.begin + m.rows*m.columns
	}
	if end < k.dim {
		parts = append(parts, graph.Slice(x, graph.AxisRange(end, k.dim)))
	}
	return graph.Concatenate(parts, 0)
}

// blend moves the factors towards GGᵀ and GᵀG.
func (k shampooFactors) blend(factors []*graph.Node, gradient *graph.Node, beta float64) []*graph.Node {
	fresh := make([][]*graph.Node, len(k.groups))
	add := func(p factorPlace, g *graph.Node, axis int) {
		product := graph.DotGeneral(g, []int{axis}, nil, g, []int{axis}, nil)
		fresh[p.group] = append(fresh[p.group], graph.InsertAxes(product, 0))
	}
	for _, m := range k.matrices {
		add(m.left, m.of(gradient), 1)
		add(m.right, m.of(gradient), 0)
	}
	next := make([]*graph.Node, len(factors))
	for i := range factors {
		next[i] = blend(factors[i], graph.Concatenate(fresh[i], 0), beta)
	}
	return next
}

// identities is one of each, shape [1, size, size].
func identities(like *graph.Node) *graph.Node {
	n := like.Shape().Dimensions[1]
	at := func(axis int) *graph.Node { return graph.Iota(like.Graph(), shapes.Make(like.DType(), 1, n, n), axis) }
	return graph.ConvertDType(graph.Equal(at(1), at(2)), like.DType())
}

// trace is the trace of each, shape [number, 1, 1]; for those that are zero a small number, to divide by.
func trace(all *graph.Node) *graph.Node {
	sum := graph.ReduceAndKeep(graph.Mul(all, graph.BroadcastToShape(identities(all), all.Shape())), graph.ReduceSum, 1, 2)
	return graph.Max(sum, graph.MulScalar(graph.OnesLike(sum), 1e-30))
}

// product is A·B for each.
func product(a, b *graph.Node) *graph.Node {
	return graph.DotGeneral(a, []int{2}, []int{0}, b, []int{1}, []int{0})
}

// What is made of the factors has to be renewed by straight-line code: in the loop of iterations on the device GoMLX cannot
// have another loop or a condition (XLA wants their functions to be closures of the function that they are in, but those of
// GoMLX are closures of the main one). So the work is shared among steps: a renewal begins in one of them, and in the last
// one the result replaces the previous one. With a single step for it there is no delay.

// renewalTurn counts the steps of a renewal, from 0: whether it begins and whether it ends in this one, and the next count.
func renewalTurn(count *graph.Node, steps int) (begins, ends, next *graph.Node) {
	zero := graph.ZerosLike(count)
	ends = graph.GreaterThan(count, graph.AddScalar(zero, float64(steps)-1.5))
	return graph.Equal(count, zero), ends, graph.Where(ends, zero, graph.AddScalar(count, 1))
}

// share is the part of the work for each of some steps.
func share(work, steps int) int { return (work + steps - 1) / steps }
