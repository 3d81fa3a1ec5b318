package optim

import (
	"context"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Method is an optimization method with its settings; it holds no state of a run and may be used for many.
type Method interface {
	// Name is short and appears in histories and figures, for example "L-BFGS".
	Name() string
	// Start begins a run at theta (shape [Dim], on the device). It reports settings that make no sense.
	Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error)
}

// Stepper is a method at work on one objective.
type Stepper interface {
	// Advance makes up to n iterations and says how they went. It returns early, without an error, when an iterate
	// meets the goal, when the method cannot go on (in both cases Progress.Status says so), and between iterations
	// when ctx is done.
	Advance(ctx context.Context, n int, goal Goal) (Progress, error)
	// Current is the iterate after the last iteration.
	Current() *tensors.Tensor
	// Best is the iterate with the lowest finite loss seen, and that loss (+Inf before any was seen).
	Best() (*tensors.Tensor, float64)
	// Refresh tells that Objective.Data was replaced. The iterate stays; losses known so far are forgotten, the best
	// one among them, and so is what compares losses or gradients from before with such from after.
	Refresh()
	// Save returns the complete state, and Restore takes it back in a stepper that was just started by the same method.
	Save() ([]byte, error)
	Restore(saved []byte) error
}

// stopper is a Stepper that keeps something, such as a goroutine, until it is told that its work is over.
type stopper interface{ stop() }

func stopStepper(s Stepper) {
	if keeper, ok := s.(stopper); ok {
		keeper.stop()
	}
}

// Goal is where a run ends: at the first iterate whose loss, or norm of the gradient, is not above the number.
type Goal struct {
	Loss     float64 // -Inf for none
	Gradient float64 // 0 for none: a gradient that is exactly zero is always the end
}

// Met returns the status and the reason for stopping at r, or Running.
func (g Goal) Met(r Record) (Status, string) {
	switch {
	case r.Loss <= g.Loss:
		return LossReached, fmt.Sprintf("%.3g ≤ %.3g", r.Loss, g.Loss)
	case r.GradientNorm <= g.Gradient:
		return GradientSmall, fmt.Sprintf("%.3g ≤ %.3g", r.GradientNorm, g.Gradient)
	}
	return Running, ""
}

// Progress is the outcome of Stepper.Advance.
type Progress struct {
	// Records has one entry for each iterate whose loss became known, in order. Advance fills Loss, GradientNorm,
	// Step, Evaluations (of these iterations alone) and, in a Hybrid, Phase; the run loop fills the rest.
	Records []Record
	// Iterations is the number of steps made.
	Iterations int
	// Status is Running unless the method cannot go on.
	Status Status
	// Message explains a Status other than Running, or tells of a switch of phase.
	Message string
	// Adapt asks for a change of the objective before the next iteration, where it has an Adaptation: new collocation
	// points for a method that makes much of the ones it has in a few iterations.
	Adapt bool
}

// Direction turns a point into a step. Its functions build graphs.
type Direction interface {
	// State gives the shapes of what the direction remembers between iterations; all of it starts as zeros.
	State(dim int, dtype dtypes.DType) []shapes.Shape
	// Step builds the step p (shape [P]) from the point and the state, and the state to remember. It is called once
	// per iteration, each time at a new point, so that a quasi-Newton direction learns from the change.
	Step(p *objective.Point, state []*graph.Node) (step *graph.Node, next []*graph.Node)
}
