package sciml

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/plot"
)

// Errors are u − u* for an unknown, with the exact solution or the reference u*, on n nodes along each side of the domain: n numbers
// for a problem in one coordinate, and n² in the order of Grid for one in two, as diagnose.ByFrequency takes them; in the place of a
// Grid's U they are a map of the error. "" means the first of the unknowns that errors are measured of. Nodes outside of the domain
// get NaN.
//
// A reference may take minutes to compute the first time; ctx cancels that, and nothing else. Errors fails as Grid does, for a problem
// in more than two coordinates, and for one that has nothing to compare with.
func (s *Solution) Errors(ctx context.Context, unknown string, n int) (errors []float64, err error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	if err := usercode.CheckContext("sciml", ctx); err != nil {
		return nil, err
	}
	err = usercode.Call("domain", func() (err error) { errors, err = s.errors(ctx, unknown, n); return err })
	return errors, err
}

func (s *Solution) errors(ctx context.Context, unknown string, n int) ([]float64, error) {
	problem := s.model.Problem()
	if unknown == "" {
		unknown = compared(problem)[0]
	}
	if err := isUnknown(problem, unknown); err != nil {
		return nil, err
	}
	if d := len(problem.Coordinates); d > 2 {
		return nil, fmt.Errorf("sciml: problem %q has the coordinates %v, expected one or two for errors on a grid", problem.Name, problem.Coordinates)
	}
	if n < 2 || n > mostNodes {
		return nil, fmt.Errorf("sciml: errors on %d nodes a side were asked for, expected at least 2 and at most %d", n, mostNodes)
	}
	if err := s.model.Prepare(ctx); err != nil {
		return nil, err
	}
	if s.model.Reference() == nil {
		return nil, fmt.Errorf("sciml: problem %q has neither an exact solution nor a reference, expected one to compare with", problem.Name)
	}
	cut, err := sliceAt(problem, nil)
	if err != nil {
		return nil, err
	}
	var points [][]float64
	if len(cut.axes) == 2 {
		_, points = cut.nodes(n)
	} else {
		axis := cut.axes[0]
		for i := range n {
			points = append(points, cut.point(cut.lo[axis]+(cut.hi[axis]-cut.lo[axis])*float64(i)/float64(n-1)))
		}
	}
	u, err := s.atNodes(cut, points)
	if err != nil {
		return nil, err
	}
	exact, err := s.referenceAt(points)
	if err != nil {
		return nil, err
	}
	i := slices.Index(problem.Unknowns, unknown)
	off := column(u, i)
	for k, want := range column(exact, i) {
		off[k] -= want
	}
	return off, nil
}

// ErrorMap draws |u − u*| of the first unknown that errors are measured of, for a problem in two coordinates, in colours on a
// logarithmic scale. Options come on top of that, such as a plot.ColorRange that several maps share, or plot.Dots. It fails as
// Errors does.
func (s *Solution) ErrorMap(ctx context.Context, title string, options ...plot.HeatOption) (*plot.Figure, error) {
	const nodes = 65 // what an animation can hold
	grid, err := s.Grid("", nodes)
	if err != nil {
		return nil, err
	}
	if grid.U, err = s.Errors(ctx, "", nodes); err != nil {
		return nil, err
	}
	for i, e := range grid.U {
		grid.U[i] = math.Abs(e)
	}
	names := s.model.Problem().Coordinates
	usual := []plot.HeatOption{plot.LogColor(), plot.AxisLabels(names[0], names[1])}
	if slices.Contains(names, "t") {
		usual = append(usual, plot.FreeAspect())
	}
	return plot.HeatMap(title, grid, append(usual, options...)...)
}
