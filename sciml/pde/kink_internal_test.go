package pde

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
)

// TestRoundedKink: it begins as |z|, and its differences satisfy the heat equation, near the kink and far from it.
func TestRoundedKink(t *testing.T) {
	const nu, step = 0.01, 1e-4
	backendtest.Each(t, func(t *testing.T, backend compute.Backend) {
		s := graph.MustNewExec(backend, func(z, t *graph.Node) *graph.Node { return roundedKink(z, t, nu) })
		at := func(z, when float64) float64 {
			return tensors.MustCopyFlatData[float64](s.MustCall([]float64{z}, []float64{when})[0])[0]
		}
		for _, z := range []float64{-0.7, -0.05, 0, 1e-3, 0.2} {
			if got := at(z, 0); math.Abs(got-math.Abs(z)) > 1e-6 {
				t.Errorf("at z = %g it begins as %g", z, got)
			}
			const when = 0.3
			slope := (at(z, when+step) - at(z, when-step)) / (2 * step)
			curvature := (at(z+step, when) - 2*at(z, when) + at(z-step, when)) / (step * step)
			if math.Abs(slope-nu*curvature) > 1e-5 {
				t.Errorf("at z = %g, ∂s/∂t is %g and ν∂²s/∂z² is %g", z, slope, nu*curvature)
			}
		}
	})
}
