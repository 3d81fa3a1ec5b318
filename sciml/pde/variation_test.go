package pde_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/integrate/quad"

	"github.com/gosciml/gosciml/sciml/pde"
)

// variational are the problems in at most two dimensions that have an Energy or a Weak form.
func variational() []*pde.Problem {
	var chosen []*pde.Problem
	for _, p := range append(pde.Catalogue(), pde.Poisson(2)) {
		if len(p.Coordinates) <= 2 && (p.Energy != nil || p.Weak != nil) {
			chosen = append(chosen, p)
		}
	}
	return chosen
}

// quadrature are Gauss–Legendre points and weights for a domain that is a box of one or two dimensions.
func quadrature(p *pde.Problem) (points [][]float64, weights []float64) {
	lo, hi := p.Domain.Bounds()
	points, weights = [][]float64{nil}, []float64{1}
	for i := range lo {
		at, w := make([]float64, 20), make([]float64, 20)
		quad.Legendre{}.FixedLocations(at, w, lo[i], hi[i])
		var nextPoints [][]float64
		var nextWeights []float64
		for n, point := range points {
			for j := range at {
				nextPoints = append(nextPoints, append(append([]float64(nil), point...), at[j]))
				nextWeights = append(nextWeights, weights[n]*w[j])
			}
		}
		points, weights = nextPoints, nextWeights
	}
	return points, weights
}

// variation is a function that vanishes on the boundary, with its first derivative at the lower ends, of a plate at all.
func variation(p *pde.Problem) func(point []float64) float64 {
	lo, hi := p.Domain.Bounds()
	return func(point []float64) float64 {
		product := 1.0
		for i, x := range point {
			z := (x - lo[i]) / (hi[i] - lo[i])
			product *= z * z * (1 - z) * math.Exp(1.3*z)
			if p.Key == "plate" {
				product *= 1 - z
			}
		}
		return product
	}
}

// tabulate evaluates a function of a field at points.
func tabulate(t *testing.T, b compute.Backend, p *pde.Problem, field pde.Field, points [][]float64, build func(u *pde.Fields) *graph.Node) []float64 {
	t.Helper()
	const order = 2
	lo, hi := p.Domain.Bounds()
	steps := make([]float64, len(lo))
	for i := range steps {
		steps[i] = 0.01 * (hi[i] - lo[i])
	}
	return call(t, b, func(in []*graph.Node) *graph.Node {
		x, u, _ := polynomial(in, order)
		return build(pde.NewFields(p, pde.Inputs{X: x, U: u}))
	}, about(field, points, lo, hi, steps, order).inputs()...)
}

// TestEnergy: at the exact solution the energy is stationary, and a minimum.
func TestEnergy(t *testing.T) {
	b := pureGo(t)
	found := 0
	for _, p := range variational() {
		if p.Energy == nil {
			continue
		}
		found++
		points, weights := quadrature(p)
		v := variation(p)
		energy := func(by float64) float64 {
			field := func(point []float64) []float64 { return []float64{p.Exact(point)[0] + by*v(point)} }
			total := 0.0
			for n, e := range tabulate(t, b, p, field, points, p.Energy) {
				total += weights[n] * e
			}
			return total
		}
		less, at, more := energy(-1), energy(0), energy(1)
		if slope, bend := (more-less)/2, more+less-2*at; !(bend > 0 && math.Abs(slope) < 1e-8*bend) {
			t.Errorf("%s: the energies about the solution are %v, %v, %v, expected a minimum in the middle", p.Key, less, at, more)
		}
	}
	if found < 4 {
		t.Errorf("only %d problems have an Energy", found)
	}
}

// TestWeak: the exact solution satisfies the weak forms for a test function, and something else does not.
func TestWeak(t *testing.T) {
	b := pureGo(t)
	found := 0
	for _, p := range variational() {
		for _, w := range p.Weak {
			found++
			points, weights := quadrature(p)
			d := len(p.Coordinates)
			v := variation(p)
			test := func(point []float64) []float64 { return []float64{v(point)} }
			lo, hi := p.Domain.Bounds()
			steps := make([]float64, d)
			for i := range steps {
				steps[i] = 0.01 * (hi[i] - lo[i])
			}
			tested := about(test, points, lo, hi, steps, 1)
			form := func(field pde.Field) (total, size float64) {
				flux := tabulate(t, b, p, field, points, func(u *pde.Fields) *graph.Node { f, _ := w.Terms(u); return f })
				source := tabulate(t, b, p, field, points, func(u *pde.Fields) *graph.Node { _, s := w.Terms(u); return s })
				if len(flux) != len(points)*d || len(source) != len(points) {
					t.Fatalf("%s: %d entries of flux and %d of source at %d points", p.Key, len(flux), len(source), len(points))
				}
				for n := range points {
					total += weights[n] * source[n] * tested.values[n]
					for i := range d {
						part := weights[n] * flux[n*d+i] * tested.derivatives[0][n*d+i]
						total, size = total+part, size+math.Abs(part)
					}
				}
				return total, size
			}
			right, size := form(p.Exact)
			wrong, _ := form(disturbed(p, p.Exact))
			if !(math.Abs(right) < 1e-9*size && math.Abs(wrong) > 1e-5*size) {
				t.Errorf("%s: the weak form is %g at the solution and %g at another field, its terms are %g", p.Key, right, wrong, size)
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d weak forms", found)
	}
}
