//go:build unix

package headless

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestErrorPlace(t *testing.T) {
	for _, c := range []struct {
		text string
		want errPlace
	}{
		{"Cell[3]: Line 7\n\tcode", errPlace{3, 7}},
		{"main.f()\n\t \x1b[7m[[ Cell [2] Line 5 ]]\x1b[0m /tmp/main.go:12", errPlace{2, 5}},
		{"exit status 2", errPlace{}},
	} {
		if got := errorPlace("", c.text); got != c.want {
			t.Errorf("errorPlace(%q) = %v, want %v", c.text, got, c.want)
		}
	}
}

func TestFirstLineSaysWhatTheCellDoes(t *testing.T) {
	for source, want := range map[string]string{
		"import (\n\t\"fmt\"\n)\n\n%%\n// greet\nfmt.Println()\n": "fmt.Println()",
		"import \"fmt\"": "import \"fmt\"",
		"x := 1":         "x := 1",
		"":               "",
	} {
		if got := firstLine(source); got != want {
			t.Errorf("firstLine(%q) = %q, want %q", source, got, want)
		}
	}
}

func TestReport(t *testing.T) {
	events := `{"event": "start", "number": 1, "total": 2, "index": 1}
{"event": "text", "stream": "stdout", "text": "error 1e-5"}
{"event": "end", "seconds": 0.5}
{"event": "start", "number": 2, "total": 2, "index": 2}
{"event": "text", "stream": "stderr", "text": "panic: oh no\n\n [[ Cell [1] Line 2 ]] \n"}
{"event": "failed", "index": 2, "seconds": 1, "value": "exit status 2"}
`
	cells := []cell{{source: "text"}, {source: "func f() {\n\tpanic(1)\n}", line: 10}, {source: "f()", line: 20}}
	var out strings.Builder
	if !report(strings.NewReader(events), "a.md", cells, &out) {
		t.Error("the failure was not noticed")
	}
	for _, want := range []string{
		"[1/2] func f() {\n    error 1e-5\n    0.50 s\n",
		"a.md: cell 2 of 2, in code of cell 1, line 2 (line 11 of the file): panic(1)\nfailed after 1.00 s: panic: oh no\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report\n%s\nlacks\n%s", &out, want)
		}
	}
}

func TestReadCellsTakesBothFormsOfSource(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.ipynb")
	if err := os.WriteFile(path, []byte(`{"cells": [{"source": ["a\n", "b"]}, {"source": "c\nd"}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	cells, err := readCells(path)
	if err != nil || len(cells) != 2 || cells[0].source != "a\nb" || cells[1].source != "c\nd" {
		t.Errorf("readCells = %+v, %v", cells, err)
	}
	if err := os.WriteFile(path, []byte(`{}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readCells(path); err == nil {
		t.Error("a file without cells passed for a notebook")
	}
}

func TestConvert(t *testing.T) {
	chapter, target := filepath.Join(t.TempDir(), "a.md"), filepath.Join(t.TempDir(), "a.ipynb")
	if err := os.WriteFile(chapter, []byte("# Title\n\n```go\nx := 1\ny := 2\n```\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cells, err := convert(chapter, target)
	if err != nil || len(cells) != 2 || cells[1] != (cell{source: "x := 1\ny := 2", line: 4}) {
		t.Errorf("convert = %+v, %v", cells, err)
	}
	written, err := readCells(target)
	if err != nil || len(written) != 2 || written[0].source != cells[0].source || written[1].source != cells[1].source {
		t.Errorf("the notebook has the cells %+v, %v, and the chapter %+v", written, err, cells)
	}
	if err := os.WriteFile(chapter, []byte("\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := convert(chapter, target); err == nil || !strings.Contains(err.Error(), "has no cells") {
		t.Errorf("a chapter without text: %v", err)
	}
}
