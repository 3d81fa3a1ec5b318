package optim_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
)

// TestNoise compares with the variance over all samples, which batches of one sample show exactly.
func TestNoise(t *testing.T) {
	l := newLeastSquares(0.5)
	theta := make([]float64, lsDim)
	for i := range theta {
		theta[i] = l.solution[i] + 0.3
	}
	each, mean := l.gradients(theta)
	variance := 0.0
	for _, g := range each {
		d := floats.Distance(g, mean, 2)
		variance += d * d / lsRows
	}
	size := floats.Norm(mean, 2)
	near := func(t *testing.T, what string, got, want, tolerance float64) {
		t.Helper()
		if math.Abs(got-want) > tolerance*want {
			t.Errorf("%s is %.10g, want %.10g", what, got, want)
		}
	}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		n, err := objective.Noise(l.objective(b), theta, objective.Batches{Size: 1}, 0)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "gradient", n.Gradient, size, 1e-12)
		near(t, "variance", n.Variance, variance, 1e-12)
		near(t, "relative", n.Relative, variance/size/size, 1e-12)
		near(t, "scale", n.Scale, variance/size/size, 1e-12)
	})
	b := pureGo(t)
	for _, c := range []struct {
		batches objective.Batches
		want    float64
	}{
		{objective.Batches{Size: 8}, variance / 8 * (lsRows - 8) / (lsRows - 1)},
		{objective.Batches{Size: 8, WithReplacement: true}, variance / 8},
		{objective.Batches{Size: 60}, variance / 60 * (lsRows - 60) / (lsRows - 1)},
	} {
		n, err := objective.Noise(l.objective(b), theta, c.batches, 1000)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "variance of a batch", n.Variance, c.want, 0.05)
		near(t, "variance of a sample", n.PerSample, variance, 0.05)
	}
	for word, f := range map[string]func(obj *objective.Objective) error{
		"Batches.Size is 64": func(obj *objective.Objective) error {
			_, err := objective.Noise(obj, theta, objective.Batches{Size: 64}, 0)
			return err
		},
		"count of batches is -1": func(obj *objective.Objective) error {
			_, err := objective.Noise(obj, theta, objective.Batches{}, -1)
			return err
		},
		"starting θ has 3": func(obj *objective.Objective) error {
			_, err := objective.Noise(obj, theta[:3], objective.Batches{}, 0)
			return err
		},
		"Objective.Samples is nil": func(obj *objective.Objective) error {
			obj.Samples = nil
			_, err := objective.Noise(obj, theta, objective.Batches{}, 0)
			return err
		},
		"Noise.Batches.Size is -2": func(obj *objective.Objective) error {
			_, err := objective.Noise(obj, theta, objective.Batches{Size: -2}, 0)
			return err
		},
	} {
		if err := f(l.objective(b)); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
}
