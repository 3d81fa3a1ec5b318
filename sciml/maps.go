package sciml

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/plot"
)

// rounding is the relative error of a float64.
const rounding = 0x1p-52

// gridNodes is the resolution of a heat map, in nodes per side.
const gridNodes = 101

// Grid evaluates an unknown of a problem in two coordinates on n×n nodes that span its domain, ready to be drawn; ""
// means the first of those that errors are measured of. Nodes outside of the domain get NaN. It fails for a name that is
// no unknown, and for n < 2.
func (s *Solution) Grid(unknown string, n int) (plot.Grid, error) {
	if err := s.ready(); err != nil {
		return plot.Grid{}, err
	}
	problem := s.model.Problem()
	if len(problem.Coordinates) != 2 {
		return plot.Grid{}, fmt.Errorf("sciml: problem %q has the coordinates %v, expected two for a grid", problem.Name, problem.Coordinates)
	}
	if unknown == "" {
		unknown = compared(problem)[0]
	}
	if err := isUnknown(problem, unknown); err != nil {
		return plot.Grid{}, err
	}
	grid, _, err := s.slice(unknown, n)
	return grid, err
}

// compared are the unknowns that errors are measured of.
func compared(problem *pde.Problem) []string {
	if len(problem.Compare) > 0 {
		return problem.Compare
	}
	return problem.Unknowns
}

// isUnknown reports a name that is none of the problem's unknowns.
func isUnknown(problem *pde.Problem, name string) error {
	if !slices.Contains(problem.Unknowns, name) {
		return fmt.Errorf("sciml: problem %q has no unknown %q, expected one of %q", problem.Name, name, problem.Unknowns)
	}
	return nil
}

// Maps draws an unknown (the first of those that errors are measured of, if none is named) next to the exact solution
// or the reference, and the absolute error; without one, the solution alone. In one coordinate these are curves; in
// more than two they are maps over the first and the last coordinate, with the others in the middle of the domain. The
// reference of a solution that was loaded may take minutes to compute. It fails for a name that is no unknown, and for
// more than one.
func (s *Solution) Maps(unknown ...string) (*plot.Figure, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	problem := s.model.Problem()
	name := compared(problem)[0]
	if len(unknown) > 1 {
		return nil, fmt.Errorf("sciml: maps of the unknowns %q were asked for, expected one of them", unknown)
	}
	if len(unknown) == 1 {
		name = unknown[0]
	}
	if err := isUnknown(problem, name); err != nil {
		return nil, err
	}
	if err := s.model.Prepare(context.Background()); err != nil {
		return nil, err
	}
	title := fmt.Sprintf("%s, %s", problem.Name, s.Method)
	if len(problem.Unknowns) > 1 {
		title = fmt.Sprintf("%s: %s, %s", problem.Name, name, s.Method)
	}
	if len(problem.Coordinates) == 1 {
		return s.profile(title, name)
	}
	grid, points, err := s.slice(name, gridNodes)
	if err != nil {
		return nil, err
	}
	options := axes(problem)
	reference := s.model.Reference()
	if reference == nil {
		return plot.HeatMap(title, grid, options...)
	}
	exact := make([]float64, len(grid.U))
	for i := range exact {
		exact[i] = math.NaN()
		if points[i] != nil {
			exact[i] = reference(points[i])[slices.Index(problem.Unknowns, name)]
		}
	}
	return plot.Compare(title, grid, exact, options...)
}

// axes labels a map over the first and the last coordinate, and says where the others are. Both have one scale, unless
// one is time, or a side is so much longer than the other that little would be left to see.
func axes(problem *pde.Problem) []plot.HeatOption {
	names := problem.Coordinates
	last := len(names) - 1
	x, y := names[0], names[last]
	lo, hi := problem.Domain.Bounds()
	switch {
	case last == 2:
		x = fmt.Sprintf("%s, at %s = %.3g", x, names[1], (lo[1]+hi[1])/2)
	case last > 2:
		x = fmt.Sprintf("%s, with %s to %s in the middle", x, names[1], names[last-1])
	}
	options := []plot.HeatOption{plot.AxisLabels(x, y)}
	ratio := (hi[0] - lo[0]) / (hi[last] - lo[last])
	if names[0] == "t" || names[last] == "t" || math.Max(ratio, 1/ratio) > 2.1 {
		options = append(options, plot.FreeAspect())
	}
	return options
}

// slice evaluates an unknown on n×n nodes over the first and the last coordinate. It returns the node's points as
// well, nil for those outside of the domain.
func (s *Solution) slice(unknown string, n int) (plot.Grid, [][]float64, error) {
	if n < 2 {
		return plot.Grid{}, nil, fmt.Errorf("sciml: a grid of %d×%d nodes was asked for, expected at least 2×2", n, n)
	}
	problem := s.model.Problem()
	grid, points := nodes(problem, n)
	var inside [][]float64
	for _, p := range points {
		if p != nil {
			inside = append(inside, p)
		}
	}
	u, err := s.At(inside...)
	if err != nil {
		return plot.Grid{}, nil, err
	}
	column := slices.Index(problem.Unknowns, unknown)
	k := 0
	for i, p := range points {
		if p != nil {
			grid.U[i] = u[k][column]
			k++
		}
	}
	return grid, points, nil
}

// nodes lays n×n nodes over the first and the last coordinate of the domain: U is 0 inside and NaN outside, where the
// node has no point.
func nodes(problem *pde.Problem, n int) (plot.Grid, [][]float64) {
	lo, hi := problem.Domain.Bounds()
	last := len(lo) - 1
	var points [][]float64
	grid := plot.Sample(func(x, y float64) float64 {
		p := make([]float64, len(lo))
		for i := range p {
			p[i] = (lo[i] + hi[i]) / 2
		}
		// The last node may miss the end of an interval by rounding.
		p[0], p[last] = math.Min(x, hi[0]), math.Min(y, hi[last])
		if !problem.Domain.Contains(p) {
			points = append(points, nil)
			return math.NaN()
		}
		points = append(points, p)
		return 0
	}, lo[0], hi[0], n, lo[last], hi[last], n)
	return grid, points
}

// profile draws the solution of a problem in one coordinate.
func (s *Solution) profile(title, unknown string) (*plot.Figure, error) {
	problem := s.model.Problem()
	column := slices.Index(problem.Unknowns, unknown)
	lo, hi := problem.Domain.Bounds()
	const n = 401
	var points [][]float64
	for i := range n {
		if p := []float64{math.Min(lo[0]+(hi[0]-lo[0])*float64(i)/(n-1), hi[0])}; problem.Domain.Contains(p) {
			points = append(points, p)
		}
	}
	u, err := s.At(points...)
	if err != nil {
		return nil, err
	}
	reference := s.model.Reference()
	var x, trained, exact, off []float64
	largest, anyOff := 0.0, false
	for i, p := range points {
		x, trained = append(x, p[0]), append(trained, u[i][column])
		if reference != nil {
			want := reference(p)[column]
			exact, off = append(exact, want), append(off, math.Abs(u[i][column]-want))
			largest = math.Max(largest, math.Abs(want))
		}
	}
	for i := range off { // where conditions hold exactly there is but rounding, far below all else
		if off[i] <= rounding*largest {
			off[i] = math.NaN()
		} else {
			anyOff = true
		}
	}
	coordinate := problem.Coordinates[0]
	if reference == nil {
		return plot.Lines(title, coordinate, unknown, plot.Series{Name: "network", X: x, Y: trained})
	}
	solution, err := plot.Lines(title, coordinate, unknown,
		plot.Series{Name: "solution", X: x, Y: exact}, plot.Series{Name: "network", X: x, Y: trained})
	if err != nil || !anyOff {
		return solution, err
	}
	errors, err := plot.Convergence("absolute error", coordinate, "|"+unknown+" − solution|", plot.Series{X: x, Y: off})
	if err != nil {
		return nil, err
	}
	return plot.Row(solution, errors)
}
