package sciml_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/sample"
)

// TestObjective: the loss of a solution is that of its result, also where points and weights have moved, and none is made up for one
// that was loaded.
func TestObjective(t *testing.T) {
	options := small(t, pureGo(t))
	options.Method, options.Iterations = optim.Adam{}, 12
	moved := options
	moved.Loss.Soft, moved.Loss.Weighting, moved.Loss.WeightEvery = true, pinn.GradNorm{}, 5
	moved.Loss.Refiner, moved.Loss.RefineEvery = sample.RAD{}, 5
	for name, o := range map[string]sciml.Options{"fixed": options, "moved": moved} {
		s := solve(t, pde.Poisson2D(), o)
		loss, err := s.Objective()
		if err != nil {
			t.Fatal(err)
		}
		e, err := objective.NewEvaluator(loss)
		if err != nil {
			t.Fatal(err)
		}
		if f, _, err := e.At(s.Result.Theta); err != nil || math.Abs(f-s.Result.Loss) > 1e-12*f {
			t.Errorf("%s: the loss at the result is %v, its Loss %v, error %v", name, f, s.Result.Loss, err)
		}
		data, err := s.GobEncode()
		if err != nil {
			t.Fatal(err)
		}
		var loaded sciml.Solution
		if err := loaded.GobDecode(data); err != nil {
			t.Fatal(err)
		}
		again, err := loaded.For(pde.Poisson2D())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.Objective(); err == nil || !strings.Contains(err.Error(), "was loaded") {
			t.Errorf("%s, loaded: error %v", name, err)
		}
	}
}
