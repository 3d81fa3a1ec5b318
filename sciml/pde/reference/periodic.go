package reference

import (
	"context"
	"fmt"
	"math"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Periodic is an equation u_t = L u + R(u) − (F(u))_x for x in [Lo, Hi], periodic, and t in [0, T], where L is linear
// with constant coefficients, and how finely to solve it.
type Periodic struct {
	Lo, Hi, T float64
	// Modes is the number of grid points in space, even and at least 12. The nonlinear terms act on the lower two
	// thirds of the wavenumbers.
	Modes int
	// Frames is the number of intervals in time of the table that is returned, at least 9. Steps is the number of time
	// steps, a multiple of Frames.
	Frames, Steps int
	// Graded spaces frames as T(j/Frames)² rather than uniformly. Then u may be smooth in √t only, as it is when the
	// periodic continuation of Initial has a kink that diffuses.
	Graded bool
	// Initial is u at t = 0.
	Initial func(x float64) float64
	// Symbol is L: it takes exp(ikx) to Symbol(k)·exp(ikx). Its real part should be bounded from above.
	Symbol func(k float64) complex128
	// Reaction is R and Flux is F; nil stands for zero.
	Reaction, Flux func(u float64) float64
}

// Solve integrates the equation: Fourier in x, and in t the exponential Runge–Kutta method of fourth order ETDRK4 (Cox
// and Matthews 2002; Kassam and Trefethen 2005), which is exact where R and F vanish. It returns an error when the
// equation or resolution makes no sense, when the solution ceases to be finite, and when ctx is done.
func (p *Periodic) Solve(ctx context.Context) (*Table, error) {
	if err := usercode.CheckContext("reference", ctx); err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	table := p.table()
	table.values = make([]float64, (p.Frames+1)*p.Modes)
	u := table.values[:p.Modes]
	for j := range u {
		u[j] = p.Initial(p.Lo + (p.Hi-p.Lo)*float64(j)/float64(p.Modes))
	}
	s := newStepper(p)
	s.project()
	steps, step := p.Steps/p.Frames, 0.0
	for frame := 1; frame <= p.Frames; frame++ {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("reference: cut short at t = %.3g of %v: %w", table.time(frame-1), p.T, context.Cause(ctx))
		}
		if frame == 1 || p.Graded {
			step = (table.time(frame) - table.time(frame-1)) / float64(steps)
			s.prepare(step)
		}
		for range steps {
			s.step(s.v)
		}
		row := s.fft.Sequence(table.values[frame*p.Modes:][:p.Modes], s.v)
		for j := range row {
			row[j] /= float64(p.Modes)
			if math.IsNaN(row[j]) || math.IsInf(row[j], 0) {
				return nil, fmt.Errorf("reference: the solution is not finite at t = %.3g of %v: the equation may be unstable, or Steps = %d too few", table.time(frame), p.T, p.Steps)
			}
		}
	}
	return table, nil
}

// table returns the table of the solution, without values.
func (p *Periodic) table() *Table {
	return &Table{lo: []float64{p.Lo}, hi: []float64{p.Hi}, end: p.T, graded: p.Graded, points: p.Modes, frames: p.Frames, unknowns: 1}
}

func (p *Periodic) check() error {
	finite := func(v float64) bool { return v-v == 0 }
	switch {
	case !finite(p.Hi-p.Lo) || p.Hi <= p.Lo:
		return fmt.Errorf("reference.Periodic: x goes from %v to %v, expected a finite interval of positive length", p.Lo, p.Hi)
	case !finite(p.T) || p.T <= 0:
		return fmt.Errorf("reference.Periodic: T is %v, expected a positive number", p.T)
	case p.Modes < spanX || p.Modes%2 != 0:
		return fmt.Errorf("reference.Periodic: Modes is %d, expected an even number, at least %d", p.Modes, spanX)
	case p.Frames < spanT-1:
		return fmt.Errorf("reference.Periodic: Frames is %d, expected at least %d", p.Frames, spanT-1)
	case p.Steps < p.Frames || p.Steps%p.Frames != 0:
		return fmt.Errorf("reference.Periodic: Steps is %d, expected a positive multiple of Frames = %d", p.Steps, p.Frames)
	case p.Initial == nil || p.Symbol == nil:
		return fmt.Errorf("reference.Periodic: Initial or Symbol is nil, expected both")
	}
	return nil
}
