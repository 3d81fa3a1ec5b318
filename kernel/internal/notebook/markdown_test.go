package notebook

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const lesson = "# Title\n\nText.\n\n```go\nx := 1 // a < b\n\n```\n\n```go\ny := 2\n```\nMore text, ```go in a line```.\n\n" +
	"```go shown\nnever run\n```\n\n~~~sh\n```go\nls\n```\n~~~\n\n````go\nz := \"```\"\n````\n```go  parameters\nvar n = 1\n```\n" +
	"```go exercise 1\nx := 0\n```\n<details>\n\n```go solution 1\nx := 1\n```\n\n</details>\n"

func TestFromMarkdown(t *testing.T) {
	nb, err := FromMarkdown([]byte(lesson), Kernelspec{Name: "gosciml"})
	if err != nil {
		t.Fatal(err)
	}
	want := []Cell{
		{Type: "markdown", Source: "# Title\n\nText.", Line: 1},
		{Type: "code", Source: "x := 1 // a < b", Line: 6},
		{Type: "code", Source: "y := 2", Line: 11},
		{Type: "markdown", Source: "More text, ```go in a line```.\n\n```go shown\nnever run\n```\n\n~~~sh\n```go\nls\n```\n~~~", Line: 13},
		{Type: "code", Source: "z := \"```\"", Line: 26},
		{Type: "code", Source: "var n = 1", Line: 29, Tags: []string{"parameters"}},
		{Type: "code", Source: "x := 0", Line: 32, Tags: []string{"exercise"}},
		{Type: "markdown", Source: "<details>\n\n```go\nx := 1\n```\n\n</details>", Line: 34},
	}
	got := slices.Clone(nb.Cells)
	lines := strings.Split(lesson, "\n")
	for i := range got {
		if first, _, _ := strings.Cut(got[i].Source, "\n"); lines[got[i].Line-1] != first {
			t.Errorf("cell %d begins with %q, but line %d of the chapter is %q", i, first, got[i].Line, lines[got[i].Line-1])
		}
		got[i].ID = ""
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("cells are\n%+v\nwant\n%+v", got, want)
	}
}

func TestIDsDependOnTheCellAlone(t *testing.T) {
	ids := func(text string) map[string]string {
		nb, err := FromMarkdown([]byte(text), Kernelspec{})
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]string{}
		for _, c := range nb.Cells {
			if other, ok := m[c.ID]; ok {
				t.Fatalf("two cells have the id %s: %q and %q", c.ID, other, c.Source)
			}
			m[c.ID] = c.Source
		}
		return m
	}
	before := ids("a\n```go\nx\n```\n```go\nx\n```\n")
	after := ids("new\n```go\nnew\n```\na\n```go\nx\n```\n```go\nx\n```\n")
	for id, source := range before {
		if after[id] != source {
			t.Errorf("after cells were put before it, the cell %q with id %s is %q", source, id, after[id])
		}
	}
}

func TestAnOpenFenceIsAnError(t *testing.T) {
	_, err := FromMarkdown([]byte("text\n\n```go\nx := 1\n"), Kernelspec{})
	if err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("FromMarkdown = %v, want an error that names line 3", err)
	}
}

func TestEncode(t *testing.T) {
	nb, err := FromMarkdown([]byte(lesson), Kernelspec{Name: "gosciml"})
	if err != nil {
		t.Fatal(err)
	}
	data, err := nb.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Cells []struct {
			CellType string   `json:"cell_type"`
			ID       string   `json:"id"`
			Source   []string `json:"source"`
			Outputs  *[]any   `json:"outputs"`
			Metadata struct{ Tags []string }
		} `json:"cells"`
		NBFormat int `json:"nbformat"`
	}
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	if read.NBFormat != 4 || len(read.Cells) != len(nb.Cells) {
		t.Fatalf("read back format %d and %d cells", read.NBFormat, len(read.Cells))
	}
	for i, c := range read.Cells {
		if strings.Join(c.Source, "") != nb.Cells[i].Source {
			t.Errorf("cell %d reads %q, want %q", i, c.Source, nb.Cells[i].Source)
		}
		if !slices.Equal(c.Metadata.Tags, nb.Cells[i].Tags) {
			t.Errorf("cell %d has the tags %q, want %q", i, c.Metadata.Tags, nb.Cells[i].Tags)
		}
		if (c.Outputs != nil) != (c.CellType == "code") {
			t.Errorf("cell %d of type %s: outputs %v", i, c.CellType, c.Outputs)
		}
	}
}
