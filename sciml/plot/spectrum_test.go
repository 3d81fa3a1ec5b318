package plot

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func svgOf(t *testing.T, f *Figure) {
	t.Helper()
	svg, err := f.SVG()
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, svg)
}

func TestSpectrumIsSorted(t *testing.T) {
	values := []float64{1, math.NaN(), 100, -3, 10}
	given := slices.Clone(values)
	f := figure(Spectrum("s", "λ", Series{Name: "a", Y: values}, Series{X: []float64{5, 2}, Y: []float64{1, 2}}))
	data := f.rows[0][0].(*curves).data
	if want := []point{{1, 100}, {2, 10}, {3, 1}}; !slices.Equal(data[0].segs[0], want) || len(data[0].segs) != 1 {
		t.Errorf("the eigenvalues are at %v, want %v", data[0].segs, want)
	}
	if want := []point{{5, 1}, {2, 2}}; !slices.Equal(data[1].segs[0], want) {
		t.Errorf("with X they are at %v, want %v", data[1].segs, want)
	}
	for i := range values {
		if values[i] != given[i] && !math.IsNaN(given[i]) {
			t.Error("the values of the caller were changed")
		}
	}
	svgOf(t, f)
	if _, err := Spectrum("", "", Series{Y: []float64{-1}}); err == nil || !strings.Contains(err.Error(), "Spectrum: nothing to draw") {
		t.Errorf("error %v", err)
	}
}

func TestLogX(t *testing.T) {
	run := func(y ...float64) Series { return Series{Y: y} } // From x = 0 on.
	band := figure(Bands("b", "x", "y", Band{Name: "a", Runs: []Series{run(4, 2, 1, 3), run(5, 3, 2, 4)}}))
	heat := figure(HeatMap("u", Sample(func(x, y float64) float64 { return x }, 0, 1, 3, 0, 1, 3)))
	f := figure(figure(Row(band, heat)).LogX())
	p := f.rows[0][0].(*curves)
	if x0, _, _, _ := p.limits(); !p.logX || !(x0 > 0) || p.xmin != 1 || p.ymax != 4 {
		t.Errorf("logarithmic: %v, axis from %g, data from x = %g to y = %g", p.logX, x0, p.xmin, p.ymax)
	}
	if band.rows[0][0].(*curves).logX {
		t.Error("the figure itself was changed")
	}
	svgOf(t, f)
	for want, bad := range map[string]*Figure{
		"there is no panel of curves": heat,
		"no point of \"l\" has an x":  figure(Lines("l", "", "", Series{X: []float64{-1, 0}, Y: []float64{1, 2}})),
		"the figure is nil":           nil,
	} {
		if _, err := bad.LogX(); err == nil || !strings.Contains(err.Error(), "LogX") || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
}

func TestDensity(t *testing.T) {
	nan := math.NaN()
	f := figure(Density("d", "λ", "", Uncertain{Name: "H", Y: []float64{1, 1000, 1e-9, nan, 2, -1}, Error: []float64{0.5, 10, 1, 1, 4, 1}}, Uncertain{Y: []float64{3}}))
	p := f.rows[0][0].(*curves)
	if _, _, low, _ := p.limits(); math.Abs(low-1e-2) > 1e-12 {
		t.Errorf("the axis begins at %g, want five decades below 1000", low)
	}
	if want := []point{{0, 1.5}, {1, 1010}, {2, 1 + 1e-9}, {2, 1e-2}, {1, 990}, {0, 0.5}}; len(p.shades) != 2 || !nearly(p.shades[0].outline, want) {
		t.Errorf("the shade is %v, want %v", p.shades, want)
	}
	if want := "d, H (shaded: ± error)"; f.name() != want {
		t.Errorf("the name is %q, want %q", f.name(), want)
	}
	svgOf(t, f)
	for want, d := range map[string]Uncertain{
		"1 X and 2 Y":                    {X: []float64{1}, Y: []float64{1, 2}},
		"has 2 Y and 1 Error":            {Y: []float64{1, 2}, Error: []float64{1}},
		"Error[1] of series 1 (\"\") is": {Y: []float64{1, 2}, Error: []float64{1, -1}},
		"no Y of 1 densities":            {Y: []float64{0, nan}},
	} {
		if _, err := Density("", "", "", d); err == nil || !strings.Contains(err.Error(), "Density") || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
}

func nearly(a, b []point) bool {
	return slices.EqualFunc(a, b, func(p, q point) bool { return p.x == q.x && math.Abs(p.y-q.y) <= 1e-12*math.Abs(q.y) })
}

func TestDecades(t *testing.T) {
	a := Histogram{Name: "before", Edges: []float64{-10, -1, 1, 10, 100}, Count: []float64{3, 1000, 0.1, 20}, Error: []float64{1, 5, 0.1, 30}}
	b := Histogram{Name: "after", Edges: []float64{-0.1, 0.1, 1}, Count: []float64{4, math.NaN()}}
	f := figure(Decades("d", "λ", "number", a, b))
	p := f.rows[0][0].(*curves)
	outline := p.shades[0].outline
	// −10, −1, 1, 10, 100 with half a unit on either side of zero for what is below 0.1.
	for i, want := range []float64{-2.5, -2.5, -1.5, -1.5, 1.5, 1.5, 2.5, 2.5, 3.5, 3.5} {
		if math.Abs(outline[i].x-want) > 1e-12 {
			t.Errorf("corner %d is at %g, want %g", i, outline[i].x, want)
		}
	}
	if heights := []float64{outline[1].y, outline[3].y, outline[5].y, outline[7].y}; !slices.Equal(heights, []float64{3, 1000, 0.5, 20}) {
		t.Errorf("the heights are %v", heights)
	}
	if bars := p.data[1].segs; len(bars) != 3 || bars[2][0].y != 0.5 || bars[2][1].y != 50 {
		t.Errorf("the error bars are %v, want three, the last from the axis to 50", bars)
	}
	var labels []string
	for _, tick := range p.ticks.Ticks(-9, 9) {
		labels = append(labels, tick.Label)
	}
	if want := []string{"−10^{1}", "−10^{0}", "−10^{-1}", "10^{-1}", "10^{0}", "10^{1}", "10^{2}"}; !slices.Equal(labels, want) {
		t.Errorf("the labels are %q, want %q", labels, want)
	}
	svgOf(t, f)
	for want, h := range map[string]Histogram{
		"has 2 Edges and 2 Count":   {Edges: []float64{1, 2}, Count: []float64{1, 2}},
		"has 1 Count and 2 Error":   {Edges: []float64{1, 2}, Count: []float64{1}, Error: []float64{1, 2}},
		"has Edges[1] = 1":          {Edges: []float64{1, 1}, Count: []float64{1}},
		"has Error[0] = -1":         {Edges: []float64{1, 2}, Count: []float64{1}, Error: []float64{-1}},
		"no count of 1 histograms":  {Edges: []float64{1, 2}, Count: []float64{0.1}},
		`histogram 1 ("a") has 0 E`: {Name: "a"},
	} {
		if _, err := Decades("", "", "", h); err == nil || !strings.Contains(err.Error(), "Decades") || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
}
