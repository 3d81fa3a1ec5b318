package sample_test

import (
	"fmt"

	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/sample"
)

func ExampleUniform_Boundary() {
	square := pde.Poisson2D().Domain
	points, err := sample.Uniform{Seed: 1}.Boundary(square, 4)
	if err != nil {
		panic(err)
	}
	for n := range points.N {
		fmt.Printf("(%.1f, %.1f) with outer normal %v\n", points.At(n)[0], points.At(n)[1], points.Normals[2*n:2*n+2])
	}
	// Output:
	// (0.0, 0.3) with outer normal [-1 0]
	// (1.0, 0.9) with outer normal [1 0]
	// (0.8, 0.0) with outer normal [0 -1]
	// (0.8, 1.0) with outer normal [0 1]
}
