package sciml

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/sample"
)

// evolution is a training in windows.
type evolution struct {
	course
	windows     Windows
	order       int
	first, last float64
	state       evolutionState
}

// evolutionState is what a checkpoint has of the windows before the one it is in the middle of.
type evolutionState struct {
	Done   []Window
	Thetas [][]float64
	Start  *pinn.Seam
	Jump   float64 // of Start
	// Balance is that of the first window, so that losses mean the same in all.
	Balance map[string]float64
	Rates   []float64 // derivatives by time at the end of the last window
	// From and To are the window that is trained, Halved how often it was, Length that of the next.
	From, To float64
	Halved   int
	Length   float64
	Defect   float64 // of the longer one that was tried before
}

// trainWindows is train for windows.
func (o Options) trainWindows(ctx context.Context, problem *pde.Problem, w Windows, from *unfinished, began time.Time) (*Solution, error) {
	e := &evolution{course: course{options: o, from: from}, windows: w}
	e.part = e
	var err error
	if e.first, e.last, err = problem.Times(); err != nil {
		return nil, err
	}
	if e.order, err = pinn.TimeOrder(problem); err != nil {
		return nil, err
	}
	if from != nil {
		if from.training.Evolution == nil {
			return nil, fmt.Errorf("sciml: the checkpoint %s is not of a training in windows of time, and cannot be resumed with Options.Windows", from.path)
		}
		e.state = *from.training.Evolution
	} else if w.Count > 0 {
		e.state.Length = (e.last - e.first) / float64(w.Count)
	} else {
		e.state.Length = w.First
	}
	if w.Count == 0 && o.Iterations == 0 { // each window has a limit of its own
		e.options.Iterations = math.MaxInt
	}
	if err := e.begin(ctx, problem, began); err != nil {
		return nil, err
	}
	var current *optim.Result
	for e.at() < e.last && !e.over(current) && e.iterations() > 0 && (current == nil || current.Status != optim.NonFinite) {
		if current, err = e.train(ctx); current == nil || err != nil {
			break
		}
	}
	if current == nil && len(e.state.Thetas) == 0 {
		return nil, err
	}
	s, buildErr := e.solution(ctx)
	return s, errors.Join(err, buildErr)
}

// at is the time that has been reached.
func (e *evolution) at() float64 {
	if n := len(e.state.Done); n > 0 {
		return e.state.Done[n-1].To
	}
	return e.first
}

// iterations are those of the next window: its share of what is left, within its limit.
func (e *evolution) iterations() int {
	left := e.options.Iterations - e.sum.Iterations
	if left > 0 && e.windows.Count > 0 {
		left = max(1, left/(e.windows.Count-len(e.state.Done)))
	}
	if most := e.windows.Iterations; most > 0 {
		left = min(left, most)
	}
	return left
}

// train trains the next window, and decides about the one after it.
func (e *evolution) train(ctx context.Context) (*optim.Result, error) {
	s := &e.state
	if e.from == nil {
		s.From = e.at()
		if s.To = s.From + s.Length; s.To > e.last-s.Length/1e6 || e.windows.Count > 0 && len(s.Done) == e.windows.Count-1 {
			s.To = e.last
		}
	}
	o := e.options
	o.Iterations = e.iterations()
	balance := s.Balance
	if len(s.Done) > 0 && balance == nil { // none was found
		balance = map[string]float64{}
	}
	o.Loss.Window, o.Windows = &pinn.Window{From: s.From, To: s.To, Start: s.Start, Balance: balance}, Windows{Count: 1}
	share := 1.0
	if e.windows.Count > 0 {
		share = (s.To - s.From) / (e.last - s.From)
	}
	name := fmt.Sprintf("window %d, t from %.6g to %.6g", len(s.Done)+1, s.From, s.To)
	for {
		result, err := e.one(ctx, e.problem, o, min(1, share), name)
		switch {
		case !e.early(result, err):
			if result == nil {
				return nil, err
			}
			return result, errors.Join(err, e.judge(ctx, result))
		case result != nil:
			note(result, "window %d has used up its share of the time before its first iteration: it begins again with twice the share", len(s.Done)+1)
			e.join(result)
		}
		share *= 2 // the first window compiles, for one
	}
}

// early reports that a window ran out of its share of the time before it could begin, where there is more time for all.
func (e *evolution) early(r *optim.Result, err error) bool {
	if e.over(r) {
		return false
	}
	if r == nil {
		return errors.Is(err, context.DeadlineExceeded)
	}
	return err == nil && r.Status == optim.TimeLimit && r.Iterations == 0
}

// place implements part: a window starts with the parameters of the one before, or with others where the residual is smaller then.
func (e *evolution) place(ctx context.Context, t *training) error {
	n := len(e.state.Thetas)
	if e.from != nil {
		return nil
	}
	if n == 0 {
		e.state.Balance = t.model.Balance()
		return nil
	}
	least := math.Inf(1)
	for _, theta := range [][]float64{e.state.Thetas[n-1], t.theta} {
		at := device.Vector(t.model.Options().DType, theta)
		metrics, err := t.model.Monitor(ctx, at)
		device.Free([]*tensors.Tensor{at})
		if err != nil {
			return err
		}
		if r := metrics[pinn.HeldOutResidual]; r < least {
			t.theta, least = slices.Clone(theta), r
		}
	}
	return nil
}

// setting implements part.
func (e *evolution) setting() pinn.Setting {
	return pinn.Setting{Name: "Windows", Value: fmt.Sprintf("%+v", e.windows)}
}

// save implements part.
func (e *evolution) save(into *savedTraining) { into.Evolution = &e.state }

// watch implements part: it measures the defect, and ends a window at its tolerance.
func (e *evolution) watch(run *optim.Options, model *pinn.Model, options *Options) {
	run.Monitor = func(ctx context.Context, theta *tensors.Tensor) (map[string]float64, error) {
		metrics, err := model.Monitor(ctx, theta)
		if err != nil {
			return nil, err
		}
		renamed(metrics, pinn.RelativeL2, OnTheWay)
		metrics[DefectMetric], err = model.Defect(ctx, theta)
		return metrics, err
	}
	if e.windows.Tolerance > 0 {
		run.MonitorEvery = cmp.Or(options.MonitorEvery, 10)
		run.Until = orElse(tolerated{e.windows.Tolerance, run.MonitorEvery}, options.Until)
	}
}

// helpful is the defect of half a window, relative to that of the whole, up to which halving it has helped.
const helpful = 0.7

// judge keeps a window, or halves it.
func (e *evolution) judge(ctx context.Context, r *optim.Result) error {
	s := &e.state
	defect := r.Metrics[DefectMetric]
	length := s.To - s.From
	reached := defect <= e.windows.Tolerance
	if adaptive := e.windows.Count == 0; adaptive && !e.over(r) && r.Status != optim.NonFinite {
		switch {
		case !reached && s.Halved > 0 && defect > helpful*s.Defect:
			note(r, "half the length has not helped, from a defect of %.2g: what the window began with is as rough", s.Defect)
			s.Length = length
		case !reached && length/2 >= e.windows.Shortest:
			note(r, "the defect is %.2g, above the tolerance %.2g: the window is halved", defect, e.windows.Tolerance)
			e.join(r)
			s.Length, s.Defect = length/2, defect
			s.Halved++
			return nil
		case reached && r.Iterations <= e.windows.Iterations/4:
			s.Length = 1.5 * length
		default:
			s.Length = length
		}
	}
	seam, jump, err := e.model.End(context.WithoutCancel(ctx), r.Theta)
	if err != nil {
		return err
	}
	rateJump, err := e.rateJump(r.Theta)
	if err != nil {
		return err
	}
	note(r, "window %d, t from %.6g to %.6g, ended with the defect %.2g", len(s.Done)+1, s.From, s.To, defect)
	if e.windows.Tolerance > 0 && !reached {
		note(r, "the tolerance %.2g was not reached: what follows has this error as well", e.windows.Tolerance)
	}
	done := s.windowOf(r)
	done.RateJump = rateJump
	s.Done = append(s.Done, done)
	s.Thetas, s.Start, s.Jump, s.Halved = append(s.Thetas, r.Theta), seam, jump, 0
	e.join(r)
	return nil
}

// windowOf is what became of the present window, but for the jump of its rate.
func (s *evolutionState) windowOf(r *optim.Result) Window {
	return Window{From: s.From, To: s.To, Defect: r.Metrics[DefectMetric], Jump: s.Jump, Loss: r.Loss, Iterations: r.Iterations, Seconds: r.Seconds, Status: r.Status, Halved: s.Halved}
}

// seamPoints is the number of points at which derivatives are compared where windows meet.
const seamPoints = 256

// rateJump is the jump of the derivative by time where the present window begins. It also notes that at its end.
func (e *evolution) rateJump(theta []float64) (float64, error) {
	points, err := sample.Uniform{Seed: e.options.Seed}.Interior(e.problem.Domain, seamPoints)
	if err != nil {
		return 0, err
	}
	d := len(e.problem.Coordinates)
	at := func(t float64) ([]float64, error) {
		for n := range points.N {
			points.Coords[n*d+d-1] = t
		}
		return e.model.Derivative(theta, points.Coords, e.problem.Coordinates[d-1])
	}
	begins, err := at(e.state.From)
	if err != nil {
		return 0, err
	}
	jump, size := 0.0, 0.0
	for i, before := range e.state.Rates {
		jump += (begins[i] - before) * (begins[i] - before)
		size += before * before
	}
	if jump > 0 {
		jump = math.Sqrt(jump / size)
	}
	e.state.Rates, err = at(e.state.To)
	return jump, err
}

// solution is one of all windows. Where time is left, it stands still there.
func (e *evolution) solution(ctx context.Context) (*Solution, error) {
	s, o := &e.state, e.options
	network, theta, reached, err := s.whole(o.Network, e.order, e.first, e.last)
	if err != nil {
		return nil, err
	}
	model, err := pinn.New(o.Backend, e.problem, network, o.Loss)
	if err != nil {
		return nil, err
	}
	result := e.sum
	if reached < e.last {
		if e.unfinished(&result); e.iterations() < 1 && !cut(&result) {
			result.Status, result.Message = optim.IterationLimit, ""
		}
		result.Message = also(result.Message, unreached(reached, e.last))
	}
	result.Theta, result.Loss = theta, s.loss()
	at := device.Vector(model.Options().DType, theta)
	defer device.Free([]*tensors.Tensor{at})
	result.Metrics, err = model.Monitor(context.WithoutCancel(ctx), at)
	if n := len(result.History.Records); n > 0 { // the end of the last window is that of the whole
		result.History.Records = slices.Clone(result.History.Records)
		last := &result.History.Records[n-1]
		last.Metrics = maps.Clone(last.Metrics)
		if last.Metrics == nil {
			last.Metrics = map[string]float64{}
		}
		maps.Copy(last.Metrics, result.Metrics)
		last.Seconds = result.Seconds
	}
	return &Solution{Method: o.Method.Name(), Result: result, model: model, windows: slices.Clone(s.Done), left: endingOf(model.Objective())}, err
}

func unreached(reached, last float64) string {
	return fmt.Sprintf("t from %.6g to %.6g was not reached, and the solution stands still there", reached, last)
}

// whole is the network of all windows with its parameters, and the time that it is trained to.
func (s *evolutionState) whole(network nn.Network, order int, first, last float64) (whole nn.Network, theta []float64, reached float64, err error) {
	edges := []float64{first}
	for _, w := range s.Done {
		edges = append(edges, w.To)
	}
	theta, reached = slices.Concat(s.Thetas...), edges[len(s.Done)]
	if reached < last { // weights of zero make nothing
		edges, theta = append(edges, last), append(theta, make([]float64, network.NumParams())...)
	}
	whole, err = nn.Windowed(network, order, edges...)
	return whole, theta, reached, err
}

// loss is the mean of the windows' losses over the time that they have been trained on.
func (s *evolutionState) loss() float64 {
	loss, time := 0.0, 0.0
	for _, w := range s.Done {
		loss, time = loss+w.Loss*(w.To-w.From), time+w.To-w.From
	}
	if time == 0 {
		return math.Inf(1)
	}
	return loss / time
}

// soFar is the solution of a checkpoint in the middle of a window, which counts as it is.
func (s *evolutionState) soFar(u *unfinished, problem *pde.Problem) (*Solution, error) {
	first, last, err := problem.Times()
	if err != nil {
		return nil, err
	}
	order, err := pinn.TimeOrder(problem)
	if err != nil {
		return nil, err
	}
	network, err := nn.Unmarshal(u.training.Model.Network)
	if err != nil {
		return nil, err
	}
	r, now := u.checkpoint.Result, *s
	now.Done = append(slices.Clone(s.Done), s.windowOf(&r))
	now.Thetas = append(slices.Clone(s.Thetas), r.Theta)
	whole, theta, reached, err := now.whole(network, order, first, last)
	if err != nil {
		return nil, err
	}
	saved := u.training.Model
	if saved.Network, err = nn.Marshal(whole); err != nil {
		return nil, err
	}
	result := joined(u.training.Before, r)
	result.Theta, result.Loss = theta, now.loss()
	if reached < last {
		result.Message = unreached(reached, last)
	}
	return (&Solution{Method: u.checkpoint.Method, Result: result, windows: now.Done, saved: &saved, left: &ending{loaded: true}}).For(problem)
}
