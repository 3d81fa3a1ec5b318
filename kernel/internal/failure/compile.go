package failure

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// diagnostic is one error of the compiler or of the go command.
type diagnostic struct {
	message string
	details []string // further lines that belong to it
	place   place
}

var (
	compileLine = regexp.MustCompile(`^(?:.*/|\./|\s*)main(?:_test)?\.go:(\d+):(\d+): (.+)$`)
	cellOfLine  = regexp.MustCompile(`^Cell(?:\[(\d+)\]:)? Line (\d+)\n`)
	more        = regexp.MustCompile(`^(.*) \(and (\d+) more errors\)$`)
	unfinished  = regexp.MustCompile(`EOF`)
)

// refused makes the error of a cell that did not come to run.
func (t Told) refused(e *Error, value string) {
	if t.missing(e, value) {
		return
	}
	list, rest := t.diagnostics(value)
	if len(list) == 0 {
		e.Name = OtherError
		lines := slices.DeleteFunc(strings.Split(t.clean(value), "\n"), func(s string) bool { return strings.TrimSpace(s) == "" })
		if len(lines) > 1 && strings.HasPrefix(lines[0], "failed to run") {
			lines = lines[1:]
		}
		if len(lines) == 0 {
			lines = []string{"the cell failed, and GoNB does not say why"}
		}
		what := strings.TrimPrefix(lines[0], "executing special commands in cell: ")
		e.head(what)
		e.add(lines[1:]...)
		e.finish(what)
		return
	}
	e.Name = CompileError
	if strings.Contains(list[0].message, "use of internal package") {
		e.Name = ImportError
	}
	var hints []string
	for i, d := range list {
		if i == 0 {
			e.head(d.message)
		} else {
			e.add("", d.message)
		}
		e.at(d.place, "")
		e.add(d.details...)
		if hint := t.hint(d); hint != "" && !slices.Contains(hints, hint) {
			hints = append(hints, hint)
			e.add(hint)
		}
	}
	if rest != "" {
		e.add("", rest)
	}
	what := oneLine(append([]string{list[0].message}, list[0].details...))
	if e.Line == 0 {
		e.Cell = t.Cell
	}
	e.finish(what)
	switch n := len(list) - 1; {
	case rest != "":
		e.Value += ", and more errors"
	case n == 1:
		e.Value += ", and another error"
	case n > 1:
		e.Value += fmt.Sprintf(", and %d more errors", n)
	}
}

// diagnostics reads what the compiler or Go's parser said. GoNB's traceback has an entry for each line of its value, which
// begins with the cell and the line where it knows them.
func (t Told) diagnostics(value string) (list []diagnostic, rest string) {
	lines := strings.Split(t.Value, "\n")
	for i, line := range lines {
		m := compileLine.FindStringSubmatch(line)
		if m == nil || strings.HasPrefix(line, "\t") && len(list) > 0 {
			if len(list) > 0 && strings.HasPrefix(line, "\t") {
				d := &list[len(list)-1]
				d.details = append(d.details, "    "+strings.TrimSpace(t.clean(line)))
			}
			continue
		}
		if m[3] == "too many errors" {
			rest = "There are more errors."
			continue
		}
		told, ours := place{}, true
		if i < len(t.Traceback) && len(t.Traceback) >= len(lines) {
			ours = false
			if c := cellOfLine.FindStringSubmatch(t.Traceback[i]); c != nil {
				told = place{cell: number(c[1]), line: number(c[2])}
				if c[1] == "" {
					told.cell = t.Cell
				}
				ours = true
			}
		}
		var d diagnostic
		if ours { // else GoNB says that it made the line itself
			d.place = t.inProgram(number(m[1]), number(m[2]), told)
		}
		message := m[3]
		if c := more.FindStringSubmatch(message); c != nil {
			message = c[1]
			rest = "There are more errors, which may follow from this one."
		}
		if !d.place.known() && unfinished.MatchString(message) {
			d.place = t.lastLine()
		}
		d.message = t.clean(message)
		if d.message == "expected '}', found 'EOF'" {
			d.message = "the cell ends, and a { is still open: } is missing"
		}
		list = append(list, d)
	}
	return list, rest
}

// lastLine is the last line of the cell that is not empty.
func (t Told) lastLine() place {
	cell, _ := t.cell(t.Cell)
	lines := strings.Split(strings.TrimRight(cell.Sent, " \t\r\n"), "\n")
	if cell.Sent == "" {
		return place{}
	}
	return t.sent(t.Cell, len(lines), 0)
}

// hint is a sentence for errors that people new to Go or to notebooks meet, where what to do is certain.
func (t Told) hint(d diagnostic) string {
	if m := undefined.FindStringSubmatch(d.message); m != nil {
		if cell, ok := t.Gone[m[1]]; ok {
			return fmt.Sprintf("%s was made by the statements of cell %d, and values do not outlive a cell: declare it there by"+
				" `var %s = …`, or keep it by keep.Value.", m[1], cell, m[1])
		}
		if member := t.memberOf(d.place, m[1]); member != "" {
			return fmt.Sprintf("There is neither a variable %s nor a package %s that has %s.", m[1], m[1], member)
		}
		return ""
	}
	if m := unused.FindStringSubmatch(d.message); m != nil {
		if strings.HasPrefix(d.place.text, m[1]) || strings.HasPrefix(d.place.text, "var ") { // not within a function
			return fmt.Sprintf("Go wants each variable to be used. `%s` alone as the last line of the cell shows it.", m[1])
		}
		return ""
	}
	for _, h := range hints {
		if m := h.message.FindStringSubmatchIndex(d.message); m != nil {
			return string(h.message.ExpandString(nil, h.text, d.message, m))
		}
	}
	return ""
}

var (
	undefined = regexp.MustCompile(`^undefined: (\w+)$`)
	unused    = regexp.MustCompile(`^declared and not used: (\w+)$`)
)

const numeric = `(?:u?int(?:8|16|32|64)?|float(?:32|64))`

var hints = []struct {
	message *regexp.Regexp
	text    string
}{
	{regexp.MustCompile(`\(mismatched types ` + numeric + ` and ` + numeric + `\)`),
		"Go does not convert numbers by itself: write float64(…) or int(…) around one of them."},
	{regexp.MustCompile(`^assignment mismatch: 1 variable but .* returns 2 values$`),
		"The call returns two values: give each a name, and _ to one that is not wanted."},
	{regexp.MustCompile(`^no new variables on left side of :=$`),
		"What stands on the left exists already: = gives it a new value."},
	{regexp.MustCompile(`\(value of .*\) is not used$`),
		"Only the last line of a cell may be a value, which is then shown: give it a name, or print it."},
	{regexp.MustCompile(`^missing return$`),
		"The function can reach its end without a return."},
}

// memberOf finds Println in fmt.Println at the place of an error about fmt.
func (t Told) memberOf(p place, name string) string {
	if p.column < 1 || p.column > len(p.text) {
		return ""
	}
	rest, ok := strings.CutPrefix(p.text[p.column-1:], name+".")
	if !ok {
		return ""
	}
	return memberName.FindString(rest)
}

var memberName = regexp.MustCompile(`^\w+`)
