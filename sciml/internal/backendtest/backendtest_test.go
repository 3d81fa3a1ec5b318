package backendtest_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
)

// TestFloat64 checks that results carry the digits of float64, not those of float32 widened.
func TestFloat64(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		got, err := graph.CallOnce(b, func(x *graph.Node) *graph.Node { return graph.Sin(x) }, []float64{1, 2, 3})
		if err != nil {
			t.Fatal(err)
		}
		for i, y := range got.Value().([]float64) {
			if want := math.Sin(float64(i + 1)); math.Abs(y-want) > 1e-15 {
				t.Errorf("sin(%d) = %.17g, want %.17g", i+1, y, want)
			}
		}
	})
}

// TestOneDevice checks that XLA on the CPU does not pretend to be several machines.
func TestOneDevice(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		if n := b.NumDevices(); n != 1 {
			t.Errorf("the back end %s has %d devices, want 1", b.Name(), n)
		}
	})
}
