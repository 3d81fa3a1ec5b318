package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// wellFormed fails unless svg is XML whose numbers are all finite.
func wellFormed(t *testing.T, svg []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the SVG is not well-formed: %v", err)
		}
	}
	svg = regexp.MustCompile(`base64,[^"]*`).ReplaceAll(svg, nil) // Letters of an image may be anything.
	for _, bad := range []string{"NaN", "Inf"} {
		if bytes.Contains(svg, []byte(bad)) {
			t.Errorf("the SVG contains %s", bad)
		}
	}
}

func ramped(n int, f func(i int) float64) Series {
	s := Series{X: make([]float64, n), Y: make([]float64, n)}
	for i := range n {
		s.X[i], s.Y[i] = float64(i), f(i)
	}
	return s
}

func TestConvergenceDrawsAnyPositiveData(t *testing.T) {
	cases := map[string]Series{
		"one point":        {Y: []float64{1e-3}},
		"constant":         {Y: []float64{2, 2, 2}},
		"nearly constant":  {Y: []float64{1, 1 + 1e-15}},
		"15 decades":       ramped(500, func(i int) float64 { return math.Pow(10, -float64(i)*0.03) }),
		"all of float64":   {Y: []float64{5e-324, 1, math.MaxFloat64}},
		"gaps":             {Y: []float64{1, math.NaN(), 0, -1, math.Inf(1), 1e-4}},
		"huge x":           {X: []float64{-1e300, 1e300}, Y: []float64{1, 2}},
		"one x only":       {X: []float64{7, 7}, Y: []float64{1, 2}},
		"tags in the name": {Name: `<b>"&x^{`, Y: []float64{1, 2}},
		"caret at the end": {Name: "x^", Y: []float64{1, 2}},
	}
	for name, s := range cases {
		t.Run(name, func(t *testing.T) {
			fig, err := Convergence(name, "x", "y", s)
			if err != nil {
				t.Fatal(err)
			}
			svg, err := fig.SVG()
			if err != nil {
				t.Fatal(err)
			}
			wellFormed(t, svg)
		})
	}
}

func TestErrorsNameTheArgument(t *testing.T) {
	grid := Grid{X: []float64{0, 1}, Y: []float64{0, 1}, U: []float64{1, 2, 3, 4}}
	cases := map[string]struct {
		make func() (*Figure, error)
		want string
	}{
		"lengths differ":   {func() (*Figure, error) { return Lines("", "", "", Series{"Adam", []float64{1}, []float64{1, 2}}) }, `"Adam") has 1 X and 2 Y`},
		"nothing positive": {func() (*Figure, error) { return Convergence("", "", "", Series{Y: []float64{0, -1, math.NaN()}}) }, "none has a y that is positive"},
		"no series":        {func() (*Figure, error) { return Convergence("", "", "") }, "nothing to draw"},
		"values missing":   {func() (*Figure, error) { return HeatMap("", Grid{X: grid.X, Y: grid.Y, U: grid.U[:3]}) }, "has 3 values"},
		"grid unsorted":    {func() (*Figure, error) { return HeatMap("", Grid{X: []float64{1, 0}, Y: grid.Y, U: grid.U}) }, "Grid.X[1]"},
		"field all NaN": {func() (*Figure, error) {
			return HeatMap("", Grid{grid.X, grid.Y, []float64{math.NaN(), math.NaN(), math.Inf(1), math.NaN()}})
		}, "none of the 4 values"},
		"range reversed":    {func() (*Figure, error) { return HeatMap("", grid, ColorRange(2, 1)) }, "2 to 1"},
		"reference differs": {func() (*Figure, error) { return Compare("", grid, []float64{1}) }, "reference has 1"},
		"single node": {func() (*Figure, error) {
			return HeatMap("", Sample(func(x, y float64) float64 { return x }, 0, 1, 1, 0, 1, 5))
		}, "Grid.X has 1 nodes"},
		"row of nil":    {func() (*Figure, error) { return Row(nil) }, "Row: figure 1 of 1 is nil"},
		"column of nil": {func() (*Figure, error) { return Column(nil) }, "Column: figure 1 of 1 is nil"},
		"empty column":  {func() (*Figure, error) { return Column() }, "Column: no figures given"},
		"row of columns": {func() (*Figure, error) {
			return Row(figure(Column(figure(HeatMap("", grid)), figure(HeatMap("", grid)))))
		}, "figure 1 of 1 is a column of 2 rows"},
	}
	for name, c := range cases {
		if _, err := c.make(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that contains %q", name, err, c.want)
		}
	}
	var missing *Figure
	if err := missing.Show(); err == nil {
		t.Error("Show of a nil figure succeeded")
	}
}

// figure is one that is made without an error.
func figure(f *Figure, err error) *Figure {
	if err != nil {
		panic(err)
	}
	return f
}

// TestColumn: rows stand one below the other, and maps in rows of as many have the same places in their rows, even where
// the numbers at their colour bars are not of one length.
func TestColumn(t *testing.T) {
	field := func(scale float64) Grid {
		return Sample(func(x, y float64) float64 { return scale * x * y }, 0, 1, 5, 0, 1, 5)
	}
	u, v := field(1), field(1.234e-7)
	curve := figure(Lines("w", "x", "w", Series{Y: []float64{1, 2}}))
	pair := figure(Column(figure(Compare("u", u, u.U)), figure(Compare("v", v, v.U))))
	f := figure(Column(pair, curve))
	width, height, panels := f.layout()
	if len(panels) != 7 || f.name() != "u | reference | |difference| | v | reference | |difference| | w" {
		t.Fatalf("%d panels: %s", len(panels), f.name())
	}
	same := func(a, b vg.Length) bool { return math.Abs(float64(a-b)) < 1e-9 }
	below := func(upper, lower placed) bool { return same(lower.Max.Y, upper.Min.Y-gutter) }
	for i := range 3 {
		upper, lower := panels[i], panels[i+3]
		if !below(upper, lower) || lower.Min.X != upper.Min.X || lower.Max.X != upper.Max.X || !same(lower.Size().Y, upper.Size().Y) {
			t.Errorf("map %d of the second row is at %v, and that of the first at %v", i, lower.Rectangle, upper.Rectangle)
		}
	}
	if last := panels[6]; !below(panels[3], last) || last.Min.X != 0 || !same(last.Min.Y, -height) {
		t.Errorf("the curve is at %v, the last map of the row above at %v, and the figure ends at %v", last.Rectangle, panels[3].Rectangle, -height)
	}
	if panels[0].Min.X != 0 || panels[0].Max.Y != 0 || panels[2].Max.X != width {
		t.Errorf("the first row goes from %v to %v in a figure of width %v", panels[0].Rectangle, panels[2].Rectangle, width)
	}
	svg, err := f.SVG()
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, svg)
}

// TestTitleOfTwoLines: it takes no room from its own map alone, but from all in the row.
func TestTitleOfTwoLines(t *testing.T) {
	square := Sample(func(x, y float64) float64 { return x * y }, 0, 1, 5, 0, 1, 5)
	for _, options := range [][]HeatOption{nil, {FreeAspect()}} {
		row := figure(Row(
			figure(HeatMap("the flow in a cavity under a lid that moves, by an optimizer with a long name", square, options...)),
			figure(HeatMap("reference", square, options...))))
		_, _, panels := row.layout()
		var areas []vg.Rectangle
		for _, p := range panels {
			area, heading := p.panel.(*heat).area(draw.Canvas{Rectangle: vg.Rectangle{Max: p.Size()}})
			areas = append(areas, area.Rectangle)
			if long := p.panel == panels[0].panel; strings.Contains(string(heading), "\n") != long {
				t.Fatalf("the title is %q", heading)
			}
		}
		if panels[0].Size() != panels[1].Size() || areas[0] != areas[1] {
			t.Errorf("one map has %v of %v, and the other %v of %v", areas[0], panels[0].Size(), areas[1], panels[1].Size())
		}
	}
}

func TestSaveWritesByExtension(t *testing.T) {
	fig, err := HeatMap("u", Sample(func(x, y float64) float64 { return x * y }, 0, 1, 11, 0, 1, 11))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"a.svg", "b.PNG"} {
		if err := fig.Save(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	svg, _ := os.ReadFile(filepath.Join(dir, "a.svg"))
	wellFormed(t, svg)
	for what, want := range map[string]string{
		"the heat map is not embedded as PNG":              "data:image/png;base64,",
		"a browser would not stretch the colour bar":       `<image preserveAspectRatio="none"`,
		"text has another width where the font differs":    `<text textLength="12.51"`, // 0.8 and the like at 9 pt.
		"there is no description for those who do not see": `aria-label="u"`,
	} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("%s: no %s", what, want)
		}
	}
	f, err := os.Open(filepath.Join(dir, "b.PNG"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, alpha := img.At(0, 0).RGBA(); alpha != 0xffff {
		t.Error("the background is not opaque")
	}
	if err := fig.Save(filepath.Join(dir, "c.pdf")); err == nil || !strings.Contains(err.Error(), ".svg or .png") {
		t.Errorf("Save to PDF: error %v, want one that names the formats", err)
	}
}

func TestLongSeriesStaySmallAndKeepSpikes(t *testing.T) {
	s := ramped(200_000, func(i int) float64 { return 1 + 0.1*math.Sin(float64(i)) })
	s.Y[123_457] = 1e6
	fig, err := Convergence("", "", "", s)
	if err != nil {
		t.Fatal(err)
	}
	svg, err := fig.SVG()
	if err != nil {
		t.Fatal(err)
	}
	if len(svg) > 60_000 {
		t.Errorf("the SVG of 200,000 points has %d bytes", len(svg))
	}
	found := false
	for _, q := range fig.rows[0][0].(*curves).data[0].segs[0] {
		found = found || q == point{123_457, 1e6}
	}
	if !found {
		t.Error("the spike was lost")
	}
}

func TestLogTicksStayReadable(t *testing.T) {
	for _, c := range []struct{ lo, hi float64 }{{1e-3, 1}, {0.5, 20}, {1e-15, 1}, {1e-300, 1e300}, {0.9, 1.1}, {2, 3}} {
		labels := 0
		for _, tick := range (logTicks{}).Ticks(c.lo, c.hi) {
			if tick.Label != "" && tick.Value >= c.lo && tick.Value <= c.hi {
				labels++
			}
		}
		if labels < 2 || labels > 10 {
			t.Errorf("%g to %g has %d labelled ticks, want 2 to 10", c.lo, c.hi, labels)
		}
	}
}

func TestLinearTickLabelsAreDistinct(t *testing.T) {
	for _, c := range []struct{ lo, hi float64 }{{0, 1}, {0, 2.5}, {-1e-7, 3e-7}, {0, 3e6}, {999, 1001}, {1, 1 + 1e-9}} {
		seen := map[string]bool{}
		for _, tick := range (linearTicks{}).Ticks(c.lo, c.hi) {
			if seen[tick.Label] {
				t.Errorf("%g to %g: label %s occurs twice", c.lo, c.hi, tick.Label)
			}
			seen[tick.Label] = true
		}
		if len(seen) < 3 {
			t.Errorf("%g to %g: only %d labels", c.lo, c.hi, len(seen))
		}
	}
}
