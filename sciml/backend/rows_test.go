package backend_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
)

// TestRowsStayApart is the case for which CPUFlags exists: the Jacobian of four Laplacian residuals, assembled in one
// fused loop, against its rows one by one.
func TestRowsStayApart(t *testing.T) {
	b := backendtest.Best(t)
	network, err := nn.NewMLP(nn.Tanh, 2, 7, 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	random := func(scale float64, n int) []float64 {
		rng := rand.New(rand.NewPCG(1, 2))
		v := make([]float64, n)
		for i := range v {
			v[i] = scale * rng.NormFloat64()
		}
		return v
	}
	theta := tensors.FromFlatDataAndDimensions(random(0.5, network.NumParams()), network.NumParams())
	points := tensors.FromFlatDataAndDimensions(random(1, 8), 4, 2)
	residual := func(theta, x *graph.Node) *graph.Node {
		return graph.Add(autodiff.Of(network.Apply(theta, x), x).Laplacian(), graph.Sin(network.Apply(theta, x)))
	}
	all, err := graph.CallOnce(b, func(theta, x *graph.Node) *graph.Node {
		return autodiff.Jacobian(residual(theta, x), theta)
	}, theta, points)
	if err != nil {
		t.Fatal(err)
	}
	got := tensors.MustCopyFlatData[float64](all)
	for n := range 4 {
		row, err := graph.CallOnce(b, func(theta, x *graph.Node) *graph.Node {
			r := residual(theta, graph.Slice(x, graph.AxisRange(n, n+1)))
			return graph.Gradient(graph.ReduceAllSum(r), theta)[0]
		}, theta, points)
		if err != nil {
			t.Fatal(err)
		}
		for k, want := range tensors.MustCopyFlatData[float64](row) {
			if math.Abs(got[n*network.NumParams()+k]-want) > 1e-12 {
				t.Fatalf("entry %d of row %d is %v, want %v", k, n, got[n*network.NumParams()+k], want)
			}
		}
	}
}
