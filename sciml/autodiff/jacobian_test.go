package autodiff_test

import (
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
)

// residuals are point-wise residuals by name, of different structure.
func residuals(t *testing.T) map[string]struct {
	dims, params int
	r            func(theta, x *graph.Node) *graph.Node
} {
	network := func(widths ...int) *nn.MLP {
		m, err := nn.NewMLP(nn.Tanh, widths...)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	type residual = struct {
		dims, params int
		r            func(theta, x *graph.Node) *graph.Node
	}
	plane, space, vector := network(2, 7, 5, 1), network(5, 6, 4, 1), network(2, 6, 3)
	separable, err := nn.NewSeparable(nn.Tanh, 2, 3, 4, 5, 2)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]residual{
		"value": {2, plane.NumParams(), func(theta, x *graph.Node) *graph.Node { return plane.Apply(theta, x) }},
		"Laplacian": {2, plane.NumParams(), func(theta, x *graph.Node) *graph.Node {
			return graph.Add(autodiff.Of(plane.Apply(theta, x), x).Laplacian(), graph.Sin(plane.Apply(theta, x)))
		}},
		"Laplacian by a bundle": {5, space.NumParams(), func(theta, x *graph.Node) *graph.Node {
			return autodiff.Of(space.Apply(theta, x), x).Laplacian()
		}},
		"Burgers": {2, plane.NumParams(), func(theta, x *graph.Node) *graph.Node {
			u := autodiff.Of(plane.Apply(theta, x), x)
			advection := graph.Mul(u.U(), u.Partial(1))
			return graph.Sub(graph.Add(u.Partial(0), advection), graph.MulScalar(u.Partial(1, 1), 0.01))
		}},
		"components": {2, vector.NumParams(), func(theta, x *graph.Node) *graph.Node {
			return autodiff.Of(vector.Apply(theta, x), x).Laplacian()
		}},
		"batched products of a separable network": {3, separable.NumParams(), func(theta, x *graph.Node) *graph.Node {
			u := autodiff.Of(separable.Apply(theta, x), x)
			return graph.Add(u.Laplacian(), graph.Mul(u.Partial(0), u.U()))
		}},
		"batched products with the weight on either side": {3, 3*2*4 + 3*4*2, func(theta, x *graph.Node) *graph.Node {
			left := graph.Reshape(graph.Slice(theta, graph.AxisRange(0, 24)), 2, 3, 4)
			right := graph.Reshape(graph.Slice(theta, graph.AxisRangeToEnd(24)), 4, 3, 2)
			h := graph.Sin(graph.Stack([]*graph.Node{x, graph.Square(x)}, 2)) // [N, 3, 2]
			y := graph.Einsum("kdm,ndk->dmn", left, h)
			return graph.ReduceSum(graph.Tanh(graph.Einsum("dmn,mdk->dnk", graph.Tanh(y), right)), 0)
		}},
		"scalar parameters, and some unused": {2, plane.NumParams() + 4, func(theta, x *graph.Node) *graph.Node {
			from := func(i, n int) *graph.Node { return graph.Slice(theta, graph.AxisRange(i, i+n)) }
			scalar := func(i int) *graph.Node { return graph.Reshape(from(i, 1)) }
			y := graph.Mul(x, graph.Exp(scalar(1))) // entry 0 is unused
			u := autodiff.Of(plane.Apply(from(3, plane.NumParams()), y), x)
			return graph.Sub(graph.Mul(u.Laplacian(), scalar(2)), graph.Div(u.U(), graph.AddScalar(graph.Square(scalar(1)), 1)))
		}},
		"hard condition": {2, plane.NumParams(), func(theta, x *graph.Node) *graph.Node {
			bubble := graph.ReduceAndKeep(graph.Mul(x, graph.OneMinus(x)), graph.ReduceSum, 1)
			return autodiff.Of(graph.Mul(bubble, plane.Apply(theta, x)), x).Laplacian()
		}},
		"concatenated features": {2, network(4, 5, 1).NumParams(), func(theta, x *graph.Node) *graph.Node {
			features := graph.Concatenate([]*graph.Node{graph.Sin(x), graph.Cos(x)}, 1)
			return autodiff.Of(network(4, 5, 1).Apply(theta, features), x).Partial(0, 1)
		}},
	}
}

// TestJacobian compares rows with reverse mode, one residual at a time.
func TestJacobian(t *testing.T) {
	const n = 4
	for name, res := range residuals(t) {
		t.Run(name, func(t *testing.T) {
			backendtest.Each(t, func(t *testing.T, b compute.Backend) {
				theta, x := randomTensor(dtypes.Float64, 0.5, res.params), randomTensor(dtypes.Float64, 1, n, res.dims)
				out, err := graph.CallOnceN(b, func(theta, x *graph.Node) []*graph.Node {
					r := res.r(theta, x)
					j := autodiff.Jacobian(r, theta)
					var rows []*graph.Node
					flat := graph.Reshape(r, r.Shape().Size())
					for i := range r.Shape().Size() {
						rows = append(rows, graph.Gradient(graph.Reshape(graph.Slice(flat, graph.AxisElem(i))), theta)[0])
					}
					return []*graph.Node{graph.Reshape(j, r.Shape().Size(), res.params), graph.Stack(rows, 0)}
				}, theta, x)
				if err != nil {
					t.Fatal(err)
				}
				near(t, "J", tensors.MustCopyFlatData[float64](out[0]), tensors.MustCopyFlatData[float64](out[1]), 1e-11)
			})
		})
	}
}

// TestJacobianOfInteractingPoints compares with reverse mode, one residual at a time, where rows are made of many points, and where
// weights are more than slices of θ; and bounds the reverse passes it takes.
func TestJacobianOfInteractingPoints(t *testing.T) {
	m, err := nn.NewMLP(nn.Tanh, 2, 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	p := m.NumParams()
	mix := points(3, 5, -1, 1, 71)
	for name, c := range map[string]struct {
		passes int
		r      func(theta, x *graph.Node) *graph.Node
	}{
		"mean": {2, func(theta, x *graph.Node) *graph.Node {
			u := autodiff.Of(m.Apply(theta, x), x)
			return graph.Add(graph.Mul(u.Laplacian(), u.U()), graph.ReduceAllMean(graph.Square(u.U())))
		}},
		"product with an integral": {2, func(theta, x *graph.Node) *graph.Node {
			u := m.Apply(theta, x)
			return graph.Mul(u, graph.Exp(graph.ReduceAllSum(u)))
		}},
		"sums of groups": {2, func(theta, x *graph.Node) *graph.Node {
			return graph.MatMul(constant(x.Graph(), mix), graph.Square(m.Apply(theta, x)))
		}},
		"groups of two and one": {1, func(theta, x *graph.Node) *graph.Node {
			u := graph.Slice(m.Apply(theta, x), graph.AxisRange(0, 4))
			return graph.Sin(graph.ReduceSum(graph.Reshape(u, 2, 2), 1))
		}},
		"cumulative": {1, func(theta, x *graph.Node) *graph.Node { return graph.CumSum(m.Apply(theta, x), 0) }},
		"cumulative, backwards": {1, func(theta, x *graph.Node) *graph.Node {
			return graph.CumSum(m.Apply(theta, x), 0, &graph.CumSumOptions{Exclusive: true, Reverse: true})
		}},
		"reversed": {1, func(theta, x *graph.Node) *graph.Node {
			u := m.Apply(theta, x)
			return graph.Mul(graph.Reverse(u, 0), u)
		}},
		"neighbours": {2, func(theta, x *graph.Node) *graph.Node {
			return graph.ConsecutiveDifference(graph.Reshape(m.Apply(theta, x), 5), 0, true)
		}},
		"gathered": {1, func(theta, x *graph.Node) *graph.Node {
			return graph.Gather(m.Apply(theta, x), graph.Const(x.Graph(), [][]int32{{4}, {0}, {4}}))
		}},
		"padded": {1, func(theta, x *graph.Node) *graph.Node {
			return graph.Pad(m.Apply(theta, x), constant(x.Graph(), 2.0), compute.PadAxis{Start: 1, End: 2}, compute.PadAxis{Interior: 1, End: 1})
		}},
		"joined": {1, func(theta, x *graph.Node) *graph.Node {
			u := graph.Sin(m.Apply(theta, x))
			return graph.Concatenate([]*graph.Node{u, graph.OnesLike(u), u}, 0)
		}},
		"softmax over the points": {2, func(theta, x *graph.Node) *graph.Node { return graph.Softmax(m.Apply(theta, x), 0) }},
		"normalized weights": {2, func(theta, x *graph.Node) *graph.Node {
			weight := graph.MulScalar(graph.L2Normalize(graph.Reshape(graph.Slice(theta, graph.AxisRange(0, 2)), 2, 1), 0), 2)
			return graph.Sin(graph.MatMul(x, weight))
		}},
		"shared entries of θ": {1, func(theta, x *graph.Node) *graph.Node {
			weight := func(from int) *graph.Node {
				return graph.Reshape(graph.Slice(theta, graph.AxisRange(from, from+2)), 2, 1)
			}
			return graph.Mul(graph.Sin(graph.MatMul(x, weight(0))), graph.Exp(graph.MatMul(x, weight(1))))
		}},
		"θ with gaps": {1, func(theta, x *graph.Node) *graph.Node {
			return graph.Sin(graph.MatMul(x, graph.Reshape(graph.Slice(theta, graph.AxisRange(1, 5).Stride(2)), 2, 1)))
		}},
		"θ itself": {0, func(theta, x *graph.Node) *graph.Node { return graph.Square(theta) }},
		"flat, with scalars": {1, func(theta, x *graph.Node) *graph.Node {
			scalar := func(i int) *graph.Node { return graph.Reshape(graph.Slice(theta, graph.AxisElem(i))) }
			t := graph.Reshape(column(x, 0), 5)
			return graph.Mul(graph.Exp(graph.Mul(scalar(0), t)), graph.Add(scalar(1), graph.Div(t, scalar(2))))
		}},
		"a row of weights": {2, func(theta, x *graph.Node) *graph.Node {
			return graph.Mul(graph.Reshape(graph.Slice(theta, graph.AxisRange(0, 2)), 1, 2), graph.Sin(x))
		}},
		"fused layers": {1, func(theta, x *graph.Node) *graph.Node {
			weight := graph.Reshape(graph.Slice(theta, graph.AxisRange(0, 6)), 2, 3)
			h := graph.BackendFusedDense(x, weight, graph.Slice(theta, graph.AxisRange(6, 9)), compute.DenseConfig{Activation: compute.ActivationTanh})
			h = graph.BackendFusedLayerNorm(h, []int{1}, 0.1, graph.Slice(theta, graph.AxisRange(9, 12)), nil)
			return graph.BackendFusedDense(h, graph.Reshape(graph.Slice(theta, graph.AxisRange(12, 15)), 3, 1), nil, compute.DenseConfig{})
		}},
		"one point": {3, func(theta, x *graph.Node) *graph.Node {
			return graph.Reshape(graph.Slice(graph.Sin(m.Apply(theta, x)), graph.AxisRange(0, 3)), 1, 3)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			backendtest.Each(t, func(t *testing.T, b compute.Backend) {
				if isXLA(t) && !strings.Contains("mean cumulative sums of groups gathered normalized weights", name) {
					return // compiles for long
				}
				var cost autodiff.Cost
				out, err := graph.CallOnceN(b, func(theta, x *graph.Node) []*graph.Node {
					r := c.r(theta, x)
					size := r.Shape().Size()
					var err error
					if cost, err = autodiff.JacobianCost(r, theta); err != nil {
						panic(err)
					}
					flat := graph.Reshape(r, size)
					var rows []*graph.Node
					for i := range size {
						rows = append(rows, graph.Gradient(graph.Reshape(graph.Slice(flat, graph.AxisElem(i))), theta)[0])
					}
					return []*graph.Node{graph.Reshape(autodiff.Jacobian(r, theta), size, p), graph.Stack(rows, 0)}
				}, randomTensor(dtypes.Float64, 1, p), randomTensor(dtypes.Float64, 1, 5, 2))
				skipIfLacking(t, err)
				near(t, "J", tensors.MustCopyFlatData[float64](out[0]), tensors.MustCopyFlatData[float64](out[1]), 1e-11)
				if cost.Passes > c.passes {
					t.Errorf("%d reverse passes, expected at most %d", cost.Passes, c.passes)
				}
			})
		})
	}
}
