package sciml

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// OnTheWay is the name in a history of what is pinn.RelativeL2 for a part of a course alone: the error within a window of time, or that of a
// value before the last of a path. It is not that of the problem.
const OnTheWay = "relative_l2_on_the_way"

// part is what trainings one after the other are parts of: windows of time, or the values of a path.
type part interface {
	// place chooses where a training begins, if not at its Start.
	place(ctx context.Context, t *training) error
	// setting is what a resumed training is compared by.
	setting() pinn.Setting
	// save adds to a checkpoint what is not of the present training alone.
	save(into *savedTraining)
	// watch makes a run one of the parts.
	watch(run *optim.Options, model *pinn.Model, options *Options)
}

// course is one of trainings one after the other, each of which begins where the one before ended: they have one history, one
// limit of time, and one checkpoint.
type course struct {
	part
	ctx     context.Context
	options Options      // with defaults
	problem *pde.Problem // the whole
	from    *unfinished  // to be resumed; nil once it was
	chosen  bool         // that the network was, and may be scaled yet
	limit   time.Time    // when the time is up; zero for no limit
	sum     optim.Result // of those that ended

	model *pinn.Model // that was trained last
	left  *ending     // of it
}

// begin fills in defaults, and computes the one reference for all parts, whose time does not count.
func (c *course) begin(ctx context.Context, problem *pde.Problem, began time.Time) error {
	c.ctx = ctx
	o := &c.options
	c.chosen = o.choosesNetwork()
	if err := o.setDefaults(problem); err != nil {
		return err
	}
	spent := 0.0
	if c.from != nil {
		c.sum = c.from.training.Before
		spent = c.sum.Seconds + c.from.checkpoint.Result.Seconds
	}
	whole := *problem
	c.problem = &whole
	before := time.Now()
	solution, err := device.Beside(ctx, device.Grace, "computing the reference solution", func() (pde.Field, error) { return problem.Solution(ctx) })
	if err != nil {
		return err
	}
	if problem.Exact == nil && solution != nil {
		whole.Reference = func(context.Context) (pde.Field, error) { return solution, nil }
	}
	if o.Time > 0 {
		c.limit = began.Add(time.Since(before) + o.Time - time.Duration(spent*float64(time.Second)))
	}
	return nil
}

// one trains a part, within a share of the time that is left. There is neither a result nor an error where there was no time to begin.
func (c *course) one(ctx context.Context, problem *pde.Problem, o Options, share float64, name string) (*optim.Result, error) {
	if !c.limit.IsZero() {
		o.Time = max(1, time.Duration(share*float64(time.Until(c.limit))))
		if c.from != nil { // limits count from its beginning
			o.Time += time.Duration(c.from.checkpoint.Result.Seconds * float64(time.Second))
		}
	}
	began := time.Now()
	setUp, err := o.setUp(ctx, problem, c, c.from)
	if err == nil {
		err = c.place(ctx, &setUp)
	}
	if err != nil {
		return nil, c.unlessCut(err)
	}
	// The first may have scaled the network, and has used up what to begin with.
	c.options.Network, c.chosen, c.options.Start, c.options.From = setUp.options.Network, false, nil, nil
	c.model = setUp.model
	setUp.objective.Remarks = append([]string{name}, setUp.objective.Remarks...)
	result, left, err := setUp.run(ctx, time.Since(began), c.from, c)
	c.from, c.left = nil, left
	return result, err
}

// unlessCut is an error of setting up a training, or nil where that was cut short after others: they are what there is.
func (c *course) unlessCut(err error) error {
	if len(c.sum.History.Records) > 0 && c.over(nil) && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return nil
	}
	return err
}

// cut reports whether a training did not come to an end of its own.
func cut(r *optim.Result) bool {
	switch r.Status {
	case optim.Canceled, optim.CallbackStopped, optim.TimeLimit, optim.Failed:
		return true
	}
	return false
}

// over reports whether there is no time for another training, after one; that may be nil.
func (c *course) over(r *optim.Result) bool {
	if r != nil && r.Status != optim.TimeLimit && cut(r) {
		return true
	}
	return c.ctx.Err() != nil || !c.limit.IsZero() && !time.Now().Before(c.limit)
}

// unfinished says why a course ends that was not done: with its context, or with its time, between two trainings.
func (c *course) unfinished(r *optim.Result) {
	switch err := c.ctx.Err(); {
	case cut(r), r.Status == optim.NonFinite:
	case errors.Is(err, context.DeadlineExceeded), err == nil && c.over(nil):
		r.Status, r.Message = optim.TimeLimit, ""
	case err != nil:
		r.Status, r.Message = optim.Canceled, ""
	}
}

// orElse is a criterion of a part, or that of the options, which may be nil.
func orElse(of, also optim.Criterion) optim.Criterion {
	if also == nil {
		return of
	}
	return optim.AnyOf{of, also}
}

// note adds an event to the end of a training.
func note(r *optim.Result, format string, args ...any) {
	r.History.Events = append(r.History.Events, optim.Event{Iteration: r.History.Last().Iteration, Seconds: r.Seconds, Text: fmt.Sprintf(format, args...)})
}

// also adds to a message, which may be empty.
func also(message, text string) string {
	if message == "" {
		return text
	}
	return message + "; " + text
}

// join adds a training to the course.
func (c *course) join(r *optim.Result) { c.sum = joined(c.sum, *r) }

// telling is a callback that is told of the whole course.
func (c *course) telling(call func(*optim.History) error) func(*optim.History) error {
	if c == nil || call == nil {
		return call
	}
	return func(h *optim.History) error {
		all := joined(c.sum, optim.Result{History: *h}).History
		return call(&all)
	}
}

// joined is the course of two trainings, one after the other. The rest is that of the second.
func joined(before, r optim.Result) optim.Result {
	iterations, seconds, evaluations := len(before.History.Records), before.Seconds, before.Evaluations
	all := r
	all.History.Records = slices.Clone(before.History.Records)
	for _, record := range r.History.Records {
		record.Iteration += iterations
		record.Seconds += seconds
		record.Evaluations += evaluations
		all.History.Records = append(all.History.Records, record)
	}
	all.History.Events = slices.Clone(before.History.Events)
	for _, event := range r.History.Events {
		event.Iteration += iterations
		event.Seconds += seconds
		all.History.Events = append(all.History.Events, event)
	}
	all.Iterations += before.Iterations
	all.Evaluations += evaluations
	all.Seconds += seconds
	return all
}
