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

func TestJacobianRefusesInteractingPoints(t *testing.T) {
	m, err := nn.NewMLP(nn.Tanh, 2, 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	for words, r := range map[string]func(theta, x *graph.Node) *graph.Node{
		"points interact": func(theta, x *graph.Node) *graph.Node {
			return graph.Reverse(m.Apply(theta, x), 0)
		},
		"joined": func(theta, x *graph.Node) *graph.Node {
			return graph.Concatenate([]*graph.Node{m.Apply(theta, x), m.Apply(theta, x)}, 0)
		},
		"more than slices": func(theta, x *graph.Node) *graph.Node {
			weight := graph.MulScalar(graph.L2Normalize(graph.Reshape(graph.Slice(theta, graph.AxisRange(0, 2)), 2, 1), 0), 2)
			return graph.MatMul(x, weight)
		},
	} {
		backendtest.Each(t, func(t *testing.T, b compute.Backend) {
			_, err := graph.CallOnce(b, func(theta, x *graph.Node) *graph.Node {
				return autodiff.Jacobian(r(theta, x), theta)
			}, randomTensor(dtypes.Float64, 1, m.NumParams()), randomTensor(dtypes.Float64, 1, 5, 2))
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("error %v, want one that mentions %q", err, words)
			}
		})
	}
}
