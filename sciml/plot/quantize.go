package plot

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"slices"
)

// palettize encodes an image with 64 colours, which takes a third of the
// bytes or less. It keeps the most frequent ones as they are and replaces
// the others by the nearest: not visible in lines, dots and text, where others
// occur along borders only; hence not for heat maps.
func palettize(img image.Image) ([]byte, error) {
	b := img.Bounds()
	count := map[color.NRGBA]int{}
	pixels := make([]color.NRGBA, 0, b.Dx()*b.Dy())
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := img.At(x, y).RGBA()
			c := color.NRGBA{uint8(r >> 8), uint8(g >> 8), uint8(bl >> 8), 255}
			count[c]++
			pixels = append(pixels, c)
		}
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
	for i, c := range pixels {
		out.Pix[i] = nearest[c]
	}
	var buf bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&buf, out)
	return buf.Bytes(), err
}
