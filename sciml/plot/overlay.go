package plot

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Contours draws lines of equal value over the map, thin and white, and marks
// the levels at the colour bar. Without levels there are about a dozen at round
// values, equally spaced in the colours: in powers of ten with LogColor.
func Contours(levels ...float64) HeatOption {
	return func(h *heat) { h.contours, h.given = true, levels }
}

// Paths draws curves over the map, for example the iterates of a method: a
// circle marks the start and a diamond the end of each. What leaves the domain
// is cut off at its border. NaN and ±Inf break a path. As with a curve, X nil
// stands for 0, 1, 2, …, and a name is for the legend.
func Paths(paths ...Series) HeatOption {
	return func(h *heat) { h.overlay("Paths", plain, paths) }
}

// Dots draws points over the map, for example collocation points over the
// residual. Points outside of the domain are left out.
func Dots(clouds ...Series) HeatOption {
	return func(h *heat) { h.overlay("Dots", dots, clouds) }
}

// overlay adds curves to those over the map.
func (h *heat) overlay(option string, as look, series []Series) {
	for i, s := range series {
		if err := s.check(option, i); err != nil && h.err == nil {
			h.err = err
			return
		}
		h.over = append(h.over, curve{name: s.Name, style: len(h.over), segs: segments(s.X, s.Y, false), look: as})
	}
}

// Landscape draws a loss over two directions: colours and contours of the field
// of grid, and paths on it, for example the iterates of a method, with their
// starts (circle) and ends (diamond). Colours and contours are logarithmic,
// from the smallest value to the largest, unless a value is 0 or less: then
// they are linear, as an energy asks for. Options come on top of that, such as
// AxisLabels, Dots, or Contours with levels. Errors are those of HeatMap.
func Landscape(title string, grid Grid, paths []Series, options ...HeatOption) (*Figure, error) {
	all := []HeatOption{Contours(), Paths(paths...), AxisLabels("first direction", "second direction")}
	if lo, hi := bounds(grid.U, false); 0 < lo && lo < hi {
		all = append(all, LogColor(), ColorRange(lo, hi))
	}
	all = append(all, func(h *heat) { h.soft = true })
	return heatMap("Landscape", title, grid, append(all, options...))
}

// drawContours draws the lines of equal value.
func (h *heat) drawContours(c draw.Canvas, pl *plot.Plot) {
	trX, trY := pl.Transforms(&c)
	sty := draw.LineStyle{Color: color.NRGBA{R: 255, G: 255, B: 255, A: 190}, Width: 0.6}
	for _, line := range h.lines {
		c.StrokeLines(sty, transformed(line, trX, trY))
	}
}

// drawOver draws paths and dots with a white rim, which shows on every colour of the map.
func (h *heat) drawOver(c draw.Canvas, pl *plot.Plot) {
	trX, trY := pl.Transforms(&c)
	rim := func(at vg.Point, radius vg.Length, shape draw.GlyphDrawer, inner color.Color) {
		c.DrawGlyph(draw.GlyphStyle{Color: color.White, Radius: radius + 0.8, Shape: shape}, at)
		c.DrawGlyph(draw.GlyphStyle{Color: inner, Radius: radius, Shape: shape}, at)
	}
	for _, o := range h.over {
		line := o.line()
		if o.look == dots {
			radius := dotRadius([]curve{o})
			for _, seg := range o.segs {
				for _, at := range transformed(seg, trX, trY) {
					rim(at, radius, draw.CircleGlyph{}, line.Color)
				}
			}
			continue
		}
		halo := line
		halo.Color, halo.Width, halo.Dashes = color.NRGBA{R: 255, G: 255, B: 255, A: 220}, line.Width+1.6, nil
		for _, seg := range o.segs {
			at := c.ClipLinesXY(transformed(seg, trX, trY))
			c.StrokeLines(halo, at...)
			c.StrokeLines(line, at...)
			if len(seg) <= 60 { // Steps can be told apart.
				for _, q := range transformed(seg, trX, trY) {
					c.DrawGlyph(draw.GlyphStyle{Color: line.Color, Radius: 1.5, Shape: draw.CircleGlyph{}}, q)
				}
			}
		}
		if n := len(o.segs); n > 0 {
			last := o.segs[n-1]
			start := vg.Point{X: trX(o.segs[0][0].x), Y: trY(o.segs[0][0].y)}
			end := vg.Point{X: trX(last[len(last)-1].x), Y: trY(last[len(last)-1].y)}
			rim(start, 3.6, draw.CircleGlyph{}, line.Color)
			c.DrawGlyph(draw.GlyphStyle{Color: color.White, Radius: 2, Shape: draw.CircleGlyph{}}, start)
			rim(end, 4, diamond{}, line.Color)
		}
	}
}

func transformed(points []point, x, y func(float64) vg.Length) []vg.Point {
	out := make([]vg.Point, len(points))
	for i, q := range points {
		out[i] = vg.Point{X: x(q.x), Y: y(q.y)}
	}
	return out
}

// diamond is a filled square on its tip.
type diamond struct{}

// DrawGlyph implements draw.GlyphDrawer.
func (diamond) DrawGlyph(c *draw.Canvas, sty draw.GlyphStyle, at vg.Point) {
	var path vg.Path
	r := 1.2 * sty.Radius
	path.Move(vg.Point{X: at.X, Y: at.Y + r})
	path.Line(vg.Point{X: at.X + r, Y: at.Y})
	path.Line(vg.Point{X: at.X, Y: at.Y - r})
	path.Line(vg.Point{X: at.X - r, Y: at.Y})
	path.Close()
	c.SetColor(sty.Color)
	c.Fill(path)
}

// legend names the paths and dots over the map, below its axes.
func (h *heat) legend(width vg.Length) legend {
	var entries []legendEntry
	for _, o := range h.over {
		if o.name == "" {
			continue
		}
		e := legendEntry{name: o.name, line: o.line()}
		if o.look == dots {
			e.line.Width, e.dot = 0, 2.5
		}
		entries = append(entries, e)
	}
	return newLegend(entries, width, false)
}

// checkOptions reports options that make no sense.
func (h *heat) checkOptions(function string) error {
	if h.err != nil {
		return h.err
	}
	return checkLevels(function, h.given, h.log)
}

// contour makes the lines of equal value.
func (h *heat) contour() {
	h.levels = h.given
	if len(h.levels) == 0 {
		h.levels = contourLevels(h.lo, h.hi, h.log)
	}
	field, levels := h.grid, h.levels
	if h.log { // Linear between nodes in what the colours are linear in.
		field.U, levels = logs(field.U), logs(levels)
	}
	h.lines = isolines(field, levels)
}

func logs(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = math.Log(v)
	}
	return out
}

// described is the title with the names of what lies over the map.
func (h *heat) described() string {
	text := h.title
	for _, o := range h.over {
		if o.name != "" {
			text += ", " + o.name
		}
	}
	if h.contours && len(h.levels) > 0 {
		text += fmt.Sprintf(" (contours from %.3g to %.3g)", h.levels[0], h.levels[len(h.levels)-1])
	}
	return text
}
