package failure

import (
	"fmt"
	"regexp"
	"strings"
)

// crash is what Go's runtime printed before it ended the program.
type crash struct {
	kind       string // "panic", "fatal error", "signal" or "goroutine" (stacks only)
	panics     []panicked
	message    string // of a fatal error or a signal
	segv       bool   // a signal caught by Go: something was nil
	goroutines []goroutine
}

// panicked is a panic's value in lines; a deferred function may have recovered it, and panicked anew.
type panicked struct {
	lines     []string
	recovered bool
}

type goroutine struct {
	id, state string
	frames    []frame
	elided    bool
}

type frame struct {
	function string // with its package
	file     string
	line     int
	told     place // where GoNB says it is
	program  bool  // in the program that GoNB made
	creator  bool  // the goroutine was started here
}

var (
	crashStart = regexp.MustCompile(`(?m)^(?:(panic|fatal error): |SIG[A-Z]+: |unexpected fault address |runtime: (?:goroutine stack exceeds|out of memory|cannot allocate|program exceeds)|goroutine \d+ .*\[)`)
	goStart    = regexp.MustCompile(`^goroutine (\d+) (?:.*)\[([^\]]*)\]:`)
	signalHead = regexp.MustCompile(`^(SIG[A-Z]+): (.*)`)
	marked     = regexp.MustCompile(` ?\x1b\[7m\[\[ Cell(?: \[(\d+)\])? Line (\d+) \]\]\x1b\[0m `)
	frameFile  = regexp.MustCompile(`^\t\s*(\S.*\.(?:go|s|c|cc|cpp|h)):(\d+)(?: \+0x[0-9a-f]+)?(?: .*)?$`)
	statusTail = regexp.MustCompile(`(?:\^C\n)?(?:exit status \d+|signal: [^\n]+)\n$`)
	recovered  = regexp.MustCompile(` \[recovered(, repanicked)?\]$`)
)

// crash reads what Stderr held back. Held text that is no crash, as the program ended otherwise, is returned.
func (t Told) crash(value string) (c *crash, kept string) {
	text := statusTail.ReplaceAllString(t.Crash, "")
	if strings.TrimSpace(text) == "" {
		return nil, ""
	}
	m := crashStart.FindStringIndex(text)
	if m == nil {
		return nil, text
	}
	c = readCrash(text[m[0]:])
	if c.kind != "goroutine" && value != "exit status 2" && !signalLine.MatchString(value) {
		return nil, text
	}
	return c, text[:m[0]]
}

// serious says whether a crash is worth telling although the user interrupted the cell: a program that gives up because
// its context was cancelled did what it was asked to.
func (c *crash) serious() bool {
	if c == nil {
		return false
	}
	for _, p := range c.panics {
		if strings.Contains(oneLine(p.lines), "context canceled") {
			return false
		}
	}
	return c.kind == "panic" || c.kind == "fatal error"
}

func readCrash(text string) *crash {
	c := &crash{}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	i := 0
	for ; i < len(lines) && !goStart.MatchString(lines[i]) && lines[i] != "runtime stack:"; i++ {
		line := markOf.ReplaceAllString(lines[i], "")
		switch value, nested := strings.CutPrefix(line, "\tpanic: "); {
		case nested && c.kind == "panic":
			c.addPanic(value)
		case c.kind == "" && strings.HasPrefix(line, "panic: "):
			c.kind = "panic"
			c.addPanic(strings.TrimPrefix(line, "panic: "))
		case strings.HasPrefix(line, "fatal error: "):
			c.kind, c.message = "fatal error", strings.TrimPrefix(line, "fatal error: ")
		case c.kind == "" && signalHead.MatchString(line):
			c.kind, c.message = "signal", line
		case strings.HasPrefix(line, "[signal "):
			c.segv = true
		case strings.HasPrefix(line, "\t") && c.kind == "panic":
			p := &c.panics[len(c.panics)-1]
			p.lines = append(p.lines, strings.TrimPrefix(line, "\t"))
		}
	}
	for k := range c.panics {
		p := &c.panics[k]
		p.lines = dropStacks(p.lines)
		last := &p.lines[len(p.lines)-1]
		if m := recovered.FindStringSubmatch(*last); m != nil {
			*last = strings.TrimSuffix(*last, m[0])
			p.recovered = m[1] == ""
		}
		for j := range p.lines {
			p.lines[j] = readable(p.lines[j])
		}
	}
	if c.kind == "" {
		c.kind = "goroutine"
	}
	c.goroutines = readStacks(lines[i:])
	return c
}

func (c *crash) addPanic(value string) {
	c.panics = append(c.panics, panicked{lines: []string{value}})
}

func readStacks(lines []string) []goroutine {
	var list []goroutine
	function, creator := "", false
	for _, line := range lines {
		told := place{}
		if m := marked.FindStringSubmatch(line); m != nil {
			told = place{cell: number(m[1]), line: number(m[2])}
			line = marked.ReplaceAllString(line, "")
		}
		if m := goStart.FindStringSubmatch(line); m != nil {
			state, _, _ := strings.Cut(m[2], ",")
			list = append(list, goroutine{id: m[1], state: state})
			continue
		}
		if len(list) == 0 {
			continue // the runtime's own stack
		}
		g := &list[len(list)-1]
		if strings.HasPrefix(line, "...") {
			g.elided = true
			continue
		}
		if m := frameFile.FindStringSubmatch(line); m != nil && function != "" {
			g.frames = append(g.frames, frame{function: function, file: m[1], line: number(m[2]), told: told, creator: creator,
				program: strings.Contains(m[1], "/gonb_") && programLine.MatchString(m[1]+":1")})
			function, creator = "", false
			continue
		}
		function, creator = strings.CutPrefix(line, "created by ")
		if creator {
			function, _, _ = strings.Cut(function, " in goroutine ")
		} else if i := openParen(function); i > 0 {
			function = function[:i]
		}
	}
	return list
}

// openParen finds where the arguments at the end of a frame's function begin; they hold no parentheses of their own.
func openParen(function string) int {
	if !strings.HasSuffix(function, ")") {
		return -1
	}
	return strings.LastIndex(function, "(")
}

// dropStacks leaves out stacks within a message, as errors print them with %+v: pairs of a function and a file.
func dropStacks(lines []string) []string {
	var kept []string
	for i := 0; i < len(lines); i++ {
		if i+1 < len(lines) && frameFile.MatchString("\t"+strings.TrimLeft(lines[i+1], "\t ")) && strings.HasPrefix(lines[i+1], "\t") {
			i++
			continue
		}
		if goStart.MatchString(lines[i]) {
			continue
		}
		kept = append(kept, lines[i])
	}
	if len(kept) == 0 && len(lines) > 0 {
		return lines[:1]
	}
	return kept
}

var (
	errorValue = regexp.MustCompile(`^&(?:errors|fmt)\.\w+\{(?:s|msg):"((?:[^"\\]|\\.)*)".*\}$`)
	pointer    = regexp.MustCompile(`^\(([^()]+|\(?[\w.*\[\]]+\)?)\) 0x[0-9a-f]+$`)
	namedText  = regexp.MustCompile(`^[\w.]+\("(.*)"\)$`)
	namedValue = regexp.MustCompile(`^[\w.]+\(([-+.\w]+)\)$`)
)

// readable puts the value of a panic into words.
func readable(value string) string {
	value = strings.TrimPrefix(value, "runtime error: ")
	if m := errorValue.FindStringSubmatch(value); m != nil {
		return strings.ReplaceAll(m[1], `\"`, `"`)
	}
	if m := namedText.FindStringSubmatch(value); m != nil {
		return m[1]
	}
	if m := namedValue.FindStringSubmatch(value); m != nil {
		return m[1]
	}
	if m := pointer.FindStringSubmatch(value); m != nil {
		return "a value of type " + strings.TrimPrefix(strings.ReplaceAll(m[1], "main.", ""), "main.") + ", which Go does not print"
	}
	return value
}

// mostLines of a message are shown after the first.
const mostLines = 30

var runtimeHints = []struct{ message, text string }{
	{"concurrent map", "A map that several goroutines use must be guarded, for example by a sync.Mutex."},
	{"stack overflow", "A function calls itself and does not end."},
	{"assignment to entry in nil map", "The map was declared but not made: make it by make(map[…]…), or with a literal."},
}

func (t Told) crashed(e *Error, c *crash) {
	e.Name = RuntimeError
	var what string
	var lines, notes []string
	origin := false // the place is where the first of several panics began
	switch c.kind {
	case "panic":
		e.Name = Panic
		shown := c.panics[0]
		last := c.panics[len(c.panics)-1]
		switch {
		case len(c.panics) == 1:
			origin = true
		case shown.recovered:
			if first := oneLine(shown.lines); !strings.Contains(oneLine(last.lines), first) {
				notes = append(notes, "It was raised while a deferred function handled another panic: "+t.clean(first))
			}
			shown = last
		default:
			origin = true
			notes = append(notes, "A deferred function panicked then as well: "+t.clean(oneLine(last.lines)))
		}
		lines = shown.lines
		for i := range lines {
			lines[i] = t.clean(lines[i])
		}
		what = oneLine(lines)
	case "fatal error":
		what = strings.TrimPrefix(c.message, "runtime: ")
		if strings.Contains(what, "all goroutines are asleep") {
			if waiting := t.useful(c.goroutines); len(waiting) == 1 {
				notes = append(notes, "The cell "+waits(waiting[0].state)+", and nothing else runs.")
			}
			what = "deadlock: all goroutines wait, and nothing will wake them"
		} else if strings.Contains(what, "no goroutines (main called runtime.Goexit)") {
			what = "deadlock: the cell's own goroutine has ended by runtime.Goexit, and no other is left"
		}
		lines = []string{what}
		if strings.Contains(c.message, "out of memory") && t.Memory > 0 {
			notes = append(notes, fmt.Sprintf("This machine has %.1f GiB.", float64(t.Memory)/(1<<30)))
		}
	default:
		what = c.message
		if m := signalHead.FindStringSubmatch(what); m != nil {
			what = "the program crashed: " + m[2] + " (" + m[1] + ")"
		}
		if reason := lastWords(t.Stderr); reason != "" {
			what += ": " + t.clean(reason)
		}
		lines = []string{what}
	}
	first := lines[0]
	if e.Name == Panic {
		first = "panic: " + first
	}
	e.head(first)
	for _, h := range runtimeHints {
		if strings.Contains(c.message+what, h.message) {
			notes = append(notes, h.text)
		}
	}
	if rest := lines[1:]; len(rest) > mostLines {
		e.add(rest[:mostLines]...)
		e.add("…")
	} else {
		e.add(rest...)
	}
	at, function := t.origin(c, origin)
	e.at(at, function)
	if strings.Contains(what, "nil pointer dereference") && at.known() && t.topIs(c, at) {
		notes = append(notes, "Something that is used in this line is nil: it was declared, but never given a value.")
	}
	e.add(notes...)
	t.stacks(e, c, at)
	e.finish(what)
}

// origin is the place in a cell where a crash began, and its function: the first frame in a cell, and if the panic passed
// through deferred functions, the first below the last of them.
func (t Told) origin(c *crash, belowPanics bool) (place, string) {
	for _, g := range c.goroutines {
		frames := g.frames
		if belowPanics {
			for i, f := range frames {
				if f.function == "panic" {
					frames = g.frames[i+1:]
				}
			}
		}
		for _, f := range frames {
			if p := t.placeOf(f); p.known() {
				if f.creator {
					return p, ""
				}
				return p, functionName(f.function)
			}
		}
		if c.kind == "panic" {
			break
		}
	}
	return place{}, ""
}

// topIs says whether the topmost frame that is no part of Go's runtime is at a place.
func (t Told) topIs(c *crash, at place) bool {
	for _, g := range c.goroutines {
		for _, f := range g.frames {
			if !hidden(f) {
				return t.placeOf(f) == at
			}
		}
	}
	return false
}

func (t Told) placeOf(f frame) place {
	if !f.program {
		return place{}
	}
	told := f.told
	if told.line > 0 && told.cell == 0 {
		told.cell = t.Cell
	}
	return t.inProgram(f.line, 0, told)
}
