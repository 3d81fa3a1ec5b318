package pde_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/pde"
)

// TestCatalogue: every problem is complete, and none can be taken for another.
func TestCatalogue(t *testing.T) {
	keys, names := map[string]bool{}, map[string]bool{}
	for _, p := range pde.Catalogue() {
		if err := p.Check(); err != nil {
			t.Error(err)
		}
		if p.Key == "" || keys[p.Key] || p.Key != strings.ToLower(p.Key) || strings.ContainsAny(p.Key, " _") {
			t.Errorf("the key of %q is %q, expected a short one in lower case that no other problem has", p.Name, p.Key)
		}
		if p.Name == "" || names[p.Name] {
			t.Errorf("a problem is named %q, expected a name that no other problem has", p.Name)
		}
		keys[p.Key], names[p.Name] = true, true
		if p.Source == "" || p.Exact == nil && p.Reference == nil {
			t.Errorf("%q has no source or no solution", p.Name)
		}
		s := p.Suggested
		if len(s.Hidden) == 0 || s.Interior <= 0 || s.Boundary <= 0 || s.BoundaryWeight < 0 {
			t.Errorf("%q suggests %+v, expected a network and numbers of points", p.Name, s)
		}
		if last := len(p.Coordinates) - 1; slices.Contains(p.Coordinates, "t") && p.Coordinates[last] != "t" {
			t.Errorf("the coordinates of %q are %q, expected time last", p.Name, p.Coordinates)
		}
		for _, c := range p.Conditions {
			if slices.Contains(c.On, "t+") || len(c.On) == 0 && len(c.Points) == 0 && slices.Contains(p.Coordinates, "t") {
				t.Errorf("%q has a condition %q at the end of time", p.Name, c.Name)
			}
		}
		for _, c := range p.Coefficients {
			if math.IsNaN(c.True) || c.Start == c.True {
				t.Errorf("%q starts its coefficient %q at %v, and the truth is %v", p.Name, c.Name, c.Start, c.True)
			}
		}
		got, err := pde.Named(p.Key)
		if err != nil || got.Name != p.Name {
			t.Errorf("Named(%q): %v, %v", p.Key, got, err)
		}
	}
	if _, err := pde.Named("burger"); err == nil || !strings.Contains(err.Error(), `"burger"`) || !strings.Contains(err.Error(), "heat1d, ") || !strings.Contains(err.Error(), "burgers, ") {
		t.Errorf("an unknown key: %v", err)
	}
}

// TestParameters: Check reports a parameter that makes no problem.
func TestParameters(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		problem *pde.Problem
		words   string
	}{
		{pde.Poisson(0), "pde.Poisson: d is 0, expected 1 to 100"},
		{pde.Poisson(101), "d is 101"},
		{pde.Heat(0), "pde.Heat: d is 0, expected 1 to 99"},
		{pde.Heat(100), "d is 100"},
		{pde.Helmholtz(0, 1, 1), "pde.Helmholtz: a1 is 0"},
		{pde.Helmholtz(1, -1, 1), "a2 is -1"},
		{pde.Helmholtz(1, 1, nan), "k is NaN"},
		{pde.Helmholtz(1, 1, -1), "k is -1"},
		{pde.Burgers(0), "pde.Burgers: nu is 0"},
		{pde.Burgers(nan), "nu is NaN"},
		{pde.ReactionDiffusion(0, 5), "pde.ReactionDiffusion: nu is 0"},
		{pde.ReactionDiffusion(3, inf), "rho is +Inf"},
		{pde.Convection(inf), "pde.Convection: beta is +Inf"},
		{pde.Reaction(nan), "pde.Reaction: rho is NaN"},
		{pde.Wave(-1, 1, 0), "pde.Wave: c is -1"},
		{pde.Wave(1, 0, 0), "T is 0"},
		{pde.Wave(1, 1, -1), "beta is -1"},
		{pde.KuramotoSivashinsky(1.5), "pde.KuramotoSivashinsky: T is 1.5"},
		{pde.KuramotoSivashinsky(0), "T is 0"},
		{pde.Kovasznay(0), "pde.Kovasznay: re is 0"},
		{pde.Cavity(0.5), "pde.Cavity: re is 0.5"},
		{pde.Cavity(4000), "re is 4000"},
		{pde.CavitySmooth(math.NaN()), "pde.CavitySmooth: re is NaN"},
		{pde.TaylorGreen(0), "pde.TaylorGreen: nu is 0"},
		{pde.GrayScott(3), "pde.GrayScott: T is 3"},
	} {
		if err := c.problem.Check(); err == nil || !strings.Contains(err.Error(), c.words) || !strings.Contains(err.Error(), "expected") {
			t.Errorf("error %v, want one that mentions %q and what was expected", err, c.words)
		}
	}
	for _, p := range []*pde.Problem{
		pde.Poisson(1), pde.Poisson(2), pde.Heat(1), pde.Heat(99), pde.Helmholtz(2, 3, 0), pde.Burgers(1), pde.Convection(0),
		pde.ReactionDiffusion(0.5, 1), pde.Wave(1, 1, 1), pde.KuramotoSivashinsky(1), pde.Kovasznay(1), pde.Cavity(3200),
		pde.CavitySmooth(1), pde.TaylorGreen(1), pde.GrayScott(0.1),
	} {
		if err := p.Check(); err != nil {
			t.Error(err)
		}
	}
}

func TestCheck(t *testing.T) {
	var none *pde.Problem
	if err := none.Check(); err == nil || !strings.Contains(err.Error(), "nil") {
		t.Errorf("a nil problem: %v", err)
	}
	for word, spoil := range map[string]func(p *pde.Problem){
		"no Domain":           func(p *pde.Problem) { p.Domain = nil },
		"Suggested.Stretch":   func(p *pde.Problem) { p.Suggested.Stretch = []float64{1} },
		"names 1 coordinates": func(p *pde.Problem) { p.Coordinates = p.Coordinates[:1] },
		`two coordinates of problem "Poisson 2D" are named "x"`: func(p *pde.Problem) { p.Coordinates = []string{"x", "x"} },
		"no unknowns":                                     func(p *pde.Problem) { p.Unknowns = nil },
		"gives 1 values, expected 2, one":                 func(p *pde.Problem) { p.Unknowns = []string{"u", "v"} },
		"no equations":                                    func(p *pde.Problem) { p.Equations, p.Energy, p.Weak = nil, nil, nil },
		`equation 0 ("Poisson")`:                          func(p *pde.Problem) { p.Equations[0].Residual = nil },
		`weak form 0 ("Poisson")`:                         func(p *pde.Problem) { p.Weak[0].Terms = nil },
		`are named "Dirichlet u"`:                         func(p *pde.Problem) { p.Equations[0].Name = "Dirichlet u" },
		`condition 0 ("Dirichlet u")`:                     func(p *pde.Problem) { p.Conditions[0].Residual = nil },
		`on the patch "z-"`:                               func(p *pde.Problem) { p.Conditions[0].On = []string{"x-", "z-"} },
		"has 1 Periods, expected one for each":            func(p *pde.Problem) { p.Periods = []float64{1} },
		"period of problem \"Poisson 2D\" is -1":          func(p *pde.Problem) { p.Periods = []float64{0, -1} },
		"is NaN, expected a finite number":                func(p *pde.Problem) { p.Periods = []float64{math.NaN(), 0} },
		`Compare of problem "Poisson 2D" names "u" twice`: func(p *pde.Problem) { p.Compare = []string{"u", "u"} },
		`Compare of problem "Poisson 2D" names "p"`:       func(p *pde.Problem) { p.Compare = []string{"u", "p"} },
		`Exactly of problem "Poisson 2D" names "poisson"`: func(p *pde.Problem) { p.Exactly = []string{"poisson"} },
		"neither an Ansatz nor Periods":                   func(p *pde.Problem) { p.Ansatz, p.Exactly = nil, []string{"Dirichlet u"} },
		`coefficient "k" of problem "Poisson 2D" starts at +Inf`: func(p *pde.Problem) {
			p.Coefficients = []pde.Coefficient{{Name: "k", Start: math.Inf(1)}}
		},
		`two coefficients of problem "Poisson 2D"`: func(p *pde.Problem) {
			p.Coefficients = []pde.Coefficient{{Name: "k"}, {Name: "k"}}
		},
	} {
		p := pde.Poisson2D()
		spoil(p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
	p := pde.Poisson2D()
	if p.Equations = nil; p.Check() != nil {
		t.Errorf("an energy alone is refused: %v", p.Check())
	}
}

func TestSolution(t *testing.T) {
	p := pde.Poisson2D()
	if f, err := p.Solution(context.Background()); err != nil || math.Abs(f([]float64{0.5, 0.5})[0]-1) > 1e-15 {
		t.Errorf("the exact solution: %v", err)
	}
	p.Exact = nil
	if f, err := p.Solution(context.Background()); f != nil || err != nil {
		t.Errorf("no solution: %v", err)
	}
	failure := errors.New("no convergence")
	p.Reference = func(context.Context) (pde.Field, error) { return nil, failure }
	if _, err := p.Solution(context.Background()); !errors.Is(err, failure) || !strings.Contains(err.Error(), "Poisson 2D") {
		t.Errorf("a reference that fails: %v", err)
	}
}

func TestSoft(t *testing.T) {
	names := func(p *pde.Problem) string {
		var all []string
		for _, c := range p.Soft() {
			all = append(all, c.Name)
		}
		return strings.Join(all, ", ")
	}
	plain := pde.Poisson2D()
	plain.Ansatz = nil
	for _, c := range []struct {
		problem *pde.Problem
		want    string
	}{
		{pde.Poisson2D(), ""},
		{plain, "Dirichlet u"},
		{pde.EulerBernoulli(), "moment x+, shear x+"},
		{pde.AllenCahn(), ""},
		{pde.ReactionDiffusion(3, 5), "initial u"},
		{pde.KdVCosine(), ""},
		{pde.Cavity(100), "data of p"},
	} {
		if got := names(c.problem); got != c.want {
			t.Errorf("%s: %q are left, want %q", c.problem.Name, got, c.want)
		}
	}
}

// TestFlatSource: a function of points may have shape [N] where u has [N, 1].
func TestFlatSource(t *testing.T) {
	p := pde.Poisson(3) // its source has shape [N]
	got := call(t, pureGo(t), func(in []*graph.Node) *graph.Node {
		return p.Equations[0].Residual(pde.NewFields(p, pde.Inputs{X: in[0], U: pde.Column(in[0], 0)}))
	}, [][]float64{{0, 0, 0}, {1, 0, 1}})
	if want := math.Pi * math.Pi; len(got) != 2 || math.Abs(got[0]-3*want) > 1e-12 || math.Abs(got[1]+want) > 1e-12 {
		t.Errorf("the residual is %v, want [3π² −π²]", got)
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
