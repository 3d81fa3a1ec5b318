package optim

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// TestInterruptedSteps: a run is canceled at a call of the device, wherever in a step that is, and soon ends. What is resumed
// comes to where the run would have come, bit for bit.
func TestInterruptedSteps(t *testing.T) {
	const iterations = 8
	for _, name := range []string{
		"L-BFGS", "L-BFGS, Hager–Zhang", "Newton–CG", "NNCG", "Barzilai–Borwein, searched", "SR1", "L-SR1", "dogleg", "cubic", "Newton region",
		"LM", "LM, subspaces", "LM, metric", "sketched", "auto",
	} {
		run := func(from *Checkpoint, stop int) (r *Result, later, calls int, saved *Checkpoint) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			b := backendtest.Watch(goBackend(t))
			obj, start := curve(b, dtypes.Float64, true)
			b.Fail = func(string) error {
				if calls++; calls == stop {
					cancel()
				}
				return nil
			}
			options := Options{MaxIterations: iterations, CheckpointPath: filepath.Join(t.TempDir(), "run")}
			var err error
			if from == nil {
				r, err = Minimize(ctx, obj, start, everyMethod()[name], options)
			} else {
				r, err = Resume(ctx, obj, from, everyMethod()[name], options)
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if stop > 0 {
				later = calls - stop
			}
			if saved, err = LoadCheckpoint(options.CheckpointPath); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return r, later, calls, saved
		}
		whole, _, calls, _ := run(nil, 0)
		for k := range 12 {
			stop := 2 + k*(calls*3/4)/12
			first, later, _, saved := run(nil, stop)
			if first.Status != Canceled || later > 12 { // those of a damped step, which is a dozen short programs
				t.Errorf("%s, canceled at call %d of %d: %s, %d calls later", name, stop, calls, first, later)
			}
			r, _, _, _ := run(saved, 0)
			if !slices.Equal(r.Theta, whole.Theta) || r.Loss != whole.Loss || r.Iterations != whole.Iterations || r.Status != whole.Status {
				t.Errorf("%s, canceled at call %d of %d in iteration %d: resumed to %s, without to %s", name, stop, calls, first.Iterations, r, whole)
			}
		}
	}
}

// TestCanceledFunction: no method calls a function again once its context is done.
func TestCanceledFunction(t *testing.T) {
	for label := range boldMethods() {
		for stop := range 9 {
			ctx, cancel := context.WithCancel(t.Context())
			calls := -1
			obj, err := objective.FromFunction(2, func(theta, gradient []float64) float64 {
				if calls++; calls >= stop {
					cancel()
				}
				return degenerates["barrier, NaN"].at(theta, gradient)
			})
			if err != nil {
				t.Fatal(err)
			}
			r, err := Minimize(ctx, obj, []float64{3, 3}, boldMethods()[label], Options{MaxIterations: 100})
			if err != nil || calls > stop || calls == stop && r.Status != Canceled && r.Status != NonFinite && r.Status != SearchFailed {
				t.Errorf("%s, canceled at call %d: %v and error %v after %d calls", label, stop, r, err, calls)
			}
			cancel()
		}
	}
}

// idler is a method that makes no iteration, and says that it could.
type idler struct{ Stepper }

func (idler) Name() string { return "idler" }

func (idler) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	s, err := Adam{}.Start(obj, theta)
	return idler{s}, err
}

func (idler) Advance(context.Context, int, Goal) (Progress, error) { return Progress{}, nil }

// TestIdleMethod: a method that makes no progress and does not say so does not go on for ever, alone or in a Hybrid.
func TestIdleMethod(t *testing.T) {
	obj, err := objective.FromFunction(2, degenerates["barrier, NaN"].at)
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []Method{idler{}, Hybrid{{idler{}, Iterations(3)}, {LBFGS{}, nil}}, Hybrid{{LBFGS{}, Iterations(1)}, {idler{}, nil}}} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		r, err := Minimize(ctx, obj, []float64{3, 2}, method, Options{})
		cancel()
		if err == nil || !strings.Contains(err.Error(), "has made no iteration") || errors.Is(err, context.DeadlineExceeded) || r.Status != Failed || !device.AllFinite(r.Theta) {
			t.Errorf("%s: %v and error %v", method.Name(), r, err)
		}
	}
}
