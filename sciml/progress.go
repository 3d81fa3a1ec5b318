package sciml

import (
	"fmt"
	"math"

	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/plot"
)

// progress is what is called during a training: the line of Options.Progress, then OnProgress. The second function writes
// the last line.
func (o *Options) progress() (watch func(*optim.History) error, done func(*optim.Result)) {
	if !o.Progress {
		return o.OnProgress, func(*optim.Result) {}
	}
	total := o.Iterations
	if total == math.MaxInt { // a limit of time
		total = 0
	}
	line := plot.NewProgress(o.Method.Name(), total)
	watch = func(h *optim.History) error {
		line.Step(h.Last().Iteration, "%s", newest{h})
		if o.OnProgress == nil {
			return nil
		}
		return o.OnProgress(h)
	}
	return watch, func(r *optim.Result) {
		line.Step(r.Iterations, "%s", newest{&r.History})
		line.Done("%s: %s", lossAndError(r.Loss, r.Metrics), r.Status)
	}
}

// newest is the detail of a line of progress, which is made only when that is shown.
type newest struct{ h *optim.History }

func (n newest) String() string {
	for i := len(n.h.Records) - 1; i >= 0; i-- {
		if metrics := n.h.Records[i].Metrics; metrics != nil {
			return lossAndError(n.h.Last().Loss, metrics)
		}
	}
	return lossAndError(n.h.Last().Loss, nil)
}

func lossAndError(loss float64, metrics map[string]float64) string {
	if v, measured := errorOf(optim.Record{Metrics: metrics}); measured {
		return fmt.Sprintf("loss %.2e, error %.2e", loss, v)
	}
	return fmt.Sprintf("loss %.2e", loss)
}
