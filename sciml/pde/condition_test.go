package pde_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/pde"
)

// TestConditions evaluates every condition for u = x²t, v = x + t³ against values worked out by hand.
func TestConditions(t *testing.T) {
	box, err := pde.NewBox([]string{"x", "t"}, []float64{2, -1}, []float64{5, 3})
	if err != nil {
		t.Fatal(err)
	}
	points := [][]float64{{2, 3}, {2, -1}}
	normals := [][]float64{{-1, 0}, {-1, 0}}
	flux := func(x, n *graph.Node) *graph.Node {
		return graph.ReduceSum(graph.Mul(graph.Concatenate([]*graph.Node{pde.Column(x, 1), pde.Column(x, 0)}, 1), n), 1)
	}
	flat := func(x *graph.Node) *graph.Node { return graph.ReduceSum(x, 1) } // x + t = 5, 1; of shape [N]
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for _, c := range []struct {
			condition pde.Condition
			name      string
			on        []string
			want      []float64
		}{
			{pde.Dirichlet("u", nil), "Dirichlet u", nil, []float64{12, -4}},
			{pde.Dirichlet("v", flat, "x-", "t+"), "Dirichlet v x-,t+", []string{"x-", "t+"}, []float64{24, 0}},
			{pde.DirichletValues("u", func(p []float64) float64 { return p[0] * p[1] }, "x-"), "Dirichlet u x-", []string{"x-"}, []float64{6, -2}},
			{pde.Neumann("u", nil), "Neumann u", nil, []float64{-12, 4}},
			{pde.Neumann("u", flat, "x-"), "Neumann u x-", []string{"x-"}, []float64{-17, 3}},
			{pde.Robin("u", 2, nil, "x-"), "Robin u x-", []string{"x-"}, []float64{12, -4}},
			{pde.Robin("v", 2, flat), "Robin v", nil, []float64{52, 0}},
			{pde.Dirichlet("v", pde.Constant(-3)), "Dirichlet v", nil, []float64{32, 4}},
			{pde.Initial("u", pde.Constant(0.5)), "initial u", []string{"t-"}, []float64{11.5, -4.5}},
			// The flux (t, x), whose product with the normal (−1, 0) is −t.
			{pde.NeumannWithNormal("u", flux, "x-"), "Neumann u x-", []string{"x-"}, []float64{-9, 3}},
			{pde.NeumannWithNormal("u", nil), "Neumann u", nil, []float64{-12, 4}},
			{pde.RobinWithNormal("u", 2, flux, "x-"), "Robin u x-", []string{"x-"}, []float64{15, -5}},
			{pde.RobinWithNormal("u", 2, nil), "Robin u", nil, []float64{12, -4}},
			{pde.Neumann("u", nil).Robust(graph.Square), "Neumann u", nil, []float64{144, 16}},
			{pde.Initial("v", flat), "initial v", []string{"t-"}, []float64{24, 0}},
			{pde.Initial("u", nil), "initial u", []string{"t-"}, []float64{12, -4}},
			{pde.InitialRate("v", flat), "initial rate of v", []string{"t-"}, []float64{22, 2}},
			{pde.InitialRate("u", nil), "initial rate of u", []string{"t-"}, []float64{4, 4}},
			{pde.Measured("v", points, []float64{30, -1}), "data of v", nil, []float64{-1, 2}},
			// From x = 2 to its partner at 5: u grows by 21t, v by 3, u_x by 6t, v_x by 0.
			{pde.Periodic(box, "x", 2), "periodic x", []string{"x-"}, []float64{-63, -3, -18, 0, 21, -3, 6, 0}},
			{pde.Periodic(box, "x", 1), "periodic x", []string{"x-"}, []float64{-63, -3, 21, -3}},
		} {
			condition := c.condition
			if condition.Name != c.name || !slices.Equal(condition.On, c.on) {
				t.Errorf("a condition is named %q and on %q, want %q on %q", condition.Name, condition.On, c.name, c.on)
			}
			partners, values := points, [][]float64{{0}, {0}}
			for n, point := range points {
				if condition.Partner != nil {
					partners = append(slices.Clone(partners[:n]), condition.Partner(point), point)[:2]
				}
				if condition.Values != nil {
					values[n] = condition.Values(n, point)
				}
			}
			got := call(t, b, func(in []*graph.Node) *graph.Node {
				return condition.Residual(pde.NewFields(two, pde.Inputs{
					X: in[0], U: polynomials(in[0]), Normal: in[1], Values: in[2],
					Partner: pde.NewFields(two, pde.Inputs{X: in[3], U: polynomials(in[3])}),
				}))
			}, points, normals, values, partners)
			if len(got) != len(c.want) {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
				continue
			}
			for i := range got {
				if math.Abs(got[i]-c.want[i]) > 1e-12 {
					t.Errorf("%s: %v, want %v", c.name, got, c.want)
					break
				}
			}
		}
	})
	if points[0][0] != 2 || points[1][1] != -1 {
		t.Errorf("the points were changed to %v", points)
	}
}

func TestDistanceAndLift(t *testing.T) {
	box, err := pde.NewBox([]string{"x", "y"}, []float64{-1, 0}, []float64{1, 4})
	if err != nil {
		t.Fatal(err)
	}
	points := [][]float64{{0, 2}, {0.5, 1}, {-1, 3}, {0.5, 4}}
	b := pureGo(t)
	second := func(x *graph.Node) *graph.Node { return pde.Column(x, 1) }
	for _, c := range []struct {
		name string
		of   pde.Function
		want []float64
	}{
		{"all axes", pde.Bump(box), []float64{1, 0.5625, 0, 0}},
		{"x", pde.Bump(box, 0), []float64{1, 0.75, 0, 0.75}},
		{"y", pde.Bump(box, 1), []float64{1, 0.75, 0.75, 0}},
		{"distance", func(x *graph.Node) *graph.Node {
			return pde.DistanceAndLift(pde.Bump(box, 0), nil)(x, second)
		}, []float64{2, 0.75, 0, 3}},
		{"distance and lift", func(x *graph.Node) *graph.Node {
			lift := func(x *graph.Node) *graph.Node { return pde.Column(x, 0) }
			return pde.DistanceAndLift(pde.Bump(box, 0), lift)(x, second)
		}, []float64{2, 1.25, -1, 3.5}},
		{"odd in y", func(x *graph.Node) *graph.Node { // ½(N(x, y) − N(x, 4 − y)) = 5y − 10
			network := func(x *graph.Node) *graph.Node {
				y := second(x)
				return graph.Add(graph.Add(pde.Column(x, 0), y), graph.Square(y))
			}
			return pde.Odd(box, 1, pde.DistanceAndLift(pde.Bump(box, 0), nil))(x, network)
		}, []float64{0, -3.75, 0, 7.5}},
		{"even in y", func(x *graph.Node) *graph.Node { // ½(N(x, y) + N(x, 4 − y)) = x + y² − 4y + 10
			network := func(x *graph.Node) *graph.Node {
				y := second(x)
				return graph.Add(graph.Add(pde.Column(x, 0), y), graph.Square(y))
			}
			return pde.Even(box, 1, pde.DistanceAndLift(pde.Bump(box, 0), nil))(x, network)
		}, []float64{6, 5.625, 0, 7.875}},
	} {
		got := call(t, b, func(in []*graph.Node) *graph.Node { return c.of(in[0]) }, points)
		for i := range c.want {
			if len(got) != len(c.want) || math.Abs(got[i]-c.want[i]) > 1e-14 {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
				break
			}
		}
	}
}

// TestConditionErrors: Check refuses conditions that cannot hold.
func TestConditionErrors(t *testing.T) {
	box, err := pde.NewBox([]string{"x", "y"}, []float64{0, 0}, []float64{1, 1})
	if err != nil {
		t.Fatal(err)
	}
	inside := [][]float64{{0.5, 0.5}, {1, 0}}
	zero := func(u *pde.Fields) *graph.Node { return u.U() }
	for word, c := range map[string]pde.Condition{
		`condition 0 ("void") of problem "Poisson 2D" has no Residual`:    {Name: "void"},
		`("Dirichlet u z-") of problem "Poisson 2D" is on the patch "z-"`: pde.Dirichlet("u", nil, "z-"),
		`is on the patch "t-"`: pde.Initial("u", nil),
		`("periodic z") of problem "Poisson 2D" has no Residual`:                                       pde.Periodic(box, "z", 1),
		`("periodic x") of problem "Poisson 2D" has no Residual`:                                       pde.Periodic(box, "x", 0),
		`is on the patches ["x-"] and at 2 points`:                                                     {Name: "both", On: []string{"x-"}, Points: inside, Residual: zero},
		`has the point 1 at [2 0], expected a point of the domain, which lies between [0 0] and [1 1]`: pde.Measured("u", [][]float64{{0, 0}, {2, 0}}, []float64{1, 2}),
		`has the point 0 at [1], expected a point of 2 coordinates`:                                    pde.Measured("u", [][]float64{{1}}, []float64{1}),
		`has the value NaN at point 1, [1 0]`:                                                          pde.Measured("u", inside, []float64{1, math.NaN()}),
		`("Robin u") of problem "Poisson 2D" has the coefficient alpha NaN`:                            pde.Robin("u", math.NaN(), nil),
		`is on the patch "x-" twice`:                                                                   pde.Dirichlet("u", nil, "x-", "x-"),
		`has the value +Inf at point 0`:                                                                pde.Measured("u", inside, []float64{math.Inf(1), 0}),
		`("data of u") of problem "Poisson 2D" has no Residual`:                                        pde.Measured("u", inside, []float64{1}),
		`("data of v") of problem "Poisson 2D" has no Residual`:                                        pde.Measured("v", nil, nil),
	} {
		p := pde.Poisson2D()
		p.Conditions = []pde.Condition{c}
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
}

// TestNamedConditions: sets of data of one unknown are told apart by numbers, and conditions without a name by their place. Names that a
// user gives stay, and clash if he gives one twice.
func TestNamedConditions(t *testing.T) {
	p := pde.Poisson2D()
	data := func(name string) pde.Condition {
		c := pde.Measured("u", [][]float64{{0.5, 0.5}}, []float64{1})
		if name != "" {
			c.Name = name
		}
		return c
	}
	nameless := pde.Dirichlet("u", nil)
	nameless.Name = ""
	p.Conditions = []pde.Condition{data(""), data("probe"), data("data of u 2"), nameless, data(""), data("")}
	p.Exactly = []string{"data of u", "data of u 3"}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	names := func(conditions []pde.Condition) (all []string) {
		for _, c := range conditions {
			all = append(all, c.Name)
		}
		return all
	}
	if got := names(p.NamedConditions()); !slices.Equal(got, []string{"data of u", "probe", "data of u 2", "condition 3", "data of u 3", "data of u 4"}) {
		t.Errorf("the conditions are named %q", got)
	}
	if got := names(p.Soft()); !slices.Equal(got, []string{"probe", "data of u 2", "condition 3", "data of u 4"}) {
		t.Errorf("the conditions that are left are named %q", got)
	}
	if p.Conditions[4].Name != "data of u" {
		t.Errorf("the problem was changed: %q", names(p.Conditions))
	}
	p.Conditions = []pde.Condition{data("probe"), data("probe")}
	if err := p.Check(); err == nil || !strings.Contains(err.Error(), `are named "probe"`) {
		t.Errorf("two conditions of one name: %v", err)
	}
}

// TestConstantErrors: what is not finite is no value.
func TestConstantErrors(t *testing.T) {
	_, err := graph.CallOnce(pureGo(t), func(x *graph.Node) *graph.Node { return pde.Constant(math.NaN())(x) }, [][]float64{{1, 2}})
	if err == nil || !strings.Contains(err.Error(), "pde.Constant: the value is NaN, expected a finite number") {
		t.Errorf("error %v", err)
	}
}

// TestValuesOfAnotherShape: what a condition is given is refused with the line where that is written, not one of this package.
func TestValuesOfAnotherShape(t *testing.T) {
	scalar := func(x *graph.Node) *graph.Node { return graph.ReduceAllSum(x) }
	wide := func(x, n *graph.Node) *graph.Node { return n }
	for _, c := range []pde.Condition{
		pde.Dirichlet("u", scalar), pde.Initial("u", scalar), pde.InitialRate("u", scalar), pde.Neumann("u", scalar), pde.Robin("u", 1, scalar),
		pde.NeumannWithNormal("u", wide), pde.RobinWithNormal("u", 1, wide),
	} {
		_, err := graph.CallOnce(pureGo(t), func(x *graph.Node) *graph.Node {
			return c.Residual(pde.NewFields(two, pde.Inputs{X: x, U: polynomials(x), Normal: x}))
		}, [][]float64{{1, 2}, {3, 4}, {5, 6}})
		if err == nil || !strings.Contains(err.Error(), "condition_test.go:") || !strings.Contains(err.Error(), "the function g of a condition gives shape") {
			t.Errorf("%s: error %v", c.Name, err)
		}
	}
}

// TestConditionsOfNothing: what a constructor cannot make a condition of is told by Check, with the condition's name.
func TestConditionsOfNothing(t *testing.T) {
	point := [][]float64{{0.1, 0.2}}
	for words, c := range map[string]pde.Condition{
		"because Measured was given 2 points and 1 values, expected as many of each": pde.Measured("u", append(point, point...), []float64{1}),
		"because Measured was given 0 points and 0 values":                           pde.Measured("u", nil, nil),
		"because Measured was given 0 points and 1 values":                           pde.Measured("u", nil, []float64{1}),
		"because DirichletValues was given a nil function":                           pde.DirichletValues("u", nil),
	} {
		p := pde.Poisson2D()
		p.Ansatz, p.Conditions = nil, []pde.Condition{c}
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), c.Name) {
			t.Errorf("error %v, want one of %q that says %q", err, c.Name, words)
		}
	}
}
