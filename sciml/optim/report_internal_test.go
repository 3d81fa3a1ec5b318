package optim

import (
	"strings"
	"testing"
	"time"
)

func TestProgressLineText(t *testing.T) {
	h := &History{Records: []Record{
		{Iteration: 0, Loss: 3, Metrics: map[string]float64{"b": 0.5, "a": 0.25}},
		{Iteration: 1, Loss: 0.02, GradientNorm: 0.1, Seconds: 7.2, Phase: "Adam"},
	}}
	var out strings.Builder
	p := NewProgressLine(&out, "fit")
	p.last = time.Time{}
	if err := p.Watch(h); err != nil {
		t.Fatal(err)
	}
	if err := p.Watch(h); err != nil { // too soon
		t.Fatal(err)
	}
	want := "fit: 7 s, Adam, iteration 1, loss 2.000e-02, |gradient| 1.0e-01, a 2.50e-01, b 5.00e-01\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	out.Reset()
	p.terminal, p.last = true, time.Time{}
	if err := p.Watch(h); err != nil {
		t.Fatal(err)
	}
	p.Clear()
	if text := out.String(); strings.Contains(text, "\n") || strings.Count(text, "\r") != 3 || !strings.HasSuffix(text, "\r") {
		t.Errorf("on a terminal: %q", text)
	}
}
