package optim

import (
	"context"
	"math"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// evaluated is a point with its loss and gradient, on the device.
type evaluated struct {
	theta, gradient    *tensors.Tensor
	loss, gradientNorm float64
	thetaNorm          float64           // where it is asked for
	made               []*tensors.Tensor // of it, such as its Jacobian: for as long as it is the current iterate
}

// tensors are those of a point; none of nil.
func (e *evaluated) tensors() []*tensors.Tensor {
	if e == nil {
		return nil
	}
	return []*tensors.Tensor{e.theta, e.gradient}
}

// iterates is what steppers have in common that go from one evaluated point to the next. It owns its points.
type iterates struct {
	obj   *objective.Objective
	theta *tensors.Tensor // the iterate while at is nil
	at    *evaluated      // the current iterate; nil before the first evaluation
	best  *evaluated      // the one with the lowest loss: not every step goes down
	even  float64         // relative difference of losses up to which a later one is as good, since its gradient is smaller
	begun bool            // whether the record of the start was given
	spent int             // evaluations that no record tells of yet
	asks  asks
	state []*tensors.Tensor // of a direction or a model, which may have points in it
	held  device.Owner      // of points and state
}

// asks are what a method wants of the run: a change of the objective every so many iterations, and a remark, which becomes
// an event of the history.
type asks struct {
	every  int // 0 for never
	remark string
	made   int // iterations since it began, or was relocated
	told   bool
}

// walker makes the moves of a stepper.
type walker interface {
	// begin evaluates the iterate.
	begin() (*evaluated, error)
	// step goes to the next iterate, nil when there is none, and returns the length of the way there. When ctx is done between
	// two evaluations it fails with the error of that, in a state from which it goes on as if it had not been interrupted.
	step(ctx context.Context) (to *evaluated, length float64, err error)
	// failure says why there is none.
	failure() string
}

// rewinder is a subproblem, or a director, that changes with steps which are not taken.
type rewinder interface {
	// mark returns what brings the present state back.
	mark() (rewind func())
}

func mark(of any) (rewind func()) {
	if r, ok := of.(rewinder); ok {
		return r.mark()
	}
	return func() {}
}

// startIterates begins at a copy of theta.
func startIterates(obj *objective.Objective, theta *tensors.Tensor) (iterates, error) {
	mine, err := device.Copy(theta)
	s := iterates{obj: obj, theta: mine}
	s.hold()
	return s, err
}

// advance is Stepper.Advance. It returns where it asks, and where it remarks.
func (s *iterates) advance(ctx context.Context, n int, goal Goal, w walker) (Progress, error) {
	if s.asks.remark != "" && !s.asks.told { // at the same iteration however the run is cut into portions
		n = min(n, 1)
	}
	if s.asks.every > 0 {
		n = min(n, s.asks.every-s.asks.made%s.asks.every)
	}
	p, err := s.walk(ctx, n, goal, w)
	p.Evaluations, s.spent = s.spent, 0
	s.asks.made += p.Iterations
	p.Adapt = s.asks.every > 0 && p.Iterations > 0 && s.asks.made%s.asks.every == 0
	p.remark(&s.asks.told, s.asks.remark)
	return p, err
}

// remark puts what is to be said once before the other remarks.
func (p *Progress) remark(told *bool, text string) {
	if *told || text == "" {
		return
	}
	p.Remark, *told = sentence(text, p.Remark), true
}

// sentence is two parts of a remark as one.
func sentence(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + "; " + second
}

func (s *iterates) walk(ctx context.Context, n int, goal Goal, w walker) (Progress, error) {
	p := Progress{Status: Running}
	if s.at == nil {
		at, err := w.begin()
		if err != nil {
			return p, err
		}
		s.moveTo(at)
		start := !s.begun
		if start { // otherwise the objective has changed at an iterate that has its record
			p.Records = append(p.Records, s.record(0))
			s.begun = true
		}
		if p.Status, p.Message = s.judge(goal, start); p.Status != Running {
			return p, nil
		}
	}
	for ; n > 0 && ctx.Err() == nil; n-- {
		if s.at.gradientNorm == 0 { // and no tolerance, which was below zero
			p.Status = Stationary
			return p, nil
		}
		to, length, err := w.step(ctx)
		if err != nil && err == ctx.Err() { // rather than one that tells what was not waited for
			return p, nil
		}
		if err != nil {
			return p, err
		}
		if to == nil {
			p.Status, p.Message = SearchFailed, w.failure()
			return p, nil
		}
		s.moveTo(to)
		p.Records = append(p.Records, s.record(length))
		p.Iterations++
		if p.Status, p.Message = s.judge(goal, false); p.Status != Running {
			return p, nil
		}
	}
	return p, nil
}

// judge says whether the run ends at the current iterate.
func (s *iterates) judge(goal Goal, start bool) (Status, string) {
	here := Record{Loss: s.at.loss, GradientNorm: s.at.gradientNorm}
	_, lowest := s.Best()
	status, why := goal.judge(standing{Record: here, lowest: lowest, start: start}, s.obj)
	if status == GradientSmall && here.Loss == lowest { // the result is to be where that is so
		s.best = s.at
		s.hold()
	}
	if broken := nonFinite(here, start); status == Running && broken != "" {
		return NonFinite, broken
	}
	return status, why
}

func (s *iterates) moveTo(e *evaluated) {
	s.at, s.theta = e, nil
	if device.Finite(e.loss) && (s.best == nil || e.loss < s.best.loss || s.even > 0 && e.loss <= s.best.loss+s.even*math.Abs(s.best.loss)) {
		s.best = e
	}
	s.hold()
}

// hold keeps the points there are, and frees those that were replaced.
func (s *iterates) hold() {
	var made []*tensors.Tensor
	if s.at != nil {
		made = s.at.made
	}
	s.held.Hold([]*tensors.Tensor{s.theta}, s.at.tensors(), made, s.best.tensors(), s.state)
}

// Stop implements Stopper.
func (s *iterates) Stop() { s.held.Hold() }

func (s *iterates) replaceState(next []*tensors.Tensor) {
	s.state = next
	s.hold()
}

func (s *iterates) record(length float64) Record {
	r := Record{Loss: s.at.loss, GradientNorm: s.at.gradientNorm, Step: length, Evaluations: s.spent}
	s.spent = 0
	return r
}

// Current implements Stepper.
func (s *iterates) Current() *tensors.Tensor {
	if s.at == nil {
		return s.theta
	}
	return s.at.theta
}

// Best implements Stepper.
func (s *iterates) Best() (*tensors.Tensor, float64) {
	if s.best == nil {
		return s.Current(), math.Inf(1)
	}
	return s.best.theta, s.best.loss
}

// forget drops all that is known of the objective, which has changed; the iterate stays.
func (s *iterates) forget() {
	s.theta = s.Current()
	s.at, s.best = nil, nil
	s.hold()
}

// relocate goes to theta, of which it takes a copy.
func (s *iterates) relocate(theta *tensors.Tensor) error {
	mine, err := device.Copy(theta)
	if err != nil {
		return err
	}
	s.theta, s.at, s.best, s.begun, s.asks.made = mine, nil, nil, false, 0
	s.hold()
	return nil
}

// savedIterates is the state of iterates. Points are θ and gradient; there are none before the first evaluation.
type savedIterates struct {
	Theta    device.Saved
	At, Best savedPoint
	Begun    bool
	Asked    int
	Told     bool
}

type savedPoint struct {
	Vectors                       []device.Saved
	Loss, GradientNorm, ThetaNorm float64
}

func (s *iterates) save() (out savedIterates, err error) {
	out = savedIterates{Begun: s.begun, Asked: s.asks.made, Told: s.asks.told}
	if out.Theta, err = device.Save(s.Current()); err != nil {
		return out, err
	}
	if out.At, err = s.at.save(); err != nil {
		return out, err
	}
	out.Best, err = s.best.save()
	return out, err
}

func (s *iterates) restore(from savedIterates) (err error) {
	theta, err := from.Theta.Restore(s.Current().Shape())
	if err != nil {
		return err
	}
	if s.at, err = from.At.restore(theta); err != nil {
		return err
	}
	if s.best, err = from.Best.restore(theta); err != nil {
		return err
	}
	s.theta, s.begun, s.asks.made, s.asks.told = theta, from.Begun, from.Asked, from.Told
	s.hold()
	return nil
}

func (e *evaluated) save() (savedPoint, error) {
	if e == nil {
		return savedPoint{}, nil
	}
	vectors, err := device.SaveAll(e.tensors())
	return savedPoint{Vectors: vectors, Loss: e.loss, GradientNorm: e.gradientNorm, ThetaNorm: e.thetaNorm}, err
}

func (p savedPoint) restore(theta *tensors.Tensor) (*evaluated, error) {
	if len(p.Vectors) == 0 {
		return nil, nil
	}
	vectors, err := device.RestoreAll(p.Vectors, []*tensors.Tensor{theta, theta})
	if err != nil {
		return nil, err
	}
	return &evaluated{
		theta: vectors[0], gradient: vectors[1], loss: p.Loss, gradientNorm: p.GradientNorm, thetaNorm: p.ThetaNorm,
	}, nil
}
