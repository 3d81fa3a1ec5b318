package pinn_test

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/sample"
)

// A problem of one's own, the pendulum u″ = −sin u with u(0) = 0 and u′(0) = 1 as penalties, whose weights are balanced
// during training. Energy is conserved: ½u′² − cos u stays −½.
func Example() {
	b, err := backend.OpenConfig("go")
	check(err)
	time, err := pde.NewInterval("t", 0, 3)
	check(err)
	pendulum := &pde.Problem{
		Name: "pendulum", Coordinates: []string{"t"}, Unknowns: []string{"u"}, Domain: time,
		Equations: []pde.Equation{{Name: "motion", Residual: func(u *pde.Fields) *graph.Node {
			return graph.Add(u.D("t", "t"), graph.Sin(u.U()))
		}}},
		Conditions: []pde.Condition{
			pde.Initial("u", nil),
			pde.InitialRate("u", func(t *graph.Node) *graph.Node { return graph.OnesLike(t) }),
		},
	}
	network, err := nn.NewMLP(nn.Tanh, 1, 16, 1)
	check(err)
	model, err := pinn.New(b, pendulum, network, pinn.Options{Soft: true, BoundaryWeight: 1, Interior: 100, Boundary: 1, Weighting: pinn.GradNorm{}})
	check(err)
	result, err := optim.Minimize(context.Background(), model.Objective(), model.Init(1), optim.LBFGS{}, optim.Options{MaxIterations: 400})
	check(err)

	u, err := model.Evaluate(result.Theta, []float64{3})
	check(err)
	rate, err := model.Derivative(result.Theta, []float64{3}, "t")
	check(err)
	energy := rate[0]*rate[0]/2 - math.Cos(u[0])
	fmt.Println("energy kept to 1%:", math.Abs(energy+0.5) < 0.005)
	// Output:
	// energy kept to 1%: true
}

// The parts behind sciml.Solve: a model, its objective, and a method that minimizes it.
func ExampleModel_Objective() {
	b, err := backend.OpenConfig("go")
	check(err)
	network, err := nn.NewMLP(nn.Tanh, 2, 8, 1)
	check(err)
	model, err := pinn.New(b, pde.Poisson2D(), network, pinn.Options{Interior: 50})
	check(err)
	result, err := optim.Minimize(context.Background(), model.Objective(), network.Init(1), optim.LBFGS{},
		optim.Options{MaxIterations: 100, Monitor: model.Monitor})
	check(err)
	fmt.Println(result.Status)
	fmt.Println("error below 1%:", result.Metrics[pinn.RelativeL2] < 0.01)
	// Output:
	// iteration limit reached
	// error below 1%: true
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// Natural gradients of the energy of −u″ = π² sin πx: in H¹, which is the norm of that energy, they are close to Newton's steps for
// the function u, whatever parameters it is written with. Only the method reads the metric.
func ExampleMetric() {
	b, err := backend.OpenConfig("go")
	check(err)
	network, err := nn.NewMLP(nn.Tanh, 1, 8, 1)
	check(err)
	model, err := pinn.New(b, pde.Poisson1D(), network, pinn.Options{
		Form: pinn.DeepRitz{}, Interior: 200, Sampler: sample.Grid{}, Metric: pinn.H1Metric,
	})
	check(err)
	for _, method := range []optim.Method{optim.LBFGS{}, optim.ENGD{Metric: true}} {
		result, err := optim.Minimize(context.Background(), model.Objective(), network.Init(1), method,
			optim.Options{MaxIterations: 40, Monitor: model.Monitor})
		check(err)
		fmt.Printf("%s: error below 2e-4: %v\n", method.Name(), result.Metrics[pinn.RelativeL2] < 2e-4)
	}
	// Output:
	// L-BFGS: error below 2e-4: false
	// ENGD: error below 2e-4: true
}
