package plot

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
)

// Spectrum draws eigenvalues by their index on a logarithmic y axis, several
// spectra in one figure, for example before and after a preconditioner. Where X
// of a series is nil, its Y are sorted, the largest first, and numbered from 1;
// else both are taken as they are. Up to 60 eigenvalues are marked by dots, too.
// Values that are not positive cannot be drawn and are left out: give magnitudes
// where some are negative. For a logarithmic axis of the index as well, which
// shows a power law as a line, see LogX. Errors are those of Convergence.
func Spectrum(title, ylabel string, spectra ...Series) (*Figure, error) {
	const dotted = 60
	sorted := slices.Clone(spectra)
	for i, s := range sorted {
		if s.X == nil {
			s.Y = slices.Clone(s.Y)
			slices.SortFunc(s.Y, func(a, b float64) int { return -compareNaN(a, b) })
			s.X = make([]float64, len(s.Y))
			for k := range s.X {
				s.X[k] = float64(k + 1)
			}
			sorted[i] = s
		}
	}
	f, err := newCurves("Spectrum", plain, true, title, "index", ylabel, sorted)
	if err != nil {
		return nil, err
	}
	data := f.rows[0][0].(*curves).data
	for i, s := range sorted {
		if len(s.Y) <= dotted {
			data[i].look = marked
		}
	}
	return f, nil
}

// compareNaN orders numbers, and puts NaN below all.
func compareNaN(a, b float64) int {
	switch {
	case a < b || math.IsNaN(a) && !math.IsNaN(b):
		return -1
	case a > b || math.IsNaN(b) && !math.IsNaN(a):
		return 1
	}
	return 0
}

// LogX returns the figure with a logarithmic x axis in every panel of curves.
// Points with x ≤ 0, such as the begin of a history, are left out there. A
// figure without curves is an error, as are curves of which nothing is left.
func (f *Figure) LogX() (*Figure, error) {
	if err := f.check("LogX"); err != nil {
		return nil, err
	}
	out, found := &Figure{}, false
	for _, row := range f.rows {
		row = slices.Clone(row)
		for i, p := range row {
			c, ok := p.(*curves)
			if !ok || c.ticks != nil { // The latter are decades already.
				continue
			}
			found = true
			same := *c
			same.logX, same.data, same.shades = true, nil, nil
			for _, d := range c.data {
				d.segs = positiveX(d.segs)
				same.data = append(same.data, d)
			}
			for _, s := range c.shades {
				s.outline = slices.Concat(positiveX([][]point{s.outline})...)
				same.shades = append(same.shades, s)
			}
			if !same.measure() {
				return nil, fmt.Errorf("plot: LogX: nothing to draw: no point of %q has an x that is positive", c.name())
			}
			row[i] = &same
		}
		out.rows = append(out.rows, row)
	}
	if !found {
		return nil, fmt.Errorf("plot: LogX: there is no panel of curves in %q", f.name())
	}
	return out, nil
}

// Uncertain is a curve whose Y are known up to an error, for example a standard error. Error nil stands for none.
type Uncertain struct {
	Name        string
	X, Y, Error []float64
}

// densityDecades is how far below its largest value a density is shown: what a smoothing leaves further down means nothing.
const densityDecades = 5

// Density draws densities of eigenvalues over a linear x axis, with Y ± Error
// shaded. The y axis is logarithmic, since single eigenvalues that stand apart
// are next to nothing beside the bulk; it reaches five decades below the largest
// value, and what lies below is cut off. Points that are NaN or ±Inf break a
// curve. It is an error when lengths differ, when an Error is negative, or when
// no Y is positive. For a spectrum over many decades, see Decades.
func Density(title, xlabel, ylabel string, densities ...Uncertain) (*Figure, error) {
	p := &curves{title: title, xlabel: xlabel, ylabel: ylabel, logY: true}
	var most float64
	for i, d := range densities {
		if err := d.check("Density", i); err != nil {
			return nil, err
		}
		for k, y := range d.Y {
			if finite(y) && (d.X == nil || finite(d.X[k])) {
				most = math.Max(most, y)
			}
		}
	}
	if most == 0 {
		return nil, fmt.Errorf("plot: Density: nothing to draw: no Y of %d densities is positive and finite", len(densities))
	}
	floor := most * math.Pow10(-densityDecades)
	for i, d := range densities {
		raised, upper, lower := slices.Clone(d.Y), slices.Clone(d.Y), slices.Clone(d.Y)
		for k, y := range d.Y {
			raised[k] = math.Max(y, floor) // NaN stays.
			if d.Error != nil {
				upper[k], lower[k] = math.Max(y+d.Error[k], floor), math.Max(y-d.Error[k], floor)
				p.shading = "± error"
			}
		}
		p.data = append(p.data, curve{name: d.Name, style: i, segs: segments(d.X, raised, true)})
		if d.Error == nil {
			continue
		}
		tops, bottoms := segments(d.X, upper, true), segments(d.X, lower, true)
		for k := range min(len(tops), len(bottoms)) { // Both break where Y does, or its Error.
			slices.Reverse(bottoms[k])
			p.shades = append(p.shades, shade{style: i, outline: append(tops[k], bottoms[k]...)})
		}
	}
	p.measure()
	p.floor, p.whole = floor, false
	return &Figure{rows: [][]panel{{p}}}, nil
}

// check reports lengths that differ and errors below 0.
func (u Uncertain) check(function string, i int) error {
	if err := (Series{Name: u.Name, X: u.X, Y: u.Y}).check(function, i); err != nil {
		return err
	}
	if u.Error != nil && len(u.Error) != len(u.Y) {
		return fmt.Errorf("plot: %s: series %d (%q) has %d Y and %d Error values; give as many, or leave Error nil", function, i+1, u.Name, len(u.Y), len(u.Error))
	}
	for k, e := range u.Error {
		if e < 0 {
			return fmt.Errorf("plot: %s: Error[%d] of series %d (%q) is %g, want 0 or more", function, k, i+1, u.Name, e)
		}
	}
	return nil
}

// Histogram counts eigenvalues between Edges, which increase: Count[i] between
// Edges[i] and Edges[i+1], known up to Error[i]; Error nil stands for none.
type Histogram struct {
	Name  string
	Edges []float64
	Count []float64
	Error []float64
}

// leastCount is where the axis of counts begins: what is estimated to be less than half an eigenvalue is none.
const leastCount = 0.5

// Decades draws how many eigenvalues there are by powers of ten, with error
// bars. Edges are equally far apart for each power of ten, on either side of
// zero; what lies between the two edges that are nearest to zero, such as
// eigenvalues lost in rounding, stands between as a unit of its own. The
// counts have a logarithmic axis from one half on, so that single eigenvalues
// that stand apart are seen beside thousands. It is an error when lengths do
// not fit, when edges do not increase or are not finite, when an Error is
// negative, or when there is no count of a half or more.
func Decades(title, xlabel, ylabel string, histograms ...Histogram) (*Figure, error) {
	p := &curves{title: title, xlabel: xlabel, ylabel: ylabel, logY: true}
	var edges []float64
	nearest := math.Inf(1)
	any := false
	for i, h := range histograms {
		if err := h.check(i); err != nil {
			return nil, err
		}
		for _, e := range h.Edges {
			edges = append(edges, e)
			if e != 0 {
				nearest = math.Min(nearest, math.Abs(e))
			}
		}
		for _, c := range h.Count {
			any = any || c >= leastCount && finite(c)
		}
	}
	if !any {
		return nil, fmt.Errorf("plot: Decades: nothing to draw: no count of %d histograms is %g or more and finite", len(histograms), leastCount)
	}
	place := func(v float64) float64 {
		if math.Abs(v) <= nearest {
			return v / nearest / 2
		}
		return math.Copysign(math.Log10(math.Abs(v)/nearest)+0.5, v)
	}
	for i, h := range histograms {
		var outline []point
		bars := curve{style: i, look: errorBars}
		for k, c := range h.Count {
			from, to := place(h.Edges[k]), place(h.Edges[k+1])
			top := leastCount
			if finite(c) {
				top = math.Max(c, leastCount)
			}
			outline = append(outline, point{from, top}, point{to, top})
			if h.Error != nil && finite(c) && finite(h.Error[k]) && c+h.Error[k] > leastCount {
				// Beside each other where there are several.
				at := from + (to-from)*float64(i+1)/float64(len(histograms)+1)
				bars.segs = append(bars.segs, []point{{at, math.Max(c-h.Error[k], leastCount)}, {at, c + h.Error[k]}})
			}
		}
		first, last := outline[0].x, outline[len(outline)-1].x
		outline = append([]point{{first, leastCount}}, append(outline, point{last, leastCount})...)
		p.data = append(p.data, curve{name: h.Name, style: i, segs: [][]point{outline}})
		p.shades = append(p.shades, shade{style: i, outline: outline})
		if len(bars.segs) > 0 {
			p.data = append(p.data, bars)
		}
	}
	slices.Sort(edges)
	var at, of []float64
	for _, e := range slices.Compact(edges) {
		at, of = append(at, place(e)), append(of, e)
	}
	p.measure()
	p.ticks, p.floor, p.whole = edgeTicks{at, of}, leastCount, false
	return &Figure{rows: [][]panel{{p}}}, nil
}

func (h Histogram) check(i int) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("plot: Decades: histogram %d (%q) "+format, append([]any{i + 1, h.Name}, args...)...)
	}
	if len(h.Count) == 0 || len(h.Edges) != len(h.Count)+1 {
		return fail("has %d Edges and %d Count values; give one edge more than counts, of which there is one at least", len(h.Edges), len(h.Count))
	}
	if h.Error != nil && len(h.Error) != len(h.Count) {
		return fail("has %d Count and %d Error values; give as many, or leave Error nil", len(h.Count), len(h.Error))
	}
	for k, e := range h.Edges {
		if !finite(e) || k > 0 && e <= h.Edges[k-1] {
			return fail("has Edges[%d] = %g, want finite values that increase", k, e)
		}
	}
	for k, e := range h.Error {
		if e < 0 {
			return fail("has Error[%d] = %g, want 0 or more", k, e)
		}
	}
	return nil
}

// edgeTicks labels the edges of a histogram at their places.
type edgeTicks struct{ at, edges []float64 }

// Ticks implements plot.Ticker: every edge has a tick, and as many have labels as fit.
func (t edgeTicks) Ticks(lo, hi float64) []plot.Tick {
	every := 1 + len(t.at)/13
	nearest := 0 // The edge nearest to zero, from which on labels are counted.
	for i, e := range t.edges {
		if math.Abs(e) < math.Abs(t.edges[nearest]) || e > 0 && math.Abs(e) == math.Abs(t.edges[nearest]) {
			nearest = i
		}
	}
	var out []plot.Tick
	for i, at := range t.at {
		tick := plot.Tick{Value: at}
		if (i-nearest)%every == 0 && lo <= at && at <= hi {
			tick.Label = powerOrNumber(t.edges[i])
		}
		out = append(out, tick)
	}
	return out
}

// powerOrNumber writes powers of ten as such, and other numbers short.
func powerOrNumber(v float64) string {
	if e := math.Log10(math.Abs(v)); v != 0 && math.Abs(e-math.Round(e)) < 1e-9 {
		sign := ""
		if v < 0 {
			sign = "−"
		}
		return sign + decade(1, int(math.Round(e)), false)
	}
	return number(v, 3)
}
