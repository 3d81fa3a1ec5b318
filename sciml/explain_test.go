package sciml_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/diagnose"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/sample"
)

// TestExplainLoaded: a solution that was loaded is explained by what is known of it, which it says.
func TestExplainLoaded(t *testing.T) {
	options := small(t, backendtest.Best(t))
	options.Method, options.Iterations = optim.GradientDescent{Rate: 1e-4}, 3000
	s := solve(t, pde.Poisson2D(), options)
	trained, err := s.Explain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "solution")
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := sciml.Load(path, pde.Poisson2D())
	if err != nil {
		t.Fatal(err)
	}
	later, err := loaded.Explain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if trained.Primary().Kind != diagnose.Plateau || later.Primary().Kind != diagnose.Plateau {
		t.Errorf("explained as %s, and when loaded as %s, want plateaus", trained, later)
	}
	if len(trained.Unseen) > 0 || !strings.Contains(strings.Join(later.Unseen, "\n"), "no objective") {
		t.Errorf("not seen: %q, and when loaded %q, want nothing, and the objective", trained.Unseen, later.Unseen)
	}
}

// TestExplainSoFar: a training is explained while it runs, and its history says the same as that of one that was stopped.
func TestExplainSoFar(t *testing.T) {
	options := small(t, backendtest.Best(t))
	options.Loss = pinn.Options{Interior: 64, Boundary: 32, Soft: true, BoundaryWeight: 1e-6}
	options.Method, options.Iterations = optim.LevenbergMarquardt{}, 40
	var last *diagnose.Explanation
	options.OnProgress = func(h *optim.History) (err error) {
		last, err = sciml.ExplainSoFar(context.Background(), h)
		return err
	}
	options.MonitorEvery = 5
	s := solve(t, pde.Poisson2D(), options)
	if last.Primary().Kind != diagnose.Ignored {
		t.Errorf("in the end of %s it was explained as\n%s\nwant an ignored term", s, last)
	}
	if _, err := sciml.ExplainSoFar(t.Context(), nil); err == nil {
		t.Error("no history: no error")
	}
}

// TestEvidence: what is looked at is what the training ended with: its points, also where they moved, and its loss.
func TestEvidence(t *testing.T) {
	options := small(t, backendtest.Best(t))
	options.Loss.Refiner, options.Loss.RefineEvery = sample.Redraw{}, 10
	s := solve(t, pde.Poisson2D(), options)
	e, err := s.Evidence(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	loss, err := evaluateLoss(e)
	if err != nil {
		t.Fatal(err)
	}
	if off := loss/s.Result.Loss - 1; off > 1e-12 || off < -1e-12 {
		t.Errorf("the loss of the evidence is %v, that of the result %v", loss, s.Result.Loss)
	}
	if e.HeldOut != s.Result.Metrics[pinn.HeldOutResidual] || e.Error != s.RelativeError() || e.HeldOutFirst <= e.HeldOut || !(e.Trained > 0) {
		t.Errorf("the evidence is %+v, want what was measured", e)
	}
	again, err := e.HeldOutAt(t.Context(), s.Result.Theta)
	if err != nil || again != e.HeldOut {
		t.Errorf("measured again, the residual is %v (%v), want %v", again, err, e.HeldOut)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Explain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled context: %v", err)
	}
}

func evaluateLoss(e diagnose.Evidence) (float64, error) {
	evaluator, err := objective.NewEvaluator(e.Objective)
	if err != nil {
		return 0, err
	}
	loss, _, err := evaluator.At(e.Result.Theta)
	return loss, err
}
