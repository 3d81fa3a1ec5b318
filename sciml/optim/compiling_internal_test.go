package optim

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// TestEndsWhileCompiling: whichever program of whichever method is being compiled when the context ends, the run returns then
// with what it has, as no failure, and goes on from its checkpoint.
func TestEndsWhileCompiling(t *testing.T) {
	const iterations = 12
	for name := range everyMethod() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole, err := minimizeCurve(context.Background(), goBackend(t), name, Options{MaxIterations: iterations}, nil)
			if err != nil {
				t.Fatal(err)
			}
			for number := 0; ; number++ {
				b := backendtest.Block(goBackend(t), number)
				ctx, cancel := context.WithCancel(context.Background())
				go func() {
					<-b.Reached
					cancel()
				}()
				file := filepath.Join(t.TempDir(), "checkpoint")
				options := Options{MaxIterations: iterations}
				if !strings.HasPrefix(name, "gonum") { // which cannot be saved
					options.CheckpointPath = file
				}
				r, err := minimizeCurve(ctx, b.Backend, name, options, nil)
				reached := b.IsReached()
				if !reached {
					close(b.Reached) // the goroutine above ends
				}
				close(b.Release)
				if err != nil {
					t.Fatalf("program %d: %v", number, err)
				}
				if !reached {
					if number < 2 {
						t.Fatalf("there are %d programs, expected more", number)
					}
					return
				}
				if r.Status != Canceled && r.Iterations < iterations || len(r.Theta) != len(whole.Theta) || !finite(r.Theta) {
					t.Errorf("program %d: θ = %v, %s", number, r.Theta, r)
				}
				checkpoint, err := LoadCheckpoint(file)
				if errors.Is(err, fs.ErrNotExist) {
					if r.Iterations > 0 && options.CheckpointPath != "" {
						t.Errorf("program %d: no checkpoint after %d iterations", number, r.Iterations)
					}
					continue
				} else if err != nil {
					t.Fatal(err)
				}
				again, err := minimizeCurve(context.Background(), goBackend(t), name, Options{MaxIterations: iterations}, checkpoint)
				if err != nil {
					t.Fatalf("program %d, resumed: %v", number, err)
				}
				if !slices.Equal(again.Theta, whole.Theta) || again.Iterations != whole.Iterations || len(again.History.Records) != len(whole.History.Records) {
					t.Errorf("program %d: cut short at iteration %d and resumed: %s, expected %s", number, r.Iterations, again, whole)
				}
			}
		})
	}
}

func finite(values []float64) bool {
	return !slices.ContainsFunc(values, func(v float64) bool { return !device.Finite(v) })
}

// minimizeCurve minimizes curve with terms, from the start or a checkpoint.
func minimizeCurve(ctx context.Context, b compute.Backend, name string, options Options, from *Checkpoint) (*Result, error) {
	obj, start := curve(b, dtypes.Float64, false)
	obj.Terms = &objective.Terms{Names: []string{"all"}, Build: func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		return []*graph.Node{obj.BuildLoss(theta, data)}
	}}
	method := everyMethod()[name]
	if from != nil {
		return Resume(ctx, obj, from, method, options)
	}
	return Minimize(ctx, obj, start, method, options)
}
