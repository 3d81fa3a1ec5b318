package reference

import (
	"errors"

	"gonum.org/v1/gonum/mat"
)

// pressure returns the coefficients of the regular part of p in orthonormal Legendre polynomials, from
//
//	∫ ∇p·∇q = −∫ (u·∇u)·∇q + (1/Re) ∮ Δψ ∂q/∂τ for all polynomials q, and ∫ p = 0.
//
// The last term is what remains of the viscous force, a rotated gradient, after integration by parts: so no third
// derivative of ψ is needed. The singular part of Δψ is left out: it has its pressure in closed form, of mean zero.
func (g *galerkin) pressure(re float64, a *mat.Dense) (*mat.Dense, error) {
	degrees, n := g.modes+4, len(g.nodes)
	q, q1 := mat.NewDense(n, degrees, nil), mat.NewDense(n, degrees, nil)
	for p, x := range g.nodes {
		legendre(x, q.RawRowView(p), q1.RawRowView(p))
	}
	// Convection.
	ax, ay, axy := sum(g.f1, a, g.f), sum(g.f, a, g.f1), sum(g.f1, a, g.f1)
	axx, ayy := sum(g.f2, a, g.f), sum(g.f, a, g.f2)
	total := func(i, j int) derivatives {
		l, s := g.lift[i*n+j], g.singular[i*n+j]
		return derivatives{
			x: ax.At(i, j) + l.x + s.x, y: ay.At(i, j) + l.y + s.y,
			xx: axx.At(i, j) + l.xx + s.xx, xy: axy.At(i, j) + l.xy + s.xy, yy: ayy.At(i, j) + l.yy + s.yy,
		}
	}
	right := sum(q1.T(), g.weighted(func(i, j int) float64 {
		d := total(i, j)
		return d.x*d.yy - d.y*d.xy // −(u u_x + v u_y).
	}), q.T())
	right.Add(right, sum(q.T(), g.weighted(func(i, j int) float64 {
		d := total(i, j)
		return d.y*d.xx - d.x*d.xy // −(u v_x + v v_y).
	}), q1.T()))

	// The viscous force: at the end e of an axis, φ and φ′ vanish, so that Δψ is the lift's and a's second derivative
	// across the wall.
	zero := make([]float64, g.modes)
	across := make([]float64, g.modes)
	atEnd := make([]float64, degrees)
	for end, sign := range []float64{-1, 1} {
		e := float64(end)
		clamped(e, zero, zero, across)
		legendre(e, atEnd, make([]float64, degrees))
		along := func(second mat.Vector, at func(s float64) derivatives) *mat.VecDense {
			values := mat.NewVecDense(n, nil)
			values.MulVec(g.f, second)
			for i, s := range g.nodes {
				d := at(s)
				values.SetVec(i, g.weights[i]*(values.AtVec(i)+d.xx+d.yy))
			}
			var tested mat.VecDense
			tested.MulVec(q1.T(), values)
			return &tested
		}
		var second mat.VecDense
		second.MulVec(a, mat.NewVecDense(g.modes, across))
		horizontal := along(&second, func(s float64) derivatives { return g.drive.lift(s, e) })
		right.RankOne(right, sign/re, horizontal, mat.NewVecDense(degrees, atEnd))
		second.MulVec(a.T(), mat.NewVecDense(g.modes, across))
		vertical := along(&second, func(s float64) derivatives { return g.drive.lift(e, s) })
		right.RankOne(right, -sign/re, mat.NewVecDense(degrees, atEnd), vertical)
	}

	// The matrix is K⊗I + I⊗K: solved in the eigenvectors of K. The smallest eigenvalue is zero, for the constant.
	stiff := mat.NewSymDense(degrees, nil)
	for i := range degrees {
		for j := i; j < degrees; j++ {
			v := 0.0
			for p, w := range g.weights {
				v += w * q1.At(p, i) * q1.At(p, j)
			}
			stiff.SetSym(i, j, v)
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(stiff, true) {
		return nil, errors.New("the eigenvalues for the pressure did not converge")
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	values := eigen.Values(nil)
	p := sum(vectors.T(), right, vectors.T())
	p.Apply(func(i, j int, v float64) float64 {
		if i == 0 && j == 0 {
			return 0
		}
		return v / (values[i] + values[j])
	}, p)
	return sum(&vectors, p, &vectors), nil
}
