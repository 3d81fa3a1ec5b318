package optim

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// coursing is a course of n records whose loss falls by so many decades in each, and rises by those of rises where points move.
func coursing(n int, perIteration float64, rises map[int]float64) *course {
	c, log := &course{Made: n}, 0.0
	for i := range n {
		if rise, fresh := rises[i]; fresh {
			c.Fresh = append(c.Fresh, i)
			log += rise
		}
		c.Records = append(c.Records, Record{Iteration: i, Loss: math.Pow(10, log)})
		log -= perIteration
	}
	return c
}

// TestAutoCompares: what leaves for what, and when. Costs are 10 gradients an iteration of the Gauss–Newton method, and 2 of the others,
// whose trials take the work of 2000.
func TestAutoCompares(t *testing.T) {
	const adam, newton, sketched, quasi = 0, 1, 2, 3
	for name, c := range map[string]struct {
		at       int
		course   *course
		rates    []float64
		warmed   bool
		patience float64
		next     int // -1 to stay
		after    float64
	}{
		"falls at the start":              {newton, coursing(30, 0.01, nil), make([]float64, 4), false, 1, -1, 1},
		"the first two sets say nothing":  {newton, coursing(20, 0.01, map[int]float64{10: 0.5}), make([]float64, 4), false, 1, -1, 1},
		"falls from the second to third":  {newton, coursing(30, 0.01, map[int]float64{10: 0.5, 20: 0}), make([]float64, 4), false, 1, -1, 1},
		"stuck from the start":            {newton, coursing(30, 0, nil), make([]float64, 4), false, 1, adam, 1},
		"stuck after Adam":                {newton, coursing(30, 0, nil), make([]float64, 4), true, 1, -1, 1},
		"slow, and worth more than trial": {newton, coursing(200, 0.0016, nil), make([]float64, 4), true, 1, -1, 1},
		"not worth a trial":               {newton, coursing(200, 0.0014, nil), make([]float64, 4), true, 1, sketched, 1},
		"the first not tried":             {newton, coursing(200, 1e-4, nil), []float64{0, 1, 0.5, 0}, true, 1, quasi, 1},
		"the better one":                  {quasi, coursing(1500, 1e-4, nil), []float64{0, 0.2, 0.1, 0}, true, 1, newton, 1},
		"it is the better one":            {quasi, coursing(1200, 1e-4, nil), []float64{0, 0.02, 0.01, 0}, true, 1, -1, 1},
		"another trial":                   {quasi, coursing(1300, 1e-4, nil), []float64{0, 0.02, 0.01, 0}, true, 1, newton, 1.5},
		"none where nothing was gained":   {newton, coursing(1400, 1e-4, nil), []float64{0, 0, nothing, nothing}, true, 6, -1, 6},
		"one in the end":                  {newton, coursing(1600, 1e-4, nil), []float64{0, 0, nothing, nothing}, true, 6, sketched, 36},
		"all gain nothing":                {newton, coursing(200, -0.01, nil), []float64{0, 0, nothing, nothing}, true, 1, -1, 1},
		"nothing, where another gained":   {newton, coursing(200, -0.01, nil), []float64{0, 0, nothing, 0.01}, true, 1, quasi, 1},
	} {
		p := &automatic{candidates: []candidate{
			{method: Adam{}, look: 75}, {method: LevenbergMarquardt{}, seat: 1, look: 10, trial: 60, cost: 10},
			{method: SketchedGaussNewton{}, seat: 2, look: 10, trial: 200, cost: 10}, {method: SSBroyden{}, seat: 3, look: 250, trial: 1000, cost: 2},
		}}
		p.State = automaticState{At: c.at, Rates: c.rates, Patience: c.patience, Warmed: c.warmed}
		why, err := p.leave(c.course, nil)
		if err != nil {
			t.Fatal(err)
		}
		next := -1
		if why != "" {
			next = p.State.Next
		}
		if next != c.next || p.State.Patience != c.after {
			t.Errorf("%s: goes on with %d, patience %g, want %d and %g (%s)", name, next, p.State.Patience, c.next, c.after, why)
		}
	}
}

// TestGained: within one set of points, from one to another, and where nothing can be said.
func TestGained(t *testing.T) {
	for name, c := range map[string]struct {
		course *course
		last   int
		want   float64
	}{
		"one set":                {coursing(40, 0.1, nil), 40, 0.1},
		"the last":               {coursing(100, 0.1, nil), 20, 0.1},
		"each rise eats it":      {coursing(60, 0.1, map[int]float64{20: 1.5, 40: 2}), 60, 0},
		"half of it":             {coursing(60, 0.1, map[int]float64{20: 5, 40: 1}), 60, 0.05}, // the first rise does not count
		"two sets":               {coursing(40, 0.1, map[int]float64{20: 1}), 40, 0.05},
		"rise before the window": {coursing(60, 0.1, map[int]float64{20: 3}), 30, 0.1},
		"one record":             {coursing(1, 0.1, nil), 10, 0}, "none": {&course{}, 10, 0},
		"negative": {&course{Records: []Record{{Loss: -1}, {Loss: -2}}}, 10, 0},
	} {
		if got := gained(c.course, c.last); !(math.Abs(got-c.want) < 1e-12) {
			t.Errorf("%s: %g, want %g", name, got, c.want)
		}
	}
}

// unfit is a method that turns out not to suit the objective: when it is started, or when its first program is built.
type unfit struct{ late bool }

func (unfit) Name() string { return "unfit" }

func (u unfit) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	if !u.late {
		return nil, objective.TooLarge("optim: unfit needs more than there is")
	}
	s, err := GradientDescent{Rate: 1}.Start(obj, theta)
	return unfitStepper{s}, err
}

type unfitStepper struct{ Stepper }

func (unfitStepper) Advance(context.Context, int, Goal) (Progress, error) {
	return Progress{}, objective.Unsuitable("optim: unfit cannot be built")
}

// TestAutoLeavesOut: each candidate may be unfit, at the start or later, whether a run begins with it or comes to it; and a run that is
// resumed leaves it out again.
func TestAutoLeavesOut(t *testing.T) {
	b, err := objective.HostBackend()
	if err != nil {
		t.Fatal(err)
	}
	obj := &objective.Objective{Backend: b, Dim: 2, Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		return graph.Sub(graph.Exp(theta), graph.Const(theta.Graph(), []float64{2, 3}))
	}}
	theta := device.Vector(obj.Precision(), []float64{0, 0})
	for _, late := range []bool{false, true} {
		for out := range 3 {
			plan := func() *automatic {
				p := &automatic{obj: obj, warmUp: 5, candidates: []candidate{
					{method: Adam{Rate: 1e-2}, look: 5}, {method: LevenbergMarquardt{}, seat: 1, look: 5, trial: 10, cost: 1}, {method: LBFGS{}, seat: 2, look: 5, trial: 10, cost: 1},
				}}
				p.candidates[out].method = unfit{late}
				p.State = automaticState{At: 1, Rates: make([]float64, 3), Patience: 1}
				return p
			}
			s, err := startPhases(obj, theta, plan(), "")
			if err != nil {
				t.Fatal(err)
			}
			told := ""
			for range 40 {
				p, err := s.Advance(t.Context(), 10, Goal{Loss: 1e-20})
				if err != nil {
					t.Fatalf("candidate %d, late %v: %v", out, late, err)
				}
				told += p.Remark + p.Message
			}
			if _, loss := s.Best(); !(loss < 1e-12) {
				t.Errorf("candidate %d, late %v: a loss of %g", out, late, loss)
			}
			if left := len(s.(*phasedStepper).plan.(*automatic).State.Out) > 0; left != strings.Contains(told, "unfit is left out") {
				t.Errorf("candidate %d, late %v: told %q", out, late, told)
			}
			saved, err := s.Save()
			if err != nil {
				t.Fatal(err)
			}
			again, err := startPhases(obj, theta, plan(), "")
			if err != nil {
				t.Fatal(err)
			}
			if err := again.Restore(saved); err != nil {
				t.Errorf("candidate %d, late %v: %v", out, late, err)
			}
			stop(s)
			stop(again)
		}
	}
}

// TestAutoOfManyParameters: there are Gauss–Newton steps as long as the matrices have room, in subspaces that do not grow on.
func TestAutoOfManyParameters(t *testing.T) {
	b, err := backend.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rows, params, columns int // columns 0 for all parameters, and −1 for no such steps
	}{{5000, 3000, 1000}, {5000, 17000, 2000}, {1900, 17000, 0}, {5000, 170000, -1}} {
		p := &automatic{obj: &objective.Objective{Backend: b, Dim: c.params, Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			x := graph.Sin(graph.Iota(theta.Graph(), shapes.Make(theta.DType(), c.rows, 4), 0))
			return graph.ReduceSum(graph.Tanh(graph.MatMul(x, graph.Reshape(theta, 4, c.params/4))), 1)
		}}}
		if _, _, err := p.dense(Auto{MaxMemory: defaultMemory}); err != nil {
			t.Fatal(err)
		}
		got := -1
		for _, candidate := range p.candidates {
			if m, ok := candidate.method.(LevenbergMarquardt); ok {
				got = m.Columns
			}
		}
		if got != c.columns {
			t.Errorf("%d residuals and %d parameters: steps in %d columns, want %d", c.rows, c.params, got, c.columns)
		}
	}
}
