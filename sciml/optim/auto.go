package optim

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Auto chooses the method by what it sees, and goes on to another when one does not pay:
//
//   - Where the loss is a sum of squares and its matrices are affordable (within MaxMemory), it starts with LevenbergMarquardt:
//     with geodesic acceleration, and in random subspaces of a third of the parameters, at most 2000, where there are many, and
//     these are fewer than residuals. That adapts its damping to the gain ratio, asks for new collocation points, and
//     leaves random starts where other Gauss–Newton methods are stuck. Where it does not, Adam follows, and then another trial.
//     With up to 64 parameters, as a regression has, it is scaled by UsualScaling and goes on until it cannot.
//   - Otherwise it warms up with Adam, which is cheap and leaves poor starts, until its loss stalls or WarmUp iterations are made.
//     Then a few Lanczos steps from the gradient estimate the spectrum of the Hessian. Where its condition number is below 100
//     as far as the gradient sees it, first-order steps are all that is needed, and Adam gets five times as many.
//   - SSBroyden, or L-BFGS for more than 5000 parameters, does the rest: it needs no good start and makes progress for long.
//   - Each of these is on trial for some iterations. What counts is the decrease of the loss, in decades, per gradient that its
//     work amounts to, by operation counts; where points have moved, from one set of points to the others. Levenberg–Marquardt
//     stays as long as it gains half of the loss, lately or over its last 180 iterations, in the work that a trial of another one
//     would take. When it gains less the others have their trials, and the best one goes on. The next best gets another trial after
//     the work of 2500 gradients, and later each time: much later where its trials gained nothing. All go on with the curvature, or
//     the damping, that they had.
//
// Decisions depend on the course of the run, not on the clock: the same seed makes the same ones. Each is an Event of the
// history, with its reason. A method that does not suit the objective, because an operation has no forward derivative for example,
// is left out, which is an Event, too. The run ends by itself when no method can go on. The zero value is usable.
type Auto struct {
	// WarmUp bounds the iterations of Adam, where it has a turn; 300 when zero.
	WarmUp int
	// MaxMemory is the most that matrices may need, in bytes; 4 GiB when zero.
	MaxMemory int64
}

// Name implements Method.
func (Auto) Name() string { return "auto" }

// Start implements Method. It fails when a setting is out of its range.
func (a Auto) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	a.WarmUp = cmp.Or(a.WarmUp, 300)
	a.MaxMemory = cmp.Or(a.MaxMemory, defaultMemory)
	if a.WarmUp < 0 || a.MaxMemory < 0 {
		return nil, fmt.Errorf("optim: Auto.WarmUp is %d and MaxMemory %d bytes, expected at least 1 (or 0 for the default)", a.WarmUp, a.MaxMemory)
	}
	plan := &automatic{obj: obj, warmUp: a.WarmUp}
	plan.candidates = append(plan.candidates, candidate{method: Adam{Rate: 5e-3}, look: max(1, a.WarmUp/4)})
	rows, why, err := plan.dense(a)
	if err != nil {
		return nil, err
	}
	params := float64(obj.Dim)
	gradient := operationsOfGradient * math.Max(1, float64(rows)) * params
	quasi := candidate{method: LBFGS{Memory: 50}, cost: 1.5, trial: 1500, look: 250}
	if size := float64(obj.Precision().Size()) * 3 * params * params; obj.Dim <= mostForBroyden && size <= float64(a.MaxMemory) {
		quasi.method, quasi.cost = SSBroyden{MaxMemory: a.MaxMemory}, 1.3+60*params*params/gradient
	}
	plan.candidates = append(plan.candidates, quasi)
	for i := range plan.candidates {
		plan.candidates[i].seat = i
	}
	plan.State.Rates = make([]float64, len(plan.candidates))
	plan.State.Patience = 1
	if plan.quasi() > 1 {
		plan.State.At = 1
	}
	return startPhases(obj, theta, plan, "auto: "+why)
}

// operationsOfGradient is what a gradient of a loss with second derivatives takes, for each residual and parameter, in
// operations at the speed of a matrix product: measured on a network of four layers.
const operationsOfGradient = 135

// mostForBroyden is the number of parameters up to which a dense quasi-Newton method is affordable.
const mostForBroyden = 5000

// leastSubspace is the dimension below which subspaces save nothing, mostSubspace that above which a step takes too long.
const leastSubspace, mostSubspace = 256, 2000

// dense adds the Gauss–Newton method where it can be had, and says why it is there or not. It also returns M.
func (p *automatic) dense(a Auto) (int, string, error) {
	obj := p.obj
	if !obj.IsLeastSquares() {
		return 0, "the loss is no sum of squares, so that there are no Gauss–Newton steps", nil
	}
	rows, err := obj.NumResiduals()
	if err != nil {
		return 0, "", err
	}
	columns, method := obj.Dim, LevenbergMarquardt{Geodesic: true, MaxMemory: a.MaxMemory, Seed: 1}
	if some := min(mostSubspace, max(leastSubspace, (obj.Dim+2)/3)); some < obj.Dim {
		method.AdaptEvery = 10
		if some < rows { // otherwise the matrix is JJᵀ anyway, and a step in all parameters costs little more
			columns, method.Columns = some, some
		}
	}
	made, unsuited := obj.JacobianSize()
	if unsuited != nil && !unsuitable(unsuited) {
		return 0, "", unsuited
	}
	order, need := min(rows, columns), denseMemory(obj, rows, made, columns)
	size := fmt.Sprintf("%d residuals and %d parameters", rows, obj.Dim)
	switch {
	case unsuited != nil:
		return rows, fmt.Sprintf("%s: no Gauss–Newton steps, since %v", size, unsuited), nil
	case need > float64(a.MaxMemory):
		return rows, fmt.Sprintf("%s: Gauss–Newton steps would need %.3g GiB, more than MaxMemory = %.3g GiB", size, need/(1<<30), float64(a.MaxMemory)/(1<<30)), nil
	}
	if err := obj.NeedForward("the geodesic acceleration", 2); err != nil {
		method.Geodesic, size = false, fmt.Sprintf("%s, without second derivatives (%v)", size, err)
	}
	// In operations at the speed of a matrix product; those of a factorization run at a quarter of it.
	m, n := float64(rows), float64(order)
	gradient := operationsOfGradient * m * float64(obj.Dim)
	cost := 10 + (m*float64(columns)*n+4.0/3*n*n*n)/gradient
	p.candidates = append(p.candidates, candidate{method: method, trial: 60, look: 10, cost: cost, stays: obj.Dim <= fewParameters})
	return rows, size + ": Gauss–Newton steps are affordable", nil
}

// candidate is a method among which Auto chooses.
type candidate struct {
	method Method
	seat   int
	cost   float64 // of an iteration, in gradients
	stays  bool    // until it cannot go on
	trial  int     // iterations from which its progress is judged
	look   int     // iterations between two judgements
}

// automatic is the itinerary of an Auto: Adam, then Levenberg–Marquardt if it is affordable, then a quasi-Newton method.
type automatic struct {
	obj        *objective.Objective
	warmUp     int
	candidates []candidate // those that are not left out, and
	all        []candidate // with those that are, once there are any
	State      automaticState
}

type automaticState struct {
	At       int       // the candidate
	Next     int       // the one to come, when leave has decided
	Rates    []float64 // decades per 1000 gradients when last seen, of each candidate; 0 for unknown
	Patience float64   // factor on the work after which another method gets another trial
	Stuck    int       // how many could not go on, one after the other
	Flat     bool      // the landscape is so well conditioned that Adam goes on
	Asked    bool      // whether that was looked at
	Warmed   bool      // whether Adam had its turn
	Out      []int     // the seats of those that do not suit the objective
}

func (p *automatic) method() Method { return p.candidates[p.State.At].method }

func (p *automatic) seat() int { return p.candidates[p.State.At].seat }

func (p *automatic) resident(seat int) Method {
	return p.candidates[slices.IndexFunc(p.candidates, func(c candidate) bool { return c.seat == seat })].method
}

func (p *automatic) quasi() int { return len(p.candidates) - 1 }

// final is the case when every method but this one could not go on from here.
func (p *automatic) final() bool { return p.State.Stuck >= len(p.candidates)-1 }

func (p *automatic) next(made int) int {
	look := p.candidates[p.State.At].look
	return made - made%look + look
}

// wellConditioned is the condition number up to which Adam is left alone.
const wellConditioned = 100

// worth is what a Gauss–Newton method gains, in decades, in the work that a trial of another method takes, as long as it needs no
// comparison: that much would be lost if the trial gained nothing. What a method gains is that in the length of its trial, or in
// patient times that, since some sets of points are harder than others. A trial of the Gauss–Newton method is cut short after early
// iterations with less than hopeless in an iteration: three sets of points, as the first two differ by how they were chosen. retrial is
// the work, in gradients, after which another method is tried again; it grows by again for each, and by hardly where it gained nothing.
const (
	worth    = 0.3
	patient  = 3
	hopeless = 0.002
	early    = 30
	retrial  = 2500
	again    = 1.5
	hardly   = 6
)

func (p *automatic) leave(c *course, theta *tensors.Tensor) (string, error) {
	switch p.State.At {
	case 0:
		return p.leaveFirst(c, theta)
	case p.quasi():
		return p.leaveQuasi(c), nil
	}
	return p.leaveGaussNewton(c), nil
}

// progress is what the present candidate gains in an iteration, its rate, and both in words.
func (p *automatic) progress(c *course) (gain, rate float64, seen string) {
	now := p.candidates[p.State.At]
	gain = math.Max(gained(c, now.trial), gained(c, patient*now.trial))
	rate = 1000 * gain / now.cost
	return gain, rate, fmt.Sprintf("%.2g decades in an iteration, %.2g in the work of 1000 gradients", gain, rate)
}

func (p *automatic) leaveGaussNewton(c *course) string {
	s := &p.State
	now := p.candidates[s.At]
	if now.stays {
		return ""
	}
	gain, rate, seen := p.progress(c)
	if c.Made < now.trial {
		if s.Warmed || s.Rates[s.At] > 0 || c.Made < early || gain >= hopeless {
			return ""
		}
		s.Next = 0
		return seen + ": Adam may lead to where its steps fit"
	}
	other := p.candidates[p.rival()]
	if gain*float64(other.trial)*other.cost >= worth*now.cost {
		return ""
	}
	return p.compare(c, gain, rate, seen)
}

func (p *automatic) leaveQuasi(c *course) string {
	if p.quasi() == 1 || c.Made < p.candidates[p.quasi()].trial {
		return ""
	}
	gain, rate, seen := p.progress(c)
	return p.compare(c, gain, rate, seen)
}

// nothing is the rate of a candidate that was seen to gain nothing.
const nothing = math.SmallestNonzeroFloat64

// rival is the candidate to compare the present one with: the first that was not tried, or else the one that gained most.
func (p *automatic) rival() int {
	best := 0
	for i := 1; i < len(p.candidates); i++ {
		switch {
		case i == p.State.At:
		case p.State.Rates[i] == 0:
			return i
		case best == 0 || p.State.Rates[i] > p.State.Rates[best]:
			best = i
		}
	}
	return best
}

// compare leaves for another candidate when that gained more, or is due for a trial.
func (p *automatic) compare(c *course, gain, rate float64, seen string) string {
	s := &p.State
	another := p.rival()
	now, other := math.Max(rate, nothing), s.Rates[another]
	s.Rates[s.At], s.Next = now, another
	switch {
	case other == 0:
		return seen + ": another may do better"
	case other > now:
		return fmt.Sprintf("%s, where that gained %.2g", seen, other)
	case float64(c.Made)*p.candidates[s.At].cost < retrial*s.Patience:
		return ""
	}
	if other > nothing {
		s.Patience *= again
	} else {
		s.Patience *= hardly
	}
	return seen + ": another trial, from what is a better start by now"
}

// gained is by how much the loss fell in an iteration, in decades: from one half of the last records to the other in the
// mean of the logarithm. Where the points moved meanwhile, it is from one set of points to another; the first set is that of
// another method, and does not count when there are more than two.
func gained(c *course, last int) float64 {
	records := c.Records[max(0, len(c.Records)-last):]
	first := len(c.Records) - len(records)
	var at, logs []float64 // of each set of points: the middle iteration, and the mean of the logarithm
	begin := 0
	add := func(end int) {
		if part := records[begin:end]; len(part) > 0 {
			at, logs = append(at, float64(begin+end)/2), append(logs, meanLog10(part))
		}
		begin = end
	}
	for _, fresh := range c.Fresh {
		if fresh > first && fresh < first+len(records) {
			add(fresh - first)
		}
	}
	if begin == 0 {
		add(len(records) / 2)
	}
	add(len(records))
	if len(at) > 2 {
		at, logs = at[1:], logs[1:]
	}
	if len(at) < 2 {
		return 0
	}
	_, slope := stat.LinearRegression(at, logs, nil, false)
	if !device.Finite(slope) { // logarithms of negative losses
		return 0
	}
	return -slope
}

// leaveFirst ends the warm-up.
func (p *automatic) leaveFirst(c *course, theta *tensors.Tensor) (string, error) {
	p.State.Next, p.State.Warmed = 1, true
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
	least, largest, evaluations, err := curvatures(p.obj, theta)
	c.Looked += evaluations
	if err != nil {
		return "", err
	}
	p.State.Asked = true
	if math.IsNaN(least) {
		return made, nil
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
	s.Rates[s.At] = nothing
	s.At++ // each in turn
	if s.At == len(p.candidates) {
		s.At = 1
	}
}

func (p *automatic) ahead() []Method { return nil } // all can be saved

// unsuited leaves out the candidate, and begins with Adam where it was to begin with that.
func (p *automatic) unsuited() bool {
	s := &p.State
	if len(p.candidates) < 2 {
		return false
	}
	s.Out = append(s.Out, p.seat())
	s.Rates = slices.Delete(slices.Clone(s.Rates), s.At, s.At+1)
	p.leaveOut()
	s.Next = min(s.Next, len(p.candidates)-1)
	if s.At = min(s.At, len(p.candidates)-1); !s.Warmed {
		s.At = 0
	}
	return true
}

// leaveOut takes those that were left out from the candidates; it may also put back one that was not left out in the end.
func (p *automatic) leaveOut() {
	if p.all == nil {
		p.all = p.candidates
	}
	p.candidates = slices.DeleteFunc(slices.Clone(p.all), func(c candidate) bool { return slices.Contains(p.State.Out, c.seat) })
}

func (p *automatic) save() ([]byte, error) { return encode(p.State) }

func (p *automatic) restore(data []byte) error {
	state, err := decode[automaticState](data)
	if err != nil {
		return err
	}
	p.State.Out = state.Out
	p.leaveOut()
	inside := func(candidate int) bool { return candidate >= 0 && candidate < len(p.candidates) }
	if !inside(state.At) || !inside(state.Next) || len(state.Rates) != len(p.candidates) {
		return fmt.Errorf("optim: the stored state is at candidate %d of %d, expected one of %d", state.At, len(state.Rates), len(p.candidates))
	}
	p.State = state
	return nil
}

// curvatureProducts is the number of Lanczos steps for an estimate of the largest eigenvalue.
const curvatureProducts = 12

// curvatures are the eigenvalues of least and of largest size that the Hessian has in the Krylov space of the gradient at θ;
// NaN where they cannot be had. A product counts as an evaluation, as everywhere.
func curvatures(obj *objective.Objective, theta *tensors.Tensor) (least, largest float64, evaluations int, err error) {
	evaluator, err := objective.NewEvaluator(obj)
	if err != nil {
		return 0, 0, 0, err
	}
	products, err := objective.NewCurvature(obj, objective.HessianMatrix)
	if errors.Is(err, objective.ErrUnsuitable) {
		return math.NaN(), math.NaN(), 0, nil
	}
	if err != nil {
		return 0, 0, 0, err
	}
	here, err := device.Numbers(theta)
	if err != nil {
		return 0, 0, 0, err
	}
	_, gradient, err := evaluator.At(here)
	if err != nil {
		return 0, 0, 0, err
	}
	hessian := products.AtDevice(theta, obj.Data)
	values, err := hessian.RitzValues(gradient, curvatureProducts)
	if err != nil { // unless it is the device's, of numbers that are not finite, or a gradient of zero
		return math.NaN(), math.NaN(), 1 + hessian.Products, hessian.Err
	}
	least = math.Inf(1)
	for _, v := range values {
		least, largest = math.Min(least, math.Abs(v)), math.Max(largest, math.Abs(v))
	}
	return least, largest, 1 + hessian.Products, nil
}
