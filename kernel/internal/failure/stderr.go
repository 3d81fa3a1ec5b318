package failure

import (
	"regexp"
	"strings"
)

// Stderr is a filter for the standard error stream of a cell's program. Ordinary text passes at once. From the line on
// which a crash begins text is held back, as the error will say it better; it is let go as soon as it turns out to be none.
// The zero value is ready; use one for each cell.
type Stderr struct {
	state  state
	held   strings.Builder
	line   string // a line that is not complete, and may begin a crash
	midway bool   // part of the current line has passed
	tail   string
}

type state int

const (
	passing state = iota
	heading       // after "panic: " and the like, before the stacks
	dying         // in the stacks: the program will end
	tracing       // stacks without a crash before them: the program may have printed them, and go on
)

var (
	// statusPiece is what GoNB itself says in the end.
	statusPiece = regexp.MustCompile(`^(?:\^C\n)?(?:exit status \d+|signal: [a-zA-Z ()]+)\n$`)
	headLine    = regexp.MustCompile(`^(?:\t|\[signal |fatal error: |runtime: |PC=|SIG[A-Z]+: |signal arrived during |stack: |$)`)
	stackLine   = regexp.MustCompile(`^(?:goroutine \d+ |runtime stack:)`)
	traceLine   = regexp.MustCompile(`^(?:goroutine \d+ |created by |\t|\.\.\.|\S+\(.*\)$|$)`)
)

// starts are the beginnings of lines on which a crash begins.
var starts = []string{"panic: ", "fatal error: ", "runtime: goroutine stack exceeds", "runtime: out of memory",
	"runtime: cannot allocate", "runtime: program exceeds", "unexpected fault address ", "SIG", "goroutine "}

// tailBytes of what has passed are kept for the reason a program gives before it exits.
const tailBytes = 1 << 13

// Add takes a piece of the stream and returns what may be shown now.
func (s *Stderr) Add(piece string) string {
	var out strings.Builder
	if s.state == passing && s.held.Len() > 0 { // a status that was not the last word
		s.release(&out)
	}
	if statusPiece.MatchString(piece) {
		if s.state == passing && s.line != "" {
			out.WriteString(s.line)
			s.line, s.midway = "", true
		}
		s.held.WriteString(s.line + piece)
		s.line = ""
		return s.passed(out.String())
	}
	text := s.line + piece
	s.line = ""
	for text != "" {
		i := strings.IndexByte(text, '\n')
		if i < 0 {
			if s.state == passing && (s.midway || !mayStart(text)) {
				out.WriteString(text)
				s.midway = true
			} else {
				s.line = text
			}
			break
		}
		line := text[:i+1]
		text = text[i+1:]
		if s.midway {
			s.midway = false
			out.WriteString(line)
			continue
		}
		s.whole(&out, line)
	}
	return s.passed(out.String())
}

// whole takes a complete line.
func (s *Stderr) whole(out *strings.Builder, line string) {
	bare := strings.TrimRight(line, "\r\n")
	switch {
	case s.state == heading && stackLine.MatchString(bare):
		s.state = dying
	case s.state == heading && !headLine.MatchString(bare), s.state == tracing && !traceLine.MatchString(bare):
		s.release(out)
	}
	if s.state == passing {
		if !crashStart.MatchString(bare) {
			out.WriteString(line)
			return
		}
		s.state = heading
		if stackLine.MatchString(bare) {
			s.state = tracing
		}
	}
	s.held.WriteString(line)
}

func (s *Stderr) release(out *strings.Builder) {
	out.WriteString(s.held.String())
	s.held.Reset()
	s.state = passing
}

// End returns what has been held back: for the stream if the cell passed, for Told.Crash if it failed.
func (s *Stderr) End() string {
	held := s.held.String() + s.line
	s.held.Reset()
	s.line, s.state, s.midway = "", passing, false
	return held
}

// Tail returns the end of what has passed, for Told.Stderr.
func (s *Stderr) Tail() string { return s.tail }

func (s *Stderr) passed(text string) string {
	s.tail += text
	if len(s.tail) > 2*tailBytes {
		s.tail = strings.ToValidUTF8(s.tail[len(s.tail)-tailBytes:], "")
	}
	return text
}

// mayStart says whether a line that is not complete may become one on which a crash begins.
func mayStart(line string) bool {
	for _, start := range starts {
		if strings.HasPrefix(start, line) || strings.HasPrefix(line, start) {
			return true
		}
	}
	return false
}
