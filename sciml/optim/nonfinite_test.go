package optim_test

import (
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// TestNonFiniteLater: what becomes NaN in the course of a run is named as well, by its row.
func TestNonFiniteLater(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		obj := &objective.Objective{Backend: b, Dim: 3, Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			part := func(from, to int) *graph.Node { return graph.Slice(theta, graph.AxisRange(from, to)) }
			return graph.Concatenate([]*graph.Node{part(0, 2), graph.AddScalar(graph.Log(part(2, 3)), 10)}, 0)
		}}
		for _, method := range []optim.Method{optim.Adam{Rate: 0.3}, optim.GradientDescent{Rate: 0.04}, optim.Momentum{Rate: 0.04}, optim.Lion{Rate: 0.3}} {
			r := minimize(t, obj, []float64{1, 1, 1}, method, optim.Options{MaxIterations: 100})
			if r.Status != optim.NonFinite || r.Iterations < 2 || !strings.Contains(r.Message, "the residual is NaN at row 2") {
				t.Errorf("%s: %v, want one that names row 2", method.Name(), r)
			}
		}
	})
}
