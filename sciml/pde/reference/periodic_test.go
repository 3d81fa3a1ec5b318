package reference

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
)

// solve returns the largest difference from want on 40 × 40 points, most of them between those of the grid, for t from
// a part of T on.
func solve(t *testing.T, p Periodic, from float64, want func(x, t float64) float64) float64 {
	t.Helper()
	table, err := p.Solve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	largest := 0.0
	for i := range 40 {
		for j := range 40 {
			x := p.Lo + (p.Hi-p.Lo)*float64(i)/39
			at := p.T * (from + (1-from)*float64(j)/39)
			largest = math.Max(largest, math.Abs(table.At([]float64{x, at})[0]-want(x, at)))
		}
	}
	return largest
}

func diffusion(nu float64) func(k float64) complex128 {
	return func(k float64) complex128 { return complex(-nu*k*k, 0) }
}

func TestHeat(t *testing.T) {
	const nu, k = 0.3, 3
	for _, graded := range []bool{false, true} {
		got := solve(t, Periodic{
			Lo: 0, Hi: 2 * math.Pi, T: 1, Modes: 64, Frames: 60, Steps: 60, Graded: graded,
			Initial: func(x float64) float64 { return math.Cos(k * x) },
			Symbol:  diffusion(nu),
		}, 0, func(x, t float64) float64 { return math.Exp(-nu*k*k*t) * math.Cos(k*x) })
		if !(got <= 1e-9) {
			t.Errorf("graded: %v: the error is %g", graded, got)
		}
	}
}

// Rotation and growth at once, to an exact answer: the sign of an odd derivative, and a time that needs many steps.
func TestAdvection(t *testing.T) {
	got := solve(t, Periodic{
		Lo: -1, Hi: 3, T: 2, Modes: 128, Frames: 100, Steps: 100,
		Initial: func(x float64) float64 { return math.Exp(math.Sin(math.Pi / 2 * x)) },
		Symbol:  func(k float64) complex128 { return complex(0.1, -3*k) }, // u_t = 0.1u − 3u_x.
	}, 0, func(x, t float64) float64 { return math.Exp(0.1*t + math.Sin(math.Pi/2*(x-3*t))) })
	if !(got <= 1e-9) {
		t.Errorf("the error is %g", got)
	}
}

// Where the periodic continuation of the initial value has a kink, its aliases must not stay in the solution.
func TestKink(t *testing.T) {
	const nu = 0.05
	series := func(x, t float64) float64 { // Of |x|.
		sum := 0.5
		for m := 1.; m < 400; m += 2 {
			sum -= 4 / (math.Pi * math.Pi * m * m) * math.Exp(-nu*m*m*math.Pi*math.Pi*t) * math.Cos(m*math.Pi*x)
		}
		return sum
	}
	p := Periodic{
		Lo: 0, Hi: 2, T: 1, Modes: 256, Frames: 100, Steps: 100, Graded: true,
		// |x| on [−1, 1], continued; its other kink is in the middle, between two intervals of the grid.
		Initial: func(x float64) float64 { return 1 - math.Abs(x-1) },
		Symbol:  diffusion(nu),
	}
	if got := solve(t, p, 0.05, series); !(got <= 1e-10) {
		t.Errorf("the error is %g", got)
	}
}

func TestLogistic(t *testing.T) {
	got := solve(t, Periodic{
		Lo: 0, Hi: 1, T: 1, Modes: 16, Frames: 40, Steps: 800,
		Initial:  func(x float64) float64 { return 0.2 },
		Symbol:   diffusion(1),
		Reaction: func(u float64) float64 { return 5 * u * (1 - u) },
	}, 0, func(x, t float64) float64 { return 1 / (1 + 4*math.Exp(-5*t)) })
	if !(got <= 1e-9) {
		t.Errorf("the error is %g", got)
	}
}

func burgersPeriodic(modes, frames, steps int) Periodic {
	return Periodic{
		Lo: -1, Hi: 1, T: 1, Modes: modes, Frames: frames, Steps: steps,
		Initial: func(x float64) float64 { return -math.Sin(math.Pi * x) },
		Symbol:  diffusion(0.05),
		Flux:    func(u float64) float64 { return u * u / 2 },
	}
}

// Two independent methods for Burgers' equation agree, with the orders that they should have.
func TestConvergence(t *testing.T) {
	exact, err := Burgers(0.05)
	if err != nil {
		t.Fatal(err)
	}
	want := func(x, t float64) float64 { return exact([]float64{x, t})[0] }
	last := solve(t, burgersPeriodic(256, 50, 50), 1, want)
	for _, steps := range []int{100, 200, 400} {
		now := solve(t, burgersPeriodic(256, 50, steps), 1, want)
		if order := math.Log2(last / now); !(order > 3.7 && order < 4.6) {
			t.Errorf("from %d to %d steps, the error goes from %.2g to %.2g: order %.2f, want 4", steps/2, steps, last, now, order)
		}
		last = now
	}
	last = math.Inf(1)
	for _, modes := range []int{48, 96, 192} { // The error is squared, about.
		now := solve(t, burgersPeriodic(modes, 50, 3200), 1, want)
		if !(now < 1e-11 || now < math.Pow(last, 1.6)) {
			t.Errorf("with %d modes, the error is %.2g after %.2g", modes, now, last)
		}
		last = now
	}
	if last > 1e-11 {
		t.Errorf("the last error is %.2g, expected rounding", last)
	}
	if got := solve(t, burgersPeriodic(256, 400, 4000), 0, want); !(got <= 1e-9) {
		t.Errorf("over all times, the error is %g", got)
	}
}

func TestSoliton(t *testing.T) {
	soliton := func(x, t float64) float64 {
		s := 1 / math.Cosh((x-t)/2)
		return 3 * s * s
	}
	got := solve(t, Periodic{
		Lo: -40, Hi: 40, T: 5, Modes: 512, Frames: 100, Steps: 4000,
		Initial: func(x float64) float64 { return soliton(x, 0) },
		Symbol:  func(k float64) complex128 { return complex(0, k*k*k) },
		Flux:    func(u float64) float64 { return u * u / 2 },
	}, 0, soliton)
	if !(got <= 3e-9) {
		t.Errorf("the error is %g", got)
	}
}

func TestPeriodicErrors(t *testing.T) {
	for word, spoil := range map[string]func(p *Periodic){
		"x goes from":  func(p *Periodic) { p.Hi = p.Lo },
		"T is":         func(p *Periodic) { p.T = math.Inf(1) },
		"Modes is 13":  func(p *Periodic) { p.Modes = 13 },
		"Frames is 8":  func(p *Periodic) { p.Frames = 8 },
		"Steps is 101": func(p *Periodic) { p.Steps = 101 },
		"Initial":      func(p *Periodic) { p.Symbol = nil },
		"not finite":   func(p *Periodic) { p.Reaction = func(u float64) float64 { return 1e9 * u * u * u } },
	} {
		p := burgersPeriodic(32, 50, 100)
		spoil(&p)
		if _, err := p.Solve(context.Background()); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p := burgersPeriodic(32, 50, 100)
	if _, err := p.Solve(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled solve: error %v", err)
	}
}

// The φ-functions against their definition as a series, on both sides of the change of formula.
func TestPhi(t *testing.T) {
	for _, z := range []complex128{0, 1e-9, -0.5, 0.999, 1.001, -1.001, complex(0.6, 0.7), complex(0, 1.3), -4, complex(-2, 3)} {
		var want [3]complex128
		for k := range 3 {
			term := complex(1/[]float64{1, 2, 6}[k], 0)
			for j := range 60 {
				want[k] += term
				term *= z / complex(float64(j+k+2), 0)
			}
		}
		a, b, c := phi(z)
		for k, got := range []complex128{a, b, c} {
			if d := got - want[k]; !(math.Hypot(real(d), imag(d)) <= 3e-15) {
				t.Errorf("φ%d(%v) = %v, want %v", k+1, z, got, want[k])
			}
		}
	}
}
