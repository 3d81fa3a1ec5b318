package main

import (
	"context"
	"testing"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// TestSkip: a table goes on after a method that does not suit or does not fit, and after nothing else.
func TestSkip(t *testing.T) {
	slope := func(theta, gradient []float64) float64 {
		gradient[0] = 2 * theta[0]
		return theta[0] * theta[0]
	}
	plain, err := objective.FromFunction(1, slope)
	if err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	minimize := func(m optim.Method) error {
		_, err := optim.Minimize(t.Context(), plain, []float64{1}, m, optim.Options{})
		return err
	}
	_, large := sciml.Solve(t.Context(), pde.Poisson2D(), sciml.Options{
		Method: optim.SketchedGaussNewton{MaxMemory: 100}, Iterations: 1, Loss: pinn.Options{Interior: 20},
	})
	for name, c := range map[string]struct {
		ctx  context.Context
		err  error
		want bool
	}{
		"unsuitable":             {t.Context(), minimize(optim.LevenbergMarquardt{}), true},
		"too large":              {t.Context(), large, true},
		"unsuitable, at the end": {canceled, minimize(optim.LevenbergMarquardt{}), false},
		"a setting":              {t.Context(), minimize(optim.LBFGS{Memory: -1}), false},
	} {
		var f failures
		if c.err == nil {
			t.Errorf("%s: no error", name)
		} else if got := f.skip(c.ctx, c.err); got != c.want || (len(f) == 1) != c.want {
			t.Errorf("%s: skipped %t (%d kept), want %t: %v", name, got, len(f), c.want, c.err)
		}
	}
}
