package plot

import "math"

// point is a finite point that is ready to be drawn.
type point struct{ x, y float64 }

// segments splits a curve where points are missing: y that is NaN or infinite,
// x likewise, and with positive set also y ≤ 0, which has no logarithm.
func segments(x, y []float64, positive bool) [][]point {
	var out [][]point
	var current []point
	for i, v := range y {
		at := float64(i)
		if x != nil {
			at = x[i]
		}
		if !finite(v) || !finite(at) || (positive && v <= 0) {
			if current != nil {
				out = append(out, current)
				current = nil
			}
			continue
		}
		current = append(current, point{at, v})
	}
	if current != nil {
		out = append(out, current)
	}
	return out
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// decimate reduces a segment to at most about 4·columns points without a
// visible change: of all neighbours within one column it keeps the first, the
// lowest, the highest and the last, so that no spike is lost.
func decimate(seg []point, column func(point) int, columns int) []point {
	if len(seg) <= 4*columns {
		return seg
	}
	var out []point
	for start := 0; start < len(seg); {
		col := column(seg[start])
		end, low, high := start, start, start
		for ; end < len(seg) && column(seg[end]) == col; end++ {
			if seg[end].y < seg[low].y {
				low = end
			}
			if seg[end].y > seg[high].y {
				high = end
			}
		}
		last := -1
		for _, i := range []int{start, min(low, high), max(low, high), end - 1} {
			if i != last {
				out = append(out, seg[i])
				last = i
			}
		}
		start = end
	}
	return out
}
