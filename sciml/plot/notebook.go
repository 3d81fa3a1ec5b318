package plot

import (
	"encoding/base64"
	"fmt"
	"html"
	"strings"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
)

// Show draws the figure as output of the notebook cell that is running, in
// order with printed text, and returns when the notebook has it. Outside of a
// notebook it checks the figure and does nothing else; use Save there.
func (f *Figure) Show() error {
	markup, err := f.inline("Show")
	if err != nil || !gonbui.IsNotebook {
		return err
	}
	gonbui.DisplayHTML(markup)
	return delivered("Show")
}

// inline returns the figure as HTML: SVG, or PNG where that is smaller. Outside
// of a notebook nobody looks at it, and it is left empty.
func (f *Figure) inline(method string) (string, error) {
	if err := f.check(method); err != nil || !gonbui.IsNotebook {
		return "", err
	}
	return f.html()
}

func (f *Figure) html() (string, error) {
	svg, err := f.SVG()
	if err != nil {
		return "", err
	}
	if len(svg) > inlineLimit {
		png, err := f.smallPNG()
		if err != nil {
			return "", err
		}
		if len(png)*4/3 < len(svg) {
			w, _, _ := f.layout()
			return fmt.Sprintf(`<img alt="%s" width="%.0f" style="max-width:100%%;height:auto;background:#fff" src="data:image/png;base64,%s"/>`,
				html.EscapeString(f.name()), float64(w)*4/3, base64.StdEncoding.EncodeToString(png)), nil
		}
	}
	markup := string(svg)
	if i := strings.Index(markup, "<svg"); i > 0 {
		markup = markup[i:] // An XML prologue has no place within HTML.
	}
	return "<div>" + strings.TrimSpace(markup) + "</div>", nil
}

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
