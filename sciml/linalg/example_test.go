package linalg_test

import (
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/linalg"
)

// −u″ = 2 on (0, 1) with u = 0 at both ends, by finite differences: u = x(1 − x).
func ExampleCG() {
	const n = 9 // inner points, 0.1 apart
	laplacian := func(dst, u []float64) error {
		at := func(i int) float64 {
			if i < 0 || i == n {
				return 0
			}
			return u[i]
		}
		for i := range u {
			dst[i] = 100 * (2*at(i) - at(i-1) - at(i+1))
		}
		return nil
	}
	b := make([]float64, n)
	for i := range b {
		b[i] = 2
	}
	u, out, err := linalg.CG(laplacian, b, linalg.Options{Tolerance: 1e-12})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(out.Converged, out.Iterations)
	fmt.Printf("u(0.5) = %.4f\n", u[4])
	// Output:
	// true 5
	// u(0.5) = 0.2500
}

// A right preconditioner that makes all columns of J equally long: LSQR solves min ‖JR⁻¹y − b‖ with R = diag(‖Jᵢ‖), and
// p = R⁻¹y.
func ExampleLSQR() {
	j := mat.NewDense(4, 2, []float64{
		1, 1e6,
		1, 2e6,
		1, 3e6,
		1, 4e6,
	})
	scale := []float64{mat.Norm(j.ColView(0), 2), mat.Norm(j.ColView(1), 2)}
	inverse := func(dst, y []float64) {
		for i, v := range y {
			dst[i] = v / scale[i]
		}
	}
	product := func(dst, y []float64) error {
		p := make([]float64, len(y))
		inverse(p, y)
		mat.NewVecDense(len(dst), dst).MulVec(j, mat.NewVecDense(len(p), p))
		return nil
	}
	transposed := func(dst, r []float64) error {
		mat.NewVecDense(len(dst), dst).MulVec(j.T(), mat.NewVecDense(len(r), r))
		inverse(dst, dst) // R is diagonal, and R⁻ᵀ = R⁻¹
		return nil
	}
	p, out, err := linalg.LSQR(product, transposed, []float64{3, 5, 7, 9}, 2, linalg.Options{Tolerance: 1e-12})
	if err != nil {
		fmt.Println(err)
		return
	}
	inverse(p, p)
	fmt.Println(out.Converged, out.Iterations)
	fmt.Printf("%.6f %.6e\n", p[0], p[1])
	// Output:
	// true 2
	// 1.000000 2.000000e-06
}

// A singular matrix: among all x with x₀ + x₁ = 2, the one of least norm.
func ExampleEigen_Solve() {
	e, err := linalg.NewEigen(2, []float64{
		1, 1,
		1, 1,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	x := make([]float64, 2)
	e.Solve(x, []float64{2, 2}, 1e-12, 0)
	fmt.Printf("rank %d: %.3f\n", e.Rank(1e-12), x)
	// Output: rank 1: [1.000 1.000]
}

// A preconditioner for a matrix with a few large eigenvalues, from products alone.
func ExampleAdaptNystrom() {
	const n, shift = 200, 1e-3
	a := func(dst, x []float64) error { // eigenvalues 1e3/k⁴
		for i, v := range x {
			k := float64(i + 1)
			dst[i] = 1e3 / (k * k * k * k) * v
		}
		return nil
	}
	p, err := linalg.AdaptNystrom(a, n, 5, 100, shift, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	b := make([]float64, n)
	for i := range b {
		b[i] = 1
	}
	_, without, _ := linalg.CG(a, b, linalg.Options{Shift: shift})
	_, with, _ := linalg.CG(a, b, linalg.Options{Shift: shift, Preconditioner: p.Inverse(shift)})
	fmt.Println("rank", len(p.Values))
	fmt.Println("converged:", without.Converged, with.Converged)
	fmt.Println("iterations at least halved:", 2*with.Iterations <= without.Iterations)
	// Output:
	// rank 20
	// converged: true true
	// iterations at least halved: true
}
