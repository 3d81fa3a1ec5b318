package sciml_test

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// wavy is −u″ = (2πk)² sin 2πkx, with the solution sin 2πkx.
func wavy(line *pde.Box, k float64) *pde.Problem {
	wave := func(x *graph.Node) *graph.Node { return graph.Sin(graph.MulScalar(x, 2*math.Pi*k)) }
	return &pde.Problem{
		Name: "waves", Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: line,
		Equations: []pde.Equation{{Name: "Poisson", Residual: func(u *pde.Fields) *graph.Node {
			return graph.Add(graph.MulScalar(u.D("x", "x"), math.Pow(2*math.Pi*k, -2)), wave(u.At("x")))
		}}},
		Conditions: []pde.Condition{pde.Dirichlet("u", pde.Constant(0), "x-", "x+")},
		Ansatz:     pde.DistanceAndLift(pde.Bump(line, 0), nil),
		Exact:      func(x []float64) []float64 { return []float64{math.Sin(2 * math.Pi * k * x[0])} },
	}
}

// Four waves, by four small networks that overlap and one for all.
func ExampleSubdomains() {
	line, err := pde.NewInterval("x", 0, 1)
	if err != nil {
		panic(err)
	}
	problem := wavy(line, 4)
	problem.Suggested = pde.Setup{Hidden: []int{12}, Interior: 300}
	b, err := backend.OpenConfig("go") // leave it out, and XLA computes
	if err != nil {
		panic(err)
	}
	solution, err := sciml.Solve(context.Background(), problem, sciml.Options{
		Backend: b, Method: optim.LevenbergMarquardt{}, Iterations: 60,
		Subdomains: sciml.Subdomains{Counts: []int{4}, Coarse: true},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(solution.Model().Network())
	fmt.Println("the error is below 1e-3:", solution.Result.Metrics[pinn.RelativeL2] < 1e-3)
	// Output:
	// [scale [0]…[1] → MLP 1-12-1 tanh + 4 boxes [4] of scale [0]…[1] → MLP 1-12-1 tanh]
	// the error is below 1e-3: true
}
