package optim

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Method is an optimization method with its settings; it holds no state of a run and may be used for many.
type Method interface {
	// Name is short and appears in histories and figures, for example "L-BFGS".
	Name() string
	// Start begins a run at theta (shape [Dim]), of which it takes a copy. It reports settings that make no sense, and what
	// the objective lacks (then errors.Is with objective.ErrUnsuitable) or what would not fit (objective.ErrTooLarge).
	Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error)
}

// Stepper is a method at work on one objective. It may be more: a Restarter, a Relocator, a Stopper.
//
// A stepper owns its tensors. Start, Restart and Relocate take a copy of theta. Current and Best lend: what they return stays
// the stepper's, and is valid until the next call of another of its methods.
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

// Restarter is a Stepper that can begin anew without being compiled again.
type Restarter interface {
	Stepper
	// Restart begins at theta as if nothing had been learned. Schedules of the rate, and the order of batches, go on.
	Restart(theta *tensors.Tensor) error
}

// Relocator is a Stepper that can go on from elsewhere with what it has learned of the objective, such as its curvature.
type Relocator interface {
	Stepper
	// Relocate goes on from theta. Losses known so far are forgotten, and so is what compares an iterate with the last one.
	Relocate(theta *tensors.Tensor) error
}

// Stopper is a Stepper that keeps something, such as memory of the device or a goroutine, until it is told that its work is
// over. The steppers of this package are Stoppers.
type Stopper interface {
	Stepper
	// Stop is called once, after the last call of any other method. What Current and Best have lent is not valid any more.
	Stop()
}

func stop(s Stepper) {
	if keeper, ok := s.(Stopper); ok {
		keeper.Stop()
	}
}

// lender is a Stepper whose Current or Best takes a call to the device, which may fail. They have another one to lend then, and
// cannot say so.
type lender interface {
	// lendError is the first error that they have met.
	lendError() error
}

func lendError(s Stepper) error {
	if l, ok := s.(lender); ok {
		return l.lendError()
	}
	return nil
}

// relocate has s go on from theta: with what it has learned, or else anew. It reports whether s can.
func relocate(s Stepper, theta *tensors.Tensor) (bool, error) {
	switch s := s.(type) {
	case Relocator:
		return true, s.Relocate(theta)
	case Restarter:
		return true, s.Restart(theta)
	}
	return false, nil
}

// Goal is where a run ends: at the first iterate whose loss, or norm of the gradient, is not above the number.
type Goal struct {
	Loss     float64 // -Inf for none
	Gradient float64 // 0 for none but a gradient that is exactly zero, which is always the end
}

// Met returns the status and the reason for stopping at r, or Running. A loss that is NaN or infinite meets nothing.
func (g Goal) Met(r Record) (Status, string) {
	switch {
	case !device.Finite(r.Loss):
	case r.Loss <= g.Loss:
		return LossReached, fmt.Sprintf("%.3g ≤ %.3g", r.Loss, g.Loss)
	case r.GradientNorm <= g.Gradient && r.GradientNorm == 0:
		return GradientSmall, "the gradient is exactly zero"
	case r.GradientNorm <= g.Gradient:
		return GradientSmall, fmt.Sprintf("%.3g ≤ %.3g", r.GradientNorm, g.Gradient)
	}
	return Running, ""
}

// standing is an iterate as its run sees it.
type standing struct {
	Record
	lowest float64 // the lowest finite loss, that of the iterate included
	start  bool    // no step led here
}

// judge is Met with a view to the result, which is the iterate with the lowest loss: a small gradient elsewhere says nothing
// of it, and one that is zero at the start says little.
func (g Goal) judge(at standing, obj *objective.Objective) (Status, string) {
	status, why := g.Met(at.Record)
	if status == LossReached || !device.Finite(at.Loss) {
		return status, why
	}
	above := at.Loss-at.lowest > math.Cbrt(device.Epsilon(obj.Precision()))*math.Abs(at.lowest) // and not by rounding
	switch {
	case at.GradientNorm == 0 && above:
		return Stationary, fmt.Sprintf("the loss is %.3g there, on a plateau above the lowest loss %.3g", at.Loss, at.lowest)
	case at.GradientNorm == 0 && at.start && !(obj.IsLeastSquares() && at.Loss == 0):
		return Stationary, "at the start: the loss may not depend on θ, the start may be a stationary point, or squares of the gradient underflow"
	case above:
		return Running, ""
	}
	return status, why
}

// nonFinite says what is NaN or infinite at an iterate, or nothing.
func nonFinite(r Record, start bool) string {
	became := "became"
	if start {
		became = "at the start is"
	}
	switch {
	case !device.Finite(r.Loss):
		return fmt.Sprintf("the loss %s %v", became, r.Loss)
	case !device.Finite(r.GradientNorm):
		return fmt.Sprintf("the norm of the gradient %s %v where the loss is finite", became, r.GradientNorm)
	}
	return ""
}

// Progress is the outcome of Stepper.Advance.
type Progress struct {
	// Records has one entry for each iterate whose loss became known, in order. Advance fills Loss, GradientNorm,
	// Step, Evaluations (of these iterations alone) and, in a Hybrid, Phase; the run loop fills the rest.
	Records []Record
	// Evaluations are those that belong to no record, such as those of a search that failed, or of an iterate that was told
	// of before.
	Evaluations int
	// Iterations is the number of steps made.
	Iterations int
	// Status is Running unless the method cannot go on.
	Status Status
	// Message explains a Status other than Running, or tells of a switch of phase.
	Message string
	// Remark is what else there is to say, for the events of the history, whatever the Status.
	Remark string
	// Adapt asks for a change of the objective before the next iteration, where it has an Adaptation: new collocation
	// points for a method that makes much of the ones it has in a few iterations.
	Adapt bool
}

// Direction turns a point into a step. Its functions build graphs. FixedStep and LineSearch make a Method of one. A Direction
// that compares a point with the one before it is a Rebaser as well.
type Direction interface {
	// State gives the shapes of what the direction remembers between iterations; all of it starts as zeros.
	State(dim int, dtype dtypes.DType) []shapes.Shape
	// Step builds the step p (shape [P]) from the point and the state, and the state to remember. It is called once
	// per iteration, each time at a new point, so that a quasi-Newton direction learns from the change.
	Step(p *objective.Point, state []*graph.Node) (step *graph.Node, next []*graph.Node)
}

// Rebaser is a Direction, or a Schedule, that compares a point with the one before it.
type Rebaser interface {
	// Rebase returns the state without what belongs to the previous point, because the objective has changed since, or the
	// iterate is elsewhere. It returns tensors of the given state, or new ones.
	Rebase(state []*tensors.Tensor) []*tensors.Tensor
}

// rebase prepares the state of a direction or a schedule for a changed objective.
func rebase(by any, state []*tensors.Tensor) []*tensors.Tensor {
	if r, ok := by.(Rebaser); ok {
		return r.Rebase(state)
	}
	return state
}
