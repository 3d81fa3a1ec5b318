package optim_test

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// Gradient descent on the energy of −u″ = 1 at 63 nodes, by itself and with V-cycles.
func ExampleSubspaceCorrection() {
	b, err := backend.OpenConfig("go")
	if err != nil {
		panic(err)
	}
	const n, h = 63, 1.0 / 64
	energy := &objective.Objective{Backend: b, Dim: n, Loss: func(u *graph.Node, _ []*graph.Node) *graph.Node {
		end := graph.Zeros(u.Graph(), graph.Slice(u, graph.AxisElem(0)).Shape())
		whole := graph.Concatenate([]*graph.Node{end, u, end}, 0)
		rise := graph.Sub(graph.Slice(whole, graph.AxisRangeToEnd(1)), graph.Slice(whole, graph.AxisRange(0, n+1)))
		return graph.Sub(graph.MulScalar(graph.ReduceAllSum(graph.Square(rise)), 0.5/h), graph.MulScalar(graph.ReduceAllSum(u), h))
	}}
	run := func(m optim.Method) string {
		r, err := optim.Minimize(context.Background(), energy, make([]float64, n), m, optim.Options{MaxIterations: 24})
		if err != nil {
			panic(err)
		}
		return fmt.Sprintf("u(½) = %.4f", r.Theta[n/2])
	}
	fmt.Println("gradient descent:", run(optim.GradientDescent{Rate: jacobi(n)}))
	fmt.Println("V-cycles:        ", run(vCycle(n)))
	// Output:
	// gradient descent: u(½) = 0.0019
	// V-cycles:         u(½) = 0.1250
}

// jacobi is ⅔ of the inverse diagonal of the matrix at n nodes.
func jacobi(n int) float64 { return 1 / 3.0 / float64(n+1) }

// vCycle is gradient descent, corrected from every second node, and so on down to three nodes.
func vCycle(n int) optim.Method {
	coarse := optim.Subspace{By: optim.Columns{Matrix: between(n / 2)}, Method: optim.NewtonCG{}, Iterations: 3}
	if n > 3 {
		coarse.Method = vCycle(n / 2)
	}
	return optim.SubspaceCorrection{Method: optim.GradientDescent{Rate: jacobi(n)}, Iterations: 2, Subspaces: []optim.Subspace{coarse}}
}

// between interpolates from n nodes to 2n + 1.
func between(n int) mat.Matrix {
	p := mat.NewDense(2*n+1, n, nil)
	for k := range n {
		p.Set(2*k, k, 0.5)
		p.Set(2*k+1, k, 1)
		p.Set(2*k+2, k, 0.5)
	}
	return p
}
