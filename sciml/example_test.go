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

func ExampleSolve() {
	network, err := nn.NewMLP(nn.Tanh, 2, 16, 1)
	if err != nil {
		panic(err)
	}
	b, err := backend.OpenConfig("go") // leave it out, and XLA computes
	if err != nil {
		panic(err)
	}
	solution, err := sciml.Solve(context.Background(), pde.Poisson2D(), sciml.Options{
		Network: network, Method: optim.LBFGS{}, Iterations: 300, Backend: b, Loss: pinn.Options{Interior: 200},
	})
	if err != nil {
		panic(err)
	}
	u, err := solution.At([]float64{0.5, 0.5})
	if err != nil {
		panic(err)
	}
	fmt.Printf("u(½, ½) = %.3f\n", u[0][0])
	fmt.Println("relative L2 error below 1e-3:", solution.RelativeError() < 1e-3)
	// Output:
	// u(½, ½) = 1.000
	// relative L2 error below 1e-3: true
}

// A problem of one's own: −∇·(a∇u) = f on the L-shape with a = 1 + x² + y², the Robin condition ∂u/∂n + u = g on the
// right and the upper edge, and u = h on the others. The data f = −4xy, g = 2xy and h = xy are made for u = xy.
func ExampleSolve_lShape() {
	xy := func(points *graph.Node) *graph.Node {
		return graph.Mul(pde.Column(points, 0), pde.Column(points, 1))
	}
	problem := &pde.Problem{
		Name:        "diffusion on the L-shape",
		Coordinates: []string{"x", "y"},
		Unknowns:    []string{"u"},
		Domain:      pde.LShape(),
		Equations: []pde.Equation{{Name: "diffusion", Residual: func(u *pde.Fields) *graph.Node {
			a := graph.OnePlus(graph.Add(graph.Square(u.At("x")), graph.Square(u.At("y"))))
			flux := graph.Mul(a, u.Gradient())
			f := graph.MulScalar(xy(u.X()), -4)
			return graph.Add(u.For(flux).Divergence(), f)
		}}},
		Conditions: []pde.Condition{
			pde.Robin("u", 1, func(x *graph.Node) *graph.Node { return graph.MulScalar(xy(x), 2) }, "edge 3", "edge 4"),
			pde.Dirichlet("u", xy, "edge 0", "edge 1", "edge 2", "edge 5"),
		},
		Exact:     func(p []float64) []float64 { return []float64{p[0] * p[1]} },
		Suggested: pde.Setup{Hidden: []int{16}, Interior: 200, Boundary: 60},
	}
	b, err := backend.OpenConfig("go") // leave it out, and XLA computes
	if err != nil {
		panic(err)
	}
	solution, err := sciml.Solve(context.Background(), problem, sciml.Options{Method: optim.LBFGS{}, Iterations: 300, Backend: b})
	if err != nil {
		panic(err)
	}
	fmt.Println("error below 1e-2:", solution.RelativeError() < 1e-2)
	// Output:
	// error below 1e-2: true
}

// A nonlinear equation in eight dimensions, −Δu + u³ = v + v³ with u = v on the boundary, made for v = Σ cos xᵢ. Rank asks for a
// separable network, whose Laplacian is as cheap there as in one dimension.
func ExampleSolve_manyDimensions() {
	names, lo, hi := []string{}, make([]float64, 8), make([]float64, 8)
	for i := range hi {
		names, hi[i] = append(names, fmt.Sprint("x", i+1)), 1
	}
	cube, err := pde.NewBox(names, lo, hi)
	if err != nil {
		panic(err)
	}
	v := func(x *graph.Node) *graph.Node { return graph.ReduceAndKeep(graph.Cos(x), graph.ReduceSum, 1) }
	cubed := func(u *graph.Node) *graph.Node { return graph.Mul(u, graph.Square(u)) }
	problem := &pde.Problem{
		Name: "reaction and diffusion in 8D", Coordinates: names, Unknowns: []string{"u"}, Domain: cube,
		Equations: []pde.Equation{{Name: "balance", Residual: func(u *pde.Fields) *graph.Node {
			f := graph.Add(v(u.X()), cubed(v(u.X())))
			return graph.Sub(graph.Sub(cubed(u.U()), u.Laplacian()), f)
		}}},
		Conditions: []pde.Condition{pde.Dirichlet("u", v)},
		Exact: func(p []float64) []float64 {
			sum := 0.0
			for _, x := range p {
				sum += math.Cos(x)
			}
			return []float64{sum}
		},
		Suggested: pde.Setup{Rank: 2, Hidden: []int{6}, Interior: 300, Boundary: 100},
	}
	b, err := backend.OpenConfig("go") // leave it out, and XLA computes
	if err != nil {
		panic(err)
	}
	solution, err := sciml.Solve(context.Background(), problem, sciml.Options{Method: optim.LevenbergMarquardt{}, Iterations: 12, Backend: b})
	if err != nil {
		panic(err)
	}
	fmt.Println("error below 1e-2:", solution.RelativeError() < 1e-2)
	// Output:
	// error below 1e-2: true
}

// One method after another: the second begins with the parameters that the first ended with, and stops at a plateau. So a
// training goes on from a solution of another problem as well, or from what LoadCheckpoint reads.
func ExampleOptions_from() {
	b, err := backend.OpenConfig("go") // leave it out, and XLA computes
	if err != nil {
		panic(err)
	}
	problem := pde.Poisson1D()
	adam, err := sciml.Solve(context.Background(), problem, sciml.Options{Method: optim.Adam{}, Iterations: 200, Backend: b})
	if err != nil {
		panic(err)
	}
	solution, err := sciml.Solve(context.Background(), problem, sciml.Options{
		Method: optim.LBFGS{}, From: adam, Until: optim.Stalled{Window: 100}, Backend: b,
	})
	if err != nil {
		panic(err)
	}
	terms, err := solution.Terms()
	if err != nil {
		panic(err)
	}
	fmt.Println("begins where Adam ended:", solution.Result.History.Records[0].Loss == adam.Result.Loss)
	fmt.Println("terms of the loss:", len(terms), terms[0].Name)
	fmt.Println("error below 1e-3:", solution.RelativeError() < 1e-3)
	// Output:
	// begins where Adam ended: true
	// terms of the loss: 1 Poisson
	// error below 1e-3: true
}
