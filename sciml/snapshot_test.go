package sciml_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// TestSnapshots: a snapshot is a solution with the error that was measured then, also after a gob and in a resumed training.
func TestSnapshots(t *testing.T) {
	options := small(t, pureGo(t))
	options.Method, options.Iterations, options.MonitorEvery, options.SnapshotEvery = optim.Adam{Rate: 0.01}, 25, 5, 10
	s := solve(t, pde.Poisson2D(), options)
	var at []int
	for i, k := range s.Result.Snapshots {
		at = append(at, k.Iteration)
		then, err := s.Snapshot(i)
		if err != nil {
			t.Fatal(err)
		}
		if then.Result.Iterations != k.Iteration || !slices.Equal(then.Result.Theta, k.Theta) || len(then.Result.Snapshots) != i+1 {
			t.Errorf("snapshot %d has %d iterations and %d snapshots", i, then.Result.Iterations, len(then.Result.Snapshots))
		}
		measured, err := then.Model().Evaluate(k.Theta, []float64{0.3, 0.4})
		if err != nil {
			t.Fatal(err)
		}
		if u, err := then.At([]float64{0.3, 0.4}); err != nil || u[0][0] != measured[0] {
			t.Errorf("snapshot %d: u = %v and error %v, want %v", i, u, err, measured)
		}
		if k.Iteration < len(s.Result.History.Records) {
			rec := s.Result.History.Records[k.Iteration]
			if then.RelativeError() != rec.Metrics[pinn.RelativeL2] || then.Result.Loss != rec.Loss || then.Result.History.Last().Iteration != k.Iteration {
				t.Errorf("snapshot %d has the error %v, measured was %v", i, then.RelativeError(), rec.Metrics)
			}
		} else if !math.IsNaN(then.Result.Loss) {
			t.Errorf("snapshot %d has the loss %v, which is not known", i, then.Result.Loss)
		}
		terms, err := then.Terms()
		if err != nil {
			t.Fatal(err)
		}
		if sum := terms[0].Weighted; i < 2 && math.Abs(sum-then.Result.Loss) > 1e-12*sum {
			t.Errorf("snapshot %d has the term %v, the loss was %v", i, sum, then.Result.Loss)
		}
	}
	if !slices.Equal(at, []int{0, 10, 20, 25}) {
		t.Errorf("snapshots of iterations %v", at)
	}

	var stored bytes.Buffer
	if err := gob.NewEncoder(&stored).Encode(s); err != nil {
		t.Fatal(err)
	}
	var loaded sciml.Solution
	if err := gob.NewDecoder(&stored).Decode(&loaded); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(loaded.Result.Snapshots, s.Result.Snapshots) {
		t.Errorf("%d snapshots after a gob, which differ", len(loaded.Result.Snapshots))
	}
	early, err := loaded.Snapshot(1)
	if err != nil {
		t.Fatal(err)
	}
	if early, err = early.For(pde.Poisson2D()); err != nil || !slices.Equal(early.Result.Theta, s.Result.Snapshots[1].Theta) {
		t.Errorf("a snapshot of a loaded solution: %v and error %v", early, err)
	}
	if _, err := early.Terms(); err == nil || !strings.Contains(err.Error(), "loaded") {
		t.Errorf("terms of a snapshot of a loaded solution: error %v", err)
	}

	first := options
	first.Iterations, first.Checkpoint = 13, filepath.Join(t.TempDir(), "training")
	solve(t, pde.Poisson2D(), first)
	options.Checkpoint = first.Checkpoint
	resumed, err := sciml.Resume(context.Background(), first.Checkpoint, pde.Poisson2D(), options)
	if err != nil {
		t.Fatal(err)
	}
	if len(resumed.Result.Snapshots) != 4 {
		t.Fatalf("%d snapshots of a resumed training, want 4", len(resumed.Result.Snapshots))
	}
	for i, k := range resumed.Result.Snapshots {
		if want := s.Result.Snapshots[i]; k.Iteration != want.Iteration || !slices.Equal(k.Theta, want.Theta) {
			t.Errorf("resumed, snapshot %d is of iteration %d, want the same as of %d", i, k.Iteration, want.Iteration)
		}
	}
}

func TestSnapshotErrors(t *testing.T) {
	none := untrained(t, pde.Poisson1D())
	one := *none
	one.Result.Snapshots = []optim.Snapshot{{Theta: none.Result.Theta}}
	for word, s := range map[string]*sciml.Solution{"SnapshotEvery": none, "expected 0 to 0": &one, "is nil": nil, "not made by Solve": {}} {
		for _, i := range []int{-1, 1} {
			if _, err := s.Snapshot(i); err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("error %v, want one that mentions %q", err, word)
			}
		}
	}
}

// TestConvergenceOver: the label of the axis is in the figure, and one that is none is an error.
func TestConvergenceOver(t *testing.T) {
	s := untrained(t, pde.Poisson1D())
	for _, axis := range []optim.Axis{optim.BySeconds, optim.ByIteration, optim.ByWork} {
		f, err := sciml.ConvergenceOver(axis, "a title", s)
		if err != nil {
			t.Fatal(err)
		}
		if picture, err := f.SVG(); err != nil || !strings.Contains(string(picture), axis.String()) {
			t.Errorf("no label %q in the figure, error %v", axis, err)
		}
	}
	if _, err := sciml.ConvergenceOver(7, "a title", s); err == nil || !strings.Contains(err.Error(), "axis is 7") {
		t.Errorf("axis 7: error %v", err)
	}
	live := sciml.NewLive("a title", "Adam").Over(-1)
	if err := live.Done(s); err == nil || !strings.Contains(err.Error(), "axis is -1") {
		t.Errorf("axis -1: error %v", err)
	}
}
