package nn_test

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/nn"
)

// TestAmplified: each output is that of the network times its factor, and θ is the network's.
func TestAmplified(t *testing.T) {
	b := must(backend.OpenConfig("go"))
	mlp := must(nn.NewMLP(nn.Tanh, 1, 3, 2))
	large := must(nn.Amplified(mlp, 1e6, 0.5))
	if large.String() != "MLP 1-3-2 tanh → times [1e+06 0.5]" || large.NumParams() != mlp.NumParams() || large.Inputs() != 1 || large.Outputs() != 2 {
		t.Errorf("the network is %s", large)
	}
	out := must(graph.CallOnceN(b, func(theta, x *graph.Node) []*graph.Node {
		return []*graph.Node{mlp.Apply(theta, x), large.Apply(theta, x)}
	}, parameters(mlp), [][]float64{{0.1}, {0.7}}))
	plain, times := tensors.MustCopyFlatData[float64](out[0]), tensors.MustCopyFlatData[float64](out[1])
	for i, v := range plain {
		if want := v * []float64{1e6, 0.5}[i%2]; math.Abs(times[i]-want) > 1e-9*math.Abs(want) {
			t.Errorf("output %d is %v, want %v", i, times[i], want)
		}
	}
	if nn.PiecewiseLinear(large) {
		t.Error("tanh is taken for a piecewise linear function")
	}
}
