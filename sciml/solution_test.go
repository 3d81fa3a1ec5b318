package sciml_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

func TestPointsOutside(t *testing.T) {
	s := solve(t, pde.Poisson2D(), small(t, pureGo(t)))
	for word, point := range map[string][]float64{
		"point 1 is [0.5], expected 2 coordinates": {0.5},
		"expected 2 coordinates [x y]":             {0.5, 0.5, 0.5},
		"between [0 0] and [1 1]":                  {0.5, 1.01},
		"point 1 is [NaN 0.5]":                     {math.NaN(), 0.5},
	} {
		u, err := s.At([]float64{0.5, 0.5}, point)
		if u != nil || err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("At(%v) gives %v, %v, want an error that mentions %q", point, u, err, word)
		}
		flat, err := s.Evaluate(append([]float64{0.5, 0.5}, point...))
		if len(point) == 2 && (flat != nil || err == nil || !strings.Contains(err.Error(), word)) {
			t.Errorf("Evaluate of %v gives %v, %v, want an error that mentions %q", point, flat, err, word)
		}
	}
	if u, err := s.At(); err != nil || len(u) != 0 {
		t.Errorf("no points: %v, %v", u, err)
	}
	if u, err := s.Evaluate(nil); err != nil || len(u) != 0 {
		t.Errorf("no points in one slice: %v, %v", u, err)
	}
	if u, err := s.Evaluate([]float64{0.5, 0.5, 0.5}); u != nil || err == nil || !strings.Contains(err.Error(), "3 numbers, expected a multiple of 2") {
		t.Errorf("a point and a half: %v, %v", u, err)
	}
}

// TestOneCoordinateWithoutExactSolution: u′ = 1 with u(0) = 0, which needs no ansatz.
func TestOneCoordinateWithoutExactSolution(t *testing.T) {
	line, err := pde.NewBox([]string{"x"}, []float64{0}, []float64{1})
	if err != nil {
		t.Fatal(err)
	}
	problem := &pde.Problem{
		Name: "line", Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: line,
		Equations: []pde.Equation{{Residual: func(u *pde.Fields) *graph.Node {
			return graph.AddScalar(u.Partial(0), -1)
		}}},
		Conditions: []pde.Condition{pde.Dirichlet("u", nil, "x-")},
	}
	s := solve(t, problem, sciml.Options{Backend: pureGo(t), Method: optim.LBFGS{}, Iterations: 100, Loss: pinn.Options{Interior: 20, Boundary: 1}})
	if u, err := s.At([]float64{0.7}); err != nil || math.Abs(u[0][0]-0.7) > 1e-3 {
		t.Errorf("u(0.7) = %v, error %v", u, err)
	}
	if !math.IsNaN(s.RelativeError()) {
		t.Errorf("the error is %v without anything to compare to", s.RelativeError())
	}
	if _, err := s.Grid("", 10); err == nil || !strings.Contains(err.Error(), "expected two") {
		t.Errorf("a grid in one dimension: %v", err)
	}
}

// differences compares derivatives of a solution with central differences of its values.
func differences(t *testing.T, s *sciml.Solution, h float64, coordinates []string, stencil map[[2]float64]float64) {
	t.Helper()
	for _, p := range [][]float64{{0.3, 0.4}, {0.71, 0.15}} {
		want := make([]float64, 1)
		for shift, weight := range stencil {
			u, err := s.At([]float64{p[0] + shift[0]*h, p[1] + shift[1]*h})
			if err != nil {
				t.Fatal(err)
			}
			want[0] += weight * u[0][0]
		}
		got, err := s.Derivative(coordinates, p)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || len(got[0]) != 1 || math.Abs(got[0][0]-want[0]) > 1e-5 {
			t.Errorf("the derivative by %q at %v is %v, by differences %v", coordinates, p, got, want)
		}
	}
}

func TestDerivative(t *testing.T) {
	const h = 1e-3
	s := solve(t, pde.Poisson2D(), small(t, pureGo(t)))
	differences(t, s, h, nil, map[[2]float64]float64{{}: 1})
	differences(t, s, h, []string{"x"}, map[[2]float64]float64{{1}: 2 / 3. / h, {-1}: -2 / 3. / h, {2}: -1 / 12. / h, {-2}: 1 / 12. / h})
	differences(t, s, h, []string{"y", "y"}, map[[2]float64]float64{{0, 1}: 4 / 3. / h / h, {0, -1}: 4 / 3. / h / h, {}: -2.5 / h / h, {0, 2}: -1 / 12. / h / h, {0, -2}: -1 / 12. / h / h})
	for _, axes := range [][]string{{"x", "y"}, {"y", "x"}} { // fourth order by Richardson's extrapolation
		stencil := map[[2]float64]float64{}
		for _, a := range []float64{-1, 1} {
			for _, b := range []float64{-1, 1} {
				stencil[[2]float64{a, b}] = a * b / 3 / h / h
				stencil[[2]float64{2 * a, 2 * b}] = -a * b / 48 / h / h
			}
		}
		differences(t, s, h, axes, stencil)
	}
	if d, err := s.Derivative([]string{"x"}); err != nil || len(d) != 0 {
		t.Errorf("the derivative at no points is %v, %v", d, err)
	}
}

// TestSeveralUnknowns: rows have one entry for each unknown, and Of in Measure picks the right one.
func TestSeveralUnknowns(t *testing.T) {
	p := pde.Kovasznay(40)
	p.Suggested.Hidden = []int{6}
	s := solve(t, p, sciml.Options{Backend: pureGo(t), Iterations: 2, Loss: pinn.Options{Interior: 20, Boundary: 8, FixedPoints: true}})
	points := [][]float64{{0, 0}, {0.5, 1}}
	u, err := s.At(points...)
	if err != nil {
		t.Fatal(err)
	}
	if flat, err := s.Evaluate(slices.Concat(points...)); err != nil || !slices.Equal(flat, slices.Concat(u...)) {
		t.Errorf("in one slice u is %v, %v, and point by point %v", flat, err, u)
	}
	slope, err := s.Derivative([]string{"y"}, points...)
	if err != nil {
		t.Fatal(err)
	}
	for i, unknown := range p.Unknowns {
		got, err := s.Measure(func(u *pde.Fields) *graph.Node {
			v := u.Of(unknown)
			return graph.Add(graph.Mul(v.U(), v.D("y")), u.At("y"))
		}, points...)
		if err != nil || len(got) != len(points) {
			t.Fatal(got, err)
		}
		for n, p := range points {
			if want := u[n][i]*slope[n][i] + p[1]; math.Abs(got[n]-want) > 1e-13 {
				t.Errorf("%s at %v: the expression is %v, want %v", unknown, p, got[n], want)
			}
		}
	}
	if c, err := s.Coefficients(); err != nil || len(c) != 0 {
		t.Errorf("coefficients %v, %v of a problem without", c, err)
	}
}

// TestCoefficients: u″ = c with u(0) = u′(0) = 0 and u(1) = 3/2, so that c = 3. With u = x²(θ₁x + θ₂) the problem is a
// linear one, whose solution is exact.
func TestCoefficients(t *testing.T) {
	line, err := pde.NewBox([]string{"x"}, []float64{0}, []float64{1})
	if err != nil {
		t.Fatal(err)
	}
	affine, err := nn.NewMLP(nn.Tanh, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	start := pde.Dirichlet("u", nil, "x-")
	problem := &pde.Problem{
		Name: "constant force", Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: line,
		Coefficients: []pde.Coefficient{{Name: "c", Start: 1, True: 3}},
		Equations: []pde.Equation{{Residual: func(u *pde.Fields) *graph.Node {
			return graph.Sub(u.D("x", "x"), u.Coefficient("c"))
		}}},
		Conditions: []pde.Condition{start, pde.Measured("u", [][]float64{{0.5}, {1}}, []float64{3. / 8, 1.5})},
		Ansatz:     pde.DistanceAndLift(graph.Square, nil),
		Exactly:    []string{start.Name},
		Exact:      func(p []float64) []float64 { return []float64{1.5 * p[0] * p[0]} },
	}
	s := solve(t, problem, sciml.Options{Backend: pureGo(t), Network: affine, Method: optim.LBFGS{}, Iterations: 100, Loss: pinn.Options{Interior: 20}})
	c, err := s.Coefficients()
	if err != nil || len(c) != 1 || math.Abs(c["c"]-3) > 1e-6 {
		t.Errorf("the coefficients are %v, %v, want c = 3; %s", c, err, s)
	}
	if off := s.Result.Metrics["relative error of c"]; !(off < 1e-6) || !(s.RelativeError() < 1e-6) {
		t.Errorf("the error of c is measured as %v; %s", off, s)
	}
}

func TestQuestionsWithoutAnAnswer(t *testing.T) {
	s := solve(t, pde.Poisson2D(), small(t, pureGo(t)))
	inside, outside := []float64{0.5, 0.5}, []float64{0.5, 2}
	value := func(u *pde.Fields) *graph.Node { return u.U() }
	for word, ask := range map[string]func() (any, error){
		`"z" is not a coordinate of problem "Poisson 2D"`: func() (any, error) { return s.Derivative([]string{"x", "z"}, inside) },
		"point 1 is [0.5 2], expected a point":            func() (any, error) { return s.Derivative([]string{"x"}, inside, outside) },
		"point 0 is [0.5 2], expected a point":            func() (any, error) { return s.Measure(value, outside) },
		"expected one number for each": func() (any, error) {
			return s.Measure(func(u *pde.Fields) *graph.Node { return u.X() }, inside)
		},
		`"v" is not an unknown`: func() (any, error) {
			return s.Measure(func(u *pde.Fields) *graph.Node { return u.Of("v").U() }, inside)
		},
		"normals are known on the boundary only": func() (any, error) {
			return s.Measure(func(u *pde.Fields) *graph.Node { return u.NormalDerivative() }, inside)
		},
		"the solution is nil": func() (any, error) { return (*sciml.Solution)(nil).Coefficients() },
		"not made by Solve":   func() (any, error) { return new(sciml.Solution).Measure(value, inside) },
	} {
		if got, err := ask(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("got %v and the error %v, want one that mentions %q", got, err, word)
		}
	}
	if u, err := s.Derivative([]string{"x"}, inside); err != nil || len(u) != 1 {
		t.Errorf("after errors: %v, %v", u, err)
	}
}
