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

	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// continuation is a training along a path.
type continuation struct {
	course
	path     *pde.Path
	settings Continuation // with defaults
	few      int          // iterations of each value but the last
	state    pathState
	reached  *pinn.Model // of the last value of the state; nil where it was made by another process
	ending   *ending     // of that
}

// pathState is what a checkpoint has of the values before the one it is in the middle of.
type pathState struct {
	Problem string // the name of the last
	Done    []Step
	// Thetas and Places are those of the last two of them, or of one.
	Thetas [][]float64
	Places []float64
	// Place is that of the value that is trained, Tolerance its loss to be reached, Length the part of the way to it.
	Place, Tolerance, Length float64
	Halved                   int
	Predicted                bool
	// Failed is the last place that was not reached, with the shortest step; 0 for none. The last of Done is then trained to the end.
	Failed float64
	Ended  bool // that was done
}

// trainPath is train along a path.
func (o Options) trainPath(ctx context.Context, problem *pde.Problem, path *pde.Path, from *unfinished, began time.Time) (*Solution, error) {
	c := &continuation{course: course{options: o, from: from}, path: path, settings: o.Continuation, few: cmp.Or(max(0, o.Iterations), o.fewIterations())}
	c.part = c
	c.settings.First = cmp.Or(c.settings.First, 0.25)
	c.settings.Shortest = math.Min(cmp.Or(c.settings.Shortest, 1./512), c.settings.First)
	c.state = pathState{Problem: problem.Name, Length: c.settings.First}
	c.options.Windows = Windows{Count: 1}
	if from != nil {
		if from.training.Path == nil {
			return nil, fmt.Errorf("sciml: the checkpoint %s is not of a training along a path, and cannot be resumed with a problem that suggests one (Options.Continuation.Direct leaves it out)", from.path)
		}
		c.state = *from.training.Path
	}
	if err := c.begin(ctx, problem, began); err != nil {
		return nil, err
	}
	var current *optim.Result
	var err error
	for !c.ended(current) {
		if current, err = c.train(ctx); current == nil || err != nil {
			break
		}
	}
	if len(c.state.Done) == 0 {
		return nil, err
	}
	s, buildErr := c.solution()
	return s, errors.Join(err, buildErr)
}

// ended reports whether nothing is left to be trained, or no time for it.
func (c *continuation) ended(r *optim.Result) bool {
	if c.over(r) || c.state.Ended {
		return true
	}
	return r != nil && r.Status == optim.NonFinite && len(c.state.Done) == 1 && c.state.Failed == 0 && math.IsInf(c.state.Done[0].Loss, 1)
}

// last is the step that was made last; nil for none.
func (s *pathState) last() *Step {
	if len(s.Done) == 0 {
		return nil
	}
	return &s.Done[len(s.Done)-1]
}

// train trains the next value, and decides about the one after it.
func (c *continuation) train(ctx context.Context) (*optim.Result, error) {
	s, o := &c.state, c.options
	if c.from == nil {
		s.Place, s.Tolerance, s.Predicted = 0, 0, false
		if n := len(s.Places); s.Failed > 0 {
			s.Place = s.Places[n-1]
		} else if n > 0 {
			if s.Place = s.Places[n-1] + s.Length; s.Place > 1-s.Length/1e6 {
				s.Place = 1
			}
		}
	}
	value := c.path.Value(s.Place)
	problem, err := c.path.At(value, c.problem)
	if err != nil {
		return nil, err
	}
	if s.Place < 1 {
		problem.Reference = nil // which would take longer than the training
		o.Iterations = c.few
	}
	share := 1.0
	if len(s.Done) == 0 {
		share = 0.25
	} else {
		o.Start = s.Thetas[len(s.Thetas)-1]
	}
	result, err := c.one(ctx, problem, o, share, fmt.Sprintf("value %d, %.6g", len(s.Done)+1, value))
	if result == nil {
		return nil, err
	}
	c.judge(result, value)
	return result, err
}

// place implements part: it chooses where the training of a value begins, and the tolerance that it is to reach.
func (c *continuation) place(ctx context.Context, t *training) error {
	s := &c.state
	if t.objective.Residual == nil {
		return fmt.Errorf("sciml: the loss of %q has the form %s, which is no sum of squares and does not tell whether a value was reached, expected another with a path of problems (or Continuation.Direct)",
			t.model.Problem().Name, t.model.Options().Form.Name())
	}
	if len(s.Done) == 0 || s.Failed > 0 || c.from != nil {
		return nil
	}
	if !c.limit.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, c.limit)
		defer cancel()
	}
	loss := func(theta []float64) (float64, error) {
		terms, err := t.model.Terms(ctx, theta, nil)
		sum := 0.0
		for _, term := range terms {
			sum += term.Weighted
		}
		return sum, err
	}
	warm, err := loss(t.theta)
	if err != nil {
		return err
	}
	if s.Tolerance = c.settings.Tolerance; s.Tolerance == 0 {
		s.Tolerance = math.Max(10*s.Done[0].Loss, 1e-6*warm)
	}
	if len(s.Thetas) < 2 {
		return nil
	}
	ahead := (s.Place - s.Places[1]) / (s.Places[1] - s.Places[0])
	line := slices.Clone(t.theta)
	for i := range line {
		line[i] += ahead * (line[i] - s.Thetas[0][i])
	}
	predicted, err := loss(line)
	if err != nil {
		return err
	}
	if s.Predicted = predicted < warm; s.Predicted {
		t.theta = line
	}
	return nil
}

// setting implements part.
func (c *continuation) setting() pinn.Setting {
	return pinn.Setting{Name: "Continuation", Value: fmt.Sprintf("%+v from %v to %v", c.settings, c.path.From, c.path.To)}
}

// save implements part.
func (c *continuation) save(into *savedTraining) { into.Path = &c.state }

// watch implements part: it ends a value at its tolerance, or where that is not to be reached.
func (c *continuation) watch(run *optim.Options, model *pinn.Model, options *Options) {
	s := &c.state
	if s.Place < 1 {
		run.Monitor = func(ctx context.Context, theta *tensors.Tensor) (map[string]float64, error) {
			metrics, err := model.Monitor(ctx, theta)
			renamed(metrics, pinn.RelativeL2, OnTheWay)
			return metrics, err
		}
		run.LossTolerance = math.Max(options.LossTolerance, cmp.Or(s.Tolerance, c.settings.Tolerance))
	}
	if s.Place < 1 || s.Tolerance > 0 {
		run.Until = orElse(following{s.Tolerance, c.few}, options.Until)
	}
}

// renamed gives a metric another name, where it is there.
func renamed(metrics map[string]float64, from, to string) {
	if v, there := metrics[from]; there {
		delete(metrics, from)
		metrics[to] = v
	}
}

// stepOf is what became of a value.
func (s *pathState) stepOf(r *optim.Result, value float64) Step {
	metrics := maps.Clone(r.Metrics)
	renamed(metrics, OnTheWay, pinn.RelativeL2)
	return Step{Value: value, Predicted: s.Predicted, Loss: r.Loss, Metrics: metrics, Iterations: r.Iterations, Seconds: r.Seconds, Status: r.Status, Halved: s.Halved}
}

// judge keeps a value, or halves the step to it.
func (c *continuation) judge(r *optim.Result, value float64) {
	s := &c.state
	step := s.stepOf(r, value)
	keep := func() {
		s.Thetas, s.Places = append(s.Thetas, r.Theta), append(s.Places, s.Place)
		if n := len(s.Thetas) - 2; n > 0 {
			s.Thetas, s.Places = s.Thetas[n:], s.Places[n:]
		}
		s.Done = append(s.Done, step)
		c.reached, c.ending = c.model, c.left
	}
	defer func() { c.join(r) }()
	switch {
	case s.Failed > 0:
		last := s.last()
		step.Halved, step.Predicted = last.Halved, last.Predicted
		step.Iterations += last.Iterations
		step.Seconds += last.Seconds
		*last, s.Thetas[len(s.Thetas)-1], s.Ended = step, r.Theta, !cut(r)
		c.reached, c.ending = c.model, c.left
	case len(s.Done) == 0:
		keep()
		note(r, "the value %.6g ended with the loss %.2g", value, r.Loss)
		if t := c.settings.Tolerance; t > 0 && r.Loss > t && !cut(r) {
			note(r, "that is above Continuation.Tolerance, %.2g", t)
			s.Ended = true
		}
	case r.Loss <= math.Max(s.Tolerance, c.options.LossTolerance), s.Place == 1 && cut(r):
		easy := r.Iterations <= c.few/4
		keep()
		note(r, "the value %.6g was reached with the loss %.2g", value, r.Loss)
		if s.Ended = s.Place == 1; easy {
			s.Length *= 1.5
		}
		s.Halved = 0
	case cut(r):
	case s.Length/2 >= c.settings.Shortest:
		note(r, "the value %.6g was not reached, with the loss %.2g above the tolerance %.2g: the step is halved", value, r.Loss, s.Tolerance)
		s.Length /= 2
		s.Halved++
	default:
		note(r, "the value %.6g was not reached, with the loss %.2g above the tolerance %.2g, by the shortest step", value, r.Loss, s.Tolerance)
		s.Failed = s.Place
	}
}

// solution is that of the last value that was reached.
func (c *continuation) solution() (*Solution, error) {
	s := &c.state
	last := s.last()
	model, left := c.reached, c.ending
	if model == nil {
		problem, err := c.path.At(last.Value, c.problem)
		if err != nil {
			return nil, err
		}
		if model, err = pinn.New(c.options.Backend, problem, c.options.Network, c.options.Loss); err != nil {
			return nil, err
		}
		left = endingOf(model.Objective())
	}
	result := c.sum
	if !s.Ended {
		c.unfinished(&result)
	}
	s.conclude(&result, c.path)
	return &Solution{Method: c.options.Method.Name(), Result: result, model: model, steps: slices.Clone(s.Done), left: left}, nil
}

// conclude makes the result of the whole course that of the last value that was reached.
func (s *pathState) conclude(r *optim.Result, path *pde.Path) {
	last := s.last()
	r.Theta, r.Loss, r.Metrics = s.Thetas[len(s.Thetas)-1], last.Loss, last.Metrics
	if last.Value == path.To {
		return
	}
	followed := fmt.Sprintf("the path to %.6g was followed to %.6g, whose solution this is", path.To, last.Value)
	if !s.Ended {
		r.Message = also(r.Message, followed)
		return
	}
	r.Status = optim.PathEnded
	if s.Failed == 0 {
		r.Message = followed + ": its loss is above Continuation.Tolerance"
		return
	}
	r.Message = followed + fmt.Sprintf(": not even the step to %.6g succeeded, and before it there may be a fold (a turning point); else more iterations, or a larger network, lead further", path.Value(s.Failed))
}

// soFar is the solution of a checkpoint in the middle of a path: that of the last value that was reached, or where there is none that of the
// first as it is. The last value of the path, too, counts as it is.
func (s *pathState) soFar(u *unfinished, problem *pde.Problem) (*Solution, error) {
	path := problem.Suggested.Path
	if path == nil {
		return nil, fmt.Errorf("sciml: the checkpoint %s is of a training along a path, which problem %q does not suggest, expected one of pde.Along", u.path, problem.Name)
	}
	if problem.Name != s.Problem {
		return nil, fmt.Errorf("sciml: the checkpoint %s is one of %q, and is no solution of %q", u.path, s.Problem, problem.Name)
	}
	r, now := u.checkpoint.Result, *s
	if len(s.Done) == 0 || s.Failed > 0 || s.Place == 1 {
		now.Done, now.Thetas = slices.Clone(s.Done), [][]float64{r.Theta}
		if s.Failed > 0 {
			now.Done = now.Done[:len(s.Done)-1]
		}
		now.Done = append(now.Done, s.stepOf(&r, path.Value(s.Place)))
	}
	at, err := path.At(now.last().Value, problem)
	if err != nil {
		return nil, err
	}
	result := joined(u.training.Before, r)
	now.conclude(&result, path)
	saved := u.training.Model
	saved.Problem = at.Name
	return (&Solution{Method: u.checkpoint.Method, Result: result, steps: now.Done, saved: &saved, left: &ending{loaded: true}}).For(at)
}
