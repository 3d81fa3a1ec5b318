// Package notebook makes Jupyter notebooks from chapters written as Markdown, in which every fence marked "go" is a
// cell to execute and the rest is text, and gives notebooks the values of parameters.
package notebook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
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
	return json.Marshal(fields)
}

// FromMarkdown makes a notebook of a chapter. A fence whose info string is exactly "go" becomes a code cell, and one with
// "go parameters" a code cell tagged "parameters"; every other fence (also "go" followed by other words, for code that is
// only shown) stays text. The text between two code cells is one cell. The id of a cell depends on nothing but its own text, so that a change of one leaves the others
// as they were.
func FromMarkdown(source []byte, kernel Kernelspec) (*Notebook, error) {
	nb := &Notebook{
		Metadata:      Metadata{Kernelspec: kernel},
		NBFormat:      4,
		NBFormatMinor: 5,
	}
	seen := map[string]int{}
	var lines []string
	begin := 1
	flush := func(kind string, tags ...string) {
		first := 0
		for first < len(lines) && strings.TrimSpace(lines[first]) == "" {
			first++
		}
		text := strings.TrimRight(strings.Join(lines[first:], "\n"), " \t\n")
		if text != "" {
			nb.Cells = append(nb.Cells, Cell{Type: kind, ID: cellID(seen, kind, text), Source: text, Line: begin + first, Tags: tags})
		}
		lines = nil
	}

	var fence string // the fence that is open, empty outside of one
	var code bool    // it opened a code cell
	var tags []string
	var opened int
	for i, line := range strings.Split(strings.ReplaceAll(string(source), "\r\n", "\n"), "\n") {
		marker, info := fenceOf(line)
		switch {
		case fence == "" && marker != "":
			fence, code, tags, opened = marker, info == "go", nil, i+1
			if language, rest, _ := strings.Cut(info, " "); language == "go" && strings.TrimSpace(rest) == parametersTag {
				code, tags = true, []string{parametersTag}
			}
			if code {
				flush("markdown")
				begin = i + 2
				continue
			}
		case fence != "" && info == "" && len(marker) >= len(fence) && marker[:1] == fence[:1]:
			fence = ""
			if code {
				flush("code", tags...)
				code, begin = false, i+2
				continue
			}
		}
		lines = append(lines, line)
	}
	if fence != "" {
		return nil, fmt.Errorf("the fence opened on line %d is never closed: add a line with %s", opened, fence)
	}
	flush("markdown")
	return nb, nil
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
func (nb *Notebook) Encode() ([]byte, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(nb); err != nil {
		return nil, err
	}
	return []byte(b.String()), nil
}
