package optim

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// ProgressLine tells how far a run is, in one line: redrawn in place on a terminal, elsewhere a new one every half
// minute, so that a log stays short. Watch is for Options.OnProgress; Clear removes the line at the end.
type ProgressLine struct {
	w        io.Writer
	label    string
	every    time.Duration
	terminal bool
	last     time.Time
	width    int
}

// NewProgressLine makes a line that starts with a label and is written to w, such as os.Stderr.
func NewProgressLine(w io.Writer, label string) *ProgressLine {
	p := &ProgressLine{w: w, label: label, every: 30 * time.Second, last: time.Now()}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	if p.terminal {
		p.every, p.last = 250*time.Millisecond, time.Time{}
	}
	return p
}

// Watch writes the line when it is time for that.
func (p *ProgressLine) Watch(h *History) error {
	if p == nil || p.w == nil {
		return errors.New("optim: the ProgressLine is a literal, expected one of NewProgressLine")
	}
	if h == nil {
		return errors.New("optim: the history is nil")
	}
	if time.Since(p.last) < p.every {
		return nil
	}
	p.last = time.Now()
	return p.write(p.label + ": " + h.summary())
}

// summary is the newest record in words, with the newest metrics.
func (h *History) summary() string {
	r := h.Last()
	text := fmt.Sprintf("%.0f s, %s, iteration %d, loss %.3e, |gradient| %.1e", r.Seconds, r.Phase, r.Iteration, r.Loss, r.GradientNorm)
	for i := len(h.Records) - 1; i >= 0; i-- {
		metrics := h.Records[i].Metrics
		if metrics == nil {
			continue
		}
		var names []string
		for name := range metrics {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			text += fmt.Sprintf(", %s %.2e", name, metrics[name])
		}
		break
	}
	return text
}

func (p *ProgressLine) write(text string) error {
	if !p.terminal {
		_, err := fmt.Fprintln(p.w, text)
		return err
	}
	_, err := fmt.Fprintf(p.w, "\r%s%s", text, strings.Repeat(" ", max(0, p.width-len(text))))
	p.width = len(text)
	return err
}

// Clear removes the line from a terminal.
func (p *ProgressLine) Clear() {
	if p.terminal && p.width > 0 {
		fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.width))
		p.width = 0
	}
}
