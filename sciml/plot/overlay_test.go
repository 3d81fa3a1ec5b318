package plot

import (
	"math"
	"strings"
	"testing"
)

func TestIsolinesOfACircle(t *testing.T) {
	cone := Sample(func(x, y float64) float64 { return math.Hypot(x, y) }, -1.5, 1.5, 61, -1.2, 1.2, 49)
	lines, err := Isolines(cone, 1, 1.3, 99)
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 3 {
		t.Fatalf("%d lines, want a circle and two arcs", len(lines))
	}
	for i, l := range lines {
		n := len(l.X)
		if closed := l.X[0] == l.X[n-1] && l.Y[0] == l.Y[n-1]; closed != (i == 0) {
			t.Errorf("line %d closed: %v", i, closed)
		}
		radius := 1.0
		if i > 0 {
			radius = 1.3
		}
		for k := range l.X {
			if r := math.Hypot(l.X[k], l.Y[k]); math.Abs(r-radius) > 1e-3 {
				t.Fatalf("a point of line %d has radius %g, want %g", i, r, radius)
			}
			if k > 0 && math.Hypot(l.X[k]-l.X[k-1], l.Y[k]-l.Y[k-1]) > 0.08 {
				t.Fatalf("line %d jumps", i)
			}
		}
	}
}

// TestIsolinesCoverEveryCut: whatever the field, each edge of the grid that a level crosses is met by a line once, also with
// saddles and with values that are missing.
func TestIsolinesCoverEveryCut(t *testing.T) {
	g := Sample(func(x, y float64) float64 { return math.Sin(13*x*y+5*x) + math.Sin(7*y-9*x) }, 0, 2, 23, 0, 2, 19)
	for _, i := range []int{30, 31, 200} {
		g.U[i] = math.NaN()
	}
	want := map[point]bool{}
	nx := len(g.X)
	known := func(i, j int) bool { // A cell all of whose corners are.
		if i < 0 || j < 0 || i >= nx-1 || j >= len(g.Y)-1 {
			return false
		}
		n := i + nx*j
		return finite(g.U[n] + g.U[n+1] + g.U[n+nx] + g.U[n+nx+1])
	}
	cut := func(n, m int, in ...bool) {
		if (g.U[n] > 0.3) != (g.U[m] > 0.3) && (in[0] || in[1]) {
			share := (0.3 - g.U[n]) / (g.U[m] - g.U[n])
			want[point{mix(g.X[n%nx], g.X[m%nx], share), mix(g.Y[n/nx], g.Y[m/nx], share)}] = true
		}
	}
	for j := range g.Y {
		for i := range g.X {
			if i+1 < nx {
				cut(i+nx*j, i+1+nx*j, known(i, j), known(i, j-1))
			}
			if j+1 < len(g.Y) {
				cut(i+nx*j, i+nx*(j+1), known(i, j), known(i-1, j))
			}
		}
	}
	met := map[point]int{}
	for _, line := range isoline(g, 0.3) {
		if line[0] == line[len(line)-1] {
			line = line[1:]
		}
		for _, q := range line {
			met[q]++
		}
	}
	if len(met) != len(want) || len(want) < 50 {
		t.Errorf("%d places on lines, %d edges cut", len(met), len(want))
	}
	for q, n := range met {
		if n != 1 || !want[q] {
			t.Errorf("%v is met %d times; on an edge that is cut: %v", q, n, want[q])
		}
	}
}

func TestContourLevelsAreRound(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		log    bool
	}{{1e-9, 1, true}, {0.2, 0.9, true}, {1e-300, 1e300, true}, {-1, 22, false}, {1e-8, 3e-8, false}} {
		levels := contourLevels(c.lo, c.hi, c.log)
		if n := len(levels); n < 5 || n > 20 || levels[0] <= c.lo || levels[n-1] >= c.hi {
			t.Errorf("%g to %g has the levels %g", c.lo, c.hi, levels)
		}
	}
}

func TestLandscapeAndDots(t *testing.T) {
	valley := Sample(func(x, y float64) float64 { return 1e-4 + x*x + 30*y*y }, -1, 1, 31, -1, 1, 31)
	path := Series{Name: "iterates", X: []float64{0.9, math.NaN(), 5, 0}, Y: []float64{0.8, 0, 5, 0}}
	f := figure(Landscape("valley", valley, []Series{path}, Dots(Series{Name: "points", X: []float64{0}, Y: []float64{1}})))
	h := f.rows[0][0].(*heat)
	if !h.log || h.lo > 1.01e-4 || len(h.lines) < 5 || h.xlabel != "first direction" {
		t.Errorf("logarithmic: %v, from %g, with %d lines, label %q", h.log, h.lo, len(h.lines), h.xlabel)
	}
	if want := "valley, iterates, points (contours from 0.000316 to 10)"; f.name() != want {
		t.Errorf("the name is %q, want %q", f.name(), want)
	}
	energy := Sample(func(x, y float64) float64 { return x*x + y*y - 1 }, -1, 1, 31, -1, 1, 31)
	flat := Grid{X: []float64{0, 1}, Y: []float64{0, 1}, U: []float64{2, 2, 2, 2}}
	holes := Grid{X: []float64{0, 1, 2}, Y: []float64{0, 1, 2}, U: []float64{1, 2, math.NaN(), 2, 3, math.Inf(1), 0.1, 4, 5}}
	for _, g := range []Grid{energy, flat, holes} {
		f := figure(Landscape("", g, nil, Contours(), FreeAspect()))
		if lo, _ := bounds(g.U, false); lo < 0 && f.rows[0][0].(*heat).log {
			t.Error("an energy below 0 has logarithmic colours")
		}
		svg, err := f.SVG()
		if err != nil {
			t.Fatal(err)
		}
		wellFormed(t, svg)
	}
	for want, options := range map[string][]HeatOption{
		`series 1 ("a") has 1 X and 2 Y`: {Paths(Series{Name: "a", X: []float64{1}, Y: []float64{1, 2}})},
		"level 2 is NaN":                 {Contours(1, math.NaN())},
		"level 1 is -1, want positive":   {LogColor(), Contours(-1)},
	} {
		if _, err := HeatMap("", valley, options...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
	if _, err := Isolines(valley, math.Inf(1)); err == nil {
		t.Error("an infinite level is accepted")
	}
}

// TestLegendOfAMap: a map with names of paths is higher by their legend, and its axes are as large as without.
func TestLegendOfAMap(t *testing.T) {
	g := Sample(func(x, y float64) float64 { return x * y }, 0, 1, 5, 0, 1, 5)
	without, with := figure(HeatMap("", g)), figure(HeatMap("", g, Paths(Series{Name: "a", Y: []float64{0, 1}})))
	_, low, _ := without.layout()
	_, high, _ := with.layout()
	if legend := with.rows[0][0].(*heat).legend(heatWidth).height; legend <= 0 || math.Abs(float64(high-low-legend)) > 1e-9 {
		t.Errorf("heights %v and %v, and a legend of %v", low, high, legend)
	}
}
