package autodiff_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
)

// residualLoss is mean (Δu + 1)² for a network u.
func residualLoss(laplacian *graph.Node) *graph.Node {
	return graph.ReduceAllMean(graph.Square(graph.OnePlus(laplacian)))
}

// nestedLaplacian is Δu by reverse mode over reverse mode.
func nestedLaplacian(u, x *graph.Node) *graph.Node {
	g := graph.Gradient(graph.ReduceAllSum(u), x)[0]
	var total *graph.Node
	for i := range x.Shape().Dimensions[1] {
		gi := graph.ReduceAllSum(graph.Slice(g, graph.AxisRange(), graph.AxisElem(i)))
		second := graph.Slice(graph.Gradient(gi, x)[0], graph.AxisRange(), graph.AxisElem(i))
		if total == nil {
			total = second
		} else {
			total = graph.Add(total, second)
		}
	}
	return total
}

// handWritten is Δu of a tanh network with the streams written out layer by layer, all in one product a layer.
func handWritten(m *nn.MLP, theta, x *graph.Node) *graph.Node {
	g := x.Graph()
	n, d := x.Shape().Dimensions[0], x.Shape().Dimensions[1]
	blocks := m.Blocks()
	// Streams: value, d tangents, Laplacian, along the first axis.
	unit := graph.BroadcastToDims(graph.ExpandAxes(graph.ConvertDType(graph.Diagonal(g, d), x.DType()), 1), d, n, d)
	s := graph.Concatenate([]*graph.Node{graph.ExpandAxes(x, 0), unit, graph.ExpandAxes(graph.ZerosLike(x), 0)}, 0)
	part := func(from, to int) *graph.Node { return graph.Slice(s, graph.AxisRange(from, to)) }
	for l := 0; l < len(blocks); l += 2 {
		w, b := blocks[l].From(theta), blocks[l+1].From(theta)
		s = graph.Einsum("snk,km->snm", s, w)
		value := graph.Add(part(0, 1), graph.BroadcastToDims(graph.Reshape(b, 1, 1, b.Shape().Size()), 1, n, b.Shape().Size()))
		tangents, laplacian := part(1, d+1), part(d+1, d+2)
		if l == len(blocks)-2 {
			return graph.Squeeze(laplacian, 0)
		}
		y := graph.Tanh(value)
		f1 := graph.OneMinus(graph.Square(y))
		f2 := graph.MulScalar(graph.Mul(y, f1), -2.0)
		squares := graph.ExpandAxes(graph.ReduceSum(graph.Square(tangents), 0), 0)
		laplacian = graph.Add(graph.Mul(f1, laplacian), graph.Mul(f2, squares))
		tangents = graph.Mul(tangents, graph.BroadcastToShape(f1, tangents.Shape()))
		s = graph.Concatenate([]*graph.Node{y, tangents, laplacian}, 0)
	}
	panic("a network without layers")
}

// timer returns the seconds of one call of a compiled graph, the least of several.
func timer(b compute.Backend, build any, args ...any) func() float64 {
	exec := graph.MustNewExec(b, build.(func(theta, x *graph.Node) []*graph.Node))
	exec.MustCall(args...)
	return func() float64 {
		best := 1e9
		for range 7 {
			start := time.Now()
			for _, t := range exec.MustCall(args...) {
				t.MustConstFlatData(func(any) {}) // waits for the result
				t.MustFinalizeAll()
			}
			best = min(best, time.Since(start).Seconds())
		}
		return best
	}
}

func randomTensor(dtype dtypes.DType, scale float64, dims ...int) *tensors.Tensor {
	rng := rand.New(rand.NewPCG(1, 2))
	size := 1
	for _, d := range dims {
		size *= d
	}
	v64, v32 := make([]float64, size), make([]float32, size)
	for i := range v64 {
		v64[i] = scale * rng.NormFloat64()
		v32[i] = float32(v64[i])
	}
	if dtype == dtypes.Float32 {
		return tensors.FromFlatDataAndDimensions(v32, dims...)
	}
	return tensors.FromFlatDataAndDimensions(v64, dims...)
}

// BenchmarkLaplacian times loss and parameter gradient of a Laplacian residual, 4×50 tanh on 2,048 points, and
// reports how many times longer nested reverse mode and a forward Laplacian written by hand take.
func BenchmarkLaplacian(b *testing.B) {
	backend := backendtest.Best(b)
	for _, dtype := range []dtypes.DType{dtypes.Float64} {
		for _, dims := range []int{2, 5, 20} {
			b.Run(fmt.Sprintf("%s/%dD", dtype, dims), func(b *testing.B) {
				m, err := nn.NewMLP(nn.Tanh, dims, 50, 50, 50, 50, 1)
				if err != nil {
					b.Fatal(err)
				}
				theta, x := randomTensor(dtype, 0.2, m.NumParams()), randomTensor(dtype, 1, 2048, dims)
				run := func(laplacian func(theta, x *graph.Node) *graph.Node) func() float64 {
					return timer(backend, func(theta, x *graph.Node) []*graph.Node {
						loss := residualLoss(laplacian(theta, x))
						return []*graph.Node{loss, graph.Gradient(loss, theta)[0]}
					}, theta, x)
				}
				forward := run(func(theta, x *graph.Node) *graph.Node { return autodiff.Of(m.Apply(theta, x), x).Laplacian() })
				hand := run(func(theta, x *graph.Node) *graph.Node { return handWritten(m, theta, x) })
				var nested func() float64
				if dims <= 20 { // beyond, compiling it takes minutes
					nested = run(func(theta, x *graph.Node) *graph.Node { return nestedLaplacian(m.Apply(theta, x), x) })
				}
				b.ResetTimer()
				for range b.N {
					f, h := forward(), hand()
					b.ReportMetric(f*1e3, "ms")
					b.ReportMetric(h/f, "hand/forward")
					if nested != nil {
						b.ReportMetric(nested()/f, "nested/forward")
					}
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
