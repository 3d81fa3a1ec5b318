package pinn_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	layer "github.com/gomlx/gomlx/ml/nn"

	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

func hasEvent(m *pinn.Model, words ...string) bool {
	for _, remark := range m.Objective().Remarks {
		all := true
		for _, word := range words {
			all = all && strings.Contains(remark, word)
		}
		if all {
			return true
		}
	}
	return false
}

// TestIdle: what no training can change is told, and gets no weight that would make it all there is to see.
func TestIdle(t *testing.T) {
	pair := func() *pde.Problem {
		p := rod(t, 1, 1, 0.1, 1)
		heat := p.Equations[0].Residual
		p.Unknowns = []string{"u", "v"}
		p.Equations[0].Residual = func(u *pde.Fields) *graph.Node { return heat(u.Of("u")) }
		return p
	}
	decay := func(u *pde.Fields) *graph.Node { return graph.Add(u.Of("v").D("t"), u.Of("v").U()) }
	of := func(spoil func(p *pde.Problem)) func() *pde.Problem {
		return func() *pde.Problem { p := rod(t, 1, 1, 0.1, 1); spoil(p); return p }
	}
	both := func(p *pde.Problem, e ...pde.Equation) *pde.Problem {
		p.Equations = append(p.Equations, e...)
		return p
	}
	for name, c := range map[string]struct {
		problem func() *pde.Problem
		words   []string // of a remark; nil for none at all
	}{
		"usual": {of(func(p *pde.Problem) {}), nil},
		"an ansatz that misses a condition by a constant": {of(func(p *pde.Problem) {
			p.Ansatz = pde.DistanceAndLift(pde.Bump(p.Domain.(*pde.Box), 0), pde.Constant(1e-5))
		}), []string{`"Dirichlet u x-,x+"`, "1e-05", "no training changes it"}},
		"an equation of constants": {of(func(p *pde.Problem) {
			p.Equations[0].Residual = func(u *pde.Fields) *graph.Node { return graph.ZerosLike(u.U()) }
		}), []string{`"heat"`, "no training changes it"}},
		"an integral of constants": {of(func(p *pde.Problem) {
			p.Conditions = append(p.Conditions, pde.Integral("volume", p.Domain, func(u *pde.Fields) *graph.Node { return graph.OnesLike(u.U()) }, 1))
		}), []string{`"volume"`, "no training changes it"}},
		"periods of nothing": {of(func(p *pde.Problem) { p.Periods = []float64{0, 0} }), nil},
		"a bound that holds": {of(func(p *pde.Problem) {
			p.Conditions = append(p.Conditions, pde.Condition{Name: "bound", Residual: func(u *pde.Fields) *graph.Node {
				return graph.MaxScalar(graph.AddScalar(u.U(), -100), 0)
			}})
		}), nil},
		"an unknown in no equation": {func() *pde.Problem {
			p := pair()
			p.Conditions = append(p.Conditions, pde.Measured("v", [][]float64{{0.5, 0.5}}, []float64{1}))
			return p
		}, []string{`unknowns ["v"]`, "no equation"}},
		"an unknown in a product": {func() *pde.Problem {
			return both(pair(), pde.Equation{Name: "product", Residual: func(u *pde.Fields) *graph.Node {
				return graph.AddScalar(graph.Mul(u.Of("u").U(), u.Of("v").U()), -1)
			}})
		}, nil},
		"an equation of both unknowns": {func() *pde.Problem {
			p := both(pair(), pde.Equation{Name: "decay", Residual: decay})
			p.Equations[0].Residual = func(u *pde.Fields) *graph.Node { return graph.Sub(u.D("t"), u.Of("u").D("x", "x")) }
			return p
		}, []string{`"heat" has 2 components`, "3 for 2 unknowns", "Fields.Of"}},
		"an equation for each": {func() *pde.Problem { return both(pair(), pde.Equation{Name: "decay", Residual: decay}) }, nil},
		"one equation for both": {func() *pde.Problem {
			p := rod(t, 1, 1, 0.1, 1)
			p.Unknowns = []string{"u", "v"}
			return p
		}, nil},
		"a small coefficient": {of(func(p *pde.Problem) {
			p.Coefficients = []pde.Coefficient{{Name: "k", Start: 1e-11}}
			p.Equations[0].Residual = func(u *pde.Fields) *graph.Node {
				return graph.Sub(u.D("t"), graph.MulScalar(graph.Mul(u.Coefficient("k"), u.D("x", "x")), 1e10))
			}
		}), []string{`"k" starts at 1e-11`, "Scale 1e-11"}},
		"a small coefficient with a scale": {of(func(p *pde.Problem) {
			p.Coefficients = []pde.Coefficient{{Name: "k", Start: 1e-11, Scale: 1e-11}}
			p.Equations[0].Residual = func(u *pde.Fields) *graph.Node {
				return graph.Sub(u.D("t"), graph.MulScalar(graph.Mul(u.Coefficient("k"), u.D("x", "x")), 1e10))
			}
		}), nil},
	} {
		p := c.problem()
		m := newModel(t, pureGo(t), p, scaled(t, p), pinn.Options{Interior: 20, Boundary: 8})
		if remarks := m.Objective().Remarks; c.words == nil && len(remarks) > 0 || c.words != nil && !hasEvent(m, c.words...) {
			t.Errorf("%s: the remarks are %q, want one that says %q", name, remarks, c.words)
		}
		if hasEvent(m, "its weight is") {
			t.Errorf("%s: a weight was changed: %q", name, m.Objective().Remarks)
		}
	}
}

// TestShapes: what is no row for each point, and a column for each unknown, is refused before anything is compiled, wherever it
// comes from.
func TestShapes(t *testing.T) {
	single := func(u *pde.Fields) *graph.Node { return graph.ConvertDType(u.U(), dtypes.Float32) }
	row := func(x *graph.Node) *graph.Node { return graph.Transpose(pde.Column(x, 0), 0, 1) } // [1, N]
	residual := func(build func(u *pde.Fields) *graph.Node) func(p *pde.Problem) {
		return func(p *pde.Problem) { p.Equations[0].Residual = build }
	}
	condition := func(build func(u *pde.Fields) *graph.Node) func(p *pde.Problem) {
		return func(p *pde.Problem) { p.Conditions[0].Residual = build }
	}
	for name, c := range map[string]struct {
		spoil func(p *pde.Problem)
		words []string
	}{
		"a column against a row": {residual(func(u *pde.Fields) *graph.Node { return graph.Sub(u.U(), row(u.X())) }),
			[]string{`residual "value"`, "[N, 12] and [N, 17]", "as many components"}},
		"a row":          {residual(func(u *pde.Fields) *graph.Node { return row(u.X()) }), []string{`residual "value"`, "[1, 12]", "12 points"}},
		"turned":         {residual(func(u *pde.Fields) *graph.Node { return graph.Transpose(u.X(), 0, 1) }), []string{`residual "value"`, "[2, 12]"}},
		"three axes":     {residual(func(u *pde.Fields) *graph.Node { return graph.ExpandAxes(u.U(), 0) }), []string{`residual "value"`, "[1, 12, 1]"}},
		"a sum":          {residual(func(u *pde.Fields) *graph.Node { return graph.ReduceAllSum(u.U()) }), []string{`residual "value"`, "expected one row"}},
		"a mean":         {residual(func(u *pde.Fields) *graph.Node { return graph.ReduceMean(u.U(), 0) }), []string{`residual "value"`, "[1]"}},
		"whole numbers":  {residual(func(u *pde.Fields) *graph.Node { return graph.ConvertDType(u.U(), dtypes.Int32) }), []string{`equation "value"`, "Int32", "floating-point"}},
		"truths":         {residual(func(u *pde.Fields) *graph.Node { return graph.GreaterThan(u.U(), graph.ZerosLike(u.U())) }), []string{`equation "value"`, "Bool"}},
		"no components":  {residual(func(u *pde.Fields) *graph.Node { return graph.Slice(u.U(), graph.AxisRange(), graph.AxisRange(1, 1)) }), []string{"value"}},
		"nothing":        {residual(func(u *pde.Fields) *graph.Node { return nil }), []string{`residual "value"`, "nothing"}},
		"another type":   {condition(single), []string{`residual "Dirichlet u x-"`, "type Float32, expected Float64"}},
		"in a condition": {condition(func(u *pde.Fields) *graph.Node { return graph.Sub(u.U(), row(u.X())) }), []string{`residual "Dirichlet u x-"`, "as many components"}},
		"sum in a condition": {condition(func(u *pde.Fields) *graph.Node { return graph.ReduceAllSum(u.U()) }),
			[]string{`residual "Dirichlet u x-"`, "expected one row"}},
		"sum of data": {func(p *pde.Problem) {
			p.Conditions = []pde.Condition{{Name: "data", Points: [][]float64{{0, 0}, {1, 1}}, Residual: func(u *pde.Fields) *graph.Node { return graph.ReduceAllSum(u.U()) }}}
		}, []string{`residual "data"`, "2 points"}},
		"an ansatz of two columns": {func(p *pde.Problem) {
			p.Conditions = nil
			p.Ansatz = func(x *graph.Node, network pde.Function) *graph.Node { return graph.Mul(x, network(x)) }
		}, []string{"the Ansatz", "[12, 2] at 12 points", "expected [12, 1]", `"u"`}},
		"a lift that is a row": {func(p *pde.Problem) {
			p.Conditions = nil
			p.Ansatz = pde.DistanceAndLift(func(x *graph.Node) *graph.Node { return pde.Column(x, 0) }, row)
		}, []string{"the Ansatz", "[12, 12]"}},
		"an ansatz that is a mean": {func(p *pde.Problem) {
			p.Conditions = nil
			p.Ansatz = func(x *graph.Node, network pde.Function) *graph.Node { return graph.ReduceAllMean(network(x)) }
		}, []string{"the Ansatz", "12 points"}},
		"an ansatz of another type": {func(p *pde.Problem) {
			p.Conditions = nil
			p.Ansatz = func(x *graph.Node, network pde.Function) *graph.Node {
				return graph.ConvertDType(network(x), dtypes.Float32)
			}
		}, []string{"the Ansatz", "(Float32)", "of type Float64"}},
		"an ansatz that divides by a mean": {func(p *pde.Problem) {
			p.Conditions = nil
			p.Ansatz = func(x *graph.Node, network pde.Function) *graph.Node {
				u := network(x)
				return graph.Div(u, graph.ReduceAllMean(u))
			}
		}, []string{"the Ansatz", "brings points together"}},
		"an ansatz of nothing": {func(p *pde.Problem) {
			p.Conditions = nil
			p.Ansatz = func(*graph.Node, pde.Function) *graph.Node { return nil }
		}, []string{"the Ansatz", "nothing"}},
	} {
		p := handmade()
		p.Ansatz = nil
		c.spoil(p)
		_, err := pinn.New(pureGo(t), p, affine(t), pinn.Options{})
		for _, word := range c.words {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s: error %v, want one that mentions %q", name, err, word)
			}
		}
	}
	p := handmade()
	p.Ansatz = nil
	p.Energy = func(u *pde.Fields) *graph.Node { return graph.Mul(u.U(), row(u.X())) }
	if _, err := pinn.New(pureGo(t), p, affine(t), pinn.Options{Form: pinn.DeepRitz{}}); err == nil || !strings.Contains(err.Error(), "Energy of problem") {
		t.Errorf("an energy of [N, N]: error %v", err)
	}
	p = handmade()
	p.Ansatz = nil
	p.Conditions = []pde.Condition{{Name: "data", Points: [][]float64{{0, 0}, {1, 1}, {0.5, 0.5}, {0, 1}, {1, 0}}, Residual: func(u *pde.Fields) *graph.Node {
		return graph.Sub(u.U(), graph.Const(u.U().Graph(), [][]float64{{1, 2, 3, 4, 5}}))
	}}}
	if _, err := pinn.New(pureGo(t), p, affine(t), pinn.Options{}); err == nil || !strings.Contains(err.Error(), `residual "data" of problem "handmade" has shape [5, 5] at its 5 points`) {
		t.Errorf("data that are a row: error %v", err)
	}
	// A mean over points within a row for each is no fault, nor is a residual that is made for the data of its condition.
	p = handmade()
	p.Ansatz = nil
	p.Equations[0].Residual = func(u *pde.Fields) *graph.Node {
		return graph.Sub(u.U(), graph.BroadcastToShape(graph.ReduceAllMean(u.U()), u.U().Shape()))
	}
	points := [][]float64{{0, 0}, {1, 1}, {0.5, 0.5}}
	p.Conditions = append(p.Conditions, pde.Condition{Name: "data", Points: points, Residual: func(u *pde.Fields) *graph.Node {
		return graph.Sub(u.U(), graph.Const(u.U().Graph(), [][]float64{{1}, {2}, {3}}))
	}})
	newModel(t, pureGo(t), p, affine(t), pinn.Options{})
}

// custom networks may return anything.
type turned struct{ nn.Network }

func (n turned) Apply(theta, x *graph.Node) *graph.Node {
	return graph.Transpose(n.Network.Apply(theta, x), 0, 1)
}

// centered takes the mean over the points off, by an operation that stands for several.
type centered struct{ nn.Network }

func (n centered) Apply(theta, x *graph.Node) *graph.Node {
	u := n.Network.Apply(theta, x)
	u = graph.Sub(u, graph.ReduceAndKeep(u, graph.ReduceMean, 0))
	return layer.Dense(u, graph.Ones(u.Graph(), shapes.Make(u.DType(), 1, 1)), nil, compute.DenseLayoutInputOutputs, activation.TypeNone)
}

// TestUnknownsApart: a network that makes u at a point of other points, too, has no derivatives point by point, and is another one at
// other points.
func TestUnknownsApart(t *testing.T) {
	p := handmade()
	p.Ansatz = nil
	if _, err := pinn.New(pureGo(t), p, centered{affine(t)}, pinn.Options{}); err == nil || !strings.Contains(err.Error(), "brings points together") {
		t.Errorf("a network that takes off a mean: error %v", err)
	}
}

func TestShapeOfNetwork(t *testing.T) {
	p := handmade()
	p.Ansatz = nil
	if _, err := pinn.New(pureGo(t), p, turned{affine(t)}, pinn.Options{}); err == nil || !strings.Contains(err.Error(), "[1, 12] at 12 points, expected [12, 1]") {
		t.Errorf("a network of another shape: error %v", err)
	}
}

// advected is u_t + u_x = 0 on [0, 1]² with an initial condition, periodic in x.
func advected(t *testing.T) *pde.Problem {
	t.Helper()
	box, err := pde.NewBox([]string{"x", "t"}, []float64{0, 0}, []float64{1, 1})
	if err != nil {
		t.Fatal(err)
	}
	wave := func(x *graph.Node) *graph.Node { return graph.Sin(graph.MulScalar(pde.Column(x, 0), 2*math.Pi)) }
	return &pde.Problem{
		Name: "advected", Coordinates: []string{"x", "t"}, Unknowns: []string{"u"}, Domain: box,
		Equations:  []pde.Equation{{Name: "transport", Residual: func(u *pde.Fields) *graph.Node { return graph.Add(u.D("t"), u.D("x")) }}},
		Conditions: []pde.Condition{pde.Initial("u", wave), pde.Periodic(box, "x", 1)},
	}
}

// TestExactness: which conditions hold exactly is found by trying; the others are penalized and told of, or an error where the
// problem says that they hold.
func TestExactness(t *testing.T) {
	wave := func(x *graph.Node) *graph.Node { return graph.Sin(graph.MulScalar(pde.Column(x, 0), 2*math.Pi)) }
	tiny := func(x *graph.Node) *graph.Node { return graph.MulScalar(wave(x), 1+1e-5) }
	time := func(x *graph.Node) *graph.Node { return pde.Column(x, 1) }
	periods := func(p *pde.Problem) { p.Periods = []float64{1, 0} }
	for name, c := range map[string]struct {
		change  func(p *pde.Problem)
		soft    []string // the conditions that are left
		refused string
	}{
		"periods alone":                   {periods, []string{"initial u"}, ""},
		"a wrong period":                  {func(p *pde.Problem) { p.Periods = []float64{0.7, 0} }, []string{"initial u", "periodic x"}, ""},
		"an ansatz alone":                 {func(p *pde.Problem) { p.Ansatz = pde.DistanceAndLift(time, wave) }, []string{"periodic x"}, ""},
		"a lift that is a little off":     {func(p *pde.Problem) { periods(p); p.Ansatz = pde.DistanceAndLift(time, tiny) }, []string{"initial u"}, ""},
		"a distance that does not vanish": {func(p *pde.Problem) { periods(p); p.Ansatz = pde.DistanceAndLift(wave, wave) }, []string{"initial u"}, ""},
		"both":                            {func(p *pde.Problem) { periods(p); p.Ansatz = pde.DistanceAndLift(time, wave) }, nil, ""},
		"said for one":                    {func(p *pde.Problem) { periods(p); p.Exactly = []string{"periodic x"} }, []string{"initial u"}, ""},
		"said for none":                   {func(p *pde.Problem) { periods(p); p.Exactly = []string{} }, []string{"initial u", "periodic x"}, ""},
		"said wrongly":                    {func(p *pde.Problem) { periods(p); p.Exactly = []string{"initial u"} }, nil, `says that the condition "initial u" holds exactly, but the Periods do not satisfy it`},
		"of a rate": {func(p *pde.Problem) {
			p.Ansatz = pde.DistanceAndLift(time, wave) // with t, where t² is needed
			p.Conditions = append(p.Conditions[:1], pde.InitialRate("u", nil))
		}, []string{"initial rate of u"}, ""},
		"of data": {func(p *pde.Problem) {
			p.Ansatz = pde.DistanceAndLift(time, wave)
			p.Conditions = append(p.Conditions[:1], pde.Measured("u", [][]float64{{0.25, 0}, {0.3, 0.5}}, []float64{1, 2}))
		}, []string{"data of u"}, ""},
	} {
		p := advected(t)
		c.change(p)
		network := mlp(t, 2, 4, 1)
		if p.Periods != nil {
			network = mlp(t, 3, 4, 1)
		}
		m, err := pinn.New(pureGo(t), p, network, pinn.Options{Interior: 5, Boundary: 4})
		if c.refused != "" {
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s: error %v, want %q", name, err, c.refused)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		points := m.Points()
		if len(points) != 1+len(c.soft) {
			t.Errorf("%s: the terms are those of %v, want the equation and %q", name, points, c.soft)
		}
		for _, condition := range c.soft {
			if points[condition] == nil {
				t.Errorf("%s: the condition %q is not in the loss", name, condition)
			}
			if p.Exactly == nil && !hasEvent(m, `"`+condition+`"`, "penalized") {
				t.Errorf("%s: nothing is said of the condition %q, but %q", name, condition, m.Objective().Remarks)
			}
		}
		_, err = pinn.New(pureGo(t), p, network, pinn.Options{Interior: 5, Boundary: 4, Hard: true})
		if (err != nil) != (len(c.soft) > 0) || err != nil && !strings.Contains(err.Error(), `"`+c.soft[0]+`"`) {
			t.Errorf("%s, with Hard: error %v", name, err)
		}
	}
	for word, options := range map[string]pinn.Options{"Soft and Hard are both": {Soft: true, Hard: true}, `"initial u", "periodic x"`: {Hard: true}} {
		if _, err := pinn.New(pureGo(t), advected(t), mlp(t, 2, 4, 1), options); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%+v: error %v, want one that mentions %q", options, err, word)
		}
	}
}

// TestEquationsThatHoldExactly: an equation that the ansatz satisfies is no term of the loss, but where the ansatz is not used,
// and an error where it does not. That of continuity holds by a stream function.
func TestEquationsThatHoldExactly(t *testing.T) {
	flow := func(options pinn.Options) (map[string]bool, *pinn.Model) {
		options.Interior, options.Boundary = 6, 4
		m, err := pinn.New(pureGo(t), pde.CavitySmooth(100), mlp(t, 2, 4, 3), options)
		if err != nil {
			t.Fatal(err)
		}
		terms := map[string]bool{}
		for name := range m.Points() {
			terms[name] = true
		}
		return terms, m
	}
	terms, m := flow(pinn.Options{})
	if terms["continuity"] || !terms["momentum x"] || !terms["momentum y"] || !terms["data of p"] || len(terms) != 3 {
		t.Errorf("the terms are %v, want both momenta and the pressure", terms)
	}
	if remarks := m.Objective().Remarks; len(remarks) > 0 {
		t.Errorf("there are the remarks %q, want none", remarks)
	}
	if terms, _ := flow(pinn.Options{Soft: true}); !terms["continuity"] {
		t.Errorf("without the ansatz, the terms are %v, want continuity, too", terms)
	}
	p := pde.CavitySmooth(100)
	p.Ansatz = func(x *graph.Node, network pde.Function) *graph.Node { return network(x) }
	p.Exactly = []string{"continuity"}
	if _, err := pinn.New(pureGo(t), p, mlp(t, 2, 4, 3), pinn.Options{}); err == nil || !strings.Contains(err.Error(), `says that the equation "continuity" holds exactly, but the Ansatz does not`) {
		t.Errorf("an ansatz that does not satisfy it: error %v", err)
	}
}

// TestUnusedCoefficient: one that occurs nowhere cannot be found. It may occur in an energy or a weak form alone.
func TestUnusedCoefficient(t *testing.T) {
	use := func(u *pde.Fields, coefficient string) *graph.Node {
		return graph.Mul(u.Coefficient(coefficient), u.U())
	}
	for name, c := range map[string]struct {
		change func(p *pde.Problem)
		unused bool
	}{
		"nowhere": {func(*pde.Problem) {}, true},
		"asked for only": {func(p *pde.Problem) {
			p.Equations[0].Residual = func(u *pde.Fields) *graph.Node { use(u, "k"); return u.U() }
		}, true},
		"another": {func(p *pde.Problem) {
			p.Coefficients = append(p.Coefficients, pde.Coefficient{Name: "l"})
			p.Equations[0].Residual = func(u *pde.Fields) *graph.Node { return use(u, "l") }
		}, true},
		"an equation": {func(p *pde.Problem) { p.Equations[0].Residual = func(u *pde.Fields) *graph.Node { return use(u, "k") } }, false},
		"a condition": {func(p *pde.Problem) {
			p.Conditions[1].Residual = func(u *pde.Fields) *graph.Node { return use(u, "k") }
		}, false},
		"an energy": {func(p *pde.Problem) { p.Energy = func(u *pde.Fields) *graph.Node { return use(u, "k") } }, false},
		"a weak form": {func(p *pde.Problem) {
			p.Weak = []pde.WeakForm{{Terms: func(u *pde.Fields) (flux, source *graph.Node) { return u.Gradient(), use(u, "k") }}}
		}, false},
	} {
		p := handmade()
		p.Ansatz, p.Energy, p.Weak = nil, nil, nil
		p.Coefficients = []pde.Coefficient{{Name: "k", Start: 1}}
		c.change(p)
		_, err := pinn.New(pureGo(t), p, affine(t), pinn.Options{Interior: 4, Boundary: 4})
		if (err != nil) != c.unused || err != nil && !strings.Contains(err.Error(), `coefficient "k"`) {
			t.Errorf("%s: error %v, unused %v", name, err, c.unused)
		}
	}
}

// TestColumn: a column that is not there is refused, rather than empty.
func TestColumn(t *testing.T) {
	for _, i := range []int{-1, 2} {
		p := pde.Poisson2D()
		p.Ansatz, p.Exactly = nil, nil
		p.Conditions = []pde.Condition{pde.Dirichlet("u", func(x *graph.Node) *graph.Node { return pde.Column(x, i) })}
		_, err := pinn.New(pureGo(t), p, affine(t), pinn.Options{})
		if err == nil || !strings.Contains(err.Error(), "pde: Column "+strconv.Itoa(i)) || !strings.HasPrefix(err.Error(), `condition "Dirichlet u"`) {
			t.Errorf("column %d: error %v", i, err)
		}
	}
}

// TestNoValues: Values of nothing are said to be none.
func TestNoValues(t *testing.T) {
	p := handmade()
	p.Ansatz = nil
	p.Conditions[0].Values = func(int, []float64) []float64 { return nil }
	if _, err := pinn.New(pureGo(t), p, affine(t), pinn.Options{}); err == nil || !strings.Contains(err.Error(), "are none at point 0, expected at least one") {
		t.Errorf("error %v", err)
	}
}
