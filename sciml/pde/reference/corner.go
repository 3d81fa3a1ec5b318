package reference

import "math"

// derivatives are those of a stream function that the cavity needs.
type derivatives struct{ x, y, xx, xy, yy float64 }

// corner is the singular part of a stream function where the lid meets a wall: the solution, quadratic in the
// distance r, of Δ²S = 0 in a quarter plane with S = 0 on both sides, no slip on the wall X = 0, and S_Y = X on the
// lid Y = 0:
//
//	S = −πY²/4 + XY/2 + (θ/2)(X² + Y²),  θ = atan2(Y, X).
//
// Its vorticity jumps in the corner and its pressure is logarithmic: ΔS = 2θ − π/2 is harmonic with conjugate
// −2 log r. What remains of the flow is smooth enough in the corner for polynomials to converge fast.
type corner struct{ X, Y, angle, square float64 }

func cornerAt(X, Y float64) corner {
	return corner{X: X, Y: Y, angle: math.Atan2(Y, X), square: X*X + Y*Y}
}

// first returns S_X and S_Y.
func (c corner) first() (x, y float64) {
	return c.angle * c.X, c.X + (c.angle-math.Pi/2)*c.Y
}

// second returns S_XX, S_XY and S_YY, which have no value in the corner itself.
func (c corner) second() (xx, xy, yy float64) {
	return c.angle - c.X*c.Y/c.square, c.X * c.X / c.square, c.angle - math.Pi/2 + c.X*c.Y/c.square
}

// value returns S.
func (c corner) value() float64 {
	return c.Y*(c.X/2-math.Pi/4*c.Y) + c.angle/2*c.square
}

// third returns S_XXY and S_XYY.
func (c corner) third() (xxy, xyy float64) {
	fourth := c.square * c.square
	return 2 * c.X * c.Y * c.Y / fourth, -2 * c.X * c.X * c.Y / fourth
}
