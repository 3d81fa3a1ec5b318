package sciml_test

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// −∇·(a∇u) = f with a = 1 on the left and 1000 on the right: a network on each side, values and fluxes that are the same on both.
func ExampleSubdomains_jump() {
	box, err := pde.NewBox([]string{"x", "y"}, []float64{-1, 0}, []float64{1, 1})
	if err != nil {
		panic(err)
	}
	line, err := box.Section("x", 0, 30)
	if err != nil {
		panic(err)
	}
	a := func(u *pde.Fields) *graph.Node { return twoValues(u.At("x"), 1, 1000) }
	problem := &pde.Problem{
		Name: "jump", Coordinates: []string{"x", "y"}, Unknowns: []string{"u"}, Domain: box,
		Equations: []pde.Equation{{Name: "diffusion", Residual: func(u *pde.Fields) *graph.Node { // divided by a
			return graph.Add(u.Laplacian(), graph.Div(source(u.At("x"), u.At("y")), a(u)))
		}}},
		Conditions: []pde.Condition{
			pde.Dirichlet("u", nil),
			pde.Continuous("u", line),
			pde.EqualFlux("flux", line, func(u *pde.Fields) *graph.Node {
				gradient := graph.Concatenate([]*graph.Node{u.D("x"), u.D("y")}, 1)
				return graph.Mul(graph.BroadcastToShape(graph.MulScalar(a(u), 1e-3), gradient.Shape()), gradient)
			}),
		},
		Ansatz: pde.DistanceAndLift(pde.Bump(box), nil),
		Exact: func(p []float64) []float64 {
			return []float64{math.Sin(math.Pi*p[1]) * (math.Sin(math.Pi*p[0])/jumping(p[0], 1, 1000) + math.Cos(math.Pi*p[0]/2))}
		},
		Suggested: pde.Setup{Hidden: []int{12, 12}, Interior: 300},
	}
	whole, err := sciml.DefaultNetwork(problem, false)
	if err != nil {
		panic(err)
	}
	halves, err := nn.Subdomains(whole, 0, []float64{-1, 0, 1}, []float64{0, 1})
	if err != nil {
		panic(err)
	}
	b, err := backend.OpenConfig("go") // leave it out, and XLA computes
	if err != nil {
		panic(err)
	}
	solution, err := sciml.Solve(context.Background(), problem, sciml.Options{Backend: b, Network: halves, Method: optim.LevenbergMarquardt{}, Iterations: 60})
	if err != nil {
		panic(err)
	}
	fmt.Println("the error is below 1e-4:", solution.Result.Metrics[pinn.RelativeL2] < 1e-4)
	// Output:
	// the error is below 1e-4: true
}

// twoValues is one number where x < 0 and another one from 0 on.
func twoValues(x *graph.Node, left, right float64) *graph.Node {
	one := graph.OnesLike(x)
	return graph.Where(graph.GreaterOrEqual(x, graph.ZerosLike(x)), graph.MulScalar(one, right), graph.MulScalar(one, left))
}

func jumping(x, left, right float64) float64 {
	if x < 0 {
		return left
	}
	return right
}

// source is f for the solution sin πy (sin(πx)/a + cos(πx/2)).
func source(x, y *graph.Node) *graph.Node {
	cosine := graph.Mul(graph.Cos(graph.MulScalar(x, math.Pi/2)), twoValues(x, 1.25*math.Pi*math.Pi, 1250*math.Pi*math.Pi))
	sine := graph.MulScalar(graph.Sin(graph.MulScalar(x, math.Pi)), 2*math.Pi*math.Pi)
	return graph.Mul(graph.Sin(graph.MulScalar(y, math.Pi)), graph.Add(sine, cosine))
}
