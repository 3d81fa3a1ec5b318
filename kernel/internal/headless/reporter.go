//go:build unix

package headless

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// event is what execute.py tells.
type event struct {
	Event   string  `json:"event"`
	Number  int     `json:"number"`
	Total   int     `json:"total"`
	Index   int     `json:"index"`
	Seconds float64 `json:"seconds"`
	Text    string  `json:"text"`
	Stream  string  `json:"stream"`
	Value   string  `json:"value"`
}

// reporter prints what execute.py tells, and keeps what is asked for later.
type reporter struct {
	out   io.Writer
	name  string // of the file
	cells []Cell
	own   int // so many of them are the notebook's

	seconds float64 // of those
	memory  uint64
	printed map[int]string // by cells, what those behind them printed
}

// follow prints events until their end. It returns whether a failure has been told.
func (r *reporter) follow(events io.Reader) (failed bool) {
	in := bufio.NewScanner(events)
	in.Buffer(nil, 1<<28)
	indexOf := map[int]int{} // of the cell, by the number it was executed under
	var now event            // the start of the cell that runs
	fresh := true            // the cursor is at the beginning of a line
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			continue
		}
		switch e.Event {
		case "start":
			now = e
			indexOf[e.Number] = e.Index
			fmt.Fprintf(r.out, "[%s] %s\n", r.which(now), firstLine(r.cells[e.Index].Source))
		case "text":
			fresh = printIndented(r.out, e.Text, fresh)
			if now.Index >= r.own && e.Stream == "stdout" {
				r.printed[now.Index] += e.Text
			}
		case "end":
			fresh = newline(r.out, fresh)
			fmt.Fprintf(r.out, "    %.2f s\n", e.Seconds)
			if now.Index < r.own {
				r.seconds += e.Seconds
			}
		case "failed":
			fresh = newline(r.out, fresh)
			failed = true
			where := r.name + ": "
			if now.Index < r.own {
				where += fmt.Sprintf("cell %d of %d", now.Number, now.Total)
			} else {
				where += r.which(now)
			}
			what, place := errorPlace(strings.TrimSpace(e.Value))
			index, ok := indexOf[place.cell]
			if !ok {
				index, place.line = e.Index, 0
			}
			c := r.cells[index]
			if place.line > 0 && index != e.Index {
				where += fmt.Sprintf(", in code of cell %d", place.cell)
			}
			line := firstLine(c.Source)
			if lines := strings.Split(c.Source, "\n"); place.line > 0 && place.line <= len(lines) {
				where += fmt.Sprintf(", line %d", place.line)
				line = strings.TrimSpace(lines[place.line-1])
			}
			if c.Line > 0 {
				where += fmt.Sprintf(" (line %d of the file)", c.Line+max(place.line-1, 0))
			}
			fmt.Fprintf(r.out, "%s: %s\nfailed after %.2f s: %s\n", where, line, e.Seconds, what)
		case "unsaved":
			fresh = newline(r.out, fresh)
			failed = true
			fmt.Fprintf(r.out, "%s: the executed notebook could not be written: %s\n", r.name, e.Value)
			if e.Text != "" {
				fmt.Fprintf(r.out, "what had been computed is in %s\n", e.Text)
			}
		case "kernel":
			fresh = newline(r.out, fresh)
			failed = true
			fmt.Fprintf(r.out, "%s: the kernel died or did not start: %s; `go run ./kernel doctor` says what is wrong\n", r.name, e.Value)
		}
	}
	return failed
}

// which says which cell a start event is of.
func (r *reporter) which(e event) string {
	if name := r.cells[e.Index].Name; name != "" {
		return name
	}
	return fmt.Sprintf("%d/%d", e.Number, e.Total)
}

// firstLine is the first line of a cell that says what the cell does, rather than what it imports.
func firstLine(source string) string {
	first, block := "", false
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			continue
		case first == "":
			first = line
		}
		switch {
		case block:
			block = line != ")"
		case line == "import (":
			block = true
		case strings.HasPrefix(line, "//"), strings.HasPrefix(line, "%"), strings.HasPrefix(line, "import "):
		default:
			return cut(line)
		}
	}
	return cut(first)
}

func cut(line string) string {
	if r := []rune(line); len(r) > 72 {
		return string(r[:71]) + "…"
	}
	return line
}

func printIndented(out io.Writer, text string, fresh bool) bool {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if fresh {
			b.WriteString("    ")
		}
		b.WriteString(line)
		fresh = strings.HasSuffix(line, "\n")
	}
	fmt.Fprint(out, b.String())
	return fresh
}

func newline(out io.Writer, fresh bool) bool {
	if !fresh {
		fmt.Fprintln(out)
	}
	return true
}
