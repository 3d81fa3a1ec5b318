package plot

import (
	"image/color"
	"math"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	titleSize vg.Length = 11
	labelSize vg.Length = 10
	tickSize  vg.Length = 9
)

var (
	inkColor   = color.NRGBA{R: 0x26, G: 0x26, B: 0x26, A: 255}
	gridColor  = color.NRGBA{R: 0xe6, G: 0xe6, B: 0xe6, A: 255}
	quietColor = color.NRGBA{R: 0x9a, G: 0x9a, B: 0x9a, A: 255}
	faintGrid  = color.NRGBA{R: 0xf3, G: 0xf3, B: 0xf3, A: 255}
)

// superscripts is a text handler that draws ^{…}, or ^ and one character,
// raised and smaller. Liberation lacks most superscript digits.
type superscripts struct {
	text.Plain
}

// run is a piece of a line that is set either normally or as a superscript.
type run struct {
	text string
	sup  bool
}

func runs(line string) []run {
	var out []run
	for line != "" {
		i := strings.IndexByte(line, '^')
		if i < 0 || i == len(line)-1 {
			return append(out, run{text: line})
		}
		if i > 0 {
			out = append(out, run{text: line[:i]})
		}
		rest := line[i+1:]
		if rest[0] == '{' {
			if end := strings.IndexByte(rest, '}'); end > 0 {
				out = append(out, run{text: strings.ReplaceAll(rest[1:end], "-", "−"), sup: true})
				line = rest[end+1:]
				continue
			}
		}
		first := len(string([]rune(rest)[:1]))
		out = append(out, run{text: rest[:first], sup: true})
		line = rest[first:]
	}
	return out
}

func (s superscripts) face(f font.Font, sup bool) font.Face {
	if sup {
		f.Size *= 0.72
	}
	return s.Fonts.Lookup(f, f.Size)
}

// Box implements text.Handler.
func (s superscripts) Box(txt string, f font.Font) (width, height, depth vg.Length) {
	face := s.face(f, false)
	ext := face.Extents()
	for _, r := range runs(txt) {
		face := s.face(f, r.sup)
		width += face.Width(r.text)
	}
	return width, ext.Ascent, ext.Descent
}

// Draw implements text.Handler; it follows text.Plain.Draw, run by run.
func (s superscripts) Draw(c vg.Canvas, txt string, sty text.Style, pt vg.Point) {
	txt = strings.TrimRight(txt, "\n")
	if txt == "" {
		return
	}
	c.SetColor(sty.Color)
	if sty.Rotation != 0 {
		c.Push()
		c.Rotate(sty.Rotation)
		defer c.Pop()
	}
	sin64, cos64 := math.Sincos(sty.Rotation)
	sin, cos := vg.Length(sin64), vg.Length(cos64)
	pt.X, pt.Y = pt.Y*sin+pt.X*cos, pt.Y*cos-pt.X*sin

	lines := s.Lines(txt)
	pt.Y += sty.Height(txt)*vg.Length(sty.YAlign) - s.Extents(sty.Font).Ascent
	for i, line := range lines {
		width, _, _ := s.Box(line, sty.Font)
		at := pt.Add(vg.Point{X: vg.Length(sty.XAlign) * width, Y: vg.Length(len(lines)-i) * sty.Font.Size})
		for _, r := range runs(line) {
			face := s.face(sty.Font, r.sup)
			where := at
			if r.sup {
				where.Y += 0.38 * sty.Font.Size
			}
			// SVG drops spaces at the ends of a text: step over them instead.
			inner := strings.TrimLeft(r.text, " ")
			where.X += face.Width(r.text[:len(r.text)-len(inner)])
			if inner = strings.TrimRight(inner, " "); inner != "" {
				c.FillString(face, where, inner)
			}
			at.X += face.Width(r.text)
		}
	}
}

// style returns the text style that all figures use, at the given size.
func style(size vg.Length, x text.XAlignment, y text.YAlignment) text.Style {
	return text.Style{
		Color:   inkColor,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Weight: xfont.WeightNormal, Size: size},
		XAlign:  x,
		YAlign:  y,
		Handler: superscripts{text.Plain{Fonts: font.DefaultCache}},
	}
}

// ellipsis shortens txt until it is at most width wide.
func ellipsis(txt string, sty text.Style, width vg.Length) string {
	if sty.Width(txt) <= width {
		return txt
	}
	r := []rune(txt)
	for len(r) > 1 && sty.Width(string(r)+"…") > width {
		r = r[:len(r)-1]
	}
	return strings.TrimRight(string(r), " ^{") + "…"
}

// wrap breaks txt at spaces into at most two lines of the given width.
func wrap(txt string, sty text.Style, width vg.Length) string {
	if strings.Contains(txt, "\n") || sty.Width(txt) <= width {
		lines := strings.Split(txt, "\n")
		for i := range lines {
			lines[i] = ellipsis(lines[i], sty, width)
		}
		return strings.Join(lines, "\n")
	}
	first, rest := "", txt
	for {
		word, after, found := strings.Cut(rest, " ")
		if !found || sty.Width(first+" "+word) > width {
			break
		}
		first, rest = strings.TrimSpace(first+" "+word), after
	}
	if first == "" {
		return ellipsis(txt, sty, width)
	}
	return first + "\n" + ellipsis(rest, sty, width)
}

// title is the heading of a panel. It stands centred over the axes, not over
// the panel, which plot.Plot would do.
type title string

// fit wraps the title to the given width and returns the height it takes.
func (t *title) fit(width vg.Length) vg.Length {
	if *t == "" {
		return 6
	}
	sty := style(titleSize, draw.XCenter, draw.YBottom)
	*t = title(wrap(string(*t), sty, width))
	return sty.Height(string(*t)) + 8
}

// draw writes the title on the panel c, above its axes.
func (t title) draw(c, inner draw.Canvas) {
	if t == "" {
		return
	}
	sty := style(titleSize, draw.XCenter, draw.YBottom)
	half := sty.Width(string(t)) / 2
	x := max(c.Min.X+half+2, min((inner.Min.X+inner.Max.X)/2, c.Max.X-half-2))
	c.FillText(sty, vg.Point{X: x, Y: inner.Max.Y + 7}, string(t))
}

// axes returns empty axes in the style that all figures use.
func axes(xlabel, ylabel string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.TextHandler = superscripts{text.Plain{Fonts: font.DefaultCache}}
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Padding = 0
		a.LineStyle.Width = 0 // The frame draws the axes.
		a.Tick.LineStyle = draw.LineStyle{Color: inkColor, Width: 0.6}
		a.Tick.Length = 3.5
		a.Tick.Marker = linearTicks{}
		a.Label.Padding = 3
	}
	p.X.Label.Text, p.Y.Label.Text = xlabel, ylabel
	p.X.Label.TextStyle = style(labelSize, draw.XCenter, draw.YBottom)
	p.Y.Label.TextStyle = style(labelSize, draw.XCenter, draw.YBottom)
	p.X.Tick.Label = style(tickSize, draw.XCenter, draw.YTop)
	p.Y.Tick.Label = style(tickSize, draw.XRight, draw.YCenter)
	return p
}
