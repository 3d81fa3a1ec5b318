package pde_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/pde"
)

// sidesOf computes the residual of a condition at its points and their partners, for a function.
func sidesOf(t *testing.T, p *pde.Problem, c pde.Condition, u pde.Function) []float64 {
	t.Helper()
	out, err := graph.CallOnce(backendtest.Best(t), func(before, after, normals *graph.Node) *graph.Node {
		other := pde.NewFields(p, pde.Inputs{X: after, U: u(after), Normal: normals})
		return graph.Reshape(c.Residual(pde.NewFields(p, pde.Inputs{X: before, U: u(before), Normal: normals, Partner: other})), len(c.Points))
	}, c.Points, c.Partners, c.Normals)
	if err != nil {
		t.Fatal(err)
	}
	return out.Value().([]float64)
}

// TestInterface: across a line where a jumps from 1 to 4 the residuals are the jump of the values and that of the flux, where a stands on each side
// with the value there; those of a solution vanish.
func TestInterface(t *testing.T) {
	box, err := pde.NewBox([]string{"x", "y"}, []float64{-1, 0}, []float64{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	line, err := box.Section("x", 0.25, 9)
	if err != nil {
		t.Fatal(err)
	}
	p := &pde.Problem{Coordinates: []string{"x", "y"}, Unknowns: []string{"u"}, Domain: box}
	right := func(x *graph.Node, before, after *graph.Node) *graph.Node {
		return graph.Where(graph.GreaterThan(x, graph.MulScalar(graph.OnesLike(x), 0.25)), after, before)
	}
	// u = (x − ¼)·k·y + jump from ¼ on, with k = 4 before and slope after.
	function := func(slope, jump float64) pde.Function {
		return func(at *graph.Node) *graph.Node {
			x, y := pde.Column(at, 0), pde.Column(at, 1)
			v := graph.Mul(graph.AddScalar(x, -0.25), y)
			return right(x, graph.MulScalar(v, 4), graph.AddScalar(graph.MulScalar(v, slope), jump))
		}
	}
	flux := pde.EqualFlux("flux", line, func(u *pde.Fields) *graph.Node {
		x := u.At("x")
		a := right(x, graph.OnesLike(x), graph.MulScalar(graph.OnesLike(x), 4))
		return graph.Concatenate([]*graph.Node{graph.Mul(a, u.D("x")), graph.Mul(a, u.D("y"))}, 1)
	})
	for _, c := range []struct {
		condition   pde.Condition
		slope, jump float64
		want        func(y float64) float64
	}{
		{pde.Continuous("u", line), 1, 0, func(float64) float64 { return 0 }},
		{pde.Continuous("u", line), 1, 0.5, func(float64) float64 { return 0.5 }},
		{flux, 1, 0.5, func(float64) float64 { return 0 }}, // 4 to the left, 4·1 to the right
		{flux, 4, 0, func(y float64) float64 { return 12 * y }},
	} {
		for n, got := range sidesOf(t, p, c.condition, function(c.slope, c.jump)) {
			if want := c.want(line.Points[n][1]); math.Abs(got-want) > 2e-8 {
				t.Errorf("%s, slope %g, jump %g: at %v it is %g, want %g", c.condition.Name, c.slope, c.jump, line.Points[n], got, want)
			}
		}
	}
}

// TestEqualResidual: the residual of −∇·(a∇u) = f is the same on both sides for the exact solution, across which a and f jump, and is not for
// functions that solve it on one side only.
func TestEqualResidual(t *testing.T) {
	box, err := pde.NewBox([]string{"x", "y"}, []float64{-1, 0}, []float64{1, 1})
	if err != nil {
		t.Fatal(err)
	}
	line, err := box.Section("x", 0, 9)
	if err != nil {
		t.Fatal(err)
	}
	p := &pde.Problem{Coordinates: []string{"x", "y"}, Unknowns: []string{"u"}, Domain: box}
	side := func(x *graph.Node, before, after float64) *graph.Node {
		one := graph.OnesLike(x)
		return graph.Where(graph.GreaterThan(x, graph.ZerosLike(x)), graph.MulScalar(one, after), graph.MulScalar(one, before))
	}
	// u = (x/a + slope·x²)·y with a = 1 and 4, and f = −ay, whose solution has the slope ½ on both sides.
	u := func(before, after float64) pde.Function {
		return func(at *graph.Node) *graph.Node {
			x, y := pde.Column(at, 0), pde.Column(at, 1)
			return graph.Mul(y, graph.Add(graph.Div(x, side(x, 1, 4)), graph.Mul(side(x, before, after), graph.Square(x))))
		}
	}
	same := pde.EqualResidual("residual", line, func(u *pde.Fields) *graph.Node {
		a := side(u.At("x"), 1, 4)
		return graph.Add(graph.Mul(a, u.Laplacian()), graph.Neg(graph.Mul(a, u.At("y")))) // −f = −ay
	})
	for _, c := range []struct{ before, after, want float64 }{
		{0.5, 0.5, 0},  // solves it
		{0.5, 0.75, 2}, // after: a(2·¾ − 1)y
		{1, 0.625, 0},  // wrong by as much on both sides, which it does not see
		{-1, 0.5, 3},   // before: (−2 − 1)y
	} {
		for n, got := range sidesOf(t, p, same, u(c.before, c.after)) {
			if want := c.want * line.Points[n][1]; math.Abs(got-want) > 1e-7 {
				t.Errorf("for %g and %g at %v it is %g, want %g", c.before, c.after, line.Points[n], got, want)
			}
		}
	}
}

// TestInterfaceOfACurve: normals are those at the points, and sides lie along them.
func TestInterfaceOfACurve(t *testing.T) {
	circle := pde.Surface{Normal: func(p []float64) []float64 { return []float64{p[0] / 0.5, p[1] / 0.5} }}
	for n := range 12 {
		angle := 2 * math.Pi * float64(n) / 12
		circle.Points = append(circle.Points, []float64{0.5 * math.Cos(angle), 0.5 * math.Sin(angle)})
	}
	c := pde.Continuous("u", circle)
	for n, point := range c.Points {
		before, after := math.Hypot(point[0], point[1]), math.Hypot(c.Partners[n][0], c.Partners[n][1])
		if !(before < 0.5 && after > 0.5 && after-before < 3e-9) || fmt.Sprint(c.Normals[n]) != fmt.Sprint(circle.Normal(circle.Points[n])) {
			t.Errorf("point %d is %g before and %g after the circle, with the normal %v", n, before-0.5, after-0.5, c.Normals[n])
		}
	}
}

// TestSection: the points lie evenly on it.
func TestSection(t *testing.T) {
	for d := 1; d <= 4; d++ {
		names := []string{"x", "y", "z", "t"}[:d]
		lo, hi := make([]float64, d), make([]float64, d)
		for i := range hi {
			lo[i], hi[i] = -1, float64(i)+1
		}
		box, err := pde.NewBox(names, lo, hi)
		if err != nil {
			t.Fatal(err)
		}
		axis := d - 1
		s, err := box.Section(names[axis], 0.5, 200)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{true: 1, false: 200}[d == 1]; len(s.Points) != want {
			t.Fatalf("in %d dimensions there are %d points, want %d", d, len(s.Points), want)
		}
		mean := make([]float64, d)
		for _, p := range s.Points {
			if p[axis] != 0.5 || !box.Contains(p) || s.Normal(p)[axis] != 1 {
				t.Fatalf("%v is not on the section, or has the normal %v", p, s.Normal(p))
			}
			for i, v := range p {
				mean[i] += v / float64(len(s.Points))
			}
		}
		for i, m := range mean {
			if middle := (lo[i] + hi[i]) / 2; i != axis && math.Abs(m-middle) > 0.02*(hi[i]-lo[i]) {
				t.Errorf("in %d dimensions the mean of %s is %g, want %g", d, names[i], m, middle)
			}
		}
	}
	box, err := pde.NewInterval("x", 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	for want, ask := range map[string]func() (pde.Surface, error){
		`at "y", expected one of its coordinates ["x"]`: func() (pde.Surface, error) { return box.Section("y", 0.5, 1) },
		"at x = 1, expected a number between 0 and 1":   func() (pde.Surface, error) { return box.Section("x", 1, 1) },
		"at x = NaN, expected a number between":         func() (pde.Surface, error) { return box.Section("x", math.NaN(), 1) },
		"for 0 points, expected at least 1":             func() (pde.Surface, error) { return box.Section("x", 0.5, 0) },
	} {
		if _, err := ask(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one that says %q", err, want)
		}
	}
}

// TestPartnersDuring: in a part of the time points keep their partners.
func TestPartnersDuring(t *testing.T) {
	box, err := pde.NewBox([]string{"x", "t"}, []float64{0, 0}, []float64{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	p := &pde.Problem{Name: "p", Coordinates: []string{"x", "t"}, Unknowns: []string{"u"}, Domain: box,
		Equations: []pde.Equation{{Name: "e", Residual: func(u *pde.Fields) *graph.Node { return u.D("x") }}},
		Conditions: []pde.Condition{{Name: "pairs", Residual: func(u *pde.Fields) *graph.Node { return graph.Sub(u.U(), u.Partner().U()) },
			Points:   [][]float64{{0.1, 0.5}, {0.2, 1.5}, {0.3, 0.7}, {0.4, 1.7}},
			Partners: [][]float64{{0.9, 0.5}, {0.8, 1.5}, {0.7, 0.7}, {0.6, 1.7}}}},
	}
	late, err := p.During(1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if c := late.Conditions[0]; fmt.Sprint(c.Points, c.Partners) != "[[0.2 1.5] [0.4 1.7]] [[0.8 1.5] [0.6 1.7]]" {
		t.Errorf("from 1 on the points are %v and their partners %v", c.Points, c.Partners)
	}
}

// TestInterfaceRefuses: what is no condition between two sides says so when the problem is checked.
func TestInterfaceRefuses(t *testing.T) {
	box, err := pde.NewInterval("x", 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	middle, err := box.Section("x", 0.5, 1)
	if err != nil {
		t.Fatal(err)
	}
	along := func(normal ...float64) pde.Surface {
		return pde.Surface{Points: middle.Points, Normal: func([]float64) []float64 { return normal }}
	}
	changed := func(change func(c *pde.Condition)) pde.Condition {
		c := pde.Continuous("u", middle)
		change(&c)
		return c
	}
	for want, c := range map[string]pde.Condition{
		"has no Residual, because Interface was given none":                pde.Interface("a", middle, nil),
		"has no Residual, because EqualFlux was given no flux":             pde.EqualFlux("a", middle, nil),
		"has no Residual, because EqualResidual was given no residual":     pde.EqualResidual("a", middle, nil),
		"has 2 Partners for 1 Points":                                      changed(func(c *pde.Condition) { c.Partners = append(c.Partners, []float64{0.5}) }),
		"has the partner [0.5 1] of point 0, expected 1 finite numbers":    changed(func(c *pde.Condition) { c.Partners = [][]float64{{0.5, 1}} }),
		"has the partner [NaN] of point 0":                                 changed(func(c *pde.Condition) { c.Partners = [][]float64{{math.NaN()}} }),
		"has a Partner and Partners, expected one of them":                 changed(func(c *pde.Condition) { c.Partner = func(p []float64) []float64 { return p } }),
		"is on a surface of 0 points, expected at least one, and a Normal": pde.Continuous("u", pde.Surface{Normal: middle.Normal}),
		"is on a surface of 1 points, expected at least one, and a Normal": pde.Continuous("u", pde.Surface{Points: middle.Points}),
		"is on a surface with the normal [2] at [0.5], expected 1 numbers": pde.Continuous("u", along(2)),
		"is on a surface with the normal [1 0] at [0.5]":                   pde.Continuous("u", along(1, 0)),
		"is on a surface with the normal [NaN] at [0.5]":                   pde.Continuous("u", along(math.NaN())),
		"Normal of a Surface (":                                            pde.Continuous("u", pde.Surface{Points: middle.Points, Normal: func(p []float64) []float64 { return p[5:6] }}),
		"has the point 0 at [1.9999999":                                    pde.Continuous("u", pde.Surface{Points: [][]float64{{2}}, Normal: middle.Normal}),
	} {
		p := &pde.Problem{Name: "p", Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: box, Conditions: []pde.Condition{c},
			Equations: []pde.Equation{{Name: "e", Residual: func(u *pde.Fields) *graph.Node { return u.D("x") }}}}
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one that says %q", err, want)
		}
	}
}
