package reference

import "math"

const (
	// spanX and spanT are the numbers of points that an interpolation takes in space and in time: polynomials of
	// degree 11 and 9.
	spanX = 12
	spanT = 10
)

// Table is a function of one or more coordinates of space, periodic, and t, known on a grid and interpolated between.
type Table struct {
	lo, hi         []float64 // Of each coordinate of space.
	end            float64
	graded         bool
	points, frames int       // Intervals of the grid along each coordinate of space, and in time.
	unknowns       int       // Numbers at each point.
	values         []float64 // Frame by frame, each with its points in row-major order and the unknowns of one after the other.
}

// At returns the values at a point, space first and t last, one for each unknown, by interpolation with polynomials of degree
// 11 in space and 9 in t through the nearest points of the grid. It continues periodically in space; t outside [0, T]
// gives NaN, except for a millionth of T that rounding may take, and so does a table that Solve has not made, or a point
// of another number of coordinates.
func (t *Table) At(point []float64) []float64 {
	if t == nil || len(t.values) == 0 || len(point) != len(t.lo)+1 {
		return []float64{math.NaN()}
	}
	result := make([]float64, t.unknowns)
	firstRow, inTime := t.frame(point[len(t.lo)])

	weights := make([][spanX]float64, len(t.lo))
	columns := make([][spanX]int, len(t.lo))
	for i := range t.lo {
		place := (point[i] - t.lo[i]) / (t.hi[i] - t.lo[i])
		place = (place - math.Floor(place)) * float64(t.points)
		first := int(place) - (spanX/2 - 1)
		lagrange(weights[i][:], place-float64(first))
		for j := range columns[i] {
			columns[i][j] = (first + j + t.points) % t.points
		}
	}
	var add func(axis, at int, weight float64)
	add = func(axis, at int, weight float64) {
		if axis == len(t.lo) {
			for m := range result {
				result[m] += weight * t.values[at*t.unknowns+m]
			}
			return
		}
		for j, w := range weights[axis] {
			add(axis+1, at*t.points+columns[axis][j], weight*w)
		}
	}
	for i, w := range inTime {
		add(0, firstRow+i, w)
	}
	return result
}

// frame returns the first of the frames that an interpolation at a time takes, and their weights, NaN outside of [0, T].
func (t *Table) frame(at float64) (first int, weights [spanT]float64) {
	time := at / t.end
	if !(time >= -1e-6 && time <= 1+1e-6) {
		for i := range weights {
			weights[i] = math.NaN()
		}
		return 0, weights
	}
	time = math.Min(1, math.Max(0, time))
	if t.graded {
		time = math.Sqrt(time)
	}
	time *= float64(t.frames)
	first = min(max(int(time)-(spanT/2-1), 0), t.frames+1-spanT)
	lagrange(weights[:], time-float64(first))
	return first, weights
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
