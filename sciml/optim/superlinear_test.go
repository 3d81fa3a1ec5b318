package optim_test

import (
	"math"
	"testing"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// TestSuperlinearOnQuadratics: on quadratics of prescribed spectrum and on the finite-element Poisson energy, dense
// quasi-Newton methods end far below what the linear rate of conjugate gradients allows, with a last step that gains more
// than the ones before.
func TestSuperlinearOnQuadratics(t *testing.T) {
	b := pureGo(t)
	type instance struct {
		name      string
		objective *objective.Objective
		start     []float64
		minimum   float64
		kappa     float64
	}
	var instances []instance
	obj, start := quadratic(b, spectrum(20, 1e3))
	instances = append(instances, instance{"spectrum of condition 1e3", obj, start, 0, 1e3})
	obj, solution, minimum, smallest, largest := poisson(b, 40)
	instances = append(instances, instance{"finite elements", obj, make([]float64, len(solution)), minimum, largest / smallest})
	for _, c := range instances {
		for _, method := range []optim.Method{optim.BFGS{}, optim.SSBroyden{}, optim.SSBFGS{}} {
			r := minimize(t, c.objective, c.start, method, optim.Options{MaxIterations: 400, GradientTolerance: 1e-9})
			if r.Status != optim.GradientSmall {
				t.Errorf("%s, %s: %s", c.name, method.Name(), r)
				continue
			}
			records := r.History.Records
			n := len(records) - 1
			root := math.Sqrt(c.kappa)
			linear := (root - 1) / (root + 1) // of conjugate gradients, an iteration
			middle := math.Pow(records[n/2].GradientNorm/records[0].GradientNorm, 2/float64(n))
			late := math.Pow(records[n].GradientNorm/records[n-5].GradientNorm, 0.2)
			if !(late < linear && late < 0.5*middle) {
				t.Errorf("%s, %s: over %d iterations the gradient falls by %.2g an iteration at first and %.2g at the end, with a linear rate of %.2g: not superlinear",
					c.name, method.Name(), n, middle, late, linear)
			}
		}
	}
}
