package pde_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/pde"
)

// two is a problem with two coordinates, two unknowns and two coefficients, to ask fields of.
var two = &pde.Problem{
	Name:         "two",
	Coordinates:  []string{"x", "t"},
	Unknowns:     []string{"u", "v"},
	Coefficients: []pde.Coefficient{{Name: "k"}, {Name: "log m"}},
}

// polynomials are u = x²t and v = x + t³, of shape [N, 2].
func polynomials(x *graph.Node) *graph.Node {
	a, b := pde.Column(x, 0), pde.Column(x, 1)
	return graph.Concatenate([]*graph.Node{
		graph.Mul(graph.Square(a), b),
		graph.Add(a, graph.Mul(b, graph.Square(b))),
	}, 1)
}

func TestFields(t *testing.T) {
	// At (2, 3): u = 12, u_x = 12, u_t = 4, u_xx = 6, u_xt = 4, v = 29, v_x = 1, v_t = 27, v_tt = 18. At (1, −1):
	// u = −1, u_x = −2, u_t = 1, u_xx = −2, u_xt = 2, v = 0, v_x = 1, v_t = 3, v_tt = −6.
	points := [][]float64{{2, 3}, {1, -1}}
	normals := [][]float64{{0, 1}, {0.6, -0.8}}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, c := range map[string]struct {
			ask  func(u *pde.Fields) *graph.Node
			want []float64
		}{
			"D(t)":             {func(u *pde.Fields) *graph.Node { return u.D("t") }, []float64{4, 27, 1, 3}},
			"D(x, t)":          {func(u *pde.Fields) *graph.Node { return u.D("x", "t") }, []float64{4, 0, 2, 0}},
			"Of(u)":            {func(u *pde.Fields) *graph.Node { return u.Of("u").U() }, []float64{12, -1}},
			"Of(v)":            {func(u *pde.Fields) *graph.Node { return u.Of("v").U() }, []float64{29, 0}},
			"Of(u).Of(v)":      {func(u *pde.Fields) *graph.Node { return u.Of("u").Of("v").U() }, []float64{29, 0}},
			"Of(u).D(x, x)":    {func(u *pde.Fields) *graph.Node { return u.Of("u").D("x", "x") }, []float64{6, -2}},
			"Of(v).D(t, t)":    {func(u *pde.Fields) *graph.Node { return u.Of("v").D("t", "t") }, []float64{18, -6}},
			"At(t)":            {func(u *pde.Fields) *graph.Node { return u.At("t") }, []float64{3, -1}},
			"Axis(t)":          {func(u *pde.Fields) *graph.Node { return u.Coordinate(u.Axis("t")) }, []float64{3, -1}},
			"−Normal":          {func(u *pde.Fields) *graph.Node { return graph.Neg(u.Normal()) }, []float64{0, -1, -0.6, 0.8}},
			"NormalDerivative": {func(u *pde.Fields) *graph.Node { return u.NormalDerivative() }, []float64{4, 27, -2, -1.8}},
			"Of(u) along n":    {func(u *pde.Fields) *graph.Node { return u.Of("u").NormalDerivative() }, []float64{4, -2}},
			"−Values":          {func(u *pde.Fields) *graph.Node { return graph.Neg(u.Values()) }, []float64{-7, -8}},
			"Coefficient(k)": {func(u *pde.Fields) *graph.Node { return graph.Mul(u.Coefficient("k"), u.Of("u").U()) },
				[]float64{60, -5}},
			"Coefficient(log m)": {func(u *pde.Fields) *graph.Node { return u.Of("v").Coefficient("log m") }, []float64{6}},
			// The partner of (x, t) is (x+1, t): u = (x+1)²t, u_x = 2(x+1)t.
			"Partner": {func(u *pde.Fields) *graph.Node { return u.Partner().Of("u").D("x") }, []float64{18, -4}},
		} {
			got := call(t, b, func(in []*graph.Node) *graph.Node {
				return c.ask(pde.NewFields(two, pde.Inputs{
					X: in[0], U: polynomials(in[0]), Normal: in[1], Values: in[2], Coefficients: in[3],
					Partner: pde.NewFields(two, pde.Inputs{X: in[4], U: polynomials(in[4])}),
				}))
			}, points, normals, [][]float64{{7}, {8}}, []float64{5, 6}, [][]float64{{3, 3}, {2, -1}})
			if len(got) != len(c.want) {
				t.Errorf("%s: %v, want %v", name, got, c.want)
				continue
			}
			for i := range got {
				if math.Abs(got[i]-c.want[i]) > 1e-13 {
					t.Errorf("%s: %v, want %v", name, got, c.want)
					break
				}
			}
		}
	})
}

// TestSingleUnknown: a single unknown is all of u, so that nothing is sliced.
func TestSingleUnknown(t *testing.T) {
	p := pde.Poisson2D()
	call(t, pureGo(t), func(in []*graph.Node) *graph.Node {
		u := pde.NewFields(p, pde.Inputs{X: in[0], U: pde.Column(in[0], 0)})
		if u.Of("u") != u || u.Of("u").U() != u.U() {
			t.Error("the only unknown is another node than all of them")
		}
		return u.U()
	}, [][]float64{{1, 2}})
}

// TestMisuse: what is not there is refused in words.
func TestMisuse(t *testing.T) {
	b := pureGo(t)
	for word, ask := range map[string]func(u *pde.Fields) *graph.Node{
		`"y" is not a coordinate of problem "two", expected one of ["x" "t"]`: func(u *pde.Fields) *graph.Node { return u.D("t", "y") },
		`"z" is not a coordinate`:                         func(u *pde.Fields) *graph.Node { return u.At("z") },
		`"p" is not an unknown of problem "two"`:          func(u *pde.Fields) *graph.Node { return u.Of("p").U() },
		`"c" is not a coefficient of problem "two"`:       func(u *pde.Fields) *graph.Node { return u.Coefficient("c") },
		"normals are known on the boundary only":          func(u *pde.Fields) *graph.Node { return u.NormalDerivative() },
		"the condition has no Values":                     func(u *pde.Fields) *graph.Node { return u.Values() },
		"there are no coefficients here":                  func(u *pde.Fields) *graph.Node { return u.Coefficient("k") },
		"asks for Partner, but its condition has none":    func(u *pde.Fields) *graph.Node { return u.Partner().U() },
		"no axes were given":                              func(u *pde.Fields) *graph.Node { return u.D() },
		`"x" is not a coordinate of problem "", expected`: func(u *pde.Fields) *graph.Node { return pde.NewFields(nil, pde.Inputs{X: u.X(), U: u.U()}).D("x") },
	} {
		_, err := graph.CallOnce(b, func(x *graph.Node) *graph.Node {
			return ask(pde.NewFields(two, pde.Inputs{X: x, U: polynomials(x)}))
		}, [][]float64{{1, 2}})
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
}
