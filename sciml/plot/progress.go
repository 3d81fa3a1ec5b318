package plot

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// Progress is one line that says how far a long computation is. In a notebook
// it is a single output that changes in place, so that a saved notebook holds
// one line; on a terminal it is rewritten by a carriage return on standard
// error; and where standard error is a file or a pipe, a line follows the other
// every few seconds, more rarely as time passes. Methods may be called by
// several goroutines.
type Progress struct {
	label string
	total int
	show  func(line string, last bool)
	every time.Duration
	log   bool // Lines follow each other.
	now   func() time.Time

	mu          sync.Mutex
	start, next time.Time
	done        bool
	step        int
	detail      string
}

// NewProgress starts a line with the given label for total steps; total 0 or
// less means that it is not known.
func NewProgress(label string, total int) *Progress {
	p := &Progress{label: label, total: total, every: progressInterval, now: time.Now, start: time.Now()}
	switch {
	case gonbui.IsNotebook:
		id := "gosciml-" + gonbui.UniqueId()
		p.show = func(line string, last bool) {
			bundle{data: map[protocol.MIMEType]any{protocol.MIMETextPlain: line}}.send(id)
			if last {
				_ = delivered("Progress") // A lost line of progress is no reason to fail.
			}
		}
	case isTerminal(os.Stderr):
		p.show = terminalLine(os.Stderr)
	default:
		p.logTo(os.Stderr)
	}
	return p
}

// logTo writes lines that follow each other, the first after an interval.
func (p *Progress) logTo(w io.Writer) {
	p.log, p.every = true, logInterval
	p.next = p.start.Add(p.every)
	p.show = func(line string, _ bool) { _, _ = fmt.Fprintln(w, line) }
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// terminalLine rewrites one line of w, blanking what the line before leaves over.
func terminalLine(w io.Writer) func(string, bool) {
	before := 0
	return func(line string, last bool) {
		n := len([]rune(line))
		pad := strings.Repeat(" ", max(0, before-n))
		if last {
			pad += "\n"
		}
		start := "\r"
		if before == 0 { // Nothing to go back over, as in a log file.
			start = ""
		}
		before = n
		_, _ = fmt.Fprint(w, start, line, pad)
	}
}

// progressInterval is often enough for a reader and rare enough for a trainer;
// logInterval is for a log, where a day of training makes a hundred lines.
const (
	progressInterval = 250 * time.Millisecond
	logInterval      = 5 * time.Second
)

// Step says that step of the total is done, with a detail in the manner of
// fmt.Sprintf, which is only formatted when the line is shown: at most four
// times a second, or every five seconds in a log.
func (p *Progress) Step(step int, format string, args ...any) {
	if p == nil || p.show == nil {
		return // a literal shows nothing
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if p.done || now.Before(p.next) {
		p.step = step
		return
	}
	wait := p.every
	if p.log {
		wait = max(wait, now.Sub(p.start)/10)
	}
	p.next = now.Add(wait)
	p.step, p.detail = step, fmt.Sprintf(format, args...)
	p.show(p.line(now), false)
}

// Done shows the last line, with how long it took. Later calls do nothing.
func (p *Progress) Done(format string, args ...any) {
	if p == nil || p.show == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		return
	}
	p.done = true
	p.detail = fmt.Sprintf(format, args...)
	p.show(p.line(p.now()), true)
}

// line writes, for example, "Adam 300/2000 (15%)  loss 1.2e-03  1.8 s, 10 s left".
func (p *Progress) line(now time.Time) string {
	var b strings.Builder
	b.WriteString(p.label)
	elapsed := now.Sub(p.start)
	if p.total > 0 {
		fmt.Fprintf(&b, " %d/%d", p.step, p.total)
		if !p.done {
			fmt.Fprintf(&b, " (%d%%)", 100*p.step/p.total)
		}
	} else {
		fmt.Fprintf(&b, " %d", p.step)
	}
	if p.detail != "" {
		b.WriteString("  " + p.detail)
	}
	fmt.Fprintf(&b, "  %s", seconds(elapsed))
	if !p.done && p.total > p.step && p.step > 0 {
		left := time.Duration(float64(elapsed) * float64(p.total-p.step) / float64(p.step))
		fmt.Fprintf(&b, ", %s left", seconds(left))
	}
	return b.String()
}

// seconds rounds a duration to what a reader wants to know.
func seconds(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	default:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
}
