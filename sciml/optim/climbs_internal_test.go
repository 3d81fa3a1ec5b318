package optim

import (
	"math"
	"testing"
)

// TestClimbs: a fall and a constant do not climb, a rise after a fall does only when the line through all does.
func TestClimbs(t *testing.T) {
	line := func(slope float64, bend int) (y []float64) {
		for i := range lambdaWindow {
			y = append(y, slope*math.Abs(float64(i-bend)))
		}
		return y
	}
	for name, c := range map[string]struct {
		y    []float64
		want bool
	}{
		"rise": {line(0.1, 0), true}, "fall": {line(-0.1, 0), false}, "constant": {line(0, 0), false},
		"early minimum": {line(0.1, 5), true}, "late minimum": {line(0.1, 25), false}, "hardly": {line(1e-5, 0), false},
	} {
		if got := climbs(c.y); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
