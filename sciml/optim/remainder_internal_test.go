package optim

import (
	"strings"
	"testing"
)

// TestRemainder: a quadratic in the large and the small of the units of one parameter, and where there is no minimum.
func TestRemainder(t *testing.T) {
	const epsilon = 2.2e-16
	for name, c := range map[string]struct {
		theta, gradient, hessian []float64
		loss                     float64
		want                     string
	}{
		"at the minimum":            {[]float64{1, 1e-9}, []float64{0, 0}, []float64{2, 0, 0, 2e18}, 1, "a share of 0 of the loss is left, which is the limit"},
		"rounding":                  {[]float64{1, 1e-9}, []float64{1e-9, 1}, []float64{2, 0, 0, 2e18}, 1, "a share of 5e-19 of the loss is left, which is the limit"},
		"a tenth":                   {[]float64{1, 1e-9}, []float64{0, 6e8}, []float64{2, 0, 0, 2e18}, 1, "fall by a share of 0.09: the problem is ill-conditioned, with a condition number of 1 in the best units and parameters whose curvatures differ by a factor of 1e+18"},
		"a loss of rounding errors": {[]float64{1, 1e-9}, []float64{2e-15, 0}, []float64{2, 0, 0, 2e18}, 1e-30, "parameters are off by a share of 1e-15 at most, which is the limit"},
		"a saddle":                  {[]float64{1, 1}, []float64{0, 0}, []float64{1, 2, 2, 1}, 1, "a negative eigenvalue"},
		"a plateau":                 {[]float64{1, 40}, []float64{0, 1e-30}, []float64{2, 0, 0, 1e-30}, 1, "hardly depends on parameter 1"},
	} {
		if got := remainderOf(c.theta, c.gradient, c.hessian, c.loss, epsilon); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
