package sciml_test

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// corner is what a solution is like at the corner of an L, r^(2/3) sin(2φ/3), with the angle φ from 0 to 3π/2.
func corner(points *graph.Node) *graph.Node {
	x, y := pde.Column(points, 0), pde.Column(points, 1)
	angle := graph.AddScalar(graph.Atan2(graph.Neg(graph.Add(x, y)), graph.Sub(y, x)), 0.75*math.Pi) // does not jump within the L
	square := graph.Add(graph.Square(x), graph.Square(y))
	return graph.Mul(graph.PowScalar(square, 1./3), graph.Sin(graph.MulScalar(angle, 2./3)))
}

// cornered is a map before a network, which shows it the corner beside the coordinates.
type cornered struct{}

func (cornered) Inputs() int    { return 2 }
func (cornered) Outputs() int   { return 3 }
func (cornered) String() string { return "corner" }
func (cornered) Apply(x *graph.Node) *graph.Node {
	return graph.Concatenate([]*graph.Node{x, corner(x)}, 1)
}

// An L, where derivatives are infinite at the corner: a network that is shown what the solution is like there, and one that is not.
func ExampleSolve_corner() {
	l, err := pde.NewPolygon([2]float64{0, 0}, [2]float64{1, 0}, [2]float64{1, 1}, [2]float64{-1, 1}, [2]float64{-1, -1}, [2]float64{0, -1})
	if err != nil {
		panic(err)
	}
	exact := func(x *graph.Node) *graph.Node { // zero on the boundary
		y := graph.OneMinus(graph.Square(x))
		return graph.Mul(corner(x), graph.Mul(pde.Column(y, 0), pde.Column(y, 1)))
	}
	problem := &pde.Problem{
		Name: "corner", Coordinates: []string{"x", "y"}, Unknowns: []string{"u"}, Domain: l,
		Equations: []pde.Equation{{Name: "Poisson", Residual: func(u *pde.Fields) *graph.Node {
			return graph.Sub(u.Laplacian(), autodiff.Of(exact(u.X()), u.X()).Laplacian())
		}}},
		Conditions: []pde.Condition{pde.Dirichlet("u", nil)},
		Exact: func(p []float64) []float64 {
			angle := math.Atan2(-p[0]-p[1], p[1]-p[0]) + 0.75*math.Pi
			return []float64{math.Cbrt(p[0]*p[0]+p[1]*p[1]) * math.Sin(angle*2/3) * (1 - p[0]*p[0]) * (1 - p[1]*p[1])}
		},
		Suggested: pde.Setup{Interior: 400, Boundary: 120, BoundaryWeight: 100},
	}
	b, err := backend.OpenConfig("go") // leave it out, and XLA computes
	if err != nil {
		panic(err)
	}
	train := func(inputs int, maps ...nn.Map) float64 {
		mlp, err := nn.NewMLP(nn.Tanh, inputs, 16, 16, 1)
		if err != nil {
			panic(err)
		}
		network, err := nn.Mapped(mlp, maps...)
		if err != nil {
			panic(err)
		}
		solution, err := sciml.Solve(context.Background(), problem, sciml.Options{Backend: b, Network: network, Method: optim.LevenbergMarquardt{}, Iterations: 60})
		if err != nil {
			panic(err)
		}
		return solution.Result.Metrics[pinn.RelativeL2]
	}
	with, without := train(3, cornered{}), train(2)
	fmt.Println("with the corner below 2e-3:", with < 2e-3)
	fmt.Println("without more than five times as far away:", without > 5*with)
	// Output:
	// with the corner below 2e-3: true
	// without more than five times as far away: true
}
