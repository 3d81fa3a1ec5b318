package pinn_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/sample"
)

// TestRelativeL2: for u = ½u* + affine error with known means, without knowledge of the held-out points, only ratios
// that do not depend on them are exact: a network that is zero, and one that is half the exact solution.
func TestRelativeL2(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		p := handmade()
		p.Exact = func(x []float64) []float64 { return []float64{x[0] + 2*x[1] - 4} }
		m := newModel(t, b, p, affine(t), pinn.Options{Soft: true, BoundaryWeight: 1, Seed: 9})
		for want, theta := range map[float64][]float64{1: {0, 0, 0}, 0: {1, 2, -4}, 0.5: {0.5, 1, -2}, 3: {4, 8, -16}} {
			metrics, err := m.Monitor(context.Background(), tensors.FromValue(theta))
			if err != nil {
				t.Fatal(err)
			}
			if got := metrics[pinn.RelativeL2]; math.Abs(got-want) > 1e-14 {
				t.Errorf("the error at %v is %v, want %v", theta, got, want)
			}
		}
		// An error of one in the constant: 1/√(mean u*²) = 1/√(25/4 + 5/12) over the unit square, up to sampling.
		metrics, err := m.Monitor(context.Background(), tensors.FromValue([]float64{1, 2, -3}))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := metrics[pinn.RelativeL2], 1/math.Sqrt(6.25+5.0/12); math.Abs(got/want-1) > 0.05 {
			t.Errorf("the error is %v, want about %v", got, want)
		}
	})
}

func TestMonitorWithoutExactSolution(t *testing.T) {
	p := handmade()
	p.Exact = nil
	metrics, err := newModel(t, backendtest.Best(t), p, affine(t), pinn.Options{Soft: true, BoundaryWeight: 1}).Monitor(context.Background(), tensors.FromValue(theta))
	if _, known := metrics[pinn.RelativeL2]; known || err != nil {
		t.Errorf("got %v, %v, want no error measure", metrics, err)
	}
	p.Exact = func(x []float64) []float64 { return []float64{1 / (x[0] - x[0])} }
	if _, err := newModel(t, backendtest.Best(t), p, affine(t), pinn.Options{Soft: true, BoundaryWeight: 1}).Monitor(context.Background(), tensors.FromValue(theta)); err == nil || !strings.Contains(err.Error(), "exact solution") {
		t.Errorf("an infinite exact solution: error %v", err)
	}
}

// recorded lets a problem's exact solution note where it is asked for.
func recorded(p *pde.Problem) (points *[][]float64) {
	points = new([][]float64)
	p.Exact = func(x []float64) []float64 {
		*points = append(*points, slices.Clone(x))
		return []float64{x[0]}
	}
	return points
}

// TestHeldOutPoints are not those that any seed trains on, and differ from model to model.
func TestHeldOutPoints(t *testing.T) {
	heldOut := map[string]uint64{}
	for seed := range uint64(4) {
		p := handmade()
		asked := recorded(p)
		m := newModel(t, pureGo(t), p, affine(t), pinn.Options{Soft: true, BoundaryWeight: 1, Seed: seed})
		*asked = nil // Check has asked for one
		if _, err := m.Monitor(context.Background(), tensors.FromValue(theta)); err != nil {
			t.Fatal(err)
		}
		if len(*asked) != 4096 {
			t.Fatalf("the error is measured at %d points, want 4096", len(*asked))
		}
		for _, x := range *asked {
			if other, taken := heldOut[fmt.Sprint(x)]; taken && other != seed {
				t.Fatalf("the seeds %d and %d hold out the same point %v", other, seed, x)
			}
			heldOut[fmt.Sprint(x)] = seed
		}
		*asked = nil
		if _, err := m.Monitor(context.Background(), tensors.FromValue(theta)); err != nil || len(*asked) != 0 {
			t.Errorf("the second time the exact solution is asked for %d times, error %v", len(*asked), err)
		}
	}
	for seed := range uint64(40) {
		for _, s := range []uint64{seed, seed ^ 0x9e3779b97f4a7c15, ^seed} {
			for name, points := range newModel(t, pureGo(t), handmade(), affine(t), pinn.Options{Soft: true, BoundaryWeight: 1, Sampler: sample.Uniform{Seed: s}}).Points() {
				for n := range points.N {
					if _, taken := heldOut[fmt.Sprint(points.At(n))]; taken {
						t.Fatalf("point %d of %q with the seed %d is held out", n, name, s)
					}
				}
			}
		}
	}
}

// TestHeldOutResidual has the residuals u − v = 1 and (u, v) = (2, 1): √(1 + 4 + 1), whatever the weights.
func TestHeldOutResidual(t *testing.T) {
	p := handmade()
	p.Unknowns, p.Exact, p.Ansatz, p.Conditions = []string{"u", "v"}, nil, nil, nil
	p.Equations = []pde.Equation{
		{Residual: func(u *pde.Fields) *graph.Node { return graph.Sub(u.Of("u").U(), u.Of("v").U()) }},
		{Residual: func(u *pde.Fields) *graph.Node { return u.U() }},
	}
	theta := tensors.FromValue([]float64{0, 0, 0, 0, 2, 1})
	m := newModel(t, pureGo(t), p, mlp(t, 2, 2), pinn.Options{Soft: true, BoundaryWeight: 1, Weights: map[string]float64{"equation 0": 5}})
	metrics, err := m.Monitor(context.Background(), theta)
	if err != nil {
		t.Fatal(err)
	}
	if got := metrics[pinn.HeldOutResidual]; len(metrics) != 1 || math.Abs(got-math.Sqrt(6)) > 1e-14 {
		t.Errorf("the metrics are %v, want a residual of √6 alone", metrics)
	}
	// Where there are no equations there is no residual.
	p.Equations = nil
	p.Weak = []pde.WeakForm{{Terms: func(u *pde.Fields) (flux, source *graph.Node) { return u.Of("u").Gradient(), nil }}}
	m = newModel(t, pureGo(t), p, mlp(t, 2, 2), pinn.Options{Soft: true, BoundaryWeight: 1, Form: pinn.Variational{Tests: 1, Nodes: 2}})
	if metrics, err = m.Monitor(context.Background(), theta); err != nil || len(metrics) != 0 {
		t.Errorf("without equations the metrics are %v, error %v", metrics, err)
	}
}

// TestCompare measures one of two unknowns: v is right, u is not, and the reference does not even know it.
func TestCompare(t *testing.T) {
	p := handmade()
	p.Unknowns, p.Exact, p.Ansatz, p.Equations = []string{"u", "v"}, nil, nil, p.Equations[:1]
	theta := tensors.FromValue([]float64{0, 1, 0, 1, 5, 0}) // u = 5, v = x + y
	p.Reference = func(context.Context) (pde.Field, error) {
		return func(x []float64) []float64 { return []float64{1, x[0] + x[1]} }, nil
	}
	error2 := func() float64 {
		t.Helper()
		m := newModel(t, pureGo(t), p, mlp(t, 2, 2), pinn.Options{Soft: true, BoundaryWeight: 1})
		if m.Reference() != nil {
			t.Error("the reference is there before Prepare")
		}
		if err := m.Prepare(t.Context()); err != nil || m.Reference() == nil {
			t.Fatalf("Prepare: error %v", err)
		}
		metrics, err := m.Monitor(context.Background(), theta)
		if err != nil {
			t.Fatal(err)
		}
		return metrics[pinn.RelativeL2]
	}
	// Both: 4/√(1 + mean (x+y)²) with the mean 7/6.
	if got, want := error2(), 4/math.Sqrt(1+7.0/6); math.Abs(got/want-1) > 0.02 {
		t.Errorf("the error is %v, want about %v", got, want)
	}
	p.Compare = []string{"v"}
	if got := error2(); got > 1e-15 {
		t.Errorf("the error of v is %v, want 0", got)
	}
	p.Compare = []string{"u"}
	if got := error2(); math.Abs(got-4) > 1e-14 {
		t.Errorf("the error of u is %v, want 4", got)
	}
	p.Compare = []string{"v"}
	p.Reference = func(context.Context) (pde.Field, error) {
		return func(x []float64) []float64 { return []float64{math.NaN(), x[0] + x[1]} }, nil
	}
	if got := error2(); got > 1e-15 {
		t.Errorf("where the reference does not know u, the error of v is %v, want 0", got)
	}
	// Where the reference is zero there is nothing to be relative to.
	p.Compare = []string{"u"}
	p.Reference = func(context.Context) (pde.Field, error) {
		return func([]float64) []float64 { return []float64{0, 0} }, nil
	}
	if got := error2(); math.Abs(got-5) > 1e-14 {
		t.Errorf("against zero, the error of u is %v, want 5", got)
	}
}

func TestReferenceErrors(t *testing.T) {
	for word, reference := range map[string]func(context.Context) (pde.Field, error){
		"of \"handmade\": no grid": func(context.Context) (pde.Field, error) { return nil, errors.New("no grid") },
		"gives 2 values at [": func(context.Context) (pde.Field, error) {
			return func([]float64) []float64 { return make([]float64, 2) }, nil
		},
		"is u = NaN at [": func(context.Context) (pde.Field, error) {
			return func(x []float64) []float64 { return []float64{math.Log(x[0] - 0.5)} }, nil
		},
		"context canceled": func(ctx context.Context) (pde.Field, error) { return nil, ctx.Err() },
	} {
		p := handmade()
		p.Exact, p.Reference = nil, reference
		m := newModel(t, pureGo(t), p, affine(t), pinn.Options{Soft: true, BoundaryWeight: 1})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := m.Prepare(ctx)
		if err == nil {
			_, err = m.Monitor(context.Background(), tensors.FromValue(theta))
		}
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
}

// TestMonitorFromGoroutines has its teeth under the race detector (on XLA: the pure-Go back end's own pointers trip it),
// and compares results otherwise.
func TestMonitorFromGoroutines(t *testing.T) {
	m := newModel(t, backendtest.Best(t), handmade(), affine(t), pinn.Options{Soft: true, BoundaryWeight: 1})
	var all sync.WaitGroup
	results := make([]map[string]float64, 4)
	for k := range results {
		all.Go(func() {
			var err error
			if results[k], err = m.Monitor(context.Background(), tensors.FromValue(theta)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, r := range results[1:] {
		if !reflect.DeepEqual(r, results[0]) {
			t.Errorf("one measures %v, another %v", results[0], r)
		}
	}
}

// TestSlowExact: a function of the user's that takes its time is not called on when the context is done.
func TestSlowExact(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	p, calls := handmade(), 0
	exact := p.Exact
	p.Exact = func(x []float64) []float64 {
		if calls++; calls > 20 {
			cancel()
		}
		return exact(x)
	}
	m := newModel(t, pureGo(t), p, affine(t), pinn.Options{})
	if _, err := m.Monitor(ctx, tensors.FromValue(theta)); !errors.Is(err, context.Canceled) || calls > 50 {
		t.Errorf("error %v after %d calls", err, calls)
	}
}
