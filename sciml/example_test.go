package sciml_test

import (
	"context"
	"fmt"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
)

func ExampleSolve() {
	network, err := nn.NewMLP(nn.Tanh, 2, 16, 1)
	if err != nil {
		panic(err)
	}
	b, err := backend.OpenConfig("go") // leave it out, and XLA computes
	if err != nil {
		panic(err)
	}
	solution, err := sciml.Solve(context.Background(), pde.Poisson2D(), sciml.Options{
		Network: network, Method: optim.LBFGS{}, Interior: 200, Iterations: 300, Backend: b,
	})
	if err != nil {
		panic(err)
	}
	u, err := solution.At([]float64{0.5, 0.5})
	if err != nil {
		panic(err)
	}
	fmt.Printf("u(½, ½) = %.3f\n", u[0][0])
	fmt.Println("relative L2 error below 1e-3:", solution.Error() < 1e-3)
	// Output:
	// u(½, ½) = 1.000
	// relative L2 error below 1e-3: true
}
