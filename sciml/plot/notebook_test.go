package plot

import (
	"bytes"
	"encoding/gob"
	"encoding/xml"
	"image/png"
	"reflect"
	"strings"
	"testing"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// checkBundle looks at everything that viewers read in the bundle of a figure.
func checkBundle(t *testing.T, b bundle, wantSVG bool) {
	t.Helper()
	name, _ := b.data[protocol.MIMETextPlain].(string)
	if name == "" || b.metadata["alt"] != name {
		t.Errorf("the plain text is %q and the alternative text %q, want one name", name, b.metadata["alt"])
	}
	data, _ := b.data[protocol.MIMEImagePNG].([]byte)
	config, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("the PNG: %v", err)
	}
	size, _ := b.metadata["image/png"].(map[string]int)
	w, h := size["width"], size["height"]
	// Two dots per CSS pixel; sizes that are no whole number of pixels are rounded.
	if w < 50 || h < 50 || abs(config.Width-2*w) > 2 || abs(config.Height-2*h) > 2 {
		t.Errorf("the PNG has %d×%d dots and says %v, want half of it in CSS pixels", config.Width, config.Height, size)
	}
	svg, found := b.data[protocol.MIMEImageSVG].(string)
	if found != wantSVG {
		t.Errorf("SVG in the bundle: %v, want %v", found, wantSVG)
	}
	if found {
		if !strings.HasPrefix(svg, "<svg ") || !strings.HasSuffix(svg, "</svg>") {
			t.Errorf("the SVG is %.40s…", svg)
		}
		if err := xml.Unmarshal([]byte(svg), new(struct{})); err != nil {
			t.Errorf("the SVG: %v", err)
		}
	}
	if _, found := b.data[protocol.MIMETextHTML]; found {
		t.Error("the bundle has HTML, of which viewers show nothing when they do not trust the notebook")
	}
}

func abs(n int) int { return max(n, -n) }

func TestFiguresAreBundles(t *testing.T) {
	curves := testFigure(t)
	heat, err := HeatMap("u & <v>", Grid{X: []float64{0, 1}, Y: []float64{0, 1}, U: []float64{0, 1, 2, 3}})
	if err != nil {
		t.Fatal(err)
	}
	row, err := Row(curves, heat)
	if err != nil {
		t.Fatal(err)
	}
	for _, fig := range []*Figure{curves, heat, row} {
		b, err := fig.bundle()
		if err != nil {
			t.Fatal(err)
		}
		checkBundle(t, b, true)
	}
}

// GoNB decodes what gonbui encodes; types that gob does not know would break the pipe.
func TestBundlesTravelToTheKernel(t *testing.T) {
	b, err := testFigure(t).bundle()
	if err != nil {
		t.Fatal(err)
	}
	var pipe bytes.Buffer
	sent := protocol.DisplayData{Data: b.data, Metadata: b.metadata, DisplayID: "id"}
	if err := gob.NewEncoder(&pipe).Encode(&sent); err != nil {
		t.Fatal(err)
	}
	var got protocol.DisplayData
	if err := gob.NewDecoder(&pipe).Decode(&got); err != nil || !reflect.DeepEqual(got, sent) {
		t.Errorf("%v; got %+v", err, got.Metadata)
	}
}

func BenchmarkBundle(b *testing.B) {
	y := make([]float64, 2000)
	for i := range y {
		y[i] = 1 / float64(1+i)
	}
	loss, err := Convergence("loss", "x", "y", Series{Name: "Adam", Y: y}, Series{Name: "L-BFGS", Y: y[:900]})
	if err != nil {
		b.Fatal(err)
	}
	fig, err := Row(loss, loss)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := fig.bundle(); err != nil {
			b.Fatal(err)
		}
	}
}
