package objective

import (
	"errors"
	"fmt"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Function computes f(θ) and writes ∇f(θ) into gradient, which comes as zeros of the length of theta. Both slices are its
// own. It is called by one goroutine at a time, that of Minimize; a panic in it ends the run with an error.
type Function func(theta, gradient []float64) float64

// FromFunction makes an objective of plain Go code for θ of length dim. Vectors are computed with by GoMLX's pure-Go back
// end, so that nothing has to be installed; set another Objective.Backend where the algebra of a method is the larger part
// of its work. It fails when dim is below 1 or above 2³¹, or f is nil. Methods that need more than values and gradients, such as products
// with the Hessian or batches of samples, refuse such an objective.
func FromFunction(dim int, f Function) (*Objective, error) {
	if f == nil {
		return nil, errors.New("objective: the function is nil, expected one that computes f(θ) and its gradient")
	}
	b, err := HostBackend()
	if err != nil {
		return nil, fmt.Errorf("objective: opening the pure-Go back end: %w", err)
	}
	o := &Objective{Backend: b, Dim: dim, Function: f}
	if err := o.Check(); err != nil {
		return nil, err
	}
	return o, nil
}

// HostBackend opens the back end of FromFunction, once. It computes one operation after the other: those of a method are short,
// and a goroutine for each takes longer.
func HostBackend() (compute.Backend, error) { return hostBackend() }

var hostBackend = sync.OnceValues(func() (compute.Backend, error) { return gobackend.New("ops_sequential") })

// checkFunction reports what a Function cannot go together with.
func (o *Objective) checkFunction() error {
	switch {
	case o.Function == nil:
		return nil
	case o.Loss != nil || o.Residual != nil || o.Pieces != nil:
		return errors.New("objective: Objective has a Function and a Loss or Residual, expected one of them")
	case len(o.Data) > 0 || len(o.Samples) > 0:
		return errors.New("objective: Objective has a Function and Data or Samples, which only graphs take; expected none")
	case o.Metric != nil:
		return errors.New("objective: Objective has a Function and a Metric, which only graphs have; expected none")
	case o.Terms != nil:
		return errors.New("objective: Objective has a Function and Terms, which only graphs have; expected none")
	}
	return nil
}

// NeedGraph reports that a method of that name needs more, in words, than the values and gradients that a Function gives
// (ErrUnsuitable).
func (o *Objective) NeedGraph(method, what string) error {
	if o == nil {
		return errNil
	}
	if o.Function == nil {
		return nil
	}
	return Unsuitable("objective: %s needs %s, which Objective.Function does not give; expected Objective.Loss or Residual", method, what)
}

// compute calls the Function.
func (o *Objective) compute(theta []float64) (loss float64, gradient []float64, err error) {
	gradient = make([]float64, o.Dim)
	err = usercode.Call("Objective.Function", func() error {
		loss = o.Function(theta, gradient)
		return nil
	})
	return loss, gradient, err
}

// computeAt calls the Function for θ on the device, and puts loss and gradient there.
func (o *Objective) computeAt(theta *tensors.Tensor) ([]*tensors.Tensor, error) {
	values, err := device.Numbers(theta)
	if err != nil {
		return nil, fmt.Errorf("objective: reading θ from the device: %w", err)
	}
	loss, gradient, err := o.compute(values)
	if err != nil {
		return nil, err
	}
	return []*tensors.Tensor{theta, device.Scalar(o.Precision(), loss), device.Vector(o.Precision(), gradient)}, nil
}
