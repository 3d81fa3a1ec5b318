package pinn_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// scaled is a network of coordinates that go to [−1, 1].
func scaled(t *testing.T, p *pde.Problem) nn.Network {
	t.Helper()
	lo, hi := p.Domain.Bounds()
	scale, err := nn.Scale(lo, hi)
	if err != nil {
		t.Fatal(err)
	}
	network, err := nn.Mapped(mlp(t, len(lo), 8, len(p.Unknowns)), scale)
	if err != nil {
		t.Fatal(err)
	}
	return network
}

// rod is u_t = diffusivity·u_xx with x up to length and t up to time, and a solution of the given size.
func rod(t *testing.T, length, time, diffusivity, size float64) *pde.Problem {
	t.Helper()
	box, err := pde.NewBox([]string{"x", "t"}, []float64{0, 0}, []float64{length, time})
	if err != nil {
		t.Fatal(err)
	}
	sine := func(x *graph.Node) *graph.Node {
		return graph.MulScalar(graph.Sin(graph.MulScalar(pde.Column(x, 0), math.Pi/length)), size)
	}
	return &pde.Problem{
		Name: "rod", Coordinates: []string{"x", "t"}, Unknowns: []string{"u"}, Domain: box,
		Equations: []pde.Equation{{Name: "heat", Residual: func(u *pde.Fields) *graph.Node {
			return graph.Sub(u.D("t"), graph.MulScalar(u.D("x", "x"), diffusivity))
		}}},
		Conditions: []pde.Condition{pde.Initial("u", sine), pde.Dirichlet("u", nil, "x-", "x+")},
	}
}

// bar is σ = E u′ and σ′ = −f, fixed at one end and free at the other: u is about f/E and σ about f.
func bar(t *testing.T, e, f float64) *pde.Problem {
	t.Helper()
	box, err := pde.NewInterval("x", 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	return &pde.Problem{
		Name: "bar", Coordinates: []string{"x"}, Unknowns: []string{"u", "σ"}, Domain: box,
		Equations: []pde.Equation{
			{Name: "Hooke", Residual: func(u *pde.Fields) *graph.Node {
				return graph.Sub(u.Of("σ").U(), graph.MulScalar(u.Of("u").D("x"), e))
			}},
			{Name: "balance", Residual: func(u *pde.Fields) *graph.Node { return graph.AddScalar(u.Of("σ").D("x"), f) }},
		},
		Conditions: []pde.Condition{pde.Dirichlet("u", nil, "x-"), pde.Dirichlet("σ", nil, "x+")},
	}
}

// charge is −εu″ = ρ between two earths: the source alone tells the size of u.
func charge(t *testing.T, size float64) *pde.Problem {
	t.Helper()
	const epsilon = 8.85e-12
	interval, err := pde.NewInterval("x", 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	return &pde.Problem{
		Name: "charge", Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: interval,
		Equations: []pde.Equation{{Name: "gauss", Residual: func(u *pde.Fields) *graph.Node {
			return graph.AddScalar(graph.MulScalar(u.D("x", "x"), epsilon), 8*epsilon*size)
		}}},
		Conditions: []pde.Condition{pde.Dirichlet("u", nil)},
	}
}

// well is Schrödinger's equation for an electron in a well of a nanometre, in SI: nothing but the equations tells the size of b,
// and one tells too much, the other too little.
func well(t *testing.T) *pde.Problem {
	t.Helper()
	const hbar, mass, length = 1.054e-34, 9.1e-31, 1e-9
	p := rod(t, length, math.Pi/2*hbar/(hbar*hbar*math.Pi*math.Pi/2/mass/length/length), 1, math.Sqrt(2/length))
	term := func(rate, curvature string, sign float64) func(u *pde.Fields) *graph.Node {
		return func(u *pde.Fields) *graph.Node {
			return graph.Add(graph.MulScalar(u.Of(rate).D("t"), hbar), graph.MulScalar(u.Of(curvature).D("x", "x"), sign*hbar*hbar/2/mass))
		}
	}
	p.Unknowns = []string{"a", "b"}
	p.Equations = []pde.Equation{{Name: "re", Residual: term("a", "b", 1)}, {Name: "im", Residual: term("b", "a", -1)}}
	sine := func(x *graph.Node) *graph.Node {
		return graph.MulScalar(graph.Sin(graph.MulScalar(pde.Column(x, 0), math.Pi/length)), math.Sqrt(2/length))
	}
	p.Conditions = []pde.Condition{pde.Initial("a", sine), pde.Initial("b", nil), pde.Dirichlet("a", nil, "x-", "x+"), pde.Dirichlet("b", nil, "x-", "x+")}
	return p
}

// decay is n′ = −λn from a large number, beside which what a network of size 1 adds is lost to rounding.
func decay(t *testing.T, start float64) *pde.Problem {
	t.Helper()
	interval, err := pde.NewInterval("t", 0, 2e9)
	if err != nil {
		t.Fatal(err)
	}
	return &pde.Problem{
		Name: "decay", Coordinates: []string{"t"}, Unknowns: []string{"n"}, Domain: interval,
		Equations: []pde.Equation{{Name: "decay", Residual: func(u *pde.Fields) *graph.Node {
			return graph.Add(u.D("t"), graph.MulScalar(u.U(), 1e-9))
		}}},
		Conditions: []pde.Condition{pde.Initial("n", pde.Constant(start))},
	}
}

// massed is u″ = 0 with a given integral, which alone tells the size of u.
func massed(t *testing.T, mass float64) *pde.Problem {
	t.Helper()
	interval, err := pde.NewInterval("x", 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	return &pde.Problem{
		Name: "massed", Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: interval,
		Equations:  []pde.Equation{{Name: "balance", Residual: func(u *pde.Fields) *graph.Node { return u.D("x", "x") }}},
		Conditions: []pde.Condition{pde.Integral("mass", interval, func(u *pde.Fields) *graph.Node { return u.U() }, mass)},
	}
}

// TestScales: whatever the units, all terms of a loss are of about the same size for a network of the size of the unknowns, and
// what was done for that is said. Nothing is done in the usual units.
func TestScales(t *testing.T) {
	for _, c := range []struct {
		problem *pde.Problem
		sizes   []float64 // to about a decade
		scaled  []string  // terms
	}{
		{rod(t, 1, 1, 0.1, 1), nil, nil},
		{rod(t, 100, 0.01, 1e3, 30), nil, nil},
		{rod(t, 1e-6, 1e6, 1e-19, 1), nil, []string{"heat"}},
		{rod(t, 1e-3, 1e-6, 0.1, 1), nil, []string{"heat"}},
		{rod(t, 1, 1, 0.1, 300), []float64{300}, nil},
		{rod(t, 1e-5, 20, 1e-12, 1e3), []float64{1e3}, []string{"heat", "initial u", "Dirichlet u x-,x+"}},
		{charge(t, 1e4), []float64{1e4}, []string{"gauss", "Dirichlet u"}},
		{well(t), []float64{4.5e4, 4.5e4}, []string{"re", "im", "initial a", "initial b", "Dirichlet a x-,x+", "Dirichlet b x-,x+"}},
		{rod(t, 1, 1, 0.1, 1e20), []float64{1e20}, []string{"heat", "initial u", "Dirichlet u x-,x+"}},
		{decay(t, 1e20), []float64{1e20}, []string{"decay", "initial n"}},
		{massed(t, 1e6), []float64{1e6}, []string{"balance", "mass"}},
		{rod(t, 1, 1, 0.1, 1e6), []float64{1e6}, []string{"heat", "initial u", "Dirichlet u x-,x+"}},
		{rod(t, 1, 1, 0.1, 1e-8), []float64{1e-8}, []string{"heat", "initial u", "Dirichlet u x-,x+"}},
		{rod(t, 1e-6, 1e6, 1e-19, 1e6), []float64{1e6}, []string{"initial u", "Dirichlet u x-,x+"}}, // 1e6 and 1e-6 of the equation
		{bar(t, 1, 1), nil, nil},
		{bar(t, 2e11, 1e7), []float64{1e-4, 1e8}, []string{"Hooke", "balance", "Dirichlet u x-", "Dirichlet σ x+"}},
	} {
		p := c.problem
		name := fmt.Sprint(p.Name, " ", c.sizes, c.scaled)
		network := scaled(t, p)
		m := newModel(t, pureGo(t), p, network, pinn.Options{Interior: 20, Boundary: 8, BoundaryWeight: 1})
		got := m.Sizes()
		if len(got) != len(c.sizes) {
			t.Errorf("%s: the sizes are %v, want about %v", name, got, c.sizes)
			continue
		}
		for k := range got {
			if off := got[k] / c.sizes[k]; off < 0.05 || off > 20 {
				t.Errorf("%s: the sizes are %v, want about %v", name, got, c.sizes)
			}
		}
		if got != nil {
			if !hasEvent(m, "nn.Amplified") {
				t.Errorf("%s: nothing is said of the sizes", name)
			}
			var err error
			if network, err = nn.Amplified(network, got...); err != nil {
				t.Fatal(err)
			}
			m = newModel(t, pureGo(t), p, network, pinn.Options{Interior: 20, Boundary: 8, BoundaryWeight: 1})
			if m.Sizes() != nil {
				t.Errorf("%s: the sizes of the amplified network are still %v", name, m.Sizes())
			}
		}
		for term := range m.Points() {
			if said := hasEvent(m, `"`+term+`"`, "its weight is"); said != slices.Contains(c.scaled, term) {
				t.Errorf("%s: the weight of %q was changed: %v, want those of %q", name, term, said, c.scaled)
			}
		}
		o := m.Objective()
		theta := m.Init(3)
		for _, term := range o.Terms.Names {
			one, err := o.Term(term)
			if err != nil {
				t.Fatal(err)
			}
			r, err := evaluate(one, theta)
			if err != nil {
				t.Fatal(err)
			}
			if size := sumOfSquares(r); !(size > 1e-7 && size < 1e5) {
				t.Errorf("%s: the term %q is %g at the start", name, term, size)
			}
		}
	}
	// Where a network can change much, that counts, not how far the residual is from zero: 400 u″ = 1e8 on a centimetre.
	interval, err := pde.NewInterval("x", 0, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	conduction := &pde.Problem{
		Name: "conduction", Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: interval,
		Equations:  []pde.Equation{{Name: "conduction", Residual: func(u *pde.Fields) *graph.Node { return graph.AddScalar(graph.MulScalar(u.D("x", "x"), 400), 1e8) }}},
		Conditions: []pde.Condition{pde.Dirichlet("u", pde.Constant(300))},
	}
	if m := newModel(t, pureGo(t), conduction, scaled(t, conduction), pinn.Options{Interior: 20}); !hasEvent(m, `"conduction"`, "its weight is 1e-1") || hasEvent(m, `"conduction"`, "its weight is 1e-16") {
		t.Errorf("a source that is large: %q", m.Objective().Remarks)
	}
	// An outlier among data is not the size of an unknown.
	spoiled := rod(t, 1, 1, 0.1, 1)
	spoiled.Conditions = append(spoiled.Conditions, pde.Measured("u", [][]float64{{0.2, 0.1}, {0.4, 0.1}, {0.6, 0.1}, {0.8, 0.1}}, []float64{0.5, 0.9, -9999, 0.5}))
	if m := newModel(t, pureGo(t), spoiled, scaled(t, spoiled), pinn.Options{Interior: 20, Boundary: 8}); len(m.Objective().Remarks) != 0 {
		t.Errorf("an outlier: %q", m.Objective().Remarks)
	}
	// One weight is not enough for components of several sizes.
	pair := rod(t, 1, 1, 0.1, 1)
	heat := pair.Equations[0].Residual
	pair.Equations[0].Residual = func(u *pde.Fields) *graph.Node {
		return graph.Concatenate([]*graph.Node{graph.MulScalar(heat(u), 1e-9), graph.Sub(u.D("x", "t"), u.U())}, 1)
	}
	if m := newModel(t, pureGo(t), pair, scaled(t, pair), pinn.Options{Interior: 20, Boundary: 8}); !hasEvent(m, `components of the residual "heat"`, "equations of their own") {
		t.Errorf("components of different sizes: %q", m.Objective().Remarks)
	}
	// A weight that was chosen stays, and another one is advised. A scheme that balances terms needs no help.
	p := rod(t, 1e-6, 1e6, 1e-19, 1)
	m := newModel(t, pureGo(t), p, scaled(t, p), pinn.Options{Interior: 20, Boundary: 8, Weights: map[string]float64{"heat": 3}})
	if !hasEvent(m, `"heat"`, "in place of 3 would balance it") {
		t.Errorf("a weight that was chosen: %q", m.Objective().Remarks)
	}
	m = newModel(t, pureGo(t), p, scaled(t, p), pinn.Options{Interior: 20, Boundary: 8, Weighting: pinn.GradNorm{}})
	if len(m.Objective().Remarks) != 0 {
		t.Errorf("with a weighting: %q", m.Objective().Remarks)
	}
}
