package pinn_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// marching is 2u_t − u = 0 and u_tt + u_x = 0 for t in [1, 3], with or without an ansatz t·network.
func marching(t *testing.T, ansatz bool) *pde.Problem {
	t.Helper()
	box, err := pde.NewBox([]string{"x", "t"}, []float64{0, 1}, []float64{1, 3})
	if err != nil {
		t.Fatal(err)
	}
	p := &pde.Problem{
		Name: "marching", Coordinates: []string{"x", "t"}, Unknowns: []string{"u"}, Domain: box,
		Equations: []pde.Equation{
			{Name: "first", Residual: func(u *pde.Fields) *graph.Node { return graph.Sub(graph.MulScalar(u.D("t"), 2), u.U()) }},
			{Name: "second", Residual: func(u *pde.Fields) *graph.Node { return graph.Add(u.D("t", "t"), u.D("x")) }},
		},
	}
	if ansatz {
		p.Ansatz = func(x *graph.Node, network func(x *graph.Node) *graph.Node) *graph.Node {
			return graph.Mul(pde.Column(x, 1), network(x))
		}
	}
	return p
}

// TestSlabs: with u = 3x + bt + c, or t·(bt + c), residuals and rates are known functions of the time.
func TestSlabs(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, c := range map[string]struct {
			ansatz         bool
			theta          []float64
			residual, rate func(t float64) float64
		}{
			"network": {false, []float64{0, 0.5, 4}, func(t float64) float64 { return math.Abs(1 - 0.5*t - 4) }, func(float64) float64 { return 1 }},
			// u = t(bt + c): u_t = 2bt + c and u_tt = 2b.
			"ansatz": {true, []float64{0, 0.5, 4},
				func(t float64) float64 { return math.Hypot(2*(t+4)-t*(0.5*t+4), 1) }, func(t float64) float64 { return math.Hypot(2*(t+4), 1) }},
			"space": {false, []float64{3, 0, -1e6}, func(float64) float64 { return 1e6 }, func(float64) float64 { return 0 }},
		} {
			slabs, err := newModel(t, b, marching(t, c.ansatz), affine(t), pinn.Options{Seed: 2}).Slabs(t.Context(), c.theta, 8)
			if err != nil {
				t.Fatal(err)
			}
			if len(slabs) != 8 || slabs[0].From < 1 || slabs[0].From > 1.05 || slabs[7].To > 3 || slabs[7].To < 2.95 {
				t.Fatalf("%s: the slabs are %+v, want 8 from 1 to 3", name, slabs)
			}
			for i, s := range slabs {
				if i > 0 && s.From < slabs[i-1].To {
					t.Errorf("%s: slab %d begins at %v, before the end of the one before, %v", name, i, s.From, slabs[i-1].To)
				}
				between := func(what string, got float64, f func(t float64) float64) {
					a, b := f(s.From), f(s.To)
					if got < math.Min(a, b)*(1-1e-5)-1e-9 || got > math.Max(a, b)*(1+1e-5)+1e-9 {
						t.Errorf("%s, slab %+v: the %s is %v, want between %v and %v", name, s, what, got, a, b)
					}
				}
				between("residual", s.Residual, c.residual)
				between("rate", s.Rate, c.rate)
			}
		}
	})
}

func TestSlabsWithoutTime(t *testing.T) {
	m := newModel(t, backendtest.Best(t), handmade(), affine(t), pinn.Options{Soft: true, BoundaryWeight: 1})
	if slabs, err := m.Slabs(t.Context(), theta, 8); slabs != nil || err != nil {
		t.Errorf("got %v and %v, want none", slabs, err)
	}
	for _, count := range []int{0, -1, 1025} {
		if _, err := m.Slabs(t.Context(), theta, count); err == nil {
			t.Errorf("%d slabs: no error", count)
		}
	}
	if _, err := m.Slabs(t.Context(), theta[:1], 8); err == nil {
		t.Error("a θ that is too short: no error")
	}
}
