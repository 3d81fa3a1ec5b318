package chapter

import (
	"fmt"
	"strings"
)

// Cell is a piece of a chapter that becomes a cell of its notebook.
type Cell struct {
	Code     bool // or text
	Source   string
	Line     int    // of the file on which the source begins
	Tag      string // of the cell in the notebook, empty for none
	Exercise string // the name of the exercise that the cell is for, if it is for one
}

// Tags of code cells.
const (
	ParametersTag = "parameters" // as papermill knows it
	ExerciseTag   = "exercise"
)

// Parts are the cells of a Markdown file and the solutions that its text holds.
type Parts struct {
	Cells     []Cell
	Solutions []Solution
}

// Split parts a Markdown file into cells. A fence whose info string is exactly "go" is a code cell, "go parameters" one with that
// tag, and "go exercise NAME" one that the reader fills in; every other fence, also "go" followed by other words, stays text, where
// "go solution NAME" becomes a fence marked "go". The text between two code cells is one cell.
func Split(source []byte) (Parts, error) {
	var parts Parts
	var lines []string
	begin := 1
	flush := func(c Cell) {
		first := 0
		for first < len(lines) && strings.TrimSpace(lines[first]) == "" {
			first++
		}
		c.Source = strings.TrimRight(strings.Join(lines[first:], "\n"), " \t\n")
		c.Line = begin + first
		if c.Source != "" {
			parts.Cells = append(parts.Cells, c)
		}
		lines = nil
	}

	var fence string // the fence that is open, empty outside of one
	var code Cell    // the cell that it opened, if Code
	var solution *Solution
	var opened int
	for i, line := range strings.Split(strings.ReplaceAll(string(source), "\r\n", "\n"), "\n") {
		marker, info := fenceOf(line)
		switch {
		case fence == "" && marker != "":
			fence, opened, code, solution = marker, i+1, Cell{}, nil
			words := strings.Fields(info)
			if len(words) > 0 && words[0] == "go" {
				switch {
				case len(words) == 1:
					code.Code = true
				case words[1] == ParametersTag && len(words) == 2:
					code = Cell{Code: true, Tag: ParametersTag}
				case (words[1] == "exercise" || words[1] == "solution") && len(words) != 3:
					return parts, fmt.Errorf("line %d: the fence is marked %q, expected \"go %s NAME\" with one word for the name", i+1, info, words[1])
				case words[1] == "exercise":
					code = Cell{Code: true, Tag: ExerciseTag, Exercise: words[2]}
				case words[1] == "solution":
					solution = &Solution{Name: words[2], Line: i + 2}
					line = line[:strings.Index(line, marker)] + marker + "go"
				}
			}
			if code.Code {
				flush(Cell{})
				begin = i + 2
				continue
			}
		case fence != "" && info == "" && len(marker) >= len(fence) && marker[:1] == fence[:1]:
			fence = ""
			if code.Code {
				flush(code)
				code, begin = Cell{}, i+2
				continue
			}
			if solution != nil {
				parts.Solutions = append(parts.Solutions, *solution)
				solution = nil
			}
		case solution != nil:
			solution.Source += line + "\n"
		}
		lines = append(lines, line)
	}
	if fence != "" {
		return parts, fmt.Errorf("the fence opened on line %d is never closed: add a line with %s", opened, fence)
	}
	flush(Cell{})
	return parts, nil
}

// fenceOf returns the fence a line begins with (at most three spaces in, as in CommonMark) and what follows it.
func fenceOf(line string) (marker, info string) {
	text := strings.TrimLeft(line, " ")
	if len(line)-len(text) > 3 {
		return "", ""
	}
	n := 0
	for n < len(text) && (text[0] == '`' || text[0] == '~') && text[n] == text[0] {
		n++
	}
	if n < 3 {
		return "", ""
	}
	info = strings.TrimSpace(text[n:])
	if text[0] == '`' && strings.Contains(info, "`") {
		return "", "" // code in a line of text
	}
	return text[:n], info
}

// withoutFences is a text with what stands in fences blanked, so that places stay.
func withoutFences(text string) string {
	var b strings.Builder
	fence := ""
	for line := range strings.Lines(text) {
		marker, info := fenceOf(strings.TrimRight(line, "\n"))
		switch {
		case fence == "" && marker != "":
			fence = marker
		case fence != "" && info == "" && len(marker) >= len(fence) && marker[:1] == fence[:1]:
			fence = ""
		case fence == "":
			b.WriteString(line)
			continue
		}
		for _, r := range []byte(line) {
			if r != '\n' {
				r = ' '
			}
			b.WriteByte(r)
		}
	}
	return b.String()
}
