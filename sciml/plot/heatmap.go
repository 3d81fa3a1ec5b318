package plot

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Grid holds the values of a field u on the nodes of a rectangular grid.
// U[i+len(X)*j] = u(X[i], Y[j]). X and Y increase strictly, with two nodes or
// more, not necessarily equally spaced. NaN and ±Inf in U are drawn grey.
type Grid struct {
	X, Y []float64
	U    []float64
}

// Sample evaluates u on nx by ny equally spaced nodes of [x0, x1] × [y0, y1].
// A grid that makes no sense, with a single node for example, is reported by
// the figure that is drawn from it.
func Sample(u func(x, y float64) float64, x0, x1 float64, nx int, y0, y1 float64, ny int) Grid {
	nx, ny = max(nx, 0), max(ny, 0)
	g := Grid{X: make([]float64, nx), Y: make([]float64, ny), U: make([]float64, nx*ny)}
	for i := range g.X {
		g.X[i] = x0 + (x1-x0)*float64(i)/float64(nx-1)
	}
	for j := range g.Y {
		g.Y[j] = y0 + (y1-y0)*float64(j)/float64(ny-1)
		for i, x := range g.X {
			g.U[i+nx*j] = u(x, g.Y[j])
		}
	}
	return g
}

func (g Grid) check(function string) error {
	for _, axis := range []struct {
		name   string
		values []float64
	}{{"X", g.X}, {"Y", g.Y}} {
		if len(axis.values) < 2 {
			return fmt.Errorf("plot: %s: Grid.%s has %d nodes, want 2 or more", function, axis.name, len(axis.values))
		}
		for i, v := range axis.values {
			if !finite(v) || (i > 0 && v <= axis.values[i-1]) {
				return fmt.Errorf("plot: %s: Grid.%s[%d] is %g, want finite values that increase strictly; sort the grid", function, axis.name, i, v)
			}
		}
	}
	if len(g.U) != len(g.X)*len(g.Y) {
		return fmt.Errorf("plot: %s: Grid.U has %d values, want len(X)·len(Y) = %d·%d = %d, ordered with x fastest",
			function, len(g.U), len(g.X), len(g.Y), len(g.X)*len(g.Y))
	}
	return nil
}

// HeatOption changes how HeatMap draws.
type HeatOption func(*heat)

// Diverging colours a signed field from blue over white at zero to red.
func Diverging() HeatOption { return func(h *heat) { h.diverging = true } }

// LogColor maps colours to the logarithm of the field: for absolute errors.
// The scale begins at the 2 % quantile of the positive values, since an error
// that changes its sign is tiny along some lines; what lies below, down to 0,
// gets its colour.
func LogColor() HeatOption { return func(h *heat) { h.log = true } }

// ColorRange fixes the values at the two ends of the colour scale, so that
// several maps can be compared. Values beyond get the colour of the nearest end.
func ColorRange(lo, hi float64) HeatOption {
	return func(h *heat) { h.fixed, h.lo, h.hi = true, lo, hi }
}

// AxisLabels replaces the labels "x" and "y".
func AxisLabels(x, y string) HeatOption { return func(h *heat) { h.xlabel, h.ylabel = x, y } }

// FreeAspect fills the panel even if a unit of x is then not as long as one of
// y: for fields over space and time. Without it the scales are equal, unless
// one side of the domain is more than four times as long as the other.
func FreeAspect() HeatOption { return func(h *heat) { h.free = true } }

// heat is a panel that holds a heat map and its colour bar.
type heat struct {
	title, xlabel, ylabel string
	grid                  Grid
	diverging, log, fixed bool
	free                  bool
	labels                vg.Length // Width of the widest label along the colour bar, of all in a figure.
	beside                []title   // Titles of the maps in the same row.
	lo, hi                float64
	colors                []color.NRGBA // 255 steps from lo to hi.
	picture               image.Image

	contours bool
	given    []float64 // Levels asked for.
	levels   []float64
	lines    [][]point // Those of the levels.
	over     []curve   // Paths and dots.
	soft     bool      // Colours that leave room for what lies over them.
	err      error     // Of an option.
}

// HeatMap draws the field of grid in colour, with a colour bar. Between nodes
// it interpolates linearly. The colour map is perceptually uniform (viridis;
// magma with LogColor), or blue-white-red with Diverging. A field without any
// finite value is an error, as is a grid with inconsistent sizes.
func HeatMap(title string, grid Grid, options ...HeatOption) (*Figure, error) {
	return heatMap("HeatMap", title, grid, options)
}

func heatMap(function, title string, grid Grid, options []HeatOption) (*Figure, error) {
	h := &heat{title: title, xlabel: "x", ylabel: "y", grid: grid}
	for _, o := range options {
		o(h)
	}
	if err := grid.check(function); err != nil {
		return nil, err
	}
	if err := h.scale(function); err != nil {
		return nil, err
	}
	if err := h.checkOptions(function); err != nil {
		return nil, err
	}
	switch {
	case h.diverging:
		h.colors = ramp(divergingColors)
	case h.log && !h.soft:
		h.colors = ramp(magmaColors)
	default:
		h.colors = ramp(viridisColors)
	}
	h.draft()
	return &Figure{rows: [][]panel{{h}}}, nil
}

// draft makes what depends on the scale of the colours.
func (h *heat) draft() {
	h.picture = h.raster()
	_, h.labels = h.barTicks()
	if h.contours {
		h.contour()
	}
}

// Compare draws a field, its reference and the absolute difference side by
// side. The first two share one colour scale, that of the reference; the
// difference has a logarithmic one. Reference holds values on the nodes of
// grid, in the same order as grid.U. Of the options, LogColor and ColorRange
// concern the first two maps only.
func Compare(title string, grid Grid, reference []float64, options ...HeatOption) (*Figure, error) {
	if len(reference) != len(grid.U) {
		return nil, fmt.Errorf("plot: Compare: reference has %d values and Grid.U %d; give both on the same nodes", len(reference), len(grid.U))
	}
	exact := Grid{X: grid.X, Y: grid.Y, U: reference}
	lo, hi := bounds(reference, false)
	shared := options
	if lo < hi {
		var probe heat
		for _, o := range options {
			o(&probe)
		}
		if probe.diverging {
			hi = math.Max(math.Abs(lo), math.Abs(hi))
			lo = -hi
		}
		if !probe.fixed && (!probe.log || lo > 0) {
			shared = append([]HeatOption{ColorRange(lo, hi)}, options...)
		}
	}
	diff := Grid{X: grid.X, Y: grid.Y, U: make([]float64, len(reference))}
	for i, u := range grid.U {
		diff.U[i] = math.Abs(u - reference[i])
	}
	solution, err := HeatMap(title, grid, shared...)
	if err != nil {
		return nil, err
	}
	second, err := HeatMap("reference", exact, shared...)
	if err != nil {
		return nil, err
	}
	own := append(append([]HeatOption{}, options...), LogColor(), func(h *heat) { h.fixed, h.diverging = false, false })
	third, err := HeatMap("|difference|", diff, own...)
	if err != nil {
		return nil, err
	}
	return Row(solution, second, third)
}

// bounds returns the smallest and the largest finite (and positive) value.
func bounds(u []float64, positive bool) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range u {
		if finite(v) && !(positive && v <= 0) {
			lo, hi = math.Min(lo, v), math.Max(hi, v)
		}
	}
	return lo, hi
}

// quantile returns the q-quantile of the positive finite values of u.
func quantile(u []float64, q float64) float64 {
	var sorted []float64
	for _, v := range u {
		if v > 0 && finite(v) {
			sorted = append(sorted, v)
		}
	}
	slices.Sort(sorted)
	return sorted[int(q*float64(len(sorted)))]
}

// scale decides the values at the two ends of the colour scale.
func (h *heat) scale(function string) error {
	if h.fixed {
		if !finite(h.lo) || !finite(h.hi) || !(h.lo < h.hi) || (h.log && h.lo <= 0) {
			return fmt.Errorf("plot: %s: the colour range is %g to %g, want finite values that increase (and are positive with LogColor)", function, h.lo, h.hi)
		}
		return nil
	}
	any, _ := bounds(h.grid.U, false)
	if math.IsInf(any, 1) {
		return fmt.Errorf("plot: %s: nothing to draw: none of the %d values of Grid.U is finite", function, len(h.grid.U))
	}
	lo, hi := bounds(h.grid.U, h.log)
	switch {
	case h.log && lo > hi: // An error that is zero everywhere.
		lo, hi = 1e-17, 1e-15
	case h.log:
		lo = math.Max(quantile(h.grid.U, 0.02), hi*1e-12)
		if hi < lo*1.5 {
			lo, hi = lo/3, hi*3
		}
	case h.diverging:
		hi = math.Max(math.Abs(lo), math.Abs(hi))
		hi = cmp.Or(hi, 1)
		lo = -hi
	case hi-lo <= 1e-12*math.Max(math.Abs(lo), math.Abs(hi)):
		lo, hi = widen(lo, hi, 0)
	}
	h.lo, h.hi = lo, hi
	return nil
}

// place returns where v lies on the colour scale, 0 at its lower end and 1 at its upper.
func (h *heat) place(v float64) float64 {
	t := (v - h.lo) / (h.hi - h.lo)
	if h.log {
		if v <= 0 {
			return 0
		}
		t = (math.Log(v) - math.Log(h.lo)) / (math.Log(h.hi) - math.Log(h.lo))
	}
	return math.Max(0, math.Min(1, t))
}

const missing = 255 // Index of the colour of values that are not finite.

// raster paints the field into an image of 256 colours: small as PNG, smooth
// to the eye, and its size does not grow with the grid.
func (h *heat) raster() image.Image {
	const most = 480
	nx, ny := len(h.grid.X), len(h.grid.Y)
	x0, x1 := h.grid.X[0], h.grid.X[nx-1]
	y0, y1 := h.grid.Y[0], h.grid.Y[ny-1]
	w, ht := most, most
	if ratio := (y1 - y0) / (x1 - x0); !h.unequal() {
		if ratio < 1 {
			ht = max(2, int(most*ratio))
		} else {
			w = max(2, int(most/ratio))
		}
	}
	colors := make(color.Palette, 256)
	for i, c := range h.colors {
		colors[i] = c
	}
	colors[missing] = color.NRGBA{R: 0xb0, G: 0xb0, B: 0xb0, A: 255}
	img := image.NewPaletted(image.Rect(0, 0, w, ht), colors)
	atX := interpolation(h.grid.X, w)
	atY := interpolation(h.grid.Y, ht)
	for j, b := range atY {
		row := img.Pix[(ht-1-j)*img.Stride:]
		for i, a := range atX {
			v00, v10 := h.grid.U[a.node+nx*b.node], h.grid.U[a.node+1+nx*b.node]
			v01, v11 := h.grid.U[a.node+nx*(b.node+1)], h.grid.U[a.node+1+nx*(b.node+1)]
			// A missing node must not spoil a pixel that does not touch it.
			v := mix(mix(v00, v10, a.share), mix(v01, v11, a.share), b.share)
			if !finite(v) {
				row[i] = missing
				continue
			}
			row[i] = uint8(math.Round(h.place(v) * 254))
		}
	}
	return img
}

func mix(a, b, share float64) float64 {
	switch share {
	case 0:
		return a
	case 1:
		return b
	}
	return a*(1-share) + b*share
}

// between is a position in a row of nodes: node + share.
type between struct {
	node  int
	share float64
}

// interpolation returns where the centres of n pixels lie among the nodes.
func interpolation(nodes []float64, n int) []between {
	out := make([]between, n)
	lo, hi := nodes[0], nodes[len(nodes)-1]
	node := 0
	for i := range out {
		at := lo + (hi-lo)*float64(i)/float64(n-1)
		for node < len(nodes)-2 && at > nodes[node+1] {
			node++
		}
		share := (at - nodes[node]) / (nodes[node+1] - nodes[node])
		out[i] = between{node, math.Max(0, math.Min(1, share))}
	}
	return out
}

// unequal says whether the axes have different scales.
func (h *heat) unequal() bool {
	x := h.grid.X[len(h.grid.X)-1] - h.grid.X[0]
	y := h.grid.Y[len(h.grid.Y)-1] - h.grid.Y[0]
	return h.free || x > 4*y || y > 4*x
}

func (h *heat) name() string { return h.described() }

const (
	barGap   vg.Length = 6
	barWidth vg.Length = 9
)

// axes prepares the axes for a panel of the given width.
func (h *heat) axes(width vg.Length) *plot.Plot {
	pl := axes(h.xlabel, h.ylabel)
	pl.X.Min, pl.X.Max = h.grid.X[0], h.grid.X[len(h.grid.X)-1]
	pl.Y.Min, pl.Y.Max = h.grid.Y[0], h.grid.Y[len(h.grid.Y)-1]
	want := max(2, min(6, int(width/50)))
	pl.X.Tick.Marker, pl.Y.Tick.Marker = linearTicks{want: want}, linearTicks{want: want}
	return pl
}

// barTicks returns the ticks of the colour bar, and their greatest width.
func (h *heat) barTicks() ([]plot.Tick, vg.Length) {
	var ticks []plot.Tick
	if h.log {
		ticks = logTicks{want: 6}.Ticks(h.lo, h.hi)
	} else {
		ticks = linearTicks{want: 5}.Ticks(h.lo, h.hi)
	}
	sty := style(tickSize, draw.XLeft, draw.YCenter)
	var width vg.Length
	for _, t := range ticks {
		width = max(width, sty.Width(t.Label))
	}
	return ticks, width
}

// area returns the part of c that the axes get; the rest is for the colour bar
// and the title, which gets as much room as the tallest in the row.
func (h *heat) area(c draw.Canvas) (draw.Canvas, title) {
	heading, width := title(h.title), c.Max.X-c.Min.X-4
	top := heading.fit(width)
	for _, t := range h.beside {
		top = max(top, t.fit(width))
	}
	return draw.Crop(c, 4, -(barGap + barWidth + 6 + h.labels + 2), 4+h.legend(c.Max.X-c.Min.X).height, -top), heading
}

func (h *heat) size(width vg.Length) (vg.Length, vg.Length) {
	width = cmp.Or(width, heatWidth)
	if h.unequal() {
		return width, max(150, 0.8*width) + h.legend(width).height
	}
	// The margins of the axes do not depend on the height: try one, correct it.
	const trial = 1000
	pl := h.axes(width)
	whole := draw.Canvas{Rectangle: vg.Rectangle{Max: vg.Point{X: width, Y: trial}}}
	area, _ := h.area(whole)
	inner := pl.DataCanvas(area).Size()
	ratio := (pl.Y.Max - pl.Y.Min) / (pl.X.Max - pl.X.Min)
	return width, trial - inner.Y + inner.X*vg.Length(ratio)
}

func (h *heat) draw(c draw.Canvas) {
	pl := h.axes(c.Max.X - c.Min.X)
	pl.Add(h)
	area, heading := h.area(c)
	pl.Draw(area)
	inner := pl.DataCanvas(area)
	heading.draw(c, inner)
	frame(inner)
	h.legend(c.Max.X-c.Min.X).draw(c, inner)

	bar := vg.Rectangle{
		Min: vg.Point{X: inner.Max.X + barGap, Y: inner.Min.Y},
		Max: vg.Point{X: inner.Max.X + barGap + barWidth, Y: inner.Max.Y},
	}
	strip := image.NewNRGBA(image.Rect(0, 0, 1, len(h.colors)))
	for i, col := range h.colors {
		strip.SetNRGBA(0, len(h.colors)-1-i, col)
	}
	c.DrawImage(bar, stretch(strip))
	if h.contours {
		for _, l := range h.levels {
			if h.lo < l && l < h.hi {
				y := bar.Min.Y + vg.Length(h.place(l))*(bar.Max.Y-bar.Min.Y)
				c.StrokeLine2(draw.LineStyle{Color: color.White, Width: 0.6}, bar.Min.X, y, bar.Max.X, y)
			}
		}
	}
	frame(draw.Canvas{Canvas: c.Canvas, Rectangle: bar})
	ticks, _ := h.barTicks()
	sty := style(tickSize, draw.XLeft, draw.YCenter)
	line := draw.LineStyle{Color: inkColor, Width: 0.6}
	for _, t := range ticks {
		if slack := 1e-9 * math.Abs(t.Value); t.Value < h.lo-slack || t.Value > h.hi+slack {
			continue
		}
		y := bar.Min.Y + vg.Length(h.place(t.Value))*(bar.Max.Y-bar.Min.Y)
		length := vg.Length(3)
		if t.IsMinor() {
			length = 1.5
		}
		c.StrokeLine2(line, bar.Max.X, y, bar.Max.X+length, y)
		c.FillText(sty, vg.Point{X: bar.Max.X + 6, Y: y + 1}, t.Label)
	}
}

// stretch makes a strip of one pixel wider, since scaling a single column
// would fade it out at its borders.
func stretch(strip *image.NRGBA) image.Image {
	b := strip.Bounds()
	out := image.NewNRGBA(image.Rect(0, 0, 16, b.Dy()))
	for y := range b.Dy() {
		for x := range 16 {
			out.SetNRGBA(x, y, strip.NRGBAAt(0, y))
		}
	}
	return out
}

// Plot implements plot.Plotter.
func (h *heat) Plot(c draw.Canvas, pl *plot.Plot) {
	c.DrawImage(c.Rectangle, h.picture)
	h.drawContours(c, pl)
	h.drawOver(c, pl)
}
