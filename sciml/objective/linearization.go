package objective

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// IsLeastSquares reports that f = Σ rᵢ² is known as such: there is no Loss beside the residuals.
func (o *Objective) IsLeastSquares() bool {
	return o != nil && o.Loss == nil && (o.Residual != nil || o.Pieces != nil)
}

// NeedResidual reports that a method of that name cannot do without the residuals that the objective lacks (ErrUnsuitable).
func (o *Objective) NeedResidual(method string) error {
	if o == nil {
		return errNil
	}
	if o.Function == nil && (o.Residual != nil || o.Pieces != nil) {
		return nil
	}
	return Unsuitable("objective: %s needs the residuals whose squares are the loss, expected Objective.Residual or Pieces; energies and plain functions have none", method)
}

// BuildResidual builds r, shape [M].
func (o *Objective) BuildResidual(theta *graph.Node, data []*graph.Node) *graph.Node {
	if o.Residual != nil {
		return Flatten([]*graph.Node{built("Objective.Residual", o.Residual, theta, data)})
	}
	return Flatten(o.BuildPieces(theta, data))
}

// BuildPieces builds the residuals in Pieces, of an objective that has them.
func (o *Objective) BuildPieces(theta *graph.Node, data []*graph.Node) []*graph.Node {
	return allBuilt("Objective.Pieces", o.Pieces, theta, data)
}

// built calls a function of the user's that has that name.
func built(name string, by GraphFn, theta *graph.Node, data []*graph.Node) *graph.Node {
	return usercode.Build(name, func() *graph.Node {
		n := by(theta, data)
		if n == nil {
			panic(usercode.Wrong(by, "gives nil, expected a node"))
		}
		return n
	})
}

// allBuilt is built for one that builds several nodes.
func allBuilt(name string, by func(theta *graph.Node, data []*graph.Node) []*graph.Node, theta *graph.Node, data []*graph.Node) []*graph.Node {
	return usercode.Build(name, func() []*graph.Node {
		all := by(theta, data)
		if i := slices.Index(all, nil); i >= 0 || len(all) == 0 {
			panic(usercode.Wrong(by, "gives %d nodes, and nil at %d, expected at least one, none of them nil", len(all), i))
		}
		return all
	})
}

// Flatten builds one vector of pieces, one after the other in row-major order.
func Flatten(pieces []*graph.Node) *graph.Node {
	flat := make([]*graph.Node, len(pieces))
	for i, p := range pieces {
		flat[i] = graph.Reshape(p, p.Shape().Size())
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return graph.Concatenate(flat, 0)
}

// BuildLinearization builds r, shape [M], and its Jacobian J, shape [M, P]: by one reverse pass for each column of a piece, as far as
// residuals do not interact (see autodiff.Jacobian). Without Pieces it is one for each residual where they are few, or a forward pass
// for each parameter if those are, as the ones of a regression.
func (o *Objective) BuildLinearization(theta *graph.Node, data []*graph.Node) (r, j *graph.Node) {
	if o.through != nil {
		return o.through.build(theta, data)
	}
	if o.Pieces == nil {
		r = o.BuildResidual(theta, data)
		j, _ = o.withoutPieces(r, theta)
		return r, j
	}
	pieces := o.BuildPieces(theta, data)
	rows := make([]*graph.Node, len(pieces))
	for i, p := range pieces {
		rows[i] = graph.Reshape(autodiff.Jacobian(p, theta), p.Shape().Size(), o.Dim)
	}
	if len(rows) == 1 {
		return Flatten(pieces), rows[0]
	}
	return Flatten(pieces), graph.Concatenate(rows, 0)
}

// withoutPieces builds J of residuals of no known structure, and the number of rows that it is made from.
func (o *Objective) withoutPieces(r, theta *graph.Node) (j *graph.Node, made int) {
	size := r.Shape().Size()
	if o.Dim < size && o.Dim <= MostForwardPasses && exceptions.TryCatch[error](func() { j = byColumns(r, theta) }) == nil {
		return j, size
	}
	if size <= MostReversePasses {
		return jacobianOf(graph.Reshape(r, 1, size), theta), size // as the components of one point
	}
	return jacobianAndCost(r, theta)
}

// byColumns builds J by one forward pass for each parameter.
func byColumns(r, theta *graph.Node) *graph.Node {
	dim := theta.Shape().Dimensions[0]
	columns := make([]*graph.Node, dim)
	for i := range columns {
		unit := graph.OneHot(graph.Const(theta.Graph(), int32(i)), dim, theta.DType())
		columns[i] = autodiff.JVP(r, []*graph.Node{theta}, []*graph.Node{unit})
	}
	return graph.Stack(columns, 1)
}

// jacobianOf is the Jacobian of residuals as a matrix.
func jacobianOf(r, theta *graph.Node) *graph.Node {
	return graph.Reshape(autodiff.Jacobian(r, theta), r.Shape().Size(), theta.Shape().Size())
}

// jacobianAndCost is jacobianOf with the number of rows that it is made from.
func jacobianAndCost(r, theta *graph.Node) (j *graph.Node, made int) {
	j = jacobianOf(r, theta)
	cost, err := autodiff.JacobianCost(r, theta)
	if err != nil {
		panic(err)
	}
	return j, cost.Rows
}

// MostReversePasses is the number of residuals, and MostForwardPasses that of parameters, up to which a Jacobian without Pieces is made
// row by row, or column by column, in one graph.
const (
	MostReversePasses = 256
	MostForwardPasses = 64
)

// JacobianSize is the number of rows of J and of what it is made from, where that is more: points of an integral, for example. It
// fails where J cannot be had as a matrix (ErrUnsuitable), because residuals interact in a way that takes too many reverse
// passes, or because an operation has no derivative. Nothing is compiled.
func (o *Objective) JacobianSize() (rows int, err error) {
	if o != nil && o.through != nil {
		return o.through.rows(o.Dim)
	}
	rows, err = Trace(o, func(theta *graph.Node, data []*graph.Node) int {
		if o.Pieces == nil {
			r := o.BuildResidual(theta, data)
			_, made := o.withoutPieces(r, theta)
			return max(r.Shape().Size(), made)
		}
		rows, made := 0, 0
		for _, p := range o.BuildPieces(theta, data) {
			rows += p.Shape().Size()
			_, more := jacobianAndCost(p, theta)
			made += more
		}
		return max(rows, made)
	})
	if err != nil {
		return 0, unlessCut(err, "objective: the Jacobian of the residuals cannot be had as a matrix: %w", err)
	}
	return rows, nil
}

// NeedForward reports that the residuals have no derivative along a direction of θ, of that order, for a method of that name
// (ErrUnsuitable). Nothing is compiled.
func (o *Objective) NeedForward(method string, order int) error {
	_, err := Trace(o, func(theta *graph.Node, data []*graph.Node) *graph.Node {
		r := o.BuildResidual(theta, data)
		for range order {
			r = autodiff.JVP(r, []*graph.Node{theta}, []*graph.Node{graph.OnesLike(theta)})
		}
		return r
	})
	if err != nil {
		return unlessCut(err, "objective: %s needs derivatives of the residuals in forward mode: %w", method, err)
	}
	return nil
}

// NeedGradient reports an operation of the loss that has no derivative, by its name, or whatever else keeps the loss and its gradient
// from being built. Nothing is compiled. A Function passes.
func (o *Objective) NeedGradient() error {
	if o != nil && o.Function != nil {
		return nil
	}
	_, err := Trace(o, func(theta *graph.Node, data []*graph.Node) *Point { return o.BuildPoint(theta, data) })
	return err
}

// NumResiduals is M.
func (o *Objective) NumResiduals() (int, error) {
	if o == nil {
		return 0, errNil
	}
	size, err := o.sizeOf(o.BuildResidual)
	if err == nil && size == 0 {
		err = errors.New("objective: Objective.Residual is empty, expected at least one residual")
	}
	return size, err
}

// sizeOf is the size of what build makes of θ and the data, by its shape: nothing is compiled.
func (o *Objective) sizeOf(build func(theta *graph.Node, data []*graph.Node) *graph.Node) (int, error) {
	return Trace(o, func(theta *graph.Node, data []*graph.Node) int { return build(theta, data).Shape().Size() })
}

// Trace has see build a graph of θ and the data that is thrown away, and returns what it saw there. Nothing is compiled. Panics of
// see are errors.
func Trace[T any](o *Objective, see func(theta *graph.Node, data []*graph.Node) T) (seen T, err error) {
	if o == nil {
		return seen, errNil
	}
	data := make([]shapes.Shape, len(o.Data))
	for i, d := range o.Data {
		data[i] = d.Shape()
	}
	return build(o, data, see)
}

// NeedJacobian reports that J of so many rows cannot be had as a matrix, for a method of that name (ErrUnsuitable), or not within
// so many bytes (ErrTooLarge).
func (o *Objective) NeedJacobian(method string, rows int, most int64) error {
	if o == nil {
		return errNil
	}
	made, err := o.JacobianSize()
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	all, err := o.NumResiduals()
	if err != nil {
		return err
	}
	n, entries := float64(min(rows, o.Dim)), float64(rows)*float64(made)/float64(all)*float64(o.Dim)
	if need := float64(o.Precision().Size()) * (2*entries + 2*n*n); need > float64(most) {
		return TooLarge("objective: %s needs %.3g GiB for the Jacobian of %d residuals by %d parameters, expected at most MaxMemory = %.3g GiB", method, need/(1<<30), rows, o.Dim, float64(most)/(1<<30))
	}
	return nil
}

// NumResidualsOf is the number of residuals of a batch with so many samples of each group.
func (o *Objective) NumResidualsOf(sizes []int) (int, error) {
	if o == nil {
		return 0, errNil
	}
	groups := make([]shapes.Shape, len(sizes))
	for i, size := range sizes {
		groups[i] = shapes.Make(dtypes.Int32, 1, size)
	}
	return o.sizeOf(func(theta *graph.Node, data []*graph.Node) *graph.Node {
		g := theta.Graph()
		indices := make([]*graph.Node, len(groups))
		for i, shape := range groups {
			indices[i] = graph.Zeros(g, shape)
		}
		b := NewBatch(o, indices, graph.Const(g, int32(0)), data)
		return o.BuildResidual(theta, b.Data())
	})
}
