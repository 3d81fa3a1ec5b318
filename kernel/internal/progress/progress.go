// Package progress shows how long work takes: a line for each step, with seconds that run while it goes on.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// heartbeat is how often a step that takes long says so where lines cannot be redrawn.
const heartbeat = 15 * time.Second

// Log shows the steps of one command. Its methods may be called from several goroutines, but one step runs at a time.
type Log struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	total    int
	n        int
	live     string // what the redrawn line shows, empty if there is none
}

// New returns a log for the given number of steps. A nil file shows nothing.
func New(f *os.File, total int) *Log {
	l := &Log{w: io.Discard, total: total}
	if f != nil {
		l.w = f
		if info, err := f.Stat(); err == nil {
			l.terminal = info.Mode()&os.ModeCharDevice != 0
		}
	}
	return l
}

// Step runs work and shows its name, the seconds it takes, and how it ended. What work writes to its writer appears
// line by line, indented.
func (l *Log) Step(name string, work func(detail io.Writer) error) error {
	l.mu.Lock()
	l.n++
	head := fmt.Sprintf("[%d/%d] %s", l.n, l.total, name)
	l.mu.Unlock()

	start := time.Now()
	stop := make(chan struct{})
	var ticking sync.WaitGroup
	ticking.Add(1)
	go func() {
		defer ticking.Done()
		l.tick(head, start, stop)
	}()
	err := work(&indented{log: l})
	close(stop)
	ticking.Wait()

	end := "done"
	if err != nil {
		end = "failed"
	}
	l.line(fmt.Sprintf("%s: %s in %.1f s", head, end, time.Since(start).Seconds()))
	return err
}

func (l *Log) tick(head string, start time.Time, stop <-chan struct{}) {
	every := time.Second
	if !l.terminal {
		every = heartbeat
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			text := fmt.Sprintf("%s … %.0f s", head, time.Since(start).Seconds())
			if !l.terminal {
				l.line(text)
				continue
			}
			l.mu.Lock()
			fmt.Fprintf(l.w, "\r\033[K%s", text)
			l.live = text
			l.mu.Unlock()
		}
	}
}

// line prints a line of its own, taking the place of the redrawn one.
func (l *Log) line(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live != "" {
		fmt.Fprint(l.w, "\r\033[K")
		l.live = ""
	}
	fmt.Fprintln(l.w, text)
}

// indented hands complete lines to the log.
type indented struct {
	log  *Log
	mu   sync.Mutex
	rest string
}

func (d *indented) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rest += string(p)
	for {
		text, rest, ok := strings.Cut(d.rest, "\n")
		if !ok {
			return len(p), nil
		}
		d.rest = rest
		d.log.line("      " + text)
	}
}
