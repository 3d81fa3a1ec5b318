package autodiff_test

import (
	"fmt"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
)

// hessian is every second partial of u of shape [N, m], by single directions: entry i, j has shape [N, m].
func hessian(d *autodiff.Derivatives) [][]*graph.Node {
	h := make([][]*graph.Node, d.Dims())
	for i := range h {
		for j := range d.Dims() {
			h[i] = append(h[i], d.Partial(i, j))
		}
	}
	return h
}

func sum(nodes ...*graph.Node) *graph.Node {
	total := nodes[0]
	for _, n := range nodes[1:] {
		total = graph.Add(total, n)
	}
	return total
}

// TestOperators checks what is made of several derivatives against sums of single ones, which are checked elsewhere.
func TestOperators(t *testing.T) {
	x := points(4, 3, -1, 1, 51)
	directions := points(4, 3, -1, 1, 52)
	factor := points(3, 2, -1, 1, 53) // σ of shape [d, r]
	var varying [][][]float64         // σ of shape [N, d, r]
	for n := range x {
		varying = append(varying, points(3, 2, -1, 1, uint64(54+n)))
	}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		compare(t, plain(b), x, 1e-12, func(x *graph.Node, c *comparison) {
			g := x.Graph()
			u := mlp(graph.Tanh, 2)(x)
			d := autodiff.Of(u, x)
			h := hessian(d)

			perPoint, everywhere := constant(g, directions), constant(g, directions[0])
			for name, v := range map[string]*graph.Node{"[N, d]": perPoint, "[d]": everywhere} {
				at := func(i int) *graph.Node {
					if v.Rank() == 1 {
						return graph.Slice(v, graph.AxisElem(i))
					}
					return graph.Slice(v, graph.AxisRange(), graph.AxisElem(i))
				}
				var first, second []*graph.Node
				for i := range 3 {
					first = append(first, graph.Mul(times(d.Partial(i), at(i)), graph.OnesLike(u)))
					for j := range 3 {
						second = append(second, times(times(h[i][j], at(i)), at(j)))
					}
				}
				c.add("first derivative along "+name, d.Directional(v, 1), sum(first...))
				c.add("second derivative along "+name, d.Directional(v, 2), sum(second...))
			}

			var constantly, pointwise []*graph.Node
			sigma := constant(g, varying)
			for i := range 3 {
				for j := range 3 {
					a := 0.0
					for r := range 2 {
						a += factor[i][r] * factor[j][r]
						coefficient := graph.Mul(graph.Slice(sigma, graph.AxisRange(), graph.AxisElem(i), graph.AxisElem(r)),
							graph.Slice(sigma, graph.AxisRange(), graph.AxisElem(j), graph.AxisElem(r)))
						pointwise = append(pointwise, graph.Mul(h[i][j], graph.Reshape(coefficient, 4, 1)))
					}
					constantly = append(constantly, graph.MulScalar(h[i][j], a))
				}
			}
			c.add("tr(σσᵀD²u)", d.SecondOrder(constant(g, factor)), sum(constantly...))
			c.add("tr(σσᵀD²u), varying", d.SecondOrder(sigma), sum(pointwise...))

			c.add("Δ", d.Laplacian(), sum(h[0][0], h[1][1], h[2][2]))
			c.add("Δ over two axes", d.Laplacian(0, 2), sum(h[0][0], h[2][2]))
			c.add("biharmonic by nesting", autodiff.Of(d.Laplacian(), x).Laplacian(),
				d.Operator(autodiff.Term{Weight: 1, Axes: []int{0, 0, 0, 0}}, autodiff.Term{Weight: 1, Axes: []int{1, 1, 1, 1}},
					autodiff.Term{Weight: 1, Axes: []int{2, 2, 2, 2}}, autodiff.Term{Weight: 2, Axes: []int{0, 0, 1, 1}},
					autodiff.Term{Weight: 2, Axes: []int{0, 0, 2, 2}}, autodiff.Term{Weight: 2, Axes: []int{1, 1, 2, 2}}))

			field := mlp(graph.Sin, 3)(x)
			f := d.For(field)
			c.add("divergence", f.Divergence(), sum(column(f.Partial(0), 0), column(f.Partial(1), 1), column(f.Partial(2), 2)))
			c.add("derivatives of another function", f.Partial(1, 2), autodiff.Of(field, x).Partial(1, 2))
			c.add("derivatives of a function of u", d.For(graph.Square(u)).Partial(0), graph.MulScalar(graph.Mul(u, d.Partial(0)), 2))
		})
	})
}

// times multiplies a node of shape [N, m] with a scalar, [1] or [N, 1].
func times(n, by *graph.Node) *graph.Node {
	if by.Rank() == 1 {
		by = graph.Reshape(by, 1, 1)
	}
	return graph.Mul(n, graph.BroadcastToShape(by, n.Shape()))
}

// TestManyDimensions: with many coordinates the Laplacian goes in a bundle, and is the same.
func TestManyDimensions(t *testing.T) {
	const dims = 24
	x := points(3, dims, -1, 1, 61)
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		compare(t, plain(b), x, 1e-12, func(x *graph.Node, c *comparison) {
			d := autodiff.Of(graph.Mul(mlp(graph.Tanh, 2)(x), graph.Exp(column(x, 5))), x)
			c.add("Δ", d.Laplacian(), d.Laplacian(graphAxes(dims)...))
			c.add("Δ as a bundle", autodiff.BundledOperator(d), d.Laplacian())
			gradient := d.Gradient()
			for _, i := range []int{0, 5, dims - 1} {
				c.add(fmt.Sprintf("∂%d", i), graph.Slice(gradient, graph.AxisRange(), graph.AxisRange(), graph.AxisElem(i)),
					graph.ExpandAxes(d.Partial(i), -1))
			}
		})
	})
}

// TestShapes checks the shapes of results for u of shape [N], [N, 1], [N, m] and [N, p, q], with zeros written out.
func TestShapes(t *testing.T) {
	x := points(3, 2, -1, 1, 62)
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		run(t, b, x, func(x *graph.Node) []*graph.Node {
			y := graph.Sin(graph.Mul(x, column(x, 0)))
			var out []*graph.Node
			for _, c := range []struct {
				u        *graph.Node
				gradient string
			}{
				{graph.ReduceSum(y, 1), "[3 2]"}, {column(y, 0), "[3 2]"}, {y, "[3 2 2]"}, {graph.Reshape(y, 3, 1, 2), "[3 1 2 2]"},
				{graph.OnesLike(column(x, 0)), "[3 2]"}, {graph.OnesLike(y), "[3 2 2]"},
			} {
				d := autodiff.Of(c.u, x)
				if got := fmt.Sprint(d.Gradient().Shape().Dimensions); got != c.gradient {
					t.Errorf("the gradient of u of shape %s has shape %s, want %s", c.u.Shape(), got, c.gradient)
				}
				same := []*graph.Node{d.Partial(1), d.Partial(0, 1), d.Laplacian(), d.Directional(constant(x.Graph(), []float64{1, 2}), 2),
					d.SecondOrder(constant(x.Graph(), [][]float64{{1, 2}, {3, 4}})), d.Operator(autodiff.Term{Weight: 1, Axes: []int{1, 1, 1}})}
				for k, n := range same {
					if !n.Shape().Equal(c.u.Shape()) {
						t.Errorf("derivative %d of u of shape %s has shape %s", k, c.u.Shape(), n.Shape())
					}
				}
				out = append(out, same...)
			}
			return out
		})
	})
}

// TestSharing: what is asked for twice is built once.
func TestSharing(t *testing.T) {
	run(t, backendtest.Best(t), points(3, 2, -1, 1, 63), func(x *graph.Node) []*graph.Node {
		d := autodiff.Of(mlp(graph.Tanh, 1)(x), x)
		terms := []autodiff.Term{{Weight: 2, Axes: []int{0, 1}}, {Weight: 1, Axes: []int{1}}}
		v := constant(x.Graph(), []float64{1, 2})
		ask := func() []*graph.Node {
			return []*graph.Node{d.Partial(0), d.Partial(0, 1), d.Partial(1, 0), d.Laplacian(), d.Operator(terms...), d.Directional(v, 2)}
		}
		first, second := ask(), ask()
		for k := range first {
			if first[k] != second[k] {
				t.Errorf("derivative %d was built twice", k)
			}
		}
		return first
	})
}
