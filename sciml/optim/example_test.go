package optim_test

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/optim"
)

// Rosenbrock's function as a sum of squares.
func ExampleMinimize() {
	b, err := backend.OpenConfig("go")
	if err != nil {
		panic(err)
	}
	objective := &optim.Objective{
		Backend: b,
		Dim:     2,
		Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			x, y := graph.Slice(theta, graph.AxisRange(0, 1)), graph.Slice(theta, graph.AxisRange(1, 2))
			return graph.Concatenate([]*graph.Node{
				graph.OneMinus(x),
				graph.MulScalar(graph.Sub(y, graph.Square(x)), 10),
			}, 0)
		},
	}
	result, err := optim.Minimize(context.Background(), objective, []float64{-1.2, 1}, optim.LBFGS{},
		optim.Options{GradientTolerance: 1e-8})
	if err != nil {
		panic(err)
	}
	fmt.Printf("θ = %.6f: %s\n", result.Theta, result.Status)
	// Output:
	// θ = [1.000000 1.000000]: gradient tolerance reached
}
