package chapter

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Notebook is an executed notebook, as far as a chapter is compared with it.
type Notebook struct {
	File  string
	Cells []NotebookCell
}

// NotebookCell is one of its cells.
type NotebookCell struct {
	Code    bool
	Source  string
	Ran     bool
	Failure string   // the error that the cell ended with, empty if it passed
	Printed string   // what it printed, without what went to standard error, and the value that it showed at its end
	Figures []Figure // in their order
}

// Figure is a picture, by the media types that it is there in.
type Figure struct {
	Types []string // sorted
	Alt   string
}

// Has reports whether a picture is there in a media type, or in one that begins so.
func (f Figure) Has(prefix string) bool {
	return slices.ContainsFunc(f.Types, func(t string) bool { return strings.HasPrefix(t, prefix) })
}

// Text is a string, such as the source of a cell, which notebooks hold in one piece or line by line.
type Text string

// UnmarshalJSON takes both forms.
func (s *Text) UnmarshalJSON(data []byte) error {
	var lines []string
	if json.Unmarshal(data, &lines) == nil {
		*s = Text(strings.Join(lines, ""))
		return nil
	}
	return json.Unmarshal(data, (*string)(s))
}

// ReadNotebook reads a notebook in format 4.
func ReadNotebook(file string) (*Notebook, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var raw struct {
		Cells []struct {
			CellType       string `json:"cell_type"`
			Source         Text   `json:"source"`
			ExecutionCount *int   `json:"execution_count"`
			Outputs        []struct {
				OutputType string                     `json:"output_type"`
				Name       string                     `json:"name"`
				Text       Text                       `json:"text"`
				EName      string                     `json:"ename"`
				EValue     string                     `json:"evalue"`
				Data       map[string]json.RawMessage `json:"data"`
				Metadata   struct {
					Alt string `json:"alt"`
				} `json:"metadata"`
			} `json:"outputs"`
		} `json:"cells"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("%s is not a notebook: %w", file, err)
	}
	nb := &Notebook{File: file}
	for _, c := range raw.Cells {
		cell := NotebookCell{Code: c.CellType == "code", Source: string(c.Source), Ran: c.ExecutionCount != nil}
		for _, o := range c.Outputs {
			switch o.OutputType {
			case "error":
				cell.Failure = strings.TrimSpace(o.EName + ": " + o.EValue)
			case "stream":
				if o.Name == "stdout" {
					cell.Printed += string(o.Text)
				}
			case "execute_result":
				var value Text
				if json.Unmarshal(o.Data["text/plain"], &value) == nil {
					cell.Printed += string(value) + "\n"
				}
			}
			var f Figure
			picture := false
			for kind, content := range o.Data {
				f.Types = append(f.Types, kind)
				picture = picture || strings.HasPrefix(kind, "image/") || strings.Contains(kind, "vega") ||
					kind == "text/html" && strings.Contains(string(content), "svg")
			}
			if picture {
				slices.Sort(f.Types)
				f.Alt = o.Metadata.Alt
				cell.Figures = append(cell.Figures, f)
			}
		}
		nb.Cells = append(nb.Cells, cell)
	}
	return nb, nil
}

// Compare reports whether a notebook was made from the chapter as it is now, all of its cells passed, and the numbers that the
// text quotes are those that its cells printed. Its error tells all that is wrong.
func (c *Chapter) Compare(nb *Notebook) error {
	if len(nb.Cells) != len(c.Cells) {
		return fmt.Errorf("%s has %d cells, and %s %d: make the notebook again", nb.File, len(nb.Cells), c.File, len(c.Cells))
	}
	var problems []error
	printed := make([]string, len(c.Cells))
	for i, cell := range c.Cells {
		got := nb.Cells[i]
		switch {
		case got.Source != cell.Source || got.Code != cell.Code:
			problems = append(problems, fmt.Errorf("%s:%d: cell %d of %s differs from this: make the notebook again", c.File, cell.Line, i+1, nb.File))
		case got.Failure != "":
			problems = append(problems, fmt.Errorf("%s:%d: cell %d of %s failed: %s", c.File, cell.Line, i+1, nb.File, got.Failure))
		case got.Code && !got.Ran:
			problems = append(problems, fmt.Errorf("%s:%d: cell %d of %s was not executed", c.File, cell.Line, i+1, nb.File))
		}
		printed[i] = got.Printed
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	return c.Disagreements(printed)
}

// All reads all chapters of a folder, tutorials/.
func All(folder string) ([]*Chapter, error) {
	files, err := filepath.Glob(filepath.Join(folder, "[0-9][0-9]-*.md"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("the folder %s has no chapter, expected files such as 01-what-is-different.md", folder)
	}
	var list []*Chapter
	var problems []error
	for _, file := range files {
		c, err := Read(file)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		list = append(list, c)
	}
	for i := 1; i < len(list); i++ {
		if list[i].Number == list[i-1].Number {
			problems = append(problems, fmt.Errorf("%s and %s have the same number", list[i-1].File, list[i].File))
		}
	}
	return list, errors.Join(problems...)
}
