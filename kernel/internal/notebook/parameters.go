package notebook

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/gosciml/gosciml/tutorials/chapter"
)

// Parameter is a value for a variable or constant that a cell tagged "parameters" declares.
type Parameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Tags of cells, as papermill knows them.
const (
	parametersTag = chapter.ParametersTag
	injectedTag   = "injected-parameters"
)

// Injected is a cell with the values of parameters, and its place.
type Injected struct {
	Source   string
	Index    int
	Replaced bool // the cell of an earlier run, instead of being one more
}

// Parameterize puts a cell tagged "injected-parameters", which declares variables and constants anew with the values
// given, behind the first cell tagged "parameters" of a notebook in format 4, or in the place of such a cell from before.
// These are papermill's rules. GoNB takes the later of two declarations.
func Parameterize(data []byte, values []Parameter) ([]byte, Injected, error) {
	var nb map[string]json.RawMessage
	if err := json.Unmarshal(data, &nb); err != nil {
		return nil, Injected{}, err
	}
	var cells []json.RawMessage
	if err := json.Unmarshal(nb["cells"], &cells); err != nil {
		return nil, Injected{}, fmt.Errorf("its cells: %w", err)
	}
	declaring, injected := -1, -1
	var source string
	for i, raw := range cells {
		var c struct {
			CellType string `json:"cell_type"`
			Metadata struct {
				Tags []string `json:"tags"`
			} `json:"metadata"`
			Source chapter.Text `json:"source"`
		}
		if err := json.Unmarshal(raw, &c); err != nil {
			return nil, Injected{}, fmt.Errorf("cell %d: %w", i+1, err)
		}
		if c.CellType != "code" {
			continue
		}
		if declaring < 0 && slices.Contains(c.Metadata.Tags, parametersTag) {
			declaring, source = i, string(c.Source)
		}
		if injected < 0 && slices.Contains(c.Metadata.Tags, injectedTag) {
			injected = i
		}
	}
	if declaring < 0 {
		return nil, Injected{}, errors.New("it has no cell tagged \"parameters\": give one that declares them this tag " +
			"(in JupyterLab the gears at the upper right, Common Tools, Cell Tags; in Markdown the fence ```go parameters)")
	}
	text, err := DeclareAnew(source, values)
	if err != nil {
		return nil, Injected{}, err
	}
	cell, err := json.Marshal(Cell{Type: "code", ID: injectedTag, Source: text, Tags: []string{injectedTag}})
	if err != nil {
		return nil, Injected{}, err
	}
	in := Injected{Source: text, Index: injected, Replaced: true}
	if injected >= 0 {
		cells[injected] = cell
	} else {
		in.Index, in.Replaced = declaring+1, false
		cells = slices.Insert(cells, in.Index, json.RawMessage(cell))
	}
	if nb["cells"], err = json.Marshal(cells); err != nil {
		return nil, Injected{}, err
	}
	data, err = json.Marshal(nb)
	return data, in, err
}
