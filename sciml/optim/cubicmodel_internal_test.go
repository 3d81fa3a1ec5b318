package optim

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// smallest is the smallest eigenvalue of a symmetric matrix.
func smallest(t *testing.T, a *mat.Dense) float64 {
	t.Helper()
	n, _ := a.Dims()
	symmetric := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			symmetric.SetSym(i, j, a.At(i, j))
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(symmetric, false) {
		t.Fatal("no eigenvalues")
	}
	return eigen.Values(nil)[0]
}

// checkCubic tests the conditions that characterize the global minimizer p of gᵀp + ½pᵀBp + (σ/3)‖p‖³ (Cartis, Gould and
// Toint 2011, Theorem 3.1): (B + λI)p = −g with λ = σ‖p‖, and B + λI positive semidefinite.
func checkCubic(t *testing.T, what string, b *mat.Dense, g, p []float64, sigma, below, tolerance float64) {
	t.Helper()
	n := len(g)
	length := floats.Norm(p, 2)
	shifted := scaledIdentity(n, sigma*length)
	shifted.Add(shifted, b)
	residual := apply(shifted, p)
	floats.Add(residual, g)
	if off := floats.Norm(residual, 2); !(off <= tolerance*(floats.Norm(g, 2)+length)) {
		t.Errorf("%s, σ = %v: (B + λI)p + g has norm %g", what, sigma, off)
	}
	if least := smallest(t, shifted); least < -tolerance*(1+sigma*length) {
		t.Errorf("%s, σ = %v: B + λI has the eigenvalue %g", what, sigma, least)
	}
	want := -floats.Dot(g, p) - 0.5*floats.Dot(p, apply(b, p)) - sigma/3*math.Pow(length, 3)
	if !(want > 0) || math.Abs(below-want) > tolerance*want {
		t.Errorf("%s, σ = %v: the decrease is given as %v, it is %v", what, sigma, below, want)
	}
}

func TestCubicMinimum(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 6; n++ {
		diagonal, secondary := randomVector(rng, n), make([]float64, n)
		full := mat.NewDense(n, n, nil)
		for i := range n {
			secondary[i] = math.Exp(rng.NormFloat64())
			full.Set(i, i, diagonal[i])
			if i > 0 {
				full.Set(i-1, i, secondary[i-1])
				full.Set(i, i-1, secondary[i-1])
			}
		}
		for _, gamma := range []float64{1e-6, 1, 1e6} {
			for _, sigma := range []float64{1e-9, 1e-3, 1, 1e8} {
				u, below, err := cubicMinimum(gamma, diagonal, secondary, sigma)
				if err != nil {
					t.Fatal(err)
				}
				g := make([]float64, n)
				g[0] = gamma
				checkCubic(t, "tridiagonal", full, g, u, sigma, below, 1e-7)
			}
		}
	}
	// γu + σ|u|³/3 has its minimizer at −√(γ/σ).
	if u, _, err := cubicMinimum(8, []float64{0}, []float64{0}, 2); err != nil || math.Abs(u[0]+2) > 1e-14 {
		t.Errorf("u = %v, %v, want -2", u, err)
	}
	if _, below, err := cubicMinimum(1, []float64{math.NaN()}, []float64{0}, 1); err != nil || !math.IsNaN(below) {
		t.Errorf("a matrix that is not a number: decrease %v, %v", below, err)
	}
}

// TestLanczosStep: in the whole space the step is the global minimizer, also of an indefinite model, and another σ costs no
// product; the Hessian is not led out of a space that holds the gradient.
func TestLanczosStep(t *testing.T) {
	const n = 6
	hessian := hessianLike(n, 21)
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		obj := &objective.Objective{Backend: b, Dim: n, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			a := graph.Const(theta.Graph(), tensors.FromFlatDataAndDimensions(hessian.RawMatrix().Data, n, n))
			return graph.MulScalar(device.Dot(theta, device.Multiply(a, theta)), 0.5)
		}}
		l, err := newLanczos(obj, n, func(float64) float64 { return 1e-13 })
		if err != nil {
			t.Fatal(err)
		}
		gradient := randomVector(rand.New(rand.NewPCG(2, 2)), n)
		at := func(g []float64) *evaluated {
			return &evaluated{theta: device.Vector(obj.Precision(), make([]float64, n)), gradient: device.Vector(obj.Precision(), g), gradientNorm: floats.Norm(g, 2)}
		}
		here := at(gradient)
		for i, sigma := range []float64{1, 0.01, 50} {
			step, err := l.solve(here, sigma, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			checkCubic(t, "whole space", hessian, gradient, tensors.MustCopyFlatData[float64](step.p), sigma, step.predicted, 1e-8)
			if (step.products > 0) != (i == 0) || step.products > n {
				t.Errorf("σ = %v: %d products", sigma, step.products)
			}
		}
		// Two products suffice in the plane of two eigenvectors.
		var eigen mat.EigenSym
		symmetric := mat.NewSymDense(n, hessian.RawMatrix().Data)
		eigen.Factorize(symmetric, true)
		var vectors mat.Dense
		eigen.VectorsTo(&vectors)
		plane := mat.Col(nil, 1, &vectors)
		floats.AddScaled(plane, 2, mat.Col(nil, 4, &vectors))
		l.forcing = func(float64) float64 { return 1e-10 }
		if step, err := l.solve(at(plane), 1, nil, nil); err != nil || step.products != 2 {
			t.Errorf("%d products, %v, want 2", step.products, err)
		}
	})
}
