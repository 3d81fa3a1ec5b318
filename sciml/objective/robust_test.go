package objective_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// robustLosses are the losses δ²ρ((r/δ)²), written down by themselves.
var robustLosses = map[string]struct {
	of   func(delta float64) objective.Robust
	loss func(r, delta float64) float64
}{
	"Huber": {objective.Huber, func(r, d float64) float64 {
		if math.Abs(r) <= d {
			return r * r
		}
		return 2*d*math.Abs(r) - d*d
	}},
	"SoftL1": {objective.SoftL1, func(r, d float64) float64 { return 2 * r * r / (math.Sqrt(1+r*r/(d*d)) + 1) }},
	"Cauchy": {objective.Cauchy, func(r, d float64) float64 { return d * d * math.Log1p(r*r/(d*d)) }},
}

// TestRobust: squares are the loss, signs stay, and slopes are those of differences, also at 0, around δ and far away.
func TestRobust(t *testing.T) {
	const delta = 0.5
	at := []float64{0, 1e-9, -1e-3, 0.004, 0.006, 0.3, -0.499, 0.5, 0.501, -0.7, 20, -1e6}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, c := range robustLosses {
			out, err := graph.CallOnceN(b, func(r *graph.Node) []*graph.Node {
				value := c.of(delta)(r)
				return []*graph.Node{value, graph.Gradient(graph.ReduceAllSum(value), r)[0]}
			}, at)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			values, slopes := out[0].Value().([]float64), out[1].Value().([]float64)
			root := func(r float64) float64 { return math.Copysign(math.Sqrt(c.loss(r, delta)), r) }
			for i, r := range at {
				if want := c.loss(r, delta); math.Abs(values[i]*values[i]-want) > 1e-9*want || values[i]*r < 0 {
					t.Errorf("%s(%v) of %v is %v, whose square should be %v", name, delta, r, values[i], want)
				}
				h := 1e-4 * max(math.Abs(r), 0.1)
				want := (root(r+h) - root(r-h)) / (2 * h)
				if math.Abs(slopes[i]-want) > 1e-4*math.Abs(want) {
					t.Errorf("%s has slope %v at %v, want %v", name, slopes[i], r, want)
				}
			}
		}
	})
}

func TestRobustErrors(t *testing.T) {
	for name, c := range robustLosses {
		for _, delta := range []float64{0, -1, math.NaN(), math.Inf(1)} {
			_, err := graph.CallOnce(backendtest.Best(t), func(r *graph.Node) *graph.Node { return c.of(delta)(r) }, []float64{1})
			if err == nil || !strings.Contains(err.Error(), "objective."+name+": the scale is") {
				t.Errorf("%s(%v): error %v", name, delta, err)
			}
		}
	}
}

// TestOutliers: of a decay e^{−kt} with a fifth of the data far off, robust losses find the rate, and least squares does not.
func TestOutliers(t *testing.T) {
	const rate, count = 1.3, 40
	times, data := make([]float64, count), make([]float64, count)
	for i := range times {
		times[i] = 3 * float64(i) / count
		data[i] = math.Exp(-rate*times[i]) + 0.005*math.Sin(37*float64(i))
		if i%5 == 2 {
			data[i] += 2 + math.Sin(float64(i))
		}
	}
	fit := func(rewrite objective.Robust) float64 {
		obj := &objective.Objective{Backend: backendtest.Best(t), Dim: 1, Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			at := graph.Const(theta.Graph(), times)
			model := graph.Exp(graph.Neg(graph.Mul(at, graph.BroadcastToShape(theta, at.Shape()))))
			return rewrite(graph.Sub(model, graph.Const(theta.Graph(), data)))
		}}
		result, err := optim.Minimize(context.Background(), obj, []float64{0.5}, optim.LevenbergMarquardt{}, optim.Options{MaxIterations: 100})
		if err != nil {
			t.Fatal(err)
		}
		return result.Theta[0]
	}
	if off := math.Abs(fit(func(r *graph.Node) *graph.Node { return r }) - rate); off < 0.3 {
		t.Errorf("least squares is off by %v, expected much, or this test shows nothing", off)
	}
	for name, tolerance := range map[string]float64{"Huber": 0.05, "SoftL1": 0.05, "Cauchy": 0.005} {
		if off := math.Abs(fit(robustLosses[name].of(0.02)) - rate); off > tolerance {
			t.Errorf("%s finds the rate up to %v, expected %v", name, off, tolerance)
		}
	}
}
