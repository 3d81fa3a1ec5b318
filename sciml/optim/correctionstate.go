package optim

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// savedCorrections is the state of a correctionStepper. Rounds have θ and where they began, or nothing.
type savedCorrections struct {
	Relay   savedRelay
	Round   []device.Saved
	Loss    float64
	Next    int
	Moved   bool
	Done    map[int]savedCorrection
	Due     bool
	Made    int
	Spent   float64
	Told    bool
	Solvers []savedSolver
}

type savedCorrection struct {
	Theta []device.Saved
	Loss  float64
}

// savedSolver is a localSolver: its method, in which schedules and the order of batches go on, and what is left of a correction.
type savedSolver struct {
	Stepper []byte
	Busy    bool
	Left    int
}

// Save implements Stepper.
func (s *correctionStepper) Save() (_ []byte, err error) {
	r := &s.round
	out := savedCorrections{Loss: r.loss, Next: r.next, Moved: r.moved, Due: s.due, Made: s.made, Spent: s.spent, Told: s.told, Done: map[int]savedCorrection{}}
	if out.Relay, err = s.relay.save(); err != nil {
		return nil, err
	}
	if r.theta != nil {
		if out.Round, err = device.SaveAll([]*tensors.Tensor{r.theta, r.before}); err != nil {
			return nil, err
		}
	}
	for _, solver := range s.solvers() {
		saved, err := solver.stepper.Save()
		if err != nil {
			return nil, fmt.Errorf("%w (%s, the method of a subspace)", err, solver.method.Name())
		}
		out.Solvers = append(out.Solvers, savedSolver{saved, solver.busy, solver.left})
	}
	for i, c := range r.done {
		if c.theta != nil {
			theta, err := device.SaveAll([]*tensors.Tensor{c.theta})
			if err != nil {
				return nil, err
			}
			out.Done[i] = savedCorrection{theta, c.loss}
		}
	}
	return encode(out)
}

// Restore implements Stepper.
func (s *correctionStepper) Restore(data []byte) error {
	in, err := decode[savedCorrections](data)
	if err != nil {
		return err
	}
	solvers := s.solvers()
	if len(in.Solvers) != len(solvers) || in.Next < 0 || in.Next > len(s.subspaces) || len(in.Round) != 0 && len(in.Round) != 2 {
		return fmt.Errorf("optim: the stored state has %d solvers and is at subspace %d, expected %d and at most %d", len(in.Solvers), in.Next, len(solvers), len(s.subspaces))
	}
	if err := s.relay.restore(in.Relay); err != nil {
		return err
	}
	if err := s.active.Restore(in.Relay.Active); err != nil {
		return err
	}
	s.round.end()
	if len(in.Round) > 0 {
		both, err := device.RestoreAll(in.Round, []*tensors.Tensor{s.best, s.best})
		if err != nil {
			return err
		}
		s.round = round{theta: both[0], before: both[1], loss: in.Loss, next: in.Next, moved: in.Moved}
		s.round.held.Hold(both)
	}
	for i, c := range in.Done {
		theta, err := device.RestoreAll(c.Theta, []*tensors.Tensor{s.best})
		if err != nil {
			return err
		}
		if s.round.done == nil {
			s.round.done = make([]correction, len(s.subspaces))
		}
		if i < 0 || i >= len(s.round.done) {
			device.Free(theta)
			return fmt.Errorf("optim: the stored state has a correction in subspace %d, expected 0 to %d", i, len(s.subspaces)-1)
		}
		s.round.done[i] = correction{theta: theta[0], loss: c.Loss}
	}
	for i, solver := range solvers {
		if err := solver.stepper.Restore(in.Solvers[i].Stepper); err != nil {
			return err
		}
		solver.busy, solver.left, solver.away = in.Solvers[i].Busy, in.Solvers[i].Left, true
	}
	s.due, s.made, s.spent, s.told = in.Due, in.Made, in.Spent, in.Told
	s.moved()
	return nil
}
