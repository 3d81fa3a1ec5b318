package optim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
)

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
	ended    Progress  // the Status and Message of a run that this one goes on from
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
	if err := r.keepIterate(false); err != nil { // the run before may have been cut short where it was due
		return err
	}
	r.judge(r.again())
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

// again is how the run had ended that this one goes on from, if that is an end by the present options, too.
func (r *run) again() Progress {
	ended, holds := r.ended, false
	switch ended.Status {
	case SearchFailed, Stationary, NonFinite:
		holds = true
	case LossReached:
		holds = r.result.Loss <= r.goal.Loss
	case GradientSmall:
		holds = r.result.History.Last().GradientNorm <= r.goal.Gradient
	case CriterionMet:
		if until := r.options.Until; until != nil {
			holds, _ = until.Met(r.result.History.Records)
		}
	}
	if !holds {
		return Progress{}
	}
	return ended
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
		if err := r.keepIterate(false); err != nil {
			return err
		}
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
	c.Result.Status, c.Result.Message = r.status, r.message
	return c.Save(r.options.CheckpointPath)
}

// portion is the number of iterations to ask for: up to the next one at which something is due, and not longer than is responsive.
func (r *run) portion() int {
	n := r.options.MaxIterations - r.result.Iterations
	every := []int{r.options.MonitorEvery}
	if r.options.SnapshotEvery > 0 {
		every = append(every, r.options.SnapshotEvery)
	}
	if r.adapter != nil {
		every = append(every, r.obj.Adaptation.Every())
	}
	for _, e := range every {
		n = min(n, e-r.result.Iterations%e)
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
	return r.remark()
}

// remark notes what Options.Remark says of the current iterate.
func (r *run) remark() error {
	if r.options.Remark == nil {
		return nil
	}
	h := r.result.History
	text, err := r.options.Remark(r.ctx, r.stepper.Current(), &h)
	if r.cut(err) {
		r.unwaited = err
		return nil
	} else if err != nil {
		return fmt.Errorf("optim: Options.Remark at iteration %d: %w", r.result.Iterations, err)
	}
	if text != "" {
		r.event(text)
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
