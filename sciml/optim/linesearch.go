package optim

import (
	"context"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Search finds a step length along a direction of descent.
type Search interface {
	// Find looks for an α > 0 at which φ(α) = f(θ + αp) is acceptable, trying first before any other. start is φ at
	// zero, with a negative slope; try evaluates φ; resolution is the relative rounding error of φ.
	// It returns the trial to take, which must be one that try returned, and whether it is acceptable.
	Find(start Trial, first, resolution float64, try func(alpha float64) (Trial, error)) (Trial, bool, error)
}

// Trial is a point along a search direction: φ(α) and its slope φ′(α).
type Trial struct {
	Alpha, Loss, Slope float64
}

// lineSearch goes along a direction as far as a search says.
type lineSearch struct {
	obj    *Objective
	search Search
	direct *program
	try    *program
	state  []*tensors.Tensor // of the direction
	fresh  []*tensors.Tensor // the direction's state when it knows nothing
	memory bool              // whether state differs from fresh
	at     *evaluated        // the current iterate; nil before the first evaluation
	best   *evaluated        // the one with the lowest loss: a search may allow an ascent
	theta  *tensors.Tensor
	spent  int // evaluations since the last record
}

// evaluated is a point with its loss and gradient, on the device.
type evaluated struct {
	theta, gradient    *tensors.Tensor
	loss, gradientNorm float64
}

func startLineSearch(obj *Objective, theta *tensors.Tensor, direction Direction, search Search) (Stepper, error) {
	s := &lineSearch{obj: obj, search: search, theta: theta}
	shapes := direction.State(obj.Dim, obj.dtype())
	s.fresh = zeros(shapes)
	s.state = s.fresh
	var err error
	if s.direct, err = newProgram(obj, "direction", func(in []*graph.Node) []*graph.Node {
		p := &Point{theta: in[0], loss: in[1], gradient: in[2]}
		step, next := direction.Step(p, in[3:])
		return append([]*graph.Node{step, dot(step, p.gradient), norm(step)}, next...)
	}); err != nil {
		return nil, err
	}
	s.try, err = newProgram(obj, "trial step", func(in []*graph.Node) []*graph.Node {
		theta, step, alpha := in[0], in[1], in[2]
		p := obj.at(graph.Add(theta, graph.Mul(step, alpha)), in[3:])
		return []*graph.Node{p.loss, dot(p.gradient, step), p.theta, p.gradient, norm(p.gradient)}
	})
	return s, err
}

// Advance implements Stepper.
func (s *lineSearch) Advance(ctx context.Context, n int, goal Goal) (Progress, error) {
	p := Progress{Status: Running}
	if s.at == nil {
		if err := s.begin(); err != nil {
			return p, err
		}
		p.Records = append(p.Records, s.record(0))
		if !finite(s.at.loss) || !finite(s.at.gradientNorm) {
			p.Status, p.Message = NonFinite, "the loss or its gradient is NaN or infinite at the start"
			return p, nil
		}
		if p.Status, p.Message = goal.Met(p.Records[0]); p.Status != Running {
			return p, nil
		}
	}
	for ; n > 0 && ctx.Err() == nil; n-- {
		length, err := s.step()
		if err != nil {
			return p, err
		}
		if length == 0 {
			p.Status, p.Message = SearchFailed, s.failure()
			return p, nil
		}
		p.Records = append(p.Records, s.record(length))
		p.Iterations++
		if !finite(s.at.gradientNorm) {
			p.Status, p.Message = NonFinite, "the gradient is NaN or infinite where the loss is finite"
			return p, nil
		}
		if p.Status, p.Message = goal.Met(p.Records[len(p.Records)-1]); p.Status != Running {
			return p, nil
		}
	}
	return p, nil
}

// begin evaluates the starting point, as a trial of length zero: that is one program less to compile.
func (s *lineSearch) begin() error {
	still := vector(s.obj.dtype(), make([]float64, s.obj.Dim))
	at, _, err := s.trial(s.theta, still, 0)
	if err != nil {
		return err
	}
	s.at = at
	s.keepBest()
	return nil
}

// trial evaluates the objective at θ + αp.
func (s *lineSearch) trial(theta, step *tensors.Tensor, alpha float64) (*evaluated, Trial, error) {
	s.spent++
	out, err := s.try.call([]*tensors.Tensor{theta, step, scalar(s.obj.dtype(), alpha)}, s.obj.Data)
	if err != nil {
		return nil, Trial{}, err
	}
	e := &evaluated{theta: out[2], loss: number(out[0]), gradient: out[3], gradientNorm: number(out[4])}
	return e, Trial{Alpha: alpha, Loss: e.loss, Slope: number(out[1])}, nil
}

func (s *lineSearch) record(length float64) Record {
	r := Record{Loss: s.at.loss, GradientNorm: s.at.gradientNorm, Step: length, Evaluations: s.spent}
	s.spent = 0
	return r
}

// step makes one iteration and returns its length, zero when there is no way down even along steepest descent.
func (s *lineSearch) step() (length float64, err error) {
	if s.at.gradientNorm == 0 {
		return 0, nil
	}
	for {
		length, err = s.along()
		if err != nil || length > 0 || !s.memory {
			return length, err
		}
		// What the direction remembers may be what misleads it: forget it once.
		s.state, s.memory = s.fresh, false
	}
}

func (s *lineSearch) along() (length float64, err error) {
	out, err := s.direct.call([]*tensors.Tensor{s.at.theta, scalar(s.obj.dtype(), s.at.loss), s.at.gradient}, s.state)
	if err != nil {
		return 0, err
	}
	step, slope, stepNorm := out[0], number(out[1]), number(out[2])
	next := out[3:]
	if !(slope < 0) || !finite(stepNorm) {
		return 0, nil
	}
	trials := map[float64]*evaluated{}
	try := func(alpha float64) (Trial, error) {
		e, t, err := s.trial(s.at.theta, step, alpha)
		if err != nil {
			return Trial{}, err
		}
		clear(trials) // only one trial is kept on the device; an earlier one that wins is evaluated again
		trials[alpha] = e
		if !finite(t.Loss) || !finite(t.Slope) {
			t.Loss = math.Inf(1)
		}
		return t, nil
	}
	start := Trial{Loss: s.at.loss, Slope: slope}
	best, accepted, err := s.search.Find(start, 1, epsilonOf(s.obj.dtype()), try)
	if err != nil {
		return 0, err
	}
	if best.Alpha == 0 || !finite(best.Loss) || (!accepted && best.Loss >= start.Loss) {
		return 0, nil
	}
	if trials[best.Alpha] == nil {
		if _, err := try(best.Alpha); err != nil {
			return 0, err
		}
	}
	s.at, s.state, s.memory = trials[best.Alpha], next, true
	s.keepBest()
	return best.Alpha * stepNorm, nil
}

func (s *lineSearch) failure() string {
	if s.at.gradientNorm == 0 {
		return "the gradient is exactly zero"
	}
	return "neither the direction nor steepest descent lowers the loss further at this precision"
}

// Current implements Stepper.
func (s *lineSearch) Current() *tensors.Tensor {
	if s.at == nil {
		return s.theta
	}
	return s.at.theta
}

// Best implements Stepper.
func (s *lineSearch) Best() (*tensors.Tensor, float64) {
	if s.best == nil {
		return s.theta, math.Inf(1)
	}
	return s.best.theta, s.best.loss
}

func (s *lineSearch) keepBest() {
	if finite(s.at.loss) && (s.best == nil || s.at.loss < s.best.loss) {
		s.best = s.at
	}
}
