package pinn_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

func TestHardAndSoft(t *testing.T) {
	b := backendtest.Best(t)
	network, err := nn.NewMLP(nn.Tanh, 2, 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	theta := network.Init(1)
	soft := newModel(t, b, pde.Poisson2D(), network, pinn.Options{Soft: true, BoundaryWeight: 1, Interior: 20, Boundary: 8})
	hard := newModel(t, b, pde.Poisson2D(), network, pinn.Options{Interior: 20, Boundary: 8})
	for m, want := range map[*pinn.Model]int{soft: 28, hard: 20} {
		if r, err := residuals(m, theta); err != nil || len(r) != want {
			t.Errorf("%d residuals with error %v, want %d", len(r), err, want)
		}
	}
	edge := []float64{0, 0.3, 1, 0.7, 0.2, 0, 0.9, 1, 0.5, 0.5}
	onHard, err := hard.Evaluate(theta, edge)
	if err != nil {
		t.Fatal(err)
	}
	onSoft, err := soft.Evaluate(theta, edge)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if onHard[i] != 0 {
			t.Errorf("with the ansatz, u is %v on the boundary, want 0", onHard[i])
		}
		if onSoft[i] == 0 {
			t.Error("without the ansatz, u is 0 on the boundary")
		}
	}
	if math.Abs(onHard[4]-onSoft[4]) > 1e-15 {
		t.Errorf("in the middle, where the factor is one, u is %v with and %v without the ansatz", onHard[4], onSoft[4])
	}
}

// TestMixed has a condition that holds exactly, and one that is penalized.
func TestMixed(t *testing.T) {
	p := handmade()
	p.Ansatz = pde.DistanceAndLift(
		func(x *graph.Node) *graph.Node { return pde.Column(x, 0) },
		func(x *graph.Node) *graph.Node { return graph.OnesLike(pde.Column(x, 0)) })
	p.Exactly = []string{p.Conditions[0].Name}
	m := newModel(t, pureGo(t), p, affine(t), pinn.Options{Interior: 5, Boundary: 4, BoundaryWeight: 9})
	r, err := residuals(m, theta)
	if err != nil {
		t.Fatal(err)
	}
	if _, soft := m.Points()[p.Conditions[0].Name]; soft || len(r) != 5+5+4 {
		t.Fatalf("%d residuals, want 5 for each equation and 4 for the Neumann condition alone", len(r))
	}
	// u = 1 + x·(2x − 3y + ½), so that ∂u/∂n = ∓(−3x) on the lower and the upper side.
	for n := range 4 {
		points := m.Points()["Neumann"]
		want := -3 * points.At(n)[0] * points.Normals[2*n+1] * math.Sqrt(9.0/4)
		near(t, "a Neumann residual", r[10+n:11+n], []float64{want}, 1e-14)
	}
	u, err := m.Evaluate(theta, []float64{0, 0.3, 1, 1})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "u on the left and in the corner", u, []float64{1, 1 + 2 - 3 + 0.5}, 1e-15)
}

// travelling is a problem on [−1, 1] × [0, 1] that is periodic in x.
func travelling(t *testing.T, condition func(box *pde.Box) pde.Condition) *pde.Problem {
	t.Helper()
	box, err := pde.NewBox([]string{"x", "t"}, []float64{-1, 0}, []float64{1, 1})
	if err != nil {
		t.Fatal(err)
	}
	return &pde.Problem{
		Name: "travelling", Coordinates: []string{"x", "t"}, Unknowns: []string{"u"}, Domain: box,
		Equations: []pde.Equation{{Name: "advection", Residual: func(u *pde.Fields) *graph.Node {
			return graph.Add(u.D("t"), u.D("x"))
		}}},
		Conditions: []pde.Condition{condition(box)},
		Periods:    []float64{2, 0},
	}
}

func TestPeriodicEmbedding(t *testing.T) {
	p := travelling(t, func(box *pde.Box) pde.Condition { return pde.Periodic(box, "x", 2) })
	network := mlp(t, 3, 5, 1)
	m := newModel(t, pureGo(t), p, network, pinn.Options{Interior: 6})
	if r, err := residuals(m, network.Init(1)); err != nil || len(r) != 6 {
		t.Fatalf("%d residuals with error %v, want those of the equation alone, 6", len(r), err)
	}
	u, err := m.Evaluate(network.Init(1), []float64{-1, 0.25, 1, 0.25, -0.7, 1, 1.3, 1, 0, 0.25})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "u a period further", []float64{u[1], u[3]}, []float64{u[0], u[2]}, 1e-15)
	if u[0] == u[4] {
		t.Error("u does not depend on x")
	}
	_, err = pinn.New(pureGo(t), p, mlp(t, 2, 5, 1), pinn.Options{})
	want := "maps 2 inputs to 1 outputs, expected 3 (what nn.Periodic makes of 2 coordinates with the periods [2 0]) to 1"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a network of the plain coordinates: error %v, want %q", err, want)
	}
	if _, err = pinn.New(pureGo(t), p, network, pinn.Options{Soft: true, BoundaryWeight: 1}); err == nil || !strings.Contains(err.Error(), "expected 2 to 1") {
		t.Errorf("a network of the embedding with Soft: error %v", err)
	}
}

// TestSoftPeriodic compares with u = x²(2x − 3t + ½), u(−1) − u(1) = −4 and u′(−1) − u′(1) = 4(3t − ½). A partner has
// the normal of the point that it is paired with.
func TestSoftPeriodic(t *testing.T) {
	p := travelling(t, func(box *pde.Box) pde.Condition {
		c := pde.Periodic(box, "x", 2)
		usual := c.Residual
		c.Residual = func(u *pde.Fields) *graph.Node {
			return graph.Concatenate([]*graph.Node{usual(u), graph.Sub(u.NormalDerivative(), u.Partner().NormalDerivative())}, 1)
		}
		return c
	})
	p.Periods = nil
	p.Ansatz = pde.DistanceAndLift(func(x *graph.Node) *graph.Node { return graph.Square(pde.Column(x, 0)) }, nil)
	p.Exactly = []string{}
	m := newModel(t, pureGo(t), p, affine(t), pinn.Options{BoundaryWeight: 1, Interior: 3, Boundary: 4})
	r, err := residuals(m, theta)
	if err != nil {
		t.Fatal(err)
	}
	points := m.Points()["periodic x"]
	var want []float64
	for n := range 4 {
		if points.At(n)[0] != -1 {
			t.Fatalf("a point at %v, expected the left side", points.At(n))
		}
		slope := 4 * (3*points.At(n)[1] - 0.5)
		want = append(want, -4.0/2, slope/2, -slope/2)
	}
	near(t, "the periodic residuals", r[3:], want, 1e-14)

	p = travelling(t, func(box *pde.Box) pde.Condition {
		c := pde.Periodic(box, "x", 1)
		c.Partner = func(point []float64) []float64 { return []float64{point[0] + 7, point[1]} }
		return c
	})
	p.Periods = nil
	_, err = pinn.New(pureGo(t), p, affine(t), pinn.Options{Soft: true, BoundaryWeight: 1})
	for _, word := range []string{`Partner of the condition "periodic x"`, "with [6 ", "between [-1 0] and [1 1]"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("a partner outside: error %v, want one that mentions %q", err, word)
		}
	}
}

// inverse is u′ = c·u on [0, 1] with two measurements and the coefficients b (of no influence) and c.
func inverse(t *testing.T) *pde.Problem {
	t.Helper()
	interval, err := pde.NewInterval("x", 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	return &pde.Problem{
		Name: "growth", Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: interval,
		Coefficients: []pde.Coefficient{{Name: "b", Start: -2, True: math.NaN()}, {Name: "c", Start: 3, True: 2}},
		Equations: []pde.Equation{{Name: "growth", Residual: func(u *pde.Fields) *graph.Node {
			return graph.Sub(u.D("x"), graph.Mul(u.Coefficient("c"), u.U()))
		}}},
		Conditions: []pde.Condition{
			pde.Measured("u", [][]float64{{0}, {0.5}}, []float64{1, math.E}),
			{Name: "rate", Points: [][]float64{{1}}, Residual: func(u *pde.Fields) *graph.Node {
				rate := graph.Sub(u.D("x"), graph.Square(u.Coefficient("c")))
				return graph.Add(rate, graph.Mul(u.Coefficient("b"), graph.ZerosLike(rate)))
			}},
		},
	}
}

// TestCoefficients has u = θ₀x + θ₁, b and c as parameters.
func TestCoefficients(t *testing.T) {
	m := newModel(t, pureGo(t), inverse(t), mlp(t, 1, 1), pinn.Options{Soft: true, Interior: 3, BoundaryWeight: 2})
	start := m.Init(7)
	if m.NumParams() != 4 || len(start) != 4 || start[2] != -2 || start[3] != 3 {
		t.Fatalf("θ starts as %v, expected two parameters of the network, then -2 and 3", start)
	}
	theta := []float64{0.7, -0.2, 5, 1.5}
	r, err := residuals(m, theta)
	if err != nil {
		t.Fatal(err)
	}
	var want []float64
	for n := range 3 {
		x := m.Points()["growth"].At(n)[0]
		want = append(want, (0.7-1.5*(0.7*x-0.2))/math.Sqrt(3))
	}
	want = append(want, -0.2-1, 0.7*0.5-0.2-math.E, math.Sqrt2*(0.7-1.5*1.5))
	near(t, "the residuals", r, want, 1e-14)

	o := m.Objective()
	out, err := graph.CallOnce(o.Backend, func(in []*graph.Node) *graph.Node {
		return graph.Gradient(graph.ReduceAllSum(graph.Square(o.Residual(in[0], in[1:]))), in[0])[0]
	}, theta, o.Data[0], o.Data[1], o.Data[2], o.Data[3], o.Data[4], o.Data[5], o.Data[6])
	if err != nil {
		t.Fatal(err)
	}
	slopes := differences(t, func(theta []float64) []float64 {
		r, err := evaluate(o, theta)
		if err != nil {
			t.Fatal(err)
		}
		return []float64{sumOfSquares(r)}
	}, theta)[0]
	near(t, "the gradient", tensors.MustCopyFlatData[float64](out), slopes, 1e-8)
	if slopes[2] != 0 || math.Abs(slopes[3]) < 0.1 {
		t.Errorf("the slopes by b and c are %v and %v, expected none and some", slopes[2], slopes[3])
	}

	found, err := m.Coefficients(theta)
	if err != nil || len(found) != 2 || found["b"] != 5 || found["c"] != 1.5 {
		t.Errorf("the coefficients are %v with error %v", found, err)
	}
	if _, err := m.Coefficients(theta[:3]); err == nil || !strings.Contains(err.Error(), "3 entries, expected 4") {
		t.Errorf("coefficients of a short θ: error %v", err)
	}
	metrics, err := m.Monitor(context.Background(), tensors.FromValue(theta))
	if err != nil {
		t.Fatal(err)
	}
	if _, known := metrics[pinn.CoefficientError+"b"]; known || math.Abs(metrics[pinn.CoefficientError+"c"]-0.25) > 1e-15 {
		t.Errorf("the metrics are %v, expected an error of 1/4 for c and none for b", metrics)
	}
}

// TestCoefficientsInOtherVariables: residuals, results and errors are about the value of a coefficient, θ about its parameter.
func TestCoefficientsInOtherVariables(t *testing.T) {
	p := inverse(t)
	p.Coefficients[1] = pde.Coefficient{Name: "c", Start: 4, Log: true, Scale: 2, True: 2}
	m := newModel(t, pureGo(t), p, mlp(t, 1, 1), pinn.Options{Soft: true, Interior: 3, BoundaryWeight: 1})
	if start := m.Init(7); math.Abs(start[3]-math.Log(2)) > 1e-15 {
		t.Errorf("θ starts as %v, expected ln 2 at the end", start)
	}
	theta := []float64{0.7, -0.2, 5, math.Log(0.5)} // c = 1
	r, err := residuals(m, theta)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "the last residual", r[len(r)-1:], []float64{0.7 - 1}, 1e-14)
	if found, err := m.Coefficients(theta); err != nil || math.Abs(found["c"]-1) > 1e-15 || found["b"] != 5 {
		t.Errorf("the coefficients are %v with error %v, expected 1 for c", found, err)
	}
	metrics, err := m.Monitor(context.Background(), tensors.FromValue(theta))
	if err != nil || math.Abs(metrics[pinn.CoefficientError+"c"]-0.5) > 1e-15 {
		t.Errorf("the metrics are %v, error %v, expected an error of 1/2 for c", metrics, err)
	}
	p.Coefficients[1].True = 0 // left out
	if metrics, err = m.Monitor(context.Background(), tensors.FromValue(theta)); err != nil || len(metrics) != 1 {
		t.Errorf("the metrics are %v, error %v, expected none of a coefficient that is not known", metrics, err)
	}
	p.Coefficients[1].True = pde.Zero
	if metrics, err = m.Monitor(context.Background(), tensors.FromValue(theta)); err != nil || math.Abs(metrics[pinn.CoefficientError+"c"]-1) > 1e-15 {
		t.Errorf("the metrics are %v, error %v, expected the distance from 0", metrics, err)
	}
}

// TestSystem has two unknowns, u = θ₀x + θ₂y + θ₄ and v = θ₁x + θ₃y + θ₅, and a residual of two components.
func TestSystem(t *testing.T) {
	p := handmade()
	p.Unknowns, p.Exact, p.Ansatz = []string{"u", "v"}, nil, nil
	p.Equations = []pde.Equation{
		{Name: "pair", Residual: func(u *pde.Fields) *graph.Node {
			return graph.Concatenate([]*graph.Node{
				graph.Sub(u.Of("u").U(), u.Of("v").U()), graph.Mul(u.Of("v").D("y"), u.At("x")),
			}, 1)
		}},
		{Residual: func(u *pde.Fields) *graph.Node { return u.U() }},
	}
	p.Conditions = []pde.Condition{
		pde.Neumann("v", nil, "y+"), pde.DirichletValues("v", func(p []float64) float64 { return 3 * p[0] }, "y+"),
		pde.Robin("u", 2, nil, "x+"),
	}
	m := newModel(t, pureGo(t), p, mlp(t, 2, 2), pinn.Options{Soft: true, BoundaryWeight: 1, Interior: 3, Boundary: 2, Weights: map[string]float64{"pair": 6, "equation 1": 12}})
	r, err := residuals(m, []float64{1, 2, 3, 4, 5, 6})
	if err != nil {
		t.Fatal(err)
	}
	u := func(p []float64) float64 { return p[0] + 3*p[1] + 5 }
	v := func(p []float64) float64 { return 2*p[0] + 4*p[1] + 6 }
	var pair, both, rest []float64
	for n := range 3 {
		p := m.Points()["pair"].At(n)
		pair = append(pair, math.Sqrt(2)*(u(p)-v(p)), math.Sqrt(2)*4*p[0])
		both = append(both, 2*u(p), 2*v(p))
	}
	for range 2 {
		rest = append(rest, 4/math.Sqrt2)
	}
	for n := range 2 {
		p := m.Points()["Dirichlet v y+"].At(n)
		rest = append(rest, (v(p)-3*p[0])/math.Sqrt2)
	}
	for n := range 2 {
		rest = append(rest, (1+2*u(m.Points()["Robin u x+"].At(n)))/math.Sqrt2)
	}
	near(t, "the residuals", r, slices.Concat(pair, both, rest), 1e-13)
	if m.Points()["Neumann v y+"] != m.Points()["Dirichlet v y+"] {
		t.Error("conditions on the same patches have different points")
	}
}

// TestSeveralDataSets: sets of data of one unknown are terms of their own, each with its weight and its robust loss.
func TestSeveralDataSets(t *testing.T) {
	p := handmade()
	points := [][]float64{{0.5, 0.5}, {0.25, 0.75}}
	p.Conditions = []pde.Condition{
		pde.Measured("u", points, []float64{1, 2}),
		pde.Measured("u", points[:1], []float64{3}),
		pde.Measured("u", points, []float64{0, 10}).Robust(objective.Huber(0.5)),
	}
	p.Ansatz = nil
	m := newModel(t, pureGo(t), p, affine(t), pinn.Options{Interior: 5, BoundaryWeight: 2, Weights: map[string]float64{"value": 0, "slope": 0, "data of u 2": 9}})
	r, err := residuals(m, theta)
	if err != nil {
		t.Fatal(err)
	}
	u := func(p []float64) float64 { return 2*p[0] - 3*p[1] + 0.5 }
	a, b := u(points[0]), u(points[1])
	near(t, "the residuals", r, []float64{a - 1, b - 2, 3 * (a - 3), a, -math.Sqrt(10 - b - 0.25)}, 1e-14)
}
