package reference

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mat"
)

func cavityAt(t *testing.T, d drive, re float64, modes int) Field {
	t.Helper()
	values, err := solveCavity(context.Background(), d, re, modes)
	if err != nil {
		t.Fatal(err)
	}
	return cavityField(d, re, modes, values)
}

func TestCavity(t *testing.T) {
	const re = 100
	flow, finer := cavityAt(t, steepLid, re, 20), cavityAt(t, steepLid, re, 28)
	rng := rand.New(rand.NewPCG(1, 1))
	var difference, size [3]float64
	for range 400 {
		x, y := rng.Float64(), rng.Float64()
		a, b := flow([]float64{x, y}), finer([]float64{x, y})
		for i := range a {
			difference[i] += (a[i] - b[i]) * (a[i] - b[i])
			size[i] += b[i] * b[i]
		}
		for i, f := range []Field{flow, finer} {
			for _, wall := range [][2]float64{{x, 0}, {x, 1}, {0, y}, {1, y}} {
				want := 0.0
				if wall[1] == 1 {
					want = 1 - math.Cosh(50*(x-0.5))/math.Cosh(25)
				}
				if got := f(wall[:]); !(math.Abs(got[0]-want) <= 1e-12) || !(math.Abs(got[1]) <= 1e-12) {
					t.Errorf("solution %d at %v: velocity %v, want (%v, 0)", i, wall, got[:2], want)
				}
			}
		}
	}
	for i, most := range []float64{1e-3, 1e-3, 1e-2} {
		if got := math.Sqrt(difference[i] / size[i]); !(got <= most) {
			t.Errorf("%c changes by %.2g with the resolution", "uvp"[i], got)
		}
	}
	checkFlow(t, finer, re, 5e-3)

	// Ghia, Ghia and Shin (1982, table I) have −0.2109 with the lid at full speed up to its ends, Botella and Peyret
	// (1998) −0.2140; the lid's regularization takes a little.
	least := 0.0
	for i := range 1001 {
		least = math.Min(least, finer([]float64{0.5, float64(i) / 1000})[0])
	}
	if math.Abs(least+0.2139) > 1e-4 {
		t.Errorf("the least u on the centre line is %.5f, want about -0.2139", least)
	}

	mean := 0.0
	nodes, weights := make([]float64, 200), make([]float64, 200)
	quad.Legendre{}.FixedLocations(nodes, weights, 0, 1)
	for i, x := range nodes {
		for j, y := range nodes {
			mean += weights[i] * weights[j] * finer([]float64{x, y})[2]
		}
	}
	if math.Abs(mean) > 1e-8 {
		t.Errorf("the mean of p is %g, want 0", mean)
	}
}

// The smooth lid: its own boundary values, the equations, and a regular flow, so that errors fall with the resolution.
func TestCavitySmooth(t *testing.T) {
	const re = 100
	finest := cavityAt(t, smoothLid, re, 32)
	off := func(modes int) float64 {
		flow := cavityAt(t, smoothLid, re, modes)
		rng := rand.New(rand.NewPCG(1, 1))
		difference, size := 0.0, 0.0
		for range 400 {
			x, y := rng.Float64(), rng.Float64()
			a, b := flow([]float64{x, y}), finest([]float64{x, y})
			for i := range a[:2] {
				difference += (a[i] - b[i]) * (a[i] - b[i])
				size += b[i] * b[i]
			}
		}
		return math.Sqrt(difference / size)
	}
	coarse, finer := off(10), off(20)
	if order := math.Log2(coarse / finer); !(finer < 1e-5 && order > 4) {
		t.Errorf("with 10 modes the error is %.2g, with 20 %.2g: order %.1f", coarse, finer, order)
	}
	for _, s := range []float64{0, 0.2, 0.7, 1} {
		for _, wall := range [][2]float64{{s, 0}, {s, 1}, {0, s}, {1, s}} {
			want := 0.0
			if wall[1] == 1 {
				want = 16 * s * s * (1 - s) * (1 - s)
			}
			if got := finest(wall[:]); !(math.Abs(got[0]-want) <= 1e-12) || !(math.Abs(got[1]) <= 1e-12) {
				t.Errorf("at %v: velocity %v, want (%v, 0)", wall, got[:2], want)
			}
		}
	}
	checkFlow(t, finest, re, 1e-4)
	for _, corner := range [][]float64{{0, 1}, {1, 1}} {
		if p := finest(corner)[2]; math.Abs(p) > 1 {
			t.Errorf("p is %v in the corner %v, expected it to be bounded", p, corner)
		}
	}
}

// checkFlow holds a flow to the equations of Navier and Stokes, by finite differences in the middle of the cavity.
func checkFlow(t *testing.T, flow Field, re, most float64) {
	t.Helper()
	const h = 1e-3
	rng := rand.New(rand.NewPCG(2, 2))
	for range 50 {
		x, y := 0.1+0.8*rng.Float64(), 0.1+0.8*rng.Float64()
		partial := func(i, axis int) func(x, y float64) float64 {
			return func(x, y float64) float64 {
				if axis == 0 {
					return slope(func(s float64) float64 { return flow([]float64{s, y})[i] }, x, h)
				}
				return slope(func(s float64) float64 { return flow([]float64{x, s})[i] }, y, h)
			}
		}
		if divergence := partial(0, 0)(x, y) + partial(1, 1)(x, y); !(math.Abs(divergence) <= 1e-6) {
			t.Errorf("at (%g, %g): the divergence is %g", x, y, divergence)
		}
		at := flow([]float64{x, y})
		for i := range 2 {
			viscous := (slope(func(s float64) float64 { return partial(i, 0)(s, y) }, x, h) +
				slope(func(s float64) float64 { return partial(i, 1)(x, s) }, y, h)) / re
			convective := at[0]*partial(i, 0)(x, y) + at[1]*partial(i, 1)(x, y)
			if r := convective + partial(2, i)(x, y) - viscous; !(math.Abs(r) <= most) {
				t.Errorf("at (%g, %g): momentum %d is off by %g, of a convective part of %g", x, y, i, r, convective)
			}
		}
	}
}

// Larger Reynolds numbers go by way of smaller ones.
func TestCavityContinuation(t *testing.T) {
	checkFlow(t, cavityAt(t, steepLid, 400, 24), 400, 2e-2)
}

func TestCavityFieldIsKept(t *testing.T) {
	fresh(t)
	// A file of the right form is taken as it is: nothing is computed.
	modes := cavityModes(100)
	values := make([]float64, modes*modes+(modes+4)*(modes+4))
	values[modes*modes] = 7 // The constant part of p.
	if _, err := kept(context.Background(), "lid-driven cavity re=100 modes=64", len(values), func(context.Context) ([]float64, error) { return values, nil }); err != nil {
		t.Fatal(err)
	}
	forget()
	flow, err := Cavity(context.Background(), 100)
	if err != nil {
		t.Fatal(err)
	}
	if got := flow([]float64{0.5, 0.25})[2]; got != 7 {
		t.Errorf("p is %v, want the 7 that was stored", got)
	}

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Cavity(ctx, 123); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled cavity: error %v", err)
	}
}

func TestPressureIsUnboundedButFinite(t *testing.T) {
	flow := cavityAt(t, steepLid, 100, 12)
	left, right := flow([]float64{0, 1})[2], flow([]float64{1, 1})[2]
	if !(left < -8 && right > 8) || math.IsInf(left, 0) || math.IsInf(right, 0) {
		t.Errorf("p is %v and %v in the upper corners, expected large negative and positive values", left, right)
	}
}

// The Jacobian against differences of the residual, which is quadratic: central differences are exact.
func TestJacobian(t *testing.T) {
	const re, n = 70, 4
	g := newGalerkin(steepLid, n)
	rng := rand.New(rand.NewPCG(3, 3))
	a := mat.NewDense(n, n, nil)
	a.Apply(func(_, _ int, _ float64) float64 { return rng.NormFloat64() }, a)
	_, x, y, laplacian := g.residual(re, a)
	jacobian, err := g.jacobian(context.Background(), re, x, y, laplacian)
	if err != nil {
		t.Fatal(err)
	}
	for column := range n * n {
		moved := func(by float64) []float64 {
			b := mat.DenseCopyOf(a)
			b.RawMatrix().Data[column] += by
			r, _, _, _ := g.residual(re, b)
			return r.RawMatrix().Data
		}
		up, down := moved(1), moved(-1)
		for row := range up {
			got, want := jacobian.Data[row*n*n+column], (up[row]-down[row])/2
			if math.Abs(got-want) > 1e-9*(1+math.Abs(want)) {
				t.Errorf("row %d, column %d: %v, want %v", row, column, got, want)
			}
		}
	}
}
