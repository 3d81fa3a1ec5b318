package objective

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// Evaluator computes an objective's loss and gradient for vectors on the host: to look at a landscape, or to hand the
// objective to another optimizer. It is compiled once, and follows changes of Objective.Data.
type Evaluator struct {
	obj     *Objective
	program *device.Program // nil for a Function
}

// NewEvaluator makes an evaluator. It fails when the objective is incomplete.
func NewEvaluator(obj *Objective) (*Evaluator, error) {
	if err := obj.Check(); err != nil {
		return nil, err
	}
	if obj.Function != nil {
		return &Evaluator{obj: obj}, nil
	}
	p, err := device.NewProgram(obj.Compiler(), "loss and gradient", func(in []*graph.Node) []*graph.Node {
		point := obj.BuildPoint(in[0], in[1:])
		return []*graph.Node{point.Loss, point.Gradient}
	})
	return &Evaluator{obj: obj, program: p}, err
}

// At returns f(θ) and ∇f(θ), which may be NaN or infinite. It fails when theta has another length than Objective.Dim.
func (e *Evaluator) At(theta []float64) (loss float64, gradient []float64, err error) {
	if e == nil || e.obj == nil {
		return 0, nil, literal("Evaluator")
	}
	if e.program == nil {
		if err := e.obj.checkLength(theta); err != nil {
			return 0, nil, err
		}
		return e.obj.compute(slices.Clone(theta))
	}
	t, err := e.obj.upload(theta)
	if err != nil {
		return 0, nil, err
	}
	out, err := e.program.Call([]*tensors.Tensor{t}, e.obj.Data)
	device.Free([]*tensors.Tensor{t})
	if err != nil {
		return 0, nil, err
	}
	defer device.Free(out)
	gradient, err = device.Numbers(out[1])
	return device.Number(out[0]), gradient, err
}

func (o *Objective) checkLength(theta []float64) error {
	if o == nil {
		return errNil
	}
	if len(theta) != o.Dim {
		return fmt.Errorf("objective: theta has %d entries, expected Objective.Dim = %d", len(theta), o.Dim)
	}
	return nil
}

// upload takes a vector of the right length to the device.
func (o *Objective) upload(theta []float64) (*tensors.Tensor, error) {
	if err := o.checkLength(theta); err != nil {
		return nil, err
	}
	return device.Vector(o.Precision(), theta), nil
}
