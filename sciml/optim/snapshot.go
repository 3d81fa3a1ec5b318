package optim

import (
	"fmt"
	"slices"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// Snapshot is an iterate that a run kept; see Options.SnapshotEvery.
type Snapshot struct {
	// Iteration counts from 0, the starting point, as in a Record.
	Iteration int
	// Seconds since the run began, compilation included.
	Seconds float64
	// Theta is the iterate itself, which need not be the best one so far.
	Theta []float64
}

// keepStart keeps the starting point.
func (r *run) keepStart(theta []float64) {
	if r.options.SnapshotEvery > 0 {
		r.result.Snapshots = []Snapshot{{Theta: slices.Clone(theta)}}
	}
}

// keepIterate keeps the current iterate when that is due, or is asked for, and it is not kept yet.
func (r *run) keepIterate(asked bool) error {
	made, every, kept := r.result.Iterations, r.options.SnapshotEvery, r.result.Snapshots
	if every == 0 || !asked && made%every != 0 || len(kept) > 0 && kept[len(kept)-1].Iteration >= made {
		return nil
	}
	current := r.stepper.Current()
	if err := lendError(r.stepper); err != nil {
		return err
	}
	theta, err := device.Numbers(current)
	if err != nil {
		return fmt.Errorf("optim: reading θ from the device: %w", err)
	}
	if device.AllFinite(theta) { // of others there is nothing to be seen
		r.result.Snapshots = append(kept, Snapshot{Iteration: made, Seconds: r.elapsed(), Theta: theta})
	}
	return nil
}
