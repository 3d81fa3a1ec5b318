package optim

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
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
		if !usercode.Nil(phase.Method) {
			names[i] = phase.Method.Name()
		}
	}
	return strings.Join(names, " → ")
}

// Start implements Method. It fails where a phase is incomplete, and where the method of any phase does not start.
func (h Hybrid) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	if len(h) == 0 {
		return nil, errors.New("optim: Hybrid has no phases, expected at least one")
	}
	h = slices.Clone(h)
	for i, phase := range h {
		if usercode.Nil(phase.Method) {
			return nil, fmt.Errorf("optim: phase %d of the Hybrid has no Method", i)
		}
		if phase.Until == nil {
			continue
		}
		if usercode.Nil(phase.Until) {
			return nil, fmt.Errorf("optim: Until of phase %d of the Hybrid is a nil %T, expected a criterion, or nil without a type", i, phase.Until)
		}
		if err := checkCriterion(phase.Until); err != nil {
			return nil, fmt.Errorf("%w (phase %d of the Hybrid)", err, i)
		}
		h[i].Until = guardedCriterion{fmt.Sprintf("Until of phase %d of the Hybrid", i), phase.Until}
	}
	s, err := startPhases(obj, theta, &chain{all: h}, "")
	if err != nil {
		return nil, err
	}
	for i, phase := range h[1:] { // what cannot start says so before the work of the phases before it is done
		later, err := phase.Method.Start(obj, theta)
		if err != nil {
			stop(s)
			return nil, fmt.Errorf("%w (phase %d of the Hybrid)", err, i+1)
		}
		stop(later)
	}
	return s, nil
}

// chain is the plan of a Hybrid: one phase after the other.
type chain struct {
	all Hybrid
	at  int
}

func (c *chain) method() Method { return c.all[c.at].Method }

func (c *chain) seat() int { return noSeat }

func (c *chain) resident(int) Method { return nil } // nobody has a seat

func (c *chain) final() bool { return c.at == len(c.all)-1 }

func (c *chain) next(made int) int {
	if until := c.all[c.at].Until; until != nil {
		return until.Next(made)
	}
	return math.MaxInt
}

func (c *chain) leave(phase *course, _ *tensors.Tensor) (string, error) {
	until := c.all[c.at].Until
	if until == nil {
		return "", nil
	}
	if met, why := until.Met(phase.Records); met {
		return why, nil
	}
	return "", nil
}

func (c *chain) advance(*course, Status) { c.at++ }

func (c *chain) ahead() (all []Method) {
	for _, phase := range c.all[c.at+1:] {
		all = append(all, phase.Method)
	}
	return all
}

func (c *chain) unsuited() bool { return false } // what was asked for is not replaced

func (c *chain) save() ([]byte, error) { return encode(c.at) }

func (c *chain) restore(data []byte) error {
	at, err := decode[int](data)
	if err != nil {
		return err
	}
	if at < 0 || at >= len(c.all) {
		return fmt.Errorf("optim: the stored state is in phase %d, expected 0 to %d", at, len(c.all)-1)
	}
	c.at = at
	return nil
}
