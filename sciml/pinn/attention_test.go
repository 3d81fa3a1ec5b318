package pinn_test

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

func TestSelfAdaptive(t *testing.T) {
	network, thetas := small(t)
	w := weigh(t, pde.Poisson2D(), network, pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.SelfAdaptive{Rate: 0.4}}, thetas...)
	want := [][]float64{{1, 1, 1, 1, 1, 1}, {1, 1, 1, 1}}
	for k, theta := range thetas {
		terms, losses := w.terms(theta), w.losses(theta)
		for i, r := range terms {
			for n, v := range r {
				want[i][n] += 0.4 * v * v / losses[i]
			}
			near(t, "the weights of the points", w.told[k].Weights.Points[i], want[i], 1e-10)
		}
		near(t, "the weights of the terms", w.told[k].Weights.Terms, []float64{1, 1}, 0)
	}
}

func TestResidualAttention(t *testing.T) {
	network, thetas := small(t)
	w := weigh(t, pde.Poisson2D(), network, pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.ResidualAttention{Decay: 0.8, Rate: 0.5}}, thetas...)
	lambda := [][]float64{{1, 1, 1, 1, 1, 1}, {1, 1, 1, 1}}
	for k, theta := range thetas {
		for i, r := range w.terms(theta) {
			largest := math.Max(floats.Max(r), -floats.Min(r))
			var squares []float64
			for n, v := range r {
				lambda[i][n] = 0.8*lambda[i][n] + 0.5*math.Abs(v)/largest
				squares = append(squares, lambda[i][n]*lambda[i][n])
			}
			near(t, "the weights of the points", w.told[k].Weights.Points[i], squares, 1e-10)
		}
	}
}

// TestCausal has residuals c·t at times t, and three slabs.
func TestCausal(t *testing.T) {
	p := travelling(t, func(*pde.Box) pde.Condition { return pde.Initial("u", nil) })
	p.Periods = nil
	p.Equations[0].Residual = func(u *pde.Fields) *graph.Node { return graph.Mul(u.D("x"), u.At("t")) }
	scheme := pinn.Causal{Slabs: 3, Tolerances: []float64{0.5, 20}, Done: 0.9}
	thetas := [][]float64{{2, 0, 0}, {0.1, 0, 0}, {0.1, 0, 0}}
	w := weigh(t, p, affine(t), pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: scheme}, thetas...)
	points := w.model.Points()["advection"]
	for k, epsilon := range []float64{0.5, 0.5, 20} {
		sums, counts := make([]float64, 3), make([]float64, 3)
		for n := range 6 {
			time := points.At(n)[1]
			sums[int(3*time)] += math.Pow(thetas[k][0]*time, 2)
			counts[int(3*time)]++
		}
		before := 0.0
		slabs := make([]float64, 3)
		for i := range slabs {
			slabs[i] = math.Exp(-epsilon * before)
			if counts[i] > 0 {
				before += sums[i] / counts[i]
			}
		}
		var want []float64
		for n := range 6 {
			want = append(want, slabs[int(3*points.At(n)[1])])
		}
		told := w.told[k].Weights
		near(t, "the weights of the points", told.Points[0], want, 1e-12)
		if told.Points[1] != nil {
			t.Error("the initial condition has weights of points, expected none")
		}
		// The first residual is large; the second is small, and moves on to the last tolerance.
		near(t, "the stage", told.Memory["stage"], []float64{min(float64(k), 1)}, 0)
		if k == 0 && slabs[2] > 0.9 || k == 1 && !(slabs[2] > 0.9) {
			t.Fatalf("the last slab has the weight %v: the test tests nothing", slabs[2])
		}
	}
}
