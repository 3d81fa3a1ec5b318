package plot

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// vegaSpec is what these tests read of a specification.
type vegaSpec struct {
	Description, Background string
	Params                  []struct {
		Name  string
		Value int
		Bind  struct {
			Input          string
			Min, Max, Step int
			Name           string
		}
	}
	Title struct{ Text struct{ Expr string } }
	Data  struct {
		Values []struct {
			K, S, G int
			N       string
			X, Y    []float64
		}
	}
	Layer []struct {
		Encoding struct {
			X, Y struct {
				Scale struct {
					Type   string
					Domain [2]float64
				}
			}
			Color struct {
				Scale struct {
					Domain []int
					Range  []string
				}
				Legend struct {
					Values    []int
					LabelExpr string
				}
			}
		}
	}
	Config struct{ Background string }
}

func specOf(t *testing.T, s *Slider) vegaSpec {
	t.Helper()
	raw, err := s.VegaLite()
	if err != nil {
		t.Fatal(err)
	}
	var spec vegaSpec
	if err := json.Unmarshal(raw, &spec); err != nil {
		t.Fatal(err)
	}
	return spec
}

func slider(s *Slider, err error) *Slider {
	if err != nil {
		panic(err)
	}
	return s
}

// TestSliderHoldsItsData: what the browser shows for each value is what was given, up to rounding that cannot be seen.
func TestSliderHoldsItsData(t *testing.T) {
	values := []float64{0.1, 1, 10}
	var series [][]Series
	for _, v := range values {
		series = append(series, []Series{
			ramped(50, func(i int) float64 { return v * math.Exp(-float64(i)/7) / 3 }),
			{Name: "broken", Y: []float64{v, math.NaN(), v / 3, -1, v / 7}},
		})
	}
	rate := ramped(50, func(i int) float64 { return math.Exp(-float64(i) / 9) })
	rate.Name = "theory, x^2"
	contour := Series{Y: []float64{2, 3}}
	s := slider(NewSlider("t", "x", "y", "weight", values, series, SliderOptions{LogY: true, Static: []Series{rate, contour}, Start: 1}))
	spec := specOf(t, s)

	if p := spec.Params[0]; len(spec.Params) != 1 || p.Value != 2 || p.Bind.Input != "range" || p.Bind.Min != 1 || p.Bind.Max != 3 || p.Bind.Step != 1 {
		t.Errorf("the slider is %+v", spec.Params)
	}
	if want := `["t", ["weight = 0.1","weight = 1","weight = 10"][choice - 1]]`; spec.Title.Text.Expr != want {
		t.Errorf("the value is written by %s, want %s", spec.Title.Text.Expr, want)
	}
	if spec.Background != "white" || spec.Config.Background != "white" || spec.Description != s.described() {
		t.Errorf("backgrounds %q and %q, description %q", spec.Background, spec.Config.Background, spec.Description)
	}
	type key struct{ k, s int }
	found := map[key][]point{}
	for _, r := range spec.Data.Values {
		if len(r.X) != len(r.Y) || len(r.X) == 0 {
			t.Fatalf("a piece has %d x and %d y", len(r.X), len(r.Y))
		}
		for i := range r.X {
			found[key{r.K, r.S}] = append(found[key{r.K, r.S}], point{r.X[i], r.Y[i]})
		}
	}
	check := func(k, i int, want Series) {
		t.Helper()
		var points []point
		for _, seg := range segments(want.X, want.Y, true) {
			points = append(points, seg...)
		}
		got := found[key{k, i}]
		if len(got) != len(points) {
			t.Fatalf("value %d, series %d: %d points, want %d", k, i, len(got), len(points))
		}
		for j, q := range points {
			if math.Abs(got[j].x-q.x) > 1e-5*50 || math.Abs(got[j].y-q.y) > 1e-5*q.y {
				t.Errorf("value %d, series %d: %v, want %v", k, i, got[j], q)
			}
		}
	}
	check(0, 0, rate)
	check(0, 1, contour)
	for k := range values {
		check(k+1, 2, series[k][0])
		check(k+1, 3, series[k][1])
	}
	if len(found) != 8 {
		t.Errorf("%d curves in the data, want 2 that are static and 2 for each of 3 values", len(found))
	}
	color := spec.Layer[1].Encoding.Color
	for i, c := range s.panels[0].data {
		if color.Scale.Range[i] != hex(c.line().Color) {
			t.Errorf("curve %d has the colour %s, and in the still picture %s", i, color.Scale.Range[i], hex(c.line().Color))
		}
	}
	if !reflect.DeepEqual(color.Legend.Values, []int{0, 3}) || !strings.HasPrefix(color.Legend.LabelExpr, `["theory, x²","","","broken"]`) {
		t.Errorf("the legend has %v by %s", color.Legend.Values, color.Legend.LabelExpr)
	}
	for _, l := range spec.Layer {
		y := l.Encoding.Y.Scale
		if y.Type != "log" || !(y.Domain[0] < 0.1/7) || !(y.Domain[1] > 10) {
			t.Errorf("the y axis is %+v", y)
		}
	}
}

func TestSliderIsABundle(t *testing.T) {
	s := slider(NewSlider("u & <v>", "x", "y", "α", []float64{1, 2}, [][]Series{{{Y: []float64{1, 2}}}, {{Y: []float64{2, 1}}}}, SliderOptions{}))
	b, err := s.bundle()
	if err != nil {
		t.Fatal(err)
	}
	checkBundle(t, b, false)
	if text, ok := b.data[mimeVegaLite].(string); !ok || !json.Valid([]byte(text)) {
		t.Errorf("the specification is %v", b.data[mimeVegaLite])
	}
	if want := "u & <v>, α = 1; a slider moves α through 2 values from 1 to 2"; b.data[protocol.MIMETextPlain] != want {
		t.Errorf("the plain text is %q, want %q", b.data[protocol.MIMETextPlain], want)
	}
	var pipe bytes.Buffer
	if err := gob.NewEncoder(&pipe).Encode(&protocol.DisplayData{Data: b.data, Metadata: b.metadata}); err != nil {
		t.Error(err)
	}

	dir := t.TempDir()
	for _, name := range []string{"a.json", "a.png", "a.svg"} {
		if err := s.Save(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	raw, _ := os.ReadFile(filepath.Join(dir, "a.json"))
	if spec, _ := s.VegaLite(); !bytes.Equal(raw, spec) {
		t.Error("the file is not the specification")
	}
	picture, _ := os.ReadFile(filepath.Join(dir, "a.png"))
	if _, err := png.Decode(bytes.NewReader(picture)); err != nil {
		t.Error(err)
	}
	if err := s.Save(filepath.Join(dir, "a.html")); err == nil || !strings.Contains(err.Error(), ".json") {
		t.Errorf("Save as HTML: error %v, want one that names the formats", err)
	}
	first, err := s.Figure(0)
	if err != nil {
		t.Fatal(err)
	}
	if first.name() != "u & <v>\nα = 1" {
		t.Errorf("the first figure is %q", first.name())
	}
	if _, err := s.Figure(2); err == nil {
		t.Error("there is a figure of a third value")
	}
}

// TestSliderOfAnyData: the specification has numbers only, axes that increase, and stays small.
func TestSliderOfAnyData(t *testing.T) {
	long := ramped(100_000, func(i int) float64 { return math.Exp(-float64(i)/3e4) * (2 + math.Sin(float64(i))) })
	long.Y[77_777] = 1e6
	nan, inf := math.NaN(), math.Inf(1)
	for name, c := range map[string]struct {
		series  Series
		options SliderOptions
	}{
		"diverges":   {ramped(2000, func(i int) float64 { return math.Pow(-3, float64(i)) }), SliderOptions{YRange: [2]float64{-1, 1}}},
		"all":        {Series{Y: []float64{nan, inf, 0, 1, 1e-300, 1e300}}, SliderOptions{LogY: true, LogX: true}},
		"constant":   {Series{Y: []float64{3, 3}}, SliderOptions{Dots: true, Equal: true}},
		"zero":       {Series{Y: []float64{0, 0}}, SliderOptions{Marks: true}},
		"far away":   {Series{Y: []float64{1e6 + 0.001, 1e6 + 0.002}}, SliderOptions{}},
		"long":       {long, SliderOptions{LogY: true}},
		"long log x": {long, SliderOptions{LogY: true, LogX: true}},
	} {
		s := slider(NewSlider(name, "", "", "k", []float64{1, 2}, [][]Series{{c.series}, {{}}}, c.options))
		spec := specOf(t, s)
		if n := len(s.spec); n > 20_000 {
			t.Errorf("%s: %d bytes", name, n)
		}
		var highest float64
		for _, r := range spec.Data.Values {
			for _, y := range r.Y {
				highest = max(highest, y)
			}
		}
		if strings.HasPrefix(name, "long") && highest != 1e6 {
			t.Errorf("%s: the spike was lost; the highest is %g", name, highest)
		}
		if name == "far away" && spec.Data.Values[0].Y[0] == spec.Data.Values[0].Y[1] {
			t.Error("values that differ were rounded to one")
		}
		x, y := spec.Layer[0].Encoding.X.Scale.Domain, spec.Layer[0].Encoding.Y.Scale.Domain
		if !(x[0] < x[1]) || !(y[0] < y[1]) {
			t.Errorf("%s: axes %v and %v", name, x, y)
		}
		for k := range 2 {
			f, err := s.Figure(k)
			if err != nil {
				t.Fatal(err)
			}
			svg, err := f.SVG()
			if err != nil {
				t.Fatal(err)
			}
			wellFormed(t, svg)
		}
	}
}

func TestSliderErrors(t *testing.T) {
	one := [][]Series{{{Name: "a", Y: []float64{1}}}}
	many := make([]float64, 100_000)
	for i := range many {
		many[i] = float64(i)
	}
	for want, c := range map[string]struct {
		values  []float64
		series  [][]Series
		options SliderOptions
	}{
		"there are 0 values":                   {nil, nil, SliderOptions{}},
		"value 1 is NaN":                       {[]float64{math.NaN()}, one, SliderOptions{}},
		"series has 1 elements and values 2":   {[]float64{1, 2}, one, SliderOptions{}},
		"value 2 has 0 series":                 {[]float64{1, 2}, [][]Series{one[0], nil}, SliderOptions{}},
		`is "b" and that of value 1 "a"`:       {[]float64{1, 2}, [][]Series{one[0], {{Name: "b"}}}, SliderOptions{}},
		"value 1: series 1":                    {[]float64{1}, [][]Series{{{X: []float64{1}}}}, SliderOptions{}},
		"Static: series 1":                     {[]float64{1}, one, SliderOptions{Static: []Series{{X: []float64{1}}}}},
		"Start is 1":                           {[]float64{1}, one, SliderOptions{Start: 1}},
		"YRange is -1 to 1":                    {[]float64{1}, one, SliderOptions{LogY: true, YRange: [2]float64{-1, 1}}},
		"XRange is 2 to 1":                     {[]float64{1}, one, SliderOptions{XRange: [2]float64{2, 1}}},
		"nothing to draw":                      {[]float64{1}, [][]Series{{{}}}, SliderOptions{}},
		"positive where an axis":               {[]float64{1}, [][]Series{{{Y: []float64{-1}}}}, SliderOptions{LogY: true}},
		fmt.Sprintf("is over %d", sliderLimit): {[]float64{1}, [][]Series{{{Y: many}}}, SliderOptions{Dots: true}},
	} {
		if _, err := NewSlider("", "", "", "k", c.values, c.series, c.options); err == nil || !strings.Contains(err.Error(), "NewSlider") || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
	var s *Slider
	for _, err := range []error{s.Show(), s.Save("a.json")} {
		if err == nil || !strings.Contains(err.Error(), "check the error of NewSlider") {
			t.Errorf("a nil slider: %v", err)
		}
	}
}

func TestPlainText(t *testing.T) {
	for text, want := range map[string]string{"10^{-3}": "10⁻³", "x^2": "x²", "a^{2k}b": "a^(2k)b", "J^TJ": "JᵀJ", "x^": "x^", "e^x": "e^x"} {
		if got := plainText(text); got != want {
			t.Errorf("%s becomes %s, want %s", text, got, want)
		}
	}
}
