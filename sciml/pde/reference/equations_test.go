package reference

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// The equations are written here once more, from their sources, and hold by finite differences of what the fields
// return.
func TestFieldsSolveTheirEquations(t *testing.T) {
	if testing.Short() {
		t.Skip("computes references of full size")
	}
	fresh(t)
	ctx := context.Background()
	made := func(f Field, err error) Field {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for _, c := range []struct {
		name    string
		u       Field
		lo, hi  float64
		end     float64
		h, dt   float64 // Spacings of the differences.
		initial func(x float64) float64
		right   func(u, ux, uxx, uxxx, uxxxx float64) float64
	}{
		{
			"Allen-Cahn", made(AllenCahn(ctx)), -1, 1, 1, 2e-4, 1e-3,
			func(x float64) float64 { return x * x * math.Cos(math.Pi*x) },
			func(u, _, uxx, _, _ float64) float64 { return 0.0001*uxx - 5*u*u*u + 5*u },
		},
		{
			"reaction-diffusion", made(ReactionDiffusion(ctx, 3, 5)), 0, 2 * math.Pi, 1, 1e-2, 1e-3,
			func(x float64) float64 { return math.Exp(-(x - math.Pi) * (x - math.Pi) * 8 / (math.Pi * math.Pi)) },
			func(u, _, uxx, _, _ float64) float64 { return 3*uxx + 5*u - 5*u*u },
		},
		{
			"Korteweg-de Vries", made(KortewegDeVries(ctx)), -1, 1, 1, 2e-3, 2e-4,
			func(x float64) float64 { return math.Cos(math.Pi * x) },
			func(u, ux, _, uxxx, _ float64) float64 { return -u*ux - 0.000484*uxxx },
		},
		{
			"Kuramoto-Sivashinsky", made(KuramotoSivashinsky(ctx, 0.06)), 0, 2 * math.Pi, 0.06, 1e-2, 1e-4,
			func(x float64) float64 { return math.Cos(x) + math.Sin(2*x)/2 },
			func(u, ux, uxx, _, uxxxx float64) float64 {
				return -6.25*u*ux - 0.390625*uxx - 0.00152587890625*uxxxx
			},
		},
	} {
		at := func(x, t float64) float64 { return c.u([]float64{x, t})[0] }
		rng := rand.New(rand.NewPCG(1, 1))
		for range 30 {
			x := c.lo + (c.hi-c.lo)*rng.Float64()
			now := c.end * (0.1 + 0.85*rng.Float64())
			differentiate := func(f func(float64) float64) func(float64) float64 {
				return func(x float64) float64 { return slope(f, x, c.h) }
			}
			f := func(x float64) float64 { return at(x, now) }
			f1 := differentiate(f)
			f2 := differentiate(f1)
			f3 := differentiate(f2)
			f4 := differentiate(f3)
			rate := slope(func(s float64) float64 { return at(x, s) }, now, c.dt)
			want := c.right(f(x), f1(x), f2(x), f3(x), f4(x))
			scale := math.Abs(rate) + math.Abs(f(x)) + math.Abs(c.right(0, 0, f2(x), f3(x), f4(x)))
			if !(math.Abs(rate-want) <= 1e-3*scale) {
				t.Errorf("%s at (%g, %g): u_t = %g, but the equation wants %g", c.name, x, now, rate, want)
			}
			if got, want := at(x, 0), c.initial(x); !(math.Abs(got-want) <= 1e-10) {
				t.Errorf("%s: u(%g, 0) = %v, want %v", c.name, x, got, want)
			}
			if got, want := at(x+c.hi-c.lo, now), f(x); !(math.Abs(got-want) <= 1e-10) {
				t.Errorf("%s: u is %v and %v a period apart", c.name, got, want)
			}
		}
	}
}

// Halving every spacing changes little: a resolution too coarse by some factor would show.
func TestReactionDiffusionIsConverged(t *testing.T) {
	for _, c := range []struct{ nu, rho float64 }{{0.01, 20}, {100, 5}} {
		p := reactionDiffusion(c.nu, c.rho)
		u, err := p.Solve(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		p.Modes, p.Frames, p.Steps = 2*p.Modes, 2*p.Frames, 2*p.Steps
		finer, err := p.Solve(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 1))
		var early, late, square float64
		for range 2000 {
			x, time := 2*math.Pi*rng.Float64(), rng.Float64()
			if time < 0.2 {
				time /= 100 // A part of the points looks at the first hundredths.
			}
			got, want := u.At([]float64{x, time})[0], finer.At([]float64{x, time})[0]
			if time >= 0.01 {
				late = math.Max(late, math.Abs(got-want))
			} else {
				early += (got - want) * (got - want)
				square += want * want
			}
		}
		if !(late <= 1e-9) || !(math.Sqrt(early/square) <= 1e-6) {
			t.Errorf("ν = %v, ρ = %v: the error is %.2g, and before t = 0.01 %.2g of u in the mean", c.nu, c.rho, late, math.Sqrt(early/square))
		}
	}
}

func TestFieldErrors(t *testing.T) {
	ctx := context.Background()
	for word, call := range map[string]func() (Field, error){
		"end of time is 0":                   func() (Field, error) { return KuramotoSivashinsky(ctx, 0) },
		"end of time is 2":                   func() (Field, error) { return KuramotoSivashinsky(ctx, 2) },
		"nu is 0":                            func() (Field, error) { return ReactionDiffusion(ctx, 0, 5) },
		"rho is -1":                          func() (Field, error) { return ReactionDiffusion(ctx, 3, -1) },
		"expected a positive number up to 2": func() (Field, error) { return GrayScott(ctx, 3) },
		"CavitySmooth: re is 0.5":            func() (Field, error) { return CavitySmooth(ctx, 0.5) },
		"re is 1e+06":                        func() (Field, error) { return Cavity(ctx, 1e6) },
	} {
		if _, err := call(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
}
