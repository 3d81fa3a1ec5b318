package optim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/sealed"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Options govern a run. The zero value makes DefaultIterations iterations.
type Options struct {
	// MaxIterations ends the run; DefaultIterations when zero.
	MaxIterations int
	// MaxTime ends the run; no limit when zero. A deadline of the context does the same.
	MaxTime time.Duration
	// LossTolerance and GradientTolerance end the run when the loss, or the norm of its gradient, is not above them, at an
	// iterate with a finite loss, which for the gradient is the lowest but for rounding. No limit to the loss when zero, because
	// an energy may be negative; a gradient that is exactly zero always ends the run.
	LossTolerance, GradientTolerance float64
	// Until ends the run, with the status CriterionMet: Stalled{Window: 1000, Decades: 0.01}, for example, when it has
	// come to a plateau. Nil for none.
	Until Criterion
	// Monitor measures an iterate, for example its error against a reference; nil for none. It sees θ on the device, which is
	// lent to it, and the context of the run.
	Monitor func(ctx context.Context, theta *tensors.Tensor) (map[string]float64, error)
	// MonitorEvery is the number of iterations between measurements, and between looks at the terms of the loss (see
	// Objective.Terms); 100 when zero. The first iterate and the result are measured always, and so are those at which a
	// method asks for a change of the objective.
	MonitorEvery int
	// Remark sees each iterate that was measured, and the history so far; what it says of them, if anything, becomes an Event. It should
	// depend on nothing else, so that a run that is resumed tells the same. Nil for none.
	Remark func(ctx context.Context, theta *tensors.Tensor, h *History) (string, error)
	// SnapshotEvery is the number of iterations between iterates that are kept, as Result.Snapshots, with the first and the last
	// one: to draw the path of a run, or a film of it. Each takes 8 bytes a parameter, in a checkpoint as well, and a call to the
	// device of its own. Zero for none.
	SnapshotEvery int
	// OnProgress is called a few times a second, after the first and after the last iteration. Returning ErrStop ends
	// the run with the status CallbackStopped; another error ends it with that error. What was computed is returned.
	OnProgress func(h *History) error
	// CheckpointPath is a file that gets the complete state of the run, for Resume: every CheckpointEvery (30 s when
	// zero) and at the end. Empty for none. One that cannot be written to is an error before the first iteration; where that
	// comes later, it is an event of the history, and tried again.
	CheckpointPath  string
	CheckpointEvery time.Duration
	// CheckpointExtra returns what else goes into the file, as Checkpoint.Extra; nil for nothing.
	CheckpointExtra func() ([]byte, error)
}

// MostIterationsEnv names the environment variable that bounds the iterations of every run, whatever its options say: to find out
// in little time whether a long notebook or program works. Results are as bad as can be expected. Iterates are
// measured after half as many at the latest, so that errors have a course that can be drawn.
const MostIterationsEnv = "GOSCIML_MOST_ITERATIONS"

// DefaultIterations is Options.MaxIterations when that is zero.
const DefaultIterations = 1000

// ErrStop is what Options.OnProgress returns to end a run.
var ErrStop = errors.New("stop")

// Result is what a run found.
type Result struct {
	// Theta is the iterate with the lowest finite loss, Loss that loss; of those with the same loss the one whose gradient met the
	// tolerance. Both come from the run even when it was cut short; if no finite loss was seen, Theta is the start and Loss +Inf.
	Theta []float64
	Loss  float64
	// Status says why the run stopped, Message in more words.
	Status  Status
	Message string
	// Iterations made, evaluations of loss and gradient, and seconds spent, compilation and monitoring included.
	Iterations, Evaluations int
	Seconds                 float64
	// Metrics is what Options.Monitor measured of Theta.
	Metrics map[string]float64
	History History
	// Snapshots are the iterates that Options.SnapshotEvery asked for, in their order; those that are not finite are left out.
	Snapshots []Snapshot
}

// String is one line: the loss, what it cost, and the reason for stopping.
func (r Result) String() string {
	s := fmt.Sprintf("loss %.3g, %d iterations, %.1f s: %s", r.Loss, r.Iterations, r.Seconds, r.Status)
	if r.Message != "" {
		s += " (" + r.Message + ")"
	}
	return s
}

// Minimize runs a method on an objective from theta and returns the best iterate. It stops for one of the reasons that
// Status lists. The result is not nil, and holds everything computed so far, even when an error is returned, unless
// the error is about the arguments.
func Minimize(ctx context.Context, obj *objective.Objective, theta []float64, method Method, options Options) (*Result, error) {
	return guarded(func() (*Result, error) { return minimize(ctx, obj, theta, method, options, nil) })
}

// Resume continues a run from a checkpoint, with the same objective and method, as if it had not been interrupted: on
// the same machine the iterates are the same, bit for bit. Limits of the options count from the beginning of the run.
// It returns an error when the checkpoint is one of another method or objective.
func Resume(ctx context.Context, obj *objective.Objective, checkpoint *Checkpoint, method Method, options Options) (*Result, error) {
	if checkpoint == nil {
		return nil, errors.New("optim: the checkpoint is nil, expected one of LoadCheckpoint")
	}
	return guarded(func() (*Result, error) {
		return minimize(ctx, obj, checkpoint.Result.Theta, method, options, checkpoint)
	})
}

func minimize(ctx context.Context, obj *objective.Objective, theta []float64, method Method, options Options, from *Checkpoint) (result *Result, err error) {
	if err := usercode.CheckContext("optim", ctx); err != nil {
		return nil, err
	}
	if err := obj.Check(); err != nil {
		return nil, err
	}
	if usercode.Nil(method) {
		return nil, errors.New("optim: the method is nil, expected for example optim.LBFGS{}")
	}
	name, err := nameOf(method)
	if err != nil {
		return nil, err
	}
	if from != nil {
		if err := from.fits(obj, method); err != nil {
			return nil, err
		}
	}
	if err := obj.CheckStart(theta); err != nil {
		return nil, err
	}
	if err := options.setDefaults(obj); err != nil {
		return nil, err
	}
	options = options.named()
	if path := options.CheckpointPath; path != "" {
		if err := sealed.Check(path, checkpointKind); err != nil {
			return nil, fmt.Errorf("optim: Options.CheckpointPath is %q, expected a new file that can be written, or an earlier checkpoint: %w", path, err)
		}
	}
	start, before := time.Now(), 0.0
	if from != nil {
		before = from.Result.Seconds
	}
	limited, cancel := options.limit(ctx, start, before)
	defer cancel()
	own := obj.ForRun(limited)
	if own.Adaptation != nil {
		own.Adaptation = guardedAdaptation{own.Adaptation}
	}
	r := &run{
		obj: own, given: obj.Data, options: options, method: name, start: start, before: before, saved: start, adapted: -1,
		pending: map[int]measured{}, ctx: limited, whole: ctx,
	}
	r.result.Loss = math.Inf(1)
	if from == nil {
		r.keepStart(theta)
	}
	if err := own.NeedGradient(); err != nil && !r.cut(err) {
		return nil, err
	}
	stepper, err := startAt(method, own, theta)
	if r.cut(err) {
		return r.unbegun(theta, from, err), nil
	}
	if err != nil {
		return nil, err
	}
	r.stepper = stepper
	called := fmt.Sprintf("method %q", name)
	defer func() {
		if failure := usercode.Call(called, func() error { stop(stepper); return nil }); err == nil {
			err = failure
		}
	}()
	if obj.Adaptation != nil {
		r.adapter = own.Adaptation.Begin()
	}
	if obj.Terms != nil {
		if r.terms, err = objective.NewTermEvaluator(own); err != nil {
			return nil, err
		}
		r.terms.Ahead()
	}
	if options.CheckpointPath != "" { // what cannot be saved says so before the work is done
		if _, err := r.checkpoint(); r.cut(err) {
			return r.unbegun(theta, from, err), nil
		} else if err != nil {
			return nil, err
		}
	}
	if from != nil {
		if err := r.restore(from); r.cut(err) {
			return r.unbegun(theta, from, err), nil
		} else if err != nil {
			return nil, err
		}
	} else {
		for _, text := range obj.Remarks {
			r.result.History.Events = append(r.result.History.Events, Event{Text: text})
		}
	}
	if options.Until != nil {
		next := options.Until.Next(r.result.Iterations)
		if r.look <= r.result.Iterations { // else a resumed run asks when the run before would have
			r.look = next
		}
		r.look = min(r.look, next)
	}
	r.goal = Goal{Loss: math.Inf(-1), Gradient: options.GradientTolerance}
	if options.LossTolerance != 0 {
		r.goal.Loss = options.LossTolerance
	}
	if obj.Precision() == dtypes.Float32 { // as the device compares them
		r.goal = Goal{Loss: float64(float32(r.goal.Loss)), Gradient: float64(float32(r.goal.Gradient))}
	}
	err = usercode.First(usercode.Call(called, r.loop))
	var res *Result
	err = usercode.Call(called, func() (failure error) { res, failure = r.finish(theta, err); return failure })
	if res == nil { // the method cannot say what it has found
		res = &r.result
		res.Theta, res.Loss, res.Status, res.Message = slices.Clone(theta), math.Inf(1), Failed, err.Error()
	}
	return res, err
}

// limit is a context that is done when the time of a run is up, of which seconds before were spent already.
func (o *Options) limit(ctx context.Context, start time.Time, before float64) (context.Context, context.CancelFunc) {
	if o.MaxTime <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, start.Add(o.MaxTime-time.Duration(before*float64(time.Second))))
}

// cut reports whether an error says that the run has to end, in the middle of something that was not waited for.
func (r *run) cut(err error) bool {
	return err != nil && r.ctx.Err() != nil && errors.Is(err, r.ctx.Err())
}

// startAt starts a method at a vector on the host.
func startAt(method Method, obj *objective.Objective, theta []float64) (Stepper, error) {
	begin := device.Vector(obj.Precision(), theta)
	defer device.Free([]*tensors.Tensor{begin})
	var s Stepper
	err := usercode.Call(fmt.Sprintf("Start of the method %T", method), func() (err error) {
		if s, err = method.Start(obj, begin); err == nil && usercode.Nil(s) {
			err = fmt.Errorf("optim: Start of %T gives a nil Stepper and no error, expected one of them", method)
		}
		return err
	})
	return s, usercode.First(err)
}

func (o *Options) setDefaults(obj *objective.Objective) error {
	if o.Until != nil && usercode.Nil(o.Until) {
		return fmt.Errorf("optim: Options.Until is a nil %T, expected a criterion, or nil without a type", o.Until)
	}
	tolerance := setting{"LossTolerance", o.LossTolerance, device.Finite(o.LossTolerance), "a finite number"}
	if obj.Loss == nil && obj.Function == nil {
		tolerance = notNegative("LossTolerance", o.LossTolerance) // a sum of squares
	}
	if err := checkSettings("Options", tolerance, notNegative("GradientTolerance", o.GradientTolerance),
		optional("MaxIterations", o.MaxIterations, "the default"), optionalTime("MaxTime", o.MaxTime, "no limit"),
		optionalTime("CheckpointEvery", o.CheckpointEvery, "the default"), optional("MonitorEvery", o.MonitorEvery, "the default"), optional("SnapshotEvery", o.SnapshotEvery, "none")); err != nil {
		return err
	}
	if err := checkCriterion(o.Until); err != nil {
		return err
	}
	o.MaxIterations = cmp.Or(o.MaxIterations, DefaultIterations)
	if most := os.Getenv(MostIterationsEnv); most != "" {
		n, err := strconv.Atoi(most)
		if err != nil || n < 1 {
			return fmt.Errorf("optim: %s is %q, expected a number of iterations, at least 1", MostIterationsEnv, most)
		}
		o.MaxIterations = min(o.MaxIterations, n)
		o.MonitorEvery = min(cmp.Or(o.MonitorEvery, 100), max(1, n/2))
	}
	o.MonitorEvery = cmp.Or(o.MonitorEvery, 100)
	o.CheckpointEvery = cmp.Or(o.CheckpointEvery, 30*time.Second)
	return nil
}
