package optim

import (
	"math"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// restarter is a Stepper that can begin anew without being compiled again.
type restarter interface {
	// restart begins at theta as if nothing had been learned. Schedules of the rate, and the order of batches, go on.
	restart(theta *tensors.Tensor)
}

// canRestart reports whether s is a restarter, or asks for one.
func canRestart(s Stepper) (restarter, bool) {
	if a, ok := s.(*asking); ok {
		if _, ok := canRestart(a.Stepper); !ok {
			return nil, false
		}
	}
	r, ok := s.(restarter)
	return r, ok
}

// relocator is a Stepper that can go on from elsewhere with what it has learned of the objective.
type relocator interface {
	relocate(theta *tensors.Tensor)
}

// relocate has s go on from theta: with what it has learned, or else anew.
func relocate(s Stepper, theta *tensors.Tensor) {
	if a, ok := s.(*asking); ok {
		a.made, s = 0, a.Stepper
	}
	if r, ok := s.(relocator); ok {
		r.relocate(theta)
		return
	}
	s.(restarter).restart(theta)
}

// restart implements restarter, where the Stepper is one.
func (a *asking) restart(theta *tensors.Tensor) {
	a.Stepper.(restarter).restart(theta)
	a.made = 0
}

// restart implements restarter.
func (s *fixedStep) restart(theta *tensors.Tensor) {
	dtype := s.obj.Precision()
	blank := unlearned(s.direction, s.obj, s.carried[4:])
	s.carried = append([]*tensors.Tensor{theta, theta, device.Scalar(dtype, math.Inf(1)), s.carried[3]}, blank...)
}

// unlearned is the state of a direction of which only the schedule is left.
func unlearned(d Direction, obj *objective.Objective, state []*tensors.Tensor) []*tensors.Tensor {
	blank := device.Zeros(d.State(obj.Dim, obj.Precision()))
	if s, ok := d.(scheduled); ok {
		copy(blank, state[:s.schedule.Size()])
	}
	return blank
}

// restart implements restarter.
func (s *lineSearch) restart(theta *tensors.Tensor) {
	s.iterates = iterates{theta: theta, spent: s.spent}
	s.replaceState(device.Zeros(s.shapes))
	s.memory = false
	s.rounding.reset()
	if m, ok := s.search.(search.MemorySearch); ok {
		m.SetMemory(nil)
	}
}

// relocate implements relocator: what is known of the curvature stays.
func (s *lineSearch) relocate(theta *tensors.Tensor) {
	s.Refresh() // the last change of the gradient is not one between iterates of its own
	s.iterates = iterates{theta: theta, spent: s.spent}
	s.rounding.reset()
}

// restart implements restarter.
func (s *regionStepper) restart(theta *tensors.Tensor) {
	s.relocate(theta)
	s.forgetModel()
	s.size = s.control.first()
}

// relocate implements relocator: the model and the size of the region, or the damping, stay.
func (s *regionStepper) relocate(theta *tensors.Tensor) {
	s.iterates = iterates{theta: theta, spent: s.spent}
	s.rounding.reset()
}

// restart implements restarter.
func (s *stochastic) restart(theta *tensors.Tensor) {
	blank := device.Zeros(s.plan.rule.State(s.obj))
	if r, ok := s.plan.rule.(averaged); ok {
		copy(blank, unlearned(r.direction, s.obj, s.carried[2:]))
	}
	s.carried = append([]*tensors.Tensor{theta, s.carried[1]}, blank...)
	s.best, s.bestLoss, s.due, s.told, s.position = theta, math.Inf(1), true, false, 0
}
