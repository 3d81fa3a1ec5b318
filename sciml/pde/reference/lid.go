package reference

import "math"

// drive is how the lid of a cavity moves: the slope of its velocity at its ends, and the parts of the
// stream function that are known.
type drive struct {
	name           string // under which references are kept
	slope          float64
	singular, lift func(x, y float64) derivatives
}

var (
	steepLid  = drive{"lid-driven cavity", lidSlope, singular, lift}
	smoothLid = drive{"lid-driven cavity with a smooth lid", 0, func(_, _ float64) (none derivatives) { return none }, smoothLift}
)

// smoothLift is lift for the lid with the velocity f = 16x²(1−x)²: f(x)·h(y), where h is zero on both sides but for its
// slope 1 at the lid, as f is zero on the walls with its slope.
func smoothLift(x, y float64) derivatives {
	z := x * (1 - x)
	f, f1, f2 := 16*z*z, 32*z*(1-2*x), 32*(1-6*z)
	h := hermite(y)[3]
	return derivatives{x: f1 * h[0], y: f * h[1], xx: f2 * h[0], xy: f1 * h[1], yy: f * h[2]}
}

// lidSlope is the derivative of the lid's velocity at x = 0.
const lidSlope = 50

// lid returns the velocity of the lid, 1 − cosh(50(x − 1/2))/cosh 25, and its first two derivatives.
func lid(x float64) [3]float64 {
	// cosh a/cosh 25 and sinh a/cosh 25 without overflow, to rounding.
	right, left := math.Exp(lidSlope*(x-1)), math.Exp(-lidSlope*x)
	scale := 1 / (1 + math.Exp(-lidSlope))
	return [3]float64{
		1 - scale*(right+left),
		-lidSlope * scale * (right - left),
		-lidSlope * lidSlope * scale * (right + left),
	}
}

// singular returns the derivatives of the stream function's singular part at (x, y): that of both upper corners.
func singular(x, y float64) derivatives {
	left, right := cornerAt(x, 1-y), cornerAt(1-x, 1-y)
	lx, ly := left.first()
	rx, ry := right.first()
	lxx, lxy, lyy := left.second()
	rxx, rxy, ryy := right.second()
	return derivatives{
		x: -lidSlope * (lx - rx), y: lidSlope * (ly + ry),
		xx: -lidSlope * (lxx + rxx), xy: lidSlope * (lxy - rxy), yy: -lidSlope * (lyy + ryy),
	}
}

// lift returns the derivatives at (x, y) of a smooth function that, added to the singular part, has the boundary
// values of the stream function: zero, and the normal derivative zero but for the velocity of the lid. It blends the
// boundary data with the cubic polynomials of Hermite (Gordon 1971): in x, plus in y, less in both.
func lift(x, y float64) derivatives {
	inX, inY := hermite(x), hermite(y)
	atX, atY := walls(y), floorAndLid(x)
	var d derivatives
	for i := range 4 {
		d.x += inX[i][1]*atX[i][0] + inY[i][0]*atY[i][1]
		d.y += inX[i][0]*atX[i][1] + inY[i][1]*atY[i][0]
		d.xx += inX[i][2]*atX[i][0] + inY[i][0]*atY[i][2]
		d.xy += inX[i][1]*atX[i][1] + inY[i][1]*atY[i][1]
		d.yy += inX[i][0]*atX[i][2] + inY[i][2]*atY[i][0]
		for j := range 4 {
			v := inCorners[i][j]
			d.x -= v * inX[i][1] * inY[j][0]
			d.y -= v * inX[i][0] * inY[j][1]
			d.xx -= v * inX[i][2] * inY[j][0]
			d.xy -= v * inX[i][1] * inY[j][1]
			d.yy -= v * inX[i][0] * inY[j][2]
		}
	}
	return d
}

// hermite returns the cubic polynomials that interpolate the value at 0, the value at 1, the slope at 0 and the slope
// at 1, each with two derivatives.
func hermite(t float64) [4][3]float64 {
	return [4][3]float64{
		{(1 - t) * (1 - t) * (1 + 2*t), -6 * t * (1 - t), 12*t - 6},
		{t * t * (3 - 2*t), 6 * t * (1 - t), 6 - 12*t},
		{t * (1 - t) * (1 - t), (1 - t) * (1 - 3*t), 6*t - 4},
		{-t * t * (1 - t), t * (3*t - 2), 6*t - 2},
	}
}

// walls returns what the lift has at x = 0 and 1: its values, then its slopes, each with two derivatives along y. Of
// the singular parts, only that of the opposite corner does not satisfy the conditions there.
func walls(y float64) [4][3]float64 {
	c := cornerAt(1, 1-y)
	cx, cy := c.first()
	_, cxy, cyy := c.second()
	_, cxyy := c.third()
	value := [3]float64{lidSlope * c.value(), -lidSlope * cy, lidSlope * cyy}
	return [4][3]float64{value, value, {-lidSlope * cx, lidSlope * cxy, -lidSlope * cxyy}, {lidSlope * cx, -lidSlope * cxy, lidSlope * cxyy}}
}

// floorAndLid returns what the lift has at y = 0 and 1, as walls does.
func floorAndLid(x float64) [4][3]float64 {
	left, right := cornerAt(x, 1), cornerAt(1-x, 1)
	lx, ly := left.first()
	rx, ry := right.first()
	lxx, lxy, _ := left.second()
	rxx, rxy, _ := right.second()
	lxxy, _ := left.third()
	rxxy, _ := right.third()
	onLid := lid(x)
	onLid[0] -= lidSlope // The singular parts have 50x and 50(1−x) there.
	return [4][3]float64{
		{lidSlope * (left.value() + right.value()), lidSlope * (lx - rx), lidSlope * (lxx + rxx)},
		{},
		{-lidSlope * (ly + ry), -lidSlope * (lxy - rxy), -lidSlope * (lxxy + rxxy)},
		onLid,
	}
}

// inCorners holds the lift's values, slopes and mixed derivatives in the four corners, in the order of hermite for x
// and for y.
var inCorners = func() (at [4][4]float64) {
	bottom, top := walls(0), walls(1)
	for i := range 4 {
		at[i] = [4]float64{bottom[i][0], top[i][0], bottom[i][1], top[i][1]}
	}
	return at
}()
