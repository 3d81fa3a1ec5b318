package pinn

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/pde"
)

// Objective is the loss, for any optimizer: a sum of squared residuals, or, with an energy, a Loss alone. Each call
// makes one of its own, with the points and weights at the start.
func (m *Model) Objective() *objective.Objective {
	clouds := make([]*cloud, len(m.clouds))
	for i, c := range m.clouds {
		clouds[i] = c.clone()
	}
	o := &objective.Objective{Backend: m.backend, Dim: m.NumParams(), DType: m.options.DType}
	o.Data = m.data(clouds, newWeights(clouds))
	o.Blocks, o.Samples = m.blocks(), samplesOf(clouds)
	o.Terms = &objective.Terms{Names: namesOf(clouds), Build: m.parts}
	if m.hasEnergy() {
		o.Loss = m.loss
	} else {
		o.Residual = m.residual
		if m.pointwise() {
			o.Pieces = m.pieces
		}
	}
	if m.options.Weighting != nil || m.options.Refiner != nil {
		o.Adaptation = newAdaptation(m, o, clouds)
	}
	return o
}

// pointwise reports whether no row of a residual depends on more than one point.
func (m *Model) pointwise() bool {
	return !slices.ContainsFunc(termsOf(m.clouds), func(t *term) bool { return t.tested })
}

// pieces builds the residuals of each term, scaled by √(wλ/N), shape [rows, components].
func (m *Model) pieces(theta *graph.Node, data []*graph.Node) []*graph.Node {
	var pieces []*graph.Node
	m.each(theta, data, func(t *term, r, scale *graph.Node) {
		pieces = append(pieces, graph.Mul(r, graph.ExpandAxes(scale, 1)))
	})
	return pieces
}

// residual builds all residuals as one vector.
func (m *Model) residual(theta *graph.Node, data []*graph.Node) *graph.Node {
	var parts []*graph.Node
	for _, piece := range m.pieces(theta, data) {
		parts = append(parts, graph.Reshape(piece, piece.Shape().Size()))
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return graph.Concatenate(parts, 0)
}

// loss builds the sum of energies and squared residuals.
func (m *Model) loss(theta *graph.Node, data []*graph.Node) *graph.Node {
	var total *graph.Node
	m.each(theta, data, func(t *term, r, scale *graph.Node) {
		part := t.lossOf(r, scale)
		if total == nil {
			total = part
		} else {
			total = graph.Add(total, part)
		}
	})
	return total
}

// parts builds what each term adds to the loss.
func (m *Model) parts(theta *graph.Node, data []*graph.Node) []*graph.Node {
	var parts []*graph.Node
	m.each(theta, data, func(t *term, r, scale *graph.Node) { parts = append(parts, t.lossOf(r, scale)) })
	return parts
}

// blocks are those of the network, and each coefficient.
func (m *Model) blocks() []objective.Block {
	var blocks []objective.Block
	for _, b := range m.network.Blocks() {
		blocks = append(blocks, objective.Block{Name: b.Name, Offset: b.Offset, Dims: b.Dims})
	}
	for i, c := range m.problem.Coefficients {
		blocks = append(blocks, objective.Block{Name: c.Name, Offset: m.network.NumParams() + i, Dims: []int{1}})
	}
	return blocks
}

// samplesOf are the points of each cloud, in the layout of Model.data. Test functions couple all points of theirs.
func samplesOf(clouds []*cloud) []objective.Samples {
	var all []objective.Samples
	place := 0
	for _, c := range clouds {
		s := objective.Samples{Name: namesOf([]*cloud{c})[0], Rows: c.points.N}
		pointwise := true
		add := func(there bool) {
			if there {
				s.Data = append(s.Data, place)
				place++
			}
		}
		add(true)
		add(c.points.Normals != nil)
		add(c.partner != nil)
		for _, t := range c.terms {
			s.Scales = append(s.Scales, place)
			add(true)
			add(t.values != nil)
			pointwise = pointwise && !t.tested
			place += len(t.extra)
		}
		if pointwise {
			all = append(all, s)
		}
	}
	return all
}

// each builds the residual of every term, shape [rows, components], and hands it on with its scale, shape [rows].
func (m *Model) each(theta *graph.Node, data []*graph.Node, do func(t *term, r, scale *graph.Node)) {
	take := func() *graph.Node {
		first := data[0]
		data = data[1:]
		return first
	}
	for _, c := range m.clouds {
		x := take()
		inputs := pde.Inputs{}
		if c.points.Normals != nil {
			inputs.Normal = take()
		}
		if c.partner != nil {
			partner := take()
			inputs.Partner = m.fields(theta, partner, pde.Inputs{Normal: inputs.Normal})
		}
		shared := m.fields(theta, x, inputs)
		for _, t := range c.terms {
			scale := take()
			u := shared
			if t.values != nil {
				u = u.WithValues(take())
			}
			extra := data[:len(t.extra)]
			data = data[len(t.extra):]
			rows := t.rows
			if !t.tested { // perhaps some of the points only
				rows = x.Shape().Dimensions[0]
			}
			do(t, m.shaped(t, rows, t.build(u, extra)), scale)
		}
	}
}

// shaped checks the shape of a residual, and gives it a second axis.
func (m *Model) shaped(t *term, rows int, r *graph.Node) *graph.Node {
	if r == nil || r.Rank() < 1 || r.Rank() > 2 || r.Shape().Dimensions[0] != rows {
		got := "nothing"
		if r != nil {
			got = r.Shape().String()
		}
		panic(fmt.Errorf("pinn: the residual %q of problem %q has shape %s, expected one row for each of its %d points: [%d] or [%d, components]",
			t.name, m.problem.Name, got, rows, rows, rows))
	}
	if t.energy && r.Shape().Size() != rows {
		panic(fmt.Errorf("pinn: the Energy of problem %q has shape %s, expected one number for each of its %d points: [%d] or [%d, 1]",
			m.problem.Name, r.Shape(), rows, rows, rows))
	}
	if r.Rank() == 1 {
		return graph.ExpandAxes(r, 1)
	}
	return r
}
