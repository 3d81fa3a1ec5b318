package optim

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// chunk is the most iterations that one call to the device makes.
const chunk = 256

// fixedStep takes the steps of a direction as they are. Where it can, the loop itself runs on the device, many steps a call,
// because a call from the host costs as much as a step of a small problem.
type fixedStep struct {
	obj       *objective.Objective
	direction Direction
	// steps makes up to n steps and adds their records, up to one that may meet the goal or where something is not finite. It
	// reports how many were made.
	steps   func(p *Progress, n int, goal Goal) (made int, err error)
	carried []*tensors.Tensor // θ, best θ, best loss, length of the last step, then the direction's state
	held    device.Owner      // of what is carried
	moved   bool              // whether a step was made
	traces  []*tensors.Tensor // empty ones, for the loop on the device
}

// The places in what is carried.
const (
	carriedTheta = iota
	carriedBest
	carriedBestLoss
	carriedLength
	carriedState
)

func startFixedStep(obj *objective.Objective, theta *tensors.Tensor, direction Direction) (*fixedStep, error) {
	dtype := obj.Precision()
	s := &fixedStep{obj: obj, direction: direction}
	var err error
	switch {
	case obj.Function == nil && device.Large(int64(obj.Dim)*int64(dtype.Size())):
		err = s.callForEachPart()
	case obj.Function == nil && device.LoopsOnDevice(obj.Backend):
		err = s.loopOnDevice()
	default:
		err = s.callEachStep("fixed step")
	}
	if err != nil {
		return nil, err
	}
	return s, s.begin(theta, device.Scalar(dtype, 0), device.Zeros(direction.State(obj.Dim, dtype)))
}

// begin carries a copy of theta as the current and the best iterate, of which nothing is known.
func (s *fixedStep) begin(theta, length *tensors.Tensor, state []*tensors.Tensor) error {
	mine, err := device.Copy(theta)
	if err != nil {
		return err
	}
	s.carry(append([]*tensors.Tensor{mine, mine, device.Scalar(s.obj.Precision(), math.Inf(1)), length}, state...))
	return nil
}

func (s *fixedStep) carry(next []*tensors.Tensor) {
	s.carried = next
	s.held.Hold(next)
}

// stepped is one step in a graph.
type stepped struct {
	loss, slope, length *graph.Node // at the iterate, and of the step
	carried             []*graph.Node
}

// build makes a step. Of iterates with the same loss the first is the best one, or else one whose gradient meets the goal.
func (s *fixedStep) build(point *objective.Point, carried []*graph.Node, goalGradient *graph.Node) stepped {
	theta, best, bestLoss := carried[carriedTheta], carried[carriedBest], carried[carriedBestLoss]
	step, next := s.direction.Step(point, carried[carriedState:])
	length, slope := device.Norm(step), device.Norm(point.Gradient)
	met := graph.LogicalAnd(graph.Equal(point.Loss, bestLoss), graph.LessOrEqual(slope, goalGradient))
	better := graph.LogicalAnd(graph.IsFinite(point.Loss), graph.LogicalOr(graph.LessThan(point.Loss, bestLoss), met))
	return stepped{loss: point.Loss, slope: slope, length: length, carried: append([]*graph.Node{
		carriedTheta:    graph.Where(graph.IsFinite(length), graph.Add(theta, step), theta), // stays where something was not finite
		carriedBest:     graph.Where(better, theta, best),
		carriedBestLoss: graph.Where(better, point.Loss, bestLoss),
		carriedLength:   length,
	}, next...)}
}

// The variables of the loop on the device: whether to go on, how many steps were made, the traces of loss, gradient norm and step
// length, and what is carried. Those that stay as they are follow: the number of steps to make, the goal, and the data.
const (
	loopOn = iota
	loopCount
	loopLoss
	loopGradient
	loopStep
	loopCarried
)

func (s *fixedStep) loopOnDevice() error {
	obj, dtype := s.obj, s.obj.Precision()
	changing := loopCarried + carriedState + len(s.direction.State(obj.Dim, dtype))
	loop, err := device.NewLoop(obj.Compiler(), "fixed-step loop", changing, func(vars []*graph.Node) []*graph.Node {
		limit, goalLoss, goalGradient, data := vars[changing], vars[changing+1], vars[changing+2], vars[changing+3:]
		carried, count := vars[loopCarried:changing], vars[loopCount]
		m := s.build(obj.BuildPoint(carried[carriedTheta], data), carried, goalGradient)
		here := graph.Equal(graph.Iota(count.Graph(), shapes.Make(dtypes.Int32, chunk), 0), count)
		record := func(trace, value *graph.Node) *graph.Node { return graph.Where(here, value, trace) }
		usable := graph.LogicalAnd(graph.LogicalAnd(graph.IsFinite(m.loss), graph.IsFinite(m.slope)), graph.IsFinite(m.length))
		missed := graph.LogicalAnd(graph.GreaterThan(m.loss, goalLoss), graph.GreaterThan(m.slope, goalGradient))
		made := graph.AddScalar(count, 1)
		return append([]*graph.Node{
			loopOn:       graph.LogicalAnd(graph.LogicalAnd(usable, missed), graph.LessThan(made, limit)),
			loopCount:    made,
			loopLoss:     record(vars[loopLoss], m.loss),
			loopGradient: record(vars[loopGradient], m.slope),
			loopStep:     record(vars[loopStep], carried[carriedLength]),
		}, m.carried...)
	})
	if err != nil {
		return err
	}
	trace := shapes.Make(dtype, chunk)
	s.traces = device.Zeros([]shapes.Shape{trace, trace, trace})
	s.steps = func(p *Progress, n int, goal Goal) (made int, err error) {
		n = min(n, chunk)
		first := append(append([]*tensors.Tensor{tensors.FromScalar(int32(0))}, s.traces...), s.carried...)
		constant := []*tensors.Tensor{tensors.FromScalar(int32(n)), device.Scalar(dtype, goal.Loss), device.Scalar(dtype, goal.Gradient)}
		vars, err := loop.Run(first, constant, obj.Data)
		if err != nil {
			return 0, err
		}
		vars = append([]*tensors.Tensor{nil}, vars...) // in the place of loopOn
		made = int(tensors.ToScalar[int32](vars[loopCount]))
		s.carry(vars[loopCarried:])
		defer device.Free(vars[:loopCarried])
		return made, p.addTraces(vars[loopLoss:loopCarried], made)
	}
	return nil
}

// callEachStep has one call to the device make one step.
func (s *fixedStep) callEachStep(name string) error {
	one, err := objective.NewEvaluation(s.obj, name, func(in []*graph.Node) *graph.Node {
		return in[carriedTheta]
	}, func(p *objective.Point, in []*graph.Node) []*graph.Node {
		last := len(in) - 1
		m := s.build(p, in[:last], in[last])
		return append([]*graph.Node{m.loss, m.slope}, m.carried...)
	})
	s.steps = func(p *Progress, _ int, goal Goal) (int, error) {
		slope := []*tensors.Tensor{device.Scalar(s.obj.Precision(), goal.Gradient)}
		defer device.Free(slope)
		led := device.Number(s.carried[carriedLength])
		out, err := one.Call(append(s.carried[:len(s.carried):len(s.carried)], slope...))
		if err != nil {
			return 0, err
		}
		r := Record{Loss: device.Number(out[0]), GradientNorm: device.Number(out[1]), Step: led, Evaluations: 1}
		p.Records = append(p.Records, r)
		s.carry(out[2:])
		device.Free(out[:2])
		return 1, nil
	}
	return err
}

// callForEachPart has one call evaluate loss and gradient, one find the step, and one take it. What one of them needs is free for
// the next, and the best iterate is the current one as long as that is so, rather than a copy of it: a loop on the device has
// all that it carries there twice.
func (s *fixedStep) callForEachPart() error {
	obj, dtype := s.obj, s.obj.Precision()
	evaluating, err := device.NewProgram(obj.Compiler(), "loss and gradient", func(in []*graph.Node) []*graph.Node {
		p := obj.BuildPoint(in[0], in[1:])
		return []*graph.Node{p.Loss, p.Gradient}
	})
	if err != nil {
		return err
	}
	stateSize := len(s.direction.State(obj.Dim, dtype))
	finding, err := device.NewProgram(obj.Compiler(), "step", func(in []*graph.Node) []*graph.Node {
		step, next := s.direction.Step(obj.PointOf(in[0], in[1], in[2], in[3+stateSize:]), in[3:3+stateSize])
		return append([]*graph.Node{step}, next...)
	})
	if err != nil {
		return err
	}
	taking, err := device.NewProgram(obj.Compiler(), "next iterate", func(in []*graph.Node) []*graph.Node {
		theta, gradient, step := in[0], in[1], in[2]
		length := device.Norm(step)
		return []*graph.Node{graph.Where(graph.IsFinite(length), graph.Add(theta, step), theta), device.Norm(gradient), length}
	})
	s.steps = func(p *Progress, _ int, goal Goal) (int, error) {
		theta, best, bestLoss := s.carried[:1], s.carried[carriedBest], s.carried[carriedBestLoss]
		here, err := evaluating.Call(theta, obj.Data)
		if err != nil {
			return 0, err
		}
		defer device.Free(here)
		found, err := finding.Call(theta, here, s.carried[carriedState:], obj.Data)
		if err != nil {
			return 0, err
		}
		defer device.Free(found[:1])
		s.carry(append(s.carried[:carriedState:carriedState], found[1:]...)) // the state before is free
		out, err := taking.Call(theta, here[1:], found[:1])
		if err != nil {
			return 0, err
		}
		r := Record{Loss: device.Number(here[0]), GradientNorm: device.Number(out[1]), Step: device.Number(s.carried[carriedLength]), Evaluations: 1}
		p.Records = append(p.Records, r)
		lowest := device.Number(bestLoss)
		if device.Finite(r.Loss) && (r.Loss < lowest || r.Loss == lowest && r.GradientNorm <= goal.Gradient) {
			best, bestLoss = theta[0], device.Scalar(dtype, r.Loss)
		}
		s.carry(append([]*tensors.Tensor{out[0], best, bestLoss, out[2]}, found[1:]...))
		device.Free(out[1:2])
		return 1, nil
	}
	return err
}

// Advance implements Stepper. The loss of the last iterate becomes known with the next call.
func (s *fixedStep) Advance(ctx context.Context, n int, goal Goal) (Progress, error) {
	p := Progress{Status: Running}
	for n > 0 && ctx.Err() == nil && p.Status == Running {
		made, err := s.steps(&p, n, goal)
		if err != nil {
			return p, err
		}
		p.Iterations += made
		n -= made
		p.Status, p.Message = s.judge(p.Records[len(p.Records)-1], !s.moved && made == 1, goal)
		s.moved = true
	}
	return p, nil
}

// judge says whether the run ends after a record and the step from there.
func (s *fixedStep) judge(r Record, start bool, goal Goal) (Status, string) {
	_, lowest := s.Best()
	status, why := goal.judge(standing{Record: r, lowest: lowest, start: start}, s.obj)
	if status != Running {
		return status, why
	}
	broken := nonFinite(r, start)
	if broken != "" && start {
		return NonFinite, broken // whatever the rate
	}
	if length := device.Number(s.carried[carriedLength]); broken == "" && !device.Finite(length) {
		broken = fmt.Sprintf("the length of a step became %v", length)
	}
	if broken != "" {
		return NonFinite, broken + "; a smaller rate may help"
	}
	return Running, ""
}

func (p *Progress) addTraces(traces []*tensors.Tensor, count int) error {
	var columns [3][]float64
	for i, t := range traces {
		var err error
		if columns[i], err = device.Numbers(t); err != nil {
			return fmt.Errorf("optim: reading the history from the device: %w", err)
		}
	}
	for k := range count {
		p.Records = append(p.Records, Record{
			Loss: columns[0][k], GradientNorm: columns[1][k], Step: columns[2][k], Evaluations: 1,
		})
	}
	return nil
}

// Current implements Stepper.
func (s *fixedStep) Current() *tensors.Tensor { return s.carried[carriedTheta] }

// Best implements Stepper.
func (s *fixedStep) Best() (*tensors.Tensor, float64) {
	return s.carried[carriedBest], device.Number(s.carried[carriedBestLoss])
}

// Refresh implements Stepper.
func (s *fixedStep) Refresh() {
	state := rebase(s.direction, s.carried[carriedState:])
	here := s.carried[carriedTheta]
	s.carry(append([]*tensors.Tensor{here, here, device.Scalar(s.obj.Precision(), math.Inf(1)), s.carried[carriedLength]}, state...))
}

// Restart implements Restarter.
func (s *fixedStep) Restart(theta *tensors.Tensor) error {
	return s.begin(theta, s.carried[carriedLength], unlearned(s.direction, s.obj, s.carried[carriedState:]))
}

// unlearned is the state of a direction of which only the schedule is left.
func unlearned(d Direction, obj *objective.Objective, state []*tensors.Tensor) []*tensors.Tensor {
	blank := device.Zeros(d.State(obj.Dim, obj.Precision()))
	if s, ok := d.(scheduled); ok {
		copy(blank, state[:s.schedule.Size()])
	}
	return blank
}

// Stop implements Stopper.
func (s *fixedStep) Stop() {
	s.held.Hold()
	device.Free(s.traces)
}

// Save implements Stepper.
func (s *fixedStep) Save() ([]byte, error) {
	state, err := device.SaveAll(s.carried)
	if err != nil {
		return nil, err
	}
	return encode(state)
}

// Restore implements Stepper.
func (s *fixedStep) Restore(data []byte) error {
	state, err := decode[[]device.Saved](data)
	if err != nil {
		return err
	}
	carried, err := device.RestoreAll(state, s.carried)
	if err == nil {
		s.carry(carried)
		s.moved = true
	}
	return err
}
