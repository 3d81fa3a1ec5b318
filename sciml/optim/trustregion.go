package optim

import (
	"cmp"
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

// TrustRegion holds what the trust-region methods have in common (Nocedal and Wright 2006, Algorithm 4.1). Near an iterate
// a quadratic
//
//	m(p) = f + ∇fᵀp + ½pᵀBp
//
// stands for the loss; the step is its minimizer within ‖p‖ ≤ Δ, or nearly so. The ratio ρ of the decrease of the loss
// to that of m decides on the step and on the next Δ:
//
//	Δ ← max(Δ, 2.5‖p‖)  when ρ ≥ Good
//	Δ ← ‖p‖/4           when ρ < Accept; the step is then refused
//
// with the constants of Conn, Gould and Toint (2000), section 17.1. B may be indefinite. A step to where the loss or its
// gradient is not finite is refused. An iteration ends with a step that is accepted, so that each has one evaluation more
// for every step refused. The zero value is usable: fields that are zero take the defaults.
type TrustRegion struct {
	// Radius is the first Δ; 1 when zero. MaxRadius bounds Δ; 1e10 when zero.
	Radius, MaxRadius float64
	// Accept and Good are the ratios above, 0 < Accept ≤ Good < 1; 0.05 and 0.9 when zero.
	Accept, Good float64
	// MaxProducts bounds the products Bv for one step of a method with conjugate gradients; the default when zero is 100,
	// or where products are cheap, twice the rank that B can have.
	MaxProducts int
}

const (
	regionGrow   = 2.5
	regionShrink = 0.25
)

func (t TrustRegion) withDefaults() (TrustRegion, error) {
	t.Radius, t.MaxRadius = cmp.Or(t.Radius, 1), cmp.Or(t.MaxRadius, 1e10)
	t.Accept, t.Good = cmp.Or(t.Accept, 0.05), cmp.Or(t.Good, 0.9)
	switch {
	case !(t.Radius > 0 && t.Radius <= t.MaxRadius) || !device.Finite(t.MaxRadius):
		return t, fmt.Errorf("optim: TrustRegion.Radius is %v and MaxRadius %v, expected finite numbers above 0, and the first not above the second", t.Radius, t.MaxRadius)
	case !(t.Accept > 0 && t.Accept <= t.Good && t.Good < 1):
		return t, fmt.Errorf("optim: TrustRegion.Accept is %v and Good %v, expected 0 < Accept ≤ Good < 1", t.Accept, t.Good)
	}
	return t, checkSettings("TrustRegion", optional("MaxProducts", t.MaxProducts, "the default"))
}

// model is what a method knows of the second derivatives. Its functions build graphs.
type model interface {
	// State gives the shapes of what it remembers; all of it starts as zeros.
	State(dim int, dtype dtypes.DType) []shapes.Shape
	// Learn builds the state after a step s, taken or refused, that changed the gradient by y. Both are zero at the start.
	Learn(s, y *graph.Node, state []*graph.Node) []*graph.Node
}

// subproblem finds the step that a model suggests.
type subproblem interface {
	solve(at *evaluated, region float64, state, data []*tensors.Tensor) (regionStep, error)
}

// varied is a subproblem that may have another step to offer where one is too short, as one in another subspace is.
type varied interface {
	// vary turns to another, and reports whether there is one left to try from the present iterate.
	vary() bool
}

// regionStep is a step with the decrease that it should bring.
type regionStep struct {
	p                 *tensors.Tensor
	length, predicted float64
	products          int    // of a Hessian that is not stored, each of which counts as an evaluation
	why               string // there is none, where that is known: a matrix is NaN, for example
	// size and origin are ‖Dp‖ and ‖Dθ‖ for a method with a scaling D of its own, bend what the second derivative says of the
	// step, and instead a region to try, where there is no step for that reason; 0 for none.
	size, origin, bend, instead float64
}

// vanishes reports that the step changes nothing beyond rounding errors of so much.
func (s regionStep) vanishes(least, thetaNorm float64) bool {
	if s.origin > 0 {
		return s.size <= least*s.origin
	}
	return s.length <= math.Max(least*thetaNorm, math.SmallestNonzeroFloat32)
}

// regionControl judges steps. The size of the region is a radius, or something that acts like one.
type regionControl interface {
	// first is the size at the start.
	first() float64
	// next is the size after a step with the ratio ρ, which is -Inf when the step leads nowhere, from where the gradient has
	// the norm, and whether it is taken.
	next(size, ratio float64, step regionStep, gradientNorm float64) (next float64, taken bool)
}

func (t TrustRegion) first() float64 { return t.Radius }

func (t TrustRegion) next(radius, ratio float64, step regionStep, _ float64) (float64, bool) {
	switch {
	case ratio >= t.Good:
		return math.Min(t.MaxRadius, math.Max(radius, regionGrow*step.length)), true
	case ratio >= t.Accept:
		return radius, true
	}
	return regionShrink * step.length, false
}

// regionStepper is a method with a trust region at work.
type regionStepper struct {
	iterates
	model      model
	subproblem subproblem
	control    regionControl
	try        *objective.Evaluation
	shapes     []shapes.Shape // of the model's state
	memory     bool           // whether the model knows something
	size       float64        // of the region
	rounding   rounding       // of the loss
	pending    pendingStep    // the step that a context has interrupted
	reason     string         // why there is no step
}

// pendingStep is a step that is being looked for.
type pendingStep struct {
	On        bool
	Size      float64 // of the region at first
	Forgotten bool    // whether the model was forgotten for it
	Tried     int     // steps that the subproblem has offered
}

// mostOffers bounds the steps that are tried in one iteration. Regions that shrink by the factors of this package end before.
const mostOffers = 2000

func startTrustRegion(obj *objective.Objective, theta *tensors.Tensor, m model, sub subproblem, control regionControl) (*regionStepper, error) {
	s := &regionStepper{model: m, subproblem: sub, control: control, size: control.first(), rounding: newRounding(obj.Precision())}
	var err error
	if s.iterates, err = startIterates(obj, theta); err != nil {
		return nil, err
	}
	s.shapes = m.State(obj.Dim, obj.Precision())
	s.replaceState(device.Zeros(s.shapes))
	s.try, err = objective.NewEvaluation(obj, "trial step", func(in []*graph.Node) *graph.Node {
		return graph.Add(in[0], in[1])
	}, func(p *objective.Point, in []*graph.Node) []*graph.Node {
		step, gradient, state := in[1], in[2], in[3:]
		next := m.Learn(step, graph.Sub(p.Gradient, gradient), state)
		return append([]*graph.Node{p.Loss, p.Theta, p.Gradient, device.Norm(p.Gradient), device.Norm(p.Theta)}, next...)
	})
	return s, err
}

// Advance implements Stepper.
func (s *regionStepper) Advance(ctx context.Context, n int, goal Goal) (Progress, error) {
	return s.advance(ctx, n, goal, s)
}

// begin evaluates the starting point, as a step of length zero, from which no model learns.
func (s *regionStepper) begin() (*evaluated, error) {
	still := device.Vector(s.obj.Precision(), make([]float64, s.obj.Dim))
	defer device.Free([]*tensors.Tensor{still})
	return s.trial(s.theta, still, still)
}

// trial evaluates the objective at θ + p, and lets the model learn from it.
func (s *regionStepper) trial(theta, step, gradient *tensors.Tensor) (*evaluated, error) {
	s.spent++
	out, err := s.try.Call([]*tensors.Tensor{theta, step, gradient}, s.state)
	if err != nil {
		return nil, err
	}
	e := &evaluated{loss: device.Number(out[0]), theta: out[1], gradient: out[2], gradientNorm: device.Number(out[3]), thetaNorm: device.Number(out[4])}
	if device.Finite(e.loss) && device.Finite(e.gradientNorm) {
		s.memory = len(s.state) > 0
		s.replaceState(out[5:])
	} else {
		device.Free(out[5:])
	}
	return e, nil
}

// step makes one iteration. When ctx is done, a method whose model learns from the steps that were refused goes on after
// them the next time; others, whose subproblems know more of an iterate than is saved, begin anew.
func (s *regionStepper) step(ctx context.Context) (*evaluated, float64, error) {
	if !s.pending.On {
		s.pending = pendingStep{On: true, Size: s.size}
	}
	level, rewind := s.rounding.level, mark(s.subproblem)
	to, length, err := s.seek(ctx)
	switch {
	case err == nil:
		s.pending = pendingStep{}
	case len(s.shapes) == 0:
		s.size, s.rounding.level, s.pending = s.pending.Size, level, pendingStep{}
		rewind()
	}
	return to, length, err
}

// seek tries steps until one is taken.
func (s *regionStepper) seek(ctx context.Context) (*evaluated, float64, error) {
	begun := s.pending.Size
	for ; s.pending.Tried < mostOffers; s.pending.Tried++ {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		step, err := s.subproblem.solve(s.at, s.size, s.state, s.obj.Data)
		s.hold() // what was made of the iterate
		s.spent += step.products
		if err != nil {
			return nil, 0, err
		}
		if step.instead > 0 {
			s.size = step.instead
			continue
		}
		usable := step.predicted > 0 && device.Finite(step.predicted) && device.Finite(step.length)
		short := step.vanishes(s.rounding.least, s.at.thetaNorm) && !s.matters(step)
		if !usable || short { // it is not tried
			device.Free([]*tensors.Tensor{step.p})
		}
		if !usable {
			if s.memory { // rounding has spoiled what the model remembers
				s.forgetModel()
				continue
			}
			s.reason = cmp.Or(step.why, "the quadratic model offers no decrease at this precision")
			return nil, 0, nil
		}
		if short {
			if s.rounding.raise() {
				s.size = begun
				continue
			}
			if s.memory && !s.pending.Forgotten { // short steps have taught it noise
				s.forgetModel()
				s.size, s.pending.Forgotten = s.control.first(), true
				continue
			}
			if s.memory && step.length < s.size/2 { // it is not the region: the first trial has led to where curvatures are beyond all
				s.forgetModel()
				continue
			}
			if v, ok := s.subproblem.(varied); ok && v.vary() {
				s.size = begun
				continue
			}
			s.rounding.reset()
			s.reason = fmt.Sprintf("the trust region became too small (a step of %.2g) without a decrease of the loss", step.length)
			return nil, 0, nil
		}
		e, err := s.trial(s.at.theta, step.p, s.at.gradient)
		device.Free([]*tensors.Tensor{step.p})
		if err != nil {
			return nil, 0, err
		}
		var taken bool
		s.size, taken = s.control.next(s.size, s.ratio(e, step), step, s.at.gradientNorm)
		if taken {
			if s.rounding.raised() { // the region has shrunk for nothing
				s.size = begun
			}
			s.rounding.lower()
			return e, step.length, nil
		}
		device.Free(e.tensors())
	}
	s.rounding.reset()
	s.reason = fmt.Sprintf("%d steps were refused one after the other", mostOffers)
	return nil, 0, nil
}

// matters reports that a step much shorter than θ is long for one of its entries, and should lower the loss beyond its rounding
// errors: parameters differ in size. Methods that change their damping see to that by themselves.
func (s *regionStepper) matters(step regionStep) bool {
	switch s.control.(type) {
	case TrustRegion, cubicControl:
	default:
		return false
	}
	if !(step.predicted > 8*s.rounding.level*math.Abs(s.at.loss)) {
		return false
	}
	p, err := device.Numbers(step.p)
	theta, other := device.Numbers(s.at.theta)
	if err != nil || other != nil {
		return false
	}
	for i, v := range p {
		if math.Abs(v) > s.rounding.least*math.Abs(theta[i]) {
			return true
		}
	}
	return false
}

func (s *regionStepper) forgetModel() {
	s.replaceState(device.Zeros(s.shapes))
	s.memory = false
}

// ratio is the decrease of the loss over the predicted one. Where rounding hides both, the norm of the gradient decides:
// a plain ratio would refuse the last steps of Newton's method, and shrink the region for nothing.
func (s *regionStepper) ratio(e *evaluated, step regionStep) float64 {
	if !device.Finite(e.loss) || !device.Finite(e.gradientNorm) {
		return math.Inf(-1)
	}
	decrease := s.at.loss - e.loss
	noise := 8 * s.rounding.level * math.Abs(s.at.loss)
	if step.predicted <= noise && math.Abs(decrease) <= noise {
		switch {
		case s.flatter(e):
			return 1
		case s.rounding.raised(): // rounding has spoiled the gradient, too
			return 0.5
		}
		return 0
	}
	return decrease / step.predicted
}

// metric is a subproblem that measures gradients by a norm of its own.
type metric interface {
	norm(gradient []float64) float64
}

// flatter reports that the gradient is smaller than that of the iterate.
func (s *regionStepper) flatter(e *evaluated) bool {
	if m, ok := s.subproblem.(metric); ok {
		there, err := device.Numbers(e.gradient)
		here, other := device.Numbers(s.at.gradient)
		return err == nil && other == nil && m.norm(there) < m.norm(here)
	}
	return e.gradientNorm < s.at.gradientNorm
}

func (s *regionStepper) failure() string { return s.reason }

// Refresh implements Stepper. The model stays, as nothing is learned from the first evaluation after it; so does the size
// of the region.
func (s *regionStepper) Refresh() {
	s.pending = pendingStep{}
	s.forget()
}

// Restart implements Restarter.
func (s *regionStepper) Restart(theta *tensors.Tensor) error {
	s.forgetModel()
	s.size = s.control.first()
	return s.Relocate(theta)
}

// Relocate implements Relocator: the model and the size of the region, or the damping, stay.
func (s *regionStepper) Relocate(theta *tensors.Tensor) error {
	s.rounding.reset()
	s.pending = pendingStep{}
	return s.iterates.relocate(theta)
}

// savedRegion is the state of a regionStepper.
type savedRegion struct {
	Iterates savedIterates
	State    []device.Saved
	Memory   bool
	Size     float64
	Rounding float64
	Pending  pendingStep
}

// Save implements Stepper.
func (s *regionStepper) Save() ([]byte, error) {
	region := savedRegion{Size: s.size, Memory: s.memory, Rounding: s.rounding.level, Pending: s.pending}
	var err error
	if region.Iterates, err = s.save(); err != nil {
		return nil, err
	}
	if region.State, err = device.SaveAll(s.state); err != nil {
		return nil, err
	}
	return encode(region)
}

// Restore implements Stepper.
func (s *regionStepper) Restore(data []byte) error {
	region, err := decode[savedRegion](data)
	if err != nil {
		return err
	}
	if err := s.restore(region.Iterates); err != nil {
		return err
	}
	state, err := device.RestoreAll(region.State, s.state)
	if err != nil {
		return err
	}
	s.replaceState(state)
	s.memory, s.size, s.rounding.level, s.pending = region.Memory, region.Size, region.Rounding, region.Pending
	return nil
}
