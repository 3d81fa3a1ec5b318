package plot

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"slices"
	"time"
)

// asRGBA returns img with 8 bits for each of red, green and blue, which the canvas has.
func asRGBA(img image.Image) *image.RGBA {
	if rgba, ok := img.(*image.RGBA); ok {
		return rgba
	}
	rgba := image.NewRGBA(image.Rectangle{Max: img.Bounds().Size()})
	draw.Draw(rgba, rgba.Rect, img, img.Bounds().Min, draw.Src)
	return rgba
}

// differences returns images with one palette: the first whole, white where it does not reach, and of each other one the
// rectangle in which it differs from the one before, transparent where it does not; and the last one whole.
func differences(images []*image.RGBA, size image.Point) (frames []*image.Paletted, last *image.Paletted) {
	colors := paletteOf(images)
	// No pixel that stays may look different from frame to frame, so what is compared is the index.
	index := map[color.RGBA]uint8{}
	const transparent = 0
	palette := append(color.Palette{color.RGBA{}}, colors...)
	whole := func(img *image.RGBA) *image.Paletted {
		out := image.NewPaletted(image.Rectangle{Max: size}, palette)
		white := uint8(1 + colors.Index(color.White))
		for i := range out.Pix {
			out.Pix[i] = white
		}
		for y := range img.Rect.Dy() {
			row := img.Pix[y*img.Stride:][:4*img.Rect.Dx()]
			var left color.RGBA
			var k uint8
			for x := range img.Rect.Dx() {
				c := color.RGBA{row[4*x], row[4*x+1], row[4*x+2], 255}
				if x == 0 || c != left {
					var ok bool
					if k, ok = index[c]; !ok {
						k = uint8(1 + colors.Index(c))
						index[c] = k
					}
					left = c
				}
				out.Pix[y*out.Stride+x] = k
			}
		}
		return out
	}
	before := whole(images[0])
	frames = []*image.Paletted{before}
	for _, img := range images[1:] {
		now := whole(img)
		changed := image.Rectangle{}
		for y := range size.Y {
			for x := range size.X {
				if now.Pix[y*now.Stride+x] != before.Pix[y*before.Stride+x] {
					changed = changed.Union(image.Rect(x, y, x+1, y+1))
				}
			}
		}
		if changed.Empty() { // A frame has a pixel at least.
			changed = image.Rect(0, 0, 1, 1)
		}
		part := image.NewPaletted(changed, palette)
		for y := changed.Min.Y; y < changed.Max.Y; y++ {
			for x := changed.Min.X; x < changed.Max.X; x++ {
				k := now.Pix[y*now.Stride+x]
				if k == before.Pix[y*before.Stride+x] {
					k = transparent
				}
				part.Pix[part.PixOffset(x, y)] = k
			}
		}
		frames = append(frames, part)
		before = now
	}
	return frames, before
}

// paletteColors is how many colours an animation has beside the transparent one. With twice as many a heat map is smoother, and
// half as large again.
const paletteColors = 63

// paletteOf chooses the colours for all images: those of lines, text and background and the most frequent ones as they are, and
// for the others the means of boxes that are halved where they are widest, those of many pixels first (median cut).
func paletteOf(images []*image.RGBA) color.Palette {
	count := map[color.RGBA]int{}
	for _, img := range images {
		for y := range img.Rect.Dy() {
			row := img.Pix[y*img.Stride:][:4*img.Rect.Dx()]
			for i := 0; i < len(row); {
				c := color.RGBA{row[i], row[i+1], row[i+2], 255}
				n := 0
				for ; i < len(row) && row[i] == c.R && row[i+1] == c.G && row[i+2] == c.B; i += 4 {
					n++
				}
				count[c] += n
			}
		}
	}
	styled := map[color.RGBA]bool{}
	for _, c := range append([]color.NRGBA{{255, 255, 255, 255}, inkColor, gridColor}, seriesColors...) {
		styled[color.RGBA{c.R, c.G, c.B, 255}] = true
	}
	count[color.RGBA{255, 255, 255, 255}]++
	colors := make([]color.RGBA, 0, len(count))
	for c := range count {
		colors = append(colors, c)
	}
	slices.SortFunc(colors, func(a, b color.RGBA) int {
		if styled[a] != styled[b] {
			if styled[a] {
				return -1
			}
			return 1
		}
		return frequency(count, a, b)
	})
	kept := len(colors)
	if kept > paletteColors {
		kept = paletteColors / 4
	}
	var palette color.Palette
	for _, c := range colors[:kept] {
		palette = append(palette, c)
	}
	if kept == len(colors) {
		return palette
	}
	boxes := [][]color.RGBA{colors[kept:]}
	for len(boxes) < paletteColors-kept {
		best, most, channel := -1, 0, 0
		for i, box := range boxes {
			total := 0
			for _, c := range box {
				total += count[c]
			}
			for ch := range 3 {
				lo, hi := uint8(255), uint8(0)
				for _, c := range box {
					lo, hi = min(lo, channelOf(c, ch)), max(hi, channelOf(c, ch))
				}
				if w := (int(hi) - int(lo)) * int(math.Sqrt(float64(total))+1); w > most {
					best, most, channel = i, w, ch
				}
			}
		}
		if best < 0 {
			break
		}
		box := boxes[best]
		slices.SortFunc(box, func(a, b color.RGBA) int { return int(channelOf(a, channel)) - int(channelOf(b, channel)) })
		total, half, cut := 0, 0, 0
		for _, c := range box {
			total += count[c]
		}
		for cut < len(box)-1 && 2*(half+count[box[cut]]) <= total {
			half += count[box[cut]]
			cut++
		}
		cut = max(cut, 1)
		boxes[best] = box[:cut]
		boxes = append(boxes, box[cut:])
	}
	for _, box := range boxes {
		var sum [3]int
		n := 0
		for _, c := range box {
			n += count[c]
			for ch := range sum {
				sum[ch] += count[c] * int(channelOf(c, ch))
			}
		}
		palette = append(palette, color.RGBA{uint8(sum[0] / n), uint8(sum[1] / n), uint8(sum[2] / n), 255})
	}
	return palette
}

// frequency orders colours by how often they occur, and those that occur as often by their values.
func frequency(count map[color.RGBA]int, a, b color.RGBA) int {
	if d := count[b] - count[a]; d != 0 {
		return d
	}
	for ch := range 3 {
		if d := int(channelOf(a, ch)) - int(channelOf(b, ch)); d != 0 {
			return d
		}
	}
	return 0
}

func channelOf(c color.RGBA, channel int) uint8 { return [3]uint8{c.R, c.G, c.B}[channel] }

// animatedPNG writes frames that begin with a whole picture and go on with what changes. What a viewer shows that knows still
// PNG only is last, which itself is no frame (W3C, PNG third edition, 11.3.6).
func animatedPNG(frames []*image.Paletted, last *image.Paletted, delays []time.Duration) ([]byte, error) {
	chunks, err := chunksOf(last)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString("\x89PNG\r\n\x1a\n")
	write := func(kind string, data []byte) {
		_ = binary.Write(&out, binary.BigEndian, uint32(len(data))) // A buffer takes all.
		body := append([]byte(kind), data...)
		out.Write(body)
		_ = binary.Write(&out, binary.BigEndian, crc32.ChecksumIEEE(body))
	}
	sequence := uint32(0)
	number := binary.BigEndian.AppendUint32
	for _, c := range chunks {
		switch c.kind {
		case "IHDR":
			write(c.kind, c.data)
			write("acTL", number(number(nil, uint32(len(frames))), 0)) // 0 is for ever.
		case "IEND":
			for i, f := range frames {
				var control []byte
				for _, v := range []int{int(sequence), f.Rect.Dx(), f.Rect.Dy(), f.Rect.Min.X, f.Rect.Min.Y} {
					control = number(control, uint32(v))
				}
				control = binary.BigEndian.AppendUint16(control, uint16(delays[i].Milliseconds()))
				control = binary.BigEndian.AppendUint16(control, 1000)
				write("fcTL", append(control, 0, min(1, uint8(i)))) // Leave it there; put it over what was before.
				sequence++
				parts, err := chunksOf(f)
				if err != nil {
					return nil, err
				}
				for _, part := range parts {
					if part.kind == "IDAT" {
						write("fdAT", append(number(nil, sequence), part.data...))
						sequence++
					}
				}
			}
			write(c.kind, nil)
		default:
			write(c.kind, c.data)
		}
	}
	return out.Bytes(), nil
}

type chunk struct {
	kind string
	data []byte
}

// chunksOf returns the parts of an image as PNG.
func chunksOf(img image.Image) ([]chunk, error) {
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		return nil, fmt.Errorf("plot: cannot encode a frame as PNG: %w", err)
	}
	var out []chunk
	for rest := buf.Bytes()[8:]; len(rest) >= 12; {
		n := int(binary.BigEndian.Uint32(rest))
		out = append(out, chunk{string(rest[4:8]), rest[8 : 8+n]})
		rest = rest[12+n:]
	}
	return out, nil
}
