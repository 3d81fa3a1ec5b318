package pinn_test

import (
	"context"
	"fmt"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// The parts behind sciml.Solve: a model, its objective, and a method that minimizes it.
func ExampleModel_Objective() {
	b, err := backend.OpenConfig("go")
	if err != nil {
		panic(err)
	}
	network, err := nn.NewMLP(nn.Tanh, 2, 8, 1)
	if err != nil {
		panic(err)
	}
	model, err := pinn.New(b, pde.Poisson2D(), network, pinn.Options{Hard: true, Interior: 50})
	if err != nil {
		panic(err)
	}
	result, err := optim.Minimize(context.Background(), model.Objective(), network.Init(1), optim.LBFGS{},
		optim.Options{MaxIterations: 100, Monitor: model.Monitor})
	if err != nil {
		panic(err)
	}
	fmt.Println(result.Status)
	fmt.Println("error below 1%:", result.Metrics[pinn.RelativeL2] < 0.01)
	// Output:
	// iteration limit reached
	// error below 1%: true
}
