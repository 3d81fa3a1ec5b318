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
)

// Prey u and predators v, u′ = u(1 − v), v′ = v(u − 1), over two periods, in windows whose lengths are chosen. What u − ln u + v − ln v
// is at the beginning it is for ever.
func ExampleWindows() {
	time, err := pde.NewInterval("t", 0, 13)
	if err != nil {
		panic(err)
	}
	prey := &pde.Problem{
		Name: "prey and predators", Coordinates: []string{"t"}, Unknowns: []string{"u", "v"}, Domain: time,
		Equations: []pde.Equation{{Name: "growth", Residual: func(f *pde.Fields) *graph.Node {
			u, v := f.Of("u"), f.Of("v")
			eaten := graph.Mul(u.U(), v.U())
			return graph.Concatenate([]*graph.Node{
				graph.Sub(graph.Add(u.D("t"), eaten), u.U()), graph.Add(graph.Sub(v.D("t"), eaten), v.U()),
			}, 1)
		}}},
		Conditions: []pde.Condition{pde.Dirichlet("u", pde.Constant(2), "t-"), pde.Dirichlet("v", pde.Constant(1), "t-")},
		Suggested:  pde.Setup{Hidden: []int{12}, Interior: 60},
	}
	b, err := backend.OpenConfig("go") // leave it out, and XLA computes
	if err != nil {
		panic(err)
	}
	solution, err := sciml.Solve(context.Background(), prey, sciml.Options{
		Backend: b, Method: optim.LevenbergMarquardt{}, Windows: sciml.Windows{Tolerance: 1e-4, Iterations: 100},
	})
	if err != nil {
		panic(err)
	}
	values, err := solution.At([]float64{0}, []float64{5}, []float64{13})
	if err != nil {
		panic(err)
	}
	for _, w := range values {
		fmt.Printf("u = %.3f, v = %.3f: %.3f\n", w[0], w[1], w[0]-math.Log(w[0])+w[1]-math.Log(w[1]))
	}
	fmt.Println(len(solution.Windows()), "windows")
	// Output:
	// u = 2.000, v = 1.000: 2.307
	// u = 1.005, v = 0.406: 2.307
	// u = 1.957, v = 0.808: 2.307
	// 8 windows
}
