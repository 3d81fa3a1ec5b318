package sciml

import (
	"strings"
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
			options := Options{Backend: b, Loss: pinn.Options{Soft: soft}}
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
			if remarks := m.Objective().Remarks; len(remarks) > 0 {
				t.Errorf("%s, soft %v: something was changed: %q", p.Name, soft, remarks)
			}
			o := m.Options()
			if want := (p.Ansatz != nil || p.Periods != nil) && !soft; m.Exact() != want {
				t.Errorf("%s, soft %v: conditions hold exactly: %v, expected %v", p.Name, soft, m.Exact(), want)
			}
			if s := p.Suggested; s.Interior != 0 && o.Interior != s.Interior || s.Boundary != 0 && o.Boundary != s.Boundary ||
				s.BoundaryWeight != 0 && o.BoundaryWeight != s.BoundaryWeight || (s.Resample > 0) != (o.Refiner != nil) {
				t.Errorf("%s: the suggested set-up %+v became %+v", p.Name, s, o)
			}
		}
	}
}

// TestOneSeed: that of the loss is the one of the options, and another one is a contradiction.
func TestOneSeed(t *testing.T) {
	b, err := backend.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	for _, inner := range []uint64{0, 3} {
		o := Options{Backend: b, Seed: 3, Loss: pinn.Options{Seed: inner}}
		if err := o.setDefaults(pde.Poisson2D()); err != nil || o.Loss.Seed != 3 {
			t.Errorf("with %d in Loss the seed of the points is %d, error %v", inner, o.Loss.Seed, err)
		}
	}
	o := Options{Backend: b, Seed: 3, Loss: pinn.Options{Seed: 4}}
	if err := o.setDefaults(pde.Poisson2D()); err == nil || !strings.Contains(err.Error(), "Options.Seed is 3 and Loss.Seed 4") {
		t.Errorf("two seeds: error %v", err)
	}
}
