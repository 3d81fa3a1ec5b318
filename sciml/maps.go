package sciml

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/plot"
)

// rounding is the relative error of a float64.
const rounding = 0x1p-52

// mostNodes is the most on a side of a grid: 2 GiB of values.
const mostNodes = 1 << 14

// gridNodes is the resolution of a heat map, in nodes per side.
const gridNodes = 101

// Grid evaluates an unknown of a problem in two coordinates on n×n nodes that span its domain, ready to be drawn; ""
// means the first of those that errors are measured of. Nodes outside of the domain get NaN. It fails for a name that is
// no unknown, and for n below 2 or above 16384.
func (s *Solution) Grid(unknown string, n int) (plot.Grid, error) { return s.GridAt(nil, unknown, n) }

// GridAt is Grid for a problem in more coordinates, all but two of which are fixed by their names: {"t": 0.5}. It fails for a
// name that is no coordinate as well, for a value outside of the domain's bounds, and for a slice that misses the domain.
func (s *Solution) GridAt(at map[string]float64, unknown string, n int) (grid plot.Grid, err error) {
	if err := s.ready(); err != nil {
		return plot.Grid{}, err
	}
	err = usercode.Call("domain", func() (err error) { grid, err = s.gridAt(at, unknown, n); return err })
	return grid, err
}

func (s *Solution) gridAt(at map[string]float64, unknown string, n int) (plot.Grid, error) {
	problem := s.model.Problem()
	cut, err := sliceAt(problem, at)
	if err != nil {
		return plot.Grid{}, err
	}
	if free := len(problem.Coordinates) - len(at); free != 2 {
		return plot.Grid{}, fmt.Errorf("sciml: problem %q has the coordinates %v, %d of them fixed, expected two that are not for a grid", problem.Name, problem.Coordinates, len(at))
	}
	if unknown == "" {
		unknown = compared(problem)[0]
	}
	if err := isUnknown(problem, unknown); err != nil {
		return plot.Grid{}, err
	}
	if n < 2 || n > mostNodes {
		return plot.Grid{}, fmt.Errorf("sciml: a grid of %d×%d nodes was asked for, expected at least 2×2 and at most %d×%[3]d", n, n, mostNodes)
	}
	grid, points := cut.nodes(n)
	u, err := s.atNodes(cut, points)
	if err != nil {
		return plot.Grid{}, err
	}
	grid.U = column(u, slices.Index(problem.Unknowns, unknown))
	return grid, nil
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

// Maps draws unknowns, all that errors are measured of if none is named: each next to the exact solution or the
// reference, and the absolute error, or alone where there is neither. The rows of several stand one below the other. In
// one coordinate these are curves; in more than two they are maps over the first and the last coordinate, with the others
// in the middle of the domain.
//
// The reference of a solution that was loaded may take minutes to compute; ctx cancels that, and nothing else: what Solve
// returned after an interrupt can be drawn. Maps fails for a name that is no unknown, and for one that is given twice.
func (s *Solution) Maps(ctx context.Context, unknowns ...string) (*plot.Figure, error) {
	return s.MapsAt(ctx, nil, unknowns...)
}

// MapsAt is Maps on a slice of the domain, where coordinates are fixed by their names: at {"t": 0.5} those of a problem in x and
// t are curves, and those in x, y and t are maps over x and y. Of more than two other coordinates maps are over the first and
// the last. It fails for a name that is no coordinate as well, for a value outside of the domain's bounds, when no coordinate is
// left, and for a slice that misses the domain.
func (s *Solution) MapsAt(ctx context.Context, at map[string]float64, unknowns ...string) (figure *plot.Figure, err error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	if err := usercode.CheckContext("sciml", ctx); err != nil {
		return nil, err
	}
	err = usercode.Call("domain", func() (err error) { figure, err = s.mapsAt(ctx, at, unknowns); return err })
	return figure, err
}

func (s *Solution) mapsAt(ctx context.Context, at map[string]float64, unknowns []string) (*plot.Figure, error) {
	problem := s.model.Problem()
	for i, name := range unknowns {
		if err := isUnknown(problem, name); err != nil {
			return nil, err
		}
		if slices.Contains(unknowns[:i], name) {
			return nil, fmt.Errorf("sciml: maps of the unknowns %q were asked for, expected each of them once", unknowns)
		}
	}
	if len(unknowns) == 0 {
		unknowns = compared(problem)
	}
	cut, err := sliceAt(problem, at)
	if err != nil {
		return nil, err
	}
	if err := s.model.Prepare(ctx); err != nil {
		return nil, err
	}
	var draw func(title, unknown string) (*plot.Figure, error)
	if len(cut.axes) == 1 {
		draw, err = s.profiles(cut)
	} else {
		draw, err = s.maps(cut)
	}
	if err != nil {
		return nil, err
	}
	rows := make([]*plot.Figure, len(unknowns))
	for i, name := range unknowns {
		title := fmt.Sprintf("%s, %s", problem.Name, s.Method)
		if len(problem.Unknowns) > 1 {
			title = fmt.Sprintf("%s: %s, %s", problem.Name, name, s.Method)
		}
		if rows[i], err = draw(title, name); err != nil {
			return nil, err
		}
	}
	return plot.Column(rows...)
}

// maps evaluates a problem on a plane, and returns what draws an unknown.
func (s *Solution) maps(cut *slice) (draw func(title, unknown string) (*plot.Figure, error), err error) {
	problem := s.model.Problem()
	grid, points := cut.nodes(gridNodes)
	u, err := s.atNodes(cut, points)
	if err != nil {
		return nil, err
	}
	exact, err := s.referenceAt(points)
	if err != nil {
		return nil, err
	}
	options := cut.options()
	return func(title, unknown string) (*plot.Figure, error) {
		i := slices.Index(problem.Unknowns, unknown)
		grid := plot.Grid{X: grid.X, Y: grid.Y, U: column(u, i)}
		if want := column(exact, i); anyFinite(want) {
			return plot.Compare(title, grid, want, options...)
		}
		return plot.HeatMap(title, grid, options...)
	}, nil
}

// atNodes evaluates all unknowns at points, with nil for a node that has none. It fails when no node has any.
func (s *Solution) atNodes(cut *slice, points [][]float64) ([][]float64, error) {
	var inside [][]float64
	for _, p := range points {
		if p != nil {
			inside = append(inside, p)
		}
	}
	if len(inside) == 0 {
		return nil, cut.misses()
	}
	u, err := s.At(inside...)
	if err != nil {
		return nil, err
	}
	values := make([][]float64, len(points))
	for i, p := range points {
		if p != nil {
			values[i], u = u[0], u[1:]
		}
	}
	return values, nil
}

// referenceAt is atNodes for what the solution is compared to; without a reference all entries are nil.
func (s *Solution) referenceAt(points [][]float64) ([][]float64, error) {
	values := make([][]float64, len(points))
	reference, problem := s.model.Reference(), s.model.Problem()
	if reference == nil {
		return values, nil
	}
	err := usercode.Call(fmt.Sprintf("exact solution or reference of %q", problem.Name), func() error {
		for i, p := range points {
			if p == nil {
				continue
			}
			if values[i] = reference(p); len(values[i]) != len(problem.Unknowns) {
				return usercode.Wrong(problem.Exact, "it gives %d values at %v, expected %d, one for each unknown", len(values[i]), p, len(problem.Unknowns))
			}
		}
		return nil
	})
	return values, err
}

// column has the values of an unknown, NaN where there are none.
func column(values [][]float64, unknown int) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = math.NaN()
		if v != nil {
			out[i] = v[unknown]
		}
	}
	return out
}

// anyFinite tells a reference from none: one may be NaN for unknowns that errors are not measured of.
func anyFinite(values []float64) bool {
	return slices.ContainsFunc(values, func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) })
}

// options label a map, and say where the other coordinates are. Both axes have one scale, unless one is time, or a side is so
// much longer than the other that little would be left to see.
func (s *slice) options() []plot.HeatOption {
	names, x, y := s.problem.Coordinates, s.axes[0], s.axes[1]
	options := []plot.HeatOption{plot.AxisLabels(s.label(), names[y])}
	ratio := (s.hi[x] - s.lo[x]) / (s.hi[y] - s.lo[y])
	if names[x] == "t" || names[y] == "t" || math.Max(ratio, 1/ratio) > 2.1 {
		options = append(options, plot.FreeAspect())
	}
	return options
}

// nodes lays n×n nodes over a plane, without values. A node outside of the domain has no point but nil.
func (s *slice) nodes(n int) (plot.Grid, [][]float64) {
	var points [][]float64
	x, y := s.axes[0], s.axes[1]
	grid := plot.Sample(func(u, v float64) float64 {
		points = append(points, s.point(u, v))
		return 0
	}, s.lo[x], s.hi[x], n, s.lo[y], s.hi[y], n)
	return grid, points
}

// profiles evaluates a problem on a line, and returns what draws an unknown.
func (s *Solution) profiles(cut *slice) (draw func(title, unknown string) (*plot.Figure, error), err error) {
	problem, axis := s.model.Problem(), cut.axes[0]
	lo, hi := cut.lo[axis], cut.hi[axis]
	const n = 401
	var points [][]float64
	for i := range n {
		if p := cut.point(lo + (hi-lo)*float64(i)/(n-1)); p != nil {
			points = append(points, p)
		}
	}
	if len(points) == 0 {
		return nil, cut.misses()
	}
	u, err := s.At(points...)
	if err != nil {
		return nil, err
	}
	exact, err := s.referenceAt(points)
	if err != nil {
		return nil, err
	}
	x, coordinate := column(points, axis), cut.label()
	return func(title, unknown string) (*plot.Figure, error) {
		i := slices.Index(problem.Unknowns, unknown)
		network := plot.Series{Name: "network", X: x, Y: column(u, i)}
		want := column(exact, i)
		if !anyFinite(want) {
			return plot.Lines(title, coordinate, unknown, network)
		}
		solution, err := plot.Lines(title, coordinate, unknown, plot.Series{Name: "solution", X: x, Y: want}, network)
		off := difference(network.Y, want)
		if err != nil || !anyFinite(off) {
			return solution, err
		}
		errors, err := plot.Convergence("absolute error", coordinate, "|"+unknown+" − solution|", plot.Series{X: x, Y: off})
		if err != nil {
			return nil, err
		}
		return plot.Row(solution, errors)
	}, nil
}

// difference is |u − want|, or NaN where that is but rounding, far below all else, as where conditions hold exactly.
func difference(u, want []float64) []float64 {
	largest := 0.0
	for _, w := range want {
		if w = math.Abs(w); w > largest {
			largest = w
		}
	}
	off := make([]float64, len(u))
	for i := range off {
		if off[i] = math.Abs(u[i] - want[i]); off[i] <= rounding*largest {
			off[i] = math.NaN()
		}
	}
	return off
}
