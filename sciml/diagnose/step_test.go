package diagnose_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/diagnose"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
)

func alike(a, b float64) bool { return a == b || math.Abs(a-b) <= 1e-10*math.Max(1, math.Abs(b)) }

// TestStepOnAQuadratic: both quadratic models are the loss itself where residuals are linear.
func TestStepOnAQuadratic(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		theta := []float64{0, 0, 1} // f = 1 + 40 + 100
		for name, c := range map[string]struct {
			step             []float64
			best             float64
			curvature, slope float64
		}{
			"the Newton step":       {[]float64{1, -2, -1}, 1, 2 * (1 + 40 + 100) / 6., -2 * 141},
			"twice the Newton step": {[]float64{2, -4, -2}, 0.5, 2 * (1 + 40 + 100) / 6., -4 * 141},
			"half of it":            {[]float64{0.5, -1, -0.5}, 2, 2 * (1 + 40 + 100) / 6., -141},
			"a step upwards":        {[]float64{-1, 0, 0}, 0, 2, 2},
		} {
			s, err := diagnose.ProbeStep(context.Background(), valley(b), theta, c.step)
			if err != nil {
				t.Fatal(err)
			}
			after := valleyAt([]float64{c.step[0], c.step[1], 1 + c.step[2]})
			if !alike(s.Loss, 141) || !alike(s.Slope, c.slope) || !alike(s.Actual, 141-after) || !alike(s.Linear.Predicted, -c.slope) || !alike(s.Linear.Gain, -(141-after)/c.slope) {
				t.Errorf("%s: %+v with the linear model %+v, want the slope %v and a decrease of %v", name, s, s.Linear, c.slope, 141-after)
			}
			minimum := -c.slope / c.curvature / s.Length / s.Length
			for matrix, m := range map[string]*diagnose.StepModel{"Hessian": s.Hessian, "Gauss–Newton": s.GaussNewton} {
				if !alike(m.Predicted, 141-after) || s.Actual != 0 && !alike(m.Gain, 1) || !alike(m.Curvature, c.curvature) || !alike(m.Minimum, minimum) {
					t.Errorf("%s, %s: %+v, want the decrease %v, the curvature %v and the minimum at %v", name, matrix, m, 141-after, c.curvature, minimum)
				}
			}
			if math.Abs(s.Best-c.best) > 1./2000 || s.Lowest > math.Min(s.Loss, after)+1e-10 {
				t.Errorf("%s: the lowest loss is %v at %v, want it at %v", name, s.Lowest, s.Best, c.best)
			}
		}
	})
}

// TestStepModels: for r = θ² with f = θ⁴ the Hessian is 12θ² and the Gauss–Newton matrix 8θ².
func TestStepModels(t *testing.T) {
	obj := &objective.Objective{Backend: hostBackend(t), Dim: 1, Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node { return graph.Square(theta) }}
	s, err := diagnose.ProbeStep(context.Background(), obj, []float64{1}, []float64{-0.5})
	if err != nil {
		t.Fatal(err)
	}
	actual := 1 - 1./16
	for name, c := range map[string]struct {
		got                *diagnose.StepModel
		predicted, b, best float64
	}{"linear": {s.Linear, 2, 0, math.Inf(1)}, "Hessian": {s.Hessian, 0.5, 12, 2. / 3}, "Gauss–Newton": {s.GaussNewton, 1, 8, 1}} {
		if m := c.got; !alike(m.Predicted, c.predicted) || !alike(m.Gain, actual/c.predicted) || !alike(m.Curvature, c.b) || !alike(m.Minimum, c.best) {
			t.Errorf("%s: %+v, want %+v", name, m, c)
		}
	}
	bowl := &objective.Objective{Backend: hostBackend(t), Dim: 1, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		return graph.Neg(graph.ReduceAllSum(graph.Square(theta))) // upside down
	}}
	if s, err = diagnose.ProbeStep(context.Background(), bowl, []float64{1}, []float64{1}); err != nil || !math.IsInf(s.Hessian.Minimum, 1) || !alike(s.Hessian.Curvature, -2) || s.Best != 2 || s.GaussNewton != nil {
		t.Errorf("%+v and error %v, want a Hessian model that falls for ever and none of Gauss–Newton", s, err)
	}
	if s, err = diagnose.ProbeStep(context.Background(), bowl, []float64{1}, []float64{-0.5}); err != nil || !math.IsInf(s.Hessian.Minimum, -1) || s.Best != 0 {
		t.Errorf("%+v and error %v, want a model that falls the other way", s, err)
	}
	function, err := objective.FromFunction(1, func(theta, gradient []float64) float64 {
		gradient[0] = 1 / theta[0]
		return math.Log(theta[0])
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err = diagnose.ProbeStep(context.Background(), function, []float64{1}, []float64{-2})
	if err != nil || !math.IsNaN(s.Actual) || s.Hessian != nil || s.GaussNewton != nil || !alike(s.Slope, -2) {
		t.Errorf("%+v and error %v, want a step to where the loss is NaN", s, err)
	}
	for word, of := range map[string]struct{ theta, step []float64 }{
		"the loss is NaN":             {[]float64{-1}, []float64{1}},
		"the step is zero":            {[]float64{1}, []float64{0}},
		"the step has 2 entries":      {[]float64{1}, []float64{1, 2}},
		"θ has +Inf at index 0":       {[]float64{math.Inf(1)}, []float64{1}},
		"the step has NaN at index 0": {[]float64{1}, []float64{math.NaN()}},
	} {
		if _, err := diagnose.ProbeStep(context.Background(), function, of.theta, of.step); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
}
