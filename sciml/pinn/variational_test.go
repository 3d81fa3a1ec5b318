package pinn_test

import (
	"context"
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/integrate/quad"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// given is a problem whose u is the given function, whatever the network.
func given(p *pde.Problem, u pde.Function) *pde.Problem {
	p.Ansatz = func(x *graph.Node, network pde.Function) *graph.Node {
		return graph.Add(graph.MulScalar(network(x), 0), u(x))
	}
	p.Exactly, p.Conditions = nil, nil
	return p
}

// TestWeakResiduals: with u = x³ in place of the solution of −u″ = π² sin πx, the residuals are ∫u′φ′ − π² ∫sin(πx) φ.
func TestWeakResiduals(t *testing.T) {
	cube := func(x *graph.Node) *graph.Node { return graph.Mul(x, graph.Square(x)) }
	form := pinn.Variational{Elements: 2, Tests: 4, Nodes: 12}
	m := newModel(t, pureGo(t), given(pde.Poisson1D(), cube), mlp(t, 1, 1), pinn.Options{Form: form})
	r, err := residuals(m, []float64{0, 0})
	if err != nil {
		t.Fatal(err)
	}
	var want []float64
	for element := range 2 {
		const h = 0.5
		for k := 1; k <= 4; k++ {
			// The tests by the definition, on a fine rule of another kind: Legendre polynomials in closed form.
			legendre := []func(s float64) float64{
				func(float64) float64 { return 1 },
				func(s float64) float64 { return s },
				func(s float64) float64 { return (3*s*s - 1) / 2 },
				func(s float64) float64 { return (5*s*s*s - 3*s) / 2 },
				func(s float64) float64 { return (35*math.Pow(s, 4) - 30*s*s + 3) / 8 },
				func(s float64) float64 { return (63*math.Pow(s, 5) - 70*s*s*s + 15*s) / 8 },
			}
			norm := math.Sqrt(float64(4*k + 2))
			integrand := func(x float64) float64 {
				s := 2*(x-h*float64(element))/h - 1
				phi := math.Sqrt(h/2) * (legendre[k-1](s) - legendre[k+1](s)) / norm
				slope := -float64(2*k+1) * legendre[k](s) / norm / math.Sqrt(h/2)
				return 3*x*x*slope - math.Pi*math.Pi*math.Sin(math.Pi*x)*phi
			}
			want = append(want, quad.Fixed(integrand, h*float64(element), h*float64(element+1), 60, nil, 0))
		}
	}
	near(t, "the weak residuals", r, want, 1e-12)

	sine := func(x *graph.Node) *graph.Node { return graph.Sin(graph.MulScalar(x, math.Pi)) }
	m = newModel(t, pureGo(t), given(pde.Poisson1D(), sine), mlp(t, 1, 1), pinn.Options{Form: form})
	if r, err = residuals(m, []float64{0, 0}); err != nil {
		t.Fatal(err)
	}
	near(t, "the weak residuals of the solution", r, make([]float64, 8), 1e-12)
}

// TestWeakLossIsANorm: for u = sin πx + e with e zero at the ends, the residual v ↦ ∫e′v′ has the H⁻¹ norm ‖e′‖: for
// e = x(1−x), which the tests span, that is 1/√3; for e = sin 2πx it is π√2 in the limit of many tests.
func TestWeakLossIsANorm(t *testing.T) {
	loss := func(tests int, e pde.Function) float64 {
		u := func(x *graph.Node) *graph.Node { return graph.Add(graph.Sin(graph.MulScalar(x, math.Pi)), e(x)) }
		m := newModel(t, pureGo(t), given(pde.Poisson1D(), u), mlp(t, 1, 1), pinn.Options{
			Form: pinn.Variational{Tests: tests},
		})
		r, err := residuals(m, []float64{0, 0})
		if err != nil {
			t.Fatal(err)
		}
		return sumOfSquares(r)
	}
	bump := func(x *graph.Node) *graph.Node { return graph.Mul(x, graph.OneMinus(x)) }
	double := func(x *graph.Node) *graph.Node { return graph.Sin(graph.MulScalar(x, 2*math.Pi)) }
	near(t, "the loss of a bump", []float64{loss(1, bump), loss(6, bump)}, []float64{1.0 / 3, 1.0 / 3}, 1e-10)
	near(t, "the loss of a sine", []float64{loss(14, double)}, []float64{2 * math.Pi * math.Pi}, 1e-9)
	if few := loss(3, double); !(few < 2*math.Pi*math.Pi-0.1) {
		t.Errorf("the loss of a sine against 3 tests is %v, expected less than the full norm", few)
	}
}

// TestWeakPlane compares residuals in two dimensions with products of integrals in one: for u = x²y³ and f = 0 the
// residual of φ_i(x)φ_k(y) is ∫2xφ_i′ ∫y³φ_k + ∫x²φ_i ∫3y²φ_k′, on a box with sides of different lengths.
func TestWeakPlane(t *testing.T) {
	box, err := pde.NewBox([]string{"x", "y"}, []float64{0, -1}, []float64{2, 0})
	if err != nil {
		t.Fatal(err)
	}
	p := pde.Poisson2D()
	p.Domain = box
	p.Weak = []pde.WeakForm{{Terms: func(u *pde.Fields) (flux, source *graph.Node) { return u.Gradient(), nil }}}
	given(p, func(x *graph.Node) *graph.Node {
		y := pde.Column(x, 1)
		return graph.Mul(graph.Square(pde.Column(x, 0)), graph.Mul(y, graph.Square(y)))
	})
	m := newModel(t, pureGo(t), p, affine(t), pinn.Options{Form: pinn.Variational{Tests: 2, Nodes: 5}})
	r, err := residuals(m, theta)
	if err != nil {
		t.Fatal(err)
	}
	// ∫ f φ_k and ∫ f φ_k′ over [lo, lo+h].
	moments := func(k int, lo, h float64, f func(x float64) float64) (value, slope float64) {
		polynomial := map[int][2]func(s float64) float64{ // φ_k and φ_k′ on [−1, 1]
			1: {func(s float64) float64 { return (1 - (3*s*s-1)/2) / math.Sqrt(6) }, func(s float64) float64 { return -3 * s / math.Sqrt(6) }},
			2: {func(s float64) float64 { return (s - (5*s*s*s-3*s)/2) / math.Sqrt(10) }, func(s float64) float64 { return -5 * (3*s*s - 1) / 2 / math.Sqrt(10) }},
		}[k]
		at := func(x float64) float64 { return 2*(x-lo)/h - 1 }
		value = quad.Fixed(func(x float64) float64 { return f(x) * math.Sqrt(h/2) * polynomial[0](at(x)) }, lo, lo+h, 20, nil, 0)
		slope = quad.Fixed(func(x float64) float64 { return f(x) / math.Sqrt(h/2) * polynomial[1](at(x)) }, lo, lo+h, 20, nil, 0)
		return value, slope
	}
	var want []float64
	for i := 1; i <= 2; i++ {
		for k := 1; k <= 2; k++ {
			_, a := moments(i, 0, 2, func(x float64) float64 { return 2 * x })
			b, _ := moments(k, -1, 1, func(y float64) float64 { return y * y * y })
			c, _ := moments(i, 0, 2, func(x float64) float64 { return x * x })
			_, d := moments(k, -1, 1, func(y float64) float64 { return 3 * y * y })
			want = append(want, a*b+c*d)
		}
	}
	near(t, "the weak residuals", r, want, 1e-12)
}

// TestVariational trains a network on the weak form.
func TestVariational(t *testing.T) {
	network := mlp(t, 2, 10, 1)
	m := newModel(t, backendtest.Best(t), pde.Poisson2D(), network, pinn.Options{Form: pinn.Variational{Tests: 6, Nodes: 12}})
	result, err := optim.Minimize(context.Background(), m.Objective(), network.Init(1), optim.LBFGS{}, optim.Options{MaxIterations: 100, Monitor: m.Monitor})
	if err != nil {
		t.Fatal(err)
	}
	if e := result.Metrics[pinn.RelativeL2]; !(e < 5e-3) {
		t.Errorf("the error is %v (%s)", e, result)
	}
}
