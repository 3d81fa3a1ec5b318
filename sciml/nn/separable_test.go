package nn_test

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/nn"
)

// TestSeparableStart: products of few and of a hundred factors begin neither huge nor tiny, all of them.
func TestSeparableStart(t *testing.T) {
	b := must(backend.OpenConfig("go")) // compiles in no time
	for _, d := range []int{1, 3, 100} {
		for _, activation := range []nn.Activation{nn.Tanh, nn.Sine, nn.GELU} {
			n := must(nn.NewSeparable(activation, 8, d, 10, 1))
			x := make([][]float64, 50)
			for i := range x {
				x[i] = make([]float64, d)
				for k := range x[i] {
					x[i][k] = math.Mod(float64(i*31+k*17)*0.618, 2) - 1
				}
			}
			out := must(graph.CallOnceN(b, func(theta, x *graph.Node) []*graph.Node {
				u := n.Apply(theta, x)
				return []*graph.Node{u, autodiff.Of(u, x).Gradient()}
			}, n.Init(3), x))
			for k, what := range []string{"u", "its gradient"} {
				square, count := 0.0, 0.0
				for _, v := range tensors.MustCopyFlatData[float64](out[k]) {
					square, count = square+v*v, count+1
				}
				size := math.Sqrt(square / count)
				if k == 1 {
					size *= math.Sqrt(float64(d)) // the length of the gradient
				}
				if !(size > 0.05 && size < 10) {
					t.Errorf("%s: %s is about %.2g at the start, expected about 1", n, what, size)
				}
			}
		}
	}
}

// TestSeparableSizes checks the numbers of what it is made of.
func TestSeparableSizes(t *testing.T) {
	n := must(nn.NewSeparable(nn.Tanh, 5, 3, 4, 2))
	if n.Rank() != 5 || n.Inputs() != 3 || n.Outputs() != 2 {
		t.Errorf("%s has rank %d, %d inputs and %d outputs", n, n.Rank(), n.Inputs(), n.Outputs())
	}
	if want := 3*(4+4) + 3*(4*7+7) + 5*2; n.NumParams() != want {
		t.Errorf("%s has %d parameters, want %d", n, n.NumParams(), want)
	}
}
