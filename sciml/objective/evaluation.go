package objective

import (
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// Evaluation is a program with one evaluation of the objective in its middle, for methods that need no more of it. One that is built of graphs becomes part of the
// program; a Function is called between two.
type Evaluation struct {
	obj         *Objective
	whole       *device.Program // of an objective in graphs
	where, then *device.Program // of a Function
}

// NewEvaluation makes an evaluation. Where builds θ of the inputs, and then builds the outputs of the point there and of
// the inputs, to which the objective's data do not belong.
func NewEvaluation(obj *Objective, name string, where func(in []*graph.Node) *graph.Node, then func(p *Point, in []*graph.Node) []*graph.Node) (*Evaluation, error) {
	if obj == nil {
		return nil, errNil
	}
	e := &Evaluation{obj: obj}
	var err error
	if obj.Function == nil {
		e.whole, err = device.NewProgram(obj.Compiler(), name, func(all []*graph.Node) []*graph.Node {
			in, data := all[:len(all)-len(obj.Data)], all[len(all)-len(obj.Data):]
			return then(obj.BuildPoint(where(in), data), in)
		})
		return e, err
	}
	if e.where, err = device.NewProgram(obj.Compiler(), name+": θ", func(in []*graph.Node) []*graph.Node {
		// Identity, because a program that only returns an input fails on the pure-Go back end where others follow it.
		return []*graph.Node{graph.Identity(where(in))}
	}); err != nil {
		return nil, err
	}
	e.then, err = device.NewProgram(obj.Compiler(), name, func(all []*graph.Node) []*graph.Node {
		return then(&Point{Theta: all[0], Loss: all[1], Gradient: all[2]}, all[3:])
	})
	return e, err
}

// Call runs it on device tensors; the first call compiles it.
func (e *Evaluation) Call(inputs ...[]*tensors.Tensor) ([]*tensors.Tensor, error) {
	if e == nil || e.obj == nil {
		return nil, literal("Evaluation")
	}
	if e.whole != nil {
		return e.whole.Call(append(inputs, e.obj.Data)...)
	}
	theta, err := e.where.Call(inputs...)
	if err != nil {
		return nil, err
	}
	defer device.Free(theta)
	point, err := e.obj.computeAt(theta[0])
	if err != nil {
		return nil, err
	}
	defer device.Free(point)
	return e.then.Call(append([][]*tensors.Tensor{point}, inputs...)...)
}

// Ahead has it compiled for inputs of these shapes beside what the caller does next.
func (e *Evaluation) Ahead(inputs ...shapes.Shape) {
	if e != nil && e.whole != nil {
		e.whole.Ahead(inputs, device.ShapesOf(e.obj.Data))
	}
}
