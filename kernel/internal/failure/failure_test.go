package failure

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/shown.txt anew, to be read before it is committed")

// sample is what GoNB told about a cell: recorded from it, with paths made generic.
type sample struct {
	Name  string `json:"name"`
	Cells []struct {
		Number int    `json:"number"`
		Text   string `json:"text"`
	} `json:"cells"`
	Stderr []string `json:"stderr"`
	Error  *struct {
		Value     string   `json:"value"`
		Traceback []string `json:"traceback"`
	} `json:"error"`
	Main string `json:"main"`
}

func samples(t *testing.T) []sample {
	t.Helper()
	data, err := os.ReadFile("testdata/told.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []sample
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// told puts a sample together as the kernel does.
func (s sample) told() (t Told, stream string) {
	var filter Stderr
	for _, piece := range s.Stderr {
		stream += filter.Add(piece)
	}
	t = Told{Cell: s.Cells[len(s.Cells)-1].Number, Crash: filter.End(), Stderr: filter.Tail(), Main: s.Main,
		Interrupted: strings.HasPrefix(s.Name, "interrupt"), Memory: 16 << 30,
		Modules: []string{"github.com/gosciml/gosciml", "github.com/gomlx/gomlx", "golang.org/x/text"},
		Cells: func(number int) (Cell, bool) {
			for _, c := range s.Cells {
				if c.Number == number {
					return Cell{Sent: c.Text}, true
				}
			}
			return Cell{}, false
		}}
	if s.Name == "gone-variable" {
		t.Gone = map[string]int{"x": s.Cells[0].Number}
	}
	if s.Error != nil {
		t.Value, t.Traceback = s.Error.Value, s.Error.Traceback
	}
	return t, stream
}

var colour = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// TestShown compares what clients show for each recorded failure with a file to be read by people.
func TestShown(t *testing.T) {
	var b strings.Builder
	for _, s := range samples(t) {
		if s.Error == nil {
			continue
		}
		told, stream := s.told()
		e := New(told)
		fmt.Fprintf(&b, "######## %s\n", s.Name)
		for i, line := range strings.Split(strings.TrimRight(s.Cells[len(s.Cells)-1].Text, "\n"), "\n") {
			fmt.Fprintf(&b, "%4d | %s\n", i+1, line)
		}
		if stream += e.Stderr; stream != "" {
			fmt.Fprintf(&b, "---- stderr\n%s", stream)
			if !strings.HasSuffix(stream, "\n") {
				b.WriteString("\n")
			}
		}
		fmt.Fprintf(&b, "---- %s: %s\n%s\n\n", e.Name, e.Value, colour.ReplaceAllString(strings.Join(e.Traceback, "\n"), ""))
	}
	const file = "testdata/shown.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
		for i, line := range gotLines {
			if i >= len(wantLines) || line != wantLines[i] {
				t.Fatalf("line %d of %s differs:\n%s\n(run with -update, and read the difference)", i+1, file, line)
			}
		}
		t.Fatalf("%s has more than is shown now", file)
	}
}

// TestEveryError checks what holds for the errors of all samples.
func TestEveryError(t *testing.T) {
	never := regexp.MustCompile(`gonb_|/tmp/|/root/|/home/|/usr/local|failed to run|Cell ?\[|main\.go|goroutine 1 \[|0x[0-9a-f]{6}|%!`)
	known := map[string]bool{CompileError: true, ImportError: true, Panic: true, RuntimeError: true, ExitStatus: true,
		Interrupted: true, Killed: true, OtherError: true}
	for _, s := range samples(t) {
		if s.Error == nil {
			continue
		}
		told, _ := s.told()
		e := New(told)
		text := strings.Join(e.Traceback, "\n")
		if m := never.FindString(colour.ReplaceAllString(text, "") + "\n" + e.Value); m != "" {
			t.Errorf("%s: %q is shown:\n%s\n%s", s.Name, m, e.Value, text)
		}
		if !known[e.Name] {
			t.Errorf("%s: is a %q", s.Name, e.Name)
		}
		if e.Value == "" || strings.ContainsAny(e.Value, "\n\x1b") {
			t.Errorf("%s: the value is not one line of text: %q", s.Name, e.Value)
		}
		if len(e.Traceback) == 0 || !strings.HasPrefix(e.Traceback[0], bold) {
			t.Errorf("%s: the first line is not marked: %q", s.Name, e.Traceback)
		}
		for _, line := range e.Traceback {
			open := false
			for _, c := range colour.FindAllString(line, -1) {
				if c != bold && c != reset || (c == reset) != open {
					t.Errorf("%s: colours are not as they should be: %q", s.Name, line)
				}
				open = c != reset
			}
			if open || strings.Contains(line, "\n") {
				t.Errorf("%s: colour does not end with the line, or it is two: %q", s.Name, line)
			}
		}
	}
}

// TestPlacesWithoutMarks checks that the places found in the program are those that GoNB marks, where it does.
func TestPlacesWithoutMarks(t *testing.T) {
	marks := 0
	mark := regexp.MustCompile(`\x1b\[7m\[\[ Cell \[(\d+)\] Line (\d+) \]\]\x1b\[0m \S*main(?:_test)?\.go:(\d+)[^\d]`)
	for _, s := range samples(t) {
		told, _ := s.told()
		for _, piece := range s.Stderr {
			for _, m := range mark.FindAllStringSubmatch(piece, -1) {
				want := place{cell: number(m[1]), line: number(m[2])}
				got := told.inProgram(number(m[3]), 0, place{})
				if got.text = ""; got != want && !strings.HasPrefix(told.sentLine(want.cell, want.line), "%exec") {
					t.Errorf("%s: line %s of the program is at %v, want %v", s.Name, m[3], got, want)
				}
				marks++
			}
		}
	}
	if marks < 50 {
		t.Errorf("only %d marks were found", marks)
	}
}

// TestCutShort gives what a program printed that was killed while it crashed: there is an error all the same.
func TestCutShort(t *testing.T) {
	for _, s := range samples(t) {
		told, _ := s.told()
		whole := told.Crash
		for n := 0; n < len(whole); n += 1 + n/8 {
			for _, value := range []string{"exit status 2", "signal: killed", "exit status 1", "", s.Name} {
				told.Crash, told.Value = whole[:n], value
				if e := New(told); e.Name == "" || e.Value == "" || len(e.Traceback) == 0 {
					t.Fatalf("%s, the first %d bytes and %q: %+v", s.Name, n, value, e)
				}
			}
		}
	}
}

// TestUnfinishedCell checks that the } which GoNB adds at the end is not taken for one of an earlier cell.
func TestUnfinishedCell(t *testing.T) {
	cells := []string{"func f() {\n}", "%%\nif true {\n\tfmt.Println(1)\n"}
	e := New(Told{Cell: 2, Value: "/tmp/gonb_01/main.go:9:3: expected '}', found 'EOF'",
		Traceback: []string{"\tfmt.Println(1)\n\n\n}\n  ^\n\n\nexpected '}', found 'EOF'"},
		Main:      "package main\n\nfunc main() {\n\tflag.Parse()\nif true {\n\tfmt.Println(1)\n\n\n}",
		Cells:     func(number int) (Cell, bool) { return Cell{Sent: cells[max(number, 1)-1]}, number == 1 || number == 2 }})
	if e.Cell != 2 || e.Line != 3 {
		t.Errorf("the error is at cell %d, line %d: %s", e.Cell, e.Line, e.Value)
	}
}
