package plot

import (
	"bytes"
	"fmt"
	"image"
	"image/gif"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/gosciml/gosciml/internal/atomicfile"
)

// Animation shows figures one after the other, again and again, with a pause at
// the last one: an error map during a training, points that move, a path that
// grows. It is made by NewAnimation and does not change afterwards.
//
// In a notebook it is an animated PNG, whose still picture is the last figure:
// what can play it, JupyterLab and other browsers among them, does, and what
// cannot, such as PDF, shows the last figure. A GIF of the same frames is beside
// it for viewers that prefer that.
type Animation struct {
	name          string
	width, height int // In CSS pixels.
	frames        int
	gif, png      []byte
}

const (
	animationFrames = 200
	animationPause  = 2 * time.Second
	defaultFrame    = 150 * time.Millisecond
)

// animationLimit is how many bytes GIF and PNG may have together.
var animationLimit = 1_500_000

// animationDPI are the resolutions that are tried one after the other until an animation is small enough.
var animationDPI = []int{144, 120, 96, 72}

// NewAnimation makes an animation of figures of one kind, each shown for the
// time frame; 0 means 150 ms. All frames get the same scales: an axis of curves
// reaches over what it has in any of them, as do the colours of a map, so that
// what moves is the data; where a map has a ColorRange, that remains.
//
// Colours are reduced to 63, the same for all frames, and of a frame only what
// changes is kept. The resolution is the highest of 1.5, 1.25, 1 and 0.75 pixels
// per CSS pixel with which GIF and PNG together have at most 1.5 MB: thirty
// frames of a heat map that changes everywhere do with 1.5. An animation that
// is larger still is an error, as are figures that are nil or differ in their
// panels, fewer than two or more than 200 figures, and a time below 20 ms, which
// browsers do not keep to.
func NewAnimation(figures []*Figure, frame time.Duration) (*Animation, error) {
	if err := given("NewAnimation", figures); err != nil {
		return nil, err
	}
	if len(figures) < 2 || len(figures) > animationFrames {
		return nil, fmt.Errorf("plot: NewAnimation: there are %d figures; give 2 to %d", len(figures), animationFrames)
	}
	if frame == 0 {
		frame = defaultFrame
	}
	if frame < 20*time.Millisecond || frame > time.Minute {
		return nil, fmt.Errorf("plot: NewAnimation: the time of a frame is %v, want 20 ms to a minute, or 0 for %v", frame, defaultFrame)
	}
	figures, err := sameScales(figures)
	if err != nil {
		return nil, err
	}
	last := figures[len(figures)-1]
	a := &Animation{name: fmt.Sprintf("%s; moves through %d frames, of which the last is described", last.name(), len(figures)), frames: len(figures)}
	for _, dpi := range animationDPI {
		if err := a.encode(figures, dpi, frame); err != nil {
			return nil, err
		}
		if len(a.gif)+len(a.png) <= animationLimit {
			return a, nil
		}
	}
	return nil, fmt.Errorf("plot: NewAnimation: %d frames of %d×%d pixels take %d bytes, which is over %d; give fewer or smaller figures",
		len(figures), a.width, a.height, len(a.gif)+len(a.png), animationLimit)
}

// encode draws all frames and writes them in both formats.
func (a *Animation) encode(figures []*Figure, dpi int, frame time.Duration) error {
	images := make([]*image.RGBA, len(figures))
	var size image.Point
	for i, f := range figures {
		canvas, err := f.image(dpi)
		if err != nil {
			return err
		}
		images[i] = asRGBA(canvas.Image())
		size.X, size.Y = max(size.X, images[i].Rect.Dx()), max(size.Y, images[i].Rect.Dy())
	}
	a.width, a.height = size.X*96/dpi, size.Y*96/dpi
	frames, last := differences(images, size)
	delays := make([]time.Duration, len(frames))
	for i := range delays {
		delays[i] = frame
	}
	delays[len(delays)-1] += animationPause

	moving := &gif.GIF{Config: image.Config{ColorModel: frames[0].Palette, Width: size.X, Height: size.Y}}
	for i, f := range frames {
		moving.Image = append(moving.Image, f)
		moving.Delay = append(moving.Delay, int(math.Round(delays[i].Seconds()*100)))
		moving.Disposal = append(moving.Disposal, gif.DisposalNone)
	}
	var buf bytes.Buffer
	if err := gif.EncodeAll(&buf, moving); err != nil {
		return fmt.Errorf("plot: cannot encode the animation as GIF: %w", err)
	}
	a.gif = buf.Bytes()
	var err error
	a.png, err = animatedPNG(frames, last, delays)
	return err
}

// sameScales gives corresponding panels of all figures the same axes and colours.
func sameScales(figures []*Figure) ([]*Figure, error) {
	out := make([]*Figure, len(figures))
	for k, f := range figures {
		out[k] = &Figure{}
		for range f.rows {
			out[k].rows = append(out[k].rows, nil)
		}
		if len(f.rows) != len(figures[0].rows) {
			return nil, fmt.Errorf("plot: NewAnimation: figure %d has %d rows and figure 1 has %d; give figures of one kind", k+1, len(f.rows), len(figures[0].rows))
		}
		for i, row := range f.rows {
			if len(row) != len(figures[0].rows[i]) {
				return nil, fmt.Errorf("plot: NewAnimation: row %d of figure %d has %d panels and that of figure 1 has %d; give figures of one kind", i+1, k+1, len(row), len(figures[0].rows[i]))
			}
		}
	}
	for i, row := range figures[0].rows {
		for j, first := range row {
			var panels []panel
			for _, f := range figures {
				panels = append(panels, f.rows[i][j])
			}
			same, ok := first.alike(panels)
			if !ok {
				return nil, fmt.Errorf("plot: NewAnimation: panel %d of row %d is a map in some of the figures and has curves in others, or has other axes; give figures of one kind", j+1, i+1)
			}
			for k, p := range same {
				out[k].rows[i] = append(out[k].rows[i], p)
			}
		}
	}
	for k := range out {
		out[k] = aligned(out[k].rows)
	}
	return out, nil
}

// alike implements panel.
func (p *curves) alike(panels []panel) ([]panel, bool) {
	whole := *p
	for _, other := range panels {
		q, ok := other.(*curves)
		if !ok || q.logX != p.logX || q.logY != p.logY {
			return nil, false
		}
		whole.xmin, whole.xmax = math.Min(whole.xmin, q.xmin), math.Max(whole.xmax, q.xmax)
		whole.ymin, whole.ymax = math.Min(whole.ymin, q.ymin), math.Max(whole.ymax, q.ymax)
		whole.whole = whole.whole && q.whole
	}
	var out []panel
	for _, other := range panels {
		q := *other.(*curves)
		q.xmin, q.xmax, q.ymin, q.ymax, q.whole = whole.xmin, whole.xmax, whole.ymin, whole.ymax, whole.whole
		out = append(out, &q)
	}
	return out, true
}

// alike implements panel.
func (h *heat) alike(panels []panel) ([]panel, bool) {
	lo, hi := h.lo, h.hi
	for _, other := range panels {
		q, ok := other.(*heat)
		if !ok || q.log != h.log {
			return nil, false
		}
		lo, hi = math.Min(lo, q.lo), math.Max(hi, q.hi)
	}
	var out []panel
	for _, other := range panels {
		q := *other.(*heat)
		if q.lo != lo || q.hi != hi {
			q.lo, q.hi = lo, hi
			q.draft()
		}
		out = append(out, &q)
	}
	return out, true
}

func (a *Animation) check(method string) error {
	if a == nil || a.frames == 0 {
		return fmt.Errorf("plot: Animation.%s: the animation is nil or empty; check the error of NewAnimation", method)
	}
	return nil
}

// Save writes the animation to path as GIF, or as animated PNG whose still picture is the last figure, chosen by the extension.
func (a *Animation) Save(path string) error {
	if err := a.check("Save"); err != nil {
		return err
	}
	var data []byte
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".gif":
		data = a.gif
	case ".png":
		data = a.png
	default:
		return fmt.Errorf("plot: Save: %q ends in %q; use a name that ends in .gif or .png", path, ext)
	}
	if err := atomicfile.Write(path, data, 0o666); err != nil {
		return fmt.Errorf("plot: Save: cannot write the animation: %w", err)
	}
	return nil
}

// Show draws the animation as output of the notebook cell that is running. Outside of a notebook it checks the animation and does nothing else.
func (a *Animation) Show() error {
	if err := a.check("Show"); err != nil || !gonbui.IsNotebook {
		return err
	}
	a.bundle().send("")
	return delivered("Show")
}

const mimeGIF protocol.MIMEType = "image/gif"

// bundle has both formats. JupyterLab and nbconvert take the PNG where there are both, which is why the PNG moves as well.
func (a *Animation) bundle() bundle {
	size := func() map[string]int { return map[string]int{"width": a.width, "height": a.height} }
	return bundle{
		data:     map[protocol.MIMEType]any{protocol.MIMEImagePNG: a.png, mimeGIF: a.gif, protocol.MIMETextPlain: a.name},
		metadata: map[string]any{string(protocol.MIMEImagePNG): size(), string(mimeGIF): size(), "alt": a.name},
	}
}
