package plot

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/draw"
	"image/gif"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// played returns what a viewer of GIF shows, frame by frame.
func played(t *testing.T, data []byte) (screens []*image.RGBA, moving *gif.GIF) {
	t.Helper()
	moving, err := gif.DecodeAll(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	screen := image.NewRGBA(image.Rect(0, 0, moving.Config.Width, moving.Config.Height))
	for _, f := range moving.Image {
		draw.Draw(screen, f.Rect, f, f.Rect.Min, draw.Over)
		seen := image.NewRGBA(screen.Rect)
		copy(seen.Pix, screen.Pix)
		screens = append(screens, seen)
	}
	return screens, moving
}

// playedPNG returns what a viewer of animated PNG shows, frame by frame, and the milliseconds of each.
func playedPNG(t *testing.T, data []byte) (screens []*image.RGBA, delays []int) {
	t.Helper()
	var head, before bytes.Buffer // Of the PNG of one frame: the header for its size, and the palette.
	var screen *image.RGBA
	write := func(to *bytes.Buffer, kind string, data []byte) {
		to.Write(binary.BigEndian.AppendUint32(nil, uint32(len(data))))
		to.WriteString(kind)
		to.Write(data)
		to.Write(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(append([]byte(kind), data...))))
	}
	var header, control, content []byte
	show := func() {
		if control == nil {
			return
		}
		head.Reset()
		head.WriteString("\x89PNG\r\n\x1a\n")
		write(&head, "IHDR", append(append([]byte{}, control[4:12]...), header[8:]...))
		head.Write(before.Bytes())
		write(&head, "IDAT", content)
		write(&head, "IEND", nil)
		frame, err := png.Decode(&head)
		if err != nil {
			t.Fatal(err)
		}
		at := image.Pt(int(binary.BigEndian.Uint32(control[12:])), int(binary.BigEndian.Uint32(control[16:])))
		op := draw.Src
		if control[25] == 1 {
			op = draw.Over
		}
		draw.Draw(screen, frame.Bounds().Add(at), frame, image.Point{}, op)
		seen := image.NewRGBA(screen.Rect)
		copy(seen.Pix, screen.Pix)
		screens = append(screens, seen)
		delays = append(delays, int(binary.BigEndian.Uint16(control[20:]))*1000/int(binary.BigEndian.Uint16(control[22:])))
		content = nil
	}
	frames, sequence := 0, uint32(0)
	next := func(got []byte) {
		if n := binary.BigEndian.Uint32(got); n != sequence {
			t.Fatalf("a chunk has the number %d, want %d", n, sequence)
		}
		sequence++
	}
	for rest := data[8:]; len(rest) > 0; {
		n := int(binary.BigEndian.Uint32(rest))
		kind, body := string(rest[4:8]), rest[8:8+n]
		if crc := binary.BigEndian.Uint32(rest[8+n:]); crc != crc32.ChecksumIEEE(rest[4:8+n]) {
			t.Fatalf("the checksum of %s is wrong", kind)
		}
		rest = rest[12+n:]
		switch kind {
		case "IHDR":
			header = body
			screen = image.NewRGBA(image.Rect(0, 0, int(binary.BigEndian.Uint32(body)), int(binary.BigEndian.Uint32(body[4:]))))
		case "acTL":
			frames = int(binary.BigEndian.Uint32(body))
			if plays := binary.BigEndian.Uint32(body[4:]); plays != 0 {
				t.Errorf("it plays %d times, want for ever", plays)
			}
		case "PLTE", "tRNS":
			write(&before, kind, body)
		case "fcTL":
			next(body)
			show()
			control = body
		case "fdAT":
			next(body)
			content = append(content, body[4:]...)
		case "IEND":
			show()
		}
	}
	if frames != len(screens) {
		t.Errorf("it says that it has %d frames, and has %d", frames, len(screens))
	}
	return screens, delays
}

func movingFigures(n int) []*Figure {
	var out []*Figure
	s := Series{Name: "loss"}
	for k := range n {
		size := math.Exp(-float64(k))
		field := Sample(func(x, y float64) float64 { return size * math.Abs(math.Sin(5*x+float64(k))*y) }, 0, 1, 21, 0, 1, 21)
		s.Y = append(s.Y, size, size/2)
		out = append(out, figure(Row(
			figure(HeatMap(fmt.Sprintf("after %d", k), field, LogColor(), Contours())),
			figure(Convergence("loss", "iteration", "loss", s)))))
	}
	return out
}

func TestAnimationPlays(t *testing.T) {
	a, err := NewAnimation(movingFigures(4), 40*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	screens, moving := played(t, a.gif)
	same, delays := playedPNG(t, a.png)
	if len(screens) != 4 || len(same) != 4 || moving.LoopCount != 0 {
		t.Fatalf("%d frames as GIF, %d as PNG, loop count %d", len(screens), len(same), moving.LoopCount)
	}
	for i := range screens {
		if !bytes.Equal(screens[i].Pix, same[i].Pix) {
			t.Errorf("frame %d of the PNG differs from that of the GIF", i)
		}
		if i > 0 && bytes.Equal(screens[i].Pix, screens[i-1].Pix) {
			t.Errorf("frame %d shows nothing new", i)
		}
		want := 40
		if i == 3 {
			want += 2000
		}
		if delays[i] != want || moving.Delay[i]*10 != want {
			t.Errorf("frame %d stays for %d ms as PNG and %d as GIF, want %d", i, delays[i], moving.Delay[i]*10, want)
		}
		if _, _, _, alpha := screens[i].At(0, 0).RGBA(); alpha != 0xffff {
			t.Error("the background is not opaque")
		}
	}
	still, err := png.Decode(bytes.NewReader(a.png))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(asRGBA(still).Pix, screens[3].Pix) {
		t.Error("the still picture is not the last frame")
	}

	// What is shown is what was drawn, up to colours that were joined.
	figures, err := sameScales(movingFigures(4))
	if err != nil {
		t.Fatal(err)
	}
	canvas, err := figures[2].image(animationDPI[0])
	if err != nil {
		t.Fatal(err)
	}
	drawn := asRGBA(canvas.Image())
	if drawn.Rect != screens[2].Rect {
		t.Fatalf("the frame is %v, and was drawn as %v", screens[2].Rect, drawn.Rect)
	}
	var off float64
	for i, v := range drawn.Pix {
		off += math.Abs(float64(v) - float64(screens[2].Pix[i]))
	}
	if mean := off / float64(len(drawn.Pix)); mean > 3 {
		t.Errorf("a channel is %.2g of 255 off on average", mean)
	}

	b := a.bundle()
	if size := b.metadata["image/gif"].(map[string]int); size["width"] != a.width || abs(2*screens[0].Rect.Dx()-3*a.width) > 4 {
		t.Errorf("%d pixels are said to be %v", screens[0].Rect.Dx(), size)
	}
	if want := "after 3 (contours from 1e-06 to 0.316) | loss, loss; moves through 4 frames, of which the last is described"; b.metadata["alt"] != b.data["text/plain"] || !strings.HasSuffix(a.name, "; moves through 4 frames, of which the last is described") {
		t.Errorf("the name is %q, want such as %q", b.metadata["alt"], want)
	}
	dir := t.TempDir()
	for name, want := range map[string][]byte{"a.gif": a.gif, "b.PNG": a.png} {
		if err := a.Save(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(filepath.Join(dir, name)); !bytes.Equal(got, want) {
			t.Errorf("%s has other bytes", name)
		}
	}
	if err := a.Save(filepath.Join(dir, "a.svg")); err == nil || !strings.Contains(err.Error(), ".gif or .png") {
		t.Errorf("Save as SVG: error %v", err)
	}
}

// TestAnimationHasOneScale: axes and colours are the same in all frames.
func TestAnimationHasOneScale(t *testing.T) {
	figures, err := sameScales(movingFigures(5))
	if err != nil {
		t.Fatal(err)
	}
	first := figures[0].rows[0]
	for k, f := range figures {
		h, first := f.rows[0][0].(*heat), first[0].(*heat)
		if h.lo != first.lo || h.hi != first.hi || h.labels != first.labels || len(h.levels) != len(first.levels) {
			t.Errorf("map %d has the colours of %g to %g and %d levels, and the first of %g to %g and %d", k, h.lo, h.hi, len(h.levels), first.lo, first.hi, len(first.levels))
		}
	}
	for k, f := range figures {
		x0, x1, y0, y1 := f.rows[0][1].(*curves).limits()
		if a0, a1, b0, b1 := first[1].(*curves).limits(); x0 != a0 || x1 != a1 || y0 != b0 || y1 != b1 || x1 < 9 {
			t.Errorf("the axes of figure %d are %g to %g and %g to %g", k, x0, x1, y0, y1)
		}
	}
	if h := movingFigures(5)[4].rows[0][0].(*heat); h.hi == first[0].(*heat).hi {
		t.Error("the figures had one scale before")
	}
}

func TestAnimationErrors(t *testing.T) {
	line := figure(Lines("", "", "", Series{Y: []float64{1, 2}}))
	loss := figure(Convergence("", "", "", Series{Y: []float64{1, 2}}))
	heat := figure(HeatMap("", Sample(func(x, y float64) float64 { return x }, 0, 1, 3, 0, 1, 3)))
	for want, c := range map[string]struct {
		figures []*Figure
		frame   time.Duration
	}{
		"no figures":               {nil, 0},
		"figure 2 of 2 is nil":     {[]*Figure{line, nil}, 0},
		"there are 1 figures":      {[]*Figure{line}, 0},
		"the time of a frame is 1": {[]*Figure{line, line}, time.Millisecond},
		"has other axes":           {[]*Figure{line, loss}, 0},
		"is a map in some":         {[]*Figure{heat, loss}, 0},
		"figure 2 has 2 rows":      {[]*Figure{line, figure(Column(line, line))}, 0},
		"figure 2 has 2 panels":    {[]*Figure{line, figure(Row(line, line))}, 0},
	} {
		if _, err := NewAnimation(c.figures, c.frame); err == nil || !strings.Contains(err.Error(), "NewAnimation") || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
	var a *Animation
	for _, err := range []error{a.Show(), a.Save("a.gif")} {
		if err == nil || !strings.Contains(err.Error(), "check the error of NewAnimation") {
			t.Errorf("a nil animation: %v", err)
		}
	}
	// Frames that do not change are fine, and next to nothing.
	b, err := NewAnimation([]*Figure{line, line, line}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if screens, _ := played(t, b.gif); len(screens) != 3 {
		t.Errorf("%d frames", len(screens))
	}
}

// TestAnimationsAreLimited: one that is too large at a resolution gets a lower one, and at the lowest an error.
func TestAnimationsAreLimited(t *testing.T) {
	defer func(before int) { animationLimit = before }(animationLimit)
	large, err := NewAnimation(movingFigures(2), 0)
	if err != nil {
		t.Fatal(err)
	}
	animationLimit = len(large.gif) + len(large.png) - 1
	small, err := NewAnimation(movingFigures(2), 0)
	if err != nil {
		t.Fatal(err)
	}
	screens, _ := played(t, small.gif)
	if w := screens[0].Rect.Dx(); len(small.gif)+len(small.png) > animationLimit || abs(4*w-5*small.width) > 5 || abs(small.width-large.width) > 1 {
		t.Errorf("%d bytes and %d pixels for %d CSS pixels", len(small.gif)+len(small.png), w, small.width)
	}
	animationLimit = 1000
	if _, err := NewAnimation(movingFigures(2), 0); err == nil || !strings.Contains(err.Error(), "which is over 1000; give fewer") {
		t.Errorf("error %v, want one that names the limit", err)
	}
}
