package pinn_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/sample"
)

// TestRowScaling: residuals scale with √w, 0 leaves a term out, and names are checked.
func TestRowScaling(t *testing.T) {
	b := pureGo(t)
	values := func(options pinn.Options) []float64 {
		options.Interior, options.Boundary = 4, 3
		r, err := residuals(newModel(t, b, handmade(), affine(t), options), theta)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	plain := values(pinn.Options{Soft: true, BoundaryWeight: 1})
	var want []float64
	for n, v := range plain {
		switch {
		case n < 4: // "value" has weight 2, "slope" none
			want = append(want, v*math.Sqrt2)
		case n >= 11: // "Neumann" has weight 9 of its own, "Dirichlet u x-" the boundary's 4
			want = append(want, v*3)
		case n >= 8:
			want = append(want, v*2)
		}
	}
	got := values(pinn.Options{Soft: true, BoundaryWeight: 4, Weights: map[string]float64{"value": 2, "slope": 0, "Neumann": 9}})
	near(t, "weighted residuals", got, want, 1e-14)

	for word, weights := range map[string]map[string]float64{
		`has "slop", expected a name of "handmade": one of ["value" "slope" "Dirichlet u x-" "Neumann" "energy"]`: {"slop": 1},
		`of "slope" is -1`:            {"slope": -1},
		`of "slope" is NaN`:           {"slope": math.NaN()},
		"no term is left in the loss": {"value": 0, "slope": 0, "Dirichlet u x-": 0, "Neumann": 0},
	} {
		p := handmade()
		p.Weak = nil
		if _, err := pinn.New(b, p, affine(t), pinn.Options{Soft: true, BoundaryWeight: 1, Weights: weights}); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v: error %v, want one that mentions %q", weights, err, word)
		}
	}
	hard := pinn.Options{Interior: 4, Weights: map[string]float64{"Dirichlet u": 5}}
	if m := newModel(t, b, pde.Poisson2D(), affine(t), hard); len(m.Points()) != 1 {
		t.Errorf("the terms are those of %v, expected the equations; a weight of a condition that holds exactly is of no effect", m.Points())
	}
}

// TestResidualDerivatives compares the Jacobian of each term, and products with that of the objective, with differences.
func TestResidualDerivatives(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		p := pde.Poisson2D()
		network := mlp(t, 2, 3, 1)
		m := newModel(t, b, p, network, pinn.Options{Soft: true, BoundaryWeight: 1, Interior: 5, Boundary: 4, Weights: map[string]float64{"Poisson": 0.3, "Dirichlet u": 8}})
		o := m.Objective()
		theta := network.Init(3)
		run, err := graph.NewExec(b, func(in []*graph.Node) []*graph.Node { return []*graph.Node{o.Residual(in[0], in[1:])} })
		if err != nil {
			t.Fatal(err)
		}
		args := func(first ...any) []any {
			for _, d := range o.Data {
				first = append(first, d)
			}
			return first
		}
		want := differences(t, func(theta []float64) []float64 {
			out, err := run.Call1(args(theta)...)
			if err != nil {
				t.Fatal(err)
			}
			return tensors.MustCopyFlatData[float64](out)
		}, theta)
		v, w := make([]float64, len(theta)), make([]float64, len(want))
		for i := range v {
			v[i] = math.Sin(float64(3 * i))
		}
		for i := range w {
			w[i] = math.Cos(float64(2 * i))
		}
		jv, wj := make([]float64, len(want)), make([]float64, len(theta))
		for i, row := range want {
			for k, d := range row {
				jv[i] += d * v[k]
				wj[k] += d * w[i]
			}
		}
		out, err := graph.CallOnceN(b, func(in []*graph.Node) []*graph.Node {
			r := o.Residual(in[0], in[3:])
			return []*graph.Node{
				autodiff.JVP(r, in[:1], in[1:2]), autodiff.VJP(r, in[2], in[0])[0],
				graph.Gradient(graph.ReduceAllSum(graph.Square(r)), in[0])[0],
			}
		}, args(theta, v, w)...)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "J·v", tensors.MustCopyFlatData[float64](out[0]), jv, 1e-8)
		near(t, "wᵀJ", tensors.MustCopyFlatData[float64](out[1]), wj, 1e-8)

		// One term alone is point-wise.
		alone := newModel(t, b, p, network, pinn.Options{Soft: true, BoundaryWeight: 1, Interior: 5, Weights: map[string]float64{"Poisson": 0.3, "Dirichlet u": 0}}).Objective()
		j, err := graph.CallOnce(b, func(in []*graph.Node) *graph.Node {
			return autodiff.Jacobian(alone.Residual(in[0], in[1:]), in[0])
		}, theta, alone.Data[0], alone.Data[1])
		if err != nil {
			t.Fatal(err)
		}
		for n, row := range j.Value().([][]float64) {
			near(t, "a row of the Jacobian", row, want[n], 1e-8)
		}
	})
}

// TestDeepRitzByHand has the energy ½|∇u|² − u with u = 2x − 3y + ½, whose mean is 13/2 − mean u.
func TestDeepRitzByHand(t *testing.T) {
	p := handmade()
	p.Energy = func(u *pde.Fields) *graph.Node {
		return graph.Sub(graph.MulScalar(graph.ReduceSum(graph.Square(u.Gradient()), 1), 0.5), graph.Reshape(u.U(), -1))
	}
	m := newModel(t, pureGo(t), p, affine(t), pinn.Options{
		Soft: true, Form: pinn.DeepRitz{}, Interior: 7, Boundary: 5, BoundaryWeight: 3, Weights: map[string]float64{"energy": 2},
	})
	o := m.Objective()
	if o.Residual != nil {
		t.Error("an energy has a Residual, by which Gauss–Newton methods would take it for a sum of squares")
	}
	got, err := evaluate(o, theta)
	if err != nil {
		t.Fatal(err)
	}
	u := func(p []float64) float64 { return 2*p[0] - 3*p[1] + 0.5 }
	want := 2*6.5 + 3*9
	for n := range 7 {
		want -= 2 * u(m.Points()["energy"].At(n)) / 7
	}
	for n := range 5 {
		want += 3 * math.Pow(u(m.Points()["Dirichlet u x-"].At(n))-1, 2) / 5
	}
	near(t, "the loss", got, []float64{want}, 1e-14)
}

// TestDeepRitz minimizes the energy of a Poisson problem over points that are drawn anew.
func TestDeepRitz(t *testing.T) {
	network := mlp(t, 1, 8, 1)
	told := 0
	m := newModel(t, pureGo(t), pde.Poisson1D(), network, pinn.Options{
		Form: pinn.DeepRitz{}, Interior: 256, Refiner: sample.Redraw{Sampler: sample.LatinHypercube{}}, RefineEvery: 50,
		OnAdapt: func(pinn.Adapted) { told++ },
	})
	result, err := optim.Minimize(context.Background(), m.Objective(), network.Init(1), optim.LBFGS{}, optim.Options{MaxIterations: 200, Monitor: m.Monitor})
	if err != nil {
		t.Fatal(err)
	}
	if e := result.Metrics[pinn.RelativeL2]; !(e < 2e-2) {
		t.Errorf("the error is %v (%s)", e, result)
	}
	// The least energy of −u″ = π² sin πx is ½∫u′² − π²∫u sin πx = −π²/4.
	if want := -math.Pi * math.Pi / 4; math.Abs(result.Loss-want) > 0.02 {
		t.Errorf("the energy is %v, want about %v", result.Loss, want)
	}
	if told < 3 {
		t.Errorf("points moved %d times in 200 iterations, expected at 50, 100 and 150, and where the search got stuck", told)
	}
}

func TestFormErrors(t *testing.T) {
	b := pureGo(t)
	without := func(change func(p *pde.Problem)) *pde.Problem {
		p := pde.Poisson2D()
		change(p)
		return p
	}
	onDisk := without(func(p *pde.Problem) {
		disk, err := pde.NewDisk([2]float64{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		p.Domain = disk
	})
	for _, c := range []struct {
		problem *pde.Problem
		options pinn.Options
		word    string
	}{
		{without(func(p *pde.Problem) { p.Equations = nil }), pinn.Options{Soft: true, BoundaryWeight: 1}, "has no Equations"},
		{without(func(p *pde.Problem) { p.Energy = nil }), pinn.Options{Soft: true, BoundaryWeight: 1, Form: pinn.DeepRitz{}}, "has no Energy"},
		{without(func(p *pde.Problem) { p.Weak = nil }), pinn.Options{Soft: true, BoundaryWeight: 1, Form: pinn.Variational{}}, "has no Weak form"},
		{onDisk, pinn.Options{Soft: true, BoundaryWeight: 1, Form: pinn.Variational{}}, "is a *pde.Disk, expected a box"},
		{pde.Poisson2D(), pinn.Options{Soft: true, BoundaryWeight: 1, Form: pinn.Variational{Tests: -1}}, "-1 Tests"},
		{pde.Poisson2D(), pinn.Options{Soft: true, BoundaryWeight: 1, Form: pinn.Variational{Tests: 200}}, "4e+04 functions at 4.41e+04 nodes"},
		{pde.Poisson2D(), pinn.Options{Soft: true, BoundaryWeight: 1, Form: pinn.Variational{}, Refiner: sample.RAD{}}, "no points of equations that could move"},
		{pde.Poisson2D(), pinn.Options{Soft: true, BoundaryWeight: 1, Form: pinn.Variational{}, Active: 5}, "no points of equations that could move"},
		{pde.Poisson2D(), pinn.Options{Soft: true, BoundaryWeight: 1, Form: pinn.DeepRitz{}, Refiner: sample.RAD{}}, "spread evenly"},
		{pde.Poisson2D(), pinn.Options{Soft: true, BoundaryWeight: 1, Form: pinn.DeepRitz{}, Refiner: sample.R3{}}, "spread evenly"},
		{pde.Poisson2D(), pinn.Options{Soft: true, BoundaryWeight: 1, Refiner: sample.RAR{}}, "Active is 0, but RAR adds points"},
		{pde.Poisson2D(), pinn.Options{Soft: true, BoundaryWeight: 1, Refiner: sample.RAR{Add: -1}, Active: 5}, "Add is -1"},
		{pde.Poisson2D(), pinn.Options{Soft: true, BoundaryWeight: 1, Refiner: sample.RAD{K: -1}}, "K is -1"},
		{pde.Poisson2D(), pinn.Options{Soft: true, BoundaryWeight: 1, Interior: 5, Active: 6}, "Active is 6, expected at most Interior, 5"},
		{pde.Poisson2D(), pinn.Options{Soft: true, BoundaryWeight: 1, Active: 901}, "Active is 901, expected at most Interior, 900"},
		{pde.Poisson2D(), pinn.Options{Soft: true, BoundaryWeight: 1, RefineEvery: -1}, "RefineEvery is -1"},
		{pde.Poisson2D(), pinn.Options{Soft: true, BoundaryWeight: 1, WeightEvery: -2}, "WeightEvery -2"},
		{without(func(p *pde.Problem) {
			p.Conditions = append(p.Conditions, pde.Condition{Name: "condition 2", Residual: p.Conditions[0].Residual}, pde.Condition{Residual: p.Conditions[0].Residual})
		}), pinn.Options{Soft: true, BoundaryWeight: 1}, `of problem "Poisson 2D" are named "condition 2", expected different names`},
	} {
		m, err := pinn.New(b, c.problem, affine(t), c.options)
		if m != nil || err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("model %v and error %v, want an error that mentions %q", m, err, c.word)
		}
	}
	// What shows when graphs are built.
	for _, c := range []struct {
		problem *pde.Problem
		form    pinn.Form
		word    string
	}{
		{without(func(p *pde.Problem) { p.Energy = func(u *pde.Fields) *graph.Node { return u.X() } }), pinn.DeepRitz{},
			`the Energy of problem "Poisson 2D" has shape (Float64)[12, 2], expected one number for each of its 12 points`},
		{without(func(p *pde.Problem) {
			p.Weak[0].Terms = func(u *pde.Fields) (flux, source *graph.Node) { return u.U(), nil }
		}), pinn.Variational{Tests: 1, Nodes: 3}, `the flux of the weak form "Poisson" has shape (Float64)[12, 1], expected [12, 2]`},
		{without(func(p *pde.Problem) {
			p.Weak[0].Terms = func(u *pde.Fields) (flux, source *graph.Node) { return nil, u.U() }
		}), pinn.Variational{Tests: 1, Nodes: 3}, "has no flux"},
		{without(func(p *pde.Problem) {
			p.Weak[0].Terms = func(u *pde.Fields) (flux, source *graph.Node) { return u.Gradient(), u.X() }
		}), pinn.Variational{Tests: 1, Nodes: 3}, "the source of the weak form \"Poisson\" has shape (Float64)[12, 2], expected [12, 1]"},
		{without(func(p *pde.Problem) {
			p.Weak[0].Terms = func(u *pde.Fields) (flux, source *graph.Node) { return u.Gradient(), graph.GreaterThan(u.U(), u.U()) }
		}), pinn.Variational{Tests: 1, Nodes: 3}, "a term of the weak form \"Poisson\" is of type Bool"},
		{without(func(p *pde.Problem) {}), pinn.Variational{Tests: 3, Nodes: 2}, "Variational has 3 Tests and 2 Nodes"},
	} {
		_, err := pinn.New(b, c.problem, affine(t), pinn.Options{Soft: true, BoundaryWeight: 1, Form: c.form, Interior: 5, Boundary: 4})
		if err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("error %v, want one that mentions %q", err, c.word)
		}
	}
}
