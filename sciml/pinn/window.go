package pinn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/sample"
)

// Window is a part of the time that a model is trained on, from where the part before it ended.
//
// With N the network, τ the time in the window from 0 to 1, and V what the network's function was at its beginning, that function is
// V(x) + τ·N(x, τ), or for equations of second order in time, whose rate R goes on as well, V(x) + (t − From)·R(x) + τ²·N(x, τ). In the
// first window it is N(x, τ) itself. An Ansatz and Periods are made of the network's function: what they satisfy exactly holds in all
// windows, and the solution and the rates that its order asks for are continuous whatever the network is. The network sees τ stretched
// over the whole time. The problem of the model is that of pde.Problem.During.
//
// All numbers of a window are data: models of windows that differ in nothing else have the same programs.
type Window struct {
	// From and To are the times, within those of the problem.
	From, To float64
	// Start is what the network's function was at From, from Model.End of the window before; nil where From is the first time.
	Start *Seam
	// Balance are the factors that balance terms of extreme sizes, from Model.Balance of another window, so that losses of windows
	// of different lengths can be compared; nil for those that are found.
	Balance map[string]float64
}

// Balance are the factors that weights have been multiplied by where residuals have extreme sizes, by the names of their terms; nil where
// none was.
func (m *Model) Balance() map[string]float64 {
	if m == nil || len(m.factors) == 0 {
		return nil
	}
	return maps.Clone(m.factors)
}

// TimeOrder is the order of the highest derivative by time in the equations: 1 for a heat equation, 2 for a wave equation, 0 where there is
// none. Time is the last coordinate. It returns an error when the equations cannot be built.
func TimeOrder(problem *pde.Problem) (order int, err error) {
	if err := problem.Check(); err != nil {
		return 0, err
	}
	host, err := objective.HostBackend()
	if err != nil {
		return 0, err
	}
	g := graph.NewGraph(host, "the order in time")
	defer g.Finalize()
	d := len(problem.Coordinates)
	err = usercode.Call("equations", func() error {
		x := graph.IotaFull(g, shapes.Make(dtypes.Float64, probePoints, d))
		any := graph.Exp(graph.ReduceAndKeep(x, graph.ReduceSum, 1)) // a function with all derivatives
		inputs := pde.Inputs{X: x, U: graph.BroadcastToDims(any, probePoints, len(problem.Unknowns))}
		if n := len(problem.Coefficients); n > 0 {
			inputs.Coefficients = graph.Ones(g, shapes.Make(dtypes.Float64, n))
		}
		u := pde.NewFields(problem, inputs)
		for i, e := range problem.Equations {
			usercode.Build(called("equation", i, e.Name), func() *graph.Node { return e.Residual(u) })
		}
		order = u.OrderBy(d - 1)
		return nil
	})
	if err != nil {
		return 0, usercode.First(fmt.Errorf("pinn: the order in time of %q: %w", problem.Name, err))
	}
	return order, nil
}

// mostOrder is the highest order in time that windows can be made for.
const mostOrder = 2

// openWindow makes the model one of a part of the time.
func (m *Model) openWindow() error {
	w := m.options.Window
	if w == nil {
		return nil
	}
	part, err := m.problem.During(w.From, w.To)
	if err != nil {
		return err
	}
	first, _, err := m.problem.Times()
	if err != nil {
		return err
	}
	order, err := TimeOrder(m.problem)
	switch {
	case err != nil:
		return err
	case order < 1 || order > mostOrder:
		return fmt.Errorf("pinn: the equations of %q have derivatives of order %d by time, expected 1 or 2 for a Window", m.problem.Name, order)
	case len(m.problem.Coordinates)-1 > mostSpace:
		return fmt.Errorf("pinn: problem %q has %d coordinates of space, expected at most %d for a Window", m.problem.Name, len(m.problem.Coordinates)-1, mostSpace)
	case w.Start == nil && w.From != first:
		return fmt.Errorf("pinn: Options.Window is from %v, but has no Start, expected what the network's function is there (see Model.End)", w.From)
	case w.Start != nil && w.From == first:
		return fmt.Errorf("pinn: Options.Window has a Start at the first time, %v, where the problem's conditions say it, expected none", w.From)
	}
	start := w.Start
	if start == nil {
		start = newSeam(m.problem, order)
	} else if err := start.check(m.problem, order); err != nil {
		return err
	}
	begins := 0.0
	if w.Start == nil {
		begins = 1
	}
	opened := *w
	opened.Start = start
	m.options.Window, m.whole, m.problem = &opened, m.problem, part
	_, coefficients := start.factors()
	m.numbers = append([]float64{w.From, w.To, begins}, coefficients...)
	m.frame = []*tensors.Tensor{m.tensor(m.numbers, 0)}
	return m.settle(m.frame)
}

// parameters are what the unknowns are made of, besides the points: θ, and the numbers of a window of time, nil where there is none.
type parameters struct{ theta, frame *graph.Node }

// parameters of the graph of an objective.
func (m *Model) parameters(theta *graph.Node, data []*graph.Node) parameters {
	if at := m.layout.frame; at != none {
		return parameters{theta, data[at]}
	}
	return parameters{theta, nil}
}

// frameOf is the first of the inputs, where the model has a window.
func (m *Model) frameOf(in []*graph.Node) *graph.Node {
	if m.frame == nil {
		return nil
	}
	return in[0]
}

// function builds the network's function, shape [N, unknowns], at points of shape [N, d].
func (m *Model) function(p parameters, x *graph.Node) *graph.Node {
	if p.frame == nil {
		return m.embedded.Apply(p.theta, x)
	}
	number := func(i int) *graph.Node { return graph.Reshape(graph.Slice(p.frame, graph.AxisElem(i))) }
	from, to, begins := number(0), number(1), number(2)
	axis := x.Shape().Dimensions[1] - 1
	var space *graph.Node // none for ordinary differential equations
	if axis > 0 {
		space = graph.Slice(x, graph.AxisRange(), graph.AxisRange(0, axis))
	}
	since := graph.Sub(pde.Column(x, axis), from)
	tau := graph.Div(since, graph.Sub(to, from))
	lo, hi := m.whole.Domain.Bounds()
	stretched := graph.AddScalar(graph.MulScalar(tau, hi[axis]-lo[axis]), lo[axis])
	if axis > 0 {
		stretched = graph.Concatenate([]*graph.Node{space, stretched}, 1)
	}
	u := m.embedded.Apply(p.theta, stretched)
	start := m.options.Window.Start
	power := tau
	if start.order == 2 {
		power = graph.Square(tau)
	}
	u = graph.Mul(u, graph.Add(power, graph.Mul(begins, graph.OneMinus(power))))
	kept := start.build(graph.Slice(p.frame, graph.AxisRangeToEnd(3)), space, x.Shape().Dimensions[0])
	u = graph.Add(u, kept[0])
	if start.order == 2 {
		u = graph.Add(u, graph.Mul(since, kept[1]))
	}
	return u
}

// End is the network's function at the end of the model's window, for the Start of the next one, and the largest difference between
// the two at some points, relative to the largest value there: rounding, unless the function is too rough for the largest Seam. It fails
// for a model without a Window, and when theta has another length than NumParams.
func (m *Model) End(ctx context.Context, theta []float64) (*Seam, float64, error) {
	if err := m.checkTheta(theta); err != nil {
		return nil, 0, err
	}
	if m.frame == nil {
		return nil, 0, errors.New("pinn: the model has no Window that ends, expected one in Options.Window")
	}
	at := m.tensor(theta, 0)
	defer device.Free([]*tensors.Tensor{at})
	axis, outputs, before := len(m.problem.Coordinates)-1, len(m.problem.Unknowns), m.options.Window.Start
	to := m.options.Window.To
	evaluate := func(space [][]float64) ([]float64, error) {
		points := make([]float64, 0, len(space)*(axis+1))
		for _, p := range space {
			points = append(append(points, p...), to)
		}
		return m.inBlocks(ctx, "the network's function", at, points, outputs*before.order, func(p parameters, x *graph.Node) *graph.Node {
			u := m.function(p, x)
			if before.order == 1 {
				return u
			}
			return graph.Concatenate([]*graph.Node{u, autodiff.Of(u, x).Partial(axis)}, 1)
		})
	}
	seam, err := before.next(evaluate)
	if err != nil {
		return nil, 0, err
	}
	points, err := sample.Uniform{Seed: m.options.Seed}.Interior(m.problem.Domain, seamPoints)
	if err != nil {
		return nil, 0, err
	}
	var space [][]float64
	for n := range points.N {
		space = append(space, points.At(n)[:axis])
	}
	exact, err := evaluate(space)
	if err != nil {
		return nil, 0, err
	}
	jump, largest := 0.0, 0.0
	for n, p := range space {
		for i, v := range seam.at(p) {
			want := exact[n*before.order*outputs+i]
			jump, largest = math.Max(jump, math.Abs(v-want)), math.Max(largest, math.Abs(want))
		}
	}
	if largest > 0 {
		jump /= largest
	}
	return seam, jump, nil
}

// seamPoints is the number of points at which a seam is compared with what it is of.
const seamPoints = 256

// Defect is what a residual leaves of an evolution, as an error: the root mean square residual of the equations, times T^k/k! for the
// whole time T and the order k of the equations in time, relative to that of the unknowns. It is the relative error that such a residual
// makes by the end of the whole time, up to a small factor, where errors neither grow nor decay. Residuals are measured in units in which
// the derivatives by time have the factor 1, at held-out points of the model's window. It fails for a model without a Window.
func (m *Model) Defect(ctx context.Context, theta *tensors.Tensor) (float64, error) {
	if err := m.ready(); err != nil {
		return 0, err
	}
	if m.frame == nil {
		return 0, errors.New("pinn: the model has no Window that its defect could be of, expected one in Options.Window")
	}
	if err := m.holdOut(ctx); err != nil {
		return 0, err
	}
	axis, order := len(m.problem.Coordinates)-1, m.options.Window.Start.order
	program, err := m.program(ctx, "defect", func(in []*graph.Node) []*graph.Node {
		p, x := parameters{in[0], in[1]}, in[2]
		of := m.overTime(p, x, axis)
		u := m.fields(p, graph.Slice(x, graph.AxisRange(0, residualPoints), graph.AxisRange()), noInputs)
		sums := []*graph.Node{graph.ReduceAllSum(of[1]), graph.ReduceAllSum(of[2])}
		for _, v := range []*graph.Node{u.U(), u.Partial(slices.Repeat([]int{axis}, order)...)} {
			sums = append(sums, sumOfSquares(graph.ConvertDType(v, dtypes.Float64)))
		}
		return []*graph.Node{graph.Stack(sums, 0)}
	})
	if err != nil {
		return 0, err
	}
	out, err := program.Call([]*tensors.Tensor{theta}, m.frame, m.heldOut[:1])
	if err != nil {
		return 0, fmt.Errorf("pinn: measuring the defect: %w", err)
	}
	defer device.Free(out)
	sums, err := device.Numbers(out[0])
	if err != nil {
		return 0, fmt.Errorf("pinn: reading the defect from the device: %w", err)
	}
	first, last, err := m.whole.Times()
	if err != nil {
		return 0, err
	}
	residual, rate, size, speed := sums[0], sums[1], sums[2], sums[3]
	if rate > 0 && speed > 0 { // the factor of the derivatives by time
		residual *= speed / rate
	}
	defect := math.Sqrt(residual/size) * (last - first)
	if order == 2 {
		defect *= (last - first) / 2
	}
	return defect, nil
}
