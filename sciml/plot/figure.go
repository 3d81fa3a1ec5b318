// Package plot draws the figures that scientific machine learning needs most:
// convergence histories on a logarithmic axis, for one run or as bands over
// several, curves, spectra, heat maps of u(x, y), landscapes of a loss with
// paths on them, and clouds of collocation points. Figures appear inline in a GoNB notebook,
// can be redrawn in place while a training runs (see Live), and are written to
// SVG or PNG files. A Slider is a figure that the reader plays with, and
// an Animation one that moves.
//
// The package takes plain slices and draws with gonum/plot. Everything is
// embedded in the figure: nothing is loaded from a network when a saved
// notebook is opened.
//
// Titles, axis labels and series names are plain Unicode text, with one
// extension: 10^{-3} and x^2 draw a superscript.
package plot

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"image/color"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/gosciml/gosciml/internal/atomicfile"
)

const (
	curveWidth  vg.Length = 468 // 624 px in a browser: fits JupyterLab with its side bar open.
	curveHeight vg.Length = 270
	heatWidth   vg.Length = 300
	rowWidth    vg.Length = 648 // 864 px: the output area of a 1280 px wide window.
	minPanel    vg.Length = 150
	gutter      vg.Length = 10

	// defaultDPI is two pixels per CSS pixel: sharp on a high-density screen.
	defaultDPI = 192

	// inlineLimit is the size in bytes from which the SVG of a figure is not
	// stored in a notebook, only its PNG.
	inlineLimit = 150_000
)

// panel is one set of axes. It can be drawn more than once, at any size.
type panel interface {
	// size says how large the panel wants to be; width 0 asks for its own default.
	size(width vg.Length) (w, h vg.Length)
	draw(c draw.Canvas)
	// name describes the panel to somebody who cannot see it.
	name() string
	// alike gives corresponding panels of several figures the same scales; it says no where they are of different kinds.
	alike(panels []panel) ([]panel, bool)
}

// Figure is a finished picture of one or more panels. It is made by a function
// such as Convergence or HeatMap, does not change afterwards, and may be used
// by several goroutines at once.
type Figure struct {
	rows [][]panel // From top to bottom, none of them empty.
}

// Row puts figures side by side, for example solution, exact solution and
// error. Figures that are rows themselves are taken apart. Panels share the
// width of a notebook, so more than four become small. Nil figures and columns
// of more than one row are errors.
func Row(figures ...*Figure) (*Figure, error) {
	if err := given("Row", figures); err != nil {
		return nil, err
	}
	var row []panel
	for i, f := range figures {
		if len(f.rows) > 1 {
			return nil, fmt.Errorf("plot: Row: figure %d of %d is a column of %d rows, want figures of one row; make rows first and stack them by Column", i+1, len(figures), len(f.rows))
		}
		row = append(row, f.rows[0]...)
	}
	return aligned([][]panel{row}), nil
}

// Column puts figures one below the other, for example the rows that Compare
// makes for each of several unknowns. Rows stay rows, and columns are taken
// apart. Nil figures are an error.
func Column(figures ...*Figure) (*Figure, error) {
	if err := given("Column", figures); err != nil {
		return nil, err
	}
	var rows [][]panel
	for _, f := range figures {
		rows = append(rows, f.rows...)
	}
	return aligned(rows), nil
}

// given reports figures that are missing.
func given(function string, figures []*Figure) error {
	if len(figures) == 0 {
		return fmt.Errorf("plot: %s: no figures given; give at least one", function)
	}
	for i, f := range figures {
		if f == nil || len(f.rows) == 0 {
			return fmt.Errorf("plot: %s: figure %d of %d is nil or empty; check the error of the call that made it", function, i+1, len(figures))
		}
	}
	return nil
}

// aligned makes a figure whose heat maps all have the same room for labels, and
// for titles within a row: so they have the same size where they share a row or
// stand in rows of as many, and those of a row stand on one line.
func aligned(rows [][]panel) *Figure {
	var labels vg.Length
	titles := make([][]title, len(rows))
	for i, row := range rows {
		for _, p := range row {
			if h, ok := p.(*heat); ok {
				labels = max(labels, h.labels)
				titles[i] = append(titles[i], title(h.title))
			}
		}
	}
	f := &Figure{}
	for i, row := range rows {
		row = slices.Clone(row)
		for j, p := range row {
			if h, ok := p.(*heat); ok {
				same := *h
				same.labels, same.beside = labels, titles[i]
				row[j] = &same
			}
		}
		f.rows = append(f.rows, row)
	}
	return f
}

// placed is a panel with its place, measured from the figure's top left
// corner; y points upwards and is negative.
type placed struct {
	panel
	vg.Rectangle
}

// layout returns the size of the whole figure and where its panels lie.
func (f *Figure) layout() (width, height vg.Length, panels []placed) {
	for i, row := range f.rows {
		if i > 0 {
			height += gutter
		}
		n := vg.Length(len(row))
		share := (rowWidth - gutter*(n-1)) / n
		var right, tallest vg.Length
		for j, p := range row {
			if j > 0 {
				right += gutter
			}
			w, _ := p.size(0)
			if n > 1 {
				w = max(minPanel, min(w, share))
			}
			_, h := p.size(w)
			panels = append(panels, placed{p, vg.Rectangle{
				Min: vg.Point{X: right, Y: -height - h},
				Max: vg.Point{X: right + w, Y: -height},
			}})
			right += w
			tallest = max(tallest, h)
		}
		width = max(width, right)
		height += tallest
	}
	return width, height, panels
}

// render draws the figure on an empty canvas of the size given by layout.
func (f *Figure) render(canvas vg.CanvasSizer) {
	c := draw.New(canvas)
	c.SetColor(color.White) // Opaque: readable on a dark theme too.
	c.Fill(c.Rectangle.Path())
	_, _, panels := f.layout()
	corner := vg.Point{X: c.Min.X, Y: c.Max.Y}
	for _, p := range panels {
		p.draw(draw.Canvas{Canvas: c.Canvas, Rectangle: p.Add(corner)})
	}
}

func (f *Figure) check(method string) error {
	if f == nil || len(f.rows) == 0 {
		return fmt.Errorf("plot: %s: the figure is nil or empty; check the error of the call that made it", method)
	}
	return nil
}

// SVG returns the figure as a standalone SVG document. Text stays text, in
// Liberation Sans or the Arial or Helvetica of the same widths.
func (f *Figure) SVG() ([]byte, error) {
	if err := f.check("SVG"); err != nil {
		return nil, err
	}
	w, h, _ := f.layout()
	canvas := vgsvg.New(w, h)
	f.render(canvas)
	var buf bytes.Buffer
	if _, err := canvas.WriteTo(&buf); err != nil {
		return nil, fmt.Errorf("plot: cannot encode the figure as SVG: %w", err)
	}
	return tidySVG(buf.String(), f.name()), nil
}

// textElement matches what vgsvg writes for a text, once the font is mended.
var textElement = regexp.MustCompile(`<text (x="[^"]*" y="[^"]*" transform="[^"]*"\s+style="font-family:'Liberation Sans'[^"]*font-size:([0-9.]+)px[^"]*")>([^<]*)</text>`)

// tidySVG mends what vgsvg leaves rough: a font without a fallback, text that
// runs over in any other font, a PNG labelled as JPEG and not stretched to its
// place, no description, and a fixed size where a narrow page needs the figure
// to shrink.
func tidySVG(svg, name string) []byte {
	svg = strings.NewReplacer(
		"font-family:Liberation Sans;", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;",
		"font-variant:normal;font-weight:normal;font-style:normal;", "",
		"font-variant:normal;", "",
		"data:image/jpg;", "data:image/png;",
		"<image ", `<image preserveAspectRatio="none" `,
		"<!-- Generated by SVGo and Plotinum VG -->\n", "",
	).Replace(svg)
	svg = textElement.ReplaceAllStringFunc(svg, func(element string) string {
		part := textElement.FindStringSubmatch(element)
		size, err := strconv.ParseFloat(part[2], 64)
		text := html.UnescapeString(part[3])
		if err != nil || len([]rune(text)) < 2 {
			return element
		}
		sty := style(vg.Length(size), draw.XLeft, draw.YBottom)
		face := font.DefaultCache.Lookup(sty.Font, sty.Font.Size)
		return fmt.Sprintf(`<text textLength="%.2f" lengthAdjust="spacingAndGlyphs" %s>%s</text>`, float64(face.Width(text)), part[1], part[3])
	})
	attributes := fmt.Sprintf(`<svg role="img" aria-label="%s" style="max-width:100%%;height:auto;background:#fff" `, html.EscapeString(name))
	return []byte(strings.Replace(svg, "<svg ", attributes, 1))
}

// PNG returns the figure as a PNG image with dpi dots per inch; 0 means 192,
// which is two dots per CSS pixel.
func (f *Figure) PNG(dpi int) ([]byte, error) {
	if err := f.check("PNG"); err != nil {
		return nil, err
	}
	dpi = cmp.Or(dpi, defaultDPI)
	if dpi < 10 || dpi > 2400 {
		return nil, fmt.Errorf("plot: PNG: dpi is %d, want a resolution from 10 to 2400, or 0 for the default of %d", dpi, defaultDPI)
	}
	img, err := f.image(dpi)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(&buf); err != nil {
		return nil, fmt.Errorf("plot: cannot encode the figure as PNG: %w", err)
	}
	return buf.Bytes(), nil
}

func (f *Figure) image(dpi int) (*vgimg.Canvas, error) {
	if err := f.check("PNG"); err != nil {
		return nil, err
	}
	w, h, _ := f.layout()
	canvas := vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(dpi))
	f.render(canvas)
	return canvas, nil
}

// Save writes the figure to path as SVG or PNG, chosen by the extension.
func (f *Figure) Save(path string) error {
	if err := f.check("Save"); err != nil {
		return err
	}
	var data []byte
	var err error
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".svg":
		data, err = f.SVG()
	case ".png":
		data, err = f.PNG(0)
	default:
		return fmt.Errorf("plot: Save: %q ends in %q; use a name that ends in .svg or .png", path, ext)
	}
	if err != nil {
		return err
	}
	if err := atomicfile.Write(path, data, 0o666); err != nil {
		return fmt.Errorf("plot: Save: cannot write the figure: %w", err)
	}
	return nil
}

func (f *Figure) name() string {
	var names []string
	for _, row := range f.rows {
		for _, p := range row {
			names = append(names, p.name())
		}
	}
	return strings.Join(names, " | ")
}
