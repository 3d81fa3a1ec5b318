// Command poisson solves −Δu = f on the unit square with a physics-informed network, and draws the result.
package main

import (
	"fmt"
	"log"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/pde"
)

func main() {
	ctx, stop := sciml.Interruptible() // Ctrl-C ends the training, not the program
	defer stop()
	solution, err := sciml.Solve(ctx, pde.Poisson2D(), sciml.Options{Iterations: 3000, Seed: 1, Progress: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(solution)

	u, err := solution.At([]float64{0.5, 0.5}, []float64{0.25, 0.75})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("u(1/2, 1/2) = %.5f, u(1/4, 3/4) = %.5f; exactly 1 and 1/2\n", u[0][0], u[1][0])

	maps, err := solution.Maps(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if err := maps.Save("poisson.png"); err != nil {
		log.Fatal(err)
	}
}
