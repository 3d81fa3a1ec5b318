package optim

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// correctionStepper runs a SubspaceCorrection.
type correctionStepper struct {
	relay     // of the method on all parameters
	obj       *objective.Objective
	method    Method
	every     int
	additive  bool
	subspaces []subspace
	masters   []*tensors.Tensor // of all C
	kept      device.Owner      // of them

	evaluate, along, adding *device.Program
	lengths                 *objective.Losses

	due   bool // a round comes before the next iteration
	made  int  // iterations since the last one
	round round
	spent float64 // evaluations that are not told of yet, as they add up to less than one
	told  bool    // the remark on the subspaces
}

// most is the number of solvers that subspaces of one kind share: no more than may work at a time.
func (s *correctionStepper) most() int {
	if s.additive {
		return runtime.GOMAXPROCS(0)
	}
	return 1
}

// compile makes the programs of corrections.
func (s *correctionStepper) compile() (err error) {
	obj := s.obj
	if s.evaluate, err = device.NewProgram(obj.Compiler(), "loss and gradient", func(in []*graph.Node) []*graph.Node {
		loss := obj.BuildLoss(in[0], in[2:])
		return []*graph.Node{loss, device.Norm(autodiff.Gradient(loss, in[0])), device.Norm(graph.Sub(in[0], in[1]))}
	}); err != nil {
		return err
	}
	if s.along, err = device.NewProgram(obj.Compiler(), "correction", func(in []*graph.Node) []*graph.Node {
		return []*graph.Node{graph.Add(in[0], graph.Mul(in[1], in[2]))}
	}); err != nil {
		return err
	}
	if s.adding, err = device.NewProgram(obj.Compiler(), "sum of corrections", func(in []*graph.Node) []*graph.Node {
		sum := graph.Sub(in[1], in[0])
		for _, to := range in[2:] {
			sum = graph.Add(sum, graph.Sub(to, in[0]))
		}
		return []*graph.Node{sum}
	}); err != nil {
		return err
	}
	s.lengths, err = objective.NewLosses(obj, "losses along a correction", func(number *graph.Node, in []*graph.Node) *graph.Node {
		return graph.Add(in[0], graph.Mul(in[1], objective.NumberedRow(in[2], number)))
	})
	return err
}

// Advance implements Stepper. It returns after each round.
func (s *correctionStepper) Advance(ctx context.Context, n int, goal Goal) (Progress, error) {
	total := Progress{Status: Running}
	for n > 0 && ctx.Err() == nil && total.Message == "" && total.Remark == "" && !total.Adapt {
		if s.due {
			made := total.Iterations
			if err := s.correct(ctx, goal, &total); err != nil {
				if err == ctx.Err() { // which says that the rest is still to come
					err = nil
				}
				return total, err
			}
			n -= total.Iterations - made
			if total.Status != Running {
				return total, nil
			}
			continue
		}
		p, err := s.active.Advance(ctx, min(n, s.every-s.made), goal)
		n -= p.Iterations
		s.made += p.Iterations
		s.tell(&total, p)
		total.Status, total.Message, total.Adapt, total.Remark = p.Status, p.Message, p.Adapt, sentence(total.Remark, p.Remark)
		if err == nil {
			err = s.lendError()
		}
		if err != nil {
			return total, err
		}
		s.due = s.made >= s.every
		if p.Status == SearchFailed && s.made > 0 { // a correction may find a way
			s.due = true
			total.Status, total.Message = Running, fmt.Sprintf("%s: %s", p.Status, p.Message)
		}
		if total.Status != Running || p.Iterations == 0 && !s.due {
			break
		}
	}
	return total, nil
}

// plan says what the corrections are.
func (s *correctionStepper) plan() string {
	least, most := math.MaxInt, 0
	for _, own := range s.subspaces {
		least, most = min(least, own.solver.of.Dim), max(most, own.solver.of.Dim)
	}
	sizes := fmt.Sprint(most)
	if least < most {
		sizes = fmt.Sprintf("%d to %d", least, most)
	}
	return fmt.Sprintf("corrections in %d subspaces of %s among %d parameters, %s, every %d iterations", len(s.subspaces), sizes, s.obj.Dim, combined(s.additive), s.every)
}

// Current implements Stepper.
func (s *correctionStepper) Current() *tensors.Tensor {
	if s.round.theta != nil {
		return s.round.theta
	}
	return s.active.Current()
}

// Best implements Stepper. In the middle of a round the iterate there may be the best one.
func (s *correctionStepper) Best() (*tensors.Tensor, float64) {
	theta, loss := s.best, s.bestLoss
	if t, l := s.active.Best(); s.better(l) {
		theta, loss = t, l
	}
	if r := s.round; r.theta != nil && falls(r.loss, loss) {
		return r.theta, r.loss
	}
	return theta, loss
}

func (s *correctionStepper) lendError() error { return lendError(s.active) }

// Refresh implements Stepper.
func (s *correctionStepper) Refresh() {
	s.active.Refresh()
	s.bestLoss, s.round.loss = math.Inf(1), math.NaN()
	s.moved()
	s.abandon()
}

// abandon leaves corrections that were interrupted.
func (s *correctionStepper) abandon() {
	for _, solver := range s.solvers() {
		solver.busy = false
	}
}

// moved tells all solvers that the data of the objective were replaced.
func (s *correctionStepper) moved() {
	for _, own := range s.subspaces {
		own.solver.stale = true
	}
}

// Restart implements Restarter. It is also how one that is the method of a subspace hears that its objective is elsewhere.
func (s *correctionStepper) Restart(theta *tensors.Tensor) error {
	if err := s.keep(theta, math.Inf(1)); err != nil { // a copy, as theta may be what is lent
		return err
	}
	if again, ok := s.active.(Restarter); ok {
		if err := again.Restart(s.best); err != nil {
			return err
		}
	} else {
		next, err := s.method.Start(s.obj, s.best)
		if err != nil {
			return err
		}
		stop(s.active)
		s.active = next
	}
	s.round.end()
	s.ahead, s.repeats, s.due, s.made = 0, false, true, 0
	s.moved()
	s.abandon()
	return nil
}

// Stop implements Stopper.
func (s *correctionStepper) Stop() {
	if s.active != nil {
		stop(s.active)
	}
	for _, solver := range s.solvers() {
		solver.stop()
	}
	s.round.end()
	s.held.Hold()
	s.kept.Hold()
}

// solvers are all of them, in the order of the subspaces.
func (s *correctionStepper) solvers() (all []*localSolver) {
	for _, own := range s.subspaces {
		if !slices.Contains(all, own.solver) {
			all = append(all, own.solver)
		}
	}
	return all
}
