// Package optim minimizes smooth functions of a flat parameter vector θ, on the device that computes them.
//
// The parts, each replaceable:
//
//   - an Objective says what is minimized, as graph-building functions, or with FromFunction as plain Go code;
//   - a Direction turns a point and its gradient into a step (Adam, L-BFGS, …), also as a graph;
//   - a Search decides how far to go along it (strong Wolfe, …), on the host, from a few numbers;
//   - a Method ties them together; Hybrid chains methods;
//   - Minimize is the one run loop: stopping, history, monitoring, cancellation, the best iterate.
//
// Loss, gradient and update are compiled into one program, and θ stays on the device between iterations.
// The package knows nothing of networks or differential equations.
package optim

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gosciml/gosciml/sciml/internal/device"
)

// GraphFn builds a node from theta (shape [Dim]) and the objective's data, in the order of Objective.Data.
type GraphFn func(theta *graph.Node, data []*graph.Node) *graph.Node

// Objective is a smooth f: R^Dim → R. It offers what it can: methods that need a Residual say so when it is missing.
type Objective struct {
	// Backend computes. Required.
	Backend compute.Backend
	// Dim is P, the length of θ. Required.
	Dim int
	// DType is the floating-point type of θ; the zero value means float64.
	DType dtypes.DType
	// Residual builds r(θ), of any shape with M entries, scaled so that f = Σ rᵢ². Gauss–Newton methods need it, or Pieces.
	Residual GraphFn
	// Pieces builds the same residual in pieces of shape [N] or [N, C] that are Residual when they are flattened and put one
	// after the other, and in which row n depends on θ and on sample n alone. Then a Jacobian takes one reverse pass for
	// each column of a piece, see autodiff.Jacobian; without Pieces it takes one for each of the M residuals. When Residual
	// is nil it is made of Pieces.
	Pieces func(theta *graph.Node, data []*graph.Node) []*graph.Node
	// Loss builds the scalar f(θ). When nil, f = Σ rᵢ² of Residual.
	Loss GraphFn
	// Function computes f(θ) and ∇f(θ) on the host, in the place of Loss and Residual; see FromFunction. Objectives with
	// one have no Data, Samples or Terms.
	Function Function
	// Data are further inputs of every program, such as collocation points. Replacing a tensor by one of the same
	// shape between iterations needs no compilation.
	Data []*tensors.Tensor
	// Terms are the parts that the loss is the sum of, for the history; nil for none.
	Terms *Terms
	// Blocks partition θ into matrices and vectors, for methods that use them; nil when it has no such structure.
	Blocks []Block
	// Samples say which rows of Data belong together, for stochastic methods, which take some of them at a time: the
	// functions above must then take data with fewer rows, too. Nil when the loss is no sum over samples.
	Samples []Samples
	// Adaptation replaces Data during a run; nil for none.
	Adaptation Adaptation
}

// Terms are the parts of a loss.
type Terms struct {
	Names []string
	// Build builds them as scalars, one for each name.
	Build func(theta *graph.Node, data []*graph.Node) []*graph.Node
}

// Samples are independent parts of a loss, such as collocation points: row n of some tensors of the data is sample n.
type Samples struct {
	// Name is for messages, Rows the number of samples.
	Name string
	Rows int
	// Data are the places in Objective.Data of the tensors whose first axis has one entry for each sample.
	Data []int
	// Scales is the place of the tensors among them, shape [Rows], whose squares weigh the samples in a sum: of a batch of
	// B rows they are multiplied by √(Rows/B), so that its loss is an unbiased estimate. Empty where the loss is a mean
	// over the samples that it is given.
	Scales []int
}

// Block is a part of θ that is a matrix, or a tensor of another rank, such as the weights of a layer: entries Offset to
// Offset + the product of Dims, in row-major order.
type Block struct {
	Name   string
	Offset int
	Dims   []int
}

// check reports the first thing wrong with the objective.
func (o *Objective) check() error {
	switch {
	case o == nil:
		return errors.New("optim: the objective is nil")
	case o.Backend == nil:
		return errors.New("optim: Objective.Backend is nil, expected an open back end such as backend.Open gives")
	case o.Loss == nil && o.Residual == nil && o.Pieces == nil && o.Function == nil:
		return errors.New("optim: Objective has neither Loss nor Residual nor Pieces nor Function, expected one of them")
	case o.Dim < 1:
		return fmt.Errorf("optim: Objective.Dim is %d, expected at least 1", o.Dim)
	case o.dtype() != dtypes.Float64 && o.dtype() != dtypes.Float32:
		return fmt.Errorf("optim: Objective.DType is %s, expected float64 or float32", o.DType)
	}
	return o.checkFunction()
}

// checkStart reports what is wrong with a starting point.
func (o *Objective) checkStart(theta []float64) error {
	if len(theta) != o.Dim {
		return fmt.Errorf("optim: the starting θ has %d entries, expected Objective.Dim = %d", len(theta), o.Dim)
	}
	for i, v := range theta {
		if !device.Finite(v) {
			return fmt.Errorf("optim: entry %d of the starting θ is %v, expected a finite number", i, v)
		}
	}
	return nil
}

func (o *Objective) dtype() dtypes.DType {
	if o.DType == dtypes.InvalidDType {
		return dtypes.Float64
	}
	return o.DType
}

// loss builds f(θ).
func (o *Objective) loss(theta *graph.Node, data []*graph.Node) *graph.Node {
	if o.Function != nil {
		panic(errors.New("optim: the objective has a Function, expected Loss or Residual to build a graph of"))
	}
	var f *graph.Node
	if o.Loss == nil {
		f = graph.ReduceAllSum(graph.Square(o.residual(theta, data)))
	} else if f = o.Loss(theta, data); !f.IsScalar() {
		panic(fmt.Errorf("optim: Objective.Loss built a node of shape %s, expected a scalar", f.Shape()))
	}
	if f.DType() != theta.DType() {
		panic(fmt.Errorf("optim: the loss has type %s, expected %s as θ has", f.DType(), theta.DType()))
	}
	return f
}

// Point is what a Direction sees: θ, and what the objective offers there.
type Point struct {
	theta, loss, gradient *graph.Node
	obj                   *Objective
	data                  []*graph.Node
}

// at builds the point θ of the objective, with its loss and gradient.
func (o *Objective) at(theta *graph.Node, data []*graph.Node) *Point {
	f := o.loss(theta, data)
	return &Point{theta: theta, loss: f, gradient: graph.Gradient(f, theta)[0], obj: o, data: data}
}

// Theta is θ, shape [P].
func (p *Point) Theta() *graph.Node { return p.theta }

// Loss is f(θ), a scalar.
func (p *Point) Loss() *graph.Node { return p.loss }

// Gradient is ∇f(θ), shape [P].
func (p *Point) Gradient() *graph.Node { return p.gradient }
