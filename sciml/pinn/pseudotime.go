package pinn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/pde"
)

// PseudoTime makes a training of steady equations one of steps in a time that they do not have: the residual r of an equation becomes
// r + (v − v₀)/τ, where v is one of the unknowns and v₀ what it was when the step began. That is one step of the implicit Euler method for
// v_t = −r. From where r is large it goes the way that a flow would, not the shortest to a small residual, which may end beside
// all solutions. τ grows as the residuals fall, τ ← τ·‖r₀‖/‖r‖ but by no more than 10 and no less than ½ ("switched evolution
// relaxation"; Kelley and Keyes 1998, "Convergence analysis of pseudo-transient continuation"), and once they have fallen to a
// thousandth, or a step leads nowhere, the loss is that of r alone. Until then it is small where a step is done, which says little about r:
// HeldOutResidual and the errors tell. Scale-PINN (Chiu et al. 2026, arXiv 2602.19475) has such a term with a fixed τ, and v₀ of the last iteration.
//
// The parameters of v₀ and τ are data. They change every few iterations as points and weights do, and nothing is compiled for that.
type PseudoTime struct {
	// Unknowns has v by the names of equations of one component; those that are not in it keep r. It is "-v" for an equation
	// that is written with the other sign, v_t = r: +u″ + f, for example, rather than −u″ − f. None for no pseudo-time.
	Unknowns map[string]string
	// Step is the first τ; 1 when zero.
	Step float64
	// Every is the number of iterations of a step; 5 when zero. Methods that ask for changes, as those of Gauss–Newton do, get one out
	// of turn.
	Every int
}

// The bounds of the growth of τ, and the part of the first residual at which it is left out.
const (
	leastGrowth, mostGrowth = 0.5, 10
	settled                 = 1e-3
)

// on reports whether there is any.
func (p PseudoTime) on() bool { return len(p.Unknowns) > 0 }

// String says in words which equations evolve.
func (p PseudoTime) String() string {
	if !p.on() {
		return "none"
	}
	var all []string
	for _, equation := range slices.Sorted(maps.Keys(p.Unknowns)) {
		all = append(all, fmt.Sprintf("%q by %s", equation, p.Unknowns[equation]))
	}
	return fmt.Sprintf("%s from τ = %v, every %d iterations", strings.Join(all, ", "), p.Step, p.Every)
}

func (o *Options) checkPseudoTime(problem *pde.Problem) error {
	p := &o.PseudoTime
	if !p.on() {
		if p.Step != 0 || p.Every != 0 {
			return errors.New("pinn: Options.PseudoTime.Unknowns is empty, but other fields of it are set, expected an unknown for an equation")
		}
		return nil
	}
	switch {
	case !(p.Step >= 0) || math.IsInf(p.Step, 0):
		return fmt.Errorf("pinn: Options.PseudoTime.Step is %v, expected a finite number above 0 (or 0 for the default)", p.Step)
	case p.Every < 0:
		return fmt.Errorf("pinn: Options.PseudoTime.Every is %d, expected at least 1 (or 0 for the default)", p.Every)
	}
	if _, strong := o.Form.(StrongForm); o.Form != nil && !strong {
		return fmt.Errorf("pinn: Options.PseudoTime is set, and Form is %s, expected the strong form", o.Form.Name())
	}
	if o.Window != nil || slices.Contains(problem.Coordinates, "t") {
		return fmt.Errorf("pinn: Options.PseudoTime is set, expected none for problem %q, which has a time of its own", problem.Name)
	}
	var names []string
	for i, e := range problem.Equations {
		names = append(names, nameOf("equation", i, e.Name))
	}
	for equation, unknown := range p.Unknowns {
		if !slices.Contains(names, equation) {
			return fmt.Errorf("pinn: Options.PseudoTime.Unknowns has %q, expected a name of an equation of %q: one of %q", equation, problem.Name, names)
		}
		if !slices.Contains(problem.Unknowns, strings.TrimPrefix(unknown, "-")) {
			return fmt.Errorf("pinn: Options.PseudoTime.Unknowns[%q] is %q, expected one of the unknowns %q of %q, or that after a minus", equation, unknown, problem.Unknowns, problem.Name)
		}
	}
	if p.Step == 0 {
		p.Step = 1
	}
	if p.Every == 0 {
		p.Every = 5
	}
	return nil
}

// rate is what a term has of pseudo-time.
type rate struct {
	unknown int
	sign    float64
}

// evolve gives terms their rates. Without a step, they add nothing.
func (m *Model) evolve() {
	for _, c := range m.clouds {
		for _, t := range c.terms {
			unknown, there := m.options.PseudoTime.Unknowns[t.name]
			if !there || !t.equation {
				continue
			}
			t.rate = &rate{unknown: slices.Index(m.problem.Unknowns, strings.TrimPrefix(unknown, "-")), sign: 1}
			if strings.HasPrefix(unknown, "-") {
				t.rate.sign = -1
			}
			c.before = make([]float64, m.NumParams()+1)
		}
	}
}

// fieldsBefore are the fields at the beginning of a step in pseudo-time, and 1/τ, from a cloud's data; nil where there is none.
func (m *Model) fieldsBefore(before, x *graph.Node) (*pde.Fields, *graph.Node) {
	if before == nil {
		return nil, nil
	}
	last := before.Shape().Size() - 1
	theta := graph.Slice(before, graph.AxisRange(0, last))
	return m.fields(parameters{theta, nil}, x, noInputs), graph.Reshape(graph.Slice(before, graph.AxisElem(last)))
}

// build adds (v − v₀)/τ to a residual of shape [N, 1].
func (by *rate) build(r *graph.Node, u, before *pde.Fields, pace *graph.Node) *graph.Node {
	change := graph.Sub(pde.Column(u.U(), by.unknown), pde.Column(before.U(), by.unknown))
	return graph.Add(r, graph.Mul(change, graph.MulScalar(pace, by.sign)))
}

// pseudoState is what an adapter knows of pseudo-time.
type pseudoState struct {
	Theta       []float64 // where the step began; nil before the first
	Step        float64   // τ
	First, Last float64   // root mean square residuals at the beginning of the first step, and of this one
	Done        bool
}

// advance begins the next step in pseudo-time, or ends them. It reports whether the loss is another now.
func (a *adapter) advance(ctx context.Context, theta *tensors.Tensor) (bool, error) {
	s := &a.pseudo
	if s.Done {
		return false, nil
	}
	values, err := device.Numbers(theta)
	if err != nil {
		return false, err
	}
	square := 0.0
	for i, c := range a.clouds {
		if c.before == nil {
			continue
		}
		sizes, err := a.model.residualAt(ctx, i, theta, c.points)
		if err != nil {
			return false, err
		}
		size := rootMeanSquare(sizes)
		square += size * size
	}
	size := math.Sqrt(square)
	if math.IsNaN(size) || math.IsInf(size, 0) {
		return false, nil // the method sees it next
	}
	switch {
	case s.Theta == nil:
		s.First, s.Step = size, a.model.options.PseudoTime.Step
	case size <= settled*s.First || slices.Equal(values, s.Theta):
		s.Done = true
	default:
		s.Step *= math.Max(leastGrowth, math.Min(mostGrowth, s.Last/size))
	}
	s.Last, s.Theta = size, values
	a.pace()
	return true, nil
}

// pace lays the step in pseudo-time into the clouds.
func (a *adapter) pace() {
	s := &a.pseudo
	if s.Theta == nil {
		return
	}
	pace := 1 / s.Step
	if s.Done {
		pace = 0
	}
	for _, c := range a.clouds {
		if c.before != nil {
			c.before = append(slices.Clone(s.Theta), pace)
		}
	}
}
