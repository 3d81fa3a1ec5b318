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
