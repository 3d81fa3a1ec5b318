package failure

import (
	"fmt"
	"regexp"
	"strings"
)

// Cell is a cell that was executed.
type Cell struct {
	Sent  string // the text that GoNB got
	Typed string // the text in the notebook

	// Line finds the line of Typed that a line of Sent comes from, both from 1; 0 for what nobody typed. Columns are the
	// same. Nil means that the texts are the same.
	Line func(line int) int
}

func (t Told) cell(number int) (Cell, bool) {
	if t.Cells == nil || number <= 0 {
		return Cell{}, false
	}
	return t.Cells(number)
}

// place is a place in a cell as it was typed.
type place struct {
	cell, line, column int
	text               string // of the line
}

func (p place) known() bool { return p.cell > 0 && p.line > 0 }

func (p place) String() string { return fmt.Sprintf("cell %d, line %d", p.cell, p.line) }

// show gives the place, the text of its line, and a caret below its column.
func (p place) show(function string) []string {
	lines := []string{bold + p.String() + inFunction(function) + ":" + reset}
	text := strings.TrimRight(p.text, " \t\r")
	shown := strings.TrimLeft(text, " \t")
	if shown == "" {
		return lines
	}
	lines = append(lines, "    "+shown)
	if before := p.column - 1 - (len(text) - len(shown)); p.column > 0 && before >= 0 && before <= len(shown) {
		var b strings.Builder
		for _, r := range shown[:before] {
			if r != '\t' {
				r = ' '
			}
			b.WriteRune(r)
		}
		lines = append(lines, "    "+b.String()+bold+"^"+reset)
	}
	return lines
}

// sent finds the place in the typed text for one in the text that GoNB got.
func (t Told) sent(number, line, column int) place {
	p := place{cell: number, line: line, column: column}
	cell, ok := t.cell(number)
	if !ok {
		return p
	}
	typed := cell.Sent
	if cell.Line != nil {
		p.line, typed = cell.Line(line), cell.Typed
	}
	if lines := strings.Split(typed, "\n"); p.line > 0 && p.line <= len(lines) {
		p.text = lines[p.line-1]
	}
	return p
}

// inProgram finds the place for a line of the program that GoNB made. GoNB tells it as well (told, a cell and a line
// of what it got), but when it marks the pieces of a trace it may have seen half a number: its word counts at once if
// the texts agree. Else the cell is the one that has the most lines around this one in common with the program, and of
// several the latest, whose declarations are those that count.
func (t Told) inProgram(line, column int, told place) place {
	program := strings.Split(t.Main, "\n")
	if line < 1 || line > len(program) || t.Cells == nil {
		if told.known() {
			return t.sent(told.cell, told.line, column)
		}
		return place{}
	}
	at := line - 1
	best := told
	if !told.known() || !same(t.sentLine(told.cell, told.line), program[at]) {
		best = place{}
		most := 0
		for number := t.Cell; number > 0; number-- {
			cell, ok := t.cell(number)
			if !ok {
				continue
			}
			lines := strings.Split(cell.Sent, "\n")
			for i := range lines {
				if !same(lines[i], program[at]) || strings.TrimSpace(lines[i]) == "" {
					continue
				}
				run := 1
				for k := 1; at-k >= 0 && i-k >= 0 && same(lines[i-k], program[at-k]); k++ {
					run++
				}
				for k := 1; at+k < len(program) && i+k < len(lines) && same(lines[i+k], program[at+k]); k++ {
					run++
				}
				if run > most {
					most, best = run, place{cell: number, line: i + 1}
				}
			}
		}
	}
	if !best.known() {
		if best = told; !told.known() {
			return place{}
		}
	}
	if column > 0 {
		column = sameColumn(program[at], t.sentLine(best.cell, best.line), column)
	}
	return t.sent(best.cell, best.line, column)
}

func (t Told) sentLine(number, line int) string {
	cell, _ := t.cell(number)
	if lines := strings.Split(cell.Sent, "\n"); line > 0 && line <= len(lines) {
		return lines[line-1]
	}
	return ""
}

// same compares lines up to what GoNB changes when it takes declarations apart.
func same(a, b string) bool { return declared(a) == declared(b) }

func declared(line string) string {
	line = strings.TrimSpace(line)
	for _, keyword := range []string{"var ", "const ", "type ", "import "} {
		if rest, ok := strings.CutPrefix(line, keyword); ok {
			return rest
		}
	}
	return line
}

// sameColumn finds in a line of a cell what stands at a column of the line that GoNB made of it, 0 if it is not there.
func sameColumn(program, cell string, column int) int {
	if program == cell || column > len(program) {
		return column
	}
	i := strings.LastIndex(cell, strings.TrimRight(program[column-1:], " \t\r"))
	return i + 1
}

// In texts of GoNB and the go command: the name of the program, its files, and the mark that GoNB puts before them.
var (
	markOf      = regexp.MustCompile(` ?\x1b\[7m\[\[ Cell(?: \[\d+\])? Line \d+ \]\]\x1b\[0m `)
	programLine = regexp.MustCompile(`(?:[^\s"(]*/gonb_[0-9a-f]+/|\./)?main(?:_test)?\.go:(\d+)(?::(\d+))?`)
	programPath = regexp.MustCompile(`[^\s"(]*/gonb_[0-9a-f]+/?`)
	programName = regexp.MustCompile(`\bgonb_[0-9a-f]+\b`)
	modulePath  = regexp.MustCompile(`[^\s"(]*/pkg/mod/([^\s"()]*)`)
	atVersion   = regexp.MustCompile(`@v[^/\s]*`)
)

// clean names places and files in a message as a reader knows them.
func (t Told) clean(text string) string {
	text = markOf.ReplaceAllString(text, "")
	text = programLine.ReplaceAllStringFunc(text, func(s string) string {
		m := programLine.FindStringSubmatch(s)
		if p := t.inProgram(number(m[1]), 0, place{}); p.known() {
			return p.String()
		}
		return "the cell's program"
	})
	text = programPath.ReplaceAllString(text, "")
	text = programName.ReplaceAllString(text, "the notebook")
	return modulePath.ReplaceAllStringFunc(text, func(s string) string {
		return atVersion.ReplaceAllString(modulePath.FindStringSubmatch(s)[1], "")
	})
}
