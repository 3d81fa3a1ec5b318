package chapter

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	texts     = ".."
	notebooks = "../../notebooks"
)

// A notebook is made from its text: whoever changes one has to execute it again. And the numbers in the text are those that were
// printed then.
func TestNotebooksAreThoseOfTheTextsAndTheNumbersAgree(t *testing.T) {
	chapters, err := All(texts)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range chapters {
		nb, err := ReadNotebook(filepath.Join(notebooks, c.Name+".ipynb"))
		if err != nil {
			t.Error(err)
			continue
		}
		if err := c.Compare(nb); err != nil {
			t.Error(err)
		}
	}
	if err := CheckGlossary(chapters, notebooks); err != nil {
		t.Error(err)
	}
	there, err := filepath.Glob(filepath.Join(notebooks, "*.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range there {
		name := strings.TrimSuffix(filepath.Base(file), ".ipynb")
		if name != GlossaryName && !slices.ContainsFunc(chapters, func(c *Chapter) bool { return c.Name == name }) {
			t.Errorf("%s has no chapter", file)
		}
	}
}

// Every chapter has the parts that make one, within the limits.
func TestChaptersAreOfTheStandard(t *testing.T) {
	chapters, err := All(texts)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range chapters {
		nb, err := ReadNotebook(filepath.Join(notebooks, c.Name+".ipynb"))
		if err != nil {
			t.Error(err)
			continue
		}
		if err := standard(c, string(read(t, c.File)), nb); err != nil {
			t.Errorf("%s:\n%v", c.File, err)
		}
	}
}

// parts of a chapter, in their order.
var parts = []struct {
	name string
	at   *regexp.Regexp
}{
	{"a question with a guess", regexp.MustCompile(`(?i)\bguess`)},
	{"a heading with \"goes wrong\"", regexp.MustCompile(`(?mi)^#+ .*goes wrong`)},
	{"a heading \"Exercises\"", regexp.MustCompile(`(?mi)^#+ .*exercises`)},
	{"the first exercise", regexp.MustCompile("(?m)^```+ *go +exercise ")},
	{"a heading with \"take away\"", regexp.MustCompile(`(?mi)^#+ .*take away`)},
	{"a heading with \"Further\"", regexp.MustCompile(`(?mi)^(#+ |\*\*).*further`)},
	{"a heading with \"Coming from\"", regexp.MustCompile(`(?mi)^(#+ |\*\*).*coming from`)},
}

var (
	codeOrMath = regexp.MustCompile("(?s)\\$[^$]*\\$|```.*?```")
	word       = regexp.MustCompile(`[\pL\pN_]+`)
	folded     = regexp.MustCompile(`(?s)<details>.*?</details>`)
)

// standard tells what a chapter lacks.
func standard(c *Chapter, source string, nb *Notebook) error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	minutes := 3.0
	if c.Number >= "09" {
		minutes = 5
	}
	b := c.Box
	if b.Summary == "" || len(b.Goals) != 3 || b.Needs == "" {
		wrong("its box has the summary %q, %d goals and the needs %q, expected a quotation below the title with a sentence, a list of three and what one should know before", b.Summary, len(b.Goals), b.Needs)
	}
	if !(b.Minutes > 0 && b.Minutes <= minutes && b.Memory > 0 && b.Memory <= 2e9) {
		wrong("its box says %g minutes and %.0f MB, expected at most %g minutes and 2 GB", b.Minutes, b.Memory/1e6, minutes)
	}
	last := 0
	for _, p := range parts {
		at := p.at.FindStringIndex(source[last:])
		if at == nil {
			wrong("%s is missing, or not in its place", p.name)
			continue
		}
		last += at[0]
	}

	if n := len(c.Quotes); n < 3 {
		wrong("it quotes %d numbers in a way that can be checked, expected 3 or more", n)
	}
	if n := len(c.Exercises); n < 3 || n > 5 {
		wrong("it has %d exercises, expected 3 to 5", n)
	}
	inFolds := strings.Join(folded.FindAllString(source, -1), "\n")
	for _, e := range c.Exercises {
		if !strings.Contains(inFolds, "go solution "+e.Name+"\n") {
			wrong("line %d: the solution of exercise %s is not within <details>", e.Solution.Line, e.Name)
		}
		if !strings.Contains(e.Solution.Source, "heck") {
			wrong("line %d: the solution of exercise %s has no check", e.Solution.Line, e.Name)
		}
	}
	if n := strings.Count(source, "<details"); n < 3 {
		wrong("it has %d folded solutions, expected 3 or more", n)
	}

	var text []string
	first := true
	for _, cell := range c.Cells {
		if !cell.Code {
			text = append(text, cell.Source)
			continue
		}
		lines := 0
		for line := range strings.Lines(cell.Source) {
			if strings.TrimSpace(line) != "" {
				lines++
			}
		}
		if lines > 25 {
			wrong("line %d: the cell has %d lines, expected at most 25", cell.Line, lines)
		}
		if n := strings.Count(cell.Source, "\n") + 1; first && n >= 10 {
			wrong("line %d: the first cell has %d lines, expected fewer than 10", cell.Line, n)
		}
		if cell.Exercise != "" && !strings.Contains(cell.Source, "heck") {
			wrong("line %d: exercise %s has no check", cell.Line, cell.Exercise)
		}
		first = false
	}
	prose := strings.Join(text, "\n")
	if n := len(word.FindAllString(codeOrMath.ReplaceAllString(prose, " "), -1)); n < 900 || n > 2500 {
		wrong("it has %d words, expected 900 to 2,500", n)
	}
	if w := regexp.MustCompile(`(?i)\b(simply|obviously)\b`).FindString(prose); w != "" {
		wrong("it says %q to a reader to whom it may be neither", w)
	}

	var figures []Figure
	for _, cell := range nb.Cells {
		figures = append(figures, cell.Figures...)
		if cell.Failure != "" {
			wrong("the cell %.40q failed: %s", cell.Source, cell.Failure)
		}
		if cell.Code && !cell.Ran {
			wrong("the cell %.40q was not executed", cell.Source)
		}
	}
	if n := len(figures); n < 3 || n > 9 {
		wrong("it has %d pictures, expected 3 to 9", n)
	}
	moves, plays := false, false
	for i, f := range figures {
		if !f.Has("image/png") {
			wrong("picture %d is there as %q, expected image/png among them", i+1, f.Types)
		}
		if f.Alt == "" {
			wrong("picture %d has no description", i+1)
		}
		moves, plays = moves || f.Has("image/gif"), plays || f.Has("application/vnd.vegalite")
	}
	if !moves || !plays {
		wrong("it has a picture that moves (image/gif): %v; one to play with (Vega-Lite): %v; expected both", moves, plays)
	}
	return errors.Join(problems...)
}
