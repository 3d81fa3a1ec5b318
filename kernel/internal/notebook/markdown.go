// Package notebook makes Jupyter notebooks from chapters written as Markdown, and gives notebooks the values of parameters.
package notebook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gosciml/gosciml/tutorials/chapter"
)

// Notebook is a notebook in format 4.5, as far as a converted chapter needs it.
type Notebook struct {
	Cells         []Cell   `json:"cells"`
	Metadata      Metadata `json:"metadata"`
	NBFormat      int      `json:"nbformat"`
	NBFormatMinor int      `json:"nbformat_minor"`
}

// Metadata names the kernel and the language.
type Metadata struct {
	Kernelspec Kernelspec `json:"kernelspec"`
	Language   *Language  `json:"language_info,omitempty"` // nil in a notebook that has not run
}

// Kernelspec tells Jupyter which kernel to start.
type Kernelspec struct {
	DisplayName string `json:"display_name"`
	Language    string `json:"language"`
	Name        string `json:"name"`
}

// Cell is a cell that has not run.
type Cell struct {
	Type   string // "code" or "markdown"
	ID     string
	Source string
	Line   int // line of the Markdown file on which the source begins; not stored in the notebook
	Tags   []string
}

// MarshalJSON writes the fields that the type of the cell asks for, the source as one string a line.
func (c Cell) MarshalJSON() ([]byte, error) {
	lines := strings.SplitAfter(c.Source, "\n")
	if n := len(lines); lines[n-1] == "" {
		lines = lines[:n-1]
	}
	if lines == nil {
		lines = []string{}
	}
	metadata := map[string]any{}
	if len(c.Tags) > 0 {
		metadata["tags"] = c.Tags
	}
	fields := map[string]any{"cell_type": c.Type, "id": c.ID, "metadata": metadata, "source": lines}
	if c.Type == "code" {
		fields["execution_count"] = nil
		fields["outputs"] = []any{}
	}
	return Encode(fields)
}

// FromMarkdown makes a notebook of a chapter or another Markdown file, in the cells that chapter.Split finds. The id of a cell depends
// on nothing but its own text, so that a change of one leaves the others as they were.
func FromMarkdown(source []byte, kernel Kernelspec) (*Notebook, error) {
	parts, err := chapter.Split(source)
	if err != nil {
		return nil, err
	}
	nb := &Notebook{
		Metadata:      Metadata{Kernelspec: kernel},
		NBFormat:      4,
		NBFormatMinor: 5,
	}
	seen := map[string]int{}
	for _, part := range parts.Cells {
		c := Cell{Type: "markdown", Source: part.Source, Line: part.Line}
		if part.Code {
			c.Type = "code"
		}
		if part.Tag != "" {
			c.Tags = []string{part.Tag}
		}
		c.ID = cellID(seen, c.Type, c.Source)
		nb.Cells = append(nb.Cells, c)
	}
	return nb, nil
}

func cellID(seen map[string]int, kind, text string) string {
	sum := sha256.Sum256([]byte(kind + "\n" + text))
	id := hex.EncodeToString(sum[:4])
	seen[id]++
	if n := seen[id]; n > 1 {
		id = fmt.Sprintf("%s-%d", id, n)
	}
	return id
}

// Encode returns the notebook as Jupyter itself would write it.
func (nb *Notebook) Encode() ([]byte, error) { return Encode(nb) }

// Encode returns a notebook, or a part of one, as Jupyter itself would write it: indented by one, and with < and > as they are.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	err := enc.Encode(v)
	return b.Bytes(), err
}
