package objective

import (
	"math/rand/v2"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/device"
)

// Subspaces are random ones of dimension Size in the space of Items parameters. Each has an orthonormal basis C in blocks: θ is cut
// into parts, such as the weights of a layer, and the longest axis of each part is mixed by a random matrix with orthonormal
// columns. So what goes into a layer, or what comes back to it, can be mixed in the place of the weights; see
// autodiff.JacobianTimes. The zero value has the whole space, of which C is the identity.
type Subspaces struct {
	Items, Size int
	parts       []section
}

// section is a part of θ, a tensor of three axes, and how many columns the matrix has that mixes the middle one.
type section struct {
	offset              int
	before, axis, after int
	columns             int
}

// mostMixed bounds the length of an axis where there is none, that of a long vector.
const mostMixed = 64

// NewSubspaces are those for an objective, in which each part of θ has the same share of its dimensions, or one more than that: in
// all about so many, or the whole space where that is not less. Parts are the Blocks, or parts of any kind where there are none.
func NewSubspaces(o *Objective, columns int) Subspaces {
	if columns >= o.Dim {
		return Subspaces{Items: o.Dim, Size: o.Dim}
	}
	blocks, _, err := o.ConsecutiveBlocks("subspaces")
	if err != nil {
		blocks = []Block{{Dims: []int{o.Dim}}}
	}
	s := Subspaces{Items: o.Dim}
	for _, b := range blocks {
		for _, part := range sectionsOf(b) {
			part.columns = max(1, part.axis*columns/o.Dim)
			s.parts = append(s.parts, part)
			s.Size += part.before * part.columns * part.after
		}
	}
	for i := range s.parts { // what rounding has left
		p := &s.parts[i]
		if more := s.Size + p.before*p.after; p.columns < p.axis && more <= columns {
			p.columns, s.Size = p.columns+1, more
		}
	}
	return s
}

// sectionsOf are the parts of a block: itself, or a long vector as a matrix and what is left.
func sectionsOf(b Block) []section {
	longest, size := 0, 1
	for i, d := range b.Dims {
		size *= d
		if d > b.Dims[longest] {
			longest = i
		}
	}
	if len(b.Dims) == 0 || b.Dims[longest] == size {
		axis := min(size, mostMixed)
		parts := []section{{offset: b.Offset, before: 1, axis: axis, after: size / axis}}
		if left := size % axis; left > 0 {
			parts = append(parts, section{offset: b.Offset + size - left, before: 1, axis: left, after: 1})
		}
		return parts
	}
	p := section{offset: b.Offset, before: 1, axis: b.Dims[longest], after: 1}
	for i, d := range b.Dims {
		if i < longest {
			p.before *= d
		} else if i > longest {
			p.after *= d
		}
	}
	return []section{p}
}

// Whole reports whether there is but the whole space.
func (s Subspaces) Whole() bool { return len(s.parts) == 0 }

// Subspace is one of them.
type Subspace struct {
	Subspaces
	mixes []*mat.Dense // of each part, shape [axis, columns]
}

// Draw draws one of them. It takes nothing from rng for the whole space.
func (s Subspaces) Draw(rng *rand.Rand) Subspace {
	d := Subspace{Subspaces: s}
	for _, p := range s.parts {
		d.mixes = append(d.mixes, orthonormal(rng, p.axis, p.columns))
	}
	return d
}

// orthonormal is a random matrix with orthonormal columns, whose span may be any with the same probability.
func orthonormal(rng *rand.Rand, rows, columns int) *mat.Dense {
	m := mat.NewDense(rows, columns, nil)
	for i := range rows {
		for k := range columns {
			m.Set(i, k, rng.NormFloat64())
		}
	}
	var qr mat.QR
	qr.Factorize(m)
	var q mat.Dense
	qr.QTo(&q)
	m.Copy(q.Slice(0, rows, 0, columns))
	return m
}

// Inputs are what Narrow and Expand take within a program: NumInputs tensors.
func (d Subspace) Inputs(obj *Objective) []*tensors.Tensor {
	var all []*tensors.Tensor
	for i, m := range d.mixes {
		all = append(all, device.Filled(shapes.Make(obj.Precision(), d.parts[i].axis, d.parts[i].columns), m.RawMatrix().Data))
	}
	return all
}

// NumInputs is the number of inputs of a subspace.
func (s Subspaces) NumInputs() int { return len(s.parts) }

// Step is Cz, on the host.
func (d Subspace) Step(z []float64) []float64 {
	if d.Whole() {
		return z
	}
	step := make([]float64, d.Items)
	for i, p := range d.parts {
		for b := range p.before {
			in := mat.NewDense(p.columns, p.after, z[:p.columns*p.after])
			begin := p.offset + b*p.axis*p.after
			mat.NewDense(p.axis, p.after, step[begin:begin+p.axis*p.after]).Mul(d.mixes[i], in)
			z = z[p.columns*p.after:]
		}
	}
	return step
}

// mixing is C as a graph has it.
func (s Subspaces) mixing(in []*graph.Node) autodiff.Mixing {
	var c autodiff.Mixing
	for i, p := range s.parts {
		c = append(c, autodiff.Mix{Offset: p.offset, Before: p.before, Axis: p.axis, After: p.after, By: in[i]})
	}
	return c
}

// Narrow builds JC of shape [M, Size] for J of shape [M, Items].
func (s Subspaces) Narrow(j *graph.Node, in []*graph.Node) *graph.Node { return s.mixing(in).Apply(j) }

// Expand builds Cz of shape [Items] for z of shape [Size].
func (s Subspaces) Expand(z *graph.Node, in []*graph.Node) *graph.Node { return s.mixing(in).Step(z) }
