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

// handWritten is Δu of a tanh network with its streams written out layer by layer: value, one tangent a coordinate,
// Laplacian. The tangents of the first layer are rows of its weights.
func handWritten(m *nn.MLP, theta, x *graph.Node) *graph.Node {
	blocks, dims := m.Blocks(), x.Shape().Dimensions[1]
	w, b := blocks[0].From(theta), blocks[1].From(theta)
	bias := func(h, b *graph.Node) *graph.Node {
		return graph.Add(h, graph.BroadcastToShape(graph.ExpandAxes(b, 0), h.Shape()))
	}
	value := bias(graph.MatMul(x, w), b)
	tangents := make([]*graph.Node, dims)
	for i := range tangents {
		tangents[i] = graph.BroadcastToShape(graph.Slice(w, graph.AxisRange(i, i+1)), value.Shape())
	}
	var laplacian *graph.Node
	for l := 2; l < len(blocks); l += 2 {
		w, b = blocks[l].From(theta), blocks[l+1].From(theta)
		y := graph.Tanh(value)
		f1 := graph.OneMinus(graph.Square(y))
		f2 := graph.MulScalar(graph.Mul(y, f1), -2.0)
		squares := graph.Square(tangents[0])
		for _, t := range tangents[1:] {
			squares = graph.Add(squares, graph.Square(t))
		}
		next := graph.Mul(f2, squares)
		if laplacian != nil {
			next = graph.Add(next, graph.Mul(f1, laplacian))
		}
		laplacian = graph.MatMul(next, w)
		value = bias(graph.MatMul(y, w), b)
		for i, t := range tangents {
			tangents[i] = graph.MatMul(graph.Mul(f1, t), w)
		}
	}
	return laplacian
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
	for _, dtype := range []dtypes.DType{dtypes.Float64, dtypes.Float32} {
		for _, dims := range []int{2, 5, 20, 100} {
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
				nested := run(func(theta, x *graph.Node) *graph.Node { return nestedLaplacian(m.Apply(theta, x), x) })
				b.ResetTimer()
				for range b.N {
					f, h := forward(), hand()
					b.ReportMetric(f*1e3, "ms")
					b.ReportMetric(h/f, "hand/forward")
					b.ReportMetric(nested()/f, "nested/forward")
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// BenchmarkProducts times products with the Jacobian of a Laplacian residual in two dimensions, 4×50 tanh on 2,048
// points, against one gradient of the loss.
func BenchmarkProducts(b *testing.B) {
	backend := backendtest.Best(b)
	m, err := nn.NewMLP(nn.Tanh, 2, 50, 50, 50, 50, 1)
	if err != nil {
		b.Fatal(err)
	}
	theta, x := randomTensor(dtypes.Float64, 0.2, m.NumParams()), randomTensor(dtypes.Float64, 1, 2048, 2)
	residual := func(theta, x *graph.Node) *graph.Node { return autodiff.Of(m.Apply(theta, x), x).Laplacian() }
	gradient := timer(backend, func(theta, x *graph.Node) []*graph.Node {
		loss := residualLoss(residual(theta, x))
		return []*graph.Node{loss, graph.Gradient(loss, theta)[0]}
	}, theta, x)
	for name, build := range map[string]func(theta, x *graph.Node) []*graph.Node{
		"Jv": func(theta, x *graph.Node) []*graph.Node {
			return []*graph.Node{autodiff.JVP(residual(theta, x), []*graph.Node{theta}, []*graph.Node{graph.Sin(theta)})}
		},
		"JtJv": func(theta, x *graph.Node) []*graph.Node {
			return []*graph.Node{autodiff.GaussNewtonProduct(residual(theta, x), theta, graph.Sin(theta))}
		},
		"Hv": func(theta, x *graph.Node) []*graph.Node {
			return []*graph.Node{autodiff.HessianProduct(residualLoss(residual(theta, x)), theta, graph.Sin(theta))}
		},
	} {
		product := timer(backend, build, theta, x)
		b.Run(name, func(b *testing.B) {
			for range b.N {
				b.ReportMetric(product()/gradient(), "gradients")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkJacobian times the Jacobian of 900 Laplacian residuals, 2×32 tanh (1,185 parameters), in gradients of the
// loss: row by row it would take as many as there are points, column by column as many as parameters.
func BenchmarkJacobian(b *testing.B) {
	backend := backendtest.Best(b)
	m, err := nn.NewMLP(nn.Tanh, 2, 32, 32, 1)
	if err != nil {
		b.Fatal(err)
	}
	theta, x := randomTensor(dtypes.Float64, 0.3, m.NumParams()), randomTensor(dtypes.Float64, 1, 900, 2)
	residual := func(theta, x *graph.Node) *graph.Node { return autodiff.Of(m.Apply(theta, x), x).Laplacian() }
	gradient := timer(backend, func(theta, x *graph.Node) []*graph.Node {
		loss := residualLoss(residual(theta, x))
		return []*graph.Node{loss, graph.Gradient(loss, theta)[0]}
	}, theta, x)
	jacobian := func(theta, x *graph.Node) *graph.Node { return autodiff.Jacobian(residual(theta, x), theta) }
	for name, build := range map[string]func(theta, x *graph.Node) []*graph.Node{
		"J": func(theta, x *graph.Node) []*graph.Node { return []*graph.Node{jacobian(theta, x)} },
		"JtJ": func(theta, x *graph.Node) []*graph.Node {
			j := jacobian(theta, x)
			return []*graph.Node{graph.DotGeneral(j, []int{0}, nil, j, []int{0}, nil)}
		},
		"JJt": func(theta, x *graph.Node) []*graph.Node {
			j := jacobian(theta, x)
			return []*graph.Node{graph.DotGeneral(j, []int{1}, nil, j, []int{1}, nil)}
		},
	} {
		matrix := timer(backend, build, theta, x)
		b.Run(name, func(b *testing.B) {
			for range b.N {
				s := matrix()
				b.ReportMetric(s*1e3, "ms")
				b.ReportMetric(s/gradient(), "gradients")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
