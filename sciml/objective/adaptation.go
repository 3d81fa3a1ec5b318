package objective

import (
	"context"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// Adaptation says how the data of an objective change while it is minimized: new collocation points, new weights. Like the
// objective it is a specification, and each run has an Adapter of its own, so that using an objective twice gives the same
// result twice. Data of the same shapes need no compilation.
type Adaptation interface {
	// Every is the number of iterations between two changes, at least 1.
	Every() int
	// Begin returns what makes the changes of one run, from the data of the objective on.
	Begin() Adapter
}

// Adapter changes the data of one run.
type Adapter interface {
	// Adapt returns the data to go on with, in the order and the shapes of Objective.Data, or nil to leave them as they
	// are. It is asked before the first iteration, when Adaptation.Every says so, and where a method cannot go on or asks for
	// it. New tensors belong to the run. Losses seen before a change are of another function, and the iterate is evaluated
	// again. When it fails, with the error of ctx if that ends it, nothing has changed; that ends the run, but at an
	// iterate whose loss is not finite, where it is an event and the method may know a way back.
	Adapt(ctx context.Context, now Iterate) ([]*tensors.Tensor, error)
	// Save returns all that the changes to come depend on but the data; Load takes it back, in a run that goes on.
	Save() ([]byte, error)
	Load(saved []byte) error
}

// Iterate is a moment of a run.
type Iterate struct {
	// Iteration is the number of iterations made.
	Iteration int
	// Theta is the iterate, on the device, and Data are those of the run. Both are lent.
	Theta *tensors.Tensor
	Data  []*tensors.Tensor
	// Stuck says that the method cannot go on, or asks for a change, so that one is welcome out of turn.
	Stuck bool
}

// ForRun is a copy with Data of its own, so that a run may replace them and the objective stays as it is. Nothing that is asked
// of it waits for a program to be compiled when ctx is done: it fails then, by an error that wraps that of ctx.
func (o *Objective) ForRun(ctx context.Context) *Objective {
	if o == nil {
		return nil
	}
	own := *o
	own.Data = append([]*tensors.Tensor(nil), o.Data...)
	own.ctx = ctx
	return &own
}

// Interrupted is the error of the context of ForRun once that is done. Loops that call the device ask for it.
func (o *Objective) Interrupted() error {
	if o == nil {
		return nil
	}
	if o.ctx == nil {
		return nil
	}
	return o.ctx.Err()
}

// Compiler is what programs of the objective are compiled by, for this package and its methods.
func (o *Objective) Compiler() device.Compiler {
	if o == nil {
		return device.Compiler{}
	}
	return device.Compiler{Backend: o.Backend, Context: o.ctx}
}
