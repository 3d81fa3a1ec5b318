package optim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
)

// finish takes the best iterate to the host.
func (r *run) finish(begin []float64, failure error) (*Result, error) {
	last, cancel := r.lastContext()
	defer cancel()
	var unsaved error
	if failure == nil { // first of all, since it is to go on from here
		unsaved = r.saveLast()
		if err := r.keepIterate(true); !r.cut(err) { // not in the checkpoint: a resumed run would not have kept this one
			failure = err
		}
	}
	best, loss := r.stepper.Best()
	if lost := lendError(r.stepper); failure == nil && !r.cut(lost) {
		failure = lost
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
