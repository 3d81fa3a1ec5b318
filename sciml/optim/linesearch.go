package optim

import (
	"context"
	"math"

	"github.com/gomlx/compute/shapes"
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
	obj       *Objective
	direction Direction
	search    Search
	direct    *program
	try       *program
	shapes    []shapes.Shape    // of the direction's state
	state     []*tensors.Tensor // of the direction; zeros when it knows nothing
	memory    bool              // whether it knows something
	at        *evaluated        // the current iterate; nil before the first evaluation
	best      *evaluated        // the one with the lowest loss: a search may allow an ascent
	theta     *tensors.Tensor   // the iterate while at is nil
	begun     bool              // whether the record of the start was given
	spent     int               // evaluations since the last record
}

// evaluated is a point with its loss and gradient, on the device.
type evaluated struct {
	theta, gradient    *tensors.Tensor
	loss, gradientNorm float64
}

func startLineSearch(obj *Objective, theta *tensors.Tensor, direction Direction, search Search) (Stepper, error) {
	s := &lineSearch{obj: obj, direction: direction, search: search, theta: theta}
	s.shapes = direction.State(obj.Dim, obj.dtype())
	s.state = zeros(s.shapes)
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
		if !s.begun { // otherwise the objective has changed at an iterate that has its record
			p.Records = append(p.Records, s.record(0))
			s.begun = true
		}
		if !finite(s.at.loss) || !finite(s.at.gradientNorm) {
			p.Status, p.Message = NonFinite, "the loss or its gradient is NaN or infinite at the start"
			return p, nil
		}
		if p.Status, p.Message = goal.Met(Record{Loss: s.at.loss, GradientNorm: s.at.gradientNorm}); p.Status != Running {
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
		s.replaceState(zeros(s.shapes))
		s.memory = false
	}
}

// replaceState frees the state that is replaced at once: a dense inverse Hessian is large, and the garbage collector
// does not see the memory of a device.
func (s *lineSearch) replaceState(next []*tensors.Tensor) {
	free(s.state)
	s.state = next
}

func free(all []*tensors.Tensor) {
	for _, t := range all {
		t.MustFinalizeAll()
	}
}

func (s *lineSearch) along() (length float64, err error) {
	out, err := s.direct.call([]*tensors.Tensor{s.at.theta, scalar(s.obj.dtype(), s.at.loss), s.at.gradient}, s.state)
	if err != nil {
		return 0, err
	}
	step, slope, stepNorm := out[0], number(out[1]), number(out[2])
	next := out[3:]
	taken := false
	defer func() {
		if !taken {
			free(next)
		}
	}()
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
	s.replaceState(next)
	s.at, s.memory, taken = trials[best.Alpha], true, true
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

// Refresh implements Stepper.
func (s *lineSearch) Refresh() {
	s.theta = s.Current()
	s.at, s.best = nil, nil
	s.state = rebase(s.direction, s.state)
}

// savedLine is the state of a lineSearch. Points are θ and gradient; there are none before the first evaluation.
type savedLine struct {
	Theta         saved
	State         []saved
	At, Best      savedPoint
	Memory, Begun bool
	Spent         int
}

type savedPoint struct {
	Vectors            []saved
	Loss, GradientNorm float64
}

// Save implements Stepper.
func (s *lineSearch) Save() ([]byte, error) {
	line := savedLine{Memory: s.memory, Begun: s.begun, Spent: s.spent}
	var err error
	if line.Theta, err = save(s.Current()); err != nil {
		return nil, err
	}
	if line.State, err = saveAll(s.state); err != nil {
		return nil, err
	}
	if line.At, err = s.at.save(); err != nil {
		return nil, err
	}
	if line.Best, err = s.best.save(); err != nil {
		return nil, err
	}
	return encode(line)
}

func (e *evaluated) save() (savedPoint, error) {
	if e == nil {
		return savedPoint{}, nil
	}
	vectors, err := saveAll([]*tensors.Tensor{e.theta, e.gradient})
	return savedPoint{Vectors: vectors, Loss: e.loss, GradientNorm: e.gradientNorm}, err
}

func (p savedPoint) restore(theta *tensors.Tensor) (*evaluated, error) {
	if len(p.Vectors) == 0 {
		return nil, nil
	}
	vectors, err := restoreAll(p.Vectors, []*tensors.Tensor{theta, theta})
	if err != nil {
		return nil, err
	}
	return &evaluated{theta: vectors[0], gradient: vectors[1], loss: p.Loss, gradientNorm: p.GradientNorm}, nil
}

// Restore implements Stepper.
func (s *lineSearch) Restore(data []byte) error {
	var line savedLine
	err := decode(data, &line)
	if err != nil {
		return err
	}
	if s.theta, err = line.Theta.restore(s.theta.Shape()); err != nil {
		return err
	}
	state, err := restoreAll(line.State, s.state)
	if err != nil {
		return err
	}
	s.replaceState(state)
	if s.at, err = line.At.restore(s.theta); err != nil {
		return err
	}
	if s.best, err = line.Best.restore(s.theta); err != nil {
		return err
	}
	s.memory, s.begun, s.spent = line.Memory, line.Begun, line.Spent
	return nil
}
