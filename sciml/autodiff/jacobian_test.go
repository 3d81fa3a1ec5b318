package autodiff_test

import (
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
)

// residuals are point-wise residuals by name, of different structure.
func residuals(t *testing.T) map[string]struct {
	dims, params int
	layers       []nn.Block
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
		layers       []nn.Block // from the beginning of θ on
		r            func(theta, x *graph.Node) *graph.Node
	}
	plane, space, vector := network(2, 7, 5, 1), network(5, 6, 4, 1), network(2, 6, 3)
	separable, err := nn.NewSeparable(nn.Tanh, 2, 3, 4, 5, 2)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]residual{
		"third and fourth order": {2, plane.NumParams(), plane.Blocks(), func(theta, x *graph.Node) *graph.Node {
			u := autodiff.Of(plane.Apply(theta, x), x)
			return graph.Add(graph.Add(u.Partial(1), graph.Mul(u.U(), u.Partial(0, 0, 0))), u.Partial(0, 0, 0, 0))
		}},
		"system": {2, vector.NumParams(), vector.Blocks(), func(theta, x *graph.Node) *graph.Node {
			u := autodiff.Of(vector.Apply(theta, x), x)
			of := func(n *graph.Node, i int) *graph.Node { return column(n, i) }
			first := graph.Add(graph.Mul(of(u.U(), 0), of(u.Partial(0), 1)), of(u.Laplacian(), 0))
			second := graph.Add(of(u.Partial(0), 2), of(u.Partial(1), 1))
			return graph.Concatenate([]*graph.Node{first, second}, 1)
		}},
		"slopes at both sides": {2, plane.NumParams(), plane.Blocks(), func(theta, x *graph.Node) *graph.Node {
			u, other := autodiff.Of(plane.Apply(theta, x), x), graph.AddScalar(x, 1)
			return graph.Sub(u.Partial(0), autodiff.Of(plane.Apply(theta, other), other).Partial(0))
		}},
		"value": {2, plane.NumParams(), plane.Blocks(), func(theta, x *graph.Node) *graph.Node { return plane.Apply(theta, x) }},
		"Laplacian": {2, plane.NumParams(), plane.Blocks(), func(theta, x *graph.Node) *graph.Node {
			return graph.Add(autodiff.Of(plane.Apply(theta, x), x).Laplacian(), graph.Sin(plane.Apply(theta, x)))
		}},
		"Laplacian by a bundle": {5, space.NumParams(), space.Blocks(), func(theta, x *graph.Node) *graph.Node {
			return autodiff.Of(space.Apply(theta, x), x).Laplacian()
		}},
		"Burgers": {2, plane.NumParams(), plane.Blocks(), func(theta, x *graph.Node) *graph.Node {
			u := autodiff.Of(plane.Apply(theta, x), x)
			advection := graph.Mul(u.U(), u.Partial(1))
			return graph.Sub(graph.Add(u.Partial(0), advection), graph.MulScalar(u.Partial(1, 1), 0.01))
		}},
		"components": {2, vector.NumParams(), vector.Blocks(), func(theta, x *graph.Node) *graph.Node {
			return autodiff.Of(vector.Apply(theta, x), x).Laplacian()
		}},
		"batched products of a separable network": {3, separable.NumParams(), separable.Blocks(), func(theta, x *graph.Node) *graph.Node {
			u := autodiff.Of(separable.Apply(theta, x), x)
			return graph.Add(u.Laplacian(), graph.Mul(u.Partial(0), u.U()))
		}},
		"batched products with the weight on either side": {3, 3*2*4 + 3*4*2, nil, func(theta, x *graph.Node) *graph.Node {
			left := graph.Reshape(graph.Slice(theta, graph.AxisRange(0, 24)), 2, 3, 4)
			right := graph.Reshape(graph.Slice(theta, graph.AxisRangeToEnd(24)), 4, 3, 2)
			h := graph.Sin(graph.Stack([]*graph.Node{x, graph.Square(x)}, 2)) // [N, 3, 2]
			y := graph.Einsum("kdm,ndk->dmn", left, h)
			return graph.ReduceSum(graph.Tanh(graph.Einsum("dmn,mdk->dnk", graph.Tanh(y), right)), 0)
		}},
		"scalar parameters, and some unused": {2, plane.NumParams() + 4, plane.Blocks(), func(theta, x *graph.Node) *graph.Node {
			from := func(i, n int) *graph.Node { return graph.Slice(theta, graph.AxisRange(i, i+n)) }
			scalar := func(i int) *graph.Node { return graph.Reshape(from(i, 1)) }
			y := graph.Mul(x, graph.Exp(scalar(1))) // entry 0 is unused
			u := autodiff.Of(plane.Apply(from(3, plane.NumParams()), y), x)
			return graph.Sub(graph.Mul(u.Laplacian(), scalar(2)), graph.Div(u.U(), graph.AddScalar(graph.Square(scalar(1)), 1)))
		}},
		"hard condition": {2, plane.NumParams(), plane.Blocks(), func(theta, x *graph.Node) *graph.Node {
			bubble := graph.ReduceAndKeep(graph.Mul(x, graph.OneMinus(x)), graph.ReduceSum, 1)
			return autodiff.Of(graph.Mul(bubble, plane.Apply(theta, x)), x).Laplacian()
		}},
		"concatenated features": {2, network(4, 5, 1).NumParams(), network(4, 5, 1).Blocks(), func(theta, x *graph.Node) *graph.Node {
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
					return append([]*graph.Node{graph.Reshape(j, r.Shape().Size(), res.params), graph.Stack(rows, 0)}, narrowed(r, theta, j, res.layers)...)
				}, theta, x)
				if err != nil {
					t.Fatal(err)
				}
				near(t, "J", tensors.MustCopyFlatData[float64](out[0]), tensors.MustCopyFlatData[float64](out[1]), 1e-11)
				nearNarrowed(t, out[2:])
			})
		})
	}
}

// narrowed are JC as JacobianTimes has it and the product itself, and Cz in two ways, for two C: one that mixes an axis of each
// block, and one that knows of no blocks.
func narrowed(r, theta, j *graph.Node, blocks []nn.Block) (pairs []*graph.Node) {
	g, size := theta.Graph(), theta.Shape().Size()
	flat := graph.Reshape(j, j.Shape().Size()/size, size)
	for _, blocks := range [][]nn.Block{blocks, {{Dims: []int{5, 1}}, {Offset: 5, Dims: []int{1, 1}}}} {
		c := mixing(g, blocks, size)
		product := c.Apply(flat)
		z := graph.ConvertDType(graph.Iota(g, shapes.Make(dtypes.Int32, product.Shape().Dimensions[1]), 0), theta.DType())
		whole := c.Apply(graph.ConvertDType(graph.Diagonal(g, size), theta.DType()))
		pairs = append(pairs,
			graph.Reshape(autodiff.JacobianTimes(r, theta, c), product.Shape().Dimensions...), product,
			c.Step(z), graph.Reshape(graph.MatMul(whole, graph.ExpandAxes(z, 1)), size))
	}
	return pairs
}

// mixing halves the longer axis of each block, and of what is left of θ.
func mixing(g *graph.Graph, blocks []nn.Block, size int) (c autodiff.Mixing) {
	end := 0
	add := func(before, axis, after int) {
		by := points(axis, (axis+1)/2, -1, 1, uint64(end+1))
		c = append(c, autodiff.Mix{Offset: end, Before: before, Axis: axis, After: after, By: constant(g, by)})
		end += before * axis * after
	}
	for _, b := range blocks {
		rows, columns := b.Dims[0], b.Size()/b.Dims[0]
		if rows > columns {
			add(1, rows, columns)
		} else {
			add(rows, columns, 1)
		}
	}
	if end < size {
		add(1, size-end, 1)
	}
	return c
}

func nearNarrowed(t *testing.T, out []*tensors.Tensor) {
	t.Helper()
	for i := 0; i < len(out); i += 2 {
		near(t, []string{"JC", "Cz"}[i/2%2], tensors.MustCopyFlatData[float64](out[i]), tensors.MustCopyFlatData[float64](out[i+1]), 1e-11)
	}
}

// TestJacobianTimes: where C mixes axes of weights, J is nowhere on the way to JC.
func TestJacobianTimes(t *testing.T) {
	const n = 11
	for name, res := range residuals(t) {
		if len(res.layers) == 0 || name == "scalar parameters, and some unused" { // the weights are elsewhere
			continue
		}
		_, err := graph.CallOnce(backendtest.Best(t), func(theta, x *graph.Node) *graph.Node {
			j := autodiff.JacobianTimes(res.r(theta, x), theta, mixing(theta.Graph(), res.layers, res.params))
			seen := map[graph.NodeId]bool{}
			var walk func(*graph.Node)
			walk = func(k *graph.Node) {
				if seen[k.Id()] {
					return
				}
				seen[k.Id()] = true
				if rows := j.Shape().Size() / j.Shape().Dimensions[j.Rank()-1]; k.NumOutputs() == 1 && k.Shape().Size() >= rows*res.params {
					t.Errorf("%s: there is a node of shape %s on the way to JC, where J has %d by %d", name, k.Shape(), rows, res.params)
				}
				for _, input := range k.Inputs() {
					walk(input)
				}
			}
			walk(j)
			return j
		}, randomTensor(dtypes.Float64, 0.5, res.params), randomTensor(dtypes.Float64, 1, n, res.dims))
		if err != nil {
			t.Fatal(name, err)
		}
	}
	for want, wrong := range map[string]func(c autodiff.Mixing) autodiff.Mixing{
		"mix 1 is of":    func(c autodiff.Mixing) autodiff.Mixing { return append(c[:1:1], c[2:]...) },
		"the mixes have": func(c autodiff.Mixing) autodiff.Mixing { return c[:len(c)-1] },
		"mix 0 is of":    func(c autodiff.Mixing) autodiff.Mixing { c[0].Axis++; return c },
	} {
		_, err := graph.CallOnce(backendtest.Best(t), func(theta, x *graph.Node) *graph.Node {
			res := residuals(t)["value"]
			return autodiff.JacobianTimes(res.r(theta, x), theta, wrong(mixing(theta.Graph(), res.layers, res.params)))
		}, randomTensor(dtypes.Float64, 0.5, residuals(t)["value"].params), randomTensor(dtypes.Float64, 1, n, 2))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
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
					j := graph.Reshape(autodiff.Jacobian(r, theta), size, p)
					return append([]*graph.Node{j, graph.Stack(rows, 0)}, narrowed(r, theta, j, m.Blocks())...)
				}, randomTensor(dtypes.Float64, 1, p), randomTensor(dtypes.Float64, 1, 5, 2))
				skipIfLacking(t, err)
				near(t, "J", tensors.MustCopyFlatData[float64](out[0]), tensors.MustCopyFlatData[float64](out[1]), 1e-11)
				nearNarrowed(t, out[2:])
				if cost.Passes > c.passes {
					t.Errorf("%d reverse passes, expected at most %d", cost.Passes, c.passes)
				}
			})
		})
	}
}
