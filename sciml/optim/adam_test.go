package optim_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/optim"
)

// plainAdam returns the iterates θ₀, θ₁, … of plain Go.
func plainAdam(p problem, a optim.Adam, steps int) [][]float64 {
	theta, g := append([]float64(nil), p.start...), make([]float64, len(p.start))
	update := plainAdamUpdate(a, len(theta))
	iterates := [][]float64{append([]float64(nil), theta...)}
	for t := 1; t <= steps; t++ {
		p.reference.Grad(g, theta)
		update(t, theta, g)
		iterates = append(iterates, append([]float64(nil), theta...))
	}
	return iterates
}

// TestAdamStepByStep follows the reference for more iterations than one call to the device makes.
func TestAdamStepByStep(t *testing.T) {
	const steps = 600
	settings := map[string]struct{ given, means optim.Adam }{
		"defaults": {optim.Adam{}, optim.Adam{Rate: 1e-3, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}},
		"chosen":   {optim.Adam{Rate: 0.003, Beta1: 0.8, Beta2: 0.99, Epsilon: 1e-3}, optim.Adam{Rate: 0.003, Beta1: 0.8, Beta2: 0.99, Epsilon: 1e-3}},
	}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, s := range settings {
			p := problems["Wood"]
			iterates := plainAdam(p, s.means, steps)
			r := minimize(t, p.objective(b), p.start, s.given, optim.Options{MaxIterations: steps, MonitorEvery: steps})
			if r.Status != optim.IterationLimit || r.Iterations != steps || len(r.History.Records) != steps {
				t.Fatalf("%s: %s, with %d records", name, r, len(r.History.Records))
			}
			best := 0
			gradient := make([]float64, 4)
			for k, rec := range r.History.Records {
				loss := p.reference.Func(iterates[k])
				p.reference.Grad(gradient, iterates[k])
				if loss < p.reference.Func(iterates[best]) {
					best = k
				}
				step := 0.0
				if k > 0 {
					step = floats.Distance(iterates[k], iterates[k-1], 2)
				}
				for what, pair := range map[string][2]float64{
					"loss": {rec.Loss, loss}, "gradient norm": {rec.GradientNorm, floats.Norm(gradient, 2)}, "step": {rec.Step, step},
				} {
					if math.Abs(pair[0]-pair[1]) > 1e-12*(1+math.Abs(pair[1])) {
						t.Fatalf("%s: %s of iterate %d is %.16g, want %.16g", name, what, k, pair[0], pair[1])
					}
				}
				if rec.Evaluations != k+1 || rec.Phase != "Adam" {
					t.Errorf("%s: record %d has %d evaluations in phase %q", name, k, rec.Evaluations, rec.Phase)
				}
			}
			for i, want := range iterates[best] {
				if math.Abs(r.Theta[i]-want) > 1e-12 {
					t.Errorf("%s: the best θ%d is %.16g, want %.16g", name, i, r.Theta[i], want)
				}
			}
			checkHistory(t, name, r)
		}
	})
}

func TestAdamSettings(t *testing.T) {
	p := problems["Beale"]
	obj := p.objective(backendtest.Best(t))
	for word, method := range map[string]optim.Adam{
		"Adam.Beta1 is 1":      {Beta1: 1},
		"Adam.Beta2 is -1":     {Beta2: -1},
		"Adam.Rate is -1":      {Rate: -1},
		"Adam.Rate is NaN":     {Rate: math.NaN()},
		"Adam.Epsilon is +Inf": {Epsilon: math.Inf(1)},
		"Adam.Beta1 is NaN":    {Beta1: math.NaN()},
	} {
		mustFail(t, obj, p.start, method, optim.Options{}, word)
	}
}
