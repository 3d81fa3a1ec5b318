package diagnose_test

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/diagnose"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// waves is the fit of sin πx by Σ aₖ sin kπx, whose second derivatives enter the loss if k² is among its weights.
func waves(differentiated bool) *objective.Objective {
	const points, modes = 20, 8
	basis, target := make([][]float64, points), make([]float64, points)
	for i := range points {
		x := (float64(i) + 0.5) / points
		basis[i] = make([]float64, modes)
		for k := range modes {
			scale := 1.0
			if differentiated {
				scale = float64((k + 1) * (k + 1))
			}
			basis[i][k] = scale * math.Sin(float64(k+1)*math.Pi*x) / math.Sqrt(points)
		}
		target[i] = math.Sin(math.Pi*x) / math.Sqrt(points)
	}
	b, err := objective.HostBackend()
	if err != nil {
		panic(err)
	}
	return &objective.Objective{Backend: b, Dim: modes, Residual: func(a *graph.Node, _ []*graph.Node) *graph.Node {
		return graph.Sub(graph.Einsum("ij,j->i", graph.Const(a.Graph(), basis), a), graph.Const(a.Graph(), target))
	}}
}

// The operator squares its symbol: with k² in the residual the condition is k⁴. A diagonal preconditioner undoes that.
func Example() {
	ctx, theta := context.Background(), make([]float64, 8)
	for _, differentiated := range []bool{false, true} {
		hessian, err := diagnose.Hessian(ctx, waves(differentiated), theta)
		if err != nil {
			panic(err)
		}
		preconditioned, err := hessian.Preconditioned(optim.Diagonal{})
		if err != nil {
			panic(err)
		}
		for _, m := range []*diagnose.Matrix{hessian, preconditioned} {
			spectrum, err := m.Spectrum()
			if err != nil {
				panic(err)
			}
			fmt.Printf("%s: condition %.4g\n", m.Name(), spectrum.Extremes().Condition())
		}
	}
	// Output:
	// Hessian: condition 1
	// Hessian, preconditioned (diagonal): condition 1
	// Hessian: condition 4096
	// Hessian, preconditioned (diagonal): condition 1.004
}

// Products alone tell how many eigenvalues there are where, and how sure that is.
func ExampleMatrix_Quadrature() {
	laplacian, err := diagnose.NewMatrix("Laplacian", 1000, func(dst, x []float64) error {
		for i := range x {
			dst[i] = 2 * x[i]
			if i > 0 {
				dst[i] -= x[i-1]
			}
			if i+1 < len(x) {
				dst[i] -= x[i+1]
			}
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	spectrum, err := laplacian.Quadrature(diagnose.Quadrature{Seed: 1})
	if err != nil {
		panic(err)
	}
	count, err := spectrum.Count(1, 3) // a third of them
	if err != nil {
		panic(err)
	}
	within := math.Abs(count.Value-1000./3) < count.Error()
	fmt.Printf("of %d eigenvalues a third lies between 1 and 3: %v, by %d products\n", spectrum.Order, within, spectrum.Products)
	// Output:
	// of 1000 eigenvalues a third lies between 1 and 3: true, by 660 products
}

// Gradient descent learns the modes of the kernel at rates that its eigenvalues tell in advance.
func ExampleTangentKernel_Decay() {
	kernel, err := diagnose.NewTangentKernel(context.Background(), waves(true), make([]float64, 8))
	if err != nil {
		panic(err)
	}
	fmt.Printf("eigenvalues %.0f\n", kernel.Values[:8])
	// What is wrong is the slowest mode, of the smallest eigenvalue above zero.
	start, err := kernel.Modes(kernel.Residual)
	if err != nil {
		panic(err)
	}
	later, err := kernel.Decay(1/kernel.Values[0], 1000)
	if err != nil {
		panic(err)
	}
	const at = 7
	fmt.Printf("|c| = %.4f at the start, %.4f after 1000 steps\n", math.Abs(start[at]), later[at])
	// Output:
	// eigenvalues [4096 2401 1296 625 256 81 16 1]
	// |c| = 0.7071 at the start, 0.5539 after 1000 steps
}
