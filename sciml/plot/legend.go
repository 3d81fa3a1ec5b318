package plot

import (
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	legendLine  vg.Length = 22 // Length of the sample of a line.
	legendGap   vg.Length = 5
	legendPitch vg.Length = 14
	legendSide  vg.Length = 120 // Names wider than this go below the axes.
)

// legend lies outside of the axes, where it hides no curve and does not jump
// while a live figure grows: to the right when names are short, else below.
type legend struct {
	entries       []legendEntry
	below         bool
	width, height vg.Length
	column        vg.Length // Width of a column of a legend below the axes.
	columns       int
	mark          vg.Length // Length of the sample of a line or dot.
}

type legendEntry struct {
	name string
	line draw.LineStyle
	dot  vg.Length // Radius of a dot; 0 for none.
	fill bool      // A patch in place of a line.
}

// sample draws what stands before a name, around the height y.
func (e legendEntry) sample(c draw.Canvas, x, y, width vg.Length) {
	switch {
	case e.fill:
		c.SetColor(e.line.Color)
		c.Fill(vg.Rectangle{Min: vg.Point{X: x, Y: y - 4}, Max: vg.Point{X: x + width, Y: y + 4}}.Path())
		return
	case e.line.Width > 0:
		c.StrokeLine2(e.line, x, y, x+width, y)
	}
	if e.dot > 0 {
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: e.line.Color, Radius: e.dot, Shape: draw.CircleGlyph{}}, vg.Point{X: x + width/2, Y: y})
	}
}

// legend lays out the legend of a panel of the given width.
func (p *curves) legend(width vg.Length) legend {
	var entries []legendEntry
	for _, c := range p.data {
		if c.name == "" {
			continue
		}
		e := legendEntry{name: c.name, line: c.line()}
		switch c.look {
		case dots:
			e.line.Width, e.dot = 0, 2.5
		case marked:
			e.dot = 1.6
		}
		entries = append(entries, e)
	}
	if p.shading != "" {
		entries = append(entries, legendEntry{name: p.shading, line: draw.LineStyle{Color: paler(inkColor, shadeAlpha)}, fill: true})
	}
	return newLegend(entries, width, width >= 340)
}

// newLegend lays out a legend for a panel of the given width, beside the axes if it may be there and its names are short.
func newLegend(entries []legendEntry, width vg.Length, beside bool) legend {
	leg := legend{entries: entries}
	sty := style(tickSize, draw.XLeft, draw.YCenter)
	var widest vg.Length
	leg.mark = 8
	for _, e := range entries {
		widest = max(widest, sty.Width(e.name))
		if e.line.Width > 0 || e.fill {
			leg.mark = legendLine
		}
	}
	if len(entries) == 0 {
		return leg
	}
	sample := leg.mark + legendGap
	if widest <= legendSide && beside {
		leg.width = sample + widest + 12
		return leg
	}
	leg.below = true
	leg.column = min(sample+widest+14, width-16)
	leg.columns = max(1, min(len(leg.entries), int((width-16)/leg.column)))
	rows := (len(leg.entries) + leg.columns - 1) / leg.columns
	leg.height = legendPitch*vg.Length(rows) + 6
	for i := range leg.entries {
		leg.entries[i].name = ellipsis(leg.entries[i].name, sty, leg.column-sample)
	}
	return leg
}

// draw puts the legend on c; inner is the area within the axes.
func (leg legend) draw(c, inner draw.Canvas) {
	sty := style(tickSize, draw.XLeft, draw.YCenter)
	for i, e := range leg.entries {
		at := vg.Point{X: inner.Max.X + 10, Y: inner.Max.Y - 6 - legendPitch*vg.Length(i)}
		if leg.below {
			row, col := i/leg.columns, i%leg.columns
			start := max(8, ((c.Max.X-c.Min.X)-leg.column*vg.Length(leg.columns))/2)
			at = vg.Point{
				X: c.Min.X + start + leg.column*vg.Length(col),
				Y: c.Min.Y + leg.height - legendPitch*(vg.Length(row)+0.5),
			}
		}
		e.sample(c, at.X, at.Y, leg.mark)
		c.FillText(sty, vg.Point{X: at.X + leg.mark + legendGap, Y: at.Y + 1}, e.name)
	}
}
