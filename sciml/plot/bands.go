package plot

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Band is one method, or one setting, that ran several times, for example from several seeds.
type Band struct {
	Name string
	Runs []Series // Their names do not matter. X must not decrease along a run; runs may have different X.
}

// manyRuns is from how many runs on a band shows quartiles: the range of many grows with every further run.
const manyRuns = 10

// Bands draws what several runs have in common, on a logarithmic y axis: the
// median over the runs as a line, and their range shaded, or the quartiles from
// ten runs on. Runs need not share their X, as with times: between two points
// of a run log y is interpolated, and median and range are taken at every X
// that occurs in any of them. A median over the runs that happen to be left
// would favour those, so line and shade end where the first run ends, and begin
// where the last begins; what single runs do outside of that is drawn thin.
// Points with y ≤ 0, NaN or ±Inf are left out of their run. It is an error when
// a band has no runs, when X and Y of a run differ in length, when its X
// decrease, or when no point at all is left.
func Bands(title, xlabel, ylabel string, bands ...Band) (*Figure, error) {
	return newBands("Bands", true, title, xlabel, ylabel, bands)
}

// LinearBands is Bands on a linear y axis; between the points of a run it interpolates y itself.
func LinearBands(title, xlabel, ylabel string, bands ...Band) (*Figure, error) {
	return newBands("LinearBands", false, title, xlabel, ylabel, bands)
}

func newBands(function string, logY bool, title, xlabel, ylabel string, bands []Band) (*Figure, error) {
	p := &curves{title: title, xlabel: xlabel, ylabel: ylabel, logY: logY}
	given := 0
	var single []curve
	var shaded []string
	for i, b := range bands {
		if len(b.Runs) == 0 {
			return nil, fmt.Errorf("plot: %s: band %d (%q) has no runs; give one Series for each", function, i+1, b.Name)
		}
		var runs [][]point
		for k, s := range b.Runs {
			of := fmt.Sprintf("%s: band %d (%q)", function, i+1, b.Name)
			if err := s.check(of, k); err != nil {
				return nil, err
			}
			given += len(s.Y)
			run := slices.Concat(segments(s.X, s.Y, logY)...)
			for j := 1; j < len(run); j++ {
				if run[j].x < run[j-1].x {
					return nil, fmt.Errorf("plot: %s: X of run %d go back from %g to %g; give the points of a run in the order of their X", of, k+1, run[j-1].x, run[j].x)
				}
			}
			if len(run) > 0 {
				runs = append(runs, run)
			}
		}
		middle, region := summary(runs, logY)
		median := curve{name: b.Name, style: i}
		if len(middle) > 0 {
			median.segs = [][]point{middle}
		}
		p.data = append(p.data, median)
		if len(runs) > 1 {
			if words := shading(len(b.Runs)); !slices.Contains(shaded, words) {
				shaded = append(shaded, words)
			}
		}
		if len(region) > 0 {
			p.shades = append(p.shades, shade{style: i, outline: region})
		}
		single = append(single, curve{style: i, look: faint, segs: outside(runs, middle)})
	}
	p.data = append(p.data, single...)
	p.shading = strings.Join(shaded, ", ")
	if !p.measure() {
		want := "finite"
		if logY {
			want = "positive and finite"
		}
		return nil, fmt.Errorf("plot: %s: nothing to draw: of %d points in %d bands none has a y that is %s; has anything been recorded yet?", function, given, len(bands), want)
	}
	return &Figure{rows: [][]panel{{p}}}, nil
}

// shading says in words what is shaded for a number of runs.
func shading(runs int) string {
	if runs >= manyRuns {
		return fmt.Sprintf("quartiles of %d runs", runs)
	}
	return fmt.Sprintf("range of %d runs", runs)
}

// summary returns the median of runs over the x that all of them cover, and the outline of what is shaded around it.
func summary(runs [][]point, logY bool) (middle, outline []point) {
	if len(runs) == 0 {
		return nil, nil
	}
	from, to := math.Inf(-1), math.Inf(1)
	var xs []float64
	for _, run := range runs {
		from, to = math.Max(from, run[0].x), math.Min(to, run[len(run)-1].x)
		for _, q := range run {
			xs = append(xs, q.x)
		}
	}
	slices.Sort(xs)
	var upper, lower []point
	next := make([]int, len(runs)) // The first point of each run that lies beyond x.
	values := make([]float64, len(runs))
	for _, x := range slices.Compact(xs) {
		if x < from || x > to {
			continue
		}
		for k, run := range runs {
			for next[k] < len(run) && run[next[k]].x <= x {
				next[k]++
			}
			values[k] = height(run, next[k], x, logY)
		}
		slices.Sort(values)
		low, high := 0., 1.
		if len(values) >= manyRuns {
			low, high = 0.25, 0.75
		}
		at := func(q float64) point {
			place := q * float64(len(values)-1)
			k := min(int(place), len(values)-1)
			return point{x, blend(values[k], values[min(k+1, len(values)-1)], place-float64(k), logY)}
		}
		middle, lower, upper = append(middle, at(0.5)), append(lower, at(low)), append(upper, at(high))
	}
	if len(runs) == 1 || len(middle) < 2 {
		return middle, nil
	}
	slices.Reverse(lower)
	return middle, append(upper, lower...)
}

// height is y at x of a run of which j points have an X up to x; the first of them has.
func height(run []point, j int, x float64, logY bool) float64 {
	before := run[j-1]
	if before.x == x || j == len(run) {
		return before.y
	}
	return blend(before.y, run[j].y, (x-before.x)/(run[j].x-before.x), logY)
}

// blend is what lies between a and b, in their logarithms where that is asked for.
func blend(a, b, share float64, logarithms bool) float64 {
	if !logarithms || share == 0 || a == b {
		return mix(a, b, share)
	}
	return math.Exp(mix(math.Log(a), math.Log(b), share))
}

// outside returns the parts of runs before and after their median.
func outside(runs [][]point, middle []point) [][]point {
	if len(middle) == 0 {
		return runs
	}
	var out [][]point
	for _, run := range runs {
		from, to := middle[0].x, middle[len(middle)-1].x
		i, _ := slices.BinarySearchFunc(run, from, func(q point, x float64) int { return cmp.Compare(q.x, x) })
		j := len(run)
		for j > 0 && run[j-1].x > to {
			j--
		}
		// One point within, so that the line goes on where the shade ends.
		if i > 0 {
			out = append(out, run[:min(i+1, len(run))])
		}
		if j < len(run) {
			out = append(out, run[max(j-1, 0):])
		}
	}
	return out
}
