package optim

import (
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// relay is what steppers have in common that let another one work, and put a new one in its place, or have it begin anew,
// from time to time. It tells each iterate once, although the new one evaluates where the last one ended, and loses no
// evaluation. It keeps the best iterate of those before.
type relay struct {
	active   Stepper
	ahead    int  // records told of less iterations made: 1 when the loss of the last iterate is known
	repeats  bool // the next record is one of an iterate already told of
	best     *tensors.Tensor
	bestLoss float64
	held     device.Owner // of best
}

// startRelay begins with a copy of theta as the best iterate, of which nothing is known.
func startRelay(theta *tensors.Tensor) (relay, error) {
	r := relay{}
	return r, r.keep(theta, math.Inf(1))
}

// keep takes a copy of the best iterate so far.
func (r *relay) keep(theta *tensors.Tensor, loss float64) error {
	if theta != r.best {
		mine, err := device.Copy(theta)
		if err != nil {
			return err
		}
		r.own(mine)
	}
	r.bestLoss = loss
	return nil
}

// keepBest takes a copy of the best iterate of s, of which the relay is a part.
func (r *relay) keepBest(s Stepper) error {
	theta, loss := s.Best()
	if err := lendError(s); err != nil {
		return err
	}
	return r.keep(theta, loss)
}

func (r *relay) own(theta *tensors.Tensor) {
	r.best = theta
	r.held.Hold([]*tensors.Tensor{theta})
}

// resume says that the active stepper is another one, or begins anew, where the last one ended.
func (r *relay) resume(s Stepper) { r.active, r.repeats = s, r.ahead > 0 }

// better reports whether a best iterate of the active stepper with that loss is the best one of all. Of two with the same loss
// it is the later one, where the gradient may have become small.
func (r *relay) better(loss float64) bool {
	return device.Finite(loss) && loss <= r.bestLoss || math.IsInf(r.bestLoss, 1)
}

// tell adds what the active stepper did, but not a second record of the iterate where it took over.
func (r *relay) tell(total *Progress, p Progress) {
	fresh := p.Records
	if r.repeats && len(fresh) > 0 {
		total.Evaluations += fresh[0].Evaluations
		r.repeats, fresh = false, fresh[1:]
	}
	if len(fresh) > 0 && total.Evaluations > 0 {
		fresh = slices.Clone(fresh)
		fresh[0].Evaluations += total.Evaluations
		total.Evaluations = 0
	}
	total.Records = append(total.Records, fresh...)
	total.Evaluations += p.Evaluations
	total.Iterations += p.Iterations
	r.ahead += len(fresh) - p.Iterations
}

// savedRelay is the state of a relay.
type savedRelay struct {
	Active   []byte
	Ahead    int
	Repeats  bool
	Best     device.Saved
	BestLoss float64
}

func (r *relay) save() (out savedRelay, err error) {
	out = savedRelay{Ahead: r.ahead, Repeats: r.repeats, BestLoss: r.bestLoss}
	if out.Active, err = r.active.Save(); err != nil {
		return out, err
	}
	out.Best, err = device.Save(r.best)
	return out, err
}

// restore takes back all but the active stepper.
func (r *relay) restore(in savedRelay) error {
	best, err := in.Best.Restore(r.best.Shape())
	if err != nil {
		return err
	}
	r.own(best)
	r.ahead, r.repeats, r.bestLoss = in.Ahead, in.Repeats, in.BestLoss
	return nil
}
