package optim

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// lineSearch goes along a direction as far as a search says.
type lineSearch struct {
	iterates
	director director
	search   search.Search
	try      *objective.Evaluation
	many     *objective.Losses // along the direction; nil unless the search wants them and the objective is a graph
	memory   bool              // whether it knows something
	rounding rounding          // of the loss
	still    stillness
	reason   string // why there is no direction, where that is known
}

func startLineSearch(obj *objective.Objective, theta *tensors.Tensor, direction Direction, by search.Search) (Stepper, error) {
	director, err := newGraphDirector(obj, direction)
	if err != nil {
		return nil, err
	}
	return startDirected(obj, theta, director, by)
}

// startDirected starts a search along the directions of a director.
func startDirected(obj *objective.Objective, theta *tensors.Tensor, d director, by search.Search) (*lineSearch, error) {
	running, err := search.Begin(by)
	if err != nil {
		return nil, err
	}
	s := &lineSearch{director: d, search: running, rounding: newRounding(obj.Precision())}
	if s.iterates, err = startIterates(obj, theta); err != nil {
		return nil, err
	}
	s.replaceState(s.director.blank())
	if _, ok := running.(search.Many); ok && obj.Function == nil {
		if s.many, err = objective.NewLosses(obj, "losses along the direction", func(number *graph.Node, in []*graph.Node) *graph.Node {
			alphas, theta, step := in[0], in[1], in[2]
			return graph.Add(theta, graph.Mul(step, objective.NumberedRow(alphas, number)))
		}); err != nil {
			return nil, err
		}
	}
	s.try, err = objective.NewEvaluation(obj, "trial step", func(in []*graph.Node) *graph.Node {
		theta, step, alpha := in[0], in[1], in[2]
		return graph.Add(theta, graph.Mul(step, alpha))
	}, func(p *objective.Point, in []*graph.Node) []*graph.Node {
		return []*graph.Node{p.Loss, device.Dot(p.Gradient, in[1]), p.Theta, p.Gradient, device.Norm(p.Gradient)}
	})
	return s, err
}

// Advance implements Stepper.
func (s *lineSearch) Advance(ctx context.Context, n int, goal Goal) (Progress, error) {
	return s.advance(ctx, n, goal, s)
}

// begin evaluates the starting point, as a trial of length zero: that is one program less to compile.
func (s *lineSearch) begin() (*evaluated, error) {
	still := device.Vector(s.obj.Precision(), make([]float64, s.obj.Dim))
	defer device.Free([]*tensors.Tensor{still})
	at, _, err := s.trial(s.theta, still, 0)
	if err == nil {
		s.reached(at)
	}
	return at, err
}

// reached tells the search of a new iterate.
func (s *lineSearch) reached(e *evaluated) {
	if m, ok := s.search.(search.MemorySearch); ok && device.Finite(e.loss) {
		m.Reached(e.loss)
	}
}

// trial evaluates the objective at θ + αp.
func (s *lineSearch) trial(theta, step *tensors.Tensor, alpha float64) (*evaluated, search.Trial, error) {
	s.spent++
	out, err := s.try.Call([]*tensors.Tensor{theta, step, device.Scalar(s.obj.Precision(), alpha)})
	if err != nil {
		return nil, search.Trial{}, err
	}
	e := &evaluated{theta: out[2], loss: device.Number(out[0]), gradient: out[3], gradientNorm: device.Number(out[4])}
	t := search.Trial{Alpha: alpha, Loss: e.loss, Slope: device.Number(out[1])}
	device.Free([]*tensors.Tensor{out[0], out[1], out[4]})
	return e, t, nil
}

// step makes one iteration; there is none when there is no way down even along steepest descent.
func (s *lineSearch) step(ctx context.Context) (to *evaluated, length float64, err error) {
	if s.still.Count >= mostStill && s.rounding.most == s.rounding.least {
		s.reason = fmt.Sprintf("in %d iterations the loss has not changed beyond its rounding errors, and its gradient has not become smaller", mostStill)
		return nil, 0, nil
	}
	for {
		rewind := mark(s.director)
		to, length, err = s.along(ctx)
		if err != nil {
			rewind()
			return nil, 0, err
		}
		if to != nil {
			s.rounding.lower()
			s.reached(to)
			s.still.reach(to.loss, to.gradientNorm, s.rounding.least)
			return to, length, nil
		}
		if s.rounding.raise() {
			continue
		}
		s.rounding.reset()
		if !s.memory {
			return nil, 0, nil
		}
		// What the direction remembers may be what misleads it: forget it once.
		s.replaceState(s.director.blank())
		s.memory = false
	}
}

// along searches the direction that is next; there is no step where that leads nowhere.
func (s *lineSearch) along(ctx context.Context) (to *evaluated, length float64, err error) {
	d, err := s.director.direct(s.at, s.state)
	s.hold() // what was made of the iterate
	if err != nil {
		return nil, 0, err
	}
	s.spent += d.products
	s.reason = d.why
	step, slope, stepNorm := d.step, d.slope, d.length
	trials := map[float64]*evaluated{} // the last one only: an earlier one that wins is evaluated again
	taken := false
	defer func() {
		device.Free([]*tensors.Tensor{step})
		if !taken {
			s.held.Release(d.next)
			freeTrials(trials)
		}
	}()
	if s.reason == "" && !device.Finite(slope+stepNorm) {
		s.reason = "the direction is NaN or infinite"
	}
	if !(slope < 0) || !(stepNorm > 0) || !device.Finite(stepNorm) { // squares of small numbers are zero
		return nil, 0, nil
	}
	try := func(alpha float64) (search.Trial, error) {
		if err := ctx.Err(); err != nil {
			return search.Trial{}, err
		}
		e, t, err := s.trial(s.at.theta, step, alpha)
		if err != nil {
			return search.Trial{}, err
		}
		freeTrials(trials)
		trials[alpha] = e
		if !device.Finite(t.Loss) || !device.Finite(t.Slope) {
			t.Loss = math.Inf(1)
		}
		return t, nil
	}
	start := search.Trial{Loss: s.at.loss, Slope: slope}
	best, accepted, err := s.find(start, step, try)
	if err != nil {
		return nil, 0, err
	}
	if best.Alpha == 0 || !device.Finite(best.Loss) || (!accepted && best.Loss >= start.Loss) {
		return nil, 0, nil
	}
	if trials[best.Alpha] == nil {
		if _, err := try(best.Alpha); err != nil {
			return nil, 0, err
		}
	}
	s.replaceState(d.next)
	s.memory, taken = true, true
	return trials[best.Alpha], best.Alpha * stepNorm, nil
}

func freeTrials(trials map[float64]*evaluated) {
	for _, e := range trials {
		device.Free(e.tensors())
	}
	clear(trials)
}

// find searches in the way that the search knows; where that has failed, by slopes rather than by losses that rounding
// has spoiled.
func (s *lineSearch) find(start search.Trial, step *tensors.Tensor, try func(float64) (search.Trial, error)) (search.Trial, bool, error) {
	if s.rounding.raised() {
		return search.HagerZhang{}.Find(start, 1, s.rounding.level, try)
	}
	m, ok := s.search.(search.Many)
	if !ok || s.many == nil {
		return s.search.Find(start, 1, s.rounding.level, try)
	}
	alpha, accepted, err := m.FindMany(start, 1, func(alphas []float64) ([]float64, error) { return s.losses(step, alphas) })
	if err != nil || !accepted {
		return search.Trial{}, false, err
	}
	best, err := try(alpha)
	return best, err == nil && device.Finite(best.Loss), err
}

// losses computes f(θ + αp) for many α.
func (s *lineSearch) losses(step *tensors.Tensor, alphas []float64) ([]float64, error) {
	s.spent += len(alphas)
	lengths := device.Vector(s.obj.Precision(), alphas)
	defer device.Free([]*tensors.Tensor{lengths})
	losses, err := s.many.At(len(alphas), []*tensors.Tensor{lengths, s.at.theta, step}, s.obj.Data)
	for i, loss := range losses {
		if !device.Finite(loss) {
			losses[i] = math.Inf(1)
		}
	}
	return losses, err
}

func (s *lineSearch) failure() string {
	return cmp.Or(s.reason, "no step that was tried along the direction, with what earlier steps have taught it or without, lowers the loss")
}

// Refresh implements Stepper.
func (s *lineSearch) Refresh() {
	s.forget()
	s.still = stillness{}
	s.replaceState(s.director.rebase(s.state))
	if m, ok := s.search.(search.MemorySearch); ok {
		m.SetMemory(nil)
	}
}

// Restart implements Restarter.
func (s *lineSearch) Restart(theta *tensors.Tensor) error {
	s.replaceState(s.director.blank())
	s.memory = false
	s.still = stillness{}
	s.rounding.reset()
	if m, ok := s.search.(search.MemorySearch); ok {
		m.SetMemory(nil)
	}
	return s.iterates.relocate(theta)
}

// Relocate implements Relocator: what is known of the curvature stays.
func (s *lineSearch) Relocate(theta *tensors.Tensor) error {
	if err := s.iterates.relocate(theta); err != nil {
		return err
	}
	s.Refresh() // the last change of the gradient is not one between iterates of its own
	s.rounding.reset()
	return nil
}

// savedLine is the state of a lineSearch.
type savedLine struct {
	Iterates savedIterates
	State    []device.Saved
	Memory   bool
	Search   []float64
	Rounding float64
	Still    stillness
	Again    bool // whether the Newton direction of the iterate was searched in vain
}

// Save implements Stepper.
func (s *lineSearch) Save() ([]byte, error) {
	line := savedLine{Memory: s.memory, Rounding: s.rounding.level, Still: s.still}
	var err error
	if line.Iterates, err = s.save(); err != nil {
		return nil, err
	}
	if line.State, err = device.SaveAll(s.state); err != nil {
		return nil, err
	}
	if m, ok := s.search.(search.MemorySearch); ok {
		line.Search = m.Memory()
	}
	if d, ok := s.director.(*newtonDirector); ok {
		line.Again = s.at != nil && d.last == s.at
	}
	return encode(line)
}

// Restore implements Stepper.
func (s *lineSearch) Restore(data []byte) error {
	line, err := decode[savedLine](data)
	if err != nil {
		return err
	}
	if err := s.restore(line.Iterates); err != nil {
		return err
	}
	state, err := device.RestoreAll(line.State, s.state)
	if err != nil {
		return err
	}
	s.replaceState(state)
	if m, ok := s.search.(search.MemorySearch); ok {
		m.SetMemory(line.Search)
	}
	s.memory, s.rounding.level, s.still = line.Memory, line.Rounding, line.Still
	if d, ok := s.director.(*newtonDirector); ok && line.Again {
		d.last = s.at
	}
	return nil
}
