package optim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
)

// Hybrid runs methods one after the other, each from where the one before it left off (at its best iterate).
//
//	optim.Hybrid{{Method: optim.Adam{}, Until: optim.Stalled{}}, {Method: optim.LBFGS{}}}
//
// A method that cannot go on hands over to the next as well; the last one ends the run.
type Hybrid []Phase

// Phase is one method of a Hybrid and when to leave it.
type Phase struct {
	Method Method
	// Until ends the phase; nil means that only the method itself, or the end of the run, does. It is ignored in the
	// last phase.
	Until Criterion
}

// Name implements Method.
func (h Hybrid) Name() string {
	names := make([]string, len(h))
	for i, phase := range h {
		if phase.Method != nil {
			names[i] = phase.Method.Name()
		}
	}
	return strings.Join(names, " → ")
}

// Start implements Method.
func (h Hybrid) Start(obj *Objective, theta *tensors.Tensor) (Stepper, error) {
	if len(h) == 0 {
		return nil, errors.New("optim: Hybrid has no phases, expected at least one")
	}
	for i, phase := range h {
		if phase.Method == nil {
			return nil, fmt.Errorf("optim: phase %d of the Hybrid has no Method", i)
		}
	}
	first, err := h[0].Method.Start(obj, theta)
	if err != nil {
		return nil, err
	}
	return &hybridStepper{all: h, phases: h, obj: obj, active: first, bestLoss: math.Inf(1), best: theta}, nil
}

type hybridStepper struct {
	all      Hybrid
	phases   Hybrid // those not over, the active one first
	obj      *Objective
	active   Stepper
	records  []Record // of the active phase
	made     int      // iterations of the active phase
	ahead    int      // records told of less iterations made, in all phases: 1 when the loss of the last iterate is known
	repeats  bool     // the next record is one of an iterate already told of
	untold   int      // evaluations that belong to the next record
	best     *tensors.Tensor
	bestLoss float64
}

// nextLook is the number of iterations of the phase at which its criterion is asked next.
func (s *hybridStepper) nextLook() int {
	if until := s.phases[0].Until; until != nil {
		return max(until.Next(s.made), s.made+1)
	}
	return math.MaxInt
}

// Advance implements Stepper. It returns after a switch, so that the run loop sees each reason.
func (s *hybridStepper) Advance(ctx context.Context, n int, goal Goal) (Progress, error) {
	total := Progress{Status: Running}
	for n > 0 && ctx.Err() == nil && total.Message == "" {
		last := len(s.phases) == 1
		look, ask := s.nextLook(), n
		if !last {
			ask = min(n, look-s.made)
		}
		p, err := s.active.Advance(ctx, ask, goal)
		name := s.phases[0].Method.Name()
		s.made += p.Iterations
		n -= p.Iterations
		s.tell(&total, p, name)
		if err != nil {
			return total, err
		}
		total.Message = p.Message // also of a switch within a Hybrid that is a phase
		if last || p.Status.Converged() {
			total.Status = p.Status
			if p.Status != Running {
				return total, nil
			}
			continue
		}
		reason := ""
		if p.Status != Running {
			reason = fmt.Sprintf("%s: %s", p.Status, p.Message)
		} else if until := s.phases[0].Until; until != nil && s.made >= look {
			if met, why := until.Met(s.records); met {
				reason = why
			}
		}
		if reason == "" {
			continue
		}
		if err := s.handOver(); err != nil {
			return total, err
		}
		text := fmt.Sprintf("%s → %s: %s", name, s.phases[0].Method.Name(), reason)
		if p.Status == Running && p.Message != "" {
			text = p.Message + "; " + text
		}
		total.Message = text
	}
	return total, nil
}

// tell adds the records of p, but not a second one of the iterate at which one method took over from another.
func (s *hybridStepper) tell(total *Progress, p Progress, name string) {
	for i := range p.Records {
		if p.Records[i].Phase == "" {
			p.Records[i].Phase = name
		}
	}
	s.records = append(s.records, p.Records...)
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

func (s *hybridStepper) handOver() error {
	s.best, s.bestLoss = s.Best()
	next, err := s.phases[1].Method.Start(s.obj, s.best)
	if err != nil {
		return err
	}
	stopStepper(s.active)
	s.phases, s.active, s.records, s.made = s.phases[1:], next, nil, 0
	s.repeats = s.ahead > 0
	return nil
}

func (s *hybridStepper) stop() { stopStepper(s.active) }

// Current implements Stepper.
func (s *hybridStepper) Current() *tensors.Tensor { return s.active.Current() }

// Best implements Stepper.
func (s *hybridStepper) Best() (*tensors.Tensor, float64) {
	if theta, loss := s.active.Best(); loss < s.bestLoss {
		return theta, loss
	}
	return s.best, s.bestLoss
}

// Refresh implements Stepper.
func (s *hybridStepper) Refresh() {
	s.active.Refresh()
	s.best, s.bestLoss = s.active.Current(), math.Inf(1)
}

// savedHybrid is the state of a hybridStepper.
type savedHybrid struct {
	Left, Made, Ahead, Untold int
	Repeats                   bool
	Active                    []byte
	Records                   []Record
	Best                      saved
	BestLoss                  float64
}

// Save implements Stepper.
func (s *hybridStepper) Save() ([]byte, error) {
	active, err := s.active.Save()
	if err != nil {
		return nil, err
	}
	best, err := save(s.best)
	if err != nil {
		return nil, err
	}
	return encode(savedHybrid{
		Left: len(s.phases), Made: s.made, Ahead: s.ahead, Untold: s.untold, Repeats: s.repeats,
		Active: active, Records: s.records, Best: best, BestLoss: s.bestLoss,
	})
}

// Restore implements Stepper.
func (s *hybridStepper) Restore(data []byte) error {
	var h savedHybrid
	err := decode(data, &h)
	if err != nil {
		return err
	}
	if h.Left < 1 || h.Left > len(s.all) {
		return fmt.Errorf("optim: the stored state has %d phases to go, expected 1 to %d", h.Left, len(s.all))
	}
	if s.best, err = h.Best.restore(s.best.Shape()); err != nil {
		return err
	}
	s.phases = s.all[len(s.all)-h.Left:]
	if s.active, err = s.phases[0].Method.Start(s.obj, s.best); err != nil {
		return err
	}
	if err := s.active.Restore(h.Active); err != nil {
		return err
	}
	s.made, s.ahead, s.untold, s.repeats = h.Made, h.Ahead, h.Untold, h.Repeats
	s.records, s.bestLoss = h.Records, h.BestLoss
	return nil
}
