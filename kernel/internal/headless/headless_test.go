//go:build unix

package headless

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/kernel/internal/notebook"
)

func TestErrorPlace(t *testing.T) {
	for _, c := range []struct {
		value, what string
		place       errPlace
	}{
		{"undefined: nope (cell 3, line 7)", "undefined: nope", errPlace{3, 7}},
		{"undefined: nope (cell 3, line 7), and another error", "undefined: nope, and another error", errPlace{3, 7}},
		{"exit status 2 (cell 4)", "exit status 2", errPlace{4, 0}},
		{"exit status 2", "exit status 2", errPlace{}},
	} {
		if what, place := errorPlace(c.value); what != c.what || place != c.place {
			t.Errorf("errorPlace(%q) = %q, %v", c.value, what, place)
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
{"event": "failed", "index": 2, "seconds": 1, "value": "oh no (cell 1, line 2)"}
`
	cells := []Cell{{Source: "text"}, {Source: "func f() {\n\tpanic(1)\n}", Line: 10}, {Source: "f()", Line: 20}}
	var out strings.Builder
	r := reporter{out: &out, name: "a.md", cells: cells, own: 3}
	if !r.follow(strings.NewReader(events)) {
		t.Error("the failure was not noticed")
	}
	for _, want := range []string{
		"[1/2] func f() {\n    error 1e-5\n    0.50 s\n",
		"a.md: cell 2 of 2, in code of cell 1, line 2 (line 11 of the file): panic(1)\nfailed after 1.00 s: oh no\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report\n%s\nlacks\n%s", &out, want)
		}
	}
}

func TestReportKeepsWhatCellsAfterTheNotebookPrint(t *testing.T) {
	events := `{"event": "start", "number": 1, "total": 1, "index": 0}
{"event": "text", "stream": "stdout", "text": "own"}
{"event": "end", "seconds": 0.5}
{"event": "start", "number": 2, "total": 1, "index": 1}
{"event": "text", "stream": "stdout", "text": "✓ "}
{"event": "text", "stream": "stderr", "text": "noise"}
{"event": "text", "stream": "stdout", "text": "Exercise 1\n"}
{"event": "end", "seconds": 3}
{"event": "start", "number": 3, "total": 1, "index": 2}
{"event": "failed", "index": 2, "seconds": 1, "value": "oh no (cell 3, line 1)"}
`
	cells := []Cell{{Source: "f()", Line: 10}, {Source: "g()", Name: "solution 1"}, {Source: "h()", Line: 20, Name: "solution 2"}}
	var out strings.Builder
	r := reporter{out: &out, name: "a.md", cells: cells, own: 1, printed: map[int]string{}}
	if !r.follow(strings.NewReader(events)) || r.printed[1] != "✓ Exercise 1\n" || r.seconds != 0.5 {
		t.Errorf("kept %v and %g s", r.printed, r.seconds)
	}
	for _, want := range []string{"[1/1] f()\n", "[solution 1] g()\n", "a.md: solution 2, line 1 (line 20 of the file): h()\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report\n%s\nlacks\n%s", &out, want)
		}
	}
}

func TestReadTakesBothFormsOfSource(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.ipynb")
	write(t, path, `{"cells": [{"source": ["a\n", "b"]}, {"source": "c\nd"}]}`)
	_, cells, err := read(path)
	if err != nil || len(cells) != 2 || cells[0].Source != "a\nb" || cells[1].Source != "c\nd" {
		t.Errorf("read = %+v, %v", cells, err)
	}
	write(t, path, `{}`)
	if _, _, err := read(path); err == nil {
		t.Error("a file without cells passed for a notebook")
	}
}

func TestConvert(t *testing.T) {
	chapter := filepath.Join(t.TempDir(), "a.md")
	write(t, chapter, "# Title\n\n```go\nx := 1\ny := 2\n```\n")
	data, cells, err := convert(chapter)
	if err != nil || len(cells) != 2 || cells[1] != (Cell{Source: "x := 1\ny := 2", Line: 4}) {
		t.Errorf("convert = %+v, %v", cells, err)
	}
	converted := filepath.Join(t.TempDir(), "a.ipynb")
	write(t, converted, string(data))
	_, written, err := read(converted)
	if err != nil || len(written) != 2 || written[0].Source != cells[0].Source || written[1].Source != cells[1].Source {
		t.Errorf("the notebook has the cells %+v, %v, and the chapter %+v", written, err, cells)
	}
	write(t, chapter, "\n")
	if _, _, err := convert(chapter); err == nil || !strings.Contains(err.Error(), "has no cells") {
		t.Errorf("a chapter without text: %v", err)
	}
}

func TestPrepareGivesParametersAndKeepsPlaces(t *testing.T) {
	chapter := filepath.Join(t.TempDir(), "a.md")
	write(t, chapter, "```go parameters\nvar rate = 0.1\n```\n\n```go\n%%\nfmt.Println(rate)\n```\n")
	target := filepath.Join(t.TempDir(), "new", "a.ipynb")
	j, err := Prepare(chapter, target, []notebook.Parameter{{Name: "rate", Value: "5"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []Cell{{Source: "var rate = 0.1", Line: 2}, {Source: "// Parameters\nvar rate float64 = 5"}, {Source: "%%\nfmt.Println(rate)", Line: 6}}
	if !slices.Equal(j.cells, want) {
		t.Errorf("the cells are %+v, want %+v", j.cells, want)
	}
	written := filepath.Join(t.TempDir(), "b.ipynb")
	write(t, written, string(j.notebook))
	if j, err = Prepare(written, target, []notebook.Parameter{{Name: "rate", Value: "7"}}); err != nil || len(j.cells) != 3 ||
		j.cells[1].Source != "// Parameters\nvar rate float64 = 7" {
		t.Errorf("given parameters again: %+v, %v", j, err)
	}
	if _, err := Prepare(chapter, target, []notebook.Parameter{{Name: "rates", Value: "5"}}); err == nil || !strings.Contains(err.Error(), chapter) {
		t.Errorf("a parameter that is not there: %v, want an error that names the file", err)
	}
}

func TestPrepareFindsTargetsThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	chapter := filepath.Join(dir, "a.md")
	write(t, chapter, "```go\nvar rate = 0.1\n```\n")
	folder, locked := filepath.Join(dir, "folder.ipynb"), filepath.Join(dir, "locked.ipynb")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, locked, "kept")
	if err := os.Chmod(locked, 0o444); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{folder, locked, filepath.Join(chapter, "below-a-file.ipynb")} {
		if _, err := Prepare(chapter, target, nil); err == nil || !strings.Contains(err.Error(), "cannot be written") {
			t.Errorf("Prepare for %s: %v, want an error that says that it cannot be written", target, err)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
