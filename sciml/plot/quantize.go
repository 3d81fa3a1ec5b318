package plot

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
)

// palettize encodes an image with at most 256 colours, which takes a third of
// the bytes or less. It reduces the depth of the colours until they fit: not
// visible in lines, dots and text, hence not for heat maps.
func palettize(img image.Image) ([]byte, error) {
	b := img.Bounds()
	out := image.NewPaletted(b, nil)
	for drop := range 8 {
		mask := uint8(0xff << drop)
		index := map[color.NRGBA]uint8{}
		out.Palette = out.Palette[:0]
		fits := true
		for y := b.Min.Y; y < b.Max.Y && fits; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				r, g, bl, _ := img.At(x, y).RGBA()
				c := color.NRGBA{coarse(r, mask), coarse(g, mask), coarse(bl, mask), 255}
				i, known := index[c]
				if !known {
					if fits = len(out.Palette) < 256; !fits {
						break
					}
					i = uint8(len(out.Palette))
					index[c] = i
					out.Palette = append(out.Palette, c)
				}
				out.Pix[out.PixOffset(x, y)] = i
			}
		}
		if fits {
			break
		}
	}
	var buf bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&buf, out)
	return buf.Bytes(), err
}

// coarse drops low bits of a channel of 16 bits, but keeps black and white.
func coarse(v uint32, mask uint8) uint8 {
	c := uint8(v>>8) & mask
	if uint8(v>>8) >= mask {
		return 255
	}
	return c
}
