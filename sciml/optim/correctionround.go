package optim

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"sync"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// round is one of corrections that is under way.
type round struct {
	theta  *tensors.Tensor // nil for none
	before *tensors.Tensor // where it began
	loss   float64         // at theta; NaN where it is to be computed again
	next   int             // subspace, of those that are corrected one after the other
	done   []correction    // of those that are added up; without θ what is still to be done
	moved  bool
	held   device.Owner
}

// move goes on from theta, which is the round's.
func (r *round) move(theta *tensors.Tensor, loss float64) {
	r.theta, r.loss, r.moved = theta, loss, true
	r.held.Hold([]*tensors.Tensor{r.theta, r.before})
}

func (r *round) end() {
	r.held.Hold()
	device.Free(r.ends())
	*r = round{}
}

// ends are where corrections went that are to be added up.
func (r *round) ends() []*tensors.Tensor {
	all := make([]*tensors.Tensor, len(r.done))
	for i, c := range r.done {
		all[i] = c.theta
	}
	return all
}

// correctionLengths is the number of lengths 1, ½, ¼, … that a correction which may be too long is tried with.
const correctionLengths = 8

// correct makes a round, or the rest of it.
func (s *correctionStepper) correct(ctx context.Context, goal Goal, total *Progress) error {
	if err := s.beginRound(goal, total); err != nil || total.Status != Running {
		return err
	}
	var err error
	if s.additive {
		err = s.addUp(ctx, goal, total)
	} else {
		err = s.oneByOne(ctx, goal, total)
	}
	if err != nil {
		return err
	}
	return s.endRound(goal, total)
}

// beginRound evaluates the iterate, which it tells of if nobody has.
func (s *correctionStepper) beginRound(goal Goal, total *Progress) error {
	if s.round.theta != nil && !math.IsNaN(s.round.loss) {
		return nil
	}
	theta := s.round.theta
	if theta == nil {
		var err error
		if theta, err = device.Copy(s.active.Current()); err != nil {
			return err
		}
	}
	r, err := s.record(theta, theta)
	if err == nil {
		err = s.lendError()
	}
	if err != nil {
		if s.round.theta == nil {
			device.Free([]*tensors.Tensor{theta})
		}
		return err
	}
	s.spent++
	if s.round.theta != nil {
		s.round.loss = r.Loss
		return nil
	}
	if s.ahead > 0 {
		s.round.begin(theta, r.Loss)
		return nil
	}
	r.Evaluations = s.whole()
	s.repeats = false
	s.tell(total, Progress{Records: []Record{r}})
	status, why, err := s.judge(r, theta, goal, true)
	if status != Running || err != nil {
		total.Status, total.Message = status, why
		device.Free([]*tensors.Tensor{theta})
		s.resume(s.active)
		return err
	}
	s.round.begin(theta, r.Loss)
	return nil
}

func (r *round) begin(theta *tensors.Tensor, loss float64) {
	*r = round{theta: theta, before: theta, loss: loss}
	r.held.Hold([]*tensors.Tensor{theta})
}

// record is that of theta, some way from another iterate.
func (s *correctionStepper) record(theta, before *tensors.Tensor) (Record, error) {
	out, err := s.evaluate.Call([]*tensors.Tensor{theta, before}, s.obj.Data)
	if err != nil {
		return Record{}, err
	}
	defer device.Free(out)
	return Record{Loss: device.Number(out[0]), GradientNorm: device.Number(out[1]), Step: device.Number(out[2])}, nil
}

// whole are the evaluations that were spent, without what is less than one.
func (s *correctionStepper) whole() int {
	n := math.Floor(s.spent)
	s.spent -= n
	return int(n)
}

// judge keeps theta if it is the best iterate, and says whether the run ends there.
func (s *correctionStepper) judge(r Record, theta *tensors.Tensor, goal Goal, start bool) (Status, string, error) {
	if s.better(r.Loss) {
		if err := s.keep(theta, r.Loss); err != nil {
			return Running, "", err
		}
	}
	status, why := goal.judge(standing{Record: r, lowest: s.bestLoss, start: start}, s.obj)
	if broken := nonFinite(r, start); status == Running && broken != "" {
		return NonFinite, broken, nil
	}
	return status, why, nil
}

// oneByOne corrects in one subspace after the other.
func (s *correctionStepper) oneByOne(ctx context.Context, goal Goal, total *Progress) error {
	for s.round.next < len(s.subspaces) {
		if err := ctx.Err(); err != nil {
			return err
		}
		own := &s.subspaces[s.round.next]
		made, err := own.solver.solve(ctx, s.round.theta, own.tensors, s.goalOf(own, goal))
		s.spend(total, made.evaluations)
		switch {
		case err != nil:
			return err
		case !own.solver.exact():
			err = s.search([]*tensors.Tensor{made.theta})
			device.Free([]*tensors.Tensor{made.theta})
			own.solver.busy = err != nil // with nothing left to do
		case falls(made.loss, s.round.loss):
			s.round.move(made.theta, made.loss)
		default:
			device.Free([]*tensors.Tensor{made.theta})
		}
		if err != nil {
			return err
		}
		s.round.next++
	}
	return nil
}

func (s *correctionStepper) goalOf(own *subspace, goal Goal) float64 {
	if own.solver.exact() {
		return goal.Loss
	}
	return math.Inf(-1)
}

// spend notes evaluations, of a correction that may be cut short.
func (s *correctionStepper) spend(total *Progress, evaluations float64) {
	s.spent += evaluations
	total.Evaluations += s.whole()
}

// addUp corrects in all subspaces from one iterate, beside each other, and adds up.
func (s *correctionStepper) addUp(ctx context.Context, goal Goal, total *Progress) error {
	if s.round.done == nil {
		s.round.done = make([]correction, len(s.subspaces))
	}
	all, failed := s.round.done, make([]error, len(s.subspaces))
	var work sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	mine := map[*localSolver][]int{}
	for i, own := range s.subspaces {
		if all[i].theta == nil {
			mine[own.solver] = append(mine[own.solver], i)
		}
	}
	for solver, numbers := range mine {
		work.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			for _, i := range numbers {
				if failed[i] = ctx.Err(); failed[i] != nil {
					return
				}
				own := &s.subspaces[i]
				if all[i], failed[i] = solver.solve(ctx, s.round.theta, own.tensors, s.goalOf(own, goal)); failed[i] != nil {
					return
				}
			}
		})
	}
	work.Wait()
	var err error
	for i := range all {
		s.spend(total, all[i].evaluations)
		all[i].evaluations = 0
		err = cmp.Or(err, failed[i])
	}
	if err != nil {
		return err
	}
	return s.search(s.round.ends())
}

// search goes from the iterate towards the sum of all corrections, as far as is best.
func (s *correctionStepper) search(to []*tensors.Tensor) error {
	sum, err := s.adding.Call([]*tensors.Tensor{s.round.theta}, to)
	if err != nil {
		return err
	}
	defer device.Free(sum)
	lengths := make([]float64, correctionLengths)
	for i := range lengths {
		lengths[i] = math.Pow(0.5, float64(i))
	}
	grid := device.Vector(s.obj.Precision(), lengths)
	defer device.Free([]*tensors.Tensor{grid})
	losses, err := s.lengths.At(len(lengths), []*tensors.Tensor{s.round.theta, sum[0], grid}, s.obj.Data)
	if err != nil {
		return err
	}
	s.spent += correctionLengths
	best := -1
	lowest := s.round.loss
	for i, loss := range losses {
		if falls(loss, lowest) {
			best, lowest = i, loss
		}
	}
	if best < 0 {
		return nil
	}
	length := device.Scalar(s.obj.Precision(), lengths[best])
	defer device.Free([]*tensors.Tensor{length})
	next, err := s.along.Call([]*tensors.Tensor{s.round.theta, sum[0], length})
	if err != nil {
		return err
	}
	s.round.move(next[0], lowest)
	return nil
}

// endRound tells of the new iterate, and has the method go on from there.
func (s *correctionStepper) endRound(goal Goal, total *Progress) error {
	theta := s.round.theta
	if s.round.moved {
		r, err := s.record(theta, s.round.before)
		if err != nil {
			return err
		}
		next, err := s.goOn(theta)
		if err != nil {
			return err
		}
		s.spent++
		r.Evaluations = s.whole()
		s.repeats = false
		s.tell(total, Progress{Records: []Record{r}, Iterations: 1})
		status, why, err := s.judge(r, theta, goal, false)
		if err != nil {
			return err
		}
		total.Status, total.Message = status, why
		s.resume(next)
	} else {
		s.resume(s.active) // which may not have evaluated where it is
	}
	if !s.told {
		total.Remark, s.told = s.plan(), true
	}
	total.Evaluations += s.whole()
	s.round.end()
	s.due, s.made = false, 0
	return nil
}

// goOn has the method work from theta on: with what it has learned, or else anew.
func (s *correctionStepper) goOn(theta *tensors.Tensor) (Stepper, error) {
	if err := s.keepBest(s); err != nil { // which it is going to forget
		return nil, err
	}
	if can, err := relocate(s.active, theta); can {
		return s.active, err
	}
	next, err := s.method.Start(s.obj, theta)
	if err == nil {
		stop(s.active)
	}
	return next, err
}
