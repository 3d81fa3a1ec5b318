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

// itinerary decides which method is at work, one phase after the other.
type itinerary interface {
	// method is that of the phase now.
	method() Method
	// seat is a number for phases with the same method, or noSeat for one that does not come again.
	seat() int
	// resident is the method of a seat.
	resident(seat int) Method
	// final reports whether no phase follows, so that the end of the method is that of the run.
	final() bool
	// next is the number of iterations of the phase at which leave is asked next, when made of them were made.
	next(made int) int
	// leave says why it is time for another phase, or nothing to stay. It sees the course of the phase, and its iterate.
	leave(c *course, theta *tensors.Tensor) (string, error)
	// advance goes on to the next phase. Status is Running, unless the method could not go on.
	advance(c *course, status Status)
	save() ([]byte, error)
	restore(saved []byte) error
}

const noSeat = -1

// course is what happened in a phase.
type course struct {
	Records []Record
	Made    int   // iterations
	Fresh   []int // the numbers of records there were when the objective changed
}

// phasedStepper runs the methods of an itinerary.
type phasedStepper struct {
	plan     itinerary
	obj      *objective.Objective
	active   Stepper
	resting  map[int]Stepper // of seats that were left: they keep what they learned, and need not be compiled again
	course   course          // of the active phase
	ahead    int             // records told of less iterations made, in all phases: 1 when the loss of the last iterate is known
	repeats  bool            // the next record is one of an iterate already told of
	untold   int             // evaluations that belong to the next record
	best     *tensors.Tensor
	bestLoss float64
}

func startPhases(obj *objective.Objective, theta *tensors.Tensor, plan itinerary) (Stepper, error) {
	first, err := plan.method().Start(obj, theta)
	if err != nil {
		return nil, err
	}
	return &phasedStepper{plan: plan, obj: obj, active: first, resting: map[int]Stepper{}, bestLoss: math.Inf(1), best: theta}, nil
}

// Advance implements Stepper. It returns after a switch, so that the run loop sees each reason.
func (s *phasedStepper) Advance(ctx context.Context, n int, goal Goal) (Progress, error) {
	total := Progress{Status: Running}
	for n > 0 && ctx.Err() == nil && total.Message == "" && !total.Adapt {
		final := s.plan.final()
		look, ask := max(s.plan.next(s.course.Made), s.course.Made+1), n
		ask = min(n, look-s.course.Made)
		p, err := s.active.Advance(ctx, ask, goal)
		name := s.plan.method().Name()
		s.course.Made += p.Iterations
		n -= p.Iterations
		s.tell(&total, p, name)
		if err != nil {
			return total, err
		}
		total.Adapt = p.Adapt
		total.Message = p.Message // also of a switch within a Hybrid that is a phase
		if p.Status.Converged() || final && p.Status != Running {
			total.Status = p.Status
			return total, nil
		}
		if final {
			continue
		}
		reason := ""
		if p.Status != Running {
			reason = fmt.Sprintf("%s: %s", p.Status, p.Message)
		} else if s.course.Made >= look {
			if reason, err = s.plan.leave(&s.course, s.active.Current()); err != nil {
				return total, err
			}
		}
		if reason == "" {
			continue
		}
		if err := s.handOver(p.Status); err != nil {
			return total, err
		}
		text := fmt.Sprintf("%s → %s: %s", name, s.plan.method().Name(), reason)
		if p.Status == Running && p.Message != "" {
			text = p.Message + "; " + text
		}
		total.Message = text
	}
	return total, nil
}

// tell adds the records of p, but not a second one of the iterate at which one method took over from another.
func (s *phasedStepper) tell(total *Progress, p Progress, name string) {
	for i := range p.Records {
		if p.Records[i].Phase == "" {
			p.Records[i].Phase = name
		}
	}
	s.course.Records = append(s.course.Records, p.Records...)
	fresh := p.Records
	if s.repeats && len(fresh) > 0 {
		s.untold, s.repeats, fresh = fresh[0].Evaluations, false, fresh[1:]
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

func (s *phasedStepper) handOver(status Status) error {
	s.best, s.bestLoss = s.Best()
	seat := s.plan.seat()
	s.plan.advance(&s.course, status)
	next, known := s.resting[s.plan.seat()]
	if known {
		relocate(next, s.best)
		delete(s.resting, s.plan.seat())
	} else {
		var err error
		if next, err = s.plan.method().Start(s.obj, s.best); err != nil {
			return err
		}
	}
	if _, ok := canRestart(s.active); ok && seat != noSeat {
		s.resting[seat] = s.active
	} else {
		stopStepper(s.active)
	}
	s.active, s.course = next, course{}
	s.repeats = s.ahead > 0
	return nil
}

func (s *phasedStepper) stop() {
	stopStepper(s.active)
	for _, r := range s.resting {
		stopStepper(r)
	}
}

// Current implements Stepper.
func (s *phasedStepper) Current() *tensors.Tensor { return s.active.Current() }

// Best implements Stepper.
func (s *phasedStepper) Best() (*tensors.Tensor, float64) {
	if theta, loss := s.active.Best(); loss < s.bestLoss {
		return theta, loss
	}
	return s.best, s.bestLoss
}

// Refresh implements Stepper.
func (s *phasedStepper) Refresh() {
	s.active.Refresh()
	s.course.Fresh = append(s.course.Fresh, len(s.course.Records))
	s.best, s.bestLoss = s.active.Current(), math.Inf(1)
}

// savedPhases is the state of a phasedStepper.
type savedPhases struct {
	Plan, Active  []byte
	Resting       map[int][]byte // by seat
	Course        course
	Ahead, Untold int
	Repeats       bool
	Best          device.Saved
	BestLoss      float64
}

// Save implements Stepper.
func (s *phasedStepper) Save() ([]byte, error) {
	out := savedPhases{Course: s.course, Ahead: s.ahead, Untold: s.untold, Repeats: s.repeats, BestLoss: s.bestLoss}
	var err error
	if out.Plan, err = s.plan.save(); err != nil {
		return nil, err
	}
	if out.Active, err = s.active.Save(); err != nil {
		return nil, err
	}
	out.Resting = map[int][]byte{}
	for seat, r := range s.resting {
		if out.Resting[seat], err = r.Save(); err != nil {
			return nil, err
		}
	}
	if out.Best, err = device.Save(s.best); err != nil {
		return nil, err
	}
	return encode(out)
}

// Restore implements Stepper.
func (s *phasedStepper) Restore(data []byte) error {
	var in savedPhases
	err := decode(data, &in)
	if err != nil {
		return err
	}
	if err := s.plan.restore(in.Plan); err != nil {
		return err
	}
	if s.best, err = in.Best.Restore(s.best.Shape()); err != nil {
		return err
	}
	if s.active, err = s.plan.method().Start(s.obj, s.best); err != nil {
		return err
	}
	if err := s.active.Restore(in.Active); err != nil {
		return err
	}
	s.resting = map[int]Stepper{}
	for seat, data := range in.Resting {
		r, err := s.plan.resident(seat).Start(s.obj, s.best)
		if err != nil {
			return err
		}
		if err := r.Restore(data); err != nil {
			return err
		}
		s.resting[seat] = r
	}
	s.course, s.ahead, s.untold, s.repeats, s.bestLoss = in.Course, in.Ahead, in.Untold, in.Repeats, in.BestLoss
	return nil
}
