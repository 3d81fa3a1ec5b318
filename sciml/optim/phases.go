package optim

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
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
	// leave says why it is time for another phase, or nothing to stay. It sees the course of the phase, to which it adds the
	// evaluations that it makes, and its iterate.
	leave(c *course, theta *tensors.Tensor) (string, error)
	// advance goes on to the next phase. Status is Running, unless the method could not go on.
	advance(c *course, status Status)
	// ahead are methods that have not begun and may be such that cannot be saved.
	ahead() []Method
	// unsuited goes on to another phase, as the method of this one does not suit the objective. It reports whether there is one.
	unsuited() bool
	save() ([]byte, error)
	restore(saved []byte) error
}

const noSeat = -1

// course is what happened in a phase.
type course struct {
	Records []Record
	Made    int   // iterations
	Fresh   []int // the numbers of records there were when the objective changed
	Looked  int   // evaluations that the itinerary made to decide, which are not told of yet
}

// phasedStepper runs the methods of an itinerary.
type phasedStepper struct {
	relay
	plan    itinerary
	obj     *objective.Objective
	resting map[int]Stepper // of seats that were left: they keep what they learned, and need not be compiled again
	course  course          // of the active phase
	remark  string          // on the choice of the itinerary, for the history
	told    bool
	due     bool   // whether the plan is to be asked before anything else
	ended   Status // of the active method, and
	why     string // its message
	checked bool   // whether what is ahead can be saved
}

func startPhases(obj *objective.Objective, theta *tensors.Tensor, plan itinerary, remark string) (Stepper, error) {
	s := &phasedStepper{plan: plan, obj: obj, resting: map[int]Stepper{}, remark: remark}
	var err error
	if s.relay, err = startRelay(theta); err != nil {
		return nil, err
	}
	if s.active, err = s.begin(theta, true); err != nil {
		return nil, err
	}
	return s, nil
}

// begin starts the method of the plan, or another one where it does not suit the objective and the plan has one in its place; a remark
// says so. It takes a stepper that rests, if there is one and it may.
func (s *phasedStepper) begin(theta *tensors.Tensor, fresh bool) (Stepper, error) {
	for {
		seat := s.plan.seat()
		if next, known := s.resting[seat]; known && !fresh {
			delete(s.resting, seat)
			_, err := relocate(next, theta)
			return next, err
		}
		next, err := s.plan.method().Start(s.obj, theta)
		if err == nil || !s.replace(err) {
			return next, err
		}
	}
}

// replace goes on to another method in the place of one that an error shows to be unsuitable, if the plan has one.
func (s *phasedStepper) replace(err error) bool {
	name := s.plan.method().Name()
	if !unsuitable(err) || !s.plan.unsuited() {
		return false
	}
	note := fmt.Sprintf("%s is left out: %v", name, err)
	if s.remark != "" && !s.told {
		note = s.remark + "; " + note
	}
	s.remark, s.told = note, false
	return true
}

// instead has another method work in the place of the active one, if the plan has one. Where that fails, nothing has happened.
func (s *phasedStepper) instead(cause error) (replaced bool, err error) {
	before, err := s.plan.save()
	if err != nil || !s.replace(cause) {
		return false, err
	}
	next, err := s.begin(s.best, false)
	if err != nil {
		return false, errors.Join(err, s.plan.restore(before))
	}
	stop(s.active)
	s.resume(next)
	return true, nil
}

// unsuitable reports whether an error says that a method, rather than the objective, is the wrong one.
func unsuitable(err error) bool {
	return errors.Is(err, objective.ErrUnsuitable) || errors.Is(err, objective.ErrTooLarge) || errors.Is(err, autodiff.ErrNoDerivative)
}

// Advance implements Stepper. It returns after a switch, so that the run loop sees each reason.
func (s *phasedStepper) Advance(ctx context.Context, n int, goal Goal) (Progress, error) {
	if s.remark != "" && !s.told {
		n = min(n, 1)
	}
	p, err := s.advance(ctx, n, goal)
	p.remark(&s.told, s.remark)
	return p, err
}

func (s *phasedStepper) advance(ctx context.Context, n int, goal Goal) (Progress, error) {
	total := Progress{Status: Running}
	for n > 0 && ctx.Err() == nil && total.Message == "" && total.Remark == "" && !total.Adapt {
		if s.due {
			if err := s.decide(&total); err != nil {
				return total, err
			}
			continue
		}
		final := s.plan.final()
		look, ask := max(s.plan.next(s.course.Made), s.course.Made+1), n
		ask = min(n, look-s.course.Made)
		p, err := s.active.Advance(ctx, ask, goal)
		name := s.plan.method().Name()
		s.course.Made += p.Iterations
		n -= p.Iterations
		s.tell(&total, p, name)
		if err != nil && s.course.Made == 0 && p.Records == nil { // found while it was built
			if replaced, problem := s.instead(err); problem != nil {
				return total, problem
			} else if replaced {
				continue
			}
		}
		total.Adapt = p.Adapt
		total.Message, total.Remark = p.Message, p.Remark // also of a switch within a Hybrid that is a phase
		if err != nil {
			return total, err
		}
		if p.Status.Converged() || p.Status != Running && (final || s.atEnd(p.Status)) {
			total.Status = p.Status
			return total, nil
		}
		if !final && (p.Status != Running || s.course.Made >= look) {
			s.due, s.ended, s.why = true, p.Status, p.Message
			if err := s.decide(&total); err != nil {
				return total, err
			}
		}
		if p.Iterations == 0 {
			return total, nil // the run loop sees to it that this does not go on for ever
		}
	}
	return total, nil
}

// atEnd reports that no method goes on where one has come to an end with that status: no finite loss was seen, or there is no
// gradient where the phase began.
func (s *phasedStepper) atEnd(status Status) bool {
	_, loss := s.Best()
	return status == NonFinite && !device.Finite(loss) || status == Stationary && s.course.Made == 0
}

// decide asks the plan whether the phase is over, and goes on to the next one if it is. Where that fails, nothing has happened,
// and it is due again: a run may end in the middle of it.
func (s *phasedStepper) decide(total *Progress) (err error) {
	before, err := s.plan.save()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.plan.restore(before))
			return
		}
		s.due, s.ended, s.why = false, Running, ""
	}()
	name, reason := s.plan.method().Name(), ""
	if s.ended != Running {
		reason = fmt.Sprintf("%s: %s", s.ended, s.why)
	} else {
		reason, err = s.plan.leave(&s.course, s.active.Current())
		total.Evaluations += s.course.Looked
		s.course.Looked = 0
		if err != nil || reason == "" {
			return err
		}
	}
	if err := s.handOver(s.ended); err != nil {
		return err
	}
	text := fmt.Sprintf("%s → %s: %s", name, s.plan.method().Name(), reason)
	if s.ended == Running && s.why != "" {
		text = s.why + "; " + text
	}
	total.Message = text
	return nil
}

// tell names the phase.
func (s *phasedStepper) tell(total *Progress, p Progress, name string) {
	for i := range p.Records {
		if p.Records[i].Phase == "" {
			p.Records[i].Phase = name
		}
	}
	s.course.Records = append(s.course.Records, p.Records...)
	s.relay.tell(total, p)
}

func (s *phasedStepper) handOver(status Status) error {
	if err := s.keepBest(s); err != nil {
		return err
	}
	seat, last := s.plan.seat(), s.active
	s.plan.advance(&s.course, status)
	next, err := s.begin(s.best, false)
	if err != nil {
		return err
	}
	if _, ok := last.(Restarter); ok && seat != noSeat {
		s.resting[seat] = last
	} else {
		stop(last)
	}
	s.resume(next)
	s.course = course{}
	return nil
}

// Stop implements Stopper.
func (s *phasedStepper) Stop() {
	stop(s.active)
	for _, r := range s.resting {
		stop(r)
	}
	s.held.Hold()
}

// Current implements Stepper.
func (s *phasedStepper) Current() *tensors.Tensor { return s.active.Current() }

// Best implements Stepper.
func (s *phasedStepper) Best() (*tensors.Tensor, float64) {
	if theta, loss := s.active.Best(); s.better(loss) {
		return theta, loss
	}
	return s.best, s.bestLoss
}

func (s *phasedStepper) lendError() error { return lendError(s.active) }

// Refresh implements Stepper.
func (s *phasedStepper) Refresh() {
	s.active.Refresh()
	s.course.Fresh = append(s.course.Fresh, len(s.course.Records))
	s.bestLoss = math.Inf(1)
}

// savedPhases is the state of a phasedStepper.
type savedPhases struct {
	Relay   savedRelay
	Plan    []byte
	Resting map[int][]byte // by seat
	Course  course
	Told    bool
	Due     bool
	Ended   Status
	Why     string
}

// Save implements Stepper. It fails at once when a phase that is still to come could not be saved.
func (s *phasedStepper) Save() ([]byte, error) {
	for _, m := range s.plan.ahead() {
		if s.checked {
			break
		}
		var cut *device.Interrupted
		if err := s.try(m); errors.As(err, &cut) {
			break // the run ends, and there was time for that at its start
		} else if err != nil {
			return nil, fmt.Errorf("%w (%s, a phase that is still to come)", err, m.Name())
		}
	}
	s.checked = true
	out := savedPhases{Course: s.course, Told: s.told, Due: s.due, Ended: s.ended, Why: s.why, Resting: map[int][]byte{}}
	var err error
	if out.Relay, err = s.relay.save(); err != nil {
		return nil, err
	}
	if out.Plan, err = s.plan.save(); err != nil {
		return nil, err
	}
	for seat, r := range s.resting {
		if out.Resting[seat], err = r.Save(); err != nil {
			return nil, err
		}
	}
	return encode(out)
}

// try starts a method, to see whether it can be saved.
func (s *phasedStepper) try(m Method) error {
	r, err := m.Start(s.obj, s.best)
	if err != nil {
		return err
	}
	defer stop(r)
	_, err = r.Save()
	return err
}

// Restore implements Stepper.
func (s *phasedStepper) Restore(data []byte) error {
	in, err := decode[savedPhases](data)
	if err != nil {
		return err
	}
	if err := s.plan.restore(in.Plan); err != nil {
		return err
	}
	if err := s.relay.restore(in.Relay); err != nil {
		return err
	}
	again := func(m Method, data []byte) (Stepper, error) {
		r, err := m.Start(s.obj, s.best)
		if err != nil {
			return nil, err
		}
		return r, r.Restore(data)
	}
	stop(s.active)
	if s.active, err = again(s.plan.method(), in.Relay.Active); err != nil {
		return err
	}
	s.resting = map[int]Stepper{}
	for seat, data := range in.Resting {
		if s.resting[seat], err = again(s.plan.resident(seat), data); err != nil {
			return err
		}
	}
	s.course, s.told, s.due, s.ended, s.why = in.Course, in.Told, in.Due, in.Ended, in.Why
	return nil
}
