package optim

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/gosciml/gosciml/sciml/autodiff"
)

// hasResidual reports that f = Σ rᵢ² is known as such.
func (o *Objective) hasResidual() bool {
	return o.Loss == nil && (o.Residual != nil || o.Pieces != nil)
}

// needsResidual reports that a method cannot do without residuals.
func (o *Objective) needsResidual(method string) error {
	if o.Function == nil && (o.Residual != nil || o.Pieces != nil) {
		return nil
	}
	return fmt.Errorf("optim: %s needs the residuals whose squares are the loss, expected Objective.Residual or Pieces; energies and plain functions have none", method)
}

// residual builds r, shape [M].
func (o *Objective) residual(theta *graph.Node, data []*graph.Node) *graph.Node {
	if o.Residual != nil {
		return flattened([]*graph.Node{o.Residual(theta, data)})
	}
	return flattened(o.Pieces(theta, data))
}

func flattened(pieces []*graph.Node) *graph.Node {
	flat := make([]*graph.Node, len(pieces))
	for i, p := range pieces {
		flat[i] = graph.Reshape(p, p.Shape().Size())
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return graph.Concatenate(flat, 0)
}

// linearized builds r, shape [M], and its Jacobian J, shape [M, P].
func (o *Objective) linearized(theta *graph.Node, data []*graph.Node) (r, j *graph.Node) {
	if o.Pieces == nil {
		r = o.residual(theta, data)
		row := graph.Reshape(r, 1, r.Shape().Size()) // as the components of one point
		return r, graph.Reshape(autodiff.Jacobian(row, theta), r.Shape().Size(), o.Dim)
	}
	pieces := o.Pieces(theta, data)
	rows := make([]*graph.Node, len(pieces))
	for i, p := range pieces {
		rows[i] = graph.Reshape(autodiff.Jacobian(p, theta), p.Shape().Size(), o.Dim)
	}
	if len(rows) == 1 {
		return flattened(pieces), rows[0]
	}
	return flattened(pieces), graph.Concatenate(rows, 0)
}

// mostReversePasses is the number of residuals up to which a Jacobian is made row by row, in one graph.
const mostReversePasses = 256

// hasJacobian reports whether J can be had as a matrix of M rows.
func (o *Objective) hasJacobian(rows int) bool { return o.Pieces != nil || rows <= mostReversePasses }

// countResiduals is M.
func (o *Objective) countResiduals() (int, error) {
	size, err := o.sizeOf(o.residual)
	if err == nil && size == 0 {
		err = errors.New("optim: Objective.Residual is empty, expected at least one residual")
	}
	return size, err
}

// sizeOf is the size of what build makes of θ and the data, by its shape: nothing is compiled.
func (o *Objective) sizeOf(build func(theta *graph.Node, data []*graph.Node) *graph.Node) (size int, err error) {
	g := graph.NewGraph(o.Backend, "size")
	defer g.Finalize()
	caught := exceptions.TryCatch[error](func() {
		theta := graph.Parameter(g, "theta", shapes.Make(o.dtype(), o.Dim))
		data := make([]*graph.Node, len(o.Data))
		for i, d := range o.Data {
			data[i] = graph.Parameter(g, fmt.Sprintf("data%d", i), d.Shape())
		}
		size = build(theta, data).Shape().Size()
	})
	if caught != nil {
		return 0, fmt.Errorf("optim: building the residuals: %w", caught)
	}
	return size, nil
}
