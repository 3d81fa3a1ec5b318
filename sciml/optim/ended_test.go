package optim_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// TestResumeEnded: a run that had ended by itself ends at once when it is resumed, unless the options now want more of it.
func TestResumeEnded(t *testing.T) {
	rosenbrock := func(wrong float64) *objective.Objective {
		obj, err := objective.FromFunction(2, func(x, g []float64) float64 {
			a, b := x[1]-x[0]*x[0], 1-x[0]
			g[0], g[1] = -400*x[0]*a-2*b+wrong, 200*a
			return 100*a*a + b*b
		})
		if err != nil {
			t.Fatal(err)
		}
		return obj
	}
	start := []float64{-1.2, 1}
	for name, c := range map[string]struct {
		ends, more optim.Options
		status     optim.Status
	}{
		"loss":      {optim.Options{LossTolerance: 1e-3}, optim.Options{LossTolerance: 1e-9}, optim.LossReached},
		"gradient":  {optim.Options{GradientTolerance: 1e-1}, optim.Options{GradientTolerance: 1e-6}, optim.GradientSmall},
		"criterion": {optim.Options{Until: optim.Iterations(9)}, optim.Options{Until: optim.Iterations(15)}, optim.CriterionMet},
		"limit":     {optim.Options{MaxIterations: 9}, optim.Options{MaxIterations: 15}, optim.IterationLimit},
		"search":    {optim.Options{}, optim.Options{}, optim.SearchFailed},
	} {
		obj := rosenbrock(0)
		if name == "search" {
			obj = rosenbrock(0.1) // with which nothing falls beside the minimum
		}
		path := filepath.Join(t.TempDir(), "run")
		c.ends.CheckpointPath = path
		ended, err := optim.Minimize(t.Context(), obj, start, optim.BFGS{}, c.ends)
		if err != nil {
			t.Fatal(err)
		}
		if ended.Status != c.status {
			t.Errorf("%s: it ended by %q, want %q", name, ended.Status, c.status)
		}
		checkpoint, err := optim.LoadCheckpoint(path)
		if err != nil {
			t.Fatal(err)
		}
		if checkpoint.Result.Status != ended.Status {
			t.Errorf("%s: the checkpoint says that the run is %q, want %q", name, checkpoint.Result.Status, ended.Status)
		}
		again, err := optim.Resume(t.Context(), obj, checkpoint, optim.BFGS{}, c.ends)
		if err != nil {
			t.Fatal(err)
		}
		if again.Status != ended.Status || again.Iterations != ended.Iterations || again.Loss != ended.Loss || !slices.Equal(again.Theta, ended.Theta) {
			t.Errorf("%s: resumed it ends with %s, want %s", name, again, ended)
		}
		if name == "search" {
			continue
		}
		more, err := optim.Resume(t.Context(), obj, checkpoint, optim.BFGS{}, c.more)
		if err != nil {
			t.Fatal(err)
		}
		if more.Iterations <= ended.Iterations || !(more.Loss < ended.Loss) {
			t.Errorf("%s: resumed with more to do it ends with %s, after %s", name, more, ended)
		}
	}
}
