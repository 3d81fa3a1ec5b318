package reference

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Cavity returns the steady flow in the unit square, at rest on its walls but for a lid at y = 1 that moves with
// velocity u = 1 − cosh(50(x − 1/2))/cosh 25: u·∇u + ∇p = Δu/Re, ∇·u = 0. The unknowns are u, v and p at (x, y), p
// with mean zero. It returns an error unless Re is between 1 and 3200, and when ctx is done, which it looks at only
// between factorizations of a large matrix.
//
// The stream function is expanded in polynomials (Galerkin's method, Shen 1994) after its singular part in the upper
// corners is taken out, and found by Newton's method. In the quadratic mean the error of the velocity is 1e-7 of it at
// Re = 100 and 1e-6 at 3200, that of p below 1e-5; it is largest within 0.01 of the upper corners, up to 1e-5 of the
// lid's speed. The first computation takes ten seconds on two cores up to Re = 400, a minute up to 1000 and two to four
// minutes above, with 0.8 GB.
//
// The pressure is like (100/Re) log r near the upper corners, unbounded; r is taken as 1e-6 where it is less.
func Cavity(ctx context.Context, re float64) (Field, error) {
	return cavity(ctx, "Cavity", steepLid, re)
}

// CavitySmooth is Cavity with the velocity u = 16x²(1 − x)² of the lid (Shen 1991), with which nothing is unbounded.
func CavitySmooth(ctx context.Context, re float64) (Field, error) {
	return cavity(ctx, "CavitySmooth", smoothLid, re)
}

func cavity(ctx context.Context, function string, d drive, re float64) (Field, error) {
	if !(re >= 1 && re <= 3200) {
		return nil, fmt.Errorf("reference.%s: re is %v, expected 1 to 3200", function, re)
	}
	modes := cavityModes(re)
	key := fmt.Sprintf("%s re=%v modes=%d", d.name, re, modes)
	values, err := kept(ctx, key, modes*modes+(modes+4)*(modes+4), func(ctx context.Context) ([]float64, error) {
		values, err := solveCavity(ctx, d, re, modes)
		if err != nil {
			return nil, fmt.Errorf("reference.%s: re = %v: %w", function, re, err)
		}
		return values, nil
	})
	if err != nil {
		return nil, err
	}
	return cavityField(d, re, modes, values), nil
}

// cavityModes is the resolution for a Reynolds number.
func cavityModes(re float64) int {
	switch {
	case re <= 400:
		return 64
	case re <= 1000:
		return 80
	}
	return 96
}

// solveCavity returns the coefficients of the stream function in modes × modes clamped polynomials, then those of the
// pressure in (modes+4)² Legendre polynomials.
func solveCavity(ctx context.Context, d drive, re float64, modes int) ([]float64, error) {
	coarse := newGalerkin(d, min(modes, 36))
	a, err := coarse.continuation(ctx, re)
	if err != nil {
		return nil, err
	}
	fine := coarse
	if modes > coarse.modes {
		fine = newGalerkin(d, modes)
		finer := mat.NewDense(modes, modes, nil)
		finer.Slice(0, coarse.modes, 0, coarse.modes).(*mat.Dense).Copy(a)
		a = finer
		if err := fine.newton(ctx, re, a); err != nil {
			return nil, err
		}
	}
	p, err := fine.pressure(re, a)
	if err != nil {
		return nil, err
	}
	return append(append([]float64{}, a.RawMatrix().Data...), p.RawMatrix().Data...), nil
}

// cavityField evaluates the flow with these coefficients.
func cavityField(d drive, re float64, modes int, values []float64) Field {
	stream, pressure := values[:modes*modes], values[modes*modes:]
	return func(point []float64) []float64 {
		x, y := point[0], point[1]
		vector := func() []float64 { return make([]float64, modes+4) }
		fx, fx1, fy, fy1, other := vector(), vector(), vector(), vector(), vector()
		clamped(x, fx[:modes], fx1[:modes], other[:modes])
		clamped(y, fy[:modes], fy1[:modes], other[:modes])
		smooth, corners := d.lift(x, y), d.singular(x, y)
		u := smooth.y + corners.y
		v := -smooth.x - corners.x
		for k := range modes {
			row := stream[k*modes:][:modes]
			across, along := 0.0, 0.0
			for l, c := range row {
				across += c * fy1[l]
				along += c * fy[l]
			}
			u += fx[k] * across
			v -= fx1[k] * along
		}
		legendre(x, fx, other)
		legendre(y, fy, other)
		p := 2 * d.slope / re * math.Log(math.Max(math.Hypot(x, 1-y), 1e-6)/math.Max(math.Hypot(1-x, 1-y), 1e-6))
		for k := range modes + 4 {
			sum := 0.0
			for l, c := range pressure[k*(modes+4):][:modes+4] {
				sum += c * fy[l]
			}
			p += fx[k] * sum
		}
		return []float64{u, v, p}
	}
}
