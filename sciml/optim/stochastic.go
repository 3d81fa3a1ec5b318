package optim

import (
	"context"
	"errors"
	"math"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// stochastic takes the steps of a rule, each from a batch of the objective's samples, many per call: batches are drawn
// on the host, and the loop over them runs on the device.
//
// From time to time, and at its rule's snapshots, it measures the objective on all samples. Such a record has the loss
// and gradient norm of all samples, and its Batch is zero; the others have those of their batch, which are noisy. Only
// measured iterates meet a goal, and only they can be the best one. The current iterate is measured when Best is asked
// for, so that a run that ends in between returns its last iterate when that is the best.
type stochastic struct {
	obj  *objective.Objective
	plan plan
	loop *device.Loop
	full *device.Program

	carried  []*tensors.Tensor // θ, length of the last step, then the rule's state
	best     *tensors.Tensor
	held     device.Owner // of both
	bestLoss float64
	position int     // iterations since the last measurement
	due      bool    // whether a measurement is due at the current iterate
	told     bool    // whether the record of the current iterate was given
	moved    bool    // whether a step was made
	loss     float64 // of the last measurement, with
	slope    float64 // its gradient norm
	spent    int     // samples whose gradient was computed, in all
	failed   error   // of Best
}

// plan is what makes a stochastic method.
type plan struct {
	rule    batchRule
	batches *objective.Sampler
	perStep int     // batches in a step
	cost    float64 // gradients of each
	every   int     // iterations between two measurements
	// measured is called after a measurement, and may change the size of the batches; nil for none. It returns its reason
	// for doing so, or an empty string, and the number of samples it looked at.
	measured func(theta, gradient *tensors.Tensor, slope float64) (reason string, samples int, err error)
}

func startStochastic(obj *objective.Objective, theta *tensors.Tensor, p plan) (*stochastic, error) {
	state := p.rule.State(obj)
	mine, err := device.Copy(theta)
	if err != nil {
		return nil, err
	}
	s := &stochastic{obj: obj, plan: p, best: mine, bestLoss: math.Inf(1), due: true}
	s.carry(append([]*tensors.Tensor{mine, device.Scalar(obj.Precision(), 0)}, device.Zeros(state)...))
	if s.full, err = device.NewProgram(obj.Compiler(), "loss and gradient", func(in []*graph.Node) []*graph.Node {
		p := obj.BuildPoint(in[0], in[1:])
		return []*graph.Node{p.Loss, p.Gradient, device.Norm(p.Gradient)}
	}); err != nil {
		return nil, err
	}
	s.loop, err = device.NewLoop(obj.Compiler(), "stochastic loop", batchState+len(state), func(vars []*graph.Node) []*graph.Node {
		return buildStochastic(obj, p.rule, len(state), vars)
	})
	return s, err
}

func (s *stochastic) carry(next []*tensors.Tensor) {
	s.carried = next
	s.held.Hold(next, []*tensors.Tensor{s.best})
}

// The loop's variables: whether to go on, the number of steps made, of batches used, whether all was finite, the traces of
// loss, gradient norm and step length, and what is carried from call to call. Those that stay as they are follow: the
// number of steps to make, the numbers of the rows of all batches, and the data.
const (
	batchOn = iota
	batchCount
	batchUsed
	batchSound
	batchLoss
	batchGradient
	batchStep
	batchCarried
	batchState = batchCarried + 2
)

func buildStochastic(obj *objective.Objective, r batchRule, stateSize int, vars []*graph.Node) []*graph.Node {
	theta, count, ledHere := vars[batchCarried], vars[batchCount], vars[batchCarried+1]
	changing, dataAt := batchState+stateSize, len(vars)-len(obj.Data)
	state, limit, indices, data := vars[batchState:changing], vars[changing], vars[changing+1:dataAt], vars[dataAt:]

	m := r.Step(objective.NewBatch(obj, indices, vars[batchUsed], data), theta, state)
	done := func(after, before *graph.Node) *graph.Node { // of a step that is complete
		if m.complete == nil {
			return after
		}
		return graph.Where(m.complete, after, before)
	}
	length := device.Norm(m.step)
	here := graph.Equal(graph.Iota(theta.Graph(), shapes.Make(count.DType(), chunk), 0), count)
	record := func(trace, value *graph.Node) *graph.Node { return graph.Where(here, value, trace) }
	made := done(graph.AddScalar(count, 1), count)
	sound := done(graph.LogicalAnd(graph.IsFinite(m.loss), graph.IsFinite(length)), vars[batchSound])
	out := []*graph.Node{
		batchOn:          graph.LogicalAnd(graph.LessThan(made, limit), sound),
		batchCount:       made,
		batchUsed:        graph.AddScalar(vars[batchUsed], 1),
		batchSound:       sound,
		batchLoss:        record(vars[batchLoss], m.loss), // what an incomplete step writes is overwritten
		batchGradient:    record(vars[batchGradient], device.Norm(m.gradient)),
		batchStep:        record(vars[batchStep], ledHere),
		batchCarried:     done(graph.Add(theta, m.step), theta),
		batchCarried + 1: done(length, ledHere),
	}
	return append(out, m.next...)
}

// Advance implements Stepper.
func (s *stochastic) Advance(ctx context.Context, n int, goal Goal) (Progress, error) {
	p := Progress{Status: Running}
	for n > 0 && ctx.Err() == nil {
		if s.due {
			reason, err := s.measure(&p)
			if err != nil {
				return p, err
			}
			p.Message = reason
		}
		if s.position == 0 {
			if status, why := s.judge(goal); status != Running {
				p.Status, p.Message = status, why
			}
			if p.Message != "" {
				return p, nil
			}
		}
		made, sound, err := s.steps(&p, min(n, s.plan.every-s.position))
		if err != nil {
			return p, err
		}
		n -= made
		if !sound {
			p.Status, p.Message = NonFinite, "the loss of a batch, or a step, became NaN or infinite; a smaller rate may help"
			return p, nil
		}
	}
	return p, nil
}

// judge says whether the run ends at the iterate that was measured.
func (s *stochastic) judge(goal Goal) (Status, string) {
	here := Record{Loss: s.loss, GradientNorm: s.slope}
	status, why := goal.judge(standing{Record: here, lowest: s.bestLoss, start: !s.moved}, s.obj)
	if status == GradientSmall && s.loss == s.bestLoss { // the result is to be where that is so
		s.best = s.carried[0]
		s.carry(s.carried)
	}
	broken := nonFinite(here, !s.moved)
	switch {
	case status != Running || broken == "":
		return status, why
	case !s.moved:
		return NonFinite, broken
	}
	return NonFinite, broken + "; a smaller rate may help"
}

// measure evaluates all samples at the current iterate.
func (s *stochastic) measure(p *Progress) (reason string, err error) {
	theta := s.carried[0]
	out, err := s.full.Call([]*tensors.Tensor{theta}, s.obj.Data)
	if err != nil {
		return "", err
	}
	defer func() { s.held.Release(out) }() // but for a snapshot
	s.loss, s.slope = device.Number(out[0]), device.Number(out[2])
	s.due, s.position = false, 0
	if device.Finite(s.loss) && s.loss < s.bestLoss {
		s.best, s.bestLoss = theta, s.loss
	}
	s.carry(append(s.carried[:2:2], s.plan.rule.Snapshot(s.carried[2:], theta, out[1])...))
	if !s.told {
		p.Records = append(p.Records, Record{Loss: s.loss, GradientNorm: s.slope, Step: device.Number(s.carried[1])})
		s.told = true
	}
	looked := 0
	if s.plan.measured != nil && device.Finite(s.slope) {
		if reason, looked, err = s.plan.measured(theta, out[1], s.slope); err != nil {
			s.due = true // again, by who goes on from here
			return "", err
		}
	}
	if evaluations := s.spend(s.obj.NumSamples() + looked); len(p.Records) > 0 {
		p.Records[len(p.Records)-1].Evaluations += evaluations
	}
	return reason, nil
}

// spend counts evaluations in passes over all samples.
func (s *stochastic) spend(samples int) (evaluations int) {
	rows := s.obj.NumSamples()
	before := s.spent / rows
	s.spent += samples
	return s.spent/rows - before
}

// room is the number of steps whose batches go to the device at once: their numbers are to stay below 16 MiB.
func (s *stochastic) room() int {
	return max(1, min(chunk, 1<<22/(s.plan.batches.Size()*s.plan.perStep)))
}

// steps makes up to n steps, and reports whether the last one was finite.
func (s *stochastic) steps(p *Progress, n int) (made int, sound bool, err error) {
	dtype, room := s.obj.Precision(), s.room()
	n = min(n, room)
	places := s.plan.batches.Places()
	indices := s.plan.batches.Next(n*s.plan.perStep, room*s.plan.perStep)
	trace := shapes.Make(dtype, chunk)
	first := append([]*tensors.Tensor{
		tensors.FromScalar(int32(0)), tensors.FromScalar(int32(0)), tensors.FromScalar(true),
	}, device.Zeros([]shapes.Shape{trace, trace, trace})...)
	limit := []*tensors.Tensor{tensors.FromScalar(int32(n))}
	vars, err := s.loop.Run(append(first, s.carried...), limit, indices, s.obj.Data)
	device.Free(append(first, indices...))
	if err != nil { // who goes on from here draws the same batches
		return 0, false, errors.Join(err, s.plan.batches.Restore(places, s.plan.batches.Sizes))
	}
	vars = append([]*tensors.Tensor{nil}, vars...) // in the place of batchOn
	made, sound = int(tensors.ToScalar[int32](vars[batchCount])), tensors.ToScalar[bool](vars[batchSound])
	s.carry(vars[batchCarried:])
	defer device.Free(vars[:batchCarried])
	var fresh Progress
	if err := fresh.addTraces(vars[batchLoss:batchCarried], made); err != nil {
		return made, sound, err
	}
	size := s.plan.batches.Size() * s.plan.perStep
	for i, r := range fresh.Records {
		r.Batch, r.Evaluations = size, s.spend(int(math.Round(float64(size)*s.plan.cost)))
		if i > 0 || !s.told {
			p.Records = append(p.Records, r)
		} else if len(p.Records) > 0 {
			p.Records[len(p.Records)-1].Evaluations += r.Evaluations
		}
	}
	p.Iterations += made
	s.told, s.moved = false, true
	s.position += made
	s.due = s.position == s.plan.every
	return made, sound, nil
}

// Current implements Stepper.
func (s *stochastic) Current() *tensors.Tensor { return s.carried[0] }

// Best implements Stepper. What it measures is not kept, because a run must not depend on when it was asked.
func (s *stochastic) Best() (*tensors.Tensor, float64) {
	if s.position > 0 || s.due {
		out, err := s.full.Call([]*tensors.Tensor{s.carried[0]}, s.obj.Data)
		defer device.Free(out)
		if err != nil {
			s.failed = err
		} else if loss := device.Number(out[0]); device.Finite(loss) && loss < s.bestLoss {
			return s.carried[0], loss
		}
	}
	return s.best, s.bestLoss
}

func (s *stochastic) lendError() error { return s.failed }

// Refresh implements Stepper.
func (s *stochastic) Refresh() {
	s.best, s.bestLoss, s.due, s.position = s.carried[0], math.Inf(1), true, 0
	s.carry(append(s.carried[:2:2], s.plan.rule.Rebase(s.carried[2:])...))
}

// Restart implements Restarter.
func (s *stochastic) Restart(theta *tensors.Tensor) error {
	mine, err := device.Copy(theta)
	if err != nil {
		return err
	}
	blank := device.Zeros(s.plan.rule.State(s.obj))
	if r, ok := s.plan.rule.(averaged); ok {
		copy(blank, unlearned(r.direction, s.obj, s.carried[2:]))
	}
	s.best, s.bestLoss, s.due, s.told, s.position = mine, math.Inf(1), true, false, 0
	s.carry(append([]*tensors.Tensor{mine, s.carried[1]}, blank...))
	return nil
}

// Stop implements Stopper.
func (s *stochastic) Stop() { s.held.Hold() }

// savedStochastic is the state of a stochastic method.
type savedStochastic struct {
	Carried               []device.Saved
	Best                  device.Saved
	BestLoss, Loss, Slope float64
	Position, Spent       int
	Due, Told             bool
	At, Sizes             []int
}

// Save implements Stepper.
func (s *stochastic) Save() ([]byte, error) {
	state := savedStochastic{
		BestLoss: s.bestLoss, Loss: s.loss, Slope: s.slope, Position: s.position, Spent: s.spent, Due: s.due, Told: s.told,
		At: s.plan.batches.Places(), Sizes: s.plan.batches.Sizes,
	}
	var err error
	if state.Carried, err = device.SaveAll(s.carried); err != nil {
		return nil, err
	}
	if state.Best, err = device.Save(s.best); err != nil {
		return nil, err
	}
	return encode(state)
}

// Restore implements Stepper.
func (s *stochastic) Restore(data []byte) error {
	state, err := decode[savedStochastic](data)
	if err != nil {
		return err
	}
	carried, err := device.RestoreAll(state.Carried, s.carried)
	if err != nil {
		return err
	}
	if s.best, err = state.Best.Restore(s.best.Shape()); err != nil {
		return err
	}
	if err := s.plan.batches.Restore(state.At, state.Sizes); err != nil {
		return err
	}
	s.carry(carried)
	s.moved = true
	s.bestLoss, s.loss, s.slope = state.BestLoss, state.Loss, state.Slope
	s.position, s.spent, s.due, s.told = state.Position, state.Spent, state.Due, state.Told
	return nil
}
