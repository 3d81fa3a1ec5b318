package pde_test

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/autodiff"
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
		Equations: []pde.Equation{{Name: "u″ = u", Residual: func(u *autodiff.Derivatives) *graph.Node {
			return graph.Sub(u.Laplacian(), u.U())
		}}},
		Conditions: []pde.Condition{
			pde.Dirichlet(func(x *graph.Node) *graph.Node { return graph.OnesLike(x) }, "x-"),
			{Name: "Neumann", On: []string{"x+"}, Residual: func(u *autodiff.Derivatives, normal *graph.Node) *graph.Node {
				return graph.AddScalar(graph.Mul(u.Partial(0), normal), -math.E)
			}},
		},
		Exact: func(p []float64) []float64 { return []float64{math.Exp(p[0])} },
	}
	fmt.Println(problem.Check())

	problem.Conditions[1].On = []string{"right"}
	fmt.Println(problem.Check())
	// Output:
	// <nil>
	// pde: condition 1 ("Neumann") of problem "exponential" is on the patch "right", which the boundary of its domain does not have
}
