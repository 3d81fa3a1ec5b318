package reference

import "math"

const (
	// spanX and spanT are the numbers of points that an interpolation takes in space and in time: polynomials of
	// degree 11 and 9.
	spanX = 12
	spanT = 10
)

// Table is a function of x, periodic, and t, known on a grid and interpolated between.
type Table struct {
	lo, hi, end    float64
	graded         bool
	points, frames int       // Intervals of the grid in space and in time.
	values         []float64 // Row by row, (frames+1) × points: the row at t, the column at x.
}

// At returns the value at a point (x, t), as a slice of one, by interpolation with polynomials of degree 11 in x and 9
// in t through the nearest points of the grid. It continues periodically in x; t outside [0, T] gives NaN, except for
// a millionth of T that rounding may take, and so does a table that Solve has not made, or a point of other than two coordinates.
func (t *Table) At(point []float64) []float64 {
	if t == nil || len(t.values) == 0 || len(point) != 2 {
		return []float64{math.NaN()}
	}
	time := point[1] / t.end
	if !(time >= -1e-6 && time <= 1+1e-6) {
		return []float64{math.NaN()}
	}
	time = math.Min(1, math.Max(0, time))
	if t.graded {
		time = math.Sqrt(time)
	}
	time *= float64(t.frames)
	firstRow := min(max(int(time)-(spanT/2-1), 0), t.frames+1-spanT)
	var inTime [spanT]float64
	lagrange(inTime[:], time-float64(firstRow))

	place := (point[0] - t.lo) / (t.hi - t.lo)
	place = (place - math.Floor(place)) * float64(t.points)
	firstColumn := int(place) - (spanX/2 - 1)
	var inSpace [spanX]float64
	lagrange(inSpace[:], place-float64(firstColumn))

	var columns [spanX]int
	for j := range columns {
		columns[j] = (firstColumn + j + t.points) % t.points
	}
	sum := 0.0
	for i, w := range inTime {
		row := t.values[(firstRow+i)*t.points:][:t.points]
		inRow := 0.0
		for j, column := range columns {
			inRow += inSpace[j] * row[column]
		}
		sum += w * inRow
	}
	return []float64{sum}
}

// lagrange sets w to the weights of polynomial interpolation at s from the values at 0, 1, …, len(w)−1, by the
// barycentric formula (Berrut and Trefethen 2004, equations 4.2 and 5.1).
func lagrange(w []float64, s float64) {
	binomial, sum := 1.0, 0.0
	for j := range w {
		if s == float64(j) {
			clear(w)
			w[j] = 1
			return
		}
		w[j] = binomial / (s - float64(j))
		sum += w[j]
		binomial *= -float64(len(w)-1-j) / float64(j+1)
	}
	for j := range w {
		w[j] /= sum
	}
}

// time returns the time of a frame.
func (t *Table) time(frame int) float64 {
	s := float64(frame) / float64(t.frames)
	if t.graded {
		s *= s
	}
	return s * t.end
}
