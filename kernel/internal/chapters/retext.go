//go:build unix

package chapters

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/gosciml/gosciml/internal/atomicfile"
	"github.com/gosciml/gosciml/kernel/internal/headless"
	"github.com/gosciml/gosciml/kernel/internal/notebook"
	"github.com/gosciml/gosciml/tutorials/chapter"
)

// Retext puts a chapter's text, as it is now, into its notebook, whose cells of code, with all that they have computed, stay. It fails
// where these are not those of the chapter any more: then it has to be executed. Numbers that the text quotes are compared.
func (c Course) Retext(ch *chapter.Chapter) error {
	source, err := os.ReadFile(ch.File)
	if err != nil {
		return err
	}
	now, err := notebook.FromMarkdown(source, headless.Kernelspec)
	if err != nil {
		return fmt.Errorf("%s: %w", ch.File, err)
	}
	path := c.notebookOf(ch)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var have struct {
		Cells         []json.RawMessage `json:"cells"`
		Metadata      json.RawMessage   `json:"metadata"`
		NBFormat      int               `json:"nbformat"`
		NBFormatMinor int               `json:"nbformat_minor"`
	}
	if err := json.Unmarshal(data, &have); err != nil {
		return fmt.Errorf("%s is not a notebook: %w", path, err)
	}
	var code []json.RawMessage // of the notebook, and what each says
	var says []string
	for _, raw := range have.Cells {
		var cell struct {
			Type   string       `json:"cell_type"`
			Source chapter.Text `json:"source"`
		}
		if err := json.Unmarshal(raw, &cell); err != nil {
			return fmt.Errorf("%s is not a notebook: %w", path, err)
		}
		if cell.Type == "code" {
			code, says = append(code, raw), append(says, string(cell.Source))
		}
	}
	have.Cells = nil
	next := 0
	for _, cell := range now.Cells {
		if cell.Type != "code" {
			raw, err := cell.MarshalJSON()
			if err != nil {
				return err
			}
			have.Cells = append(have.Cells, raw)
			continue
		}
		if next == len(code) || says[next] != cell.Source {
			return fmt.Errorf("%s:%d: the code of this cell is not in %s, expected notebooks whose text alone is to change: make it by `go run ./kernel chapters %s`", ch.File, cell.Line, path, ch.Number)
		}
		have.Cells = append(have.Cells, code[next])
		next++
	}
	if next < len(code) {
		return fmt.Errorf("%s has %d cells of code, and %s has %d: make it by `go run ./kernel chapters %s`", path, len(code), ch.File, next, ch.Number)
	}
	if data, err = notebook.Encode(have); err != nil {
		return err
	}
	if err := atomicfile.Write(path, data, 0o644); err != nil {
		return err
	}
	return c.Check(ch)
}
