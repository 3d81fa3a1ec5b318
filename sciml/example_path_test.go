package sciml_test

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/pde"
)

// Troesch's problem u″ = n sinh nu, u(0) = 0, u(1) = 1, for n = 4, by way of smaller n.
func ExampleSolve_path() {
	line, err := pde.NewInterval("x", 0, 1)
	if err != nil {
		panic(err)
	}
	identity := func(x *graph.Node) *graph.Node { return x }
	troesch := func(n float64) *pde.Problem {
		return &pde.Problem{
			Name: fmt.Sprintf("Troesch, n = %v", n), Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: line,
			Equations: []pde.Equation{{Name: "Troesch", Residual: func(u *pde.Fields) *graph.Node {
				nu := graph.MulScalar(u.U(), n)
				sinh := graph.MulScalar(graph.Sub(graph.Exp(nu), graph.Exp(graph.Neg(nu))), 0.5)
				return graph.Sub(u.D("x", "x"), graph.MulScalar(sinh, n))
			}}},
			Conditions: []pde.Condition{pde.Dirichlet("u", identity)},
			Ansatz:     pde.DistanceAndLift(pde.Bump(line), identity),
			Suggested:  pde.Setup{Hidden: []int{16}, Interior: 100},
		}
	}
	b, err := backend.OpenConfig("go") // leave it out, and XLA computes
	if err != nil {
		panic(err)
	}
	solution, err := sciml.Solve(context.Background(), pde.Along(troesch, 1, 4), sciml.Options{Backend: b, Iterations: 100})
	if err != nil {
		panic(err)
	}
	for _, step := range solution.Steps() {
		fmt.Printf("n = %.3g: %v\n", step.Value, step.Status)
	}
	slope, err := solution.Derivative([]string{"x"}, []float64{0})
	if err != nil {
		panic(err)
	}
	fmt.Printf("u′(0) = %.3f\n", slope[0][0])
	// Output:
	// n = 1: iteration limit reached
	// n = 1.41: loss tolerance reached
	// n = 2.38: loss tolerance reached
	// n = 4: iteration limit reached
	// u′(0) = 0.112
}
