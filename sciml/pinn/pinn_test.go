package pinn_test

import (
	"context"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/sample"
)

// affine is the network u = θ₀x + θ₁y + θ₂ and theta its parameters: losses can be computed by hand.
var theta = []float64{2, -3, 0.5}

func affine(t *testing.T) *nn.MLP {
	t.Helper()
	m, err := nn.NewMLP(nn.Tanh, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// handmade has the residuals u − x² and ∂u/∂x − y inside, u − 1 on the left and ∂u/∂n on top and bottom.
func handmade() *pde.Problem {
	p := pde.Poisson2D()
	p.Name = "handmade"
	first := func(x *graph.Node) *graph.Node { return graph.Slice(x, graph.AxisRange(), graph.AxisElem(0)) }
	p.Equations = []pde.Equation{
		{Name: "value", Residual: func(u *pde.Fields) *graph.Node {
			return graph.Sub(u.U(), graph.Square(first(u.X())))
		}},
		{Name: "slope", Residual: func(u *pde.Fields) *graph.Node { // of shape [N], which is as good
			return graph.Reshape(graph.Sub(u.Partial(0), u.Coordinate(1)), u.X().Shape().Dimensions[0])
		}},
	}
	p.Conditions = []pde.Condition{
		pde.Dirichlet("u", func(x *graph.Node) *graph.Node { return graph.OnesLike(first(x)) }, "x-"),
		{Name: "Neumann", On: []string{"y-", "y+"}, Residual: func(u *pde.Fields) *graph.Node {
			return graph.Mul(u.Partial(1), pde.Column(u.Normal(), 1))
		}},
	}
	return p
}

func newModel(t *testing.T, b compute.Backend, p *pde.Problem, network nn.Network, options pinn.Options) *pinn.Model {
	t.Helper()
	m, err := pinn.New(b, p, network, options)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// residuals evaluates the model's residual vector.
func residuals(m *pinn.Model, theta any) ([]float64, error) { return evaluate(m.Objective(), theta) }

// evaluate computes the residual vector of an objective, or its loss if it has none.
func evaluate(o *objective.Objective, theta any) ([]float64, error) {
	build := o.Residual
	if build == nil {
		build = o.Loss
	}
	args := []any{theta}
	for _, d := range o.Data {
		args = append(args, d)
	}
	out, err := graph.CallOnce(o.Backend, func(in []*graph.Node) *graph.Node {
		return graph.ConvertDType(build(in[0], in[1:]), dtypes.Float64)
	}, args...)
	if err != nil {
		return nil, err
	}
	return tensors.CopyFlatData[float64](out)
}

// adapting is an objective as a run has it, with what adapts its data.
type adapting struct {
	*objective.Objective
	adapter objective.Adapter
}

func adapt(o *objective.Objective) *adapting {
	return &adapting{o.ForRun(context.Background()), o.Adaptation.Begin()}
}

// Adapt reports whether the data have changed.
func (a *adapting) Adapt(iteration int, theta []float64, stuck bool) (bool, error) {
	data, err := a.adapter.Adapt(context.Background(), objective.Iterate{Iteration: iteration, Theta: tensors.FromValue(theta), Data: a.Data, Stuck: stuck})
	if data != nil {
		a.Data = data
	}
	return data != nil, err
}

// pureGo is the back end for small tests: it compiles in no time.
func pureGo(t testing.TB) compute.Backend {
	t.Helper()
	b, err := backend.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// mlp is a small tanh network.
func mlp(t testing.TB, widths ...int) *nn.MLP {
	t.Helper()
	m, err := nn.NewMLP(nn.Tanh, widths...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// differences is the Jacobian of a function at x by central differences, [component][variable].
func differences(t testing.TB, f func(x []float64) []float64, x []float64) [][]float64 {
	t.Helper()
	const h = 1e-5
	var columns [][]float64
	for i := range x {
		at := slices.Clone(x)
		at[i] = x[i] + h
		above := f(at)
		at[i] = x[i] - h
		below := f(at)
		for k := range above {
			above[k] = (above[k] - below[k]) / (2 * h)
		}
		columns = append(columns, above)
	}
	rows := make([][]float64, len(columns[0]))
	for k := range rows {
		for _, c := range columns {
			rows[k] = append(rows[k], c[k])
		}
	}
	return rows
}

// near compares numbers up to a tolerance, relative where they are larger than one.
func near(t testing.TB, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers %v, want %d: %v", what, len(got), got, len(want), want)
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tolerance*math.Max(1, math.Abs(want[i]))) {
			t.Errorf("%s: number %d is %.15g, want %.15g", what, i, got[i], want[i])
		}
	}
}

func sumOfSquares(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v * v
	}
	return total
}

// TestLossByHand compares Σ w·mean r² with sums in plain Go over the model's own points.
func TestLossByHand(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		m := newModel(t, b, handmade(), affine(t), pinn.Options{Soft: true, Interior: 31, Boundary: 13, BoundaryWeight: 7, Seed: 3})
		points := m.Points()
		u := func(p []float64) float64 { return theta[0]*p[0] + theta[1]*p[1] + theta[2] }
		mean := func(term string, r func(p []float64) float64) float64 {
			total := 0.0
			for n := range points[term].N {
				total += math.Pow(r(points[term].At(n)), 2)
			}
			return total / float64(points[term].N)
		}
		want := mean("value", func(p []float64) float64 { return u(p) - p[0]*p[0] }) +
			mean("slope", func(p []float64) float64 { return theta[0] - p[1] }) +
			7*mean("Dirichlet u x-", func(p []float64) float64 { return u(p) - 1 }) +
			7*mean("Neumann", func([]float64) float64 { return theta[1] })
		r, err := residuals(m, theta)
		if err != nil {
			t.Fatal(err)
		}
		if len(r) != 31+31+13+13 {
			t.Fatalf("%d residuals, want 31 for each equation and 13 for each condition", len(r))
		}
		if got := sumOfSquares(r); math.Abs(got-want) > 1e-13*want {
			t.Errorf("the loss is %.16g, want %.16g", got, want)
		}
		first := points["value"].At(0)
		if want := (u(first) - first[0]*first[0]) / math.Sqrt(31); math.Abs(r[0]-want) > 1e-15 {
			t.Errorf("the first residual is %v, want %v: scaled by √(w/N)", r[0], want)
		}
		// Normals are (0, −1) first, then (0, 1).
		scale := math.Sqrt(7.0 / 13)
		if lower, upper := r[len(r)-13], r[len(r)-1]; math.Abs(lower-3*scale) > 1e-14 || math.Abs(upper+3*scale) > 1e-14 {
			t.Errorf("the Neumann residuals are %v below and %v above, want ±%v", lower, upper, 3*scale)
		}
	})
}

func TestSeedChoosesPoints(t *testing.T) {
	b := backendtest.Best(t)
	coordinates := func(seed uint64) []float64 {
		return newModel(t, b, handmade(), affine(t), pinn.Options{Soft: true, BoundaryWeight: 1, Interior: 5, Boundary: 5, Seed: seed}).Points()["value"].Coords
	}
	if !slices.Equal(coordinates(1), coordinates(1)) || slices.Equal(coordinates(1), coordinates(2)) {
		t.Error("points do not follow from the seed")
	}
}

func TestFloat32(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		options := pinn.Options{Soft: true, BoundaryWeight: 1, Interior: 16, Boundary: 8}
		wide := newModel(t, b, handmade(), affine(t), options)
		options.DType = dtypes.Float32
		m := newModel(t, b, handmade(), affine(t), options)
		o := m.Objective()
		if o.DType != dtypes.Float32 || o.Data[0].DType() != dtypes.Float32 {
			t.Errorf("the objective has type %s, its data %s", o.DType, o.Data[0].DType())
		}
		narrow := []float32{2, -3, 0.5}
		got, err := residuals(m, narrow)
		if err != nil {
			t.Fatal(err)
		}
		want, err := residuals(wide, theta)
		if err != nil {
			t.Fatal(err)
		}
		differs := false
		for i := range want {
			differs = differs || got[i] != want[i]
			if math.Abs(got[i]-want[i]) > 1e-6 {
				t.Errorf("residual %d is %v in float32, %v in float64", i, got[i], want[i])
			}
		}
		if !differs {
			t.Error("float32 gives all digits of float64")
		}
		u, err := m.Evaluate(theta, []float64{0.1, 0.2})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(u[0]-0.1) > 1e-6 {
			t.Errorf("u is %v, want 0.1", u[0])
		}
		if metrics, err := m.Monitor(context.Background(), tensors.FromValue(narrow)); err != nil || !(metrics[pinn.RelativeL2] > 0) {
			t.Errorf("the error is %v (%v)", metrics, err)
		}
	})
}

func TestErrors(t *testing.T) {
	b := backendtest.Best(t)
	wide, err := nn.NewMLP(nn.Tanh, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	huge, err := nn.NewMLP(nn.Tanh, 2, 1<<17, 1<<17, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		backend compute.Backend
		problem *pde.Problem
		network nn.Network
		options pinn.Options
		word    string
	}{
		{nil, handmade(), affine(t), pinn.Options{Soft: true, BoundaryWeight: 1}, "back end is nil"},
		{b, nil, affine(t), pinn.Options{Soft: true, BoundaryWeight: 1}, "problem is nil"},
		{b, handmade(), nil, pinn.Options{Soft: true, BoundaryWeight: 1}, "network is nil"},
		{b, handmade(), wide, pinn.Options{Soft: true, BoundaryWeight: 1}, "3 inputs to 1 outputs, expected 2 to 1"},
		{b, handmade(), huge, pinn.Options{Soft: true}, "17180524545 parameters, expected at most 2147483648"},
		{b, handmade(), affine(t), pinn.Options{Soft: true, BoundaryWeight: 1, Interior: -1}, "Interior is -1"},
		{b, handmade(), affine(t), pinn.Options{Soft: true, BoundaryWeight: 1, Boundary: -5}, "Boundary -5"},
		{b, handmade(), affine(t), pinn.Options{Soft: true, BoundaryWeight: -1}, "BoundaryWeight is -1"},
		{b, handmade(), affine(t), pinn.Options{Soft: true, BoundaryWeight: math.NaN()}, "BoundaryWeight is NaN"},
		{b, handmade(), affine(t), pinn.Options{Soft: true, BoundaryWeight: 1, DType: dtypes.Int32}, "DType"},
		{b, handmade(), affine(t), pinn.Options{Refiner: sample.RAD{}, FixedPoints: true}, "FixedPoints is set, and Refiner is RAD"},
	} {
		m, err := pinn.New(c.backend, c.problem, c.network, c.options)
		if m != nil || err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("model %v and error %v, want an error that mentions %q", m, err, c.word)
		}
	}
	m := newModel(t, b, handmade(), affine(t), pinn.Options{Soft: true, BoundaryWeight: 1})
	for word, call := range map[string]func() ([]float64, error){
		"theta has 2 entries":              func() ([]float64, error) { return m.Evaluate(theta[:2], []float64{0, 0}) },
		"points have 3 numbers":            func() ([]float64, error) { return m.Evaluate(theta, []float64{0, 0, 0}) },
		`coordinate "y" of point 1 is NaN`: func() ([]float64, error) { return m.Evaluate(theta, []float64{0, 0, 0, math.NaN()}) },
	} {
		if _, err := call(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
}

// TestSuggestions: what is in Options comes before what the problem suggests, and that before the defaults.
func TestSuggestions(t *testing.T) {
	p := handmade()
	p.Suggested = pde.Setup{Interior: 11, Boundary: 12, BoundaryWeight: 3, Resample: 40}
	for _, c := range []struct{ options, want pinn.Options }{
		{pinn.Options{}, pinn.Options{Interior: 11, Boundary: 12, BoundaryWeight: 3, Refiner: sample.RAD{}, RefineEvery: 40}},
		{pinn.Options{Interior: 4, RefineEvery: 7}, pinn.Options{Interior: 4, Boundary: 12, BoundaryWeight: 3, Refiner: sample.RAD{}, RefineEvery: 7}},
		{pinn.Options{Boundary: 5, Weighting: pinn.NTKWeights{}}, pinn.Options{Interior: 11, Boundary: 5, BoundaryWeight: 1, Refiner: sample.RAD{}, RefineEvery: 40}},
		{pinn.Options{BoundaryWeight: 6, FixedPoints: true}, pinn.Options{Interior: 11, Boundary: 12, BoundaryWeight: 6, RefineEvery: 500}},
		{pinn.Options{Refiner: sample.Redraw{}}, pinn.Options{Interior: 11, Boundary: 12, BoundaryWeight: 3, Refiner: sample.Redraw{}, RefineEvery: 500}},
	} {
		got := newModel(t, pureGo(t), p, affine(t), c.options).Options()
		if got.Interior != c.want.Interior || got.Boundary != c.want.Boundary || got.BoundaryWeight != c.want.BoundaryWeight ||
			got.RefineEvery != c.want.RefineEvery || !reflect.DeepEqual(got.Refiner, c.want.Refiner) {
			t.Errorf("%+v became %+v", c.options, got)
		}
	}
	p.Suggested = pde.Setup{}
	if got := newModel(t, pureGo(t), p, affine(t), pinn.Options{}).Options(); got.Interior != 900 || got.Boundary != 120 || got.BoundaryWeight != 100 || got.Refiner != nil {
		t.Errorf("without suggestions: %+v", got)
	}
}

// TestPiecewiseLinear: an equation of second order is refused with ReLU, which would train to nothing, whatever is around it, and
// forms or equations of first order are not.
func TestPiecewiseLinear(t *testing.T) {
	relu, err := nn.NewMLP(nn.ReLU, 2, 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	b := pureGo(t)
	for name, c := range map[string]struct {
		problem *pde.Problem
		options pinn.Options
		refused bool
	}{
		"strong form":    {pde.Poisson2D(), pinn.Options{Interior: 4}, true},
		"without ansatz": {pde.Poisson2D(), pinn.Options{Interior: 4, Boundary: 4, Soft: true}, true},
		"deep Ritz":      {pde.Poisson2D(), pinn.Options{Form: pinn.DeepRitz{}, Interior: 4}, false},
		"variational":    {pde.Poisson2D(), pinn.Options{Form: pinn.Variational{Tests: 1, Nodes: 2}}, false},
		"first order":    {handmade(), pinn.Options{Interior: 4, Boundary: 4, Soft: true}, false},
	} {
		m := newModel(t, b, c.problem, relu, c.options)
		_, err := residuals(m, relu.Init(1))
		if c.refused != (err != nil) || c.refused && !strings.Contains(err.Error(), "has derivatives of order 2, but all above the first vanish for the network MLP 2-5-1 relu") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
