package reference

import (
	"context"
	"fmt"
	"math"
)

// GrayScott returns the solution u, v of u_t = 0.2Δu + 40(1 − u) − 1000uv², v_t = 0.1Δv − 100v + 1000uv² for x and y in
// [−1, 1], periodic, and t in [0, T], T at most 2, with u = 1 − b(x+0.05)b(y+0.02) and v = b(x−0.05)b(y−0.02) at t = 0, where
// b(x) is exp(−10x²) and its nearest images, exp(−10(x±2)²).
//
// In the quadratic mean the error is 3e-6 of the solution up to t = 1 and 2e-5 from there to 2. The first computation takes a
// minute on two cores for T = 2, and keeps 50 MB.
func GrayScott(ctx context.Context, end float64) (Field, error) {
	if !(end > 0 && end <= 2) {
		return nil, fmt.Errorf("reference.GrayScott: the end of time is %v, expected a positive number up to 2", end)
	}
	return grayScott(end).field(ctx, "Gray-Scott")
}

func grayScott(end float64) *system {
	bell := func(x, y float64) complex128 {
		product := 1.0
		for _, z := range []float64{x, y} {
			product *= math.Exp(-10*z*z) + math.Exp(-10*(z-2)*(z-2)) + math.Exp(-10*(z+2)*(z+2))
		}
		return complex(product, 0)
	}
	return &system{
		lo: []float64{-1, -1}, hi: []float64{1, 1}, end: end, modes: 128, functions: 2,
		frames: max(20, int(math.Ceil(300*math.Sqrt(end)))), graded: true, step: 5e-4,
		initial: func(x []float64) []complex128 {
			return []complex128{1 - bell(x[0]+0.05, x[1]+0.02), bell(x[0]-0.05, x[1]-0.02)}
		},
		symbol: func(k []float64) []complex128 {
			square := complex(k[0]*k[0]+k[1]*k[1], 0)
			return []complex128{-0.2*square - 40, -0.1*square - 100}
		},
		nonlinear: func(u []complex128) {
			reaction := 1000 * u[0] * u[1] * u[1]
			u[0], u[1] = 40-reaction, reaction
		},
	}
}

// Schrodinger returns the solution h of i h_t + ½h_xx + |h|²h = 0 for x in [−5, 5], periodic, and t in [0, π/2], with
// h(x, 0) = 2 sech x (Raissi, Perdikaris and Karniadakis 2019), as its real and imaginary part.
func Schrodinger(ctx context.Context) (Field, error) {
	return schrodinger().field(ctx, "Schrodinger")
}

func schrodinger() *system {
	return &system{
		lo: []float64{-5}, hi: []float64{5}, end: math.Pi / 2, modes: 3072, functions: 1, complex: true,
		frames: 600, step: math.Pi / 2 / 2400,
		initial: func(x []float64) []complex128 { return []complex128{complex(2/math.Cosh(x[0]), 0)} },
		symbol:  func(k []float64) []complex128 { return []complex128{complex(0, -k[0]*k[0]/2)} },
		nonlinear: func(u []complex128) {
			square := real(u[0])*real(u[0]) + imag(u[0])*imag(u[0])
			u[0] *= complex(0, square)
		},
	}
}
