package optim

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// preconditionedStepper is a method at work in the variables z.
type preconditionedStepper struct {
	obj    *objective.Objective
	change *objective.Change
	method Method
	by     string
	root   Root
	every  int
	unit   bool
	active Stepper
	failed error // of a Current or Best, which cannot return it

	due    bool // a C is due before the next iteration
	made   int  // iterations since the last one
	number int  // of the Cs made, or tried
	ahead  int  // records told of less iterations made: 1 when the loss of the last iterate is known
	// repeats says that the next record is one of an iterate already told of.
	repeats  bool
	untold   int // evaluations that belong to the next record
	best     *tensors.Tensor
	bestLoss float64
}

// origin is z = 0.
func (s *preconditionedStepper) origin() *tensors.Tensor {
	return device.Vector(s.obj.Precision(), make([]float64, s.obj.Dim))
}

// Advance implements Stepper. It returns after the first iteration with a new C, so that the run loop hears of each, and
// at the same iteration however the run is cut into portions.
func (s *preconditionedStepper) Advance(ctx context.Context, n int, goal Goal) (Progress, error) {
	total := Progress{Status: Running}
	for n > 0 && ctx.Err() == nil && total.Message == "" && !total.Adapt {
		remark, ask := "", min(n, s.every-s.made)
		if s.due || s.made >= s.every {
			var err error
			if remark, err = s.renew(); err != nil {
				return total, err
			}
			ask = 1
		}
		p, err := s.active.Advance(ctx, ask, goal)
		n -= p.Iterations
		s.made += p.Iterations
		s.tell(&total, p)
		total.Status, total.Message, total.Adapt = p.Status, p.Message, p.Adapt
		if remark != "" && p.Message != "" {
			remark += "; "
		}
		if p.Status == Running {
			total.Message = remark + p.Message
		}
		if err == nil {
			err = s.failed
		}
		if err != nil {
			return total, err
		}
		if p.Status == SearchFailed && s.made > 0 { // the C of another iterate may be to blame
			s.due = true
			total.Status, total.Message = Running, fmt.Sprintf("%s: %s", p.Status, p.Message)
		}
		if total.Status != Running {
			break
		}
	}
	return total, nil
}

// tell adds the records of p, but not a second one of the iterate at which C was made again.
func (s *preconditionedStepper) tell(total *Progress, p Progress) {
	fresh := p.Records
	if s.repeats && len(fresh) > 0 {
		s.untold, s.repeats, fresh = s.untold+fresh[0].Evaluations, false, fresh[1:]
	}
	if len(fresh) > 0 {
		fresh = slices.Clone(fresh)
		fresh[0].Evaluations += s.untold
		s.untold = 0
	}
	total.Records = append(total.Records, fresh...)
	total.Iterations += p.Iterations
	s.ahead += len(fresh) - p.Iterations
}

// renew makes C at the iterate, and lets the method begin anew from there. It returns what to say of it.
func (s *preconditionedStepper) renew() (remark string, err error) {
	theta, err := s.change.Theta(s.active.Current())
	if err != nil {
		return "", err
	}
	made, err := s.root.At(theta, s.number)
	if err != nil {
		return "", err
	}
	s.untold += made.Evaluations
	s.number++
	s.made, s.due = 0, false
	if made.Tensors == nil {
		return fmt.Sprintf("the curvature is NaN or infinite: the preconditioner (%s) stays as it is", s.by), nil
	}
	s.best, s.bestLoss = s.Best()
	factor := 1.0
	if s.unit {
		factor = 1 / made.Norm
	}
	s.change.Move(theta, append([]*tensors.Tensor{device.Scalar(s.obj.Precision(), factor)}, made.Tensors...))
	if again, ok := canRestart(s.active); ok {
		again.restart(s.origin())
	} else {
		next, err := s.method.Start(s.change.Objective, s.origin())
		if err != nil {
			return "", err
		}
		stopStepper(s.active)
		s.active = next
	}
	s.repeats = s.ahead > 0
	return fmt.Sprintf("new preconditioner (%s): rank %d of %d, condition %.2g", s.by, made.Rank, s.obj.Dim, made.Condition), nil
}

func (s *preconditionedStepper) stop() { stopStepper(s.active) }

// Current implements Stepper.
func (s *preconditionedStepper) Current() *tensors.Tensor {
	theta, err := s.change.Theta(s.active.Current())
	if err != nil {
		s.failed = err
		return s.change.State()[0]
	}
	return theta
}

// Best implements Stepper.
func (s *preconditionedStepper) Best() (*tensors.Tensor, float64) {
	z, loss := s.active.Best()
	if !(loss < s.bestLoss) {
		return s.best, s.bestLoss
	}
	theta, err := s.change.Theta(z)
	if err != nil {
		s.failed = err
		return s.best, s.bestLoss
	}
	return theta, loss
}

// Refresh implements Stepper.
func (s *preconditionedStepper) Refresh() {
	s.change.Follow()
	s.active.Refresh()
	s.best, s.bestLoss, s.due = s.Current(), math.Inf(1), true
}

// savedPreconditioned is the state of a preconditionedStepper.
type savedPreconditioned struct {
	Active                      []byte
	Change                      []device.Saved
	Due, Repeats                bool
	Made, Number, Ahead, Untold int
	Best                        device.Saved
	BestLoss                    float64
}

// Save implements Stepper.
func (s *preconditionedStepper) Save() ([]byte, error) {
	state := savedPreconditioned{
		Due: s.due, Repeats: s.repeats, Made: s.made, Number: s.number, Ahead: s.ahead, Untold: s.untold, BestLoss: s.bestLoss,
	}
	var err error
	if state.Active, err = s.active.Save(); err != nil {
		return nil, err
	}
	if state.Change, err = device.SaveAll(s.change.State()); err != nil {
		return nil, err
	}
	if state.Best, err = device.Save(s.best); err != nil {
		return nil, err
	}
	return encode(state)
}

// Restore implements Stepper.
func (s *preconditionedStepper) Restore(data []byte) error {
	var state savedPreconditioned
	err := decode(data, &state)
	if err != nil {
		return err
	}
	change, err := device.RestoreAll(state.Change, s.change.State())
	if err != nil {
		return err
	}
	if s.best, err = state.Best.Restore(s.best.Shape()); err != nil {
		return err
	}
	s.change.Follow()
	s.change.Move(change[0], change[1:])
	if err := s.active.Restore(state.Active); err != nil {
		return err
	}
	s.due, s.repeats, s.bestLoss = state.Due, state.Repeats, state.BestLoss
	s.made, s.number, s.ahead, s.untold = state.Made, state.Number, state.Ahead, state.Untold
	return nil
}
