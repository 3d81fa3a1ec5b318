package diagnose

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// Evidence is what Explain reads. All of it but the history may be left out: Explain then says what it could not see. A number
// that is zero is not known.
type Evidence struct {
	// Result is that of the training: of one that still runs, a Result with its History so far, and the status Running.
	Result optim.Result
	// Objective is the loss, at the points and with the weights of the training as far as they are known, for experiments that
	// begin at Result.Theta; nil for none. Experiments take some seconds.
	Objective *objective.Objective
	// Precision is that of the training, where there is no Objective; float64 when not set.
	Precision dtypes.DType

	// Terms are the parts of the loss at the result.
	Terms []Term
	// Trained is the root mean square of the equations' residuals, without weights, at the points of the training, and HeldOut
	// at others, in the beginning HeldOutFirst.
	Trained, HeldOut, HeldOutFirst float64
	// HeldOutAt measures HeldOut elsewhere, so that an experiment is judged by it; nil where that is not to be had.
	HeldOutAt func(ctx context.Context, theta []float64) (float64, error)
	// Start is a start of the network by a seed, to see where another one leads; nil where that is not to be had.
	Start func(seed uint64) []float64
	// Slabs are the residuals in parts of the time, from the first to the last; nil for a problem without time.
	Slabs []Slab
	// Error is that of the result, relative to a solution that is known.
	Error float64

	// Target is the relative error that is good enough, and, where the error is not known, the part of the first residual:
	// UsualTarget when zero.
	Target float64
}

// Term is a part of a loss.
type Term struct {
	// Name is the one that the history has it by.
	Name string
	// Loss is the mean square of its residual, without weights.
	Loss float64
}

// Slab is a part of the time.
type Slab struct {
	// From and To are the times that it lies between.
	From, To float64
	// Residual is the root mean square of the equations' residuals there, without weights, and Rate that of the part of them
	// that derivatives by time make: what the equations balance.
	Residual, Rate float64
}

// check reports a number that is none.
func (e *Evidence) check() error {
	for _, n := range []struct {
		name  string
		value float64
	}{{"Trained", e.Trained}, {"HeldOut", e.HeldOut}, {"HeldOutFirst", e.HeldOutFirst}, {"Error", e.Error}, {"Target", e.Target}} {
		if !(n.value >= 0) {
			return fmt.Errorf("diagnose: Evidence.%s is %v, expected at least 0 (0 where it is not known)", n.name, n.value)
		}
	}
	if p := e.Precision; p != dtypes.InvalidDType && p != dtypes.Float64 && p != dtypes.Float32 {
		return fmt.Errorf("diagnose: Evidence.Precision is %s, expected float64 or float32", p)
	}
	if e.Objective == nil {
		return nil
	}
	if err := e.Objective.Check(); err != nil {
		return err
	}
	return e.Objective.CheckStart(e.Result.Theta)
}

// single reports whether the training computed in float32.
func (e *Evidence) single() bool {
	if e.Objective != nil {
		return e.Objective.Precision() == dtypes.Float32
	}
	return e.Precision == dtypes.Float32
}

// known reports whether a number is there.
func known(v float64) bool { return v > 0 && !math.IsInf(v, 0) }
