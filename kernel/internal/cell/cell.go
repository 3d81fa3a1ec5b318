// Package cell makes what people type in a notebook cell into what GoNB takes: declarations first, then a line %% and the statements,
// which become the main function. A cell that ends in an expression shows its value. Lines and columns of what GoNB says of its code
// lead back to those of the cell.
package cell

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Cell is a cell as it was typed, taken apart.
type Cell struct {
	source string
	goText string // of the same length, with the lines that are not Go blanked
	parts  []segment
	as     []kind // where each of them goes
	locals []string
	ready  bool // it says by itself where the main function begins, or has no statements
	value  int  // the part whose value is shown, -1 for none
	length int  // of that expression's text from its first token on
}

// showImport brings in what shows a value, under a name that nobody takes by chance.
const (
	showName   = "gosciml_show"
	showImport = `import ` + showName + ` "github.com/gosciml/gosciml/sciml/show"`
)

// Read takes a cell apart. Any text is a cell: what is wrong with it is for the compiler to say.
func Read(source string) *Cell {
	c := &Cell{source: source, value: -1}
	magic, main := c.blank()
	if magic {
		c.ready = true
		return c
	}
	c.parts = segments(c.goText)
	c.as = make([]kind, len(c.parts))
	made := map[string]bool{}
	statements, moved, before, own := 0, false, false, false
	for i, p := range c.parts {
		c.as[i] = p.kind
		if p.kind == declaration && p.tokens[0].token != token.FUNC && p.tokens[0].token != token.PACKAGE && p.uses(made) {
			c.as[i] = statement
		}
		if p.begin >= main {
			c.as[i] = statement
		}
		switch c.as[i] {
		case statement:
			statements++
			for _, name := range p.makes(c.goText) {
				if !made[name] && name != "_" {
					c.locals = append(c.locals, name)
				}
				made[name] = true
			}
		case imports:
			moved = moved || before
		case declaration:
			before = before || p.tokens[0].token != token.PACKAGE
			own = own || p.isMain()
		}
	}
	c.ready = main < len(source) || own || statements == 0 && !moved
	if n := len(c.parts); n > 0 && c.as[n-1] == statement && !own {
		c.findValue(n - 1)
	}
	return c
}

// isMain reports whether it is the main function.
func (s segment) isMain() bool {
	return len(s.tokens) > 1 && s.tokens[0].token == token.FUNC && s.tokens[1].literal == "main"
}

// blank leaves Go alone: lines that are for GoNB or for a shell become blank. It reports whether the whole cell is no Go, and the offset
// from which on all is the main function, that of the end for nowhere.
func (c *Cell) blank() (magic bool, main int) {
	main = len(c.source)
	text := []byte(c.source)
	lines := strings.SplitAfter(c.source, "\n")
	at, goes := 0, false
	for i, line := range lines {
		trimmed := strings.TrimPrefix(strings.TrimRight(line, "\r\n"), "//gonb:")
		special := goes || strings.HasPrefix(trimmed, "%") || strings.HasPrefix(trimmed, "!")
		switch word, _, _ := strings.Cut(strings.ReplaceAll(trimmed, "\t", " "), " "); {
		case goes:
		case i == 0 && strings.HasPrefix(word, "%%") && word != "%%":
			return true, 0
		case word == "%test" || word == "%wasm" || word == "%exec":
			return true, 0
		case (word == "%%" || strings.HasPrefix(word, "%main")) && main == len(c.source):
			main = at
		}
		if special {
			for k := at; k < at+len(line); k++ {
				if text[k] != '\n' {
					text[k] = ' '
				}
			}
		}
		goes = special && strings.HasSuffix(trimmed, `\`)
		at += len(line)
	}
	c.goText = string(text)
	return false, main
}

// silent are functions that people call for what they do.
var silent = []string{
	"panic", "print", "println", "close", "delete", "copy", "clear", "recover",
	"fmt.Print", "fmt.Printf", "fmt.Println", "fmt.Fprint", "fmt.Fprintf", "fmt.Fprintln",
}

// findValue looks whether a statement is an expression whose value people want to see. One that ends with a semicolon is not.
func (c *Cell) findValue(i int) {
	p := c.parts[i]
	last := p.tokens[len(p.tokens)-1]
	text := c.goText[p.first:last.end]
	if strings.HasPrefix(strings.TrimLeft(c.goText[last.end:], " \t"), ";") {
		return
	}
	expr, err := parser.ParseExpr(text)
	if err != nil {
		return
	}
	if call, ok := expr.(*ast.CallExpr); ok {
		name := callee(call.Fun)
		if slices.Contains(silent, name) || strings.HasPrefix(name, "log.") || c.returnsNothing(name) {
			return
		}
	}
	c.value, c.length = i, last.end-p.first
}

// callee is the name of a function or pkg.Function, empty for another one.
func callee(fun ast.Expr) string {
	switch fun := fun.(type) {
	case *ast.Ident:
		return fun.Name
	case *ast.SelectorExpr:
		if x, ok := fun.X.(*ast.Ident); ok {
			return x.Name + "." + fun.Sel.Name
		}
	}
	return ""
}

// returnsNothing reports whether the cell declares a function without results under that name.
func (c *Cell) returnsNothing(name string) bool {
	for i, p := range c.parts {
		if c.as[i] != declaration || p.tokens[0].token != token.FUNC || len(p.tokens) < 2 || p.tokens[1].literal != name {
			continue
		}
		file, _ := parser.ParseFile(token.NewFileSet(), "", "package p\n"+c.goText[p.first:p.end], parser.SkipObjectResolution)
		if file == nil || len(file.Decls) == 0 {
			return false
		}
		f, ok := file.Decls[0].(*ast.FuncDecl)
		return ok && f.Type.Results == nil
	}
	return false
}

// Locals are the names that the statements make: variables that end with the cell.
func (c *Cell) Locals() []string { return slices.Clone(c.locals) }

// ShowsValue reports whether Code shows the value of the expression at the end.
func (c *Cell) ShowsValue() bool { return c.value >= 0 }

// ValueLine is the line of the cell, from 1 on, on which the expression at its end begins; 0 without one.
func (c *Cell) ValueLine() int {
	if c.value < 0 {
		return 0
	}
	return 1 + strings.Count(c.source[:c.parts[c.value].first], "\n")
}

// Code is what GoNB is to have.
func (c *Cell) Code() string {
	code, _ := c.compose(c.value >= 0)
	return code
}

// CodeWithoutValue is Code that does not show the value of the expression at the end: for one that has none.
func (c *Cell) CodeWithoutValue() string {
	code, _ := c.compose(false)
	return code
}

// origin is the line of the source, from 0 on, that a line of Code is.
type origin int

// compose writes the code and says where each of its lines comes from.
func (c *Cell) compose(show bool) (string, []origin) {
	var lines []string
	var from []origin
	add := func(text string, of []origin) {
		lines = append(lines, strings.Split(text, "\n")...)
		from = append(from, of...)
	}
	whole := make([]origin, strings.Count(c.source, "\n")+1)
	for i := range whole {
		whole[i] = origin(i)
	}
	if show {
		add(showImport, []origin{origin(c.ValueLine() - 1)})
	}
	if c.ready {
		text, of := c.source, whole
		if show {
			text, of = c.wrapped(text, whole)
		}
		add(text, of)
		return strings.Join(lines, "\n"), from
	}
	if slices.Contains(c.as, imports) {
		add(c.only(imports, false), whole)
	}
	if slices.Contains(c.as, declaration) || c.goText != c.source {
		add(c.only(declaration, true), whole)
	}
	if slices.Contains(c.as, statement) {
		add("%%", []origin{0})
		text, of := c.only(statement, false), whole
		if show {
			text, of = c.wrapped(text, whole)
		}
		add(text, of)
	}
	return strings.Join(lines, "\n"), from
}

// only is the source with everything blanked but one kind of parts, and with what is not Go where asked.
func (c *Cell) only(k kind, others bool) string {
	text := []byte(c.goText)
	keep := make([]bool, len(text))
	for i, p := range c.parts {
		for at := p.begin; at < p.end; at++ {
			keep[at] = c.as[i] == k
		}
	}
	for i := range text {
		switch {
		case text[i] == '\n' || keep[i]:
		case others && c.goText[i] != c.source[i]:
			text[i] = c.source[i]
		default:
			text[i] = ' '
		}
	}
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\r")
	}
	return strings.Join(lines, "\n")
}

// wrapped puts the call that shows a value around the expression at the end, in lines of its own, so that columns stay.
func (c *Cell) wrapped(text string, from []origin) (string, []origin) {
	line := c.ValueLine() - 1
	p := c.parts[c.value]
	column := p.first - (strings.LastIndex(c.source[:p.first], "\n") + 1)
	lines := strings.Split(text, "\n")
	last := line + strings.Count(c.source[p.first:p.first+c.length], "\n")
	endColumn := p.first + c.length - (strings.LastIndex(c.source[:p.first+c.length], "\n") + 1)
	after := lines[last][min(endColumn, len(lines[last])):]
	lines[last] = lines[last][:min(endColumn, len(lines[last]))] + "," + after
	var out []string
	var of []origin
	for i, l := range lines {
		if i == line {
			head := l[:column]
			if strings.TrimSpace(head) != "" { // other statements on the line
				out, of = append(out, head), append(of, from[i])
				l = strings.Repeat(" ", column) + l[column:]
			}
			out, of = append(out, showName+".Value("), append(of, from[i])
		}
		out, of = append(out, l), append(of, from[i])
		if i == last {
			out, of = append(out, ")"), append(of, from[i])
		}
	}
	return strings.Join(out, "\n"), of
}

// SourceLine is the line of the cell that a line of Code comes from, both from 1 on.
func (c *Cell) SourceLine(line int) int { return c.sourceLine(line, c.value >= 0) }

// SourceLineWithoutValue is SourceLine for CodeWithoutValue.
func (c *Cell) SourceLineWithoutValue(line int) int { return c.sourceLine(line, false) }

func (c *Cell) sourceLine(line int, show bool) int {
	_, from := c.compose(show)
	if line < 1 || line > len(from) {
		return min(max(line, 1), strings.Count(c.source, "\n")+1)
	}
	return int(from[line-1]) + 1
}

// CodeCursor is the place in CodeWithoutValue, in UTF-16 units as GoNB counts, of a cursor in the cell, in code points as Jupyter counts.
func (c *Cell) CodeCursor(cursor int) int {
	at := len(c.source)
	for offset := range c.source {
		if cursor == 0 {
			at = offset
			break
		}
		cursor--
	}
	line := strings.Count(c.source[:at], "\n")
	column := at - (strings.LastIndex(c.source[:at], "\n") + 1)
	code, from := c.compose(false)
	lines := strings.Split(code, "\n")
	place, likeness := -1, -1
	for i, of := range from {
		if int(of) == line && (c.ready || lines[i] != "%%") {
			if like := c.likeness(at, lines[i]); like > likeness {
				place, likeness = i, like
			}
		}
	}
	if place < 0 {
		return utf16Length(code)
	}
	lines[place] += strings.Repeat(" ", max(0, column-len(lines[place])))
	return utf16Length(strings.Join(lines[:place], "\n")) + min(place, 1) + utf16Length(lines[place][:column])
}

// likeness is how well a line of the code fits that of the cursor: it may have all of it, what stands before the cursor, or neither.
func (c *Cell) likeness(at int, line string) int {
	begin := strings.LastIndex(c.source[:at], "\n") + 1
	whole, _, _ := strings.Cut(c.source[begin:], "\n")
	switch line = strings.TrimRight(line, " \t\r"); {
	case line == strings.TrimRight(whole, " \t\r"):
		return 2
	case strings.HasPrefix(line, strings.TrimRight(c.source[begin:at], " \t\r")):
		return 1
	}
	return 0
}

// SourceCursor is the way back of CodeCursor.
func (c *Cell) SourceCursor(cursor int) int {
	code, from := c.compose(false)
	units, line, column := 0, 0, 0
	for _, r := range code {
		if units >= cursor {
			break
		}
		units += utf16.RuneLen(r)
		column++
		if r == '\n' {
			line, column = line+1, 0
		}
	}
	lines := strings.Split(c.source, "\n")
	at := int(from[min(line, len(from)-1)])
	return utf8.RuneCountInString(strings.Join(lines[:at], "\n")) + min(at, 1) + min(column, utf8.RuneCountInString(lines[at]))
}

func utf16Length(text string) int {
	n := 0
	for _, r := range text {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}
