package optim

import (
	"fmt"
	"slices"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/sealed"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Checkpoint is the complete state of an unfinished run. Resume continues it bit for bit on the same machine.
type Checkpoint struct {
	// Method is its name, Dim and DType the objective's; Resume compares them.
	Method string
	Dim    int
	DType  string
	// Result is the run so far; its Theta and Loss are the best iterate, as always. Status is Running unless the run had ended: one that
	// is resumed ends at once, too, where that is an end by its own options.
	Result Result
	// Extra is what the caller of Minimize adds to the file; see Options.CheckpointExtra.
	Extra []byte

	// State is that of the method, of the objective's data, and of what adapts them, in a form of its own.
	State []byte
}

// runState is Checkpoint.State.
type runState struct {
	Stepper, Adapter []byte
	Data             []device.Saved
	Pending          map[int]measured
	Adapted          int
	Asked, Midway    bool
	Look             int
}

const checkpointKind = "checkpoint 2"

// Save writes the checkpoint to a file, replacing an older one only once the new one is complete on the disk: a run
// that is killed at any moment leaves one or the other.
func (c *Checkpoint) Save(path string) error {
	payload, err := encode(c)
	if err != nil {
		return err
	}
	if err := sealed.Write(path, checkpointKind, payload); err != nil {
		return fmt.Errorf("optim: %w", err)
	}
	return nil
}

// ErrDamaged and ErrOtherKind are what errors.Is finds in errors about a file: that it is truncated or damaged, and that it is
// something else, or of another version. Those of saved solutions are of the same kinds.
var (
	ErrDamaged   = sealed.ErrDamaged
	ErrOtherKind = sealed.ErrOtherKind
)

// LoadCheckpoint reads a file of Checkpoint.Save. It refuses, by name, a file that is not a checkpoint, or of another
// version (ErrOtherKind), and one that is truncated or damaged (ErrDamaged).
func LoadCheckpoint(path string) (*Checkpoint, error) {
	payload, err := sealed.Read(path, checkpointKind)
	if err != nil {
		return nil, fmt.Errorf("optim: %w", err)
	}
	c, err := decode[Checkpoint](payload)
	if err != nil {
		return nil, fmt.Errorf("optim: the checkpoint %s: %w", path, err)
	}
	return &c, nil
}

// checkpoint collects the state of the run.
func (r *run) checkpoint() (*Checkpoint, error) {
	c := &Checkpoint{Method: r.method, Dim: r.obj.Dim, DType: r.obj.Precision().String()}
	state := runState{Pending: r.pending, Adapted: r.adapted, Asked: r.asked, Midway: r.midway, Look: r.look}
	var err error
	if state.Stepper, err = r.stepper.Save(); err != nil {
		return nil, err
	}
	if r.adapter != nil {
		if state.Adapter, err = r.adapter.Save(); err != nil {
			return nil, err
		}
	}
	if state.Data, err = device.SaveAll(r.obj.Data); err != nil {
		return nil, err
	}
	if c.State, err = encode(state); err != nil {
		return nil, err
	}
	c.Result = r.result
	best, loss := r.stepper.Best()
	if err := lendError(r.stepper); err != nil && !r.cut(err) {
		return nil, err
	}
	c.Result.Loss = loss
	if c.Result.Theta, err = device.Numbers(best); err != nil {
		return nil, fmt.Errorf("optim: reading θ from the device: %w", err)
	}
	c.Result.Seconds = r.elapsed()
	if r.options.CheckpointExtra != nil {
		if c.Extra, err = r.options.CheckpointExtra(); err != nil {
			return nil, fmt.Errorf("optim: Options.CheckpointExtra: %w", err)
		}
	}
	return c, nil
}

// fits reports whether the run can go on with an objective and a method.
func (c *Checkpoint) fits(obj *objective.Objective, method Method) error {
	switch {
	case c.Method != method.Name():
		return fmt.Errorf("optim: the checkpoint is one of the method %q, and cannot be resumed with %q", c.Method, method.Name())
	case c.Dim != obj.Dim || c.DType != obj.Precision().String():
		return fmt.Errorf("optim: the checkpoint has %d parameters of type %s, expected %d of type %s as the objective has", c.Dim, c.DType, obj.Dim, obj.Precision())
	}
	return nil
}

// restore takes the run back to a checkpoint.
func (r *run) restore(c *Checkpoint) error {
	state, err := decode[runState](c.State)
	if err != nil {
		return err
	}
	data, err := device.RestoreAll(state.Data, r.obj.Data)
	if err != nil {
		return fmt.Errorf("%w, in Data of the objective, expected an objective as the run of the checkpoint began with", err)
	}
	r.obj.Data = data
	r.ownData()
	if r.adapter != nil {
		if err := r.adapter.Load(state.Adapter); err != nil {
			return err
		}
	}
	if err := r.stepper.Restore(state.Stepper); err != nil { // a method is told by its name, and not by its settings
		return fmt.Errorf("optim: the checkpoint does not fit %s as it is set now, expected the settings that its run began with: %w", r.method, err)
	}
	r.result, r.pending, r.adapted, r.asked, r.midway = c.Result, state.Pending, state.Adapted, state.Asked, state.Midway
	r.look, r.ended = state.Look, Progress{Status: c.Result.Status, Message: c.Result.Message}
	r.result.Status, r.result.Message = Running, ""
	// Another run may be resumed from the same checkpoint.
	h := &r.result.History
	h.Records, h.Events, r.result.Snapshots = slices.Clone(h.Records), slices.Clone(h.Events), slices.Clone(r.result.Snapshots)
	if r.pending == nil { // gob leaves out what is empty
		r.pending = map[int]measured{}
	}
	r.before = c.Result.Seconds
	return nil
}

func encode(v any) ([]byte, error) {
	data, err := sealed.Encode(v)
	if err != nil {
		return nil, fmt.Errorf("optim: encoding the state of a run: %w", err)
	}
	return data, nil
}

// decode returns a new value: what was set before must not show through; see sealed.Decode.
func decode[T any](data []byte) (T, error) {
	v, err := sealed.Decode[T](data)
	if err != nil {
		return v, fmt.Errorf("optim: decoding the state of a run, which may be one of another version of this package: %w", err)
	}
	return v, nil
}
