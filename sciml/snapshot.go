package sciml

import (
	"fmt"
	"math"
	"slices"

	"github.com/gosciml/gosciml/sciml/optim"
)

// Snapshot is the solution as it was at Result.Snapshots[i], which Options.SnapshotEvery asks for: everything can be asked of it
// that can be asked of a solution. Its Result is that of a run that is there and still goes on: the history so far, and
// the loss and the error of this iterate, NaN and none where they were not computed. Terms has the points of the end.
func (s *Solution) Snapshot(i int) (*Solution, error) {
	if s == nil || s.saved == nil && s.model == nil {
		return nil, s.ready()
	}
	kept := s.Result.Snapshots
	if len(kept) == 0 {
		return nil, fmt.Errorf("sciml: snapshot %d was asked for, but the training kept none, expected one with Options.SnapshotEvery of at least 1", i)
	}
	if i < 0 || i >= len(kept) {
		return nil, fmt.Errorf("sciml: snapshot %d was asked for, expected 0 to %d, the last one", i, len(kept)-1)
	}
	at := kept[i]
	then := optim.Result{
		Theta: slices.Clone(at.Theta), Loss: math.NaN(), Status: optim.Running, Iterations: at.Iteration, Seconds: at.Seconds,
		Snapshots: kept[: i+1 : i+1],
	}
	h := s.Result.History
	until := min(at.Iteration+1, len(h.Records))
	then.History.Records = h.Records[:until:until]
	if last := then.History.Last(); until > 0 {
		then.Evaluations = last.Evaluations
		if last.Iteration == at.Iteration {
			then.Loss, then.Metrics = last.Loss, last.Metrics
		}
	}
	for _, e := range h.Events {
		if e.Iteration <= at.Iteration {
			then.History.Events = append(then.History.Events, e)
		}
	}
	return &Solution{Method: s.Method, Result: then, model: s.model, saved: s.saved, left: s.left.elsewhere()}, nil
}
