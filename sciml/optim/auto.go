package optim

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"
)

// Auto chooses the method by what it sees, and goes on to another when one does not pay:
//
//   - It warms up with Adam, which is cheap and leaves poor starts, until its loss stalls or WarmUp iterations are made.
//   - At that point a few Lanczos steps from the gradient estimate the spectrum of the Hessian. Where its condition number is
//     below 100 as far as the gradient sees it, first-order steps are all that is needed, and Adam gets five times as many.
//   - Otherwise LevenbergMarquardt with geodesic acceleration takes over where the loss is a sum of squares and a step is
//     affordable (the smaller one of residuals and parameters is at most 4000, and the matrices fit into MaxMemory), which
//     adapts its damping to the gain ratio and asks for new collocation points; else self-scaled Broyden (up to 5000
//     parameters), else L-BFGS.
//   - A method whose loss stalls gives way to the next of these; when that gains nothing either, the turn comes back, with
//     more patience.
//
// Decisions depend on the course of the run, not on the clock: the same seed makes the same ones. Each is an Event of the
// history, with its reason. The run ends by itself when no method can go on. The zero value is usable.
type Auto struct {
	// WarmUp bounds the iterations of Adam at the start; 200 when zero.
	WarmUp int
	// MaxMemory is the most that matrices may need, in bytes; 4 GiB when zero.
	MaxMemory int64
}

// Name implements Method.
func (Auto) Name() string { return "auto" }

// Start implements Method. It fails when a setting is out of its range.
func (a Auto) Start(obj *Objective, theta *tensors.Tensor) (Stepper, error) {
	if a.WarmUp == 0 {
		a.WarmUp = 200
	}
	if a.MaxMemory == 0 {
		a.MaxMemory = defaultMemory
	}
	if a.WarmUp < 0 || a.MaxMemory < 0 {
		return nil, fmt.Errorf("optim: Auto.WarmUp is %d and MaxMemory %d bytes, expected at least 1 (or 0 for the default)", a.WarmUp, a.MaxMemory)
	}
	plan := &automatic{obj: obj}
	plan.State.Patience = 1
	adam := candidate{method: Adam{Rate: 5e-3}, window: a.WarmUp / 2, decades: 0.1, most: a.WarmUp, look: a.WarmUp / 2}
	plan.candidates = append(plan.candidates, adam)
	why, err := plan.dense(theta, a)
	if err != nil {
		return nil, err
	}
	quasi := candidate{window: 500, decades: 0.05, look: 250}
	if size := float64(obj.dtype().Size()) * 3 * float64(obj.Dim) * float64(obj.Dim); obj.Dim <= mostForBroyden && size <= float64(a.MaxMemory) {
		quasi.method = SSBroyden{MaxMemory: a.MaxMemory}
	} else {
		quasi.method = LBFGS{Memory: 50}
	}
	plan.candidates = append(plan.candidates, quasi)
	s, err := startPhases(obj, theta, plan)
	if err != nil {
		return nil, err
	}
	return &asking{Stepper: s, text: "auto: " + why}, nil
}

// mostForBroyden and mostForSteps are the sizes up to which dense methods are affordable, in parameters, and in the order
// of the matrix that a step factorizes.
const (
	mostForBroyden = 5000
	mostForSteps   = 4000
)

// dense adds Levenberg–Marquardt where that can be done, and says why it is there or not.
func (p *automatic) dense(theta *tensors.Tensor, a Auto) (string, error) {
	obj := p.obj
	if !obj.hasResidual() {
		return "the loss is no sum of squares, so that there are no Gauss–Newton steps", nil
	}
	rows, err := obj.countResiduals(theta)
	if err != nil {
		return "", err
	}
	order, need := min(rows, obj.Dim), denseMemory(obj, rows)
	size := fmt.Sprintf("%d residuals and %d parameters", rows, obj.Dim)
	switch {
	case !obj.hasJacobian(rows):
		return size + " that interact: no Gauss–Newton steps", nil
	case order > mostForSteps:
		return fmt.Sprintf("%s: a Gauss–Newton step would factorize a matrix of order %d, more than %d", size, order, mostForSteps), nil
	case need > float64(a.MaxMemory):
		return fmt.Sprintf("%s: Gauss–Newton steps would need %.3g GiB, more than MaxMemory = %.3g GiB", size, need/(1<<30), float64(a.MaxMemory)/(1<<30)), nil
	}
	p.candidates = append(p.candidates, candidate{
		method: LevenbergMarquardt{Geodesic: true, MaxMemory: a.MaxMemory}, window: 20, decades: 0.1, look: 10,
	})
	return size + ": Gauss–Newton steps are affordable", nil
}

// candidate is a method among which Auto chooses.
type candidate struct {
	method Method
	// It is left when the loss falls by less than decades over window iterations, or after the most; it is looked at every
	// look.
	window  int
	decades float64
	most    int
	look    int
}

// automatic is the itinerary of an Auto: the first candidate once, then the others in turn.
type automatic struct {
	obj        *Objective
	candidates []candidate
	State      automaticState
}

type automaticState struct {
	At       int     // the candidate
	Patience float64 // factor on windows
	Stuck    int     // how many could not go on, one after the other
	Flat     bool    // the landscape is so well conditioned that Adam goes on
	Asked    bool    // whether that was looked at
}

func (p *automatic) method() Method { return p.candidates[p.State.At].method }

// final is the case when every method but this one could not go on from here.
func (p *automatic) final() bool { return p.State.Stuck >= len(p.candidates)-1 }

func (p *automatic) next(made int) int {
	look := p.candidates[p.State.At].look
	return made - made%look + look
}

// wellConditioned is the condition number up to which Adam is left alone.
const wellConditioned = 100

func (p *automatic) leave(c *course, theta *tensors.Tensor) (string, error) {
	now := p.candidates[p.State.At]
	window := int(float64(now.window) * p.State.Patience)
	stalled, why := Stalled{Window: window, Decades: now.decades}.Met(c.Records)
	if p.State.At > 0 {
		if !stalled {
			return "", nil
		}
		return why, nil
	}
	most := now.most
	if p.State.Flat {
		most *= 5
	}
	if !stalled && c.Made < most {
		return "", nil
	}
	if stalled || p.State.Asked || p.obj.Function != nil {
		if !stalled {
			why = fmt.Sprintf("%d iterations were made", c.Made)
		}
		return why, nil
	}
	p.State.Asked = true
	least, largest, err := curvatures(p.obj, theta)
	if err != nil {
		return "", err
	}
	if least > 0 && largest < wellConditioned*least {
		p.State.Flat = true
		return "", nil
	}
	return fmt.Sprintf("%d iterations were made, and the gradient lies across curvatures from %.2g to %.2g: what suits one is wrong for the other", c.Made, least, largest), nil
}

func (p *automatic) advance(c *course, status Status) {
	s := &p.State
	if status == Running {
		s.Stuck = 0
	} else {
		s.Stuck++
	}
	if s.At == len(p.candidates)-1 {
		s.Patience *= 1.5
		s.At = min(1, s.At)
		return
	}
	s.At++
}

func (p *automatic) save() ([]byte, error) { return encode(p.State) }

func (p *automatic) restore(data []byte) error {
	if err := decode(data, &p.State); err != nil {
		return err
	}
	if p.State.At < 0 || p.State.At >= len(p.candidates) {
		return fmt.Errorf("optim: the stored state is at candidate %d, expected 0 to %d", p.State.At, len(p.candidates)-1)
	}
	return nil
}

// curvatureProducts is the number of Lanczos steps for an estimate of the largest eigenvalue.
const curvatureProducts = 12

// curvatures are the eigenvalues of least and of largest size that the Hessian has in the Krylov space of the gradient at θ;
// NaN where they cannot be had.
func curvatures(obj *Objective, theta *tensors.Tensor) (least, largest float64, err error) {
	space, err := newLanczos(obj, min(curvatureProducts, obj.Dim), nil)
	if err != nil {
		return 0, 0, err
	}
	defer space.release()
	values, err := space.spectrum(theta)
	if err != nil || len(values) == 0 {
		return math.NaN(), math.NaN(), err
	}
	least = math.Inf(1)
	for _, v := range values {
		least, largest = math.Min(least, math.Abs(v)), math.Max(largest, math.Abs(v))
	}
	return least, largest, nil
}
