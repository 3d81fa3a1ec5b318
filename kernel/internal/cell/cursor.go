package cell

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// CodeCursor is the place in CodeWithoutValue of a cursor in the cell. Jupyter counts code points, and JupyterLab does; GoNB counts
// UTF-16 units.
func (c *Cell) CodeCursor(cursor int) int {
	at := len(c.source)
	for offset := range c.source {
		if cursor <= 0 {
			at = offset
			break
		}
		cursor--
	}
	number, column := c.lineAndColumn(at)
	lines := c.compose(false)
	k := c.kindAt(at)
	before := 0
	for i, l := range lines {
		if l.from == number && l.of == k && l.of != nothing {
			return before + utf16Length(l.text[:min(column, len(l.text))])
		}
		if i < len(lines)-1 {
			before++
		}
		before += utf16Length(l.text)
	}
	return before
}

// kindAt is the kind of lines of the code that has what stands at an offset of the source. Between parts, it is what ends the code.
func (c *Cell) kindAt(at int) kind {
	if c.ready {
		return statement
	}
	for i := len(c.parts) - 1; i >= 0; i-- {
		if p := c.parts[i]; p.begin <= at && at <= p.end && c.as[i] != nothing {
			return c.as[i]
		}
	}
	number, _ := c.lineAndColumn(at)
	if strings.Split(c.text, "\n")[number] != strings.Split(c.goText, "\n")[number] { // a command
		return declaration
	}
	lines := c.compose(false)
	return lines[len(lines)-1].of
}

// SourceCursor is the way back of CodeCursor.
func (c *Cell) SourceCursor(cursor int) int {
	lines := c.compose(false)
	i := 0
	for ; i < len(lines)-1; i++ {
		n := utf16Length(lines[i].text)
		if cursor <= n {
			break
		}
		cursor -= n + 1
	}
	column := 0
	for offset, r := range lines[i].text {
		if cursor <= 0 {
			break
		}
		cursor -= utf16.RuneLen(r)
		column = offset + utf8.RuneLen(r)
	}
	sources := strings.Split(c.source, "\n")
	number := lines[i].from
	before := min(column, len(sources[number]))
	for before > 0 && before < len(sources[number]) && !utf8.RuneStart(sources[number][before]) {
		before--
	}
	return utf8.RuneCountInString(strings.Join(sources[:number], "\n")) + min(number, 1) + utf8.RuneCountInString(sources[number][:before])
}

func utf16Length(text string) int {
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}
