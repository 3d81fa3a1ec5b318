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

// curve is one line or cloud of a panel.
type curve struct {
	name  string    // Empty keeps it out of the legend.
	style int       // Which of the colours and dashes.
	segs  [][]point // Unbroken pieces.
	look  look
}

// look says how a curve is drawn.
type look int

const (
	plain  look = iota
	marked      // A line with a dot at each point.
	dots
	faint // Thin and pale: one run among those of a band.
	quiet // Thin and grey: what is there for orientation, such as contours.
	errorBars
)

// shade is a filled region: outline is closed by going back to its start.
type shade struct {
	style   int
	outline []point
}

// curves is a panel of series on common axes.
type curves struct {
	title, xlabel, ylabel  string
	data                   []curve
	shades                 []shade // Behind the curves.
	shading                string  // What the shaded regions are, for the legend.
	logX, logY             bool
	square                 bool // One scale on both axes, where that makes no sliver.
	xmin, xmax, ymin, ymax float64
	xrange, yrange         [2]float64  // Ends of the axes in place of those that fit the data, if not 0.
	whole                  bool        // All x are integers, such as iterations.
	ticks                  plot.Ticker // Of x, in place of those that fit the axis, if not nil.
	floor                  float64     // Where the y axis begins, if not 0.
}

// Convergence draws loss or error histories on a logarithmic y axis, with a
// legend outside of the axes. Points with y ≤ 0, NaN or ±Inf cannot be drawn:
// they are left out, and the curve is broken there. It is an error when X and
// Y of a series differ in length, or when no point at all is left. Long series
// are thinned without visible change, keeping every spike.
func Convergence(title, xlabel, ylabel string, series ...Series) (*Figure, error) {
	return newCurves("Convergence", plain, true, title, xlabel, ylabel, series)
}

// Lines draws curves on linear axes, for example a solution in one dimension
// next to its reference. NaN and ±Inf break a curve. It is an error when X and
// Y of a series differ in length, or when no point at all is left.
func Lines(title, xlabel, ylabel string, series ...Series) (*Figure, error) {
	return newCurves("Lines", plain, false, title, xlabel, ylabel, series)
}

// Points draws dots, for example collocation points in the interior and on the
// boundary. Both axes have one scale, unless the range of one is more than four
// times that of the other. Errors are those of Lines.
func Points(title, xlabel, ylabel string, series ...Series) (*Figure, error) {
	return newCurves("Points", dots, false, title, xlabel, ylabel, series)
}

func newCurves(function string, as look, logY bool, title, xlabel, ylabel string, series []Series) (*Figure, error) {
	p := &curves{title: title, xlabel: xlabel, ylabel: ylabel, logY: logY, square: as == dots}
	given := 0
	for i, s := range series {
		if err := s.check(function, i); err != nil {
			return nil, err
		}
		given += len(s.Y)
		p.data = append(p.data, curve{name: s.Name, style: i, segs: segments(s.X, s.Y, logY), look: as})
	}
	if !p.measure() {
		want := "finite"
		if logY {
			want = "positive and finite"
		}
		return nil, fmt.Errorf("plot: %s: nothing to draw: of %d points in %d series none has a y that is %s; has anything been recorded yet?",
			function, given, len(series), want)
	}
	return &Figure{rows: [][]panel{{p}}}, nil
}

// check reports a series whose X do not belong to its Y; i counts from 0.
func (s Series) check(function string, i int) error {
	if s.X != nil && len(s.X) != len(s.Y) {
		return fmt.Errorf("plot: %s: series %d (%q) has %d X and %d Y values; give as many X as Y, or leave X nil for 0, 1, 2, …",
			function, i+1, s.Name, len(s.X), len(s.Y))
	}
	return nil
}

// measure finds the range of the data, and says whether there is anything to draw.
func (p *curves) measure() bool {
	p.xmin, p.xmax, p.ymin, p.ymax = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	p.whole = p.logY
	include := func(points []point) {
		for _, q := range points {
			p.whole = p.whole && q.x == math.Trunc(q.x)
			p.xmin, p.xmax = math.Min(p.xmin, q.x), math.Max(p.xmax, q.x)
			p.ymin, p.ymax = math.Min(p.ymin, q.y), math.Max(p.ymax, q.y)
		}
	}
	for _, c := range p.data {
		for _, seg := range c.segs {
			include(seg)
		}
	}
	for _, s := range p.shades {
		include(s.outline)
	}
	return p.xmin <= p.xmax
}

func (p *curves) name() string {
	text := p.title
	for _, c := range p.data {
		if c.name != "" {
			text += ", " + c.name
		}
	}
	if p.shading != "" {
		text += " (shaded: " + p.shading + ")"
	}
	return text
}

func (p *curves) size(width vg.Length) (w, h vg.Length) {
	w, h = curveWidth, curveHeight
	if p.square {
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

// equal says whether a unit is as long in x as in y: where that is asked for,
// but not where it would make a sliver.
func (p *curves) equal() bool {
	if !p.square || p.logX || p.logY {
		return false
	}
	xmin, xmax, ymin, ymax := p.limits()
	ratio := (xmax - xmin) / (ymax - ymin)
	return 0.25 <= ratio && ratio <= 4
}

// limits returns the range of the axes: that of the data and a little more.
func (p *curves) limits() (xmin, xmax, ymin, ymax float64) {
	pad := 0.02
	if p.square {
		pad = 0.03
	}
	if p.logX {
		xmin, xmax = widenLog(p.xmin, p.xmax, pad)
	} else {
		xmin, xmax = widen(p.xmin, p.xmax, pad)
	}
	if p.logY {
		ymin, ymax = widenLog(p.ymin, p.ymax, 0.04)
	} else {
		ymin, ymax = widen(p.ymin, p.ymax, max(pad, 0.05))
	}
	if p.xrange != [2]float64{} {
		xmin, xmax = p.xrange[0], p.xrange[1]
	}
	if p.floor != 0 {
		ymin = p.floor
	}
	if p.yrange != [2]float64{} {
		ymin, ymax = p.yrange[0], p.yrange[1]
	}
	return xmin, xmax, ymin, ymax
}

// widenLog adds a share of the decades at both ends.
func widenLog(lo, hi, share float64) (float64, float64) {
	a, b := math.Log10(lo), math.Log10(hi)
	margin := math.Max(share*(b-a), 0.05)
	if b-a < 0.3 { // Nearly constant: do not blow up noise to the full height.
		margin = (0.6 - (b - a)) / 2
	}
	return math.Pow(10, math.Max(a-margin, -307)), math.Pow(10, math.Min(b+margin, 308))
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
	wantX := max(3, int((area.Max.X-area.Min.X)/60))
	pl.X.Tick.Marker = linearTicks{want: wantX, whole: p.whole}
	if p.logX {
		pl.X.Scale, pl.X.Tick.Marker = logScale{}, logTicks{want: wantX}
		if p.xlabel != "" { // As for y below.
			pl.X.Label.Text = ""
			area.Min.Y += pl.X.Label.TextStyle.Height(p.xlabel) + pl.X.Label.Padding
		}
	}
	if p.ticks != nil {
		pl.X.Tick.Marker = p.ticks
	}
	wantY := max(3, int((area.Max.Y-area.Min.Y)/26))
	switch {
	case p.logY:
		// gonum/plot would leave room for the label at the arithmetic middle of the axis, which is near its top.
		if p.ylabel != "" {
			pl.Y.Label.Text = ""
			area.Min.X += pl.Y.Label.TextStyle.Height(p.ylabel) + pl.Y.Label.Padding
		}
		pl.Y.Scale = logScale{}
		pl.Y.Tick.Marker = logTicks{want: wantY}
	case p.equal():
		// One scale, one step.
		size := area.Size()
		step := niceStep(math.Max((pl.X.Max-pl.X.Min)*38/float64(size.X), (pl.Y.Max-pl.Y.Min)*38/float64(size.Y)))
		pl.X.Tick.Marker, pl.Y.Tick.Marker = linearTicks{step: step}, linearTicks{step: step}
	default:
		pl.Y.Tick.Marker = linearTicks{want: wantY}
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
	if p.logX && p.xlabel != "" {
		c.FillText(pl.X.Label.TextStyle, vg.Point{X: (inner.Min.X + inner.Max.X) / 2, Y: area.Min.Y - pl.X.Label.Padding - pl.X.Label.TextStyle.Height(p.xlabel)}, p.xlabel)
	}
	if p.logY && p.ylabel != "" {
		sty := pl.Y.Label.TextStyle
		sty.Rotation = math.Pi / 2
		c.FillText(sty, vg.Point{X: area.Min.X - pl.Y.Label.Padding, Y: (inner.Min.Y + inner.Max.Y) / 2}, p.ylabel)
	}
}

// Plot implements plot.Plotter: it draws the data, clipped to the axes.
func (p *curves) Plot(c draw.Canvas, pl *plot.Plot) {
	trX, trY := pl.Transforms(&c)
	at := func(points []point) []vg.Point {
		out := make([]vg.Point, len(points))
		for i, q := range points {
			out[i] = vg.Point{X: near(trX(q.x)), Y: near(trY(q.y))}
		}
		return out
	}
	column := func(q point) int { return int(curveWidth * (trX(q.x) - c.Min.X) / (c.Max.X - c.Min.X)) }
	for _, s := range p.shades {
		c.FillPolygon(paler(seriesLine(s.style).Color, shadeAlpha), at(decimate(s.outline, column, int(curveWidth))))
	}
	for _, curve := range p.data {
		sty := curve.line()
		glyph := draw.GlyphStyle{Color: sty.Color, Radius: 1.6, Shape: draw.CircleGlyph{}}
		if curve.look == dots {
			glyph.Radius = dotRadius(p.data)
		}
		for _, seg := range curve.segs {
			if curve.look != dots && len(seg) > 1 {
				c.StrokeLines(sty, c.ClipLinesXY(at(decimate(seg, column, int(curveWidth))))...)
			}
			if curve.look == dots || curve.look == marked || len(seg) == 1 { // A line of one point would be invisible.
				for _, q := range at(seg) {
					c.DrawGlyph(glyph, q)
				}
			}
		}
	}
}

// near keeps what lies far outside of the axes at numbers that clipping can compute with.
func near(at vg.Length) vg.Length { return max(-1e5, min(at, 1e5)) }

// shadeAlpha is how opaque a shaded region is: what lies behind stays visible.
const shadeAlpha = 56

// line is how the line of a curve looks.
func (c curve) line() draw.LineStyle {
	sty := seriesLine(c.style)
	switch c.look {
	case faint:
		sty.Width, sty.Dashes, sty.Color = 0.6, nil, paler(sty.Color, 140)
	case errorBars:
		sty.Width, sty.Dashes = 1, nil
	case quiet:
		sty.Width, sty.Dashes, sty.Color = 0.6, nil, quietColor
	}
	return sty
}

// paler is a colour with the given opacity of 255.
func paler(c color.Color, alpha uint8) color.NRGBA {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	n.A = alpha
	return n
}

// dotRadius makes dots smaller the more there are.
func dotRadius(clouds []curve) vg.Length {
	n := 0
	for _, c := range clouds {
		for _, seg := range c.segs {
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
