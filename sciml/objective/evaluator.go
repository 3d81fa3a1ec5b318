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
	p, err := device.NewProgram(obj.Backend, "loss and gradient", func(in []*graph.Node) []*graph.Node {
		point := obj.BuildPoint(in[0], in[1:])
		return []*graph.Node{point.Loss, point.Gradient}
	})
	return &Evaluator{obj: obj, program: p}, err
}

// BuildPoint returns f(θ) and ∇f(θ), which may be NaN or infinite. It fails when theta has another length than Objective.Dim.
func (e *Evaluator) At(theta []float64) (loss float64, gradient []float64, err error) {
	if len(theta) != e.obj.Dim {
		return 0, nil, fmt.Errorf("objective: theta has %d entries, expected Objective.Dim = %d", len(theta), e.obj.Dim)
	}
	if e.program == nil {
		return e.obj.compute(slices.Clone(theta))
	}
	out, err := e.program.Call([]*tensors.Tensor{device.Vector(e.obj.Precision(), theta)}, e.obj.Data)
	if err != nil {
		return 0, nil, err
	}
	gradient, err = device.Numbers(out[1])
	return device.Number(out[0]), gradient, err
}
