package reference

import (
	"context"
	"fmt"
	"math"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// system are equations u_t = L u + R(u) for functions of one or two coordinates of space, periodic, and t in [0, end], where L
// is linear with constant coefficients and diagonal, and how finely to solve them.
type system struct {
	lo, hi []float64 // of each coordinate of space
	end    float64
	// modes is the number of grid points along each coordinate, even and at least spanX. The nonlinear terms act on the lower
	// two thirds of the wavenumbers, and the solution is kept there.
	modes int
	// frames is the number of intervals in time of the table, which are graded as those of Periodic are, and step the longest
	// step within them.
	frames int
	graded bool
	step   float64
	// functions is the number of functions: real ones, an even number, or a complex one of one coordinate, with two unknowns.
	functions int
	complex   bool
	// initial are the functions at t = 0. Their periodic continuation may have kinks.
	initial func(x []float64) []complex128
	// symbol is L: it takes exp(ik·x) to symbol(k)[i]·exp(ik·x) in function i.
	symbol func(k []float64) []complex128
	// nonlinear is R at one point; it replaces the functions by it.
	nonlinear func(u []complex128)
}

// field solves the equations, or takes their solution from where it is kept under a name with its parameters.
func (s *system) field(ctx context.Context, name string) (Field, error) {
	key := fmt.Sprintf("%s x=[%v,%v] T=%v modes=%d frames=%d graded=%v step=%v", name, s.lo, s.hi, s.end, s.modes, s.frames, s.graded, s.step)
	g := newGrid(s)
	values, err := kept(ctx, key, (s.frames+1)*g.packed(), func(ctx context.Context) ([]float64, error) {
		values, err := g.solve(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return values, nil
	})
	if err != nil {
		return nil, err
	}
	if s.complex {
		return g.waves(values), nil
	}
	return g.tabulate(values).At, nil
}

// table returns the table of the solution, without values.
func (s *system) table() *Table {
	return &Table{lo: s.lo, hi: s.hi, end: s.end, graded: s.graded, points: s.modes, frames: s.frames, unknowns: s.functions}
}

// solve integrates the equations as Periodic.Solve does. It returns the Fourier coefficients at the ends of all frames, packed.
func (g *grid) solve(ctx context.Context) ([]float64, error) {
	if err := usercode.CheckContext("reference", ctx); err != nil {
		return nil, err
	}
	n := g.points
	symbol := make([]complex128, n*g.functions)
	for j := range n {
		for f, l := range g.symbol(g.wave(j)) {
			symbol[f*n+j] = l
		}
	}
	v := g.project()
	e := newETDRK4(symbol, g.nonlinear)
	table, step := g.table(), 0.0
	values := g.pack(nil, v)
	for frame := 1; frame <= g.frames; frame++ {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("reference: cut short at t = %.3g of %v: %w", table.time(frame-1), g.end, context.Cause(ctx))
		}
		length := table.time(frame) - table.time(frame-1)
		steps := max(4, int(math.Ceil(length/g.step-1e-6)))
		if frame == 1 || g.graded {
			step = length / float64(steps)
			e.prepare(step)
		}
		for range steps {
			e.step(v)
		}
		before := len(values)
		values = g.pack(values, v)
		for _, c := range values[before:] {
			if c-c != 0 {
				return nil, fmt.Errorf("reference: the solution is not finite at t = %.3g of %v", table.time(frame), g.end)
			}
		}
	}
	return values, nil
}
