package sciml

import (
	"context"
	"fmt"
	"math/bits"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/diagnose"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// firstLook is the number of measurements after which an evolution that stalls is looked at, and then at twice as many, and so on.
const firstLook = 6

// propagation says where an evolution that is trained on all of the time at once does not carry on what is true in the beginning.
type propagation struct{ model *pinn.Model }

// remark is for optim.Options.Remark.
func (p propagation) remark(ctx context.Context, theta *tensors.Tensor, h *optim.History) (string, error) {
	if !stalls(h) {
		return "", nil
	}
	here, err := device.Numbers(theta)
	if err != nil {
		return "", err
	}
	return p.seen(ctx, here)
}

// seen says of a θ that it does not propagate, and what to try; nothing where it does, or where the problem has no time.
func (p propagation) seen(ctx context.Context, theta []float64) (string, error) {
	parts, err := p.model.Slabs(ctx, theta, slabs)
	if err != nil {
		return "", err
	}
	var all []diagnose.Slab
	for _, s := range parts {
		all = append(all, diagnose.Slab(s))
	}
	f := diagnose.Propagation(all)
	if f == nil {
		return "", nil
	}
	return fmt.Sprintf("the solution does not propagate from the beginning: %s; try Options.Windows", f.Words), nil
}

// stalls reports whether it is time to look at a training, and its residual at held-out points has not come to half of what it was in
// the first half of the measurements.
func stalls(h *optim.History) bool {
	_, residuals := h.Metric(pinn.HeldOutResidual)
	n := len(residuals)
	if n%firstLook != 0 || bits.OnesCount(uint(n/firstLook)) != 1 {
		return false
	}
	return slices.Min(residuals[n/2:]) > 0.5*slices.Min(residuals[:n/2])
}
