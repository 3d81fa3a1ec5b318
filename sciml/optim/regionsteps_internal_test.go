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

// steihaugReference is Algorithm 7.2 of Nocedal and Wright (2006), with the decrease from the definition of m.
func steihaugReference(b *mat.Dense, g []float64, radius, relative float64, most int) (z []float64, boundary bool, count int) {
	n := len(g)
	z = make([]float64, n)
	r := append([]float64(nil), g...)
	d := floats.ScaleTo(make([]float64, n), -1, g)
	target := relative * floats.Norm(g, 2)
	toBoundary := func() []float64 {
		dd, zd, zz := floats.Dot(d, d), floats.Dot(z, d), floats.Dot(z, z)
		tau := (-zd + math.Sqrt(zd*zd+dd*(radius*radius-zz))) / dd
		return floats.AddScaledTo(make([]float64, n), z, tau, d)
	}
	for count = 1; ; count++ {
		bd := apply(b, d)
		curvature, rr := floats.Dot(d, bd), floats.Dot(r, r)
		if curvature <= 0 {
			return toBoundary(), true, count
		}
		ahead := floats.AddScaledTo(make([]float64, n), z, rr/curvature, d)
		if floats.Norm(ahead, 2) >= radius {
			return toBoundary(), true, count
		}
		z = ahead
		floats.AddScaled(r, rr/curvature, bd)
		if floats.Norm(r, 2) <= target || count == most {
			return z, false, count
		}
		floats.Scale(floats.Dot(r, r)/rr, d)
		floats.Sub(d, r)
	}
}

func decrease(b *mat.Dense, g, p []float64) float64 {
	return -floats.Dot(g, p) - 0.5*floats.Dot(p, apply(b, p))
}

// TestTruncatedCG compares steps with the reference: inside, at the boundary, and along negative curvature.
func TestTruncatedCG(t *testing.T) {
	const n = 8
	indefinite := hessianLike(n, 11)
	var positive mat.Dense
	positive.Mul(indefinite, indefinite.T())
	positive.Add(&positive, scaledIdentity(n, 1))
	rng := rand.New(rand.NewPCG(3, 3))
	g := randomVector(rng, n)
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		obj := &objective.Objective{Backend: b, Dim: n, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node { return device.Dot(theta, theta) }}
		cg, err := newTruncatedCG(obj, 1, func(_, v *graph.Node, state, _ []*graph.Node) *graph.Node { return device.Multiply(state[0], v) })
		if err != nil {
			t.Fatal(err)
		}
		inside, outside, negative := 0, 0, 0
		for name, c := range map[string]*mat.Dense{"positive": &positive, "indefinite": indefinite, "negative": scaledIdentity(n, -2)} {
			for _, radius := range []float64{1e-3, 0.1, 0.5, 5, 1e3} {
				for _, relative := range []float64{0.5, 1e-10} {
					for _, most := range []int{2, 3 * n} {
						cg.most, cg.forcing = most, func(float64) float64 { return relative }
						at := &evaluated{theta: device.Vector(obj.Precision(), make([]float64, n)), gradient: device.Vector(obj.Precision(), g), gradientNorm: floats.Norm(g, 2)}
						cg.counts = true
						step, err := cg.solve(at, radius, []*tensors.Tensor{tensors.FromFlatDataAndDimensions(c.RawMatrix().Data, n, n)}, nil)
						if err != nil {
							t.Fatal(err)
						}
						want, boundary, count := steihaugReference(c, g, radius, relative, most)
						got := tensors.MustCopyFlatData[float64](step.p)
						if off := floats.Distance(got, want, 2) / floats.Norm(want, 2); !(off < 1e-8) || step.products != count {
							t.Errorf("%s, radius %v, residual %v: the step differs by %g after %d products, the reference has %d", name, radius, relative, off, step.products, count)
						}
						if m := decrease(c, g, got); !(math.Abs(step.predicted-m) <= 1e-10*m) || math.Abs(step.length-floats.Norm(got, 2)) > 1e-12*radius {
							t.Errorf("%s, radius %v: decrease %v and length %v, want %v and %v", name, radius, step.predicted, step.length, m, floats.Norm(got, 2))
						}
						switch {
						case !boundary:
							inside++
						case name == "positive":
							outside++
						default:
							negative++
						}
						if boundary && math.Abs(step.length-radius) > 1e-12*radius {
							t.Errorf("%s: the step has length %v, the radius is %v", name, step.length, radius)
						}
					}
				}
			}
		}
		if inside < 5 || outside < 5 || negative < 5 {
			t.Errorf("%d steps inside, %d at the boundary, %d of B with negative curvature do not test what they should", inside, outside, negative)
		}
	})
}

// exactRegion is the minimizer of gᵀp + ½pᵀBp in ‖p‖ ≤ Δ for a positive definite B: p = −(B + λI)⁻¹g, by bisection.
func exactRegion(b *mat.Dense, g []float64, radius float64) []float64 {
	n := len(g)
	at := func(lambda float64) []float64 {
		shifted := scaledIdentity(n, lambda)
		shifted.Add(shifted, b)
		var p mat.VecDense
		if err := p.SolveVec(shifted, mat.NewVecDense(n, g)); err != nil {
			panic(err)
		}
		p.ScaleVec(-1, &p)
		return p.RawVector().Data
	}
	if p := at(0); floats.Norm(p, 2) <= radius {
		return p
	}
	low, high := 0.0, floats.Norm(g, 2)/radius
	for range 200 {
		if middle := (low + high) / 2; floats.Norm(at(middle), 2) > radius {
			low = middle
		} else {
			high = middle
		}
	}
	return at(high)
}

// TestDoglegStep: the path by hand in two dimensions, and its decrease between that of the Cauchy point and the largest
// possible one, to which it is equal where the step is a multiple of the gradient or the quasi-Newton step.
func TestDoglegStep(t *testing.T) {
	b := goBackend(t)
	solve := func(hessian *mat.Dense, g []float64, radius float64) (p []float64, length, predicted float64) {
		var inverse mat.Dense
		if err := inverse.Inverse(hessian); err != nil {
			t.Fatal(err)
		}
		n := len(g)
		out, err := graph.CallOnceN(b, func(in []*graph.Node) []*graph.Node { return doglegStep(in[0], in[1], in[2:]) },
			g, radius, tensors.FromFlatDataAndDimensions(hessian.RawMatrix().Data, n, n), tensors.FromFlatDataAndDimensions(inverse.RawMatrix().Data, n, n), 1.0)
		if err != nil {
			t.Fatal(err)
		}
		return tensors.MustCopyFlatData[float64](out[0]), device.Number(out[1]), device.Number(out[2])
	}
	// The minimizer along −g is (1/2, 1/2), the quasi-Newton step (1, 1/3).
	diagonal, g := mat.NewDense(2, 2, []float64{1, 0, 0, 3}), []float64{-1, -1}
	for _, c := range []struct {
		radius float64
		want   []float64
	}{
		{0.1, []float64{0.1 / math.Sqrt2, 0.1 / math.Sqrt2}}, {math.Sqrt(0.5), []float64{0.5, 0.5}},
		{math.Sqrt(0.8), []float64{0.8, 0.4}}, {1.06, []float64{1, 1.0 / 3}}, {50, []float64{1, 1.0 / 3}},
	} {
		p, length, predicted := solve(diagonal, g, c.radius)
		if floats.Distance(p, c.want, 2) > 1e-14 || math.Abs(length-floats.Norm(c.want, 2)) > 1e-14 || math.Abs(predicted-decrease(diagonal, g, c.want)) > 1e-14 {
			t.Errorf("radius %v: p = %v, length %v, decrease %v, want %v", c.radius, p, length, predicted, c.want)
		}
	}
	rng := rand.New(rand.NewPCG(6, 6))
	for k := range 40 {
		a := hessianLike(2, uint64(k))
		var hessian mat.Dense
		hessian.Mul(a, a.T())
		hessian.Add(&hessian, scaledIdentity(2, 0.1))
		g, radius := randomVector(rng, 2), math.Exp(rng.NormFloat64())
		p, length, predicted := solve(&hessian, g, radius)
		exact := exactRegion(&hessian, g, radius)
		gg, gbg := floats.Dot(g, g), floats.Dot(g, apply(&hessian, g))
		cauchy := floats.ScaleTo(make([]float64, 2), -math.Min(gg/gbg, radius/math.Sqrt(gg)), g)
		most, least := decrease(&hessian, g, exact), decrease(&hessian, g, cauchy)
		if length > radius*(1+1e-12) || predicted > most*(1+1e-10) || predicted < least*(1-1e-10) {
			t.Errorf("case %d: decrease %v with length %v in radius %v, want between %v and %v", k, predicted, length, radius, least, most)
		}
		if floats.Norm(exact, 2) < 0.999*radius && floats.Distance(p, exact, 2) > 1e-10*floats.Norm(exact, 2) {
			t.Errorf("case %d: p = %v, the minimizer inside the region is %v", k, p, exact)
		}
	}
	// A multiple of the identity bends no path: the dogleg is exact.
	for _, radius := range []float64{0.1, 0.4, 3} {
		ball := scaledIdentity(2, 2.5)
		p, _, _ := solve(ball, []float64{0.6, -0.8}, radius)
		if exact := exactRegion(ball, []float64{0.6, -0.8}, radius); floats.Distance(p, exact, 2) > 1e-12 {
			t.Errorf("B = 2.5·I, radius %v: p = %v, want %v", radius, p, exact)
		}
	}
}
