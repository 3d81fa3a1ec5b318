// Package chapter reads the chapters of the course, tutorials/NN-name.md: their cells, the box at their head, the terms they
// explain, the numbers they quote from what their cells print, and their exercises. docs/chapters.md tells the syntax.
package chapter

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Chapter is a chapter that has been read.
type Chapter struct {
	File      string // as it was given to Read
	Name      string // of the file, without .md: "02-from-pde-to-loss"
	Number    string // "02"
	Title     string // without the number
	Box       Box
	Cells     []Cell
	Terms     []Term
	Quotes    []Quote
	Exercises []Exercise
}

// Exercise is a cell that the reader fills in, and what may stand there.
type Exercise struct {
	Name     string
	Line     int // of the cell's first line in the file
	Solution Solution
}

// Solution is the code of a solution, which is text in the notebook.
type Solution struct {
	Name   string // of its exercise
	Source string
	Line   int // of its first line in the file
}

var (
	fileName = regexp.MustCompile(`^(\d\d)-[a-z0-9-]+$`)
	heading  = regexp.MustCompile(`^# (\d\d) · (\S.*)$`)
	comment  = regexp.MustCompile(`(?s)<!--(.*?)-->`)
)

// Read reads the chapter in a file. Its error tells all that is wrong with it, each with the file and the line.
func Read(file string) (*Chapter, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c := &Chapter{File: file, Name: strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))}
	var problems []error
	wrong := func(line int, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s:%d: %w", file, line, fmt.Errorf(format, args...)))
	}
	parts, err := Split(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	c.Cells = parts.Cells

	name := fileName.FindStringSubmatch(c.Name)
	if name == nil {
		return nil, fmt.Errorf("the chapter %s has a name that is none of a chapter, expected such as 02-from-pde-to-loss.md", file)
	}
	c.Number = name[1]
	first, _, _ := strings.Cut(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	if title := heading.FindStringSubmatch(first); title == nil {
		wrong(1, "the first line is %q, expected the title, such as \"# %s · From a differential equation to a loss\"", first, c.Number)
	} else if c.Title = strings.TrimSpace(title[2]); title[1] != c.Number {
		wrong(1, "the title has the number %s, expected %s, as in the file's name", title[1], c.Number)
	}

	for i, cell := range c.Cells {
		if cell.Code {
			continue
		}
		if i == 0 {
			c.Box = boxOf(cell.Source)
		}
		text := withoutFences(cell.Source)
		for _, at := range comment.FindAllStringSubmatchIndex(text, -1) {
			line := cell.Line + strings.Count(text[:at[0]], "\n")
			switch note := strings.Join(strings.Fields(text[at[2]:at[3]]), " "); {
			case note == "term":
				t, err := termAt(text, at[0], at[1])
				if err != nil {
					wrong(line, "%w", err)
					continue
				}
				t.Line, t.Chapter = line, c.Name
				c.Terms = append(c.Terms, t)
			case strings.Contains(note, "≈"):
				q, err := parseQuote(text[:at[0]], note)
				if err != nil {
					wrong(line, "%w", err)
					continue
				}
				q.Line, q.cell = line, i
				c.Quotes = append(c.Quotes, q)
			default:
				wrong(line, "the comment %q is neither \"term\" nor a quoted number such as ≈ \"Adam: relative L2 error\" ±20%%", note)
			}
		}
	}
	c.Exercises = exercises(parts, wrong)
	return c, errors.Join(problems...)
}

// exercises puts exercises and solutions together by their names.
func exercises(parts Parts, wrong func(line int, format string, args ...any)) []Exercise {
	var list []Exercise
	index := map[string]int{}
	for _, cell := range parts.Cells {
		if cell.Exercise == "" {
			continue
		}
		if i, ok := index[cell.Exercise]; ok {
			wrong(cell.Line, "there is an exercise %q on line %d already, expected another name", cell.Exercise, list[i].Line)
			continue
		}
		index[cell.Exercise] = len(list)
		list = append(list, Exercise{Name: cell.Exercise, Line: cell.Line})
	}
	for _, s := range parts.Solutions {
		i, ok := index[s.Name]
		switch {
		case !ok:
			wrong(s.Line, "the solution %q has no exercise: the fence of its cell would be ```go exercise %[1]s", s.Name)
		case list[i].Solution.Source != "":
			wrong(s.Line, "the exercise %q has a solution on line %d already, expected one", s.Name, list[i].Solution.Line)
		default:
			list[i].Solution = s
		}
	}
	for _, e := range list {
		if e.Solution.Source == "" {
			wrong(e.Line, "the exercise %q has no solution: put a fence ```go solution %[1]s into <details>", e.Name)
		}
	}
	return list
}
