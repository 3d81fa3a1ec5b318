package optim_test

import (
	"context"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// polyak takes the steps −(f − f*)/‖∇f‖²·∇f of Polyak (1969), for a known lowest value f*, and adds a part of the step before.
type polyak struct{ lowest, momentum float64 }

// State implements optim.Direction: the step before.
func (polyak) State(dim int, dtype dtypes.DType) []shapes.Shape {
	return []shapes.Shape{shapes.Make(dtype, dim)}
}

// Step implements optim.Direction.
func (m polyak) Step(p *objective.Point, state []*graph.Node) (*graph.Node, []*graph.Node) {
	above := graph.AddScalar(p.Loss, -m.lowest)
	length := graph.Div(above, graph.ReduceAllSum(graph.Square(p.Gradient)))
	step := graph.Sub(graph.MulScalar(state[0], m.momentum), graph.Mul(length, p.Gradient))
	return step, []*graph.Node{step}
}

// A method of one's own is a Direction: it has a history, tolerances, checkpoints, batches and phases like all others.
func ExampleFixedStep() {
	quartic, err := objective.FromFunction(2, func(x, gradient []float64) float64 {
		gradient[0], gradient[1] = 4*x[0]*x[0]*x[0], 2*x[1]*x[1]*x[1]
		return x[0]*x[0]*x[0]*x[0] + x[1]*x[1]*x[1]*x[1]/2
	})
	if err != nil {
		panic(err)
	}
	method := optim.FixedStep("Polyak", polyak{momentum: 0.3})
	for _, m := range []optim.Method{method, optim.Hybrid{{Method: method, Until: optim.Iterations(5)}, {Method: optim.BFGS{}}}} {
		r, err := optim.Minimize(context.Background(), quartic, []float64{1, 1}, m, optim.Options{LossTolerance: 1e-12})
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s: %s after %d iterations\n", m.Name(), r.Status, r.Iterations)
	}
	// Output:
	// Polyak: loss tolerance reached after 11 iterations
	// Polyak → BFGS: loss tolerance reached after 25 iterations
}
