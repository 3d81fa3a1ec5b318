package cell

import (
	"slices"
	"strings"
)

// marks is what the lines say that are for GoNB.
type marks struct {
	whole    bool // the cell as a whole is for GoNB: a shell script, a file, a test
	main     int  // the offset from which on all is the main function, that of the end for nowhere
	captured bool // what is printed goes to a file
}

// wholeCells are the words at the beginning of a cell whose other lines are no Go.
var wholeCells = []string{"%%writefile", "%%script", "%%bash", "%%sh", "%%gx"}

// readSpecials blanks the lines that are for GoNB or for a shell, from c.goText. GoNB looks at the beginning of lines alone, also within
// a raw string or a comment; there they are text, as people mean it, and hideInner keeps them from GoNB.
func (c *Cell) readSpecials() marks {
	m := marks{main: len(c.source)}
	c.inner = map[int]string{}
	for at := 0; at < len(c.source); {
		if at == 0 || c.source[at-1] == '\n' {
			if end := c.special(at); end > at {
				c.read(at, end, &m)
				at = end
				continue
			}
		}
		end := at + 1
		switch rest := c.source[at:]; {
		case rest[0] == '"' || rest[0] == '\'':
			end = at + quoted(rest)
		case strings.HasPrefix(rest, "//"):
			end = at + upTo(rest, "\n") - 1
		case strings.HasPrefix(rest, "/*"):
			if n := strings.Index(rest[2:], "*/"); n >= 0 {
				end = at + n + 4
				c.enterInner(at, end, "/*")
			}
		case rest[0] == '`':
			if n := strings.Index(rest[1:], "`"); n >= 0 {
				end = at + n + 2
				c.enterInner(at, end, "`")
			}
		}
		at = max(end, at+1)
	}
	return m
}

// read takes note of a special line.
func (c *Cell) read(at, end int, m *marks) {
	trimmed := strings.TrimPrefix(strings.TrimRight(c.source[at:end], "\r\n"), "//gonb:")
	word, _, _ := strings.Cut(strings.ReplaceAll(trimmed, "\t", " "), " ")
	switch {
	case at == 0 && slices.Contains(wholeCells, word), word == "%test", word == "%wasm", strings.HasPrefix(word, "%exec"):
		m.whole = true
	case (word == "%%" || strings.HasPrefix(word, "%main")) && m.main == len(c.source):
		m.main = at
	case word == "%capture":
		m.captured = true
	}
	c.goText = blanked(c.goText, at, end)
	if strings.Trim(trimmed, "%! \t") == "" && len(word) < 2 { // no command at all, on which GoNB stumbles
		c.text = blanked(c.text, at, end)
	}
}

// special is the offset behind the special line at an offset, with the lines in which it goes on; that offset if there is none.
func (c *Cell) special(at int) int {
	if trimmed := strings.TrimPrefix(c.source[at:], "//gonb:"); trimmed == "" || trimmed[0] != '%' && trimmed[0] != '!' {
		return at
	}
	for at < len(c.source) {
		end := at + upTo(c.source[at:], "\n")
		goes := strings.HasSuffix(strings.TrimRight(c.source[at:end], "\r\n"), `\`)
		at = end
		if !goes {
			break
		}
	}
	return at
}

// enterInner takes note of the lines within a raw string or a comment that look like commands.
func (c *Cell) enterInner(begin, end int, opens string) {
	if opens == "`" && strings.HasPrefix(strings.TrimLeft(c.source[end:], " \t"), "[") { // an element of a string that cannot be cut
		return
	}
	number := strings.Count(c.source[:begin], "\n")
	for at := begin; at < end; at++ {
		if c.source[at] == '\n' {
			number++
			if at+1 < end && c.special(at+1) > at+1 {
				c.inner[number] = opens
			}
		}
	}
}

// hideInner changes lines within raw strings and comments that GoNB would take for commands so that they mean the same and do not begin
// with % or !. Within a raw string the new line before them is put in by a constant expression.
func (c *Cell) hideInner(lines []line) {
	for i, l := range lines {
		trimmed := strings.TrimPrefix(l.text, "//gonb:")
		if i == 0 || trimmed == "" || trimmed[0] != '%' && trimmed[0] != '!' || l.of == nothing {
			continue
		}
		switch c.inner[l.from] {
		case "`":
			lines[i-1].text += "`+\"\\n\"+"
			lines[i].text = "`" + l.text
		case "/*":
			lines[i].text = " " + l.text
		}
	}
}

// quoted is the length of the string or character in quotes at the beginning of a text, which ends with its line at the latest.
func quoted(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			if i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		case text[0]:
			return i + 1
		case '\n':
			return i
		}
	}
	return len(text)
}

// upTo is the length of a text up to the end of a mark, all of it without one.
func upTo(text, mark string) int {
	if at := strings.Index(text, mark); at >= 0 {
		return at + len(mark)
	}
	return len(text)
}

// blanked is a text with spaces from one offset to another, lines kept.
func blanked(text string, begin, end int) string {
	out := []byte(text)
	for i := begin; i < end; i++ {
		if out[i] != '\n' {
			out[i] = ' '
		}
	}
	return string(out)
}
