package chapter

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// printedBySmall is what the cells of testdata/90-small.md print.
func printedBySmall(c *Chapter) []string {
	printed := make([]string, len(c.Cells))
	for i, cell := range c.Cells {
		switch {
		case strings.Contains(cell.Source, "func steps"):
			printed[i] = "curvatures   100 and 1\ncondition number: 100\nrate 0.01: distance 0.366\n"
		case strings.Contains(cell.Source, "smaller"):
			printed[i] = "smaller: 1.2e-3 and 10⁻³, of −1,200 or 12 % of L2\n"
		}
	}
	return printed
}

func TestRead(t *testing.T) {
	c, err := Read("testdata/90-small.md")
	if err != nil {
		t.Fatal(err)
	}
	if c.Number != "90" || c.Name != "90-small" || c.Title != "A quadratic, and steps that are too long" {
		t.Errorf("read number %q, name %q, title %q", c.Number, c.Name, c.Title)
	}
	b := c.Box
	goals := []string{"tell the longest step that still shrinks every direction", "say what the condition number has to do with it", "check both by a program"}
	if !slices.Equal(b.Goals, goals) || b.Minutes != 1 || b.Memory != 100e6 || !strings.Contains(b.Needs, "gradient") || !strings.HasPrefix(b.Summary, "How far") {
		t.Errorf("the box is %+v", b)
	}
	if len(c.Exercises) != 1 || c.Exercises[0].Name != "1" || !strings.HasPrefix(c.Exercises[0].Solution.Source, "rate := 0.01\n") {
		t.Errorf("exercises are %+v", c.Exercises)
	}
	lines := strings.Split(string(read(t, "testdata/90-small.md")), "\n")
	if s := c.Exercises[0].Solution; lines[s.Line-1] != "rate := 0.01" {
		t.Errorf("the solution begins on line %d, which is %q", s.Line, lines[s.Line-1])
	}
	var written []string
	for _, q := range c.Quotes {
		written = append(written, q.Written)
		if !strings.Contains(lines[q.Line-1], q.Label) {
			t.Errorf("the quote of %q is told to be on line %d, which is %q", q.Label, q.Line, lines[q.Line-1])
		}
	}
	if want := []string{"100", "100", "0.366", "37 %", `1.2\cdot10^{-3}`, "10^{-3}"}; !slices.Equal(written, want) {
		t.Errorf("quotes are %q, want %q", written, want)
	}
	want := []Term{
		{"condition number", `Its **condition number** is the ratio of the largest curvature to the smallest, e.g. of $\lambda_1 = 100$ to $\lambda_2$.`, "90-small", 16},
		{"rate", "Another word is **rate**: the length of a step, by the gradient's.", "90-small", 19},
	}
	if !slices.Equal(c.Terms, want) {
		t.Errorf("terms are %+v, want %+v", c.Terms, want)
	}
	if err := c.Disagreements(printedBySmall(c)); err != nil {
		t.Errorf("what was printed is what is quoted, and still: %v", err)
	}
}

func TestSolutionsStayTextAndLoseTheirName(t *testing.T) {
	c, err := Read("testdata/90-small.md")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, cell := range c.Cells {
		if strings.Contains(cell.Source, "<details>") {
			found = !cell.Code && strings.Contains(cell.Source, "```go\nrate := 0.01\n")
		}
		if cell.Tag == ExerciseTag && (!cell.Code || cell.Exercise != "1") {
			t.Errorf("the exercise's cell is %+v", cell)
		}
	}
	if !found {
		t.Error("the solution is not in the text, as a fence marked go")
	}
}

// Every quote, made wrong by hand, is found, with its line, and nothing else is.
func TestAWrongNumberIsFound(t *testing.T) {
	text := string(read(t, "testdata/90-small.md"))
	for from, to := range map[string]string{
		"= 100$<!--":              "= 101$<!--",
		"<!-- 100 ≈":              "<!-- 102 ≈",
		" 0.366<!--":              " 0.361<!--",
		"37 %<!--":                "37<!--",
		`$1.2\cdot10^{-3}$<!--`:   `$1.2\cdot10^{3}$<!--`,
		`$10^{-3}$<!--`:           `$10^{-4}$<!--`,
		`"rate 0.01: distance" ±`: `"rate 0.1: distance" ±`,
		`"smaller:" 2`:            `"smaller:" 9`,
		`"curvatures" 1`:          `"curvatures" 2`,
		`"condition number" ±`:    `"100" ±`, // in two lines
	} {
		if !strings.Contains(text, from) {
			t.Fatalf("the chapter lacks %q", from)
		}
		line := strings.Count(text[:strings.Index(text, from)], "\n") + 1
		file := write(t, "90-small.md", strings.Replace(text, from, to, 1))
		c, err := Read(file)
		if err != nil {
			t.Fatal(err)
		}
		err = c.Disagreements(printedBySmall(c))
		if err == nil {
			t.Errorf("%q for %q was not found", to, from)
			continue
		}
		if !strings.HasPrefix(err.Error(), file+":"+strconv.Itoa(line)+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q for %q on line %d: %v", to, from, line, err)
		}
	}
}

func TestTheNearestCellAboveIsQuoted(t *testing.T) {
	file := write(t, "90-near.md", "# 90 · Near\n\n```go\na\n```\nNow 1<!-- ≈ \"x\" ±0.1 -->.\n```go\nb\n```\nNow 2<!-- ≈ \"x\" ±0.1 -->, then 3<!-- ≈ \"y\" ±0.1 -->.\n```go\nc\n```\n")
	c, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Disagreements([]string{"", "x 1", "", "x 2", "", "x 5\ny 3"}); err != nil {
		t.Error(err)
	}
	if err := c.Disagreements([]string{"", "x 2", "", "x 1", "", "x 1\ny 3"}); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two wrong numbers give %v", err)
	}
	if err := c.Disagreements([]string{"", "x 1"}); err == nil {
		t.Error("too few cells pass")
	}
}

func TestWhatIsWrongIsToldWithItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"Title\n":        "90-bad.md:1: the first line",
		"# 91 · Title\n": "90-bad.md:1: the title has the number 91",
		"# 90 · T\n\n0.1<!-- ≈ Adam ±20% -->":                                                        "90-bad.md:3: the quoted number has the comment",
		"# 90 · T\n\n0.1<!-- ≈ \"Adam\" -->":                                                         "90-bad.md:3: the quoted number has the comment",
		"# 90 · T\n\n0.1<!-- ≈ \"Adam\" ±none -->":                                                   "90-bad.md:3: the quoted number has the tolerance",
		"# 90 · T\n\n0.1<!-- ≈ \"Adam\" ×1 -->":                                                      "90-bad.md:3: the quoted number has the tolerance",
		"# 90 · T\n\n0.1<!-- ≈ \"Adam\" 0 ×2 -->":                                                    "90-bad.md:3: the quoted number has the comment",
		"# 90 · T\n\n0<!-- ≈ \"Adam\" ±20% -->":                                                      "90-bad.md:3: the quoted number is 0",
		"# 90 · T\n\nmany<!-- ≈ \"Adam\" ±20% -->":                                                   "90-bad.md:3: before the comment",
		"# 90 · T\n\nL2<!-- ≈ \"Adam\" ±20% -->":                                                     "90-bad.md:3: before the comment",
		"# 90 · T\n\nmany<!-- x ≈ \"Adam\" ±20% -->":                                                 "90-bad.md:3: the quoted number is given as \"x\"",
		"# 90 · T\n\nword<!-- term -->":                                                              "90-bad.md:3: before <!-- term -->",
		"# 90 · T\n\n**word**<!-- trem -->":                                                          "90-bad.md:3: the comment \"trem\"",
		"# 90 · T\n\n```go exercise\nx\n```\n":                                                       "90-bad.md: line 3: the fence is marked",
		"# 90 · T\n\n```go\nx\n":                                                                     "90-bad.md: the fence opened on line 3",
		"# 90 · T\n\n```go exercise 1\nx\n```\n":                                                     "90-bad.md:4: the exercise \"1\" has no solution",
		"# 90 · T\n\n```go solution 1\nx\n```\n":                                                     "90-bad.md:4: the solution \"1\" has no exercise",
		"# 90 · T\n\n```go exercise 1\nx\n```\n```go exercise 1\ny\n```\n```go solution 1\nx\n```\n": "90-bad.md:7: there is an exercise",
		"# 90 · T\n\n```go exercise 1\nx\n```\n```go solution 1\ny\n```\n```go solution 1\nx\n```\n": "90-bad.md:10: the exercise",
	} {
		file := write(t, "90-bad.md", text)
		_, err := Read(file)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q gives\n%v\nwant %q", text, err, want)
		}
	}
	if _, err := Read(write(t, "bad.md", "# 90 · T\n")); err == nil {
		t.Error("a file without a number passes")
	}
	// Comments within code are code.
	if _, err := Read(write(t, "90-bad.md", "# 90 · T\n\n```html\n<!-- ≈ none -->\n```\n")); err != nil {
		t.Error(err)
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string]float64{
		"0.012": 0.012, "is 1.2e-3": 1.2e-3, "12 %": 0.12, "12%": 0.12, `$12\,\%$`: 0.12, "1,200": 1200, "1,234,567.5": 1234567.5,
		`$1.2\cdot10^{-3}$`: 1.2e-3, `$\kappa\approx1.2 \times 10^3$`: 1.2e3, "$10^{-3}$": 1e-3, "10⁻³": 1e-3, "1.2·10⁻³": 1.2e-3, "3.5 × 10¹²": 3.5e12,
		"−3": -3, "-3.5E+2": -350, "+3": 3, "**0.5**": 0.5, "(about 0.5)": 0.5, "2-3": 3, "x=-3": -3, "-$10^{2}$": 100, "$-10^{2}$": -100,
	} {
		if got, _, ok := numberAtEnd(text); !ok || math.Abs(got-want) > 1e-12*math.Abs(want) {
			t.Errorf("the number at the end of %q is %v, %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "none", "L2", "λ1", "0.5 s", "0.5\n\nnext", "1.2.3x"} {
		if got, _, ok := numberAtEnd(text); ok {
			t.Errorf("the number at the end of %q is %v, want none", text, got)
		}
	}
	line := "L-BFGS: relative L2 error 2.77e-06, loss 2.48e-07, 3,000 iterations, 8.0s (12 %) −1 of [0.5,0.25] 10⁻³ 1.5·10² NaN"
	want := []float64{2.77e-6, 2.48e-7, 3000, 8, 0.12, -1, 0.5, 0.25, 1e-3, 150}
	if got := numbersIn(line); !slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) <= 1e-12*math.Abs(b) }) {
		t.Errorf("the numbers in the line are %v, want %v", got, want)
	}
}

func TestTolerances(t *testing.T) {
	for _, c := range []struct {
		tolerance       string
		quoted, printed float64
		ok              bool
	}{
		{"±20%", 1, 1.2, true}, {"±20 %", 1, 1.21, false}, {"±20%", -1, -0.8, true}, {"±20%", 1, -1, false},
		{"±0.01", 0, 0.01, true}, {"±0.01", 0, -0.011, false}, {"±1e-3", 2, 2.0005, true},
		{"×3", 1, 3, true}, {"×3", 1, 0.334, true}, {"×3", 1, 0.3, false}, {"×3", 1, -1, false}, {"×3", -1, -2, true}, {"× 3", 1, 0, false},
		{"±20%", 1, math.NaN(), false}, {"×3", 1, math.NaN(), false}, {"±1", 1, math.Inf(1), false}, {"×3", 1, math.Inf(1), false},
	} {
		w, err := parseTolerance(c.tolerance)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Allows(c.quoted, c.printed); got != c.ok {
			t.Errorf("%s allows %g for %g: %v", c.tolerance, c.printed, c.quoted, got)
		}
	}
}

func TestSentences(t *testing.T) {
	for paragraph, want := range map[string]string{
		"One. The \x00 is it! Two.":                 "The \x00 is it!",
		"See e.g. Eq. 3 for the \x00, i.e. it. Two": "See e.g. Eq. 3 for the \x00, i.e. it.",
		"(One.) A \x00 of 1.5 and $a. B$ it.":       "A \x00 of 1.5 and $a. B$ it.",
		"Is it? A \x00 is.":                         "A \x00 is.",
		"One. They point apart. That is a \x00. B":  "They point apart. That is a \x00.",
		"That is a \x00.":                           "That is a \x00.",
		"**Bold.** \x00 begins. $x$ is.":            "\x00 begins.",
	} {
		if got := sentenceAround(paragraph); got != want {
			t.Errorf("the sentence of %q is %q, want %q", paragraph, got, want)
		}
	}
}

func TestAFormulaBelongsToTheSentenceBeforeIt(t *testing.T) {
	c, err := Read(write(t, "90-a.md", "# 90 · T\n\nOne: two. The **loss**<!-- term --> is a mean\nof squares:\n\n$$L =\n\\frac1N .$$\n\nNot **this**<!-- term --> one: it ends.\n\n$$x$$\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Terms) != 2 || c.Terms[0].Meaning != "The **loss** is a mean of squares: $$L = \\frac1N .$$" || c.Terms[1].Meaning != "Not **this** one: it ends." {
		t.Errorf("the terms are %+v", c.Terms)
	}
}

func TestGlossary(t *testing.T) {
	c, err := Read("testdata/90-small.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := Glossary([]*Chapter{c}, ".ipynb")
	if err != nil || !strings.Contains(text, "- **rate** ([chapter 90](90-small.ipynb)): Another word") || strings.Index(text, "**rate**") < strings.Index(text, "condition number") {
		t.Errorf("the glossary is %v\n%s", err, text)
	}
	if _, err := Glossary([]*Chapter{c, c}, ".ipynb"); err == nil || !strings.Contains(err.Error(), `"rate" is explained in 90-small, line 19, and in`) {
		t.Errorf("two explanations of one term: %v", err)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t *testing.T, name, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}
