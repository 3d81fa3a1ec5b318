// Package failure makes, of what GoNB tells about a cell that failed, the error that every client shows: a name, one
// line that says what and where, and a traceback that says the same first and then the rest, once each, in terms of
// cells and modules rather than of the program that GoNB makes of the cells.
package failure

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The names of errors, which say their kind.
const (
	CompileError = "CompileError" // the cell is not valid Go
	ImportError  = "ImportError"  // a package is not there
	Panic        = "Panic"        // the program panicked
	RuntimeError = "RuntimeError" // Go's runtime or a library in C gave up: deadlock, out of memory, abort
	ExitStatus   = "ExitStatus"   // the program ended itself, by os.Exit or log.Fatal
	Interrupted  = "Interrupted"  // somebody pressed stop
	Killed       = "Killed"       // something outside ended the program
	OtherError   = "Error"        // anything else that GoNB refuses
)

// Told is what is known of a cell that failed. Only Cell and Value are always needed; the rest makes the error better.
type Told struct {
	Cell      int      // the number the cell was executed under
	Value     string   // GoNB's evalue, of a GoNB started with -raw_error
	Traceback []string // GoNB's traceback

	Crash  string // what Stderr.End gave
	Stderr string // what Stderr.Tail gave

	Interrupted bool                          // the user interrupted this cell
	Cells       func(number int) (Cell, bool) // the cells executed so far, by number
	Main        string                        // the program that GoNB made: main.go or main_test.go in $GONB_TMP_DIR, one is there
	Gone        map[string]int                // variables that statements of earlier cells made, and the cell's number
	Modules     []string                      // paths of the modules that can be imported from; see Modules
	Memory      uint64                        // of the machine, in bytes
}

// Error is what clients show.
type Error struct {
	Name      string   // ename
	Value     string   // evalue: one line, what and where
	Traceback []string // lines; the first says what, with colours
	Cell      int      // where: the number of a cell
	Line      int      // and its line as it was typed; 0 if not known

	// Stderr is text that Stderr had held back and that is no crash: it belongs on the stream, before the error.
	Stderr string
}

// What matters is bold, in the client's own colour: red of any kind is hard to read on the reddish ground on which JupyterLab's dark
// theme puts errors.
const (
	bold  = "\x1b[1m"
	reset = "\x1b[0m"
)

var (
	exitLine   = regexp.MustCompile(`^exit status (\d+)$`)
	signalLine = regexp.MustCompile(`^signal: (.+)$`)
)

// New makes the error.
func New(t Told) Error {
	value := strings.TrimSpace(t.Value)
	crash, kept := t.crash(value)
	e := Error{Cell: t.Cell}
	exit, signal := exitLine.FindStringSubmatch(value), signalLine.FindStringSubmatch(value)
	switch {
	case t.Interrupted && (exit == nil || !crash.serious()), signal != nil && signal[1] == "interrupt":
		t.interrupted(&e, value)
	case crash != nil && crash.kind != "goroutine":
		t.crashed(&e, crash)
	case exit != nil:
		t.exited(&e, exit[1], crash)
	case signal != nil:
		t.signalled(&e, signal[1])
	default:
		t.refused(&e, value)
	}
	e.Stderr = kept
	return e
}

// finish sets the one-line value from the first line and the place.
func (e *Error) finish(what string) {
	switch {
	case e.Line > 0:
		e.Value = fmt.Sprintf("%s (cell %d, line %d)", what, e.Cell, e.Line)
	case e.Cell > 0:
		e.Value = fmt.Sprintf("%s (cell %d)", what, e.Cell)
	default:
		e.Value = what
	}
}

func (e *Error) head(what string) { e.Traceback = append(e.Traceback, bold+what+reset) }

func (e *Error) add(lines ...string) { e.Traceback = append(e.Traceback, lines...) }

// at names a place and the function it is in, and takes it as the error's own if it is the first.
func (e *Error) at(p place, function string) {
	if !p.known() {
		return
	}
	if e.Line == 0 {
		e.Cell, e.Line = p.cell, p.line
	}
	e.add(p.show(function)...)
}

func (t Told) interrupted(e *Error, value string) {
	e.Name = Interrupted
	what := "interrupted"
	if value == "signal: killed" {
		what = "interrupted; the program did not end by itself and was killed"
	} else if strings.Contains(value, "failed to run") {
		what = "interrupted while compiling"
	}
	e.head(what)
	e.finish(what)
}

func (t Told) exited(e *Error, status string, crash *crash) {
	e.Name = ExitStatus
	what := "exit status " + status
	if cell, ok := t.cell(t.Cell); ok && isTest.MatchString(cell.Sent) && status == "1" {
		what = "a test failed"
	} else if reason := lastWords(t.Stderr); reason != "" {
		what += ": " + reason
	}
	e.head(what)
	if crash != nil {
		at, function := t.origin(crash, false)
		e.at(at, function)
		t.stacks(e, crash, at)
	}
	e.finish(what)
}

var isTest = regexp.MustCompile(`(?m)^%test\b`)

func (t Told) signalled(e *Error, signal string) {
	e.Name = Killed
	what := "ended from outside by the signal: " + signal
	switch {
	case signal == "killed":
		what = "killed: memory may have run out"
	case strings.HasPrefix(signal, "aborted"), strings.HasPrefix(signal, "segmentation"), strings.HasPrefix(signal, "bus"),
		strings.HasPrefix(signal, "illegal"), strings.HasPrefix(signal, "floating"):
		e.Name = RuntimeError
		what = "the program crashed: " + signal
		if reason := lastWords(t.Stderr); reason != "" {
			what += ": " + reason
		}
	}
	e.head(what)
	if signal == "killed" {
		line := "The program was killed from outside; most often the system does that when memory runs out."
		if t.Memory > 0 {
			line += fmt.Sprintf(" This machine has %.1f GiB.", float64(t.Memory)/(1<<30))
		}
		e.add(line)
	}
	e.finish(what)
}

// logStamp begins what package log and klog print.
var logStamp = regexp.MustCompile(`^(?:\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)? |[IWEF]\d{4} \d\d:\d\d:\d\d\S*\s+\d+ \S+\] )`)

// lastWords says why a program ended, by its own words: the last entry of a log, or else the last line.
func lastWords(stderr string) string {
	lines := dropStacks(strings.Split(strings.TrimRight(markOf.ReplaceAllString(stderr, ""), "\n"), "\n"))
	last := slices.DeleteFunc(lines, func(s string) bool { return strings.TrimSpace(s) == "" })
	for i := len(last) - 1; i >= 0; i-- {
		if stamp := logStamp.FindString(last[i]); stamp != "" {
			last = last[i:]
			last[0] = last[0][len(stamp):]
			return oneLine(last)
		}
	}
	if len(last) == 0 {
		return ""
	}
	return strings.TrimSpace(last[len(last)-1])
}

// oneLine joins lines so that they can still be told apart.
func oneLine(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if b.Len() > 0 {
			if s := b.String(); !strings.ContainsAny(s[len(s)-1:], ",;:.") {
				b.WriteByte(';')
			}
			b.WriteByte(' ')
		}
		b.WriteString(line)
	}
	return b.String()
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
