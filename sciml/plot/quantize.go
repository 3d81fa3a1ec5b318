package plot

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"slices"
)

// palettize encodes an image with 64 colours, which takes a third of the
// bytes or less. It keeps the most frequent ones as they are and replaces
// the others by the nearest: not visible in lines, dots and text, where others
// occur along borders only; hence not for heat maps.
func palettize(img image.Image) ([]byte, error) {
	b := img.Bounds()
	rgba, ok := img.(*image.RGBA)
	if !ok {
		rgba = image.NewRGBA(b)
		draw.Draw(rgba, b, img, b.Min, draw.Src)
	}
	// Neighbours mostly have one colour, so it is looked up once for all of
	// them: live figures draw often.
	type run struct {
		c color.NRGBA
		n int
	}
	var runs []run
	for y := range b.Dy() {
		row := rgba.Pix[y*rgba.Stride:][:4*b.Dx()]
		for i := 0; i < len(row); i += 4 {
			c := color.NRGBA{row[i], row[i+1], row[i+2], 255} // The canvas is opaque.
			if n := len(runs); n > 0 && runs[n-1].c == c {
				runs[n-1].n++
			} else {
				runs = append(runs, run{c, 1})
			}
		}
	}
	count := map[color.NRGBA]int{}
	for _, r := range runs {
		count[r.c] += r.n
	}
	colors := make([]color.NRGBA, 0, len(count))
	for c := range count {
		colors = append(colors, c)
	}
	slices.SortFunc(colors, func(a, b color.NRGBA) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	var palette color.Palette
	for _, c := range colors[:min(64, len(colors))] {
		palette = append(palette, c)
	}
	nearest := make(map[color.NRGBA]uint8, len(colors))
	for i, c := range colors {
		if i < len(palette) {
			nearest[c] = uint8(i)
		} else {
			nearest[c] = uint8(palette.Index(c))
		}
	}
	out := image.NewPaletted(image.Rect(0, 0, b.Dx(), b.Dy()), palette)
	rest := out.Pix
	for _, r := range runs {
		index := nearest[r.c]
		for i := range rest[:r.n] {
			rest[i] = index
		}
		rest = rest[r.n:]
	}
	var buf bytes.Buffer
	err := png.Encode(&buf, out) // The best compression takes over ten times as long for a tenth of the bytes.
	return buf.Bytes(), err
}
