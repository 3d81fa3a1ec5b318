package optim

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// directionStepper calls any direction as the line search does.
type directionStepper struct {
	exec  *graph.Exec
	state []*tensors.Tensor
}

func newDirectionStepper(t *testing.T, b compute.Backend, direction Direction, dim int) *directionStepper {
	t.Helper()
	exec, err := graph.NewExec(b, func(in []*graph.Node) []*graph.Node {
		step, next := direction.Step(&objective.Point{Theta: in[0], Gradient: in[1]}, in[2:])
		return append([]*graph.Node{step}, next...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return &directionStepper{exec: exec, state: device.Zeros(direction.State(dim, dtypes.Float64))}
}

func (s *directionStepper) step(t *testing.T, theta, gradient []float64) []float64 {
	t.Helper()
	args := []any{theta, gradient}
	for _, st := range s.state {
		args = append(args, st)
	}
	out, err := s.exec.Call(args...)
	if err != nil {
		t.Fatal(err)
	}
	s.state = out[1:]
	return tensors.MustCopyFlatData[float64](out[0])
}

// waves is the gradient of Σ −i·cos(2θᵢ)/2 + (Σθᵢ)²/10, whose curvature has both signs.
func waves(theta []float64) []float64 {
	g := make([]float64, len(theta))
	for i, v := range theta {
		g[i] = float64(i+1)*math.Sin(2*v) + 0.2*floats.Sum(theta)
	}
	return g
}

// directUpdate is the BFGS update of B with y damped against a B of its own (Nocedal and Wright 2006, equation 6.19 and
// Procedure 18.2).
func directUpdate(b *mat.Dense, s, y []float64) *mat.Dense {
	bs := mat.NewVecDense(len(s), apply(b, s))
	var next, outer mat.Dense
	outer.Outer(-1/floats.Dot(s, bs.RawVector().Data), bs, bs)
	next.Add(b, &outer)
	yv := mat.NewVecDense(len(y), y)
	outer.Outer(1/floats.Dot(s, y), yv, yv)
	next.Add(&next, &outer)
	return &next
}

func powellDamped(s, y, bs []float64) (r []float64, damped bool) {
	sy, sbs := floats.Dot(s, y), floats.Dot(s, bs)
	if sy >= 0.2*sbs {
		return y, false
	}
	theta := 0.8 * sbs / (sbs - sy)
	r = floats.ScaleTo(make([]float64, len(y)), theta, y)
	floats.AddScaled(r, 1-theta, bs)
	return r, true
}

// TestDampedDirections follow B itself, damped by the formulas as printed, along steps of changing length on a function
// that is not convex. B of limited memory is made of the damped pairs anew each time.
func TestDampedDirections(t *testing.T) {
	const dim, iterations, memory = 5, 20, 3
	b := goBackend(t)
	for name, direction := range map[string]Direction{
		"BFGS":             denseDirection{factors: bfgsFactors, damped: true},
		"L-BFGS":           LBFGS{Memory: memory, Damped: true}.direction(),
		"L-BFGS, two-loop": LBFGS{Memory: memory, Damped: true, TwoLoop: true}.direction(),
	} {
		stepper := newDirectionStepper(t, b, direction, dim)
		theta := []float64{1, -1.2, 0.9, 1.5, -0.3}
		var before, beforeG []float64
		var ss, ys [][]float64
		hessian, damped := (*mat.Dense)(nil), 0
		for k := range iterations {
			g := waves(theta)
			if k == 0 {
				hessian = scaledIdentity(dim, math.Max(1, floats.Norm(g, 2)))
			} else {
				s, y := floats.SubTo(make([]float64, dim), theta, before), floats.SubTo(make([]float64, dim), g, beforeG)
				r, changed := powellDamped(s, y, apply(hessian, s))
				if changed {
					damped++
				}
				ss, ys = append(ss, s), append(ys, r)
				if name != "BFGS" && len(ss) > memory {
					ss, ys = ss[1:], ys[1:]
				}
				newest := len(ss) - 1
				if name != "BFGS" {
					hessian = scaledIdentity(dim, floats.Dot(ys[newest], ys[newest])/floats.Dot(ss[newest], ys[newest]))
					for i := range ss {
						hessian = directUpdate(hessian, ss[i], ys[i])
					}
				} else {
					if k == 1 {
						hessian = scaledIdentity(dim, math.Min(floats.Dot(r, r)/floats.Dot(s, r), math.Max(1, floats.Norm(beforeG, 2))))
					}
					hessian = directUpdate(hessian, s, r)
				}
			}
			var want mat.VecDense
			if err := want.SolveVec(hessian, mat.NewVecDense(dim, floats.ScaleTo(make([]float64, dim), -1, g))); err != nil {
				t.Fatal(err)
			}
			got := stepper.step(t, theta, g)
			if off := floats.Distance(got, want.RawVector().Data, 2) / mat.Norm(&want, 2); !(off < 1e-7) {
				t.Fatalf("%s, iteration %d: the step differs from −B⁻¹g by %g", name, k, off)
			}
			before, beforeG = slices.Clone(theta), g
			floats.AddScaled(theta, []float64{0.3, 1.5, 0.6, 2}[k%4]/floats.Norm(got, 2), got)
		}
		if damped < 4 || damped > iterations-4 {
			t.Errorf("%s: %d of %d updates are damped, which does not test what it should", name, damped, iterations)
		}
	}
}

// TestRestarts: after RestartEvery pairs, or when the angle is poor, the step is −γg; before it is that of an L-BFGS that
// began at the last restart.
func TestRestarts(t *testing.T) {
	const dim = 6
	scale := []float64{1, 10, 100, 1000, 1e4, 1e5}
	gradient := func(theta []float64) []float64 {
		g := slices.Clone(theta)
		floats.Mul(g, scale)
		return g
	}
	b := goBackend(t)
	cosine := func(x, y []float64) float64 { return -floats.Dot(x, y) / floats.Norm(x, 2) / floats.Norm(y, 2) }
	for name, c := range map[string]struct {
		settings LBFGS
		atLeast  int
	}{
		"every 4":    {LBFGS{Memory: 8, RestartEvery: 4}, 4},
		"cosine 0.2": {LBFGS{Memory: 8, RestartCosine: 0.2}, 1},
		"both":       {LBFGS{Memory: 8, RestartEvery: 5, RestartCosine: 0.05}, 3},
	} {
		stepper := newDirectionStepper(t, b, c.settings.direction(), dim)
		theta := []float64{1, 1, 1, 1, 1, 1}
		var before, beforeG []float64
		var s, y [][]float64
		restarts := 0
		for k := range 20 {
			g := gradient(theta)
			gamma := 0.0
			if k > 0 {
				s = append(s, floats.SubTo(make([]float64, dim), theta, before))
				y = append(y, floats.SubTo(make([]float64, dim), g, beforeG))
				if len(s) > 8 {
					s, y = s[1:], y[1:]
				}
				last := len(s) - 1
				gamma = floats.Dot(s[last], y[last]) / floats.Dot(y[last], y[last])
			}
			want := twoLoop(g, s, y)
			due := c.settings.RestartEvery > 0 && len(s) == c.settings.RestartEvery
			if k > 0 && (due || cosine(want, g) < c.settings.RestartCosine) {
				want = floats.ScaleTo(make([]float64, dim), -gamma, g)
				s, y = nil, nil
				restarts++
			}
			got := stepper.step(t, theta, g)
			if off := floats.Distance(got, want, 2) / floats.Norm(want, 2); !(off < 1e-8) {
				t.Fatalf("%s, iteration %d: the step differs by %g", name, k, off)
			}
			before, beforeG = slices.Clone(theta), g
			// The exact minimizer along the step.
			floats.AddScaled(theta, -floats.Dot(got, g)/floats.Dot(got, gradient(got)), got)
		}
		if restarts < c.atLeast || restarts > 15 {
			t.Errorf("%s: %d restarts, which does not test what it should", name, restarts)
		}
	}
}
