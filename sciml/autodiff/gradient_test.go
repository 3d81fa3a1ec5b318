package autodiff_test

import (
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
)

// TestGradient: it is that of graph.Gradient, bit for bit, however theta is taken apart, and pads nothing where it is by slices.
func TestGradient(t *testing.T) {
	part := func(x *graph.Node, from, to int) *graph.Node { return graph.Slice(x, graph.AxisRange(from, to)) }
	sum := func(x *graph.Node) *graph.Node { return graph.ReduceAllSum(graph.Sin(x)) }
	cases := map[string]struct {
		f    func(theta *graph.Node) *graph.Node
		pads int
	}{
		"parts":     {func(x *graph.Node) *graph.Node { return graph.Mul(sum(part(x, 0, 3)), sum(part(x, 3, 8))) }, 0},
		"with gaps": {func(x *graph.Node) *graph.Node { return graph.Mul(sum(part(x, 1, 3)), sum(part(x, 4, 6))) }, 0},
		"several of a": {func(x *graph.Node) *graph.Node {
			return graph.Mul(graph.Mul(sum(part(x, 0, 3)), graph.ReduceAllSum(graph.Exp(part(x, 0, 3)))), graph.Mul(sum(part(x, 3, 8)), graph.ReduceAllSum(graph.Cos(part(x, 0, 3)))))
		}, 0},
		"of slices": {func(x *graph.Node) *graph.Node {
			one, two := part(x, 0, 6), part(x, 0, 6)
			return graph.Mul(graph.Mul(sum(part(one, 0, 3)), sum(part(one, 3, 6))), graph.Mul(sum(part(two, 0, 3)), graph.ReduceAllSum(part(x, 6, 8))))
		}, 0},
		"whole":       {func(x *graph.Node) *graph.Node { return sum(x) }, 0},
		"both":        {func(x *graph.Node) *graph.Node { return graph.Mul(sum(x), sum(part(x, 2, 4))) }, 1},
		"overlapping": {func(x *graph.Node) *graph.Node { return graph.Mul(sum(part(x, 0, 5)), sum(part(x, 2, 8))) }, 2},
		"strided": {func(x *graph.Node) *graph.Node {
			return graph.Mul(sum(graph.Slice(x, graph.AxisRange(0, 8).Stride(2))), sum(part(x, 0, 2)))
		}, 2},
		"stopped": {func(x *graph.Node) *graph.Node {
			return graph.Mul(sum(graph.StopGradient(part(x, 0, 3))), sum(part(x, 3, 8)))
		}, -1},
		"unused": {func(x *graph.Node) *graph.Node { return graph.AddScalar(graph.ScalarZero(x.Graph(), x.DType()), 2) }, -1},
	}
	theta := []float64{0.3, -0.7, 1.1, 0.2, -1.4, 0.9, 2.2, -0.1}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, c := range cases {
			pads := 0
			out, err := graph.CallOnceN(b, func(x *graph.Node) []*graph.Node {
				f := c.f(x)
				want := graph.Gradient(f, x)[0]
				before := len(x.Graph().Nodes())
				got := autodiff.GradientBySlices(f, x)
				for _, n := range x.Graph().Nodes()[before:] {
					if n.Type() == graph.NodeTypePad {
						pads++
					}
				}
				return []*graph.Node{got, want}
			}, tensors.FromValue(theta))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, want := tensors.MustCopyFlatData[float64](out[0]), tensors.MustCopyFlatData[float64](out[1])
			if !slices.Equal(got, want) {
				t.Errorf("%s: the gradient is %v, want %v", name, got, want)
			}
			if c.pads >= 0 && pads != c.pads {
				t.Errorf("%s: %d vectors were padded, want %d", name, pads, c.pads)
			}
		}
	})
}
