package optim

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// preconditionedStepper is a method at work in the variables z. Its best iterates are of θ.
type preconditionedStepper struct {
	relay
	obj    *objective.Objective
	change *objective.Change
	method Method
	by     string
	root   Root
	every  int
	unit   bool
	lent   [2]lentTheta // of the current and of the best iterate, where they were asked for
	failed error        // of a Current or Best

	due    bool // a C is due before the next iteration
	made   int  // iterations since the last one
	number int  // of the Cs made, or tried
}

// lentTheta is θ of an iterate, which stays what it is for as long as z does.
type lentTheta struct {
	z, theta *tensors.Tensor
	held     device.Owner // of theta
}

func (l *lentTheta) of(z *tensors.Tensor, change *objective.Change) (*tensors.Tensor, error) {
	if z == l.z {
		return l.theta, nil
	}
	theta, err := change.Theta(z)
	if err != nil {
		return nil, err
	}
	l.z, l.theta = z, theta
	l.held.Hold([]*tensors.Tensor{theta})
	return theta, nil
}

// origin is z = 0.
func (s *preconditionedStepper) origin() *tensors.Tensor {
	return device.Vector(s.obj.Precision(), make([]float64, s.obj.Dim))
}

// Advance implements Stepper. It returns after the first iteration with a new C, so that the run loop hears of each, and
// at the same iteration however the run is cut into portions.
func (s *preconditionedStepper) Advance(ctx context.Context, n int, goal Goal) (Progress, error) {
	total := Progress{Status: Running}
	for n > 0 && ctx.Err() == nil && total.Message == "" && total.Remark == "" && !total.Adapt {
		remark, ask := "", min(n, s.every-s.made)
		if s.due || s.made >= s.every {
			var err error
			evaluations := 0
			if remark, evaluations, err = s.renew(); err != nil {
				return total, err
			}
			total.Evaluations += evaluations
			ask = 1
		}
		p, err := s.active.Advance(ctx, ask, goal)
		n -= p.Iterations
		s.made += p.Iterations
		s.tell(&total, p)
		total.Status, total.Message, total.Adapt = p.Status, p.Message, p.Adapt
		total.Remark = sentence(remark, p.Remark)
		if err == nil {
			err = s.lendError()
		}
		if err != nil {
			return total, err
		}
		if p.Status == SearchFailed && s.made > 0 { // the C of another iterate may be to blame
			s.due = true
			total.Status, total.Message = Running, fmt.Sprintf("%s: %s", p.Status, p.Message)
		}
		if total.Status != Running || p.Iterations == 0 {
			break
		}
	}
	return total, nil
}

// renewed notes that C was made: not before that is so, as a run may end in the middle of it.
func (s *preconditionedStepper) renewed() { s.number, s.made, s.due = s.number+1, 0, false }

// renew makes C at the iterate, and lets the method begin anew from there. It returns what to say of it, and what it cost.
func (s *preconditionedStepper) renew() (remark string, evaluations int, err error) {
	theta, err := s.change.Theta(s.active.Current())
	if err != nil {
		return "", 0, err
	}
	made, err := s.root.At(theta, s.number)
	if err != nil {
		device.Free([]*tensors.Tensor{theta})
		return "", 0, err
	}
	if made.Tensors == nil {
		s.renewed()
		device.Free([]*tensors.Tensor{theta})
		return fmt.Sprintf("the curvature is NaN or infinite: the preconditioner (%s) stays as it is", s.by), made.Evaluations, nil
	}
	if err := s.keepBest(s); err != nil {
		device.Free(append(made.Tensors, theta))
		return "", 0, err
	}
	factor := 1.0
	if s.unit {
		factor = 1 / made.Norm
	}
	next, err := s.beginAnew(theta, append([]*tensors.Tensor{device.Scalar(s.obj.Precision(), factor)}, made.Tensors...))
	if err != nil {
		return "", 0, err
	}
	s.resume(next)
	s.renewed()
	return fmt.Sprintf("new preconditioner (%s): rank %d of %d, condition %.2g", s.by, made.Rank, s.obj.Dim, made.Condition), made.Evaluations, nil
}

// beginAnew moves to other variables, and gives the method that begins there. Where that is cut short, nothing has happened.
func (s *preconditionedStepper) beginAnew(theta *tensors.Tensor, root []*tensors.Tensor) (next Stepper, err error) {
	origin := s.origin()
	defer device.Free([]*tensors.Tensor{origin})
	if again, ok := s.active.(Restarter); ok { // which compiles nothing
		s.change.Move(theta, root)
		return s.active, again.Restart(origin)
	}
	former, err := copies(s.change.State())
	if err != nil {
		device.Free(append(root, theta))
		return nil, err
	}
	s.change.Move(theta, root)
	if next, err = s.method.Start(s.change.Objective, origin); err != nil {
		s.change.Move(former[0], former[1:])
		return nil, err
	}
	device.Free(former)
	stop(s.active)
	return next, nil
}

// Stop implements Stopper.
func (s *preconditionedStepper) Stop() {
	stop(s.active)
	s.change.Release()
	for _, o := range []*device.Owner{&s.held, &s.lent[0].held, &s.lent[1].held} {
		o.Hold()
	}
}

// Current implements Stepper.
func (s *preconditionedStepper) Current() *tensors.Tensor {
	theta, err := s.lent[0].of(s.active.Current(), s.change)
	if err != nil {
		s.failed = err
		return s.change.Origin()
	}
	return theta
}

// Best implements Stepper.
func (s *preconditionedStepper) Best() (*tensors.Tensor, float64) {
	z, loss := s.active.Best()
	if !s.better(loss) {
		return s.best, s.bestLoss
	}
	theta, err := s.lent[1].of(z, s.change)
	if err != nil {
		s.failed = err
		return s.best, s.bestLoss
	}
	return theta, loss
}

func (s *preconditionedStepper) lendError() error { return cmp.Or(s.failed, lendError(s.active)) }

// Refresh implements Stepper.
func (s *preconditionedStepper) Refresh() {
	s.change.Follow()
	s.active.Refresh()
	s.bestLoss, s.due = math.Inf(1), true
}

// savedPreconditioned is the state of a preconditionedStepper.
type savedPreconditioned struct {
	Relay        savedRelay
	Change       []device.Saved
	Due          bool
	Made, Number int
}

// Save implements Stepper.
func (s *preconditionedStepper) Save() ([]byte, error) {
	state := savedPreconditioned{Due: s.due, Made: s.made, Number: s.number}
	var err error
	if state.Relay, err = s.relay.save(); err != nil {
		return nil, err
	}
	if state.Change, err = device.SaveAll(s.change.State()); err != nil {
		return nil, err
	}
	return encode(state)
}

// Restore implements Stepper.
func (s *preconditionedStepper) Restore(data []byte) error {
	state, err := decode[savedPreconditioned](data)
	if err != nil {
		return err
	}
	change, err := device.RestoreAll(state.Change, s.change.State())
	if err != nil {
		return err
	}
	if err := s.relay.restore(state.Relay); err != nil {
		return err
	}
	s.change.Follow()
	s.change.Move(change[0], change[1:])
	if err := s.active.Restore(state.Relay.Active); err != nil {
		return err
	}
	s.due, s.made, s.number = state.Due, state.Made, state.Number
	return nil
}
