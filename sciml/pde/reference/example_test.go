package reference_test

import (
	"fmt"
	"math"

	"github.com/gosciml/gosciml/sciml/pde/reference"
)

// The shock of Burgers' equation is steepest at x = 0.
func ExampleBurgers() {
	u, err := reference.Burgers(0.01 / math.Pi)
	if err != nil {
		panic(err)
	}
	fmt.Printf("u(−0.01, 1/2) = %.4f, u(0, 1/2) = %.4f\n", u([]float64{-0.01, 0.5})[0], u([]float64{0, 0.5})[0])
	fmt.Printf("u(1/2, 0) = %.4f\n", u([]float64{0.5, 0})[0])
	// Output:
	// u(−0.01, 1/2) = 0.8980, u(0, 1/2) = 0.0000
	// u(1/2, 0) = -1.0000
}
