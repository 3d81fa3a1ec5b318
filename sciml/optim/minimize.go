package optim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/internal/atomicfile"
	"github.com/gosciml/gosciml/sciml/internal/device"
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
}

// String is one line: the loss, what it cost, and the reason for stopping.
func (r *Result) String() string {
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
		if err := atomicfile.Check(path); err != nil {
			return nil, fmt.Errorf("optim: Options.CheckpointPath is %q, expected a file that can be written: %w", path, err)
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

// unbegun is the result of a run that ended before the method could start.
func (r *run) unbegun(theta []float64, from *Checkpoint, cut error) *Result {
	res := &r.result
	if from != nil {
		*res = from.Result
	}
	res.Theta = slices.Clone(theta)
	r.end(cut)
	res.Status, res.Message, res.Seconds = r.status, r.message, r.elapsed()
	r.owned.Hold()
	return res
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
		optionalTime("CheckpointEvery", o.CheckpointEvery, "the default"), optional("MonitorEvery", o.MonitorEvery, "the default")); err != nil {
		return err
	}
	if err := checkCriterion(o.Until); err != nil {
		return err
	}
	o.MaxIterations = cmp.Or(o.MaxIterations, DefaultIterations)
	o.MonitorEvery = cmp.Or(o.MonitorEvery, 100)
	o.CheckpointEvery = cmp.Or(o.CheckpointEvery, 30*time.Second)
	return nil
}

// run is a run of Minimize.
type run struct {
	ctx      context.Context      // ends with the time of the run, or with
	whole    context.Context      // that of the caller
	obj      *objective.Objective // with Data of its own
	given    []*tensors.Tensor    // Data at the start, which are the caller's
	adapter  objective.Adapter    // nil for none
	owned    device.Owner         // of Data that came since
	options  Options
	stepper  Stepper
	method   string
	start    time.Time
	before   float64   // seconds spent before the run was resumed
	saved    time.Time // when the last checkpoint was written, or tried to be
	unsaved  error     // why that failed
	unwaited error     // a measurement that was cut short
	look     int       // the number of iterations at which Options.Until is asked next
	adapted  int       // the iterations made when the objective was last asked to adapt; -1 before
	asked    bool      // whether the method has asked for that
	midway   bool      // whether the last portion was cut short, after that
	result   Result
	pace     float64 // seconds an iteration takes
	goal     Goal
	status   Status
	message  string
	terms    *objective.TermEvaluator // of Objective.Terms
	// pending are measurements of iterates whose record is still to come.
	pending map[int]measured
	idle    int // portions without an iteration, one after the other
}

// responsive is how long, in seconds, the loop lets a method work before it looks at the clock and the context.
const responsive = 0.2

// mostIdle bounds the portions without an iteration, such as those in which a method has handed over to another.
const mostIdle = 1000

func (r *run) loop() error {
	if !r.monitored() {
		if err := r.monitor(); err != nil {
			return err
		}
	}
	r.judge(Progress{})
	for r.status == Running {
		if r.ctx.Err() != nil {
			r.end(nil)
			break
		}
		if err := r.advance(); r.cut(err) {
			r.end(err)
		} else if err != nil {
			return err
		}
		if err := r.report(); err != nil {
			return err
		}
		if err := r.saveWhenDue(); err != nil {
			return err
		}
	}
	return nil
}

// advance makes a portion of the iterations, and what belongs before and after them.
func (r *run) advance() error {
	if !r.midway {
		if err := r.adapt(r.asked); err != nil {
			return err
		}
	}
	n := r.portion()
	before := r.elapsed()
	p, err := r.stepper.Advance(r.ctx, n, r.goal)
	after := r.elapsed()
	r.add(p, before, after)
	r.midway = err != nil
	if err != nil {
		return err
	}
	if p.Iterations > 0 {
		r.pace = (after - before) / float64(p.Iterations)
		r.idle = 0
	} else if r.idle++; r.idle > mostIdle && p.Status == Running {
		return fmt.Errorf("optim: %s has made no iteration in %d calls of Advance, expected some, or a Status other than Running", r.method, r.idle)
	}
	r.judge(p)
	r.asked = p.Adapt
	if r.status == SearchFailed {
		if err := r.adapt(true); err != nil {
			return err
		}
	}
	if r.result.Iterations%r.options.MonitorEvery == 0 || r.asked { // a method that asks makes few iterations
		return r.monitor()
	}
	return nil
}

// event notes what happened at this iteration.
func (r *run) event(text string) {
	h := &r.result.History
	h.Events = append(h.Events, Event{Iteration: r.result.Iterations, Seconds: r.elapsed(), Text: text})
}

// elapsed is the time of the whole run in seconds.
func (r *run) elapsed() float64 { return r.before + time.Since(r.start).Seconds() }

// adapt changes the objective when that is due, or at once, if the method is stuck or asks for it.
func (r *run) adapt(atOnce bool) error {
	made := r.result.Iterations
	if r.adapter == nil || made == r.adapted || !atOnce && made%r.obj.Adaptation.Every() != 0 {
		return nil
	}
	last, saves := r.adapted, r.options.CheckpointPath != ""
	var before []byte
	if saves {
		var err error
		if before, err = r.adapter.Save(); err != nil {
			return err
		}
	}
	r.adapted = made
	data, err := r.adapter.Adapt(r.ctx, objective.Iterate{Iteration: made, Theta: r.stepper.Current(), Data: slices.Clone(r.obj.Data), Stuck: atOnce})
	var panicked *usercode.Error
	if err != nil && r.ctx.Err() == nil && !errors.As(err, &panicked) {
		if loss, problem := r.lossAt(r.ctx, r.stepper.Current()); problem == nil && !device.Finite(loss) {
			r.event(fmt.Sprintf("the objective was not adapted, because the loss is NaN or infinite: %v", err))
			return nil // the method sees it next, and may know a way back
		}
	}
	if saves && r.cut(err) { // it is all to be done again by who goes on from the checkpoint
		r.adapted = last
		if err := r.adapter.Load(before); err != nil {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("optim: adapting the objective at iteration %d: %w", made, err)
	}
	changed := data != nil
	if changed {
		if err := r.replaceData(data); err != nil {
			return fmt.Errorf("optim: adapting the objective at iteration %d: %w", made, err)
		}
		r.stepper.Refresh()
		r.ownData()
	}
	if changed && r.status == SearchFailed {
		r.status, r.message = Running, ""
		r.event("the objective was adapted out of turn, because the search found no further decrease")
	}
	return nil
}

// replaceData puts others of the same shapes in the place of the data.
func (r *run) replaceData(data []*tensors.Tensor) error {
	if len(data) != len(r.obj.Data) {
		return fmt.Errorf("there are %d tensors of new data, expected %d as in Objective.Data", len(data), len(r.obj.Data))
	}
	for i, t := range data {
		want := r.obj.Data[i].Shape()
		if !t.Ok() {
			return fmt.Errorf("tensor %d of the new data is nil, or one that the run has replaced before and freed, expected one of shape %s", i, want)
		}
		if !t.Shape().Equal(want) {
			return fmt.Errorf("tensor %d of the new data has shape %s, expected %s", i, t.Shape(), want)
		}
	}
	r.obj.Data = data
	return nil
}

// ownData frees data that were replaced, but for the caller's.
func (r *run) ownData() {
	r.owned.Hold(slices.DeleteFunc(slices.Clone(r.obj.Data), func(t *tensors.Tensor) bool { return slices.Contains(r.given, t) }))
}

// saveWhenDue writes a checkpoint now and then. Where it cannot be written, that is an event, and tried again sooner: the place
// may be back by then.
func (r *run) saveWhenDue() error {
	every, again, before := r.options.CheckpointEvery, r.options.CheckpointEvery/10, r.unsaved
	if before != nil {
		every = again
	}
	if r.options.CheckpointPath == "" || time.Since(r.saved) < every {
		return nil
	}
	c, err := r.checkpoint()
	if err != nil {
		return err
	}
	r.saved, r.unsaved = time.Now(), c.Save(r.options.CheckpointPath)
	switch {
	case r.unsaved != nil && before == nil:
		r.event(fmt.Sprintf("the checkpoint could not be written, which is tried again every %s: %v", again, r.unsaved))
	case r.unsaved == nil && before != nil:
		r.event("the checkpoint could be written again")
	}
	return nil
}

// saveLast writes the checkpoint of the end.
func (r *run) saveLast() error {
	if r.options.CheckpointPath == "" {
		return nil
	}
	c, err := r.checkpoint()
	if err != nil {
		return err
	}
	return c.Save(r.options.CheckpointPath)
}

// portion is the number of iterations to ask for: up to the next measurement, and not longer than is responsive.
func (r *run) portion() int {
	n := r.options.MonitorEvery - r.result.Iterations%r.options.MonitorEvery
	n = min(n, r.options.MaxIterations-r.result.Iterations)
	if r.adapter != nil {
		every := r.obj.Adaptation.Every()
		n = min(n, every-r.result.Iterations%every)
	}
	if r.options.Until != nil {
		n = min(n, max(1, r.look-r.result.Iterations))
	}
	if r.pace > 0 {
		n = min(n, int(responsive/r.pace)+1)
	} else {
		n = 1 // compiles, and tells the pace
	}
	return n
}

// add completes the records and appends them.
func (r *run) add(p Progress, before, after float64) {
	h := &r.result.History
	for i, rec := range p.Records {
		r.result.Evaluations += rec.Evaluations
		rec.Evaluations = r.result.Evaluations
		rec.Iteration = len(h.Records)
		rec.Seconds = before + (after-before)*float64(i+1)/float64(len(p.Records))
		if rec.Phase == "" {
			rec.Phase = r.method
		}
		rec.Metrics, rec.Terms = r.pending[rec.Iteration].Metrics, r.pending[rec.Iteration].Terms
		delete(r.pending, rec.Iteration)
		h.Records = append(h.Records, rec)
	}
	r.result.Iterations += p.Iterations
	r.result.Evaluations += p.Evaluations
	text := p.Remark
	if p.Status == Running {
		text = sentence(text, p.Message)
	}
	if text != "" {
		h.Events = append(h.Events, Event{Iteration: r.result.Iterations, Seconds: after, Text: text})
	}
}

// judge applies the stopping rules to the last portion.
func (r *run) judge(p Progress) {
	if p.Status != Running {
		r.status, r.message = p.Status, p.Message
	} else if r.result.Iterations >= r.options.MaxIterations {
		r.status, r.message = IterationLimit, ""
	} else if until := r.options.Until; until != nil && r.result.Iterations >= r.look {
		if met, why := until.Met(r.result.History.Records); met {
			r.status, r.message = CriterionMet, why
		}
		r.look = until.Next(r.result.Iterations)
	}
}

// end says why the run ends, with its context, and what was not waited for.
func (r *run) end(cut error) {
	r.status, r.message = Canceled, ""
	if errors.Is(r.ctx.Err(), context.DeadlineExceeded) {
		r.status = TimeLimit
	}
	var work *device.Interrupted
	if errors.As(cmp.Or(cut, r.unwaited), &work) {
		r.message = work.What + " was not waited for"
	}
}

// measured is what is known of an iterate besides its record.
type measured struct{ Metrics, Terms map[string]float64 }

// monitored reports whether the iterate that a run begins with, or goes on from, needs no measurement: it has one, or none is due.
func (r *run) monitored() bool {
	i := r.result.Iterations
	if _, known := r.pending[i]; known || i%r.options.MonitorEvery != 0 {
		return true
	}
	records := r.result.History.Records
	return i < len(records) && (records[i].Metrics != nil || records[i].Terms != nil)
}

// monitor measures the current iterate.
func (r *run) monitor() error {
	var m measured
	var err error
	if r.options.Monitor != nil {
		m.Metrics, err = r.options.Monitor(r.ctx, r.stepper.Current())
		if r.cut(err) { // no reason to fail, and it is all measured by who goes on from here
			r.unwaited = err
			return nil
		} else if err != nil {
			return fmt.Errorf("optim: Options.Monitor at iteration %d: %w", r.result.Iterations, err)
		}
	}
	if r.terms != nil {
		if m.Terms, err = r.terms.AtDevice(r.stepper.Current()); r.cut(err) {
			r.unwaited = err
			return nil
		} else if err != nil {
			return err
		}
	}
	if m.Metrics == nil && m.Terms == nil {
		return nil
	}
	if i := r.result.Iterations; i < len(r.result.History.Records) {
		rec := &r.result.History.Records[i]
		rec.Metrics, rec.Terms = m.Metrics, m.Terms
	} else {
		r.pending[i] = m
	}
	return nil
}

func (r *run) report() error {
	if r.options.OnProgress == nil {
		return nil
	}
	err := r.options.OnProgress(&r.result.History)
	if errors.Is(err, ErrStop) {
		if r.status == Running { // a run that has ended by itself did not end by the callback
			r.status, r.message = CallbackStopped, ""
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("optim: Options.OnProgress: %w", err)
	}
	return nil
}

// finish takes the best iterate to the host.
func (r *run) finish(begin []float64, failure error) (*Result, error) {
	last, cancel := r.lastContext()
	defer cancel()
	var unsaved error
	if failure == nil { // first of all, since it is to go on from here
		unsaved = r.saveLast()
	}
	best, loss := r.stepper.Best()
	if failure == nil && !r.cut(lendError(r.stepper)) {
		failure = lendError(r.stepper)
	}
	unseen := !device.Finite(loss)
	if unseen && device.Finite(r.seen()) { // the objective has changed since, and the iterate is not evaluated yet
		loss, unseen = r.lossNow(last, best), false
	}
	theta, err := device.Numbers(best)
	if err != nil && failure == nil {
		failure = fmt.Errorf("optim: reading θ from the device: %w", err)
	}
	if unseen {
		theta, loss = slices.Clone(begin), math.Inf(1)
	}
	if failure == nil && r.status == NonFinite {
		r.message += r.diagnose(last, theta)
	}
	res := &r.result
	res.Theta, res.Loss = theta, loss
	res.Status, res.Message = r.status, r.message
	if res.Status == SearchFailed && failure == nil {
		if left := r.remainder(theta, loss); left != "" {
			res.Message += "; " + left
		}
	}
	if failure == nil && r.options.Monitor != nil && theta != nil {
		res.Metrics, failure = r.measure(last, theta)
	}
	if failure == nil {
		failure = unsaved
	}
	if failure = usercode.First(failure); failure != nil {
		res.Status, res.Message = Failed, failure.Error()
	}
	r.owned.Hold()
	res.Seconds = r.elapsed()
	return res, failure
}

// diagnose says what is not finite: at the iterate, or at the best one, if the iterate itself is not.
func (r *run) diagnose(ctx context.Context, best []float64) string {
	if r.obj.Function != nil { // the method has said all, and another call may do something else
		return ""
	}
	here, err := device.Numbers(r.stepper.Current())
	if err != nil || !device.AllFinite(here) {
		here = best
	}
	// Nothing is said where it fails: the run has ended for a reason of its own.
	if said, err := r.obj.ForRun(ctx).Diagnose(here); err == nil && said != "" {
		return ": " + said
	}
	return ""
}

// lastContext is that of what belongs to the result.
func (r *run) lastContext() (context.Context, context.CancelFunc) {
	if r.ctx.Err() == nil {
		return context.WithCancel(r.ctx)
	}
	return context.WithTimeout(context.WithoutCancel(r.whole), device.Grace)
}

// measure has Options.Monitor measure the result. One that a canceled context keeps from it is not measured.
func (r *run) measure(ctx context.Context, theta []float64) (map[string]float64, error) {
	t := device.Vector(r.obj.Precision(), theta)
	defer device.Free([]*tensors.Tensor{t})
	metrics, err := r.options.Monitor(ctx, t)
	if err != nil && (ctx.Err() == nil || !errors.Is(err, ctx.Err())) {
		return nil, fmt.Errorf("optim: Options.Monitor at the end: %w", err)
	}
	return metrics, nil
}

// seen is the last finite loss of an iterate, or +Inf.
func (r *run) seen() float64 {
	for _, rec := range slices.Backward(r.result.History.Records) {
		if device.Finite(rec.Loss) {
			return rec.Loss
		}
	}
	return math.Inf(1)
}

// lossNow is the loss of the objective as it is now, or else the last one seen of it as it was.
func (r *run) lossNow(ctx context.Context, theta *tensors.Tensor) float64 {
	loss, err := r.lossAt(ctx, theta)
	if err != nil {
		loss = r.seen()
		r.event("the loss of the result is that of before the objective was adapted: " + err.Error())
	}
	return loss
}

// lossAt is the loss of the objective as it is now.
func (r *run) lossAt(ctx context.Context, theta *tensors.Tensor) (float64, error) {
	values, err := device.Numbers(theta)
	if err != nil {
		return 0, err
	}
	e, err := objective.NewEvaluator(r.obj.ForRun(ctx))
	if err != nil {
		return 0, err
	}
	loss, _, err := e.At(values)
	if err == nil && !device.Finite(loss) {
		loss = math.Inf(1)
	}
	return loss, err
}
