package pinn_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/sample"
)

// coupled has an integral, a flux, means of groups, and a mean within its equation.
func coupled(t *testing.T) *pde.Problem {
	t.Helper()
	p := handmade()
	p.Equations = p.Equations[:1]
	residual := p.Equations[0].Residual
	p.Equations[0].Residual = func(u *pde.Fields) *graph.Node {
		return graph.Sub(residual(u), graph.ReduceAllMean(graph.Square(u.U())))
	}
	square := func(u *pde.Fields) *graph.Node { return graph.Square(u.U()) }
	p.Conditions = []pde.Condition{
		pde.Integral("energy of u", p.Domain, square, 0.7),
		pde.BoundaryIntegral("flux", p.Domain, func(u *pde.Fields) *graph.Node { return u.NormalDerivative() }, -0.2, "x-", "y+"),
		pde.MeasuredMeans("u", [][][]float64{{{0.1, 0.2}, {0.3, 0.1}}, {{0.5, 0.5}}}, []float64{1, 2}).Robust(graph.Sin),
		pde.Dirichlet("u", nil, "x+"),
	}
	return p
}

// TestSummedRows: rows are those sums, worked out here, and J is the one of products.
func TestSummedRows(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		p := coupled(t)
		m := newModel(t, b, p, affine(t), pinn.Options{Soft: true, Interior: 7, Boundary: 3, BoundaryWeight: 4})
		theta := []float64{0.3, -0.5, 0.7} // u = 0.3x − 0.5y + 0.7, or with x and y exchanged
		l, err := objective.NewLinearizer(m.Objective(), 0)
		if err != nil {
			t.Fatal(err)
		}
		at, err := l.At(theta)
		if err != nil {
			t.Fatal(err)
		}
		r, err := at.Residual()
		if err != nil {
			t.Fatal(err)
		}
		j, err := at.Jacobian()
		if err != nil {
			t.Fatal(err)
		}
		values, err := m.Evaluate(theta, []float64{0.1, 0.2, 0.3, 0.1, 0.5, 0.5, 0, 0, 1, 0, 0, 1})
		if err != nil {
			t.Fatal(err)
		}
		c, a := values[3], values[4]-values[3] // u = ax + by + c
		bb := values[5] - values[3]
		energy := a*a/3 + bb*bb/3 + c*c + a*bb/2 + a*c + bb*c - 0.7
		flux := (-a + bb + 0.2) / 2 // divided by the length of both sides
		want := []float64{2 * energy, 2 * flux, math.Sin((values[0]+values[1])/2-1) * math.Sqrt(2), math.Sin(values[2]-2) * math.Sqrt(2)}
		for i, w := range want {
			if math.Abs(r[7+i]-w) > 1e-12 {
				t.Errorf("row %d is %.15g, want %.15g", 7+i, r[7+i], w)
			}
		}
		column, unit := make([]float64, l.Rows()), make([]float64, len(theta))
		for k := range theta {
			clear(unit)
			unit[k] = 1
			if err := at.Forward()(column, unit); err != nil {
				t.Fatal(err)
			}
			for i, v := range column {
				if math.Abs(j.At(i, k)-v) > 1e-11 {
					t.Errorf("J[%d, %d] is %.15g, a product gives %.15g", i, k, j.At(i, k), v)
				}
			}
		}
	})
}

// TestCoupledSamples: points that a residual brings together are no samples, and not to be moved to where it is large.
func TestCoupledSamples(t *testing.T) {
	b := pureGo(t)
	o := newModel(t, b, coupled(t), affine(t), pinn.Options{Soft: true, Interior: 7, Boundary: 3}).Objective()
	if len(o.Samples) != 1 || o.Samples[0].Name != "Dirichlet u x+" {
		t.Errorf("the samples are %+v, expected those of the condition at points alone", o.Samples)
	}
	_, err := pinn.New(b, coupled(t), affine(t), pinn.Options{Soft: true, Interior: 7, Boundary: 3, Refiner: sample.RAD{}})
	if err == nil || !strings.Contains(err.Error(), `the residual "value" brings the points together`) {
		t.Errorf("error %v", err)
	}
	suggesting := coupled(t)
	suggesting.Suggested.Resample = 10
	if m := newModel(t, b, suggesting, affine(t), pinn.Options{Soft: true, Interior: 7, Boundary: 3}); m.Options().Refiner != nil {
		t.Errorf("the refiner is %v, expected none", m.Options().Refiner)
	}
}

// TestNoDerivative: an operation without one is refused by its name and that of the term before anything is compiled.
func TestNoDerivative(t *testing.T) {
	sorted := func(u *pde.Fields) *graph.Node { return graph.Sort(u.U(), 0, true) }
	for where, change := range map[string]func(p *pde.Problem){
		"slope":          func(p *pde.Problem) { p.Equations[1].Residual = sorted },
		"order":          func(p *pde.Problem) { p.Conditions = append(p.Conditions, pde.Integral("order", p.Domain, sorted, 1)) },
		"Dirichlet u x-": func(p *pde.Problem) { p.Conditions[0].Residual = sorted },
	} {
		p := handmade()
		change(p)
		_, err := pinn.New(pureGo(t), p, affine(t), pinn.Options{Soft: true, Interior: 5, Boundary: 3})
		if err == nil || !strings.Contains(err.Error(), "Sort") || !strings.Contains(err.Error(), where) || strings.Contains(err.Error(), "compil") {
			t.Errorf("%s: error %v", where, err)
		}
	}
	p := handmade()
	p.Equations[1].Residual = func(u *pde.Fields) *graph.Node { return autodiffOfSorted(u) }
	if _, err := pinn.New(pureGo(t), p, affine(t), pinn.Options{Soft: true, Interior: 5, Boundary: 3}); err == nil || !strings.Contains(err.Error(), "the operation Sort") || !strings.Contains(err.Error(), `"slope"`) {
		t.Errorf("of a derivative by the points: error %v", err)
	}
}

func autodiffOfSorted(u *pde.Fields) *graph.Node { return u.For(graph.Sort(u.U(), 0, true)).Partial(0) }
