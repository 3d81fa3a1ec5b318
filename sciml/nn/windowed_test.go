package nn_test

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
)

// TestWindowed: in the first window it is the network, at the edges it is continuous, and for order 2 its rate is, whatever the weights are.
func TestWindowed(t *testing.T) {
	mlp := must(nn.NewMLP(nn.Tanh, 2, 5, 2))
	edges := []float64{1, 1.5, 3, 4}
	for order := 1; order <= 2; order++ {
		network := must(nn.Windowed(mlp, order, edges...))
		if network.NumParams() != 3*mlp.NumParams() || len(network.Blocks()) != 3*len(mlp.Blocks()) {
			t.Fatalf("it has %d parameters in %d blocks, want three times those of the network", network.NumParams(), len(network.Blocks()))
		}
		theta := slices.Concat(mlp.Init(1), mlp.Init(2), mlp.Init(3))
		at := func(network nn.Network, theta []float64, points [][]float64) (values, rates [][]float64) {
			out, err := graph.CallOnceN(backendtest.Best(t), func(theta, x *graph.Node) []*graph.Node {
				u := network.Apply(theta, x)
				return []*graph.Node{u, autodiff.Of(u, x).Partial(1)}
			}, theta, points)
			if err != nil {
				t.Fatal(err)
			}
			return out[0].Value().([][]float64), out[1].Value().([][]float64)
		}
		// The first window is a sixth of the time, which the network sees stretched.
		in, rates := at(network, theta, [][]float64{{0.3, 1.25}})
		of, slopes := at(mlp, theta[:mlp.NumParams()], [][]float64{{0.3, 2.5}})
		for k := range 2 {
			if math.Abs(in[0][k]-of[0][k]) > 1e-14 || math.Abs(rates[0][k]-6*slopes[0][k]) > 1e-12 {
				t.Errorf("order %d: in the first window it is %v with the rates %v, want %v and six times %v", order, in, rates, of, slopes)
			}
		}
		const beside = 1e-9
		for _, edge := range edges[1:] {
			values, rates := at(network, theta, [][]float64{{-0.4, edge - beside}, {-0.4, edge + beside}})
			for k := range 2 {
				if math.Abs(values[0][k]-values[1][k]) > 1e-7 {
					t.Errorf("order %d: at the edge %g it jumps from %g to %g", order, edge, values[0][k], values[1][k])
				}
				if jump := math.Abs(rates[0][k] - rates[1][k]); order == 2 && jump > 1e-6 {
					t.Errorf("at the edge %g the rate jumps by %g", edge, jump)
				}
			}
		}
		if values, _ := at(network, theta, [][]float64{{0.1, 4}, {0.1, 5}}); order == 1 && !slices.Equal(values[0], values[1]) {
			t.Errorf("after the last edge it is %v, want %v", values[1], values[0])
		}
	}
}

// TestWindowedTogether: networks that are computed for all windows together give what they give in turn, as any others are, with their derivatives; and
// a hundred windows take no more operations than two.
func TestWindowedTogether(t *testing.T) {
	mlp := must(nn.NewMLP(nn.Tanh, 3, 5, 4, 2))
	scaled := must(nn.Mapped(mlp, must(nn.Scale([]float64{-1, 0, 0}, []float64{1, 2, 4}))))
	points := [][]float64{{0.3, 0.2, 0.1}, {-0.7, 1.1, 1.7}, {0.9, 0.4, 3}, {0.1, 1.9, 4.5}}
	for name, network := range map[string]nn.Network{"plain": mlp, "mapped": scaled, "amplified": must(nn.Amplified(scaled, 2, 0.5))} {
		for order := 1; order <= 2; order++ {
			results := make([][]float64, 2)
			var theta []float64
			for k, inner := range []nn.Network{network, unspecified{network}} {
				w := must(nn.Windowed(inner, order, 0, 0.5, 2, 4))
				if theta == nil {
					theta = w.Init(1)
					for i := range theta {
						theta[i] += 0.1 * math.Sin(float64(7*i))
					}
				}
				out, err := graph.CallOnceN(backendtest.Best(t), func(theta, x *graph.Node) []*graph.Node {
					u := autodiff.Of(w.Apply(theta, x), x)
					return []*graph.Node{graph.Concatenate([]*graph.Node{u.U(), u.Partial(2), u.Partial(0, 0), u.Partial(0, 2)}, 1)}
				}, theta, points)
				if err != nil {
					t.Fatal(err)
				}
				for _, row := range out[0].Value().([][]float64) {
					results[k] = append(results[k], row...)
				}
			}
			for i, v := range results[0] {
				if math.Abs(v-results[1][i]) > 1e-11*(1+math.Abs(v)) {
					t.Fatalf("%s, order %d: number %d is %g together and %g in turn", name, order, i, v, results[1][i])
				}
			}
		}
	}
	operations := func(windows int) int {
		edges := make([]float64, windows+1)
		for i := range edges {
			edges[i] = float64(i)
		}
		w := must(nn.Windowed(scaled, 1, edges...))
		made := 0
		if _, err := graph.CallOnceN(backendtest.Best(t), func(theta, x *graph.Node) []*graph.Node {
			u := autodiff.Of(w.Apply(theta, x), x).Partial(0, 0, 0, 0)
			made = int(u.Id())
			return []*graph.Node{u}
		}, w.Init(1), points); err != nil {
			t.Fatal(err)
		}
		return made
	}
	if few, many := operations(2), operations(100); many != few {
		t.Errorf("two windows take %d operations and a hundred %d", few, many)
	}
}
