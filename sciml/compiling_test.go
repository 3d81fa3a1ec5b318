package sciml_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/sample"
)

// TestEndsWhileCompiling: whichever program of a training is being compiled when the context ends, be it one of the method, of
// the terms, the errors, the weights or the points, Solve and Resume return then with what there is. The training goes on from
// its checkpoint.
func TestEndsWhileCompiling(t *testing.T) {
	options := tiny(t, pureGo(t), optim.Hybrid{{Method: optim.Adam{}, Until: optim.Iterations(6)}, {Method: optim.LevenbergMarquardt{}}})
	options.Iterations = 12
	options.Loss.Weighting, options.Loss.WeightEvery = pinn.GradNorm{Alpha: 1}, 3
	options.Loss.Refiner, options.Loss.RefineEvery = sample.RAD{}, 5
	whole := solve(t, pde.Poisson2D(), options)
	for number := 0; ; number++ {
		b := backendtest.Block(pureGo(t), number)
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			<-b.Reached
			cancel()
		}()
		cut := options
		cut.Backend, cut.Checkpoint = b.Backend, filepath.Join(t.TempDir(), "checkpoint")
		s, err := sciml.Solve(ctx, pde.Poisson2D(), cut)
		if s == nil && errors.Is(err, context.Canceled) && number < 2 { // in the set-up
			close(b.Release)
			continue
		}
		if err != nil {
			t.Fatalf("program %d: %v", number, err)
		}
		if !b.IsReached() {
			if number < 8 {
				t.Errorf("there are %d programs, expected more", number)
			}
			close(b.Reached)
			return
		}
		if s.Result.Status != optim.Canceled {
			t.Errorf("program %d: %s", number, s)
		}
		if _, err := os.Stat(cut.Checkpoint); errors.Is(err, fs.ErrNotExist) && s.Result.Iterations == 0 {
			close(b.Release)
			continue
		}
		if s, err := sciml.Resume(ctx, cut.Checkpoint, pde.Poisson2D(), cut); err != nil || s.Result.Status != optim.Canceled {
			t.Errorf("program %d, resumed when canceled: %v, error %v", number, s, err)
		}
		close(b.Release)
		if _, err := s.At([]float64{0.3, 0.4}); err != nil {
			t.Errorf("program %d: %v", number, err)
		}
		again := options
		again.Checkpoint = cut.Checkpoint
		resumed, err := sciml.Resume(context.Background(), cut.Checkpoint, pde.Poisson2D(), again)
		if err != nil {
			t.Fatalf("program %d, resumed: %v", number, err)
		}
		if a, b := resumed.Result, whole.Result; a.Iterations != b.Iterations || len(a.History.Records) != len(b.History.Records) {
			t.Errorf("program %d: cut short after %d iterations and resumed: %s, expected %s", number, s.Result.Iterations, resumed, whole)
		}
	}
}

// TestTimeWhileCompiling: a limit of time ends a training although a program is never compiled.
func TestTimeWhileCompiling(t *testing.T) {
	for number := range 5 {
		b := backendtest.Block(pureGo(t), number)
		options := tiny(t, b.Backend, nil)
		options.Time = 100 * time.Millisecond
		s, err := sciml.Solve(context.Background(), pde.Poisson2D(), options)
		if s == nil && errors.Is(err, context.DeadlineExceeded) && number < 2 { // in the set-up
			if !strings.Contains(err.Error(), "Options.Time is 100ms") {
				t.Errorf("program %d: error %v, want one that names the option", number, err)
			}
			close(b.Release)
			continue
		}
		if err != nil || s.Result.Status != optim.TimeLimit || len(s.Result.Theta) != s.Model().NumParams() {
			t.Errorf("program %d: %v, error %v", number, s, err)
		} else if m := s.Result.Message; s.Result.Iterations == 0 && !strings.Contains(m, "was not waited for") && !strings.Contains(m, "setting up the training took") {
			t.Errorf("program %d: %s, want what the time went by for", number, s)
		}
		close(b.Release)
	}
}
