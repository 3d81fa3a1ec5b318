package optim_test

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// unitSquare is Δu + 2π² sin πx sin πy = 0 at some points of the unit square, u = 0 at some of its boundary and at its corner.
// The last parameter is added to the Laplacian.
func unitSquare(t *testing.T, b compute.Backend, hidden, interior, boundary, corners int) (obj *objective.Objective, start []float64) {
	t.Helper()
	m, err := nn.NewMLP(nn.Tanh, 2, hidden, 1)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 3))
	var in, edge [][]float64
	for range interior {
		in = append(in, []float64{rng.Float64(), rng.Float64()})
	}
	for i := range boundary {
		s := rng.Float64()
		edge = append(edge, [][]float64{{0, s}, {1, s}, {s, 0}, {s, 1}}[i%4])
	}
	corner := slices.Repeat([][]float64{{1, 1}}, corners)
	all := []*tensors.Tensor{tensors.FromValue(in), tensors.FromValue(edge), tensors.FromValue(corner)}
	n := m.NumParams()
	obj = &objective.Objective{Backend: b, Dim: n + 1, Data: all, Pieces: func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		data = slices.Clone(data)
		for i := range data {
			data[i] = graph.ConvertDType(data[i], theta.DType())
		}
		at := func(x *graph.Node) *graph.Node { return m.Apply(graph.Slice(theta, graph.AxisRange(0, n)), x) }
		mean := func(r *graph.Node) *graph.Node {
			return graph.DivScalar(r, math.Sqrt(float64(r.Shape().Dimensions[0])))
		}
		x := data[0]
		s := graph.Sin(graph.MulScalar(x, math.Pi))
		f := graph.MulScalar(graph.Mul(graph.Slice(s, graph.AxisRange(), graph.AxisElem(0)), graph.Slice(s, graph.AxisRange(), graph.AxisElem(1))), 2*math.Pi*math.Pi)
		r := graph.Add(autodiff.Of(at(x), x).Laplacian(), f)
		r = graph.Add(r, graph.BroadcastToShape(graph.Slice(theta, graph.AxisRange(n, n+1)), r.Shape()))
		return []*graph.Node{mean(r), mean(at(data[1])), mean(at(data[2]))}
	}}
	return obj, append(m.Init(2), 0.3)
}

// wholeStep takes every step as it is.
type wholeStep struct{}

func (wholeStep) Find(_ search.Trial, first, _ float64, try func(float64) (search.Trial, error)) (search.Trial, bool, error) {
	trial, err := try(first)
	return trial, true, err
}

// TestKFACSteps compares two steps with dense matrices: for pieces with derivatives, with and without values beside them.
func TestKFACSteps(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, method := range map[string]optim.KFAC{
			"plain":     {Damping: 1e-3, Momentum: 0.1, Decay: 0.7},
			"quadratic": {Damping: 1e-3, Quadratic: true},
		} {
			for _, pieces := range []int{1, 3} {
				if strings.HasSuffix(t.Name(), "/xla") && (pieces == 1 || method.Quadratic) {
					continue // XLA takes seconds to compile each
				}
				obj, start := unitSquare(t, b, 3, 6, 5, 4)
				all := obj.Pieces
				obj.Pieces = func(theta *graph.Node, data []*graph.Node) []*graph.Node { return all(theta, data)[:pieces] }
				method.Search = wholeStep{}
				got := trajectory(t, obj, start, method, 2)
				plain, theta := plainKFAC{KFAC: method, obj: obj}, slices.Clone(start)
				for k := 1; k <= 2; k++ {
					plain.step(t, theta)
					for i, want := range theta {
						if math.Abs(got[k][i]-want) > 1e-9*(1+math.Abs(want)) {
							t.Fatalf("%s, %d pieces: θ%d after %d steps is %.12g, want %.12g", name, pieces, i, k, got[k][i], want)
						}
					}
				}
			}
		}
	})
}

// TestKFACSinglePoint: a piece of one point has the curvature of the same point in two rows.
func TestKFACSinglePoint(t *testing.T) {
	b := pureGo(t)
	run := func(corners int) [][]float64 {
		obj, start := unitSquare(t, b, 4, 6, 5, corners)
		return trajectory(t, obj, start, optim.KFAC{Damping: 1e-3}, 2)
	}
	one, two := run(1), run(2)
	for k := range one {
		for i := range one[k] {
			if math.Abs(one[k][i]-two[k][i]) > 1e-9*(1+math.Abs(two[k][i])) {
				t.Fatalf("θ%d after %d steps is %.12g with one row, %.12g with two", i, k, one[k][i], two[k][i])
			}
		}
	}
}

// TestKFACFit: in as many iterations the loss gets far below that of steepest descent, in single precision as well.
func TestKFACFit(t *testing.T) {
	obj, start := unitSquare(t, pureGo(t), 24, 60, 24, 1)
	options := optim.Options{MaxIterations: 60}
	steepest := minimize(t, obj, start, optim.ExactGradientDescent{}, options)
	for _, c := range []struct {
		method optim.KFAC
		dtype  dtypes.DType
		factor float64
	}{
		{optim.KFAC{}, dtypes.Float64, 30},
		{optim.KFAC{Quadratic: true}, dtypes.Float64, 300},
		{optim.KFAC{Quadratic: true}, dtypes.Float32, 100},
	} {
		obj.DType = c.dtype
		r := minimize(t, obj, start, c.method, options)
		if !(r.Loss < steepest.Loss/c.factor) {
			t.Errorf("%s, %s: loss %v after 60 iterations, steepest descent comes to %v", c.method.Name(), c.dtype, r.Loss, steepest.Loss)
		}
		checkHistory(t, c.method.Name(), r)
	}
}

// TestKFACResume: a run that is interrupted goes on bit for bit.
func TestKFACResume(t *testing.T) {
	for _, method := range []optim.KFAC{{Decay: 0.5}, {Quadratic: true}} {
		obj, start := unitSquare(t, pureGo(t), 4, 6, 5, 1)
		whole := minimize(t, obj, start, method, optim.Options{MaxIterations: 8})
		for _, stop := range []int{1, 5} {
			path := filepath.Join(t.TempDir(), "run")
			minimize(t, obj, start, method, optim.Options{MaxIterations: stop, CheckpointPath: path})
			c, err := optim.LoadCheckpoint(path)
			if err != nil {
				t.Fatal(err)
			}
			r, err := optim.Resume(context.Background(), obj, c, method, optim.Options{MaxIterations: 8})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(r.Theta, whole.Theta) || r.Loss != whole.Loss || r.Evaluations != whole.Evaluations {
				t.Errorf("%s, resumed at %d: %s, want %s", method.Name(), stop, r, whole)
			}
		}
	}
}

// TestKFACNonFinite: a loss that is NaN at the start is reported.
func TestKFACNonFinite(t *testing.T) {
	obj, start := unitSquare(t, pureGo(t), 3, 4, 4, 2)
	all := obj.Pieces
	obj.Pieces = func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		pieces := all(theta, data)
		pieces[1] = graph.Sqrt(graph.AddScalar(graph.Neg(graph.Square(pieces[1])), -1))
		return pieces
	}
	if r := minimize(t, obj, start, optim.KFAC{}, optim.Options{MaxIterations: 3}); r.Status != optim.NonFinite || r.Iterations != 0 {
		t.Errorf("%s, want NonFinite at the start", r)
	}
}

func TestKFACErrors(t *testing.T) {
	obj, start := unitSquare(t, pureGo(t), 3, 4, 4, 2)
	for word, method := range map[string]optim.KFAC{
		"KFAC.Damping is -1": {Damping: -1}, "KFAC.Decay is 1": {Decay: 1}, "KFAC.Momentum is NaN": {Momentum: math.NaN()}, "Grid.Points is -1": {Search: search.Grid{Points: -1}},
	} {
		mustFail(t, obj, start, method, optim.Options{}, word)
	}
	pieces := obj.Pieces
	for word, change := range map[string]func(){
		"KFAC needs Objective.Pieces": func() {
			obj.Residual = func(theta *graph.Node, data []*graph.Node) *graph.Node {
				return graph.Reshape(pieces(theta, data)[0], 4)
			}
			obj.Pieces = nil
		},
		"KFAC needs the residuals": func() {
			obj.Loss = func(theta *graph.Node, _ []*graph.Node) *graph.Node { return graph.ReduceAllSum(graph.Square(theta)) }
			obj.Pieces = nil
		},
		"points interact": func() {
			obj.Pieces = func(theta *graph.Node, data []*graph.Node) []*graph.Node {
				return []*graph.Node{graph.Reverse(pieces(theta, data)[0], 0)}
			}
		},
		"a piece of more than one point": func() {
			obj.Pieces = func(theta *graph.Node, data []*graph.Node) []*graph.Node {
				return []*graph.Node{graph.Reshape(graph.ReduceAllSum(pieces(theta, data)[0]), 1, 1)}
			}
		},
		"a matrix in one of Objective.Pieces": func() {
			obj.Pieces = func(theta *graph.Node, data []*graph.Node) []*graph.Node {
				w := graph.Reshape(graph.Slice(theta, graph.AxisRange(0, 2)), 1, 2)
				return append(pieces(theta, data), graph.MatMul(graph.Slice(data[0], graph.AxisRange(), graph.AxisElem(0)), w))
			}
		},
	} {
		obj.Residual, obj.Loss, obj.Pieces = nil, nil, pieces
		change()
		mustFail(t, obj, start, optim.KFAC{}, optim.Options{}, word)
	}
}
