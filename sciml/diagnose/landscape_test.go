package diagnose_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/diagnose"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
)

// valley is f(θ) = (θ₀ − 1)² + 10(θ₁ + 2)² + 100θ₂², as a sum of squares.
func valley(b compute.Backend) *objective.Objective {
	return &objective.Objective{Backend: b, Dim: 3, Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		g := theta.Graph()
		away := graph.Sub(theta, graph.ConvertDType(graph.Const(g, []float64{1, -2, 0}), theta.DType()))
		return graph.Mul(away, graph.ConvertDType(graph.Const(g, []float64{1, math.Sqrt(10), 10}), theta.DType()))
	}}
}

func valleyAt(t []float64) float64 {
	return (t[0]-1)*(t[0]-1) + 10*(t[1]+2)*(t[1]+2) + 100*t[2]*t[2]
}

func hostBackend(t *testing.T) compute.Backend {
	t.Helper()
	b, err := objective.HostBackend()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSlices compares slices with the formula of the loss, as a graph in both precisions and as a plain function.
func TestSlices(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		function, err := objective.FromFunction(3, func(theta, gradient []float64) float64 { return valleyAt(theta) })
		if err != nil {
			t.Fatal(err)
		}
		single := valley(b)
		single.DType = dtypes.Float32
		plane := &diagnose.Plane{Origin: []float64{1, 2, 3}, First: []float64{1, 1, 0}, Second: []float64{0, 0.5, -1}}
		x, y := diagnose.Nodes(-1, 1, 9), diagnose.Nodes(-2, 4, 11) // 99 nodes, which no equal parts of up to 64 are
		for name, c := range map[string]struct {
			obj       *objective.Objective
			tolerance float64
		}{"float64": {valley(b), 1e-12}, "float32": {single, 1e-5}, "function": {function, 1e-12}} {
			s, err := plane.Surface(context.Background(), c.obj, x, y)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(s.X, x) || !slices.Equal(s.Y, y) || len(s.U) != 99 {
				t.Fatalf("%s: nodes %v and %v with %d values", name, s.X, s.Y, len(s.U))
			}
			for i, u := range x {
				for j, v := range y {
					want := valleyAt([]float64{1 + u, 2 + u + v/2, 3 - v})
					if got := s.U[i+9*j]; math.Abs(got-want) > c.tolerance*want {
						t.Errorf("%s: the loss at (%v, %v) is %v, want %v", name, u, v, got, want)
					}
				}
			}
			line, err := diagnose.LossAlong(context.Background(), c.obj, plane.Origin, plane.Second, y)
			if err != nil {
				t.Fatal(err)
			}
			for j := range y {
				if want := s.U[4+9*j]; math.Abs(line[j]-want) > c.tolerance*want { // x = 0
					t.Errorf("%s: the loss at %v along the second direction is %v, in the plane %v", name, y[j], line[j], want)
				}
			}
		}
	})
}

// TestAlongEigenvectors: along an eigenvector of the Hessian the curvature of a quadratic is the eigenvalue.
func TestAlongEigenvectors(t *testing.T) {
	obj, lowest := valley(hostBackend(t)), []float64{1, -2, 0}
	hessian, err := diagnose.Hessian(context.Background(), obj, lowest)
	if err != nil {
		t.Fatal(err)
	}
	e, err := hessian.Eigen()
	if err != nil {
		t.Fatal(err)
	}
	x := []float64{-1, 0, 3}
	for i, lambda := range []float64{200, 20, 2} {
		v := mat.Col(nil, i, e.Vectors)
		u, err := diagnose.LossAlong(context.Background(), obj, lowest, v, x)
		if err != nil {
			t.Fatal(err)
		}
		for k := range x {
			if want := lambda / 2 * x[k] * x[k]; math.Abs(u[k]-want) > 1e-9 {
				t.Errorf("along eigenvector %d the loss at %v is %v, want %v", i, x[k], u[k], want)
			}
		}
		if s, err := diagnose.ProbeStep(context.Background(), obj, lowest, v); err != nil || !alike(s.Hessian.Curvature, lambda) {
			t.Errorf("the curvature along eigenvector %d is %+v, error %v, want %v", i, s.Hessian, err, lambda)
		}
	}
}

// TestSlicesKeepWhatIsNotFinite: a wall of a landscape is no error.
func TestSlicesKeepWhatIsNotFinite(t *testing.T) {
	obj := &objective.Objective{Backend: hostBackend(t), Dim: 1, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		return graph.Log(graph.Reshape(theta))
	}}
	u, err := diagnose.LossAlong(context.Background(), obj, []float64{0}, []float64{1}, []float64{-1, 0, 1})
	if err != nil || !math.IsNaN(u[0]) || !math.IsInf(u[1], -1) || u[2] != 0 {
		t.Errorf("log at −1, 0, 1 is %v, error %v", u, err)
	}
}

func TestSliceErrors(t *testing.T) {
	obj := valley(hostBackend(t))
	ctx := context.Background()
	over, cancel := context.WithCancel(ctx)
	cancel()
	theta, d, x := []float64{1, 2, 3}, []float64{0, 1, 0}, []float64{0, 1}
	surface := func(p *diagnose.Plane) error { _, err := p.Surface(ctx, obj, x, x); return err }
	line := func(ctx context.Context, obj *objective.Objective, theta, d, x []float64) error {
		_, err := diagnose.LossAlong(ctx, obj, theta, d, x)
		return err
	}
	for word, err := range map[string]error{
		"θ has 2 entries, expected Objective.Dim = 3": line(ctx, obj, theta[:2], d[:2], x),
		"the direction has 2 entries, expected 3":     line(ctx, obj, theta, d[:2], x),
		"the direction is zero":                       line(ctx, obj, theta, make([]float64, 3), x),
		"θ has NaN at index 1":                        line(ctx, obj, []float64{0, math.NaN(), 0}, d, x),
		"the direction has +Inf at index 0":           line(ctx, obj, theta, []float64{math.Inf(1), 0, 0}, x),
		"1 nodes along x":                             line(ctx, obj, theta, d, x[:1]),
		"node 1 along x is 0":                         line(ctx, obj, theta, d, []float64{0, 0}),
		"node 0 along x is NaN":                       line(ctx, obj, theta, d, []float64{math.NaN(), 0}),
		"objective is nil":                            line(ctx, nil, theta, d, x),
		"the plane is nil":                            surface(nil),
		"Plane.Origin is empty":                       surface(&diagnose.Plane{}),
		"Plane.Second has 1 entries":                  surface(&diagnose.Plane{Origin: theta, First: d, Second: d[:1]}),
		"Plane.First is zero":                         surface(&diagnose.Plane{Origin: theta, First: make([]float64, 3), Second: d}),
		"context canceled":                            line(over, obj, theta, d, x),
	} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
	if !errors.Is(line(over, obj, theta, d, x), context.Canceled) {
		t.Error("a canceled context is not found in the error")
	}
}

// TestRandomDirection: each filter has the norm of that of θ, and a seed gives one direction.
func TestRandomDirection(t *testing.T) {
	obj := &objective.Objective{Backend: hostBackend(t), Dim: 10, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node { return graph.ReduceAllSum(theta) },
		Blocks: []objective.Block{{Name: "weights", Offset: 0, Dims: []int{2, 3}}, {Name: "biases", Offset: 6, Dims: []int{3}}, {Name: "slope", Offset: 9, Dims: []int{}}}}
	theta := []float64{3, 0, 1, 4, 0, 2, 1, 2, 2, -7}
	d, err := diagnose.RandomDirection(obj, theta, 1)
	if err != nil {
		t.Fatal(err)
	}
	norm := func(places ...int) (n float64) {
		for _, i := range places {
			n = math.Hypot(n, d[i])
		}
		return n
	}
	for name, c := range map[string][2]float64{
		"the filter of output 0": {norm(0, 3), 5}, "the filter of output 1": {norm(1, 4), 0}, "the filter of output 2": {norm(2, 5), math.Sqrt(5)},
		"the biases": {norm(6, 7, 8), 3}, "a number": {norm(9), 7},
	} {
		if math.Abs(c[0]-c[1]) > 1e-12 {
			t.Errorf("%s has the norm %v, want %v", name, c[0], c[1])
		}
	}
	again, err := diagnose.RandomDirection(obj, theta, 1)
	if err != nil || !slices.Equal(again, d) {
		t.Errorf("the same seed gives %v and %v, error %v", d, again, err)
	}
	p, err := diagnose.RandomPlane(obj, theta, 1)
	if err != nil || !slices.Equal(p.First, d) || slices.Equal(p.Second, d) || !slices.Equal(p.Origin, theta) {
		t.Errorf("the plane %+v, error %v", p, err)
	}
	obj.Blocks = nil
	if _, err := diagnose.RandomDirection(obj, theta, 1); !errors.Is(err, objective.ErrUnsuitable) || !strings.Contains(err.Error(), "RandomDirection") {
		t.Errorf("without blocks: error %v", err)
	}
	if _, err := diagnose.RandomPlane(obj, theta[:4], 1); err == nil || !strings.Contains(err.Error(), "θ has 4 entries, expected 10") {
		t.Errorf("of a short θ: error %v", err)
	}
}
