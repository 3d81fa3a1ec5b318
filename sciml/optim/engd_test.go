package optim_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/optim"
)

// TestENGDLinear: for linear residuals one step is the whole way, however ill-conditioned, by any of its ways.
func TestENGDLinear(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for _, kappa := range []float64{1e2, 1e6, 1e10} {
			for _, m := range []optim.ENGD{{}, {PseudoInverse: true}, {Solver: optim.DenseKernel}} {
				r := minimize(t, decaying(b, 12, kappa), make([]float64, 12), m, optim.Options{MaxIterations: 4})
				if r.Loss > 1e-12 {
					t.Errorf("condition %g, %+v: %s", kappa, m, r)
				}
				if b.String() != pureGo(t).String() {
					break
				}
			}
		}
	})
}

// TestENGDSingular: a parameter without influence stays, and the others find their minimum.
func TestENGDSingular(t *testing.T) {
	p := problems["Beale"]
	obj := p.objective(pureGo(t))
	obj.Dim = 3
	for _, m := range []optim.ENGD{{}, {PseudoInverse: true}} {
		r := minimize(t, obj, []float64{2.5, 0.4, 7}, m, optim.Options{MaxIterations: 50, LossTolerance: 1e-20})
		if r.Status != optim.LossReached || math.Abs(r.Theta[0]-3) > 1e-8 || math.Abs(r.Theta[2]-7) > 1e-8 {
			t.Errorf("%+v: %s at %v", m, r, r.Theta)
		}
	}
}

func TestENGDSettings(t *testing.T) {
	p := problems["Wood"]
	for word, m := range map[string]optim.ENGD{
		"Regularization": {Regularization: -1}, "Cutoff": {Cutoff: 2}, "AdaptEvery": {AdaptEvery: -1}, "expected DenseNormal": {PseudoInverse: true, Solver: optim.MatrixFree},
		"MaxMemory": {MaxMemory: -1}, "Solver is 9": {Solver: 9}, "needs": {Solver: optim.DenseNormal, MaxMemory: 10},
	} {
		_, err := optim.Minimize(t.Context(), p.objective(pureGo(t)), p.start, m, optim.Options{})
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%+v: error %v, expected one with %q", m, err, word)
		}
	}
}
