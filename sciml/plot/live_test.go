package plot

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// clock is a time that a test moves by hand.
type clock struct{ t time.Time }

func (c *clock) now() time.Time          { return c.t }
func (c *clock) advance(d time.Duration) { c.t = c.t.Add(d) }

func testFigure(t *testing.T) *Figure {
	t.Helper()
	fig, err := Convergence("loss", "x", "y", Series{Y: []float64{1, 0.1}})
	if err != nil {
		t.Fatal(err)
	}
	return fig
}

func TestLiveDrawsNoMoreThanOncePerInterval(t *testing.T) {
	c := &clock{time.Unix(100, 0)}
	var ids []string
	live := NewLive(time.Second)
	live.active, live.now = true, c.now
	live.display = func(id string, frame bundle) error {
		checkBundle(t, frame, true)
		ids = append(ids, id)
		return nil
	}
	fig := testFigure(t)
	for range 35 { // 3.4 s
		if err := live.Update(fig); err != nil {
			t.Fatal(err)
		}
		c.advance(100 * time.Millisecond)
	}
	if len(ids) != 4 {
		t.Errorf("%d frames in 3.4 s, want 4", len(ids))
	}
	if live.Due() {
		t.Error("due again at once")
	}
	if err := live.Final(fig); err != nil || len(ids) != 5 {
		t.Errorf("Final: %v, %d frames, want 5", err, len(ids))
	}
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Errorf("frames have ids %q; one id makes them replace each other", ids)
		}
	}
}

func TestLiveSlowsDownWhenDisplayIsSlow(t *testing.T) {
	c := &clock{time.Unix(100, 0)}
	live := NewLive(100 * time.Millisecond)
	live.active, live.now = true, c.now
	live.display = func(string, bundle) error { c.advance(time.Second); return nil }
	if err := live.Update(testFigure(t)); err != nil {
		t.Fatal(err)
	}
	if c.advance(8 * time.Second); live.Due() {
		t.Error("due although drawing would take more than a tenth of the time")
	}
	if c.advance(time.Second); !live.Due() {
		t.Error("not due")
	}
}

func TestOutsideOfANotebookNothingIsShown(t *testing.T) {
	live := NewLive(0)
	if live.Due() {
		t.Error("Live is due outside of a notebook")
	}
	fig := testFigure(t)
	for _, err := range []error{live.Update(fig), live.Final(fig), fig.Show()} {
		if err != nil {
			t.Error(err)
		}
	}
	if live.Final(nil) == nil {
		t.Error("Final of a nil figure succeeded")
	}
}

func TestProgressRewritesOneLine(t *testing.T) {
	c := &clock{time.Unix(100, 0)}
	var out bytes.Buffer
	p := NewProgress("Adam", 1000)
	p.now, p.start, p.next, p.every, p.log, p.show = c.now, c.t, time.Time{}, progressInterval, false, terminalLine(&out)
	for i := range 1000 {
		c.advance(time.Millisecond)
		p.Step(i+1, "loss %.1e", 1/float64(i+1))
	}
	p.Done("loss %.1e", 1e-3)
	p.Done("twice")
	lines := strings.Split(out.String(), "\r")
	if len(lines) != 5 || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("wrote %q, want 4 updates a second and one line", out.String())
	}
	if want := "Adam 251/1000 (25%)  loss 4.0e-03  0.3 s, 0.7 s left"; strings.TrimSpace(lines[1]) != want {
		t.Errorf("second line is %q, want %q", lines[2], want)
	}
	if want := "Adam 1000/1000  loss 1.0e-03  1.0 s"; strings.TrimSpace(lines[4]) != want {
		t.Errorf("last line is %q, want %q", lines[5], want)
	}
}

func TestProgressInALog(t *testing.T) {
	c := &clock{time.Unix(100, 0)}
	var out bytes.Buffer
	p := NewProgress("Adam", 0)
	p.now, p.start = c.now, c.t
	p.logTo(&out)
	for i := range 24 * 3600 {
		c.advance(time.Second)
		p.Step(i+1, "loss 1")
	}
	p.Done("converged")
	lines := strings.Split(out.String(), "\n")
	if n := len(lines); n < 50 || n > 120 || strings.Contains(out.String(), "\r") {
		t.Fatalf("a day of training makes %d lines, %q", n, out.String())
	}
	if lines[0] != "Adam 5  loss 1  5.0 s" || lines[1] != "Adam 10  loss 1  10 s" || lines[len(lines)-2] != "Adam 86400  converged  1440 min 00 s" {
		t.Errorf("the lines are %q, %q … %q", lines[0], lines[1], lines[len(lines)-2])
	}
}

func TestManyDotsAreStoredAsASmallImage(t *testing.T) {
	s := Series{Name: "points", X: make([]float64, 10_000), Y: make([]float64, 10_000)}
	for i := range s.X { // A low-discrepancy sequence fills the square.
		_, s.X[i] = split(float64(i) * 0.7548776662)
		_, s.Y[i] = split(float64(i) * 0.5698402910)
	}
	fig, err := Points("10,000 points", "x", "y", s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := fig.bundle()
	if err != nil {
		t.Fatal(err)
	}
	checkBundle(t, b, false)
	if n := len(b.data[protocol.MIMEImagePNG].([]byte)); n > 190_000 {
		t.Errorf("the PNG has %d bytes, want less than 190,000", n)
	}
}

func split(x float64) (int, float64) { return int(x), x - float64(int(x)) }
