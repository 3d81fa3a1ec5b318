package linalg

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// TestEstimates compares the ‖r‖ and ‖Aᵀr‖ that LSQR and LSMR have from their recurrences with those of x, in every
// iteration, and ‖A‖ with the Frobenius norm, to which the sum over the bidiagonal matrix goes from below.
func TestEstimates(t *testing.T) {
	const m, n, iterations = 40, 12, 9 // later, rounding brings the largest singular value a second time
	random := rand.New(rand.NewPCG(1, 2))
	a := mat.NewDense(m, n, nil)
	a.Apply(func(_, j int, _ float64) float64 { return random.NormFloat64() * math.Pow(2, -float64(j)/2) }, a)
	b := make([]float64, m)
	for i := range b {
		b[i] = random.NormFloat64()
	}
	floats.Scale(1/floats.Norm(b, 2), b)
	product := func(a mat.Matrix) Operator {
		return func(dst, x []float64) error {
			mat.NewVecDense(len(dst), dst).MulVec(a, mat.NewVecDense(len(x), x))
			return nil
		}
	}
	for name, start := range map[string]func(*bidiagonal, float64, []float64) leastSquares{"LSQR": startLSQR, "LSMR": startLSMR} {
		for _, shift := range []float64{0, 0.3} {
			g, err := startBidiagonal(product(a), product(a.T()), append([]float64(nil), b...), n)
			if err != nil {
				t.Fatal(err)
			}
			x := make([]float64, n)
			method := start(g, math.Sqrt(shift), x)
			for k := range iterations {
				if err := g.next(); err != nil {
					t.Fatal(err)
				}
				residual, normal, norm := method.step(g)
				r, gradient := make([]float64, m), make([]float64, n)
				product(a)(r, x)
				floats.SubTo(r, b, r)
				product(a.T())(gradient, r)
				floats.AddScaled(gradient, -shift, x)
				if want := math.Sqrt(floats.Dot(r, r) + shift*floats.Dot(x, x)); math.Abs(residual-want) > 1e-12 {
					t.Errorf("%s, shift %g, iteration %d: ‖r‖ is %g, expected %g", name, shift, k+1, residual, want)
				}
				if want := floats.Norm(gradient, 2); math.Abs(normal-want) > 1e-11 {
					t.Errorf("%s, shift %g, iteration %d: ‖Aᵀr‖ is %g, expected %g", name, shift, k+1, normal, want)
				}
				if whole := math.Hypot(mat.Norm(a, 2), math.Sqrt(shift*n)); norm > whole*(1+1e-12) || k == iterations-1 && norm < 0.9*whole {
					t.Errorf("%s, shift %g, iteration %d: ‖A‖ is %g, expected at most %g and near it in the end", name, shift, k+1, norm, whole)
				}
			}
		}
	}
}
