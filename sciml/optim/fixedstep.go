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

// fixedStep takes the steps of a direction as they are, many per call: the loop itself runs on the device, because a
// call from the host costs as much as a step of a small problem.
type fixedStep struct {
	obj       *objective.Objective
	direction Direction
	run       func(inputs ...[]*tensors.Tensor) ([]*tensors.Tensor, error) // one call to the device
	longest   int                                                          // the most iterations that it makes
	carried   []*tensors.Tensor                                            // θ, best θ, best loss, length of the last step, then the direction's state
	traces    []*tensors.Tensor                                            // empty traces to begin a call with
	held      device.Owner                                                 // of what is carried
}

func startFixedStep(obj *objective.Objective, theta *tensors.Tensor, direction Direction) (*fixedStep, error) {
	dtype := obj.Precision()
	state := direction.State(obj.Dim, dtype)
	s := &fixedStep{obj: obj, direction: direction}
	if obj.Function == nil && device.Large(int64(obj.Dim)*int64(dtype.Size())) {
		if err := s.callForEachPart(); err != nil {
			return nil, err
		}
	} else if obj.Function == nil && device.LoopsOnDevice(obj.Backend) {
		loop, err := device.NewProgram(obj.Backend, "fixed-step loop", func(in []*graph.Node) []*graph.Node {
			return loopFixedSteps(obj, direction, len(state), in)
		})
		if err != nil {
			return nil, err
		}
		s.longest, s.run = chunk, func(inputs ...[]*tensors.Tensor) ([]*tensors.Tensor, error) {
			return loop.Call(append(inputs, obj.Data)...)
		}
	} else if err := s.callEachStep("fixed step"); err != nil {
		return nil, err
	}
	if err := s.begin(theta, device.Scalar(dtype, 0), device.Zeros(state)); err != nil {
		return nil, err
	}
	trace := shapes.Make(dtype, chunk)
	s.traces = device.Zeros([]shapes.Shape{trace, trace, trace})
	return s, nil
}

// callEachStep has one call to the device make one step.
func (s *fixedStep) callEachStep(name string) error {
	one, err := objective.NewEvaluation(s.obj, name, func(in []*graph.Node) *graph.Node {
		return in[loopCarried]
	}, func(p *objective.Point, in []*graph.Node) []*graph.Node {
		return buildFixedStep(p, s.direction, in)
	})
	if err == nil {
		s.longest, s.run = 1, one.Call
	}
	return err
}

// callForEachPart has one call evaluate loss and gradient, one find the step, and one take it. What one of them needs is free for
// the next, and the best iterate is the current one as long as that is so, rather than a copy of it: a loop on the device has
// all that it carries there twice.
func (s *fixedStep) callForEachPart() error {
	obj, dtype, stateSize := s.obj, s.obj.Precision(), len(s.direction.State(s.obj.Dim, s.obj.Precision()))
	evaluating, err := device.NewProgram(obj.Backend, "loss and gradient", func(in []*graph.Node) []*graph.Node {
		p := obj.BuildPoint(in[0], in[1:])
		return []*graph.Node{p.Loss, p.Gradient}
	})
	if err != nil {
		return err
	}
	finding, err := device.NewProgram(obj.Backend, "step", func(in []*graph.Node) []*graph.Node {
		step, next := s.direction.Step(obj.PointOf(in[0], in[1], in[2], in[3+stateSize:]), in[3:3+stateSize])
		return append([]*graph.Node{step}, next...)
	})
	if err != nil {
		return err
	}
	taking, err := device.NewProgram(obj.Backend, "next iterate", func(in []*graph.Node) []*graph.Node {
		theta, gradient, step := in[0], in[1], in[2]
		return []*graph.Node{graph.Add(theta, step), device.Norm(gradient), device.Norm(step)}
	})
	if err != nil {
		return err
	}
	s.longest = 1
	s.run = func(inputs ...[]*tensors.Tensor) ([]*tensors.Tensor, error) {
		counters, carried := inputs[0], inputs[2]
		theta := carried[:1]
		here, err := evaluating.Call(theta, obj.Data)
		if err != nil {
			return nil, err
		}
		defer device.Free(here)
		found, err := finding.Call(theta, here, carried[4:], obj.Data)
		if err != nil {
			return nil, err
		}
		s.held.Hold(carried[:4], found) // the state before is free
		defer device.Free(found[:1])
		out, err := taking.Call(theta, here[1:], found[:1])
		if err != nil {
			return nil, err
		}
		loss, slope, length := device.Number(here[0]), device.Number(out[1]), device.Number(out[2])
		best, bestLoss := carried[1], carried[2]
		if loss < device.Number(bestLoss) {
			best, bestLoss = carried[0], device.Scalar(dtype, loss)
		}
		missed := loss > device.Number(counters[loopGoalLoss]) && slope > device.Number(counters[loopGoalGradient])
		trace := func(v float64) *tensors.Tensor { return device.Vector(dtype, []float64{v}) }
		all := []*tensors.Tensor{
			loopLimit: tensors.FromScalar(int32(1)), loopCount: tensors.FromScalar(int32(1)),
			loopOn:       tensors.FromScalar(device.Finite(loss) && device.Finite(length) && missed),
			loopGoalLoss: device.Scalar(dtype, 0), loopGoalGradient: device.Scalar(dtype, 0),
			loopLoss: trace(loss), loopGradient: trace(slope), loopStep: trace(device.Number(carried[3])),
			loopCarried: out[0], loopCarried + 1: best, loopCarried + 2: bestLoss, loopCarried + 3: out[2],
		}
		return append(all, found[1:]...), nil
	}
	return nil
}

// begin carries a copy of theta as the current and the best iterate, of which nothing is known.
func (s *fixedStep) begin(theta, ledHere *tensors.Tensor, state []*tensors.Tensor) error {
	mine, err := device.Copy(theta)
	if err != nil {
		return err
	}
	s.carry(append([]*tensors.Tensor{mine, mine, device.Scalar(s.obj.Precision(), math.Inf(1)), ledHere}, state...))
	return nil
}

func (s *fixedStep) carry(next []*tensors.Tensor) {
	s.carried = next
	s.held.Hold(next)
}

// The loop's variables: the number of iterations still to make, how many were made, whether to go on, the goal's loss
// and gradient norm, the traces of loss, gradient norm and step length, then what is carried from call to call, then the data.
const (
	loopLimit = iota
	loopCount
	loopOn
	loopGoalLoss
	loopGoalGradient
	loopLoss
	loopGradient
	loopStep
	loopCarried
	loopState = loopCarried + 4
)

// loopFixedSteps builds the loop. All its variables start as inputs, and the condition looks at variables only: a
// constant or a reduction that GoMLX has cached for one function of a graph is not valid in another.
func loopFixedSteps(obj *objective.Objective, direction Direction, stateSize int, initial []*graph.Node) []*graph.Node {
	g := initial[0].Graph()
	parameters := func(g *graph.Graph) []*graph.Node {
		vars := make([]*graph.Node, len(initial))
		for i, v := range initial {
			vars[i] = graph.Parameter(g, fmt.Sprintf("v%d", i), v.Shape())
		}
		return vars
	}
	condition := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
		vars := parameters(g)
		return []*graph.Node{graph.LogicalAnd(graph.LessThan(vars[loopCount], vars[loopLimit]), vars[loopOn])}
	})
	body := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
		vars := parameters(g)
		in, data := vars[:loopState+stateSize], vars[loopState+stateSize:]
		return append(buildFixedStep(obj.BuildPoint(in[loopCarried], data), direction, in), data...)
	})
	return graph.While(condition, body, initial...)[:loopState+stateSize]
}

// buildFixedStep builds one iteration: the next values of the loop's variables.
func buildFixedStep(point *objective.Point, direction Direction, vars []*graph.Node) []*graph.Node {
	theta, bestTheta, bestLoss, ledHere := vars[loopCarried], vars[loopCarried+1], vars[loopCarried+2], vars[loopCarried+3]
	step, next := direction.Step(point, vars[loopState:])
	length := device.Norm(step)
	better := graph.LessThan(point.Loss, bestLoss) // false for NaN
	here := graph.Equal(graph.Iota(theta.Graph(), shapes.Make(dtypes.Int32, chunk), 0), vars[loopCount])
	record := func(trace, value *graph.Node) *graph.Node { return graph.Where(here, value, trace) }
	slope := device.Norm(point.Gradient)
	usable := graph.LogicalAnd(graph.IsFinite(point.Loss), graph.IsFinite(length))
	missed := graph.LogicalAnd(graph.GreaterThan(point.Loss, vars[loopGoalLoss]), graph.GreaterThan(slope, vars[loopGoalGradient]))
	return append([]*graph.Node{
		vars[loopLimit],
		graph.AddScalar(vars[loopCount], 1),
		graph.LogicalAnd(usable, missed),
		vars[loopGoalLoss],
		vars[loopGoalGradient],
		record(vars[loopLoss], point.Loss),
		record(vars[loopGradient], slope),
		record(vars[loopStep], ledHere),
		graph.Add(theta, step),
		graph.Where(better, theta, bestTheta),
		graph.Where(better, point.Loss, bestLoss),
		length,
	}, next...)
}

// Advance implements Stepper. The loss of the last iterate becomes known with the next call.
func (s *fixedStep) Advance(ctx context.Context, n int, goal Goal) (Progress, error) {
	p := Progress{Status: Running}
	for n > 0 && ctx.Err() == nil {
		limit := min(n, s.longest)
		dtype := s.obj.Precision()
		counters := []*tensors.Tensor{
			tensors.FromScalar(int32(limit)), tensors.FromScalar(int32(0)), tensors.FromScalar(true),
			device.Scalar(dtype, goal.Loss), device.Scalar(dtype, goal.Gradient),
		}
		out, err := s.run(counters, s.traces, s.carried)
		if err != nil {
			return p, err
		}
		made, on := int(tensors.ToScalar[int32](out[loopCount])), tensors.ToScalar[bool](out[loopOn])
		if err := p.addTraces(out[loopLoss:loopCarried], made); err != nil {
			return p, err
		}
		s.carry(out[loopCarried:])
		device.Free(out[:loopCarried])
		p.Iterations += made
		n -= made
		if !on {
			if p.Status, p.Message = goal.Met(p.Records[len(p.Records)-1]); p.Status != Running {
				break
			}
			p.Status, p.Message = NonFinite, "the loss or a parameter became NaN or infinite; a smaller rate may help"
			break
		}
	}
	return p, nil
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
func (s *fixedStep) Current() *tensors.Tensor { return s.carried[0] }

// Best implements Stepper.
func (s *fixedStep) Best() (*tensors.Tensor, float64) {
	return s.carried[1], device.Number(s.carried[2])
}

// Refresh implements Stepper.
func (s *fixedStep) Refresh() {
	state := rebase(s.direction, s.carried[4:])
	here := s.carried[0]
	s.carry(append([]*tensors.Tensor{here, here, device.Scalar(s.obj.Precision(), math.Inf(1)), s.carried[3]}, state...))
}

// Restart implements Restarter.
func (s *fixedStep) Restart(theta *tensors.Tensor) error {
	return s.begin(theta, s.carried[3], unlearned(s.direction, s.obj, s.carried[4:]))
}

// unlearned is the state of a direction of which only the schedule is left.
func unlearned(d Direction, obj *objective.Objective, state []*tensors.Tensor) []*tensors.Tensor {
	blank := device.Zeros(d.State(obj.Dim, obj.Precision()))
	if s, ok := d.(scheduled); ok {
		copy(blank, state[:s.schedule.Size()])
	}
	return blank
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
	var state []device.Saved
	if err := decode(data, &state); err != nil {
		return err
	}
	carried, err := device.RestoreAll(state, s.carried)
	if err == nil {
		s.carry(carried)
	}
	return err
}
