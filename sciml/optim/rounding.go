package optim

import "math"

// rounding is the relative error to which a loss is known. It begins as that of the floating-point type, but a loss whose
// parts cancel, as those of a differential equation do, is known less well, and a search that compares its values then
// finds no decrease where there is one. So it is taken for larger whenever a search fails, before the method gives up.
type rounding struct{ least, level float64 }

func newRounding(least float64) rounding { return rounding{least: least, level: least} }

// raise takes the error for larger, up to the cube root of the smallest; it reports whether that was possible.
func (r *rounding) raise() bool {
	most := math.Cbrt(r.least)
	if r.level >= most {
		return false
	}
	r.level = math.Min(most, r.level*math.Pow(r.least, -2.0/9)*(1+1e-9)) // three times
	return true
}

// lower goes half of the way back, after a search that worked.
func (r *rounding) lower() { r.level = math.Max(r.least, r.level/2) }

func (r *rounding) reset() { r.level = r.least }

// raised reports whether the error is taken for larger than that of the floating-point type.
func (r *rounding) raised() bool { return r.level > r.least }
