package functions_test

import (
	"context"
	"fmt"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/functions"
)

// A case is minimized as any plain Go function is.
func Example() {
	c := functions.Cases[0]
	objective, err := objective.FromFunction(len(c.Start), func(theta, gradient []float64) float64 {
		c.F.Grad(gradient, theta)
		return c.F.Func(theta)
	})
	if err != nil {
		panic(err)
	}
	r, err := optim.Minimize(context.Background(), objective, c.Start, optim.BFGS{}, optim.Options{GradientTolerance: c.GradientTolerance()})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s: %s, f below 1e-12: %v\n", c.Name, r.Status, r.Loss-c.Known()[0] < 1e-12)
	// Output: Beale: gradient tolerance reached, f below 1e-12: true
}
