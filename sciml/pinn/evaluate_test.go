package pinn_test

import (
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// TestEvaluateBlocks crosses the size at which points are evaluated together.
func TestEvaluateBlocks(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		m := newModel(t, b, handmade(), affine(t), pinn.Options{Soft: true, BoundaryWeight: 1})
		for _, n := range []int{0, 1, 4095, 4096, 4097, 2*4096 + 1} {
			points := make([]float64, 2*n)
			for i := range points {
				points[i] = float64((i*37)%101) / 101
			}
			u, err := m.Evaluate(theta, points)
			if err != nil {
				t.Fatal(err)
			}
			if len(u) != n {
				t.Fatalf("%d values at %d points", len(u), n)
			}
			for k, got := range u {
				if want := theta[0]*points[2*k] + theta[1]*points[2*k+1] + theta[2]; math.Abs(got-want) > 1e-14 {
					t.Fatalf("of %d points, at number %d u is %v, want %v", n, k, got, want)
				}
			}
		}
	})
}

// TestEvaluateFromGoroutines has its teeth under the race detector, and compares results otherwise.
func TestEvaluateFromGoroutines(t *testing.T) {
	m := newModel(t, backendtest.Best(t), handmade(), affine(t), pinn.Options{Soft: true, BoundaryWeight: 1})
	var all sync.WaitGroup
	for k := range 8 {
		all.Go(func() {
			x := float64(k) / 8
			u, err := m.Evaluate(theta, []float64{x, 0.5})
			if err != nil || math.Abs(u[0]-(2*x-1)) > 1e-14 {
				t.Errorf("u(%v, ½) = %v, error %v", x, u, err)
			}
		})
	}
	all.Wait()
}

func TestEvaluateSeveralUnknowns(t *testing.T) {
	p := handmade()
	p.Unknowns = []string{"u", "v"}
	p.Exact, p.Equations, p.Conditions = nil, p.Equations[:1], nil
	network, err := nn.NewMLP(nn.Tanh, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	got, err := newModel(t, backendtest.Best(t), p, network, pinn.Options{Soft: true, BoundaryWeight: 1}).Evaluate([]float64{1, 2, 3, 4, 10, 20}, []float64{1, 0, 0, 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{11, 22, 13, 24}; !slices.Equal(got, want) {
		t.Errorf("u and v at (1,0) and (0,1) are %v, want %v", got, want)
	}
}

// TestDerivatives has u = xy·(2x − 3y + ½) by an ansatz.
func TestDerivatives(t *testing.T) {
	p := handmade()
	p.Ansatz = pde.DistanceAndLift(func(x *graph.Node) *graph.Node { return graph.Mul(pde.Column(x, 0), pde.Column(x, 1)) }, nil)
	m := newModel(t, pureGo(t), p, affine(t), pinn.Options{})
	points := []float64{0.3, 0.7, 1, 0.5}
	for _, c := range []struct {
		coordinates []string
		want        func(x, y float64) float64
	}{
		{nil, func(x, y float64) float64 { return x * y * (2*x - 3*y + 0.5) }},
		{[]string{"y"}, func(x, y float64) float64 { return x * (2*x - 6*y + 0.5) }},
		{[]string{"x", "y"}, func(x, y float64) float64 { return 4*x - 6*y + 0.5 }},
		{[]string{"x", "x"}, func(x, y float64) float64 { return 4 * y }},
	} {
		got, err := m.Derivative(theta, points, c.coordinates...)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "a derivative", got, []float64{c.want(0.3, 0.7), c.want(1, 0.5)}, 1e-13)
	}
	for k := 0.0; k < 2; k++ { // two expressions, which have no names to confuse them by
		got, err := m.Measure(theta, points, func(u *pde.Fields) *graph.Node { return graph.AddScalar(graph.Mul(u.D("y"), u.At("x")), k) })
		if err != nil {
			t.Fatal(err)
		}
		near(t, "an expression", got, []float64{0.3*0.3*(0.6-4.2+0.5) + k, 2 - 3 + 0.5 + k}, 1e-13)
	}
	for word, build := range map[string]func(u *pde.Fields) *graph.Node{
		"gives shape (Float64)[4096, 2] at 4096 points, expected one number for each": func(u *pde.Fields) *graph.Node { return u.X() },
		"gives shape (Float64) at":                      func(u *pde.Fields) *graph.Node { return graph.ReduceAllSum(u.U()) },
		"gives shape (Float64)[1, 4096]":                func(u *pde.Fields) *graph.Node { return graph.Transpose(u.U(), 0, 1) },
		`"z" is not a coordinate of problem "handmade"`: func(u *pde.Fields) *graph.Node { return u.D("z") },
		"brings points together":                        func(u *pde.Fields) *graph.Node { return graph.Sub(u.U(), graph.ReduceAllMean(u.U())) },
		"normals are known on the boundary only":        func(u *pde.Fields) *graph.Node { return u.NormalDerivative() },
	} {
		if _, err := m.Measure(theta, points, build); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
}
