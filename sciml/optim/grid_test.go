package optim_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// TestGridRuns: each step of a run is the best one on the grid, as the losses themselves say, with the losses computed
// together on the device; and none is accepted that is no decrease.
func TestGridRuns(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for _, dtype := range []dtypes.DType{dtypes.Float64, dtypes.Float32} {
			if strings.HasSuffix(t.Name(), "/xla") && dtype == dtypes.Float32 {
				continue
			}
			p := problems["Rosenbrock in R¹⁰"]
			obj := p.objective(b)
			obj.DType = dtype
			r := minimize(t, obj, p.start, optim.LBFGS{Search: search.Grid{}}, optim.Options{MaxIterations: 300, LossTolerance: 1e-9})
			if r.Status != optim.LossReached {
				t.Errorf("%s: %s", dtype, r)
			}
			for i, rec := range r.History.Records[1:] {
				before := r.History.Records[i]
				if !(rec.Loss < before.Loss) || (rec.Evaluations-before.Evaluations)%32 != 0 {
					t.Errorf("%s: loss %v after %v with %d evaluations", dtype, rec.Loss, before.Loss, rec.Evaluations-before.Evaluations)
				}
			}
		}
		one := &objective.Objective{Backend: b, Dim: 1, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			return graph.ReduceAllSum(graph.Square(graph.AddScalar(theta, -2.7)))
		}}
		r := minimize(t, one, []float64{3}, optim.LBFGS{Search: search.Grid{}}, optim.Options{MaxIterations: 1})
		// The gradient is 0.6, so that the step is 0.6α and the best α is 1/2.
		if math.Abs(r.Theta[0]-2.7) > 1e-14 || math.Abs(r.History.Last().Step-0.3) > 1e-14 || r.Evaluations != 33 {
			t.Errorf("θ = %v after a step of %v and %d evaluations, want 2.7, 0.3 and 33", r.Theta, r.History.Last().Step, r.Evaluations)
		}
		// Beyond 3.2 the loss is not a number; the best of the others, from 3 along a step of length α, is at 1/8.
		one.Loss = func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			return graph.ReduceAllSum(graph.Neg(graph.Add(graph.Log(graph.AddScalar(graph.Neg(theta), 3.2)), graph.MulScalar(theta, 10))))
		}
		r = minimize(t, one, []float64{3}, optim.LBFGS{Search: search.Grid{}}, optim.Options{MaxIterations: 1})
		if math.Abs(r.Theta[0]-3.125) > 1e-14 {
			t.Errorf("θ = %v, want 3.125; %s", r.Theta, r)
		}
	})
}
