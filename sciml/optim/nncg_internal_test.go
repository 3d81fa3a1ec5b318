package optim

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/objective"
)

// rotated is QΛQᵀ with a random orthogonal Q, which it returns.
func rotated(eigenvalues []float64, seed uint64) (a, q *mat.Dense) {
	n := len(eigenvalues)
	rng := rand.New(rand.NewPCG(seed, 3))
	var qr mat.QR
	qr.Factorize(mat.NewDense(n, n, randomVector(rng, n*n)))
	q, a = new(mat.Dense), new(mat.Dense)
	qr.QTo(q)
	a.Mul(q, mat.NewDiagDense(n, eigenvalues))
	a.Mul(a, q.T())
	return a, q
}

// counting is the operator of a matrix, and counts its products.
func counting(a *mat.Dense, count *int) linalg.Operator {
	return func(dst, x []float64) error {
		*count++
		copy(dst, apply(a, x))
		return nil
	}
}

// TestIndefiniteNystrom: of full rank, the approximation is the matrix without its negative part, at no more products than
// its rank; of lower rank it is that of linalg for a semidefinite matrix, and finds the large eigenvalues of another one.
func TestIndefiniteNystrom(t *testing.T) {
	for name, c := range map[string]struct {
		eigenvalues []float64
		rank        int
		tolerance   float64
	}{
		"definite":      {[]float64{1000, 100, 10, 5, 2, 1, 0.5, 0.1}, 8, 1e-9},
		"indefinite":    {[]float64{1000, 100, 10, 5, 1, -0.1, -1, -20}, 8, 1e-6},
		"negative":      {[]float64{-1, -2, -3, -4, -5, -6, -7, -8}, 8, 1e-6},
		"of small rank": {[]float64{1000, 100, 10, 1e-9, 1e-9, 0, 0, 0}, 4, 1e-7},
		"semidefinite":  {[]float64{0, 0, 0, 0, 0, 0, 0, 0}, 8, 0},
	} {
		a, q := rotated(c.eigenvalues, 5)
		count := 0
		p, err := indefiniteNystrom(counting(a, &count), 8, c.rank, c.rank, 1e-3, 11)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		positive := make([]float64, 8)
		for i, v := range c.eigenvalues {
			positive[i] = math.Max(0, v)
		}
		var want, got mat.Dense
		want.Mul(q, mat.NewDiagDense(8, positive))
		want.Mul(&want, q.T())
		var scaled mat.Dense
		scaled.Mul(p.Vectors, mat.NewDiagDense(len(p.Values), p.Values))
		got.Mul(&scaled, p.Vectors.T())
		got.Sub(&got, &want)
		if off := mat.Norm(&got, 2); off > c.tolerance*1000 || count != c.rank || len(p.Values) != c.rank {
			t.Errorf("%s: off by %.2g, after %d products, with %d values; want %d", name, off, count, len(p.Values), c.rank)
		}
	}

	a, _ := rotated([]float64{1e6, 1e5, 1e4, 1, 1, 1, 0, -1, -1, -2}, 6)
	count := 0
	p, err := indefiniteNystrom(counting(a, &count), 10, 2, 10, 10, 1)
	if err != nil {
		t.Fatal(err)
	}
	// The rank doubles while the smallest value is above 100: 2, 4. (The sketch of an indefinite matrix may have to grow
	// once more before it shows that.)
	if count > 8 || len(p.Values) != 4 {
		t.Errorf("%d products for the rank %d, want at most 8 for 4", count, len(p.Values))
	}
	for i, want := range []float64{1e6, 1e5, 1e4} {
		if math.Abs(p.Values[i]-want) > 1e-2*want {
			t.Errorf("value %d is %v, want about %v", i, p.Values[i], want)
		}
	}

	broken := errors.New("the device is gone")
	if _, err := indefiniteNystrom(func(_, _ []float64) error { return broken }, 3, 1, 2, 1, 1); !errors.Is(err, broken) {
		t.Errorf("error %v, want that of the operator", err)
	}
	if _, err := indefiniteNystrom(func(dst, x []float64) error { dst[0] = math.NaN(); return nil }, 3, 1, 2, 1, 1); err == nil {
		t.Error("no error for products that are not numbers")
	}
}

// TestNNCGDirection: the direction solves the damped system, with the fewer products the better the approximation is.
func TestNNCGDirection(t *testing.T) {
	const n, damping = 100, 1e-2
	eigenvalues := make([]float64, n)
	for i := range eigenvalues {
		eigenvalues[i] = 1e6 * math.Exp(-float64(i)/3)
	}
	a, _ := rotated(eigenvalues, 9)
	obj := quadraticForm(goBackend(t), a)
	h, err := objective.NewCurvature(obj, objective.HessianMatrix)
	if err != nil {
		t.Fatal(err)
	}
	gradient := randomVector(rand.New(rand.NewPCG(4, 2)), n)
	at := func() *evaluated {
		return &evaluated{theta: device.Vector(dtypes.Float64, make([]float64, n)), gradient: device.Vector(dtypes.Float64, gradient), gradientNorm: floats.Norm(gradient, 2)}
	}
	damped := scaledIdentity(n, damping)
	damped.Add(damped, a)
	products := map[string]int{}
	for name, rank := range map[string]int{"none": 0, "low": 20, "enough": 60} {
		var system newtonSystem = wholeSystem{obj, h}
		if rank > 0 {
			system = &nystromSystem{NNCG: NNCG{Damping: damping, Rank: rank, MaxRank: rank, Every: 2}, obj: obj, hessian: h}
		}
		d := &newtonDirector{obj: obj, system: system, damping: damping, forcing: 1e-8, most: 5000}
		state := d.blank()
		for step := range 3 {
			got, err := d.direct(at(), state)
			if err != nil {
				t.Fatal(err)
			}
			state = got.next
			left := apply(damped, tensors.MustCopyFlatData[float64](got.step))
			if floats.Add(left, gradient); floats.Norm(left, 2) > 1e-6*floats.Norm(gradient, 2) {
				t.Errorf("rank %d: the residual of the system is %.2g", rank, floats.Norm(left, 2))
			}
			switch before := products[name]; {
			case step == 0:
				products[name] = got.products - rank
			case step == 1 && math.Abs(float64(got.products-before)) > 2:
				t.Errorf("rank %d: %d products with an approximation that is there already, %d without those that made it", rank, got.products, before)
			case step == 2 && got.products < rank:
				t.Errorf("rank %d: %d products, no new approximation after two steps", rank, got.products)
			}
		}
	}
	t.Logf("products without those of the approximation: %v", products)
	// With the damping a tenth of the smallest value or more, the condition is below 28 with a high probability (Frangella,
	// Tropp and Udell 2023, Theorem 5.1), so that 57 iterations reduce the error by 1e-8/2.
	if !(products["enough"] <= 57 && products["low"] < products["none"] && products["enough"] < products["low"]) {
		t.Errorf("products: %v", products)
	}
}
