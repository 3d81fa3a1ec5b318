package functions_test

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/functions"
)

// TestRegressions: at the certified parameters, residuals have the certified sum of squares, which says that data and models are
// NIST's. That of Lanczos1 lies in what the parameters are rounded by.
func TestRegressions(t *testing.T) {
	b, err := objective.HostBackend()
	if err != nil {
		t.Fatal(err)
	}
	all, err := functions.Regressions()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 27 {
		t.Errorf("there are %d, NIST has 27", len(all))
	}
	for _, r := range all {
		e, err := objective.NewEvaluator(&objective.Objective{
			Backend: b, Dim: len(r.Certified), Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node { return r.Residual(theta) },
		})
		if err != nil {
			t.Fatal(err)
		}
		sum, _, err := e.At(r.Certified)
		if err != nil {
			t.Fatal(err)
		}
		if r.Name == "Lanczos1" && sum < 1e-20 {
			continue
		}
		if math.Abs(sum-r.SumOfSquares) > 1e-9*r.SumOfSquares {
			t.Errorf("%s: the sum of squares is %.11g, NIST says %.11g", r.Name, sum, r.SumOfSquares)
		}
	}
}
