package reference

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

// galerkin is the discretization of the steady equation of the stream function ψ, u = ψ_y and v = −ψ_x,
//
//	Δ²ψ = Re ∇·(Δψ (ψ_y, −ψ_x)),
//
// for ψ = singular + lift + Σ a_kl φ_k(x) φ_l(y), tested with the same products χ of clamped polynomials:
//
//	∫ Δψ Δχ + Re ∫ Δψ (ψ_y χ_x − ψ_x χ_y) = 0.
type galerkin struct {
	modes int
	drive drive
	// Gauss's rule on [0, 1], and φ, φ′ and φ″ there: a row for each node, a column for each polynomial.
	nodes, weights []float64
	f, f1, f2      *mat.Dense
	// singular and lift hold the derivatives of these parts of ψ at all pairs of nodes, x first.
	singular, lift []derivatives
}

func newGalerkin(d drive, modes int) *galerkin {
	n := modes*3/2 + 12 // The integrand is cubic in ψ and χ; the singular part needs a few more.
	g := &galerkin{modes: modes, drive: d, nodes: make([]float64, n), weights: make([]float64, n)}
	quad.Legendre{}.FixedLocations(g.nodes, g.weights, 0, 1)
	g.f, g.f1, g.f2 = mat.NewDense(n, modes, nil), mat.NewDense(n, modes, nil), mat.NewDense(n, modes, nil)
	for p, x := range g.nodes {
		clamped(x, g.f.RawRowView(p), g.f1.RawRowView(p), g.f2.RawRowView(p))
		for _, y := range g.nodes {
			g.singular = append(g.singular, d.singular(x, y))
			g.lift = append(g.lift, d.lift(x, y))
		}
	}
	return g
}

// sum returns Σ a_kl f_k(x) g_l(y) at all pairs of nodes.
func sum(f, a, g mat.Matrix) *mat.Dense {
	var half, all mat.Dense
	half.Mul(f, a)
	all.Mul(&half, g.T())
	return &all
}

// weighted returns the values times the weights of the quadrature in both directions.
func (g *galerkin) weighted(value func(p, q int) float64) *mat.Dense {
	out := mat.NewDense(len(g.nodes), len(g.nodes), nil)
	for p, wp := range g.weights {
		row := out.RawRowView(p)
		for q, wq := range g.weights {
			row[q] = wp * wq * value(p, q)
		}
	}
	return out
}

// residual returns the left-hand side for each test function, and weighted values of ψ_x, ψ_y and Δψ for the Jacobian.
func (g *galerkin) residual(re float64, a *mat.Dense) (r, x, y, laplacian *mat.Dense) {
	ax, ay := sum(g.f1, a, g.f), sum(g.f, a, g.f1)
	axx, ayy := sum(g.f2, a, g.f), sum(g.f, a, g.f2)
	n := len(g.nodes)
	smooth := func(p, q int) float64 {
		l := g.lift[p*n+q]
		return axx.At(p, q) + ayy.At(p, q) + l.xx + l.yy
	}
	whole := func(p, q int) float64 {
		s := g.singular[p*n+q]
		return smooth(p, q) + s.xx + s.yy
	}
	dx := func(p, q int) float64 { return ax.At(p, q) + g.lift[p*n+q].x + g.singular[p*n+q].x }
	dy := func(p, q int) float64 { return ay.At(p, q) + g.lift[p*n+q].y + g.singular[p*n+q].y }
	test := func(fx *mat.Dense, values *mat.Dense, fy *mat.Dense) *mat.Dense {
		return sum(fx.T(), values, fy.T())
	}
	linear := g.weighted(smooth) // The singular part is biharmonic: its term is exactly zero.
	r = test(g.f2, linear, g.f)
	r.Add(r, test(g.f, linear, g.f2))
	r.Add(r, test(g.f1, g.weighted(func(p, q int) float64 { return re * whole(p, q) * dy(p, q) }), g.f))
	r.Sub(r, test(g.f, g.weighted(func(p, q int) float64 { return re * whole(p, q) * dx(p, q) }), g.f1))
	return r, g.weighted(dx), g.weighted(dy), g.weighted(whole)
}

// jacobian returns the derivative of residual with respect to a: row and column k·modes + l belong to φ_k(x) φ_l(y).
func (g *galerkin) jacobian(ctx context.Context, re float64, x, y, laplacian *mat.Dense) (blas64.General, error) {
	n, nodes := g.modes, len(g.nodes)
	size := n * n
	j := blas64.General{Rows: size, Cols: size, Stride: size, Data: make([]float64, size*size)}
	// Every term of the nonlinear part is a product of a test and a trial function in x with a weight that depends on
	// x and y, and of a test and a trial function in y. The last come in five kinds.
	type term struct {
		test, trial *mat.Dense // In x.
		sign        float64
		weight      *mat.Dense
	}
	kinds := []struct {
		test, trial *mat.Dense // In y.
		terms       []term
	}{
		{g.f, g.f, []term{{g.f1, g.f2, 1, y}}},
		{g.f, g.f2, []term{{g.f1, g.f, 1, y}}},
		{g.f1, g.f, []term{{g.f, g.f2, -1, x}, {g.f, g.f1, -1, laplacian}}},
		{g.f1, g.f2, []term{{g.f, g.f, -1, x}}},
		{g.f, g.f1, []term{{g.f1, g.f, 1, laplacian}}},
	}
	inY := mat.NewDense(len(kinds)*nodes, size, nil)
	for i, kind := range kinds {
		for q := range nodes {
			row := inY.RawRowView(i*nodes + q)
			for l, t := range kind.test.RawRowView(q) {
				for m, s := range kind.trial.RawRowView(q) {
					row[l*n+m] = t * s
				}
			}
		}
	}
	// The linear part: products of one-dimensional integrals.
	integrate := func(a, b *mat.Dense) *mat.Dense {
		var left, out mat.Dense
		left.Mul(a.T(), mat.NewDiagDense(nodes, g.weights))
		out.Mul(&left, b)
		return &out
	}
	mass, mixed, stiff := integrate(g.f, g.f), integrate(g.f, g.f2), integrate(g.f2, g.f2)

	inX := mat.NewDense(n, len(kinds)*nodes, nil)
	products, part := mat.NewDense(n, nodes, nil), mat.NewDense(n, nodes, nil)
	block := mat.NewDense(n, size, nil)
	for k := range n {
		if ctx.Err() != nil {
			return j, context.Cause(ctx)
		}
		inX.Zero()
		for i, kind := range kinds {
			into := inX.Slice(0, n, i*nodes, (i+1)*nodes).(*mat.Dense)
			for _, t := range kind.terms {
				for p := range nodes {
					at := t.sign * re * t.test.At(p, k)
					for m, s := range t.trial.RawRowView(p) {
						products.Set(m, p, at*s)
					}
				}
				part.Mul(products, t.weight)
				into.Add(into, part)
			}
		}
		block.Mul(inX, inY)
		for i := range n {
			values := block.RawRowView(i)
			for l := range n {
				row := j.Data[(k*n+l)*size+i*n:][:n]
				for m := range row {
					row[m] = values[l*n+m] + stiff.At(k, i)*mass.At(l, m) + mass.At(k, i)*stiff.At(l, m) +
						mixed.At(i, k)*mixed.At(l, m) + mixed.At(k, i)*mixed.At(m, l)
				}
			}
		}
	}
	return j, nil
}

// newton improves a until the steps are down to rounding. It keeps the factors of a Jacobian for as long as they make
// each step a fifth of the last.
func (g *galerkin) newton(ctx context.Context, re float64, a *mat.Dense) error {
	var factors blas64.General
	pivots := make([]int, g.modes*g.modes)
	last, fresh := math.Inf(1), false
	for iteration := range 40 {
		r, x, y, laplacian := g.residual(re, a)
		if factors.Data == nil {
			var err error
			if factors, err = g.jacobian(ctx, re, x, y, laplacian); err != nil {
				return err
			}
			if !lapack64.Getrf(factors, pivots) {
				return errors.New("the Newton iteration met a singular matrix")
			}
			fresh = true
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		step := blas64.General{Rows: g.modes * g.modes, Cols: 1, Stride: 1, Data: r.RawMatrix().Data}
		lapack64.Getrs(blas.NoTrans, factors, step, pivots)
		a.Sub(a, r)
		size := mat.Norm(r, 2) / mat.Norm(a, 2)
		switch {
		case math.IsNaN(size) || iteration > 8 && size > 1:
			return fmt.Errorf("the Newton iteration diverged: step %d was %.1g of the solution", iteration+1, size)
		case size < 1e-13, size < 1e-9 && size > last/2:
			return nil
		case size > last/5 && !fresh, size > 0.1:
			factors.Data = nil
		}
		last, fresh = size, false
	}
	return fmt.Errorf("the Newton iteration did not converge: after 40 steps, the last is %.1g of the solution", last)
}

// continuation solves for a Reynolds number by way of smaller ones, from creeping flow on.
func (g *galerkin) continuation(ctx context.Context, re float64) (*mat.Dense, error) {
	a := mat.NewDense(g.modes, g.modes, nil)
	at, factor := math.Min(re, 100), 2.0
	if err := g.newton(ctx, at, a); err != nil {
		return nil, err
	}
	for at < re {
		next := math.Min(re, at*factor)
		trial := mat.DenseCopyOf(a)
		if err := g.newton(ctx, next, trial); err != nil {
			if ctx.Err() != nil || factor < 1.05 {
				return nil, err
			}
			factor = math.Sqrt(factor)
			continue
		}
		a, at = trial, next
	}
	return a, nil
}
