package optim_test

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"gonum.org/v1/gonum/optimize"
	"gonum.org/v1/gonum/optimize/functions"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// Rosenbrock's function as a sum of squares.
func ExampleMinimize() {
	b, err := backend.OpenConfig("go")
	if err != nil {
		panic(err)
	}
	objective := &objective.Objective{
		Backend: b,
		Dim:     2,
		Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			x, y := graph.Slice(theta, graph.AxisRange(0, 1)), graph.Slice(theta, graph.AxisRange(1, 2))
			return graph.Concatenate([]*graph.Node{
				graph.OneMinus(x),
				graph.MulScalar(graph.Sub(y, graph.Square(x)), 10),
			}, 0)
		},
	}
	result, err := optim.Minimize(context.Background(), objective, []float64{-1.2, 1}, optim.LBFGS{},
		optim.Options{GradientTolerance: 1e-8})
	if err != nil {
		panic(err)
	}
	fmt.Printf("θ = %.6f: %s\n", result.Theta, result.Status)
	// Output:
	// θ = [1.000000 1.000000]: gradient tolerance reached
}

// A function in plain Go: the least potential energy of a chain of 9 springs between two walls, each of which has a stiffness
// of its own. Nothing of GoMLX is seen.
func ExampleFromFunction() {
	objective, err := objective.FromFunction(8, func(x, gradient []float64) (energy float64) {
		for i := range 9 {
			left, right := 0.0, 1.0 // the walls
			if i > 0 {
				left = x[i-1]
			}
			if i < 8 {
				right = x[i]
			}
			stiffness, stretch := float64(i+1), right-left
			energy += stiffness * stretch * stretch / 2
			if i > 0 {
				gradient[i-1] -= stiffness * stretch
			}
			if i < 8 {
				gradient[i] += stiffness * stretch
			}
		}
		return energy
	})
	if err != nil {
		panic(err)
	}
	result, err := optim.Minimize(context.Background(), objective, make([]float64, 8), optim.BFGS{},
		optim.Options{GradientTolerance: 1e-10})
	if err != nil {
		panic(err)
	}
	// In series, 1/k = Σ 1/kᵢ, and the energy is k/2.
	fmt.Printf("energy %.6f: %s\n", result.Loss, result.Status)
	// Output:
	// energy 0.176743: gradient tolerance reached
}

// The same method of gonum and of this package.
func ExampleGonum() {
	rosenbrock := functions.ExtendedRosenbrock{}
	objective, err := objective.FromFunction(2, func(x, gradient []float64) float64 {
		rosenbrock.Grad(gradient, x)
		return rosenbrock.Func(x)
	})
	if err != nil {
		panic(err)
	}
	var evaluations []int
	for _, method := range []optim.Method{optim.Gonum{Method: &optimize.BFGS{}}, optim.BFGS{}} {
		result, err := optim.Minimize(context.Background(), objective, []float64{-1.2, 1}, method,
			optim.Options{GradientTolerance: 1e-6})
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s: θ = %.6f\n", method.Name(), result.Theta)
		evaluations = append(evaluations, result.Evaluations)
	}
	fmt.Println("with fewer evaluations:", evaluations[1] < evaluations[0])
	// Output:
	// gonum BFGS: θ = [1.000000 1.000000]
	// BFGS: θ = [1.000000 1.000000]
	// with fewer evaluations: true
}

// L-BFGS in a trainer of GoMLX, for a model of one's own.
func ExampleGoMLX() {
	b, err := backend.OpenConfig("go")
	if err != nil {
		panic(err)
	}
	var x, y [][]float64
	for i := range 21 {
		v := float64(i)/10 - 1
		x, y = append(x, []float64{v}), append(y, []float64{3*math.Exp(-2*v) + 0.5})
	}
	decay := func(scope *model.Scope, x *graph.Node) *graph.Node {
		parameter := func(name string) *graph.Node { return scope.VariableWithValue(name, 1.0).NodeValue(x) }
		return graph.Add(graph.Mul(parameter("size"), graph.Exp(graph.Mul(parameter("rate"), x))), parameter("offset"))
	}
	store := model.NewStore()
	trainer := train.NewTrainer(b, store, decay, loss.MeanSquaredError, optim.GoMLX(optim.LBFGS{Search: search.Armijo{}}), nil, nil)
	for range 40 {
		batch := train.Batch{Inputs: []*tensors.Tensor{tensors.FromValue(x)}, Labels: []*tensors.Tensor{tensors.FromValue(y)}}
		if _, err := trainer.TrainStep(batch); err != nil {
			panic(err)
		}
	}
	for _, name := range []string{"/size", "/rate", "/offset"} {
		fmt.Printf("%s = %.4f\n", name[1:], tensors.ToScalar[float64](store.GetVariable(name).MustValue()))
	}
	// Output:
	// size = 3.0000
	// rate = -2.0000
	// offset = 0.5000
}
