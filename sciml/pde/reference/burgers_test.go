package reference

import (
	"math"
	"strings"
	"testing"
)

const canonical = 0.01 / math.Pi

func TestBurgersIsConverged(t *testing.T) {
	for _, nu := range []float64{1e-4, 0.001, canonical, 0.01, 0.1, 1, 10} {
		u, err := Burgers(nu)
		if err != nil {
			t.Fatal(err)
		}
		finer := burgers(nu, 0.02/math.Max(1, math.Sqrt(nu)))
		for _, time := range []float64{0, 1e-9, 1e-4, 0.02, 0.3, 0.51, 0.8, 1} {
			for i := range 41 {
				s := float64(i)/20 - 1
				for _, x := range []float64{s, s * s * s * 0.1} { // The second crowd at the shock.
					got, want := u([]float64{x, time})[0], finer([]float64{x, time})[0]
					if !(math.Abs(got-want) <= 1e-12) {
						t.Errorf("nu = %g: u(%g, %g) = %v, a finer quadrature gives %v", nu, x, time, got, want)
					}
					if mirrored := u([]float64{-x, time})[0]; !(math.Abs(got+mirrored) <= 1e-12) {
						t.Errorf("nu = %g: u(±%g, %g) = %v and %v, expected an odd function", nu, x, time, got, mirrored)
					}
					if want := -math.Sin(math.Pi * x); time == 0 && !(math.Abs(got-want) <= 1e-14) {
						t.Errorf("nu = %g: u(%g, 0) = %v, want %v", nu, x, got, want)
					}
				}
			}
			for _, x := range []float64{-1, 0, 1} {
				if got := u([]float64{x, time})[0]; !(math.Abs(got) <= 1e-12) {
					t.Errorf("nu = %g: u(%g, %g) = %g, want 0", nu, x, time, got)
				}
			}
		}
	}
}

func TestBurgersSolvesItsEquation(t *testing.T) {
	for _, c := range []struct{ nu, h float64 }{{canonical, 5e-5}, {0.1, 1e-3}} {
		u, err := Burgers(c.nu)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range [][2]float64{{0.001, 0.5}, {0.004, 0.5}, {-0.003, 0.9}, {0.3, 0.2}, {-0.7, 0.6}, {0.95, 1}} {
			at := func(x, t float64) float64 { return u([]float64{x, t})[0] }
			advection := at(p[0], p[1]) * slope(func(s float64) float64 { return at(s, p[1]) }, p[0], c.h)
			rate := slope(func(s float64) float64 { return at(p[0], s) }, p[1], c.h)
			diffusion := c.nu * slope(func(s float64) float64 {
				return slope(func(r float64) float64 { return at(r, p[1]) }, s, c.h)
			}, p[0], c.h)
			scale := math.Abs(advection) + math.Abs(rate) + math.Abs(diffusion)
			if r := rate + advection - diffusion; !(math.Abs(r) <= 1e-5*scale) {
				t.Errorf("nu = %g at (%g, %g): the residual is %g with terms of %g", c.nu, p[0], p[1], r, scale)
			}
		}
	}
}

// slope is the derivative of f by central differences of fourth order.
func slope(f func(float64) float64, x, h float64) float64 {
	return (8*(f(x+h)-f(x-h)) - (f(x+2*h) - f(x-2*h))) / (12 * h)
}

// The steepest slope is known (Basdevant et al. 1986).
func TestBurgersSteepestSlope(t *testing.T) {
	u, err := Burgers(canonical)
	if err != nil {
		t.Fatal(err)
	}
	got := slope(func(x float64) float64 { return u([]float64{x, 1.6037 / math.Pi})[0] }, 0, 2e-5)
	if math.Abs(got+152.00516) > 1e-5 {
		t.Errorf("the slope is %.6f, want -152.00516", got)
	}
}

func TestBurgersErrors(t *testing.T) {
	for _, nu := range []float64{0, -1, 1e-5, 11, math.NaN()} {
		if _, err := Burgers(nu); err == nil || !strings.Contains(err.Error(), "nu is") {
			t.Errorf("Burgers(%v): error %v, want one about nu", nu, err)
		}
	}
}
