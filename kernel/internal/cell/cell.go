// Package cell makes what people type in a notebook cell into what GoNB takes: declarations first, then a line %% and the statements,
// which become the main function. A cell that ends in an expression shows its value. Lines and columns of what GoNB says of its code
// lead back to those of the cell.
package cell

import (
	"go/token"
	"slices"
	"strings"
)

// Cell is a cell as it was typed, taken apart.
type Cell struct {
	source string
	text   string         // of the same length, without what GoNB cannot take
	goText string         // of the same length, with all blanked that is not Go
	inner  map[int]string // lines within a raw string or a comment that GoNB would take for commands, with what opens it
	parts  []segment
	as     []kind // where each of them goes
	locals []string
	ready  bool // it says by itself where the main function begins, or has no statements
	value  int  // the part whose value is shown, -1 for none
	unused int  // the part whose value is dropped, where Go would want it to be used; -1 for none
	many   int  // how many values that part has
}

// Read takes a cell apart. Any text is a cell: what is wrong with it is for the compiler to say.
func Read(source string) *Cell {
	c := &Cell{source: source, text: source, goText: source, value: -1, unused: -1}
	marks := c.readSpecials()
	if marks.whole {
		c.ready, c.inner = true, nil
		return c
	}
	c.parts = segments(c.goText)
	c.as = make([]kind, len(c.parts))
	made := map[string]bool{}
	statements, moved, before, own := 0, false, false, false
	for i, p := range c.parts {
		c.as[i] = p.kind
		switch {
		case p.begin >= marks.main || p.needs(made):
			c.as[i] = statement
		case p.is(token.PACKAGE, "main"): // GoNB writes that line itself, and takes no second one
			c.as[i] = nothing
			c.text, c.goText = blanked(c.text, p.first, p.end), blanked(c.goText, p.first, p.end)
		}
		switch c.as[i] {
		case statement:
			statements++
			c.makes(p, made)
		case imports:
			moved = moved || before
		case declaration:
			before = true
			if p.is(token.FUNC, "main") {
				own = true
				for _, inside := range segments(p.body()) {
					c.makes(inside, map[string]bool{})
				}
			}
		}
	}
	c.ready = marks.main < len(source) || own || statements == 0 && !moved
	if n := len(c.parts); n > 0 && c.as[n-1] == statement && !own {
		c.findValue(n-1, marks.captured)
	}
	return c
}

// makes enters the names that a statement makes among those made before.
func (c *Cell) makes(p segment, made map[string]bool) {
	for _, name := range p.makes() {
		if !made[name] && name != "_" && !slices.Contains(c.locals, name) {
			c.locals = append(c.locals, name)
		}
		made[name] = true
	}
}

// Locals are the names that the statements make: variables that end with the cell.
func (c *Cell) Locals() []string { return slices.Clone(c.locals) }

// Code is what GoNB is to have.
func (c *Cell) Code() string { return text(c.compose(c.ShowsValue())) }

// CodeWithoutValue is Code that does not show the value of the expression at the end: for one that has none.
func (c *Cell) CodeWithoutValue() string { return text(c.compose(false)) }

// SourceLine is the line of the cell that a line of Code comes from, both from 1 on.
func (c *Cell) SourceLine(line int) int { return c.sourceLine(line, c.ShowsValue()) }

// SourceLineWithoutValue is SourceLine for CodeWithoutValue.
func (c *Cell) SourceLineWithoutValue(line int) int { return c.sourceLine(line, false) }

func (c *Cell) sourceLine(number int, show bool) int {
	lines := c.compose(show)
	if number < 1 || number > len(lines) {
		return min(max(number, 1), strings.Count(c.source, "\n")+1)
	}
	return lines[number-1].from + 1
}

// line is a line of the code.
type line struct {
	text string
	from int  // the line of the source, from 0 on
	of   kind // what it holds of that; nothing if it holds none
}

func text(lines []line) string {
	texts := make([]string, len(lines))
	for i, l := range lines {
		texts[i] = l.text
	}
	return strings.Join(texts, "\n")
}

// compose writes the code: one copy of the source with imports, one with declarations, one with statements, each with all else
// blanked, so that lines and columns are those of the source.
func (c *Cell) compose(show bool) []line {
	var lines []line
	if show {
		lines = append(lines, line{text: showImport, from: c.ValueLine() - 1})
	}
	add := func(k kind) {
		layer := c.layer(k, show)
		if k == statement && (show || c.unused >= 0) {
			layer = c.wrapped(layer)
		}
		lines = append(lines, layer...)
	}
	switch {
	case c.ready:
		add(statement)
	default:
		if slices.Contains(c.as, imports) {
			add(imports)
		}
		if slices.Contains(c.as, declaration) || c.goText != c.text {
			add(declaration)
		}
		if slices.Contains(c.as, statement) {
			lines = append(lines, line{text: "%%"})
			add(statement)
		}
	}
	c.hideInner(lines)
	return lines
}

// layer is the source with everything blanked but one kind of parts. Lines for GoNB itself go with declarations. A cell that is ready
// has one layer, with all of it. Comments behind an expression that is shown are left out.
func (c *Cell) layer(k kind, show bool) []line {
	keep := make([]bool, len(c.text))
	for i, p := range c.parts {
		for at := p.begin; at < p.end && c.as[i] == k; at++ {
			keep[at] = true
		}
	}
	for at := range keep {
		keep[at] = keep[at] || c.ready || k == declaration && c.text[at] != c.goText[at]
		if show && k == statement && at >= c.parts[c.value].last() && c.text[at] == c.goText[at] {
			keep[at] = false
		}
	}
	var lines []line
	at := 0
	for i, whole := range strings.Split(c.text, "\n") {
		l, kept := []byte(whole), 0
		for k := range l {
			if keep[at+k] {
				kept = k + 1
			} else if l[k] != '\t' {
				l[k] = ' '
			}
		}
		for kept > 0 && kept < len(whole) && (whole[kept] == ' ' || whole[kept] == '\t') { // where a cursor may stand
			kept++
		}
		lines = append(lines, line{text: string(l[:kept]), from: i, of: k})
		at += len(whole) + 1
	}
	return lines
}
