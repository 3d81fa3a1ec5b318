package optim_test

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// TestSnapshots: snapshots are the iterates that a monitor sees, those of a resumed run are those of a whole one, and a run is the
// same with and without.
func TestSnapshots(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		p := problems["Rosenbrock in R¹⁰"]
		for name, method := range resumable {
			seen := map[int][]float64{}
			made := 0
			options := optim.Options{MaxIterations: 31, MonitorEvery: 1, Monitor: func(_ context.Context, theta *tensors.Tensor) (map[string]float64, error) {
				seen[made] = tensors.MustCopyFlatData[float64](theta)
				made++
				return map[string]float64{"x": 0}, nil
			}}
			minimize(t, p.objective(b), p.start, method, options)
			options.Monitor, options.MonitorEvery = nil, 0
			without := minimize(t, p.objective(b), p.start, method, options)
			options.SnapshotEvery = 4
			whole := minimize(t, p.objective(b), p.start, method, options)
			if !slices.Equal(without.Theta, whole.Theta) || without.Loss != whole.Loss || len(without.Snapshots) > 0 {
				t.Errorf("%s: %s and %d snapshots, want %s and none", name, without, len(without.Snapshots), whole)
			}
			want := []int{0, 4, 8, 12, 16, 20, 24, 28, 31}
			check := func(what string, kept []optim.Snapshot) {
				t.Helper()
				var at []int
				last := 0.0
				for _, k := range kept {
					at = append(at, k.Iteration)
					if !slices.Equal(k.Theta, seen[k.Iteration]) {
						t.Errorf("%s, %s: snapshot of iteration %d is %v, the monitor saw %v", name, what, k.Iteration, k.Theta, seen[k.Iteration])
					}
					if k.Seconds < last || math.IsNaN(k.Seconds) {
						t.Errorf("%s, %s: snapshot of iteration %d after %v s, the one before after %v", name, what, k.Iteration, k.Seconds, last)
					}
					last = k.Seconds
				}
				if !slices.Equal(at, want) {
					t.Errorf("%s, %s: snapshots of iterations %v, want %v", name, what, at, want)
				}
			}
			check("whole", whole.Snapshots)
			for _, stop := range []int{8, 18} {
				first := options
				first.MaxIterations, first.CheckpointPath = stop, filepath.Join(t.TempDir(), "run")
				half := minimize(t, p.objective(b), p.start, method, first)
				if last := half.Snapshots[len(half.Snapshots)-1]; last.Iteration != stop {
					t.Errorf("%s: the last snapshot of %d iterations is of %d", name, stop, last.Iteration)
				}
				c, err := optim.LoadCheckpoint(first.CheckpointPath)
				if err != nil {
					t.Fatal(err)
				}
				for range 2 { // the first takes nothing from the second
					resumed, err := optim.Resume(context.Background(), p.objective(b), c, method, options)
					if err != nil {
						t.Fatal(err)
					}
					check("resumed", resumed.Snapshots)
				}
			}
		}
	})
}

// TestSnapshotsOfFailures: a start is kept where nothing follows, and no iterate that is not finite.
func TestSnapshotsOfFailures(t *testing.T) {
	obj, err := objective.FromFunction(1, func(theta, gradient []float64) float64 {
		gradient[0] = 4 * theta[0] * theta[0] * theta[0]
		return theta[0] * theta[0] * theta[0] * theta[0]
	})
	if err != nil {
		t.Fatal(err)
	}
	options := optim.Options{MaxIterations: 50, SnapshotEvery: 1}
	r := minimize(t, obj, []float64{10}, optim.GradientDescent{Rate: 1}, options) // diverges
	if r.Status != optim.NonFinite || len(r.Snapshots) < 2 {
		t.Fatalf("%s with %d snapshots", r, len(r.Snapshots))
	}
	for _, k := range r.Snapshots {
		if math.IsNaN(k.Theta[0]) || math.IsInf(k.Theta[0], 0) {
			t.Errorf("snapshot of iteration %d is %v", k.Iteration, k.Theta)
		}
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	r, err = optim.Minimize(over, obj, []float64{10}, optim.Adam{}, options)
	if err != nil || len(r.Snapshots) != 1 || !slices.Equal(r.Snapshots[0].Theta, []float64{10}) {
		t.Errorf("%v with snapshots %v, error %v, want that of the start", r, r.Snapshots, err)
	}
	options.SnapshotEvery = -1
	if _, err := optim.Minimize(context.Background(), obj, []float64{1}, optim.Adam{}, options); err == nil || !strings.Contains(err.Error(), "SnapshotEvery is -1") {
		t.Errorf("error %v", err)
	}
}

// TestAxes: a history along each axis, with the label of the axis.
func TestAxes(t *testing.T) {
	h := &optim.History{Records: []optim.Record{{Iteration: 0, Seconds: 0.5, Evaluations: 1, Loss: 4}, {Iteration: 1, Seconds: 0.7, Evaluations: 3, Loss: 2}, {Iteration: 2, Seconds: 1, Evaluations: 9, Loss: 1}}}
	for axis, want := range map[optim.Axis][]float64{optim.BySeconds: {0.7, 1}, optim.ByIteration: {1, 2}, optim.ByWork: {3, 9}} {
		x, y := h.Along(axis, func(r optim.Record) (float64, bool) { return r.Loss, r.Loss < 3 })
		if !slices.Equal(x, want) || !slices.Equal(y, []float64{2, 1}) {
			t.Errorf("along %s: %v and %v, want %v and the losses 2 and 1", axis, x, y, want)
		}
	}
	if err := optim.Axis(3).Check(); err == nil || !strings.Contains(err.Error(), "axis is 3") || optim.Axis(3).String() != "Axis(3)" || !math.IsNaN(optim.Axis(3).Of(h.Records[0])) {
		t.Errorf("axis 3: error %v and label %q", err, optim.Axis(3))
	}
}
