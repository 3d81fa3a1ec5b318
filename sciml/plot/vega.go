package plot

import (
	"cmp"
	"encoding/json"
	"fmt"
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// object is a value of a specification in Vega-Lite.
type object = map[string]any

// vega writes the slider in Vega-Lite: one record for each unbroken piece of a curve, of which those of the chosen value are
// unfolded into points and drawn, in the style of all figures.
func (s *Slider) vega(title string) ([]byte, error) {
	p := s.panels[0]
	xmin, xmax, ymin, ymax := p.limits()
	var records []object
	var names, colors, strokes, shown []any
	still := len(s.options.Static)
	piece := 0
	add := func(k, i int, c curve) {
		for _, seg := range c.segs {
			record := object{"k": k, "s": i, "g": piece, "x": column(seg, xmin, xmax, s.options.LogX, func(q point) float64 { return q.x }),
				"y": column(seg, ymin, ymax, s.options.LogY, func(q point) float64 { return q.y })}
			if c.name != "" {
				record["n"] = plainText(c.name)
			}
			records = append(records, record)
			piece++
		}
	}
	for i, c := range p.data {
		sty := c.line()
		names, colors, strokes = append(names, plainText(c.name)), append(colors, hex(sty.Color)), append(strokes, pixels(sty.Dashes))
		if c.name != "" {
			shown = append(shown, i)
		}
		if i < still {
			add(0, i, c) // 0 is for every value.
		}
	}
	for k, panel := range s.panels {
		for i, c := range panel.data[still:] {
			add(k+1, still+i, c)
		}
	}
	var labels []any
	for _, v := range s.values {
		labels = append(labels, plainText(fmt.Sprintf("%s = %s", s.name, number(v, 4))))
	}
	indices := make([]any, len(names))
	for i := range indices {
		indices[i] = i
	}

	var legend any
	if len(shown) > 0 {
		legend = s.vegaLegend(shown, names)
	}
	position := func(field, label string, lo, hi float64, logarithmic bool) object {
		scale := object{"domain": []float64{lo, hi}, "nice": false, "zero": false}
		axis := object{"format": ".6~g", "tickCount": 6} // without a precision Vega takes that of the step, and writes 200 as 2e+2
		if logarithmic {
			scale = object{"domain": []float64{lo, hi}, "nice": false, "type": "log"}
			axis = object{"labelExpr": powerLabel(lo, hi)}
		}
		return object{"field": field, "type": "quantitative", "title": plainText(label), "scale": scale, "axis": axis}
	}
	x := position("x", p.xlabel, xmin, xmax, s.options.LogX)
	y := position("y", p.ylabel, ymin, ymax, s.options.LogY)
	hue := object{"field": "s", "type": "nominal", "scale": object{"domain": indices, "range": colors}, "legend": legend}
	dash := object{"field": "s", "type": "nominal", "scale": object{"domain": indices, "range": strokes}, "legend": legend}

	chosen := object{"filter": "datum.k == choice || datum.k == 0"}
	unfold := []object{chosen, {"flatten": []string{"x", "y"}}, {"window": []object{{"op": "row_number", "as": "i"}}}}
	lines := func(filter string, width float64) object {
		return object{
			"transform": append([]object{{"filter": filter}}, unfold...),
			"mark":      object{"type": "line", "clip": true, "strokeWidth": width, "strokeCap": "butt", "strokeJoin": "round"},
			"encoding":  object{"x": x, "y": y, "color": hue, "strokeDash": dash, "detail": object{"field": "g"}, "order": object{"field": "i", "type": "quantitative"}},
		}
	}
	var layers []object
	quietOnes := "datum.k == 0 && !datum.n"
	layers = append(layers, lines(quietOnes, 0.8))
	if !s.options.Dots {
		layers = append(layers, lines("!("+quietOnes+")", 1.9))
	} else if still > 0 {
		layers = append(layers, lines("datum.k == 0 && datum.n", 1.9))
	}
	// Points under the mouse say what they are; without marks they are seen only then.
	opacity := object{"condition": object{"param": "near", "empty": false, "value": 1}, "value": 0}
	size := object{"value": 40}
	if s.options.Marks || s.options.Dots {
		opacity = object{"value": 1}
		size = object{"condition": object{"param": "near", "empty": false, "value": 60}, "value": 14}
	}
	layers = append(layers, object{
		"transform": append([]object{{"filter": "!(" + quietOnes + ")"}}, unfold...),
		"params":    []object{{"name": "near", "select": object{"type": "point", "on": "mouseover", "clear": "mouseout", "nearest": true, "encodings": []string{"x", "y"}}}},
		"mark":      object{"type": "circle", "clip": true},
		"encoding": object{
			"x": x, "y": y, "color": hue, "opacity": opacity, "size": size,
			"tooltip": []object{
				{"field": "n", "type": "nominal", "title": "curve"},
				{"field": "x", "type": "quantitative", "title": cmp.Or(plainText(p.xlabel), "x"), "format": ".4~g"},
				{"field": "y", "type": "quantitative", "title": cmp.Or(plainText(p.ylabel), "y"), "format": ".4~g"},
			},
		},
	})

	width, height := s.vegaSize(xmin, xmax, ymin, ymax)
	heading := expression(labels) + "[choice - 1]"
	if title != "" {
		heading = "[" + expression(plainText(title)) + ", " + heading + "]" // Two lines.
	}
	spec := object{
		"$schema":     "https://vega.github.io/schema/vega-lite/v5.json",
		"description": s.described(),
		"background":  "white",
		"padding":     8,
		"title":       object{"text": object{"expr": heading}},
		"width":       width, "height": height,
		"data": object{"values": records},
		"params": []object{{
			"name": "choice", "value": s.options.Start + 1,
			"bind": object{"input": "range", "min": 1, "max": len(s.values), "step": 1, "name": fmt.Sprintf("%s, choice 1 to %d: ", plainText(s.name), len(s.values))},
		}},
		"layer":  layers,
		"config": vegaConfig(),
	}
	return json.Marshal(spec)
}

// vegaSize returns the size of the axes in CSS pixels.
func (s *Slider) vegaSize(xmin, xmax, ymin, ymax float64) (width, height int) {
	width, height = 460, 300
	if s.panels[0].equal() {
		ratio := (ymax - ymin) / (xmax - xmin)
		width = int(math.Min(400, 400/ratio))
		height = int(float64(width) * ratio)
	}
	return width, height
}

// vegaLegend stands where that of the still picture does.
func (s *Slider) vegaLegend(shown, names []any) object {
	sty := style(tickSize, draw.XLeft, draw.YBottom)
	var widest vg.Length
	for _, n := range names {
		widest = max(widest, sty.Width(n.(string)))
	}
	legend := object{"title": nil, "values": shown, "labelExpr": expression(names) + "[datum.value]", "labelLimit": 0, "symbolType": "stroke", "symbolSize": 600, "symbolStrokeWidth": 1.9}
	if s.options.Dots {
		legend["symbolType"], legend["symbolSize"] = "circle", 40
	}
	if widest > legendSide {
		legend["orient"], legend["columns"] = "bottom", max(1, int(curveWidth/(widest+40)))
	}
	return legend
}

// vegaConfig is the style of all figures. JupyterLab's dark theme has one of its own, hence all colours are named.
func vegaConfig() object {
	ink, grid := hex(inkColor), hex(gridColor)
	font := "'Liberation Sans', Arial, Helvetica, sans-serif"
	return object{
		"background": "white",
		"font":       font,
		"view":       object{"stroke": ink, "strokeWidth": 0.8, "fill": "white"},
		"title":      object{"color": ink, "fontWeight": "normal", "fontSize": 15, "anchor": "middle"},
		"axis": object{
			"labelColor": ink, "titleColor": ink, "tickColor": ink, "domainColor": ink, "gridColor": grid, "domain": false,
			"labelFontSize": 12, "titleFontSize": 13, "titleFontWeight": "normal",
		},
		"legend": object{"labelColor": ink, "titleColor": ink, "labelFontSize": 12},
	}
}

// hex is a colour as a web page writes it.
func hex(c color.Color) string {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	if n.A < 255 {
		return fmt.Sprintf("#%02x%02x%02x%02x", n.R, n.G, n.B, n.A)
	}
	return fmt.Sprintf("#%02x%02x%02x", n.R, n.G, n.B)
}

// pixels turns lengths of dashes into CSS pixels; a line without any is [1, 0].
func pixels(dashes []vg.Length) []float64 {
	if len(dashes) == 0 {
		return []float64{1, 0}
	}
	out := make([]float64, len(dashes))
	for i, d := range dashes {
		out[i] = math.Round(float64(d)*96/72*10) / 10
	}
	return out
}

// column returns one coordinate of points, rounded to a hundred-thousandth: of the number on a logarithmic axis, of the axis on a linear one.
func column(points []point, lo, hi float64, logarithmic bool, of func(point) float64) []json.Number {
	out := make([]json.Number, len(points))
	for i, q := range points {
		v := of(q)
		digits := 6 // Also for what lies far outside.
		if !logarithmic && v != 0 && math.Abs(v-lo) <= 2*(hi-lo) {
			digits = int(math.Ceil(math.Log10(math.Abs(v)))) - int(math.Floor(math.Log10((hi-lo)/1e5)))
		}
		if digits < 1 {
			out[i] = "0"
			continue
		}
		out[i] = json.Number(strconv.FormatFloat(v, 'g', min(digits, 17), 64))
	}
	return out
}

// expression writes a text or a list of texts as an expression of Vega.
func expression(texts any) string {
	data, _ := json.Marshal(texts) // Texts always can be.
	return string(data)
}

// powerLabel is an expression for the labels of a logarithmic axis: powers of ten, and where there are few also others.
func powerLabel(lo, hi float64) string {
	const raised = `replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(` +
		`'' + round(log(datum.value)/LN10), '-', '⁻'), /0/g, '⁰'), /1/g, '¹'), /2/g, '²'), /3/g, '³'), /4/g, '⁴'), /5/g, '⁵'), /6/g, '⁶'), /7/g, '⁷'), /8/g, '⁸'), /9/g, '⁹')`
	const whole = `abs(log(datum.value)/LN10 - round(log(datum.value)/LN10)) < 1e-6`
	decades := math.Log10(hi) - math.Log10(lo)
	if decades < 2 {
		return `format(datum.value, '.2~g')`
	}
	every := int(math.Ceil(decades / 8))
	return fmt.Sprintf(`%s && round(log(datum.value)/LN10) %% %d == 0 ? '10' + %s : ''`, whole, every, raised)
}

// plainText turns superscripts into letters that are, as far as there are such.
func plainText(text string) string {
	var b strings.Builder
	for _, r := range runs(text) {
		if !r.sup {
			b.WriteString(r.text)
			continue
		}
		raised := raise.Replace(r.text)
		if strings.ContainsFunc(r.text, func(c rune) bool { return !strings.ContainsRune(raisable, c) }) {
			raised = "^" + r.text
			if len([]rune(r.text)) > 1 {
				raised = "^(" + r.text + ")"
			}
		}
		b.WriteString(raised)
	}
	return b.String()
}

const raisable = "0123456789+-−=()niT"

var raise = strings.NewReplacer("0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹",
	"+", "⁺", "-", "⁻", "−", "⁻", "=", "⁼", "(", "⁽", ")", "⁾", "n", "ⁿ", "i", "ⁱ", "T", "ᵀ")
