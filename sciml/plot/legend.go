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
	dots          bool
	mark          vg.Length // Length of the sample of a line or dot.
}

type legendEntry struct {
	name string
	line draw.LineStyle
}

// legend lays out the legend of a panel of the given width.
func (p *curves) legend(width vg.Length) legend {
	leg := legend{dots: p.kind == dots}
	sty := style(tickSize, draw.XLeft, draw.YCenter)
	var widest vg.Length
	named := 0
	for i, name := range p.names {
		if name == "" {
			continue
		}
		named++
		widest = max(widest, sty.Width(name))
		leg.entries = append(leg.entries, legendEntry{name, seriesLine(i)})
	}
	if named == 0 {
		return leg
	}
	leg.mark = legendLine
	if leg.dots {
		leg.mark = 8
	}
	sample := leg.mark + legendGap
	if widest <= legendSide && width >= 340 {
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
		if leg.dots {
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: e.line.Color, Radius: 2.5, Shape: draw.CircleGlyph{}},
				vg.Point{X: at.X + leg.mark/2, Y: at.Y})
		} else {
			c.StrokeLine2(e.line, at.X, at.Y, at.X+leg.mark, at.Y)
		}
		c.FillText(sty, vg.Point{X: at.X + leg.mark + legendGap, Y: at.Y + 1}, e.name)
	}
}
