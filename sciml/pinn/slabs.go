package pinn

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/pde"
)

// Slab is what the equations leave in a part of the time.
type Slab struct {
	// From and To are the times that it lies between.
	From, To float64
	// Residual is the root of the sum of the equations' mean square residuals there, without weights, at held-out points. Rate
	// is that of the part of the residuals that derivatives by time make: what they would change by if u stood still.
	Residual, Rate float64
}

// Slabs measures a θ in parts of the time, from the first to the last, with the same number of held-out points in each. It gives
// none for a problem without Equations or without a coordinate "t", and fails when θ has another length than NumParams or count
// is less than 1 or more than the 1024 points.
func (m *Model) Slabs(ctx context.Context, theta []float64, count int) ([]Slab, error) {
	if err := m.checkTheta(theta); err != nil {
		return nil, err
	}
	if count < 1 || count > residualPoints {
		return nil, fmt.Errorf("pinn: the count of slabs is %d, expected at least 1 and at most %d", count, residualPoints)
	}
	axis := slices.Index(m.problem.Coordinates, "t")
	if axis < 0 || len(m.problem.Equations) == 0 {
		return nil, nil
	}
	if err := m.holdOut(ctx); err != nil {
		return nil, err
	}
	program, err := m.program(ctx, "residuals over time", func(in []*graph.Node) []*graph.Node {
		return m.overTime(parameters{in[0], m.frameOf(in[1:])}, in[1+len(m.frame)], axis)
	})
	if err != nil {
		return nil, err
	}
	at := m.tensor(theta, 0)
	defer device.Free([]*tensors.Tensor{at})
	out, err := program.Call([]*tensors.Tensor{at}, m.frame, m.heldOut[:1])
	if err != nil {
		return nil, fmt.Errorf("pinn: measuring residuals over time: %w", err)
	}
	defer device.Free(out)
	var columns [3][]float64 // times, squares of the residuals, squares of their rates
	for i := range columns {
		if columns[i], err = device.Numbers(out[i]); err != nil {
			return nil, fmt.Errorf("pinn: reading residuals over time from the device: %w", err)
		}
	}
	return slabsOf(columns[0], columns[1], columns[2], count), nil
}

// overTime builds the times of the points, and at each the square of the residuals and that of their rates.
func (m *Model) overTime(p parameters, x *graph.Node, axis int) []*graph.Node {
	x = graph.Slice(x, graph.AxisRange(0, residualPoints), graph.AxisRange())
	moving := m.fields(p, x, noInputs)
	// The same u at points whose time is a number rather than a coordinate: no derivative by it is left.
	standing := pde.Inputs{X: x, U: m.fields(p, held(x, axis), noInputs).U()}
	if len(m.problem.Coefficients) > 0 {
		standing.Coefficients = graph.Slice(p.theta, graph.AxisRangeToEnd(m.network.NumParams()))
	}
	still := pde.NewFields(m.problem, standing)
	times := graph.ConvertDType(graph.Reshape(graph.Slice(x, graph.AxisRange(), graph.AxisElem(axis)), residualPoints), dtypes.Float64)
	squares, rates := graph.ZerosLike(times), graph.ZerosLike(times)
	for i, e := range m.problem.Equations {
		t := m.heldOutTerm(i, e)
		r := graph.ConvertDType(m.residualOf(t, moving, t.rows, nil), dtypes.Float64)
		rate := graph.Sub(r, graph.ConvertDType(m.residualOf(t, still, t.rows, nil), dtypes.Float64))
		squares = graph.Add(squares, graph.ReduceSum(graph.Square(r), -1))
		rates = graph.Add(rates, graph.ReduceSum(graph.Square(rate), -1))
	}
	return []*graph.Node{times, squares, rates}
}

// held are points with a coordinate that no derivative goes through.
func held(x *graph.Node, axis int) *graph.Node {
	columns := make([]*graph.Node, x.Shape().Dimensions[1])
	for i := range columns {
		columns[i] = graph.Slice(x, graph.AxisRange(), graph.AxisElem(i))
		if i == axis {
			columns[i] = graph.StopGradient(columns[i])
		}
	}
	return graph.Concatenate(columns, 1)
}

// slabsOf puts points into slabs of the same number, by their times, and takes root means.
func slabsOf(times, squares, rates []float64, count int) []Slab {
	order := make([]int, len(times))
	for n := range order {
		order[n] = n
	}
	slices.SortFunc(order, func(a, b int) int {
		if times[a] < times[b] {
			return -1
		}
		return 1
	})
	slabs := make([]Slab, count)
	for i := range slabs {
		first, last := i*len(order)/count, (i+1)*len(order)/count
		s := Slab{From: times[order[first]], To: times[order[last-1]]}
		for _, n := range order[first:last] {
			s.Residual += squares[n] / float64(last-first)
			s.Rate += rates[n] / float64(last-first)
		}
		s.Residual, s.Rate = math.Sqrt(s.Residual), math.Sqrt(s.Rate)
		slabs[i] = s
	}
	return slabs
}

// heldOutTerm is an equation as a term at the points that residuals are held out at.
func (m *Model) heldOutTerm(i int, e pde.Equation) *term {
	return &term{name: nameOf("equation", i, e.Name), what: called("equation", i, e.Name), code: e.Residual, rows: residualPoints,
		build: func(u *pde.Fields, _ []*graph.Node) *graph.Node { return e.Residual(u) }}
}
