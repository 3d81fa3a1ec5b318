package pde_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/sample"
)

// solved is a catalogue problem with its exact solution as a graph of the points, for the derivatives.
type solved struct {
	problem *pde.Problem
	exact   func(x *graph.Node) *graph.Node
}

var catalogue = map[string]solved{
	"Poisson2D": {pde.Poisson2D(), func(x *graph.Node) *graph.Node {
		s := graph.Sin(graph.MulScalar(x, math.Pi))
		return graph.Mul(column(s, 0), column(s, 1))
	}},
}

func column(x *graph.Node, i int) *graph.Node {
	return graph.Slice(x, graph.AxisRange(), graph.AxisElem(i))
}

func call(t *testing.T, b compute.Backend, build func(in []*graph.Node) *graph.Node, args ...any) []float64 {
	t.Helper()
	out, err := graph.CallOnce(b, build, args...)
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float64](out)
}

func tensorOf(values []float64, dim int) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(values, len(values)/dim, dim)
}

func largest(values []float64) float64 {
	m := 0.0
	for _, v := range values {
		m = math.Max(m, math.Abs(v))
		if math.IsNaN(v) {
			return v
		}
	}
	return m
}

// TestExactSolutions puts the exact solution of every problem into its equations and conditions.
func TestExactSolutions(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, c := range catalogue {
			p := c.problem
			if err := p.Check(); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			interior, err := sample.Uniform{Seed: 1}.Interior(p.Domain, 50)
			if err != nil {
				t.Fatal(err)
			}
			values := call(t, b, func(in []*graph.Node) *graph.Node { return c.exact(in[0]) }, tensorOf(interior.Coords, interior.Dim))
			m := len(p.Unknowns)
			for n := range interior.N {
				for k, want := range p.Exact(interior.At(n)) {
					if math.Abs(values[n*m+k]-want) > 1e-13 {
						t.Fatalf("%s: this test's exact solution is %v at %v, Exact says %v", name, values[n*m+k], interior.At(n), want)
					}
				}
			}
			for _, e := range p.Equations {
				r := call(t, b, func(in []*graph.Node) *graph.Node {
					return e.Residual(autodiff.Of(c.exact(in[0]), in[0]))
				}, tensorOf(interior.Coords, interior.Dim))
				if got := largest(r); !(got < 1e-11) {
					t.Errorf("%s: the residual of %q at the exact solution is up to %g", name, e.Name, got)
				}
				r = call(t, b, func(in []*graph.Node) *graph.Node {
					return e.Residual(autodiff.Of(graph.MulScalar(c.exact(in[0]), 1.01), in[0]))
				}, tensorOf(interior.Coords, interior.Dim))
				if got := largest(r); !(got > 1e-3) {
					t.Errorf("%s: the residual of %q at a wrong solution is at most %g", name, e.Name, got)
				}
			}
			for _, condition := range p.Conditions {
				on, err := sample.Uniform{Seed: 2}.Boundary(p.Domain, 40, condition.On...)
				if err != nil {
					t.Fatal(err)
				}
				r := call(t, b, func(in []*graph.Node) *graph.Node {
					return condition.Residual(autodiff.Of(c.exact(in[0]), in[0]), in[1])
				}, tensorOf(on.Coords, on.Dim), tensorOf(on.Normals, on.Dim))
				if got := largest(r); !(got < 1e-13) {
					t.Errorf("%s: the condition %q at the exact solution is off by up to %g", name, condition.Name, got)
				}
			}
		}
	})
}

// TestAnsatz: whatever the network, the ansatz satisfies the conditions, and it is not zero inside.
func TestAnsatz(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, c := range catalogue {
			p := c.problem
			if p.Ansatz == nil {
				continue
			}
			u := func(x *graph.Node) *graph.Node {
				network := graph.AddScalar(graph.Exp(graph.Add(column(x, 0), graph.Square(column(x, 1)))), 3)
				return p.Ansatz(x, network)
			}
			for _, condition := range p.Conditions {
				on, err := sample.Uniform{Seed: 3}.Boundary(p.Domain, 40, condition.On...)
				if err != nil {
					t.Fatal(err)
				}
				r := call(t, b, func(in []*graph.Node) *graph.Node {
					return condition.Residual(autodiff.Of(u(in[0]), in[0]), in[1])
				}, tensorOf(on.Coords, on.Dim), tensorOf(on.Normals, on.Dim))
				if got := largest(r); got != 0 {
					t.Errorf("%s: with the ansatz, the condition %q is off by up to %g", name, condition.Name, got)
				}
			}
			interior, err := sample.Uniform{Seed: 4}.Interior(p.Domain, 20)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range call(t, b, func(in []*graph.Node) *graph.Node { return u(in[0]) }, tensorOf(interior.Coords, interior.Dim)) {
				if v == 0 {
					t.Errorf("%s: the ansatz vanishes in the interior", name)
				}
			}
		}
	})
}

func TestDirichlet(t *testing.T) {
	b := backendtest.Best(t)
	g := func(x *graph.Node) *graph.Node { return graph.ReduceSum(x, 1) } // shape [N], u has [N, 2]
	points := [][]float64{{1, 2}, {3, 4}}
	build := func(c pde.Condition) func(in []*graph.Node) *graph.Node {
		return func(in []*graph.Node) *graph.Node {
			return c.Residual(autodiff.Of(graph.Square(in[0]), in[0]), nil)
		}
	}
	if got := call(t, b, build(pde.Dirichlet(g)), points); len(got) != 2 || got[0] != 1-3 || got[1] != 9-7 {
		t.Errorf("u₀ − g is %v, want [-2 2]", got)
	}
	c := pde.Dirichlet(nil, "x-", "y+")
	if got := call(t, b, build(c), points); len(got) != 2 || got[0] != 1 || got[1] != 9 {
		t.Errorf("u₀ is %v, want [1 9]", got)
	}
	if len(c.On) != 2 || c.On[0] != "x-" || c.On[1] != "y+" {
		t.Errorf("the condition holds on %q, want x- and y+", c.On)
	}
}

func TestBox(t *testing.T) {
	box, err := pde.NewBox([]string{"x", "y", "t"}, []float64{-1, 0, 2}, []float64{1, 3, 7})
	if err != nil {
		t.Fatal(err)
	}
	lo, hi := box.Bounds()
	if box.Dim() != 3 || lo[0] != -1 || hi[2] != 7 {
		t.Errorf("the box has dimension %d and bounds %v, %v", box.Dim(), lo, hi)
	}
	for point, want := range map[[3]float64]bool{
		{0, 1, 3}: true, {-1, 0, 2}: true, {1, 3, 7}: true, {1.0000001, 1, 3}: false, {0, -1e-9, 3}: false, {math.NaN(), 1, 3}: false,
	} {
		if got := box.Contains(point[:]); got != want {
			t.Errorf("Contains(%v) is %v", point, got)
		}
	}
	if box.Contains([]float64{0, 1}) {
		t.Error("a point of R² is in a box of R³")
	}
	measures := map[string]float64{"x-": 15, "x+": 15, "y-": 10, "y+": 10, "t-": 6, "t+": 6}
	rng := rand.New(rand.NewPCG(1, 1))
	for _, patch := range box.Boundary() {
		if want, known := measures[patch.Name]; !known || patch.Measure != want {
			t.Errorf("patch %q has measure %v, want %v", patch.Name, patch.Measure, want)
		}
		delete(measures, patch.Name)
		for range 20 {
			point, normal := patch.At([]float64{rng.Float64(), rng.Float64()})
			length := 0.0
			outside, inside := make([]float64, 3), make([]float64, 3)
			for i := range point {
				length += normal[i] * normal[i]
				outside[i], inside[i] = point[i]+1e-6*normal[i], point[i]-1e-6*normal[i]
			}
			if !box.Contains(point) || !box.Contains(inside) || box.Contains(outside) || length != 1 {
				t.Errorf("patch %q: point %v with normal %v is not on the boundary with an outer unit normal", patch.Name, point, normal)
			}
		}
	}
	if len(measures) > 0 {
		t.Errorf("patches are missing: %v", measures)
	}
}

func TestInterval(t *testing.T) {
	box, err := pde.NewBox([]string{"x"}, []float64{-2}, []float64{5})
	if err != nil {
		t.Fatal(err)
	}
	for i, patch := range box.Boundary() {
		point, normal := patch.At(nil)
		if want := []float64{-2, 5}[i]; patch.Measure != 1 || point[0] != want || normal[0] != []float64{-1, 1}[i] {
			t.Errorf("end %q is %v with normal %v and measure %v", patch.Name, point, normal, patch.Measure)
		}
	}
}

func TestNewBoxErrors(t *testing.T) {
	for _, c := range []struct {
		names  []string
		lo, hi []float64
		word   string
	}{
		{nil, nil, nil, "at least one"},
		{[]string{"x"}, []float64{0, 0}, []float64{1, 1}, "1 coordinates, 2 lower"},
		{[]string{"x", "y"}, []float64{0, 0}, []float64{1}, "1 upper"},
		{[]string{"x", "y"}, []float64{0, 1}, []float64{1, 1}, "y goes from 1 to 1"},
		{[]string{"x"}, []float64{math.NaN()}, []float64{1}, "x goes from NaN"},
		{[]string{"x"}, []float64{0}, []float64{math.Inf(1)}, "+Inf"},
	} {
		if _, err := pde.NewBox(c.names, c.lo, c.hi); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("NewBox(%q, %v, %v): error %v, want one that mentions %q", c.names, c.lo, c.hi, err, c.word)
		}
	}
}

func TestCheck(t *testing.T) {
	var none *pde.Problem
	if err := none.Check(); err == nil || !strings.Contains(err.Error(), "nil") {
		t.Errorf("a nil problem: %v", err)
	}
	for word, spoil := range map[string]func(p *pde.Problem){
		"no Domain":                       func(p *pde.Problem) { p.Domain = nil },
		"names 1 coordinates":             func(p *pde.Problem) { p.Coordinates = p.Coordinates[:1] },
		"no unknowns":                     func(p *pde.Problem) { p.Unknowns = nil },
		"no equations":                    func(p *pde.Problem) { p.Equations = nil },
		`equation 0 ("Poisson")`:          func(p *pde.Problem) { p.Equations[0].Residual = nil },
		`condition 0 ("Dirichlet")`:       func(p *pde.Problem) { p.Conditions[0].Residual = nil },
		`on the patch "z-"`:               func(p *pde.Problem) { p.Conditions[0].On = []string{"x-", "z-"} },
		"gives 1 values, expected 2, one": func(p *pde.Problem) { p.Unknowns = []string{"u", "v"} },
	} {
		p := pde.Poisson2D()
		spoil(p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
}
