package autodiff_test

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/backend"
)

// The Laplacian and a mixed derivative of u = x²y + y³, which are 2y + 6y and 2x.
func ExampleOf() {
	b, err := backend.OpenConfig("go")
	if err != nil {
		panic(err)
	}
	out, err := graph.CallOnceN(b, func(points *graph.Node) []*graph.Node {
		x := graph.Slice(points, graph.AxisRange(), graph.AxisElem(0))
		y := graph.Slice(points, graph.AxisRange(), graph.AxisElem(1))
		u := graph.Add(graph.Mul(graph.Square(x), y), graph.Mul(y, graph.Square(y)))

		du := autodiff.Of(u, points)
		return []*graph.Node{du.Laplacian(), du.Partial(0, 1)}
	}, [][]float64{{1, 2}, {3, 0.5}})
	if err != nil {
		panic(err)
	}
	fmt.Println("Δu:", out[0].Value())
	fmt.Println("∂²u/∂x∂y:", out[1].Value())
	// Output:
	// Δu: [[16] [4]]
	// ∂²u/∂x∂y: [[2] [6]]
}
