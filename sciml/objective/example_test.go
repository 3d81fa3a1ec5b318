package objective_test

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/objective"
)

// halves is a loss of two terms, one of them a thousand times as stiff as the other: f(θ) = (1000(θ₀ − θ₁))² + (θ₀ + θ₁ − 2)².
func halves() *objective.Objective {
	b, err := objective.HostBackend()
	if err != nil {
		panic(err)
	}
	residuals := func(theta *graph.Node, _ []*graph.Node) []*graph.Node {
		first, second := graph.Slice(theta, graph.AxisElem(0)), graph.Slice(theta, graph.AxisElem(1))
		return []*graph.Node{
			graph.MulScalar(graph.Sub(first, second), 1000),
			graph.AddScalar(graph.Add(first, second), -2),
		}
	}
	return &objective.Objective{
		Backend: b, Dim: 2,
		Residual: func(theta *graph.Node, data []*graph.Node) *graph.Node {
			return graph.Concatenate(residuals(theta, data), 0)
		},
		Terms: &objective.Terms{
			Names: []string{"equation", "boundary"},
			Build: func(theta *graph.Node, data []*graph.Node) []*graph.Node {
				all := residuals(theta, data)
				for i, r := range all {
					all[i] = graph.ReduceAllSum(graph.Square(r))
				}
				return all
			},
			Residuals: residuals,
		},
	}
}

// What a method struggles with is seen in the spectrum of the Hessian, that of the loss and that of each term.
func Example() {
	f, theta := halves(), []float64{1, 0}
	evaluator, err := objective.NewEvaluator(f)
	if err != nil {
		panic(err)
	}
	loss, gradient, err := evaluator.At(theta)
	if err != nil {
		panic(err)
	}
	fmt.Printf("f = %g, ∇f = %g\n", loss, gradient)

	spectrum := func(name string, f *objective.Objective) {
		curvature, err := objective.NewCurvature(f, objective.HessianMatrix)
		if err != nil {
			panic(err)
		}
		hessian, err := curvature.At(theta)
		if err != nil {
			panic(err)
		}
		values, err := hessian.RitzValues([]float64{1, 0.5}, 2)
		if err != nil {
			panic(err)
		}
		for i, v := range values {
			values[i] = math.Abs(math.Round(v)) // that of zero may be −1e-10
		}
		fmt.Printf("%s: %g\n", name, values)
	}
	spectrum("the loss", f)
	for _, name := range f.Terms.Names {
		term, err := f.Term(name)
		if err != nil {
			panic(err)
		}
		spectrum(name, term)
	}
	// Output:
	// f = 1.000001e+06, ∇f = [1.999998e+06 -2.000002e+06]
	// the loss: [4e+06 4]
	// equation: [4e+06 0]
	// boundary: [4 0]
}

// The tangent kernel JJᵀ and the matrix JᵀJ come in chunks that fit into a budget.
func ExampleLinearizer() {
	linearizer, err := objective.NewLinearizer(halves(), 0)
	if err != nil {
		panic(err)
	}
	at, err := linearizer.At([]float64{1, 0})
	if err != nil {
		panic(err)
	}
	r, err := at.Residual()
	if err != nil {
		panic(err)
	}
	kernel, err := at.Kernel()
	if err != nil {
		panic(err)
	}
	trace, err := at.KernelTrace()
	if err != nil {
		panic(err)
	}
	fmt.Printf("r = %g\n", r)
	fmt.Printf("JJᵀ = %g\n", mat.Formatted(kernel, mat.Prefix("      ")))
	fmt.Printf("trace %g\n", trace)
	// Output:
	// r = [1000 -1]
	// JJᵀ = ⎡2e+06      0⎤
	//       ⎣    0      2⎦
	// trace 2.000002e+06
}

// Along a line, or on a plane, a loss is an objective of few variables.
func ExampleRestrict() {
	line, err := objective.Restrict(halves(), []float64{1, 0}, []float64{0, 1})
	if err != nil {
		panic(err)
	}
	evaluator, err := objective.NewEvaluator(line.Objective)
	if err != nil {
		panic(err)
	}
	for _, z := range []float64{0, 0.5, 1} {
		loss, slope, err := evaluator.At([]float64{z})
		if err != nil {
			panic(err)
		}
		fmt.Printf("f(1, %g) = %g, slope %g\n", z, loss, slope[0])
	}
	// Output:
	// f(1, 0) = 1.000001e+06, slope -2.000002e+06
	// f(1, 0.5) = 250000.25, slope -1.000001e+06
	// f(1, 1) = 0, slope 0
}
