package sciml_test

import (
	"context"
	"fmt"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// Twelve points that stay where they are do not tell a strong method enough.
func ExampleSolution_Explain() {
	network, err := nn.NewMLP(nn.Tanh, 2, 20, 1)
	if err != nil {
		panic(err)
	}
	b, err := backend.OpenConfig("go") // leave it out, and XLA computes
	if err != nil {
		panic(err)
	}
	solution, err := sciml.Solve(context.Background(), pde.Poisson2D(), sciml.Options{
		Network: network, Method: optim.LevenbergMarquardt{}, Iterations: 30, Backend: b, Loss: pinn.Options{Interior: 12},
	})
	if err != nil {
		panic(err)
	}
	explanation, err := solution.Explain(context.Background())
	if err != nil {
		panic(err)
	}
	primary := explanation.Primary() // fmt.Println(explanation) says all of it, with figures
	fmt.Println(primary.Kind)
	fmt.Println(primary.Advice)
	// Output:
	// overfitted points
	// points that move (Refiner: sample.RAD{} or sample.Redraw{}), more points, or fewer parameters
}
