package reference

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/integrate/quad"
)

// near reports whether two numbers agree to a part of 1e-8 of their size.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-8*(1+math.Abs(b)) }

func TestClamped(t *testing.T) {
	const n = 12
	f := func(x float64) (f, f1, f2 [n]float64) {
		clamped(x, f[:], f1[:], f2[:])
		return f, f1, f2
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 10 {
		x := 0.01 + 0.98*rng.Float64()
		_, first, second := f(x)
		for k := range n {
			if want := slope(func(s float64) float64 { v, _, _ := f(s); return v[k] }, x, 1e-3); !(math.Abs(first[k]-want) <= 1e-6*(1+math.Abs(want))) {
				t.Errorf("φ%d′(%g) = %v, want %v", k, x, first[k], want)
			}
			if want := slope(func(s float64) float64 { _, v, _ := f(s); return v[k] }, x, 1e-4); !(math.Abs(second[k]-want) <= 1e-6*(1+math.Abs(want))) {
				t.Errorf("φ%d″(%g) = %v, want %v", k, x, second[k], want)
			}
		}
	}
	for _, x := range []float64{0, 1} {
		values, first, _ := f(x)
		if values != [n]float64{} || first != [n]float64{} {
			t.Errorf("at %v: φ = %v and φ′ = %v, want 0", x, values, first)
		}
	}
	nodes, weights := make([]float64, n+4), make([]float64, n+4)
	quad.Legendre{}.FixedLocations(nodes, weights, 0, 1)
	var products [n][n]float64
	for p, x := range nodes {
		_, _, second := f(x)
		for i, v := range second {
			for j, w := range second {
				products[i][j] += weights[p] * v * w
			}
		}
	}
	for i := range n {
		for j := range n {
			want := 0.0
			if i == j {
				want = 8
			}
			if !near(products[i][j], want) {
				t.Errorf("∫ φ%d″ φ%d″ = %v, want %v", i, j, products[i][j], want)
			}
		}
	}
}

func TestLegendre(t *testing.T) {
	var f, f1 [4]float64
	legendre(0.8, f[:], f1[:])
	const xi = 0.6
	for k, want := range [4][2]float64{{1, 0}, {xi, 1}, {(3*xi*xi - 1) / 2, 3 * xi}, {(5*xi*xi*xi - 3*xi) / 2, (15*xi*xi - 3) / 2}} {
		scale := math.Sqrt(float64(2*k + 1))
		if !near(f[k], scale*want[0]) || !near(f1[k], 2*scale*want[1]) {
			t.Errorf("polynomial %d: %v with slope %v, want %v and %v", k, f[k], f1[k], scale*want[0], 2*scale*want[1])
		}
	}
}

// The singular part and the lift: derivatives of one function each, and the boundary values of the flow together.
func TestLift(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		x, y := 0.1+0.8*rng.Float64(), 0.1+0.8*rng.Float64()
		for name, part := range map[string]func(x, y float64) derivatives{"singular": singular, "lift": lift} {
			d := part(x, y)
			across := func(of func(derivatives) float64) (dx, dy float64) {
				return slope(func(s float64) float64 { return of(part(s, y)) }, x, 1e-4), slope(func(s float64) float64 { return of(part(x, s)) }, y, 1e-4)
			}
			xx, xy := across(func(d derivatives) float64 { return d.x })
			yx, yy := across(func(d derivatives) float64 { return d.y })
			if !near(d.xx, xx) || !near(d.xy, xy) || !near(d.xy, yx) || !near(d.yy, yy) {
				t.Errorf("%s at (%g, %g): second derivatives %+v, want %v, %v = %v, %v", name, x, y, d, xx, xy, yx, yy)
			}
			if name == "lift" {
				continue
			}
			laplacian := func(x, y float64) float64 { d := part(x, y); return d.xx + d.yy }
			const h = 1e-3
			lxx := slope(func(s float64) float64 { return slope(func(r float64) float64 { return laplacian(r, y) }, s, h) }, x, h)
			lyy := slope(func(s float64) float64 { return slope(func(r float64) float64 { return laplacian(x, r) }, s, h) }, y, h)
			if math.Abs(lxx+lyy) > 1e-4*math.Abs(lxx) {
				t.Errorf("the singular part at (%g, %g) is not biharmonic: %g − %g", x, y, lxx, -lyy)
			}
		}
		for _, wall := range [][2]float64{{x, 0}, {x, 1}, {0, y}, {1, y}} {
			s, l := singular(wall[0], wall[1]), lift(wall[0], wall[1])
			u := 0.0
			if wall[1] == 1 {
				u = 1 - math.Cosh(50*(x-0.5))/math.Cosh(25)
			}
			if got := s.y + l.y; !(math.Abs(got-u) <= 1e-12) {
				t.Errorf("at %v: ψ_y = %v, want %v", wall, got, u)
			}
			if got := s.x + l.x; !(math.Abs(got) <= 1e-12) {
				t.Errorf("at %v: ψ_x = %v, want 0", wall, got)
			}
		}
	}
}

func TestLid(t *testing.T) {
	for _, x := range []float64{0, 0.01, 0.3, 0.5, 0.97, 1} {
		v := lid(x)
		if want := 1 - math.Cosh(50*(x-0.5))/math.Cosh(25); math.Abs(v[0]-want) > 1e-14 {
			t.Errorf("lid(%g) = %v, want %v", x, v[0], want)
		}
		first := slope(func(s float64) float64 { return lid(s)[0] }, x, 1e-5)
		second := slope(func(s float64) float64 { return lid(s)[1] }, x, 1e-5)
		if math.Abs(v[1]-first) > 1e-6*(1+math.Abs(first)) || math.Abs(v[2]-second) > 1e-6*(1+math.Abs(second)) {
			t.Errorf("the lid's derivatives at %g are %v and %v, want %v and %v", x, v[1], v[2], first, second)
		}
	}
}
