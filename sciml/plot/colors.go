package plot

import (
	"image/color"
	"math"
)

// Equally spaced samples of the colour maps. Viridis and magma (S. van der
// Walt, N. Smith) are perceptually uniform and readable with colour blindness;
// the diverging map is ColorBrewer's RdBu, reversed.
var (
	viridisColors   = []uint32{0x440154, 0x482878, 0x3e4a89, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6dcd59, 0xb4de2c, 0xfde725}
	magmaColors     = []uint32{0x000004, 0x180f3e, 0x451077, 0x721f81, 0x9f2f7f, 0xcd4071, 0xf1605d, 0xfd9567, 0xfec98d, 0xfcfdbf}
	divergingColors = []uint32{0x053061, 0x2166ac, 0x4393c3, 0x92c5de, 0xd1e5f0, 0xf7f7f7, 0xfddbc7, 0xf4a582, 0xd6604d, 0xb2182b, 0x67001f}
)

// ramp interpolates samples of a colour map to 255 colours.
func ramp(samples []uint32) []color.NRGBA {
	out := make([]color.NRGBA, 255)
	for i := range out {
		at := float64(i) / 254 * float64(len(samples)-1)
		k := min(int(at), len(samples)-2)
		channel := func(shift uint) uint8 {
			a, b := float64(samples[k]>>shift&255), float64(samples[k+1]>>shift&255)
			return uint8(math.Round(a + (b-a)*(at-float64(k))))
		}
		out[i] = color.NRGBA{R: channel(16), G: channel(8), B: channel(0), A: 255}
	}
	return out
}
