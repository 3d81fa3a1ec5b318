package optim

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"

	"github.com/gosciml/gosciml/sciml/objective"
)

// TestSnapshotsOfEveryMethod: they are the iterates whose losses are in the history, and change nothing.
func TestSnapshotsOfEveryMethod(t *testing.T) {
	b := goBackend(t)
	for name := range everyMethod() {
		t.Run(name, func(t *testing.T) {
			obj, start := curve(b, dtypes.Float64, false)
			minimize := func(every int) *Result {
				r, err := Minimize(context.Background(), obj, start, everyMethod()[name], Options{MaxIterations: 11, SnapshotEvery: every})
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			without, with := minimize(0), minimize(3)
			if !slices.Equal(without.Theta, with.Theta) || without.Evaluations != with.Evaluations || len(without.Snapshots) > 0 {
				t.Errorf("%s with snapshots, %s without", with, without)
			}
			var at, want []int
			for i := 0; i < with.Iterations; i += 3 {
				want = append(want, i)
			}
			want = append(want, with.Iterations)
			e, err := objective.NewEvaluator(obj)
			if err != nil {
				t.Fatal(err)
			}
			compared := 0
			for _, k := range with.Snapshots {
				at = append(at, k.Iteration)
				if k.Iteration >= len(with.History.Records) || with.History.Records[k.Iteration].Batch > 0 {
					continue
				}
				compared++
				loss, _, err := e.At(k.Theta)
				if rec := with.History.Records[k.Iteration]; err != nil || math.Abs(loss-rec.Loss) > 1e-9*math.Max(rec.Loss, 1e-6) {
					t.Errorf("the snapshot of iteration %d has the loss %v, the history %v, error %v", k.Iteration, loss, rec.Loss, err)
				}
			}
			if !slices.Equal(at, want) || compared == 0 {
				t.Errorf("snapshots of iterations %v, %d of them compared with the history, want %v", at, compared, want)
			}
		})
	}
}
