package pde_test

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/pde"
)

// A problem of one's own: u″ = u on (0, 1) with u(0) = 1 and u′(1) = e, whose solution is eˣ.
func ExampleProblem() {
	interval, err := pde.NewBox([]string{"x"}, []float64{0}, []float64{1})
	if err != nil {
		panic(err)
	}
	problem := &pde.Problem{
		Name:        "exponential",
		Coordinates: []string{"x"},
		Unknowns:    []string{"u"},
		Domain:      interval,
		Equations: []pde.Equation{{Name: "u″ = u", Residual: func(u *pde.Fields) *graph.Node {
			return graph.Sub(u.D("x", "x"), u.U())
		}}},
		Conditions: []pde.Condition{
			pde.Dirichlet("u", pde.Constant(1), "x-"),
			pde.Neumann("u", pde.Constant(math.E), "x+"),
		},
		Exact: func(p []float64) []float64 { return []float64{math.Exp(p[0])} },
	}
	fmt.Println(problem.Check())

	problem.Conditions[1].On = []string{"right"}
	fmt.Println(problem.Check())
	// Output:
	// <nil>
	// pde: condition 1 ("Neumann u x+") of problem "exponential" is on the patch "right", which the boundary of its domain does not have
}

func ExampleNamed() {
	problem, err := pde.Named("burgers")
	if err != nil {
		panic(err)
	}
	fmt.Println(problem.Name, problem.Coordinates, problem.Unknowns)
	for _, c := range problem.Conditions {
		fmt.Println(" ", c.Name)
	}
	solution, err := problem.Solution(context.Background())
	if err != nil {
		panic(err)
	}
	fmt.Printf("u(−0.1, 1) = %.6f\n", solution([]float64{-0.1, 1})[0])
	// Output:
	// Burgers, ν = 0.01/π [x t] [u]
	//   initial u
	//   Dirichlet u x-,x+
	// u(−0.1, 1) = 0.665482
}
