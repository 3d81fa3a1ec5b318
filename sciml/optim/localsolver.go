package optim

import (
	"cmp"
	"context"
	"reflect"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// team are solvers for subspaces of one kind.
type team struct {
	variables  objective.Variables // nil for all parameters
	share      float64             // 1 for all samples
	method     Method
	iterations int
	solvers    []*localSolver
	members    int // subspaces
}

// subspace is one at work.
type subspace struct {
	name    string
	tensors []*tensors.Tensor // of C
	team    *team
	solver  *localSolver
}

// teamFor is the team of a subspace: one that is there, if it has the same programs.
func (s *correctionStepper) teamFor(sub Subspace, variables objective.Variables) *team {
	wanted := &team{variables: variables, share: cmp.Or(sub.Share, 1), method: sub.method(), iterations: cmp.Or(sub.Iterations, 10)}
	for i := range s.subspaces {
		t := s.subspaces[i].team
		if t.share == wanted.share && t.iterations == wanted.iterations && reflect.DeepEqual(t.method, wanted.method) &&
			variables != nil && reflect.TypeOf(variables) == reflect.TypeOf(t.variables) && reflect.TypeOf(variables).Comparable() && variables == t.variables {
			return t
		}
	}
	return wanted
}

// localSolver minimizes in a subspace.
type localSolver struct {
	*team
	obj     *objective.Objective
	coarse  *objective.Coarse // nil for all samples
	change  *objective.Change // nil for all parameters
	of      *objective.Objective
	losses  *device.Program
	stepper Stepper
	stale   bool // the data of obj were replaced
	busy    bool // with a correction that was interrupted
	left    int  // iterations of it
	away    bool // whether that is from before the solver was restored, so that it is not where it began
}

func newLocalSolver(obj *objective.Objective, t *team, theta *tensors.Tensor, c []*tensors.Tensor) (_ *localSolver, err error) {
	l := &localSolver{team: t, obj: obj, of: obj}
	defer func() {
		if err != nil {
			l.stop()
		}
	}()
	if t.share < 1 {
		if l.coarse, err = objective.NewCoarse(obj, t.share); err != nil {
			return nil, err
		}
		l.of = l.coarse.Objective
	}
	if t.variables != nil {
		copied, err := copies(c)
		if err != nil {
			return nil, err
		}
		if l.change, err = objective.NewChange(l.of, t.variables, theta, copied); err != nil {
			return nil, err
		}
		l.of = l.change.Objective
	}
	if l.losses, err = device.NewProgram(l.of.Compiler(), "loss", func(in []*graph.Node) []*graph.Node {
		return []*graph.Node{l.of.BuildLoss(in[0], in[1:])}
	}); err != nil {
		return nil, err
	}
	start, err := l.start(theta)
	if err != nil {
		return nil, err
	}
	defer device.Free([]*tensors.Tensor{start})
	l.stepper, err = t.method.Start(l.of, start)
	return l, err
}

// copies are tensors of the caller's.
func copies(all []*tensors.Tensor) (mine []*tensors.Tensor, err error) {
	for _, t := range all {
		c, err := device.Copy(t)
		if err != nil {
			device.Free(mine)
			return nil, err
		}
		mine = append(mine, c)
	}
	return mine, nil
}

// start is what the method begins with: z = 0, or θ.
func (l *localSolver) start(theta *tensors.Tensor) (*tensors.Tensor, error) {
	if l.change == nil {
		return device.Copy(theta)
	}
	return device.Zeros([]shapes.Shape{shapes.Make(l.obj.Precision(), l.of.Dim)})[0], nil
}

// correction is where a subspace's minimization went.
type correction struct {
	theta       *tensors.Tensor
	loss        float64 // of its own objective
	evaluations float64
}

// exact reports whether that loss is f.
func (l *localSolver) exact() bool { return l.coarse == nil }

// solve minimizes from theta on, in the subspace of C, or goes on with that where it was interrupted. When ctx is done before the end it returns
// its error. It tells what it cost in any case.
func (l *localSolver) solve(ctx context.Context, theta *tensors.Tensor, c []*tensors.Tensor, goal float64) (out correction, err error) {
	if !l.busy || l.away {
		if out.evaluations, err = l.move(theta, c); err != nil {
			return out, err
		}
	}
	if !l.busy {
		if err := l.begin(theta); err != nil {
			return out, err
		}
		l.busy, l.left = true, l.iterations
	}
	for l.left > 0 {
		p, err := l.stepper.Advance(ctx, l.left, Goal{Loss: goal})
		out.evaluations += l.share * evaluationsOf(p)
		l.left -= p.Iterations
		if err == nil {
			err = lendError(l.stepper)
		}
		if p.Status != Running {
			l.left = 0
		}
		if err == nil && l.left > 0 {
			err = ctx.Err()
		}
		if err != nil {
			return out, err
		}
		if p.Iterations == 0 && p.Message == "" && p.Remark == "" {
			l.left = 0
		}
	}
	best, loss, err := l.end(&out.evaluations)
	if err != nil {
		return out, err
	}
	if out.loss = loss; l.change == nil {
		out.theta, err = device.Copy(best)
	} else {
		out.theta, err = l.change.Theta(best)
	}
	l.busy = err != nil
	return out, err
}

// end is the best iterate, or the last one where that is better: methods of fixed steps do not look at it.
func (l *localSolver) end(evaluations *float64) (theta *tensors.Tensor, loss float64, err error) {
	best, loss := l.stepper.Best()
	last := l.stepper.Current()
	if err := lendError(l.stepper); err != nil || last == best {
		return best, loss, err
	}
	out, err := l.losses.Call([]*tensors.Tensor{last}, l.of.Data)
	if err != nil {
		return nil, 0, err
	}
	defer device.Free(out)
	if *evaluations += l.share; falls(device.Number(out[0]), loss) {
		return last, device.Number(out[0]), nil
	}
	return best, loss, nil
}

// begin has the method begin where the solver is.
func (l *localSolver) begin(theta *tensors.Tensor) error {
	start, err := l.start(theta)
	if err != nil {
		return err
	}
	defer device.Free([]*tensors.Tensor{start})
	if again, ok := l.stepper.(Restarter); ok {
		return again.Restart(start)
	}
	next, err := l.method.Start(l.of, start)
	if err == nil {
		stop(l.stepper)
		l.stepper = next
	}
	return err
}

func evaluationsOf(p Progress) float64 {
	total := p.Evaluations
	for _, r := range p.Records {
		total += r.Evaluations
	}
	return float64(total)
}

// move makes theta the origin, and says what it cost.
func (l *localSolver) move(theta *tensors.Tensor, c []*tensors.Tensor) (evaluations float64, err error) {
	if l.coarse != nil {
		if l.stale {
			if err := l.coarse.Follow(); err != nil {
				return 0, err
			}
		}
		if err := l.coarse.At(theta); err != nil {
			return 0, err
		}
		evaluations = 1 + l.share
	}
	if l.change != nil {
		origin, err := device.Copy(theta)
		if err != nil {
			return evaluations, err
		}
		copied, err := copies(c)
		if err != nil {
			return evaluations, err
		}
		l.change.Follow()
		l.change.Move(origin, copied)
	}
	if nested, ok := l.stepper.(*correctionStepper); ok {
		nested.moved()
	}
	l.stale, l.away = false, false
	return evaluations, nil
}

func (l *localSolver) stop() {
	if l.stepper != nil {
		stop(l.stepper)
	}
	if l.change != nil {
		l.change.Release()
	}
	l.coarse.Release()
}
