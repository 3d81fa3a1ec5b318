package optim

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/linalg"
)

// Auto chooses the method by what it sees, and goes on to another when one does not pay:
//
//   - It warms up with Adam, which is cheap and leaves poor starts, until its loss stalls or WarmUp iterations are made.
//     Then a few Lanczos steps from the gradient estimate the spectrum of the Hessian. Where its condition number is below 100
//     as far as the gradient sees it, first-order steps are all that is needed, and Adam gets five times as many.
//   - Where the loss is a sum of squares and its matrices are affordable (a Jacobian within MaxMemory, the smaller one of
//     residuals and parameters at most 4000), SketchedGaussNewton and LevenbergMarquardt with geodesic acceleration compete.
//     Both adapt their damping to the gain ratio and ask for new collocation points.
//   - SSBroyden, or L-BFGS for more than 5000 parameters, does the rest: it needs no good start and makes progress for long.
//   - Each of these is on trial for some iterations. What counts is the decrease of the loss, in decades, per gradient that its
//     work amounts to, by operation counts. A Gauss–Newton method stays as long as it gains 0.01 decades an iteration. One
//     that gains less gives way to the best of the others, as far as they are known, and comes back when that slackens;
//     the quasi-Newton one is interrupted after every while for another trial of them, which comes later each time that it
//     did not pay.
//
// Decisions depend on the course of the run, not on the clock: the same seed makes the same ones. Each is an Event of the
// history, with its reason. The run ends by itself when no method can go on. The zero value is usable.
type Auto struct {
	// WarmUp bounds the iterations of Adam at the start; 300 when zero.
	WarmUp int
	// MaxMemory is the most that matrices may need, in bytes; 4 GiB when zero.
	MaxMemory int64
}

// Name implements Method.
func (Auto) Name() string { return "auto" }

// Start implements Method. It fails when a setting is out of its range.
func (a Auto) Start(obj *Objective, theta *tensors.Tensor) (Stepper, error) {
	if a.WarmUp == 0 {
		a.WarmUp = 300
	}
	if a.MaxMemory == 0 {
		a.MaxMemory = defaultMemory
	}
	if a.WarmUp < 0 || a.MaxMemory < 0 {
		return nil, fmt.Errorf("optim: Auto.WarmUp is %d and MaxMemory %d bytes, expected at least 1 (or 0 for the default)", a.WarmUp, a.MaxMemory)
	}
	plan := &automatic{obj: obj, warmUp: a.WarmUp}
	plan.candidates = append(plan.candidates, candidate{method: Adam{Rate: 5e-3}, look: max(1, a.WarmUp/4)})
	rows, why, err := plan.dense(theta, a)
	if err != nil {
		return nil, err
	}
	params := float64(obj.Dim)
	gradient := operationsOfGradient * math.Max(1, float64(rows)) * params
	quasi := candidate{method: LBFGS{Memory: 50}, cost: 1.5, trial: 500, look: 250}
	if size := float64(obj.dtype().Size()) * 3 * params * params; obj.Dim <= mostForBroyden && size <= float64(a.MaxMemory) {
		quasi.method, quasi.cost = SSBroyden{MaxMemory: a.MaxMemory}, 1.3+60*params*params/gradient
	}
	plan.candidates = append(plan.candidates, quasi)
	plan.State.Rates = make([]float64, len(plan.candidates))
	plan.State.Patience = 1
	s, err := startPhases(obj, theta, plan)
	if err != nil {
		return nil, err
	}
	return &asking{Stepper: s, text: "auto: " + why}, nil
}

// operationsOfGradient is what a gradient of a loss with second derivatives takes, for each residual and parameter, in
// operations at the speed of a matrix product: measured on a network of four layers.
const operationsOfGradient = 135

// mostForBroyden and mostForSteps are the sizes up to which dense methods are affordable, in parameters, and in the order
// of the matrix that a step factorizes.
const (
	mostForBroyden = 5000
	mostForSteps   = 4000
)

// dense adds the Gauss–Newton methods where they can be had, and says why they are there or not. It also returns M.
func (p *automatic) dense(theta *tensors.Tensor, a Auto) (int, string, error) {
	obj := p.obj
	if !obj.hasResidual() {
		return 0, "the loss is no sum of squares, so that there are no Gauss–Newton steps", nil
	}
	rows, err := obj.countResiduals(theta)
	if err != nil {
		return 0, "", err
	}
	order, need := min(rows, obj.Dim), denseMemory(obj, rows)
	size := fmt.Sprintf("%d residuals and %d parameters", rows, obj.Dim)
	switch {
	case !obj.hasJacobian(rows):
		return rows, size + " that interact: no Gauss–Newton steps", nil
	case order > mostForSteps:
		return rows, fmt.Sprintf("%s: a Gauss–Newton step would factorize a matrix of order %d, more than %d", size, order, mostForSteps), nil
	case need > float64(a.MaxMemory):
		return rows, fmt.Sprintf("%s: Gauss–Newton steps would need %.3g GiB, more than MaxMemory = %.3g GiB", size, need/(1<<30), float64(a.MaxMemory)/(1<<30)), nil
	}
	// In operations at the speed of a matrix product: what runs on the host is about twenty times slower, a factorization
	// four times.
	entries, n := float64(rows)*float64(obj.Dim), float64(order)
	gradient := operationsOfGradient * entries
	columns := math.Min(float64(obj.Dim), math.Max(256, float64(obj.Dim)/3))
	p.candidates = append(p.candidates,
		candidate{
			method: SketchedGaussNewton{MaxMemory: a.MaxMemory, Seed: 1}, trial: 30, look: 10,
			cost: 12 + 80*columns*columns*columns/gradient,
		},
		candidate{
			method: LevenbergMarquardt{Geodesic: true, MaxMemory: a.MaxMemory}, trial: 30, look: 10,
			cost: 7 + (entries*n+4.0/3*n*n*n)/gradient,
		})
	return rows, size + ": Gauss–Newton steps are affordable", nil
}

// candidate is a method among which Auto chooses.
type candidate struct {
	method Method
	cost   float64 // of an iteration, in gradients
	trial  int     // iterations from which its progress is judged
	look   int     // iterations between two judgements
}

// automatic is the itinerary of an Auto: Adam, then two Gauss–Newton methods if there are any, then a quasi-Newton one.
type automatic struct {
	obj        *Objective
	warmUp     int
	candidates []candidate
	State      automaticState
}

type automaticState struct {
	At       int       // the candidate
	Next     int       // the one to come, when leave has decided
	Rates    []float64 // decades per 1000 gradients when last seen, of each candidate; 0 for unknown
	Patience float64   // factor on the length of a quasi-Newton phase
	Stuck    int       // how many could not go on, one after the other
	Flat     bool      // the landscape is so well conditioned that Adam goes on
	Asked    bool      // whether that was looked at
}

func (p *automatic) method() Method { return p.candidates[p.State.At].method }

func (p *automatic) quasi() int { return len(p.candidates) - 1 }

// final is the case when every method but this one could not go on from here.
func (p *automatic) final() bool { return p.State.Stuck >= len(p.candidates)-1 }

func (p *automatic) next(made int) int {
	look := p.candidates[p.State.At].look
	return made - made%look + look
}

// wellConditioned is the condition number up to which Adam is left alone; goodGain is what a Gauss–Newton method gains in an
// iteration, in decades, as long as it needs no comparison, and hopeless that with which its trial is cut short; retrial is the length of a quasi-Newton phase between trials.
const (
	wellConditioned = 100
	goodGain        = 0.01
	hopeless        = 0.002
	retrial         = 1500
)

func (p *automatic) leave(c *course, theta *tensors.Tensor) (string, error) {
	if p.State.At == 0 {
		return p.leaveFirst(c, theta)
	}
	now := p.candidates[p.State.At]
	gain := gained(c.Records, now.trial)
	if c.Made < now.trial && (p.State.At == p.quasi() || gain >= hopeless) {
		return "", nil
	}
	rate := 1000 * gain / now.cost
	p.State.Rates[p.State.At] = math.Max(rate, math.SmallestNonzeroFloat64)
	seen := fmt.Sprintf("%.2g decades in an iteration, %.2g in the work of 1000 gradients", gain, rate)
	if p.State.At != p.quasi() {
		if gain >= goodGain {
			return "", nil
		}
		best, known := p.best()
		if known && p.State.Rates[best] <= rate && gain > 0 {
			return "", nil
		}
		p.State.Next = best
		if !known {
			return seen + ": another may do better", nil
		}
		return fmt.Sprintf("%s, where that gained %.2g", seen, p.State.Rates[best]), nil
	}
	if p.quasi() == 1 || float64(c.Made) < retrial*p.State.Patience && gain > 0 {
		return "", nil
	}
	p.State.Patience *= 1.5
	best := 1
	for k := 1; k < p.quasi(); k++ {
		if p.State.Rates[k] > p.State.Rates[best] {
			best = k
		}
	}
	p.State.Next = best
	for k := 1; k < p.quasi(); k++ { // they are to show again what they can
		p.State.Rates[k] = 0
	}
	return seen + ": another trial, from what is a better start by now", nil
}

// best is the most promising one besides the present one: the first that is unknown, else that with the highest rate.
func (p *automatic) best() (candidate int, known bool) {
	for k := 1; k < len(p.candidates); k++ {
		if k == p.State.At {
			continue
		}
		if p.State.Rates[k] == 0 {
			return k, false
		}
		if candidate == 0 || p.State.Rates[k] > p.State.Rates[candidate] {
			candidate = k
		}
	}
	return candidate, true
}

// gained is by how much the mean of the logarithm of the loss fell, in decades an iteration, from one half of the last
// records to the other.
func gained(records []Record, last int) float64 {
	last = min(last, len(records))
	half := last / 2
	if half == 0 {
		return 0
	}
	recent := records[len(records)-last:]
	gain := (meanLog10(recent[:half]) - meanLog10(recent[last-half:])) / float64(last-half)
	if math.IsNaN(gain) { // logarithms of negative losses
		return 0
	}
	return gain
}

// leaveFirst ends the warm-up.
func (p *automatic) leaveFirst(c *course, theta *tensors.Tensor) (string, error) {
	p.State.Next = 1
	most := p.warmUp
	if p.State.Flat {
		most *= 5
	}
	stalled, why := Stalled{Window: max(1, p.warmUp/4), Decades: 0.1}.Met(c.Records)
	if stalled {
		return why, nil
	}
	if c.Made < most {
		return "", nil
	}
	made := fmt.Sprintf("%d iterations were made", c.Made)
	if p.State.Asked || p.obj.Function != nil {
		return made, nil
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
	return fmt.Sprintf("%s, and the gradient lies across curvatures from %.2g to %.2g: what suits one is wrong for the other", made, least, largest), nil
}

func (p *automatic) advance(_ *course, status Status) {
	s := &p.State
	if status == Running {
		s.Stuck = 0
		s.At = s.Next
		return
	}
	s.Stuck++
	s.Rates[s.At] = math.SmallestNonzeroFloat64
	s.At++ // each in turn
	if s.At == len(p.candidates) {
		s.At = 1
	}
}

func (p *automatic) save() ([]byte, error) { return encode(p.State) }

func (p *automatic) restore(data []byte) error {
	if err := decode(data, &p.State); err != nil {
		return err
	}
	if p.State.At < 0 || p.State.At >= len(p.candidates) || len(p.State.Rates) != len(p.candidates) {
		return fmt.Errorf("optim: the stored state is at candidate %d of %d, expected one of %d", p.State.At, len(p.State.Rates), len(p.candidates))
	}
	return nil
}

// curvatureProducts is the number of Lanczos steps for an estimate of the largest eigenvalue.
const curvatureProducts = 12

// curvatures are the eigenvalues of least and of largest size that the Hessian has in the Krylov space of the gradient at θ;
// NaN where they cannot be had.
func curvatures(obj *Objective, theta *tensors.Tensor) (least, largest float64, err error) {
	evaluator, err := NewEvaluator(obj)
	if err != nil {
		return 0, 0, err
	}
	products, err := newHessianProducts(obj, HessianMatrix)
	if err != nil {
		return 0, 0, err
	}
	here, err := numbers(theta)
	if err != nil {
		return 0, 0, err
	}
	_, gradient, err := evaluator.At(here)
	if err != nil {
		return 0, 0, err
	}
	hessian := products.at(theta, obj.Data)
	space, err := linalg.Lanczos(hessian.multiply, gradient, min(curvatureProducts, obj.Dim))
	if err != nil { // unless it is the device's, of numbers that are not finite, or a gradient of zero
		return math.NaN(), math.NaN(), hessian.err
	}
	values, _, err := space.Eigenvalues()
	if err != nil {
		return 0, 0, err
	}
	least = math.Inf(1)
	for _, v := range values {
		least, largest = math.Min(least, math.Abs(v)), math.Max(largest, math.Abs(v))
	}
	return least, largest, nil
}
