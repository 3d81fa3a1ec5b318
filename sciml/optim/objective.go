// Package optim minimizes smooth functions of a flat parameter vector θ, on the device that computes them.
//
// The parts, each replaceable:
//
//   - an Objective says what is minimized, as graph-building functions;
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
	// Residual builds r(θ) of shape [M], scaled so that f = Σ rᵢ². Gauss–Newton methods need it.
	Residual GraphFn
	// Loss builds the scalar f(θ). When nil, f = Σ rᵢ² of Residual.
	Loss GraphFn
	// Data are further inputs of every program, such as collocation points. Replacing a tensor by one of the same
	// shape between iterations needs no compilation.
	Data []*tensors.Tensor
	// Adaptation replaces Data during a run; nil for none.
	Adaptation Adaptation
}

// check reports the first thing wrong with the objective.
func (o *Objective) check() error {
	switch {
	case o == nil:
		return errors.New("optim: the objective is nil")
	case o.Backend == nil:
		return errors.New("optim: Objective.Backend is nil, expected an open back end such as backend.Open gives")
	case o.Loss == nil && o.Residual == nil:
		return errors.New("optim: Objective has neither Loss nor Residual, expected one of them")
	case o.Dim < 1:
		return fmt.Errorf("optim: Objective.Dim is %d, expected at least 1", o.Dim)
	case o.dtype() != dtypes.Float64 && o.dtype() != dtypes.Float32:
		return fmt.Errorf("optim: Objective.DType is %s, expected float64 or float32", o.DType)
	}
	return nil
}

// checkStart reports what is wrong with a starting point.
func (o *Objective) checkStart(theta []float64) error {
	if len(theta) != o.Dim {
		return fmt.Errorf("optim: the starting θ has %d entries, expected Objective.Dim = %d", len(theta), o.Dim)
	}
	for i, v := range theta {
		if !finite(v) {
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
	var f *graph.Node
	if o.Loss == nil {
		f = graph.ReduceAllSum(graph.Square(o.Residual(theta, data)))
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
}

// at builds the point θ of the objective, with its loss and gradient.
func (o *Objective) at(theta *graph.Node, data []*graph.Node) *Point {
	f := o.loss(theta, data)
	return &Point{theta: theta, loss: f, gradient: graph.Gradient(f, theta)[0]}
}

// Theta is θ, shape [P].
func (p *Point) Theta() *graph.Node { return p.theta }

// Loss is f(θ), a scalar.
func (p *Point) Loss() *graph.Node { return p.loss }

// Gradient is ∇f(θ), shape [P].
func (p *Point) Gradient() *graph.Node { return p.gradient }
