package autodiff_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
)

// nearlySeparate are functions of points in R³, of which some are products and sums of functions of one coordinate each, over
// another axis than the usual one as well, and some only look like that.
var nearlySeparate = map[string]func(x *graph.Node) *graph.Node{
	"product": func(x *graph.Node) *graph.Node { return graph.ReduceMultiply(graph.Sin(x), 1) },
	"product of a later axis": func(x *graph.Node) *graph.Node {
		y := graph.ExpandAxes(graph.Transpose(graph.AddScalar(x, 0.3), 0, 1), 2) // [3, N, 1]
		w := constant(x.Graph(), [][][]float64{{{0.3, 1.2}}, {{-0.7, 0.4}}, {{1.1, 0.9}}})
		y = graph.Tanh(graph.DotGeneral(y, []int{2}, []int{0}, w, []int{1}, []int{0}))
		return graph.Square(graph.ReduceSum(graph.ReduceMultiply(y, 0), 1))
	},
	"sum": func(x *graph.Node) *graph.Node { return graph.Exp(graph.ReduceSum(graph.Cos(graph.Square(x)), 1)) },
	"product with a factor of zero": func(x *graph.Node) *graph.Node {
		first := graph.Sub(x, graph.BroadcastToShape(graph.Slice(graph.StopGradient(x), graph.AxisRange(0, 1)), x.Shape()))
		return graph.ReduceMultiply(graph.Sin(first), 1)
	},
	"sum of factors that have all coordinates": func(x *graph.Node) *graph.Node {
		all := graph.BroadcastToShape(graph.ReduceAndKeep(graph.Sin(x), graph.ReduceSum, 1), x.Shape())
		return graph.Add(graph.ReduceSum(graph.Mul(graph.Exp(x), all), 1), graph.ReduceMultiply(graph.Add(graph.Cos(x), all), 1))
	},
	"product of mixed columns": func(x *graph.Node) *graph.Node {
		mixed := graph.MatMul(graph.Sin(x), constant(x.Graph(), points(3, 3, -1, 1, 41)))
		return graph.Add(graph.ReduceMultiply(graph.Cos(mixed), 1), graph.ReduceMultiply(graph.Mul(graph.Reverse(graph.Sin(x), 1), graph.Exp(x)), 1))
	},
	"product over both axes of a table": func(x *graph.Node) *graph.Node {
		table := graph.Stack([]*graph.Node{graph.Sin(x), graph.Exp(x)}, 2) // [N, 3, 2]
		return graph.Add(graph.ReduceMultiply(table, 1, 2), graph.ReduceSum(graph.ReduceMultiply(table, 2), 1))
	},
	"product of other coordinates than those of the places": func(x *graph.Node) *graph.Node {
		turned := graph.Concatenate([]*graph.Node{graph.Slice(x, graph.AxisRange(), graph.AxisRangeToEnd(1)), column(x, 0)}, 1)
		return graph.ReduceMultiply(graph.Sin(graph.Mul(turned, graph.Square(x))), 1)
	},
	"by two layers": func(x *graph.Node) *graph.Node {
		inner := graph.ReduceMultiply(graph.Stack([]*graph.Node{graph.Sin(x), graph.Cos(x)}, 0), 2) // [2, N]
		return graph.ReduceSum(graph.Square(inner), 0)
	},
}

// TestSeparate compares derivatives by coordinates with those along directions, which know of no coordinates.
func TestSeparate(t *testing.T) {
	x := points(4, 3, 0.2, 1.4, 40)
	for name, u := range nearlySeparate {
		backendtest.Each(t, func(t *testing.T, b compute.Backend) {
			out := run(t, b, x, func(x *graph.Node) []*graph.Node {
				d := autodiff.Of(u(x), x)
				at := func(v ...float64) *graph.Node { return constant(x.Graph(), v) }
				e := []*graph.Node{at(1, 0, 0), at(0, 1, 0), at(0, 0, 1)}
				second := func(i int) *graph.Node { return d.Directional(e[i], 2) }
				// ∂ᵢⱼ by the polarization of second derivatives along eᵢ ± eⱼ.
				mixed := graph.MulScalar(graph.Sub(d.Directional(at(1, 0, 1), 2), d.Directional(at(1, 0, -1), 2)), 0.25)
				gradient := d.Gradient()
				return []*graph.Node{
					d.Partial(1), d.Directional(e[1], 1),
					graph.Slice(gradient, graph.AxisRange(), graph.AxisElem(2)), d.Directional(e[2], 1),
					d.Laplacian(), graph.Add(graph.Add(second(0), second(1)), second(2)),
					d.Laplacian(0, 2), graph.Add(second(0), second(2)),
					d.Operator(autodiff.Term{Weight: 2, Axes: []int{0}}, autodiff.Term{Weight: -1, Axes: []int{2, 2}}, autodiff.Term{Weight: 3, Axes: []int{1, 1, 1}}),
					graph.Add(graph.MulScalar(d.Directional(e[0], 1), 2), graph.Sub(graph.MulScalar(d.Directional(e[1], 3), 3), second(2))),
					d.Partial(0, 2), mixed,
					d.Operator(autodiff.Term{Weight: 1, Axes: []int{0, 2}}, autodiff.Term{Weight: 4, Axes: []int{1, 1}}), graph.Add(mixed, graph.MulScalar(second(1), 4)),
				}
			})
			for k, what := range []string{"∂1", "∂2 of the gradient", "Δ", "Δ of two", "an operator", "∂0∂2", "an operator with ∂0∂2"} {
				near(t, name+": "+what, out[2*k], out[2*k+1], 1e-11)
			}
		})
	}
}

// TestSeparateInManyDimensions checks Δ and ∇ of Π (1 + sin(xᵢ)/i) and Σ sin(ixᵢ) in closed form, with streams one by one and as a
// bundle; and that the graph hardly grows with the dimension.
func TestSeparateInManyDimensions(t *testing.T) {
	nodes := map[int]int{}
	for _, dims := range []int{20, 80, 130} {
		x := points(3, dims, -1, 1, 43)
		index := make([]float64, dims)
		for i := range index {
			index[i] = float64(i + 1)
		}
		var laplacian, gradient []float64
		for _, p := range x {
			product, sum, second := 1.0, 0.0, 0.0
			for i, v := range p {
				product *= 1 + math.Sin(v)/index[i]
				second -= index[i] * index[i] * math.Sin(index[i]*v)
			}
			for i, v := range p {
				rest := product / (1 + math.Sin(v)/index[i])
				sum -= rest * math.Sin(v) / index[i]
				gradient = append(gradient, rest*math.Cos(v)/index[i]+index[i]*math.Cos(index[i]*v))
			}
			laplacian = append(laplacian, sum+second)
		}
		backendtest.Each(t, func(t *testing.T, b compute.Backend) {
			out := run(t, b, x, func(x *graph.Node) []*graph.Node {
				by := graph.BroadcastToShape(graph.ExpandAxes(constant(x.Graph(), index), 0), x.Shape())
				factors := graph.AddScalar(graph.Div(graph.Sin(x), by), 1)
				u := graph.Add(graph.ReduceMultiply(factors, 1), graph.ReduceSum(graph.Sin(graph.Mul(x, by)), 1))
				before := x.Graph().LastNode().Id()
				d := autodiff.Of(u, x).Laplacian()
				nodes[dims] = int(d.Id() - before)
				return []*graph.Node{d, autodiff.Of(u, x).Gradient()}
			})
			near(t, fmt.Sprintf("Δ in %d dimensions", dims), out[0], laplacian, 1e-11)
			near(t, fmt.Sprintf("∇ in %d dimensions", dims), out[1], gradient, 1e-12)
		})
	}
	if nodes[80] > 2*nodes[20] { // there is a constant for each coordinate
		t.Errorf("a Laplacian adds %d nodes in 20 dimensions and %d in 80, expected about as many", nodes[20], nodes[80])
	}
}
