package pinn

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Objective is the loss, for any optimizer: a sum of squared residuals, or, with an energy, a Loss alone. It is a
// specification, with the points and weights at the start: each run moves those of its own.
func (m *Model) Objective() *objective.Objective {
	if m.ready() != nil {
		return nil // which Minimize and all others refuse
	}
	o := &objective.Objective{Backend: m.backend, Dim: m.NumParams(), DType: m.options.DType}
	o.Data = m.data(m.clouds, newWeights(m.clouds))
	o.Blocks, o.Samples = m.blocks(), m.samples()
	o.Remarks = m.remarks
	o.Terms = &objective.Terms{Names: namesOf(m.clouds), Build: m.parts, Rows: m.pieces, Where: m.where}
	o.Metric = m.metricOf()
	if m.hasEnergy() {
		o.Loss = m.loss
	} else {
		o.Residual = m.residual
		o.Terms.Residuals, o.Pieces = m.pieces, m.pieces
	}
	if m.options.Weighting != nil || m.options.Refiner != nil || m.options.Laplacians.Directions > 0 || m.options.PseudoTime.on() {
		o.Adaptation = adaptation{m}
	}
	return o
}

// ObjectiveOf is the loss with the points and weights that an adapter of the model's objective has come to, or those of the start
// where it is nil: what a training was minimizing in the end. They stay as they are. It fails for the adapter of another model.
func (m *Model) ObjectiveOf(by objective.Adapter) (*objective.Objective, error) {
	if err := m.ready(); err != nil {
		return nil, err
	}
	clouds, weights, err := m.cameTo(by)
	if err != nil {
		return nil, err
	}
	o := m.Objective()
	o.Adaptation = nil
	if by != nil {
		o.Data = m.data(clouds, weights)
	}
	return o, nil
}

// pieces builds the residuals of each term, scaled by √(wλ/N), shape [rows, components].
func (m *Model) pieces(theta *graph.Node, data []*graph.Node) []*graph.Node {
	var pieces []*graph.Node
	m.each(theta, data, nil, func(t *term, r, scale *graph.Node) {
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
	m.each(theta, data, nil, func(t *term, r, scale *graph.Node) {
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
	m.each(theta, data, nil, func(t *term, r, scale *graph.Node) { parts = append(parts, t.lossOf(r, scale)) })
	return parts
}

// where is the point of a row of a term, in words.
func (m *Model) where(term, row int, data []*tensors.Tensor) string {
	for i, c := range m.clouds {
		if term >= len(c.terms) {
			term -= len(c.terms)
			continue
		}
		if t := c.terms[term]; t.tested && t.equation {
			return fmt.Sprintf("test function %d", row)
		} else if t.tested {
			return fmt.Sprintf("sum %d of %d", row, t.rows)
		}
		d := len(m.problem.Coordinates)
		all, err := device.Numbers(data[m.layout.clouds[i].points])
		if err != nil || (row+1)*d > len(all) {
			return ""
		}
		at := make([]string, d)
		for k, v := range all[row*d : (row+1)*d] {
			at[k] = fmt.Sprintf("%s = %.6g", m.problem.Coordinates[k], v)
		}
		return strings.Join(at, ", ")
	}
	return ""
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

// shaped checks the shape and the type of a residual, and gives it a second axis.
func (m *Model) shaped(t *term, rows int, dtype dtypes.DType, r *graph.Node) *graph.Node {
	if r == nil || r.Rank() < 1 || r.Rank() > 2 || r.Shape().Dimensions[0] != rows || r.Shape().Size() == 0 {
		got := "nothing"
		if r != nil {
			got = r.Shape().String()
		}
		panic(usercode.Wrong(t.code, "pinn: the residual %q of problem %q has shape %s, expected one row for each of its %d points: [%d] or [%d, components]",
			t.name, m.problem.Name, got, rows, rows, rows))
	}
	if r.DType() != dtype {
		panic(usercode.Wrong(t.code, "pinn: the residual %q of problem %q is of type %s, expected %s, the floating-point type of the points", t.name, m.problem.Name, r.DType(), dtype))
	}
	if t.energy && r.Shape().Size() != rows {
		panic(usercode.Wrong(t.code, "pinn: the Energy of problem %q has shape %s, expected one number for each of its %d points: [%d] or [%d, 1]",
			m.problem.Name, r.Shape(), rows, rows, rows))
	}
	if r.Rank() == 1 {
		return graph.ExpandAxes(r, 1)
	}
	return r
}
