package plot

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
	"gonum.org/v1/plot/vg"
)

// bundle is one display in several formats. A viewer takes the best one that it
// knows and trusts: JupyterLab shows PNG and plain text from any notebook, SVG
// and HTML only from those that ran here.
type bundle struct {
	data     map[protocol.MIMEType]any // Text as string, anything else as []byte, which arrives in base64.
	metadata map[string]any            // For one format under its MIME type, for all of them directly; of types that package protocol registers.
}

// send makes a new display, or replaces that of the same id; with an empty id
// the display cannot be replaced. Outside of a notebook it does nothing.
func (b bundle) send(id string) {
	if gonbui.IsNotebook {
		gonbui.SendData(&protocol.DisplayData{Data: b.data, Metadata: b.metadata, DisplayID: id})
	}
}

// Show draws the figure as output of the notebook cell that is running, in
// order with printed text, and returns when the notebook has it. Outside of a
// notebook it checks the figure and does nothing else; use Save there.
func (f *Figure) Show() error {
	if err := f.check("Show"); err != nil || !gonbui.IsNotebook {
		return err
	}
	b, err := f.bundle()
	if err != nil {
		return err
	}
	b.send("")
	return delivered("Show")
}

// bundle returns the figure as PNG for every viewer, with SVG beside it unless
// that is too large, and its name for those who see no pictures.
func (f *Figure) bundle() (bundle, error) {
	png, err := f.smallPNG()
	if err != nil {
		return bundle{}, err
	}
	svg, err := f.SVG()
	if err != nil {
		return bundle{}, err
	}
	name := f.name()
	w, h, _ := f.layout()
	b := bundle{
		data: map[protocol.MIMEType]any{
			protocol.MIMEImagePNG:  png,
			protocol.MIMETextPlain: name,
		},
		metadata: map[string]any{
			string(protocol.MIMEImagePNG): map[string]int{"width": cssPixels(w), "height": cssPixels(h)},
			"alt":                         name,
		},
	}
	if len(svg) <= inlineLimit {
		markup := string(svg)
		if i := strings.Index(markup, "<svg"); i > 0 {
			markup = markup[i:] // Viewers that place it within HTML have no use for an XML prologue.
		}
		b.data[protocol.MIMEImageSVG] = strings.TrimSpace(markup)
	}
	return b, nil
}

// cssPixels is a length on a page: 96 pixels to the inch.
func cssPixels(length vg.Length) int { return int(math.Round(float64(length) * 96 / 72)) }

// smallPNG returns the figure as a PNG with a palette, unless heat maps need all colours.
func (f *Figure) smallPNG() ([]byte, error) {
	for _, row := range f.rows {
		for _, p := range row {
			if _, ok := p.(*heat); ok {
				return f.PNG(0)
			}
		}
	}
	img, err := f.image(defaultDPI)
	if err != nil {
		return nil, err
	}
	return palettize(img.Image())
}

// delivered waits until the notebook has received everything sent so far.
// gonbui.Sync never returns when the pipe breaks under it, hence the limit.
func delivered(method string) error {
	done := make(chan struct{})
	go func() {
		gonbui.Sync()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		return fmt.Errorf("plot: %s: the notebook did not confirm the display within 5 s; restart the kernel if figures stay away", method)
	}
	if err := gonbui.Error(); err != nil {
		return fmt.Errorf("plot: %s: the connection to the notebook is broken: %w", method, err)
	}
	return nil
}
