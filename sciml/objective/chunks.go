package objective

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// chunk is a part of the samples of an objective: consecutive rows of each group, about the same share of all.
type chunk struct {
	from, to []int // of the rows of each group; nil for all samples
	rows     []int // the places of its residuals among all of them
}

// chunks divides the samples so that J of as many chunks as are there at a time fits into the budget. What is the answer, for
// errors.
func (l *Linearizer) chunks(what string, atATime int) ([]chunk, error) {
	o := l.obj
	made, err := o.JacobianSize()
	if err != nil {
		return nil, fmt.Errorf("objective: %s: %w; products are to be had", what, err)
	}
	const copies = 3 // J, its parts before they are joined, and one transposed
	need := copies * float64(o.Precision().Size()) * float64(made) * float64(o.Dim) * float64(atATime)
	count := int(math.Ceil(need / float64(l.budget)))
	all := make([]int, l.rows)
	for i := range all {
		all[i] = i
	}
	if atATime > 1 && need <= float64(atATime)*float64(l.budget) {
		count = 1
	}
	if count <= 1 {
		return []chunk{{rows: all}}, nil
	}
	tooLarge := func(why string) error {
		return TooLarge("objective: %s needs J of %d residuals by %d parameters, %.3g GiB with what goes with it, more than the budget of %.3g GiB, and %s",
			what, l.rows, o.Dim, need/float64(atATime)/(1<<30), float64(l.budget)/(1<<30), why)
	}
	if len(o.Samples) == 0 {
		return nil, tooLarge("Objective.Samples is nil, so that there are no chunks of it")
	}
	for _, group := range o.Samples {
		if len(group.Scales) == 0 {
			return nil, tooLarge(fmt.Sprintf("Samples %q have no Scales, so that the residuals of a chunk have other weights", group.Name))
		}
		count = min(count, group.Rows)
	}
	whole, err := l.pieceSizes(nil)
	if err != nil {
		return nil, err
	}
	offsets := make([]int, len(whole)) // where the rows of each piece go on
	for p := 1; p < len(whole); p++ {
		offsets[p] = offsets[p-1] + whole[p-1]
	}
	parts := make([]chunk, count)
	for k := range parts {
		c := &parts[k]
		for _, group := range o.Samples {
			c.from = append(c.from, group.Rows*k/count)
			c.to = append(c.to, group.Rows*(k+1)/count)
		}
		sizes, err := l.pieceSizes(c)
		if err != nil {
			return nil, err
		}
		for p, size := range sizes {
			for range size {
				c.rows = append(c.rows, offsets[p])
				offsets[p]++
			}
		}
	}
	end := 0
	for p, size := range whole {
		if end += size; offsets[p] != end {
			return nil, tooLarge(errChunks.Error())
		}
	}
	return parts, nil
}

// pieceSizes are the numbers of residuals in each piece, of a chunk or of all samples. Nothing is compiled.
func (l *Linearizer) pieceSizes(c *chunk) ([]int, error) {
	o := l.obj
	dims := make([]shapes.Shape, len(o.Data))
	for i, d := range o.Data {
		dims[i] = d.Shape().Clone()
	}
	if c != nil {
		for g, group := range o.Samples {
			for _, place := range group.Data {
				dims[place].Dimensions[0] = c.to[g] - c.from[g]
			}
		}
	}
	return build(o, dims, func(theta *graph.Node, data []*graph.Node) (sizes []int) {
		pieces := []*graph.Node{}
		if o.Pieces != nil {
			pieces = o.BuildPieces(theta, data)
		} else {
			pieces = append(pieces, o.BuildResidual(theta, data))
		}
		for _, p := range pieces {
			sizes = append(sizes, p.Shape().Size())
		}
		return sizes
	})
}

// build has see build a graph of θ and data of some shapes, which is thrown away.
func build[T any](o *Objective, data []shapes.Shape, see func(theta *graph.Node, data []*graph.Node) T) (seen T, err error) {
	if err := o.Check(); err != nil {
		return seen, err
	}
	return device.Beside(o.ctx, device.Grace, "building a graph of the objective", func() (seen T, err error) {
		g := graph.NewGraph(o.Backend, "shapes")
		defer g.Finalize()
		err = usercode.Call("", func() error {
			theta := graph.Parameter(g, "theta", shapes.Make(o.Precision(), o.Dim))
			var nodes []*graph.Node
			for i, shape := range data {
				nodes = append(nodes, graph.Parameter(g, fmt.Sprintf("data%d", i), shape))
			}
			seen = see(theta, nodes)
			return nil
		})
		return seen, err
	})
}

// each calls do with the data of each chunk.
func (l *Linearizer) each(parts []chunk, do func(k int, data []*tensors.Tensor) error) error {
	for k, c := range parts {
		if err := l.with(c, func(data []*tensors.Tensor) error { return do(k, data) }); err != nil {
			return err
		}
	}
	return nil
}

// with calls do with the data of a chunk, which are freed afterwards.
func (l *Linearizer) with(c chunk, do func(data []*tensors.Tensor) error) error {
	if c.from == nil {
		return do(l.obj.Data)
	}
	data := append([]*tensors.Tensor(nil), l.obj.Data...)
	var mine []*tensors.Tensor
	defer func() { device.Free(mine) }()
	for g, group := range l.obj.Samples {
		for _, place := range group.Data {
			rows, err := device.Rows(data[place], c.from[g], c.to[g])
			if err != nil {
				return err
			}
			data[place] = rows
			mine = append(mine, rows)
		}
	}
	return do(data)
}
