package linalg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// TestRidge compares solutions, their lengths and what they gain with those of a QR factorization of A above √λI: tall,
// square and wide matrices, one column, singular ones, and singular values from 1 to 1e-9.
func TestRidge(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		m, n  int
		decay float64
	}{{9, 5, 1}, {6, 6, 0.02}, {4, 7, 1}, {5, 1, 1}, {1, 1, 1}, {150, 90, 0.8}, {8, 6, 0}} {
		name := fmt.Sprintf("%d×%d, decay %g", c.m, c.n, c.decay)
		a := mat.NewDense(c.m, c.n, nil)
		b := make([]float64, c.m)
		for i := range c.m {
			b[i] = rng.NormFloat64()
			for k := range c.n {
				a.Set(i, k, rng.NormFloat64()*math.Pow(c.decay, float64(k)))
			}
		}
		r, err := NewRidge(c.m, c.n, slices.Clone(a.RawMatrix().Data), b)
		if err != nil {
			t.Fatal(err)
		}
		lambdas := []float64{1e-10, 1e-3, 1, 50}
		all := r.Solve(lambdas)
		for k, lambda := range lambdas {
			got := mat.Col(nil, k, mat.NewDense(c.n, len(lambdas), all))
			tall := mat.NewDense(c.m+c.n, c.n, nil)
			tall.Slice(0, c.m, 0, c.n).(*mat.Dense).Copy(a)
			right := mat.NewVecDense(c.m+c.n, nil)
			for i, v := range b {
				right.SetVec(i, -v)
			}
			for i := range c.n {
				tall.Set(c.m+i, i, math.Sqrt(lambda))
			}
			var qr mat.QR
			qr.Factorize(tall)
			var want, off mat.VecDense
			if err := qr.SolveVecTo(&want, false, right); err != nil {
				t.Fatal(err)
			}
			if d := floats.Distance(got, want.RawVector().Data, 2); !(d < 1e-9*mat.Norm(&want, 2)) {
				t.Errorf("%s, λ = %g: z is off by %g", name, lambda, d)
			}
			length := floats.Norm(got, 2)
			if d := math.Abs(r.Length(lambda) - length); !(d < 1e-9*length) {
				t.Errorf("%s, λ = %g: ‖z‖ = %g, length says %g", name, lambda, length, r.Length(lambda))
			}
			off.MulVec(a, &want)
			off.AddVec(&off, mat.NewVecDense(c.m, b))
			gain := floats.Dot(b, b) - mat.Dot(&off, &off)
			if d := math.Abs(r.Decrease(lambda) - gain); !(d < 1e-11*floats.Dot(b, b)) {
				t.Errorf("%s, λ = %g: the decrease is %g, expected %g", name, lambda, r.Decrease(lambda), gain)
			}
			if back := r.Damping(length, 1e-14); !(math.Abs(back-lambda) < 1e-6*lambda+1e-14) {
				t.Errorf("%s: the λ for ‖z‖ = %g is %g, expected %g", name, length, back, lambda)
			}
		}
		if got := r.Damping(2*r.Length(0.5), 0.5); got != 0.5 {
			t.Errorf("%s: λ = %g inside the radius, expected the least one", name, got)
		}
	}
	if _, err := NewRidge(1, 1, []float64{math.NaN()}, []float64{1}); err == nil {
		t.Error("no error for a matrix with NaN")
	}
}
