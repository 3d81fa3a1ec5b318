package plot

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Series is one named curve or point cloud. X and Y have the same length;
// X nil stands for 0, 1, 2, … An empty name keeps it out of the legend.
type Series struct {
	Name string
	X, Y []float64
}

// Colours by Okabe and Ito, told apart with any kind of colour blindness (the
// yellow is left out: too pale on white), each with a dash pattern of its own
// so that a figure survives a printer without colour.
var (
	seriesColors = []color.NRGBA{
		{0x00, 0x72, 0xb2, 255}, {0xd5, 0x5e, 0x00, 255}, {0x00, 0x9e, 0x73, 255}, {0xcc, 0x79, 0xa7, 255},
		{0xe6, 0x9f, 0x00, 255}, {0x56, 0xb4, 0xe9, 255}, {0x00, 0x00, 0x00, 255}, {0x8c, 0x56, 0x4b, 255},
	}
	seriesDashes = [][]vg.Length{
		nil, {6, 2}, {2, 1.5}, {7, 2, 1.5, 2}, {10, 2.5}, {7, 2, 1.5, 2, 1.5, 2}, {4, 1.5}, {1.2, 2},
	}
)

func seriesLine(i int) draw.LineStyle {
	// After eight, colours come again with another dash pattern.
	return draw.LineStyle{
		Color:  seriesColors[i%len(seriesColors)],
		Width:  1.4,
		Dashes: seriesDashes[(i+i/len(seriesColors))%len(seriesDashes)],
	}
}

// kind says how a curves panel draws its series.
type kind int

const (
	logLines kind = iota
	linearLines
	dots
)

// curves is a panel of series on common axes.
type curves struct {
	title, xlabel, ylabel  string
	names                  []string
	data                   [][][]point // By series, then by unbroken segment.
	kind                   kind
	xmin, xmax, ymin, ymax float64
	whole                  bool // All x are integers, such as iterations.
}

// Convergence draws loss or error histories on a logarithmic y axis, with a
// legend outside of the axes. Points with y ≤ 0, NaN or ±Inf cannot be drawn:
// they are left out, and the curve is broken there. It is an error when X and
// Y of a series differ in length, or when no point at all is left. Long series
// are thinned without visible change, keeping every spike.
func Convergence(title, xlabel, ylabel string, series ...Series) (*Figure, error) {
	return newCurves("Convergence", logLines, title, xlabel, ylabel, series)
}

// Lines draws curves on linear axes, for example a solution in one dimension
// next to its reference. NaN and ±Inf break a curve. It is an error when X and
// Y of a series differ in length, or when no point at all is left.
func Lines(title, xlabel, ylabel string, series ...Series) (*Figure, error) {
	return newCurves("Lines", linearLines, title, xlabel, ylabel, series)
}

// Points draws dots, for example collocation points in the interior and on the
// boundary. Both axes have one scale, unless the range of one is more than four
// times that of the other. Errors are those of Lines.
func Points(title, xlabel, ylabel string, series ...Series) (*Figure, error) {
	return newCurves("Points", dots, title, xlabel, ylabel, series)
}

func newCurves(function string, k kind, title, xlabel, ylabel string, series []Series) (*Figure, error) {
	p := &curves{
		title: title, xlabel: xlabel, ylabel: ylabel, kind: k, whole: k == logLines,
		xmin: math.Inf(1), xmax: math.Inf(-1), ymin: math.Inf(1), ymax: math.Inf(-1),
	}
	given := 0
	for i, s := range series {
		if s.X != nil && len(s.X) != len(s.Y) {
			return nil, fmt.Errorf("plot: %s: series %d (%q) has %d X and %d Y values; give as many X as Y, or leave X nil for 0, 1, 2, …",
				function, i+1, s.Name, len(s.X), len(s.Y))
		}
		given += len(s.Y)
		segs := segments(s.X, s.Y, k == logLines)
		for _, seg := range segs {
			for _, q := range seg {
				p.whole = p.whole && q.x == math.Trunc(q.x)
				p.xmin, p.xmax = math.Min(p.xmin, q.x), math.Max(p.xmax, q.x)
				p.ymin, p.ymax = math.Min(p.ymin, q.y), math.Max(p.ymax, q.y)
			}
		}
		p.names = append(p.names, s.Name)
		p.data = append(p.data, segs)
	}
	if p.xmin > p.xmax {
		want := "finite"
		if k == logLines {
			want = "positive and finite"
		}
		return nil, fmt.Errorf("plot: %s: nothing to draw: of %d points in %d series none has a y that is %s; has anything been recorded yet?",
			function, given, len(series), want)
	}
	if k != dots {
		for _, segs := range p.data {
			for i := range segs {
				segs[i] = decimate(segs[i], p.xmin, p.xmax, int(curveWidth))
			}
		}
	}
	return &Figure{rows: [][]panel{{p}}}, nil
}

func (p *curves) name() string {
	text := p.title
	for _, n := range p.names {
		if n != "" {
			text += ", " + n
		}
	}
	return text
}

func (p *curves) size(width vg.Length) (w, h vg.Length) {
	w, h = curveWidth, curveHeight
	if p.kind == dots {
		w, h = heatWidth+60, heatWidth
	}
	if width > 0 && width < w {
		h = max(min(h, 180), h*width/w)
		w = width
	}
	leg := p.legend(w)
	if leg.below {
		h += leg.height
	}
	if p.equal() { // Leave out the height that equal scales do not need.
		const trial = 1000
		pl, area, _ := p.axes(draw.Canvas{Rectangle: vg.Rectangle{Max: vg.Point{X: w, Y: trial}}}, leg)
		before := area.Max.Y - area.Min.Y
		area = equalAspect(pl, area)
		if needed := trial - before + area.Max.Y - area.Min.Y; needed > 0 && needed < h {
			h = max(needed, 120)
		}
	}
	return w, h
}

// equal says whether a unit is as long in x as in y: for dots, but not where
// that would make a sliver of them.
func (p *curves) equal() bool {
	xmin, xmax, ymin, ymax := p.limits()
	ratio := (xmax - xmin) / (ymax - ymin)
	return p.kind == dots && 0.25 <= ratio && ratio <= 4
}

// limits returns the range of the axes: that of the data and a little more.
func (p *curves) limits() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax = p.xmin, p.xmax
	pad := 0.02
	if p.kind == dots {
		pad = 0.03
	}
	xmin, xmax = widen(xmin, xmax, pad)
	if p.kind != logLines {
		ymin, ymax = widen(p.ymin, p.ymax, max(pad, 0.05))
		return xmin, xmax, ymin, ymax
	}
	a, b := math.Log10(p.ymin), math.Log10(p.ymax)
	margin := math.Max(0.04*(b-a), 0.05)
	if b-a < 0.3 { // Nearly constant: do not blow up noise to the full height.
		margin = (0.6 - (b - a)) / 2
	}
	return xmin, xmax, math.Pow(10, math.Max(a-margin, -307)), math.Pow(10, math.Min(b+margin, 308))
}

// widen adds a share of the range at both ends; a single value gets a range of its size.
func widen(lo, hi, share float64) (float64, float64) {
	margin := share * (hi/2 - lo/2) * 2
	if !finite(margin) {
		margin = 0
	}
	if hi-lo <= 1e-12*math.Max(math.Abs(lo), math.Abs(hi)) {
		margin = math.Max(0.5*math.Abs(lo), 0.5)
		if math.Abs(lo) > 0 {
			margin = 0.5 * math.Abs(lo)
		}
	}
	return lo - margin, hi + margin
}

// logScale maps to [0, 1] by the logarithm.
type logScale struct{}

// Normalize implements plot.Normalizer.
func (logScale) Normalize(lo, hi, x float64) float64 {
	return (math.Log(x) - math.Log(lo)) / (math.Log(hi) - math.Log(lo))
}

// axes prepares the axes on the panel c, and returns the area for them.
func (p *curves) axes(c draw.Canvas, leg legend) (*plot.Plot, draw.Canvas, title) {
	pl := axes(p.xlabel, p.ylabel)
	pl.X.Min, pl.X.Max, pl.Y.Min, pl.Y.Max = p.limits()
	heading := title(p.title)
	area := draw.Crop(c, 4, -8, 4, -heading.fit(c.Max.X-c.Min.X-8))
	if leg.below {
		area.Min.Y += leg.height
	} else {
		area.Max.X -= leg.width
	}
	pl.X.Tick.Marker = linearTicks{want: max(3, int((area.Max.X-area.Min.X)/60)), whole: p.whole}
	wantY := max(3, int((area.Max.Y-area.Min.Y)/26))
	switch p.kind {
	case logLines:
		// gonum/plot would leave room for the label at the arithmetic middle of the axis, which is near its top.
		if p.ylabel != "" {
			pl.Y.Label.Text = ""
			area.Min.X += pl.Y.Label.TextStyle.Height(p.ylabel) + pl.Y.Label.Padding
		}
		pl.Y.Scale = logScale{}
		pl.Y.Tick.Marker = logTicks{want: wantY}
	case linearLines:
		pl.Y.Tick.Marker = linearTicks{want: wantY}
	case dots:
		if !p.equal() {
			pl.Y.Tick.Marker = linearTicks{want: wantY}
			break
		}
		// One scale, one step.
		size := area.Size()
		step := niceStep(math.Max((pl.X.Max-pl.X.Min)*38/float64(size.X), (pl.Y.Max-pl.Y.Min)*38/float64(size.Y)))
		pl.X.Tick.Marker, pl.Y.Tick.Marker = linearTicks{step: step}, linearTicks{step: step}
	}
	return pl, area, heading
}

func (p *curves) draw(c draw.Canvas) {
	leg := p.legend(c.Max.X - c.Min.X)
	pl, area, heading := p.axes(c, leg)
	if p.equal() {
		area = equalAspect(pl, area)
	}
	pl.Add(backdrop{})
	pl.Add(p)
	pl.Draw(area)
	inner := pl.DataCanvas(area)
	heading.draw(c, inner)
	leg.draw(c, inner)
	if p.kind == logLines && p.ylabel != "" {
		sty := pl.Y.Label.TextStyle
		sty.Rotation = math.Pi / 2
		c.FillText(sty, vg.Point{X: area.Min.X - pl.Y.Label.Padding, Y: (inner.Min.Y + inner.Max.Y) / 2}, p.ylabel)
	}
}

// Plot implements plot.Plotter: it draws the data, clipped to the axes.
func (p *curves) Plot(c draw.Canvas, pl *plot.Plot) {
	trX, trY := pl.Transforms(&c)
	for i, segs := range p.data {
		line := seriesLine(i)
		radius := p.radius()
		if p.kind != dots {
			radius = 1.6
		}
		glyph := draw.GlyphStyle{Color: line.Color, Radius: radius, Shape: draw.CircleGlyph{}}
		for _, seg := range segs {
			if p.kind == dots || len(seg) == 1 { // A line of one point would be invisible.
				for _, q := range seg {
					c.DrawGlyph(glyph, vg.Point{X: trX(q.x), Y: trY(q.y)})
				}
				continue
			}
			path := make([]vg.Point, len(seg))
			for j, q := range seg {
				path[j] = vg.Point{X: trX(q.x), Y: trY(q.y)}
			}
			c.StrokeLines(line, path)
		}
	}
}

// radius makes dots smaller the more there are.
func (p *curves) radius() vg.Length {
	n := 0
	for _, segs := range p.data {
		for _, seg := range segs {
			n += len(seg)
		}
	}
	return vg.Length(math.Min(2.2, math.Max(0.7, 60/math.Sqrt(float64(n+1)))))
}

// equalAspect shrinks area until one unit is as long in x as in y. Tick labels
// change with the size, so it takes a few rounds to settle.
func equalAspect(pl *plot.Plot, area draw.Canvas) draw.Canvas {
	for range 3 {
		inner := pl.DataCanvas(area)
		size := inner.Size()
		ux, uy := size.X/vg.Length(pl.X.Max-pl.X.Min), size.Y/vg.Length(pl.Y.Max-pl.Y.Min)
		if ux > uy {
			area.Max.X -= size.X * (1 - uy/ux)
		} else {
			area.Min.Y += size.Y * (1 - ux/uy)
		}
	}
	return area
}

// backdrop draws the grid lines behind the data and a frame around it.
type backdrop struct{}

// Plot implements plot.Plotter.
func (backdrop) Plot(c draw.Canvas, pl *plot.Plot) {
	trX, trY := pl.Transforms(&c)
	styleOf := func(t plot.Tick) draw.LineStyle {
		if t.IsMinor() {
			return draw.LineStyle{Color: faintGrid, Width: 0.5}
		}
		return draw.LineStyle{Color: gridColor, Width: 0.6}
	}
	for _, t := range pl.X.Tick.Marker.Ticks(pl.X.Min, pl.X.Max) {
		if x := trX(t.Value); t.Value >= pl.X.Min && t.Value <= pl.X.Max {
			c.StrokeLine2(styleOf(t), x, c.Min.Y, x, c.Max.Y)
		}
	}
	for _, t := range pl.Y.Tick.Marker.Ticks(pl.Y.Min, pl.Y.Max) {
		if y := trY(t.Value); t.Value >= pl.Y.Min && t.Value <= pl.Y.Max {
			c.StrokeLine2(styleOf(t), c.Min.X, y, c.Max.X, y)
		}
	}
	frame(c)
}

func frame(c draw.Canvas) {
	c.StrokeLines(draw.LineStyle{Color: inkColor, Width: 0.6}, []vg.Point{
		c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y}, c.Min,
	})
}
