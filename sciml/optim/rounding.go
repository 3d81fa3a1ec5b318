package optim

import (
	"math"

	"github.com/gomlx/compute/dtypes"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// rounding is the relative error to which a loss is known. It begins as that of the floating-point type, but a loss whose
// parts cancel, as those of a differential equation do, is known less well, and in single precision a search that
// compares its values soon finds no decrease where there is one. So there it is taken for larger whenever a search fails,
// before the method gives up. In double precision the end of a search is the end of what is worth the time.
type rounding struct{ least, level, most float64 }

func newRounding(dtype dtypes.DType) rounding {
	least := device.Epsilon(dtype)
	r := rounding{least: least, level: least, most: least}
	if dtype == dtypes.Float32 {
		r.most = math.Cbrt(least)
	}
	return r
}

// raise takes the error for larger, up to the cube root of the smallest; it reports whether that was possible.
func (r *rounding) raise() bool {
	if r.level >= r.most {
		return false
	}
	r.level = math.Min(r.most, r.level*math.Pow(r.least, -2.0/9)*(1+1e-9)) // three times
	return true
}

// lower goes half of the way back, after a search that worked.
func (r *rounding) lower() { r.level = math.Max(r.least, r.level/2) }

func (r *rounding) reset() { r.level = r.least }

// raised reports whether the error is taken for larger than that of the floating-point type.
func (r *rounding) raised() bool { return r.level > r.least }

// mostStill is the number of iterations after which a search that goes on by slopes alone, in double precision, comes to nothing.
const mostStill = 30

// stillness counts iterations that change nothing. At a minimum the search may accept steps for ever: what the loss changes by is
// hidden by rounding, and slopes are noise.
type stillness struct {
	Loss, Gradient float64 // since when, and the smallest norm since then
	Count          int
}

// reach counts an iterate.
func (s *stillness) reach(loss, gradient, epsilon float64) {
	if s.Count == 0 || math.Abs(loss-s.Loss) > 64*epsilon*math.Abs(s.Loss) || gradient < s.Gradient {
		*s = stillness{Loss: loss, Gradient: gradient}
	}
	s.Count++
}
