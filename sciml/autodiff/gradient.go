package autodiff

import (
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// manyEntries is the length of a vector from which padding counts: 8 MiB in double precision.
const manyEntries = 1 << 20

// Gradient returns the gradient of a scalar f with respect to a vector theta, as graph.Gradient does. Where a long theta is taken
// apart by slices, as networks over one flat vector do, it puts the gradients of the slices next to each other; graph.Gradient
// pads each with zeros to the length of theta and adds them up, which takes a vector of that length for each. The same numbers
// are added in the same order, but XLA may round them differently, as it joins other operations into one.
func Gradient(f, theta *graph.Node) *graph.Node {
	if theta.Shape().Size() < manyEntries {
		return reverse(f, theta)[0]
	}
	return gradientBySlices(f, theta)
}

func gradientBySlices(f, theta *graph.Node) *graph.Node {
	s := &slicing{consumers: map[graph.NodeId][]*graph.Node{}, gradients: map[graph.NodeId]*graph.Node{}}
	s.visit(f, map[graph.NodeId]bool{})
	s.split(theta)
	for i, g := range reverse(f, s.leaves...) {
		s.gradients[s.leaves[i].Id()] = g
	}
	return s.assemble(theta)
}

// slicing is how a vector is taken apart.
type slicing struct {
	consumers map[graph.NodeId][]*graph.Node
	leaves    []*graph.Node // that something else than slices takes
	gradients map[graph.NodeId]*graph.Node
}

func (s *slicing) visit(n *graph.Node, seen map[graph.NodeId]bool) {
	if seen[n.Id()] {
		return
	}
	seen[n.Id()] = true
	for _, input := range n.Inputs() {
		s.consumers[input.Id()] = append(s.consumers[input.Id()], n)
		s.visit(input, seen)
	}
}

// slices are the parts that n is taken apart into, each with all slices of it, latest first, in the order of their places; nil
// where something else takes n as well, or parts overlap.
func (s *slicing) slices(n *graph.Node) []slicedPart {
	var parts []slicedPart
	taken := slices.Clone(s.consumers[n.Id()])
	slices.SortFunc(taken, func(a, b *graph.Node) int { return int(b.Id()) - int(a.Id()) })
	for _, c := range slices.Compact(taken) {
		if c.Type() != graph.NodeTypeSlice || c.Rank() != 1 || c.StopGradient() {
			return nil
		}
		if strides := integers(c, "strides"); len(strides) > 0 && strides[0] != 1 {
			return nil
		}
		from := integers(c, "starts")[0]
		to := from + c.Shape().Size()
		i := slices.IndexFunc(parts, func(p slicedPart) bool { return p.from == from && p.to == to })
		if i < 0 {
			i = len(parts)
			parts = append(parts, slicedPart{from: from, to: to})
		}
		parts[i].nodes = append(parts[i].nodes, c)
	}
	slices.SortFunc(parts, func(a, b slicedPart) int { return a.from - b.from })
	for i := 1; i < len(parts); i++ {
		if parts[i].from < parts[i-1].to {
			return nil
		}
	}
	return parts
}

// slicedPart are the entries from and up to to, and the slices that have them.
type slicedPart struct {
	from, to int
	nodes    []*graph.Node
}

// split finds the leaves.
func (s *slicing) split(n *graph.Node) {
	parts := s.slices(n)
	if parts == nil {
		s.leaves = append(s.leaves, n)
		return
	}
	for _, p := range parts {
		for _, c := range p.nodes {
			s.split(c)
		}
	}
}

// assemble builds the gradient with respect to n of those of the leaves.
func (s *slicing) assemble(n *graph.Node) *graph.Node {
	if g := s.gradients[n.Id()]; g != nil {
		return g
	}
	var side []*graph.Node
	at := 0
	gap := func(to int) {
		if to > at {
			side = append(side, graph.Zeros(n.Graph(), shapes.Make(n.DType(), to-at)))
		}
	}
	for _, p := range s.slices(n) {
		gap(p.from)
		sum := s.assemble(p.nodes[0])
		for _, c := range p.nodes[1:] { // latest first, as reverse mode adds them up
			sum = graph.Add(sum, s.assemble(c))
		}
		side, at = append(side, sum), p.to
	}
	gap(n.Shape().Size())
	if len(side) == 1 {
		return side[0]
	}
	return graph.Concatenate(side, 0)
}
