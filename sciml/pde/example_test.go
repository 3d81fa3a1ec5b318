package pde_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/objective"
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

// A lake with an island, as GeoJSON has it: rings that end where they begin, the first of them outside.
func ExampleNewPolygonWithHoles() {
	var lake struct{ Coordinates [][][2]float64 }
	text := `{"type": "Polygon", "coordinates": [
		[[0, 0], [4, 0], [4, 3], [0, 3], [0, 0]],
		[[1, 1], [1, 2], [2, 2], [2, 1], [1, 1]]]}`
	if err := json.Unmarshal([]byte(text), &lake); err != nil {
		panic(err)
	}
	domain, err := pde.NewPolygonWithHoles(lake.Coordinates[0], lake.Coordinates[1:]...)
	if err != nil {
		panic(err)
	}
	fmt.Println("area:", pde.Measure(domain))
	fmt.Println("on the island:", domain.Contains([]float64{1.5, 1.5}))
	for _, p := range domain.Boundary()[3:5] {
		fmt.Println(p.Name, p.Measure)
	}
	// Output:
	// area: 11
	// on the island: false
	// edge 3 3
	// hole 1 edge 0 1
}

// Data with an outlier: a loss that grows like |r| beyond 0.1 counts it less.
func ExampleCondition_Robust() {
	points := [][]float64{{0.1, 0.2}, {0.4, 0.3}, {0.7, 0.9}}
	problem := pde.Poisson2D()
	problem.Conditions = append(problem.Conditions,
		pde.Measured("u", points, []float64{0.18, 0.77, 30}).Robust(objective.Huber(0.1)))
	fmt.Println(problem.Check())
	// Output: <nil>
}
