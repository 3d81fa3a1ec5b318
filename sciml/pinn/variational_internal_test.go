package pinn

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/integrate/quad"
)

// TestTestFunctions: on every element the derivatives are orthonormal, and functions vanish at its ends.
func TestTestFunctions(t *testing.T) {
	v := Variational{Elements: 3, Tests: 5, Nodes: 9}
	lo, hi := -0.3, 1.2
	l := v.along(lo, hi)
	xi, weight := make([]float64, v.Nodes), make([]float64, v.Nodes)
	quad.Legendre{}.FixedLocations(xi, weight, -1, 1)
	h := (hi - lo) / 3
	if len(l.x) != 27 || len(l.slope) != 15 {
		t.Fatalf("%d nodes and %d tests, want 27 and 15", len(l.x), len(l.slope))
	}
	for i := range l.slope {
		for k := range l.slope {
			product := 0.0
			for n := range l.x { // each has the quadrature weight in it
				product += l.slope[i][n] * l.slope[k][n] / (weight[n%9] * h / 2)
			}
			want := 0.0
			if i == k {
				want = 1
			}
			if math.Abs(product-want) > 1e-13 {
				t.Errorf("∫φ′φ′ of the tests %d and %d is %v, want %v", i, k, product, want)
			}
		}
		// ∫φ′ = φ(end) − φ(start) = 0, and ∫xφ′ = −∫φ by parts.
		total, moment, integral := 0.0, 0.0, 0.0
		for n, x := range l.x {
			total += l.slope[i][n]
			moment += x * l.slope[i][n]
			integral += l.value[i][n]
		}
		if math.Abs(total) > 1e-13 || math.Abs(moment+integral) > 1e-13 {
			t.Errorf("of test %d, ∫φ′ is %v, ∫xφ′ %v and ∫φ %v", i, total, moment, integral)
		}
	}
	if math.Abs(l.x[9]-(lo+h+h*(xi[0]+1)/2)) > 1e-15 {
		t.Errorf("the first node of the second element is %v", l.x[9])
	}
}
