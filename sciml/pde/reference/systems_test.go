package reference

import (
	"context"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"strings"
	"testing"
)

func tableOf(t *testing.T, s *system) *Table {
	t.Helper()
	g := newGrid(s)
	values, err := g.solve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(values) != (s.frames+1)*g.packed() {
		t.Fatalf("there are %d values, want %d frames of %d", len(values), s.frames+1, g.packed())
	}
	return g.tabulate(values)
}

// worst is the largest difference from want at random points, most of them between those of the grid.
func worst(s *system, at func(point []float64) []float64, want func(point []float64) []float64) float64 {
	rng := rand.New(rand.NewPCG(1, 1))
	largest := 0.0
	for range 300 {
		var point []float64
		for i := range s.lo {
			point = append(point, s.lo[i]+(s.hi[i]-s.lo[i])*rng.Float64())
		}
		point = append(point, s.end*rng.Float64())
		got := at(point)
		for i, w := range want(point) {
			largest = math.Max(largest, math.Abs(got[i]-w))
		}
	}
	return largest
}

// Two functions that turn into each other while they diffuse, one faster than the other by what R adds.
func TestSystemInThePlane(t *testing.T) {
	const nu, turn = 0.1, 2.
	wave := func(x []float64) float64 { return math.Cos(x[0]+2*x[1]) + math.Sin(math.Pi/3) }
	for _, graded := range []bool{false, true} {
		s := &system{
			lo: []float64{0, -1}, hi: []float64{2 * math.Pi, 2*math.Pi - 1}, end: 1, modes: 48, frames: 40, graded: graded, step: 0.01, functions: 2,
			initial: func(x []float64) []complex128 { return []complex128{complex(wave(x), 0), complex(wave(x)/2, 0)} },
			symbol: func(k []float64) []complex128 {
				l := complex(-nu*(k[0]*k[0]+k[1]*k[1]), 0)
				return []complex128{l, l}
			},
			nonlinear: func(u []complex128) { u[0], u[1] = turn*u[1], -turn*u[0] },
		}
		got := worst(s, tableOf(t, s).At, func(p []float64) []float64 {
			w := math.Exp(-5*nu*p[2])*math.Cos(p[0]+2*p[1]) + math.Sin(math.Pi/3)
			sin, cos := math.Sincos(turn * p[2])
			return []float64{w * (cos + sin/2), w * (cos/2 - sin)}
		})
		if !(got <= 1e-8) {
			t.Errorf("graded: %v: the error is %g", graded, got)
		}
	}
}

// breather is the solution on the whole line that begins as 2 sech x (Satsuma and Yajima 1974).
func breather(x, t float64) complex128 {
	over := complex(math.Cosh(3*x), 0) + 3*complex(math.Cosh(x), 0)*cmplx.Rect(1, 4*t)
	under := math.Cosh(4*x) + 4*math.Cosh(2*x) + 3*math.Cos(4*t)
	return 4 * cmplx.Rect(1, t/2) * over / complex(under, 0)
}

func wavesOf(t *testing.T, s *system) Field {
	t.Helper()
	g := newGrid(s)
	values, err := g.solve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return g.waves(values)
}

// With a long period the solution is that on the line, and half the step divides its error by 16.
func TestSchrodingerOnTheLine(t *testing.T) {
	last := 0.0
	for _, step := range []float64{math.Pi / 400, math.Pi / 800, math.Pi / 1600} {
		s := schrodinger()
		s.lo, s.hi, s.modes, s.step, s.frames = []float64{-16}, []float64{16}, 768, step, 50
		at := wavesOf(t, s)
		off := 0.0
		for i := range 61 {
			x := 0.1*float64(i) - 3.03
			h, want := at([]float64{x, math.Pi / 2}), breather(x, math.Pi/2)
			off = math.Max(off, math.Hypot(h[0]-real(want), h[1]-imag(want)))
		}
		if order := math.Log2(last / off); last > 0 && !(order > 3.7 && order < 4.4) {
			t.Errorf("half the step takes the error from %.2g to %.2g: order %.2f, want 4", last, off, order)
		}
		last = off
	}
}

func TestSchrodinger(t *testing.T) {
	if testing.Short() {
		t.Skip("computes a reference of full size")
	}
	fresh(t)
	h, err := Schrodinger(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	// A period of 10 changes little in the middle, where the height is 4 in between.
	middle := h([]float64{0, math.Pi / 4})
	if height := math.Hypot(middle[0], middle[1]); math.Abs(height-4) > 0.01 {
		t.Errorf("|h(0, π/4)| = %v, want about 4", height)
	}
	coarser := schrodinger()
	coarser.modes, coarser.step, coarser.frames = 1536, 2*coarser.step, coarser.frames/2
	if got := worst(coarser, wavesOf(t, coarser), h); !(got <= 5e-5) { // near the kink at the start
		t.Errorf("it changes by %g with the resolution", got)
	}
	for x, most := range map[float64]float64{-5: 1e-4, -3.3: 1e-7, 0: 1e-7, 1: 1e-7, 4: 1e-6} { // largest at the kink
		if got, want := h([]float64{x, 0}), 2/math.Cosh(x); math.Abs(got[0]-want) > most || math.Abs(got[1]) > most {
			t.Errorf("h(%v, 0) = %v, want %v", x, got, want)
		}
	}
}

// Half the step divides the error of time by 16, and finer grids that of space by more than any such factor.
func TestGrayScottConverges(t *testing.T) {
	ends := func(modes int, step float64) *Table {
		s := grayScott(0.08)
		s.modes, s.step = modes, step
		s.frames, s.graded = 20, false
		return tableOf(t, s)
	}
	difference := func(a, b *Table) float64 {
		largest := 0.0
		for i := range 20 {
			point := []float64{0.1*float64(i) - 0.97, 0.07*float64(i) - 0.61, 0.08}
			for m, v := range a.At(point) {
				largest = math.Max(largest, math.Abs(v-b.At(point)[m]))
			}
		}
		return largest
	}
	fine, half, whole := ends(32, 0.08/20/16), ends(32, 0.08/20/8), ends(32, 0.08/20/4)
	if order := math.Log2(difference(whole, half) / difference(half, fine)); !(order > 3.5 && order < 4.6) {
		t.Errorf("order %.2f in time, want 4", order)
	}
	at48, at72, at96 := ends(48, 0.08/20/8), ends(72, 0.08/20/8), ends(96, 0.08/20/8)
	if coarse, finer := difference(at48, at96), difference(at72, at96); !(finer < coarse/8) {
		t.Errorf("48 and 72 modes are off by %.2g and %.2g", coarse, finer)
	}
}

func TestSystemErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	fresh(t)
	if _, err := GrayScott(ctx, 1); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("a cancelled solve: error %v", err)
	}
	s := grayScott(0.1)
	s.modes, s.nonlinear = 16, func(u []complex128) { u[0] = 1e9 * u[0] * u[0] * u[0] }
	if _, err := s.field(context.Background(), "unstable"); err == nil || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("an unstable system: error %v", err)
	}
}
