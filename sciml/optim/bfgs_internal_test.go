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

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
)

var denseMethods = map[string]denseFactors{"BFGS": bfgsFactors, "SSBFGS": ssbfgsFactors, "SSBroyden": ssbroydenFactors}

func goBackend(t *testing.T) compute.Backend {
	t.Helper()
	b, err := backend.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// denseStepper is a directionStepper whose matrix can be looked at.
type denseStepper struct{ *directionStepper }

func newDenseStepper(t *testing.T, b compute.Backend, factors denseFactors, dim int) *denseStepper {
	t.Helper()
	return &denseStepper{newDirectionStepper(t, b, denseDirection{factors: factors}, dim)}
}

func (s *denseStepper) h(dim int) *mat.Dense {
	return mat.NewDense(dim, dim, tensors.MustCopyFlatData[float64](s.state[denseH]))
}

// denseReference updates H by the formulas as they are printed, with B = H⁻¹ by inversion, and reports whether it did. The
// gradient before is for the first H.
func denseReference(name string, h *mat.Dense, s, y, before []float64, first bool) (*mat.Dense, bool) {
	n := len(s)
	sVec, yVec := mat.NewVecDense(n, s), mat.NewVecDense(n, y)
	sy := mat.Dot(sVec, yVec)
	if sy <= 0 {
		return h, false
	}
	if first {
		h = mat.NewDense(n, n, nil)
		for i := range n {
			h.Set(i, i, math.Max(sy/mat.Dot(yVec, yVec), math.Min(1, 1/floats.Norm(before, 2))))
		}
	}
	var inverse mat.Dense
	if err := inverse.Inverse(h); err != nil {
		panic(err)
	}
	b := mat.Inner(sVec, &inverse, sVec) / sy
	yhy := mat.Inner(yVec, h, yVec)
	hk := yhy / sy
	tau, phi := 1.0, 1.0
	switch {
	case name == "SSBFGS" && !first:
		tau = math.Min(1, 1/b)
	case name == "SSBroyden":
		tau, phi = alBaali(b, hk, n, first)
	}
	var hy, v mat.VecDense
	hy.MulVec(h, yVec)
	v.ScaleVec(1/sy, sVec)
	v.AddScaledVec(&v, -1/yhy, &hy)
	var next, outer mat.Dense
	next.CloneFrom(h)
	outer.Outer(-1/yhy, &hy, &hy)
	next.Add(&next, &outer)
	outer.Outer(phi*yhy, &v, &v)
	next.Add(&next, &outer)
	next.Scale(1/tau, &next)
	outer.Outer(1/sy, sVec, sVec)
	next.Add(&next, &outer)
	return &next, true
}

// alBaali is the scale and the parameter of SSBroyden in n dimensions.
func alBaali(b, h float64, n int, first bool) (tau, phi float64) {
	a := b*h - 1
	c := math.Sqrt(a / (1 + a))
	rhoMinus := math.Min(1, h*(1-c))
	theta := math.Max((rhoMinus-1)/a, math.Min(1/rhoMinus, (1-b)/b))
	sigma := 1 + theta*a
	rho, power := math.Min(1, 1/b), math.Pow(sigma, 1/(1-float64(n)))
	switch {
	case first:
		tau = h / sigma
	case theta <= 0:
		tau = math.Min(rho*power, sigma)
	default:
		tau = rho * math.Min(power, 1/theta)
	}
	return tau, (1 - theta) / (1 + a*theta)
}

// TestSSBroydenFactors covers every b and h that an update can meet, more than TestDenseUpdate does.
func TestSSBroydenFactors(t *testing.T) {
	var b, h []float64
	for i := -40; i <= 40; i++ {
		for _, excess := range []float64{1e-3, 0.1, 1, 10, 1e4} { // a
			b = append(b, math.Pow(10, float64(i)/10))
			h = append(h, (1+excess)/b[len(b)-1])
		}
	}
	for _, dim := range []int{2, 10, 1000} {
		for _, first := range []bool{false, true} {
			out, err := graph.CallOnceN(goBackend(t), func(in []*graph.Node) []*graph.Node {
				tau, phi := ssbroydenFactors(update{b: in[0], h: in[1], first: graph.BroadcastToDims(graph.Const(in[0].Graph(), first), len(b)), dim: dim})
				return []*graph.Node{tau, phi}
			}, b, h)
			if err != nil {
				t.Fatal(err)
			}
			tau, phi := tensors.MustCopyFlatData[float64](out[0]), tensors.MustCopyFlatData[float64](out[1])
			for i := range b {
				// 1−c in the reference has lost as many digits as a is large.
				wantTau, wantPhi := alBaali(b[i], h[i], dim, first)
				if !(math.Abs(tau[i]-wantTau) <= 1e-10*wantTau) || !(math.Abs(phi[i]-wantPhi) <= 1e-10*math.Max(1, math.Abs(wantPhi))) {
					t.Errorf("b = %g, h = %g in %d dimensions, first %v: τ = %v and φ = %v, want %v and %v", b[i], h[i], dim, first, tau[i], phi[i], wantTau, wantPhi)
				}
				if a := b[i]*h[i] - 1; !(tau[i] > 0 && 1+a*phi[i] > 0) {
					t.Errorf("b = %g, h = %g: τ = %v and φ = %v leave H indefinite", b[i], h[i], tau[i], phi[i])
				}
			}
		}
	}
}

// TestDenseUpdate follows the reference along steps of any length on a function that is not convex, so that some
// updates are left out, the first among them.
func TestDenseUpdate(t *testing.T) {
	const dim, iterations = 6, 25
	gradient := func(theta []float64) []float64 { // of Σ wᵢ(θᵢ⁴/4 − θᵢ²/2) + ½(Σθᵢ)²
		g := make([]float64, dim)
		for i, v := range theta {
			g[i] = float64(i+1)*(v*v*v-v) + floats.Sum(theta)
		}
		return g
	}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, factors := range denseMethods {
			stepper := newDenseStepper(t, b, factors, dim)
			rng := rand.New(rand.NewPCG(7, 7))
			theta := []float64{0.1, -0.1, 0.05, 0.02, -0.03, -0.05} // negative curvature
			h, updates, positive := (*mat.Dense)(nil), 0, 0
			var previous, previousGradient []float64
			for k := range iterations {
				g := gradient(theta)
				if k > 0 {
					s, y := make([]float64, dim), make([]float64, dim)
					floats.SubTo(s, theta, previous)
					floats.SubTo(y, g, previousGradient)
					var done bool
					if h, done = denseReference(name, h, s, y, previousGradient, updates == 0); done {
						updates++
					}
				}
				want := make([]float64, dim)
				if updates == 0 {
					floats.AddScaled(want, -math.Min(1, 1/floats.Norm(g, 2)), g)
				} else {
					d := mat.NewVecDense(dim, want)
					d.MulVec(h, mat.NewVecDense(dim, g))
					d.ScaleVec(-1, d)
				}
				got := stepper.step(t, theta, g)
				if off := floats.Distance(got, want, 2) / floats.Norm(want, 2); !(off <= 1e-9) {
					t.Fatalf("%s, iteration %d: the step differs from −Hg by %g", name, k, off)
				}
				if updates > 0 {
					var off mat.Dense
					off.Sub(stepper.h(dim), h)
					if !(mat.Norm(&off, 2) <= 1e-9*mat.Norm(h, 2)) {
						t.Fatalf("%s, iteration %d: H differs from the reference by %g of %g", name, k, mat.Norm(&off, 2), mat.Norm(h, 2))
					}
				}
				if floats.Dot(got, g) < 0 {
					positive++
				}
				previous, previousGradient = append([]float64(nil), theta...), g
				// Steps of length 0.05 to 0.85, so that B along the step is too large and too small in turn.
				floats.AddScaled(theta, (0.05+0.8*rng.Float64())/floats.Norm(got, 2), got)
			}
			if updates < 8 || updates > iterations-3 || positive != iterations {
				t.Errorf("%s: %d updates and %d directions of descent in %d iterations do not test what they should", name, updates, positive, iterations)
			}
		}
	})
}

// TestExactSearchOnQuadratic: with exact steps the members of Broyden's class end on a quadratic in n dimensions after n
// of them, and BFGS then holds A⁻¹ (Nocedal and Wright, Theorem 6.4).
func TestExactSearchOnQuadratic(t *testing.T) {
	spectrum := []float64{1, 2, 3, 5, 8, 13, 20}
	dim := len(spectrum)
	// A = QDQ with the Householder reflection Q = I − 2uuᵀ.
	u := mat.NewVecDense(dim, []float64{1, 2, -1, 3, 0.5, -2, 1})
	u.ScaleVec(1/mat.Norm(u, 2), u)
	var q, a, inverse mat.Dense
	q.Outer(-2, u, u)
	for i := range dim {
		q.Set(i, i, q.At(i, i)+1)
	}
	a.Product(&q, mat.NewDiagDense(dim, spectrum), &q)
	if err := inverse.Inverse(&a); err != nil {
		t.Fatal(err)
	}
	b := goBackend(t) // the same programs as those of TestDenseUpdate
	for name, factors := range denseMethods {
		stepper := newDenseStepper(t, b, factors, dim)
		theta := []float64{1, -2, 3, 0.5, 1, -1, 2}
		var g mat.VecDense
		start, before := 0.0, 0.0
		for k := range dim + 1 {
			g.MulVec(&a, mat.NewVecDense(dim, theta))
			if k == 0 {
				start = mat.Norm(&g, 2)
			}
			if k == dim-1 {
				before = mat.Norm(&g, 2)
			}
			step := stepper.step(t, theta, g.RawVector().Data)
			if k == dim {
				break
			}
			d := mat.NewVecDense(dim, step)
			floats.AddScaled(theta, -mat.Dot(d, &g)/mat.Inner(d, &a, d), step)
		}
		if norm := mat.Norm(&g, 2); !(norm <= 1e-9*start) || before < 1e-6*start {
			t.Errorf("%s: after n exact steps the gradient is %g, one before it %g, at the start %g", name, norm, before, start)
		}
		if name != "BFGS" {
			continue
		}
		var off mat.Dense
		off.Sub(stepper.h(dim), &inverse)
		if !(mat.Norm(&off, 2) <= 1e-9*mat.Norm(&inverse, 2)) {
			t.Errorf("%s: H differs from A⁻¹ by %g of %g", name, mat.Norm(&off, 2), mat.Norm(&inverse, 2))
		}
	}
}

// TestDenseWithoutCurvature: points that teach nothing leave the direction finite and as it was.
func TestDenseWithoutCurvature(t *testing.T) {
	b := goBackend(t) // the same programs as those of TestDenseUpdate
	for name, factors := range denseMethods {
		stepper := newDenseStepper(t, b, factors, 2)
		for k, c := range []struct{ theta, gradient, want []float64 }{
			{[]float64{1, 2}, []float64{0, 0}, []float64{0, 0}},
			{[]float64{1, 2}, []float64{0, 0}, []float64{0, 0}},
			{[]float64{1, 2}, []float64{3, 4}, []float64{-0.6, -0.8}},
			{[]float64{0.4, 1.2}, []float64{3, 4}, []float64{-0.6, -0.8}},   // no curvature
			{[]float64{-0.2, 0.4}, []float64{6, 8}, []float64{-0.6, -0.8}},  // negative curvature
			{[]float64{-0.8, -0.4}, []float64{3, 4}, []float64{-0.6, -0.8}}, // curvature 5 along the step: H = I/5
			{[]float64{-1.4, -1.2}, []float64{3, 4}, []float64{-0.6, -0.8}}, // none again
		} {
			got := stepper.step(t, c.theta, c.gradient)
			if !(floats.Distance(got, c.want, 2) <= 1e-14) {
				t.Errorf("%s, point %d: the step is %v, want %v", name, k, got, c.want)
			}
		}
		var off mat.Dense
		off.Sub(stepper.h(2), mat.NewDiagDense(2, []float64{0.2, 0.2}))
		if !(mat.Norm(&off, 2) <= 1e-14) {
			t.Errorf("%s: H is %v, want I/5", name, mat.Formatted(stepper.h(2)))
		}
	}
	// In one dimension H is the secant's slope.
	for name, factors := range denseMethods {
		stepper := newDenseStepper(t, b, factors, 1)
		theta := 3.0
		slope := func(x float64) float64 { return x + x*x*x }
		for k := range 6 {
			step := stepper.step(t, []float64{theta}, []float64{slope(theta)})[0]
			if got := stepper.h(1).At(0, 0); k > 0 && !(math.Abs(got*slope(theta)+step) <= 1e-13*math.Abs(step)) {
				t.Errorf("%s: H = %v and the step %v do not agree", name, got, step)
			}
			before := theta
			theta += 0.8 * step
			if k > 0 && math.Abs(step) > 0 {
				want := stepper.step(t, []float64{theta}, []float64{slope(theta)})[0]
				secant := -slope(theta) * (theta - before) / (slope(theta) - slope(before))
				if !(math.Abs(want-secant) <= 1e-12*math.Abs(secant)) {
					t.Errorf("%s: the step at %v is %v, that of the secant %v", name, theta, want, secant)
				}
				theta += 0.8 * want
			}
		}
	}
}

// TestDenseRebase: H outlives a change of the objective, and learns nothing from the jump of the gradient.
func TestDenseRebase(t *testing.T) {
	b := goBackend(t)
	for name, factors := range denseMethods {
		stepper := newDenseStepper(t, b, factors, 2)
		stepper.step(t, []float64{1, 2}, []float64{3, 4})
		stepper.step(t, []float64{0.4, 1.2}, []float64{1, 5})
		before := stepper.h(2)
		stepper.state = denseDirection{factors: factors}.Rebase(stepper.state)
		got := stepper.step(t, []float64{0.3, 1}, []float64{-7, 9})
		want := mat.NewVecDense(2, nil)
		want.MulVec(before, mat.NewVecDense(2, []float64{7, -9}))
		if mat.Norm(before, 2) == 0 || !mat.Equal(stepper.h(2), before) || floats.Distance(got, want.RawVector().Data, 2) > 1e-14 {
			t.Errorf("%s: after the change H is %v and the step %v, want %v and %v", name, stepper.h(2), got, before, want)
		}
		stepper.step(t, []float64{0, 0.5}, []float64{-9, 8})
		if mat.Equal(stepper.h(2), before) {
			t.Errorf("%s: one point after the change nothing is learned", name)
		}
	}
}
