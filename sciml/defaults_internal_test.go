package sciml

import (
	"testing"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// TestDefaultsFitTheCatalogue makes the model that Solve would train, for every problem, hard and soft.
func TestDefaultsFitTheCatalogue(t *testing.T) {
	b, err := backend.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pde.Catalogue() {
		for _, soft := range []bool{false, true} {
			options := Options{Backend: b, Soft: soft}
			if err := options.setDefaults(p); err != nil {
				t.Errorf("%s: %v", p.Name, err)
				continue
			}
			m, err := pinn.New(b, p, options.Network, options.Loss)
			if err != nil {
				t.Errorf("%s, soft %v: %v", p.Name, soft, err)
				continue
			}
			inputs := len(p.Coordinates)
			for _, period := range p.Periods {
				if period != 0 && !soft {
					inputs++ // a cosine and a sine
				}
			}
			if n := m.Network(); n.Inputs() != inputs || n.Outputs() != len(p.Unknowns) {
				t.Errorf("%s, soft %v: the network is %s, expected %d inputs and %d outputs", p.Name, soft, n, inputs, len(p.Unknowns))
			}
			o := m.Options()
			if want := (p.Ansatz != nil || p.Periods != nil) && !soft; o.Hard != want {
				t.Errorf("%s, soft %v: conditions hold exactly: %v, expected %v", p.Name, soft, o.Hard, want)
			}
			if s := p.Suggested; s.Interior != 0 && o.Interior != s.Interior || s.Boundary != 0 && o.Boundary != s.Boundary ||
				s.BoundaryWeight != 0 && o.BoundaryWeight != s.BoundaryWeight || (s.Resample > 0) != (o.Refiner != nil) {
				t.Errorf("%s: the suggested set-up %+v became %+v", p.Name, s, o)
			}
		}
	}
}

// TestPrecedence: what is in Options comes before Loss, Loss before what the problem suggests.
func TestPrecedence(t *testing.T) {
	b, err := backend.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	p := pde.Poisson2D()
	p.Suggested = pde.Setup{Interior: 1, Boundary: 2, BoundaryWeight: 3}
	for _, c := range []struct {
		options Options
		want    pinn.Options
	}{
		{Options{}, pinn.Options{Interior: 1, Boundary: 2, BoundaryWeight: 3}},
		{Options{Loss: pinn.Options{Interior: 4, Seed: 5}}, pinn.Options{Interior: 4, Boundary: 2, BoundaryWeight: 3, Seed: 5}},
		{Options{Interior: 6, BoundaryWeight: 7, Loss: pinn.Options{Interior: 4, Boundary: 8, BoundaryWeight: 9}}, pinn.Options{Interior: 6, Boundary: 8, BoundaryWeight: 7}},
	} {
		o := c.options
		o.Backend = b
		if err := o.setDefaults(p); err != nil {
			t.Fatal(err)
		}
		l := o.Loss
		if l.Interior != c.want.Interior || l.Boundary != c.want.Boundary || l.BoundaryWeight != c.want.BoundaryWeight || l.Seed != c.want.Seed || o.Seed != c.want.Seed {
			t.Errorf("%+v became %+v", c.options, l)
		}
	}
}
