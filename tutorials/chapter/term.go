package chapter

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Term is a word that a chapter explains where it first appears.
type Term struct {
	Name    string
	Meaning string // the sentence around it, in Markdown
	Chapter string // its name
	Line    int
}

var (
	bold  = regexp.MustCompile(`\*\*([^*\n]+(?:\n[^*\n]+)?)\*\*$`)
	item  = regexp.MustCompile(`^\s*(?:[-*+]|\d+[.)])\s+`)
	quote = regexp.MustCompile(`^\s*(?:> ?)+`)

	formula = regexp.MustCompile(`(?s)^.*?:\s*\n\s*\n(\$\$.*?\$\$)`)                 // behind the sentence that ends with its colon
	pronoun = regexp.MustCompile(`^[*_(“"]*(?:That|This|These|Those|It|They|Such) `) // refers to the sentence before
)

// termAt reads the term whose comment is text[begin:end].
func termAt(text string, begin, end int) (Term, error) {
	m := bold.FindStringSubmatchIndex(text[:begin])
	if m == nil {
		return Term{}, errors.New("before <!-- term --> stands no word in bold, expected such as **condition number**<!-- term -->")
	}
	name := strings.Join(strings.Fields(text[m[2]:m[3]]), " ")
	before, after := text[:m[0]], text[end:]
	paragraph := blockEnd(before) + "\x00" + blockBegin(after) // the mark stands for the term
	paragraph = comment.ReplaceAllString(paragraph, "")
	sentence := sentenceAround(strings.Join(strings.Fields(paragraph), " "))
	if m := formula.FindStringSubmatch(after); strings.HasSuffix(sentence, ":") && m != nil {
		sentence += " " + strings.Join(strings.Fields(m[1]), " ")
	}
	return Term{Name: name, Meaning: strings.Replace(sentence, "\x00", "**"+name+"**", 1)}, nil
}

// blockEnd is the part of the last paragraph or item of a text.
func blockEnd(text string) string {
	lines := strings.Split(text, "\n")
	from := len(lines) - 1
	for ; from > 0; from-- {
		if item.MatchString(lines[from]) || blank(lines[from-1]) || strings.HasPrefix(lines[from-1], "#") {
			break
		}
	}
	lines = slices.Clone(lines[from:])
	for i := range lines {
		lines[i] = quote.ReplaceAllString(lines[i], "")
	}
	lines[0] = item.ReplaceAllString(lines[0], "")
	return strings.Join(lines, "\n")
}

// blockBegin is the part of the first paragraph or item of a text.
func blockBegin(text string) string {
	lines := strings.Split(text, "\n")
	to := 1
	for to < len(lines) && !blank(lines[to]) && !item.MatchString(lines[to]) {
		lines[to] = quote.ReplaceAllString(lines[to], "")
		to++
	}
	return strings.Join(lines[:to], "\n")
}

func blank(line string) bool { return strings.TrimSpace(quote.ReplaceAllString(line, "")) == "" }

// abbreviations end with a point that ends no sentence.
var abbreviations = regexp.MustCompile(`(?:^|[ (])(?:e\.g|i\.e|cf|et al|Eq|Fig|Sec|Ch|vs|approx|resp|\pL)\.$`)

// sentenceAround is the sentence of a paragraph in which the mark stands, with the one before if it begins with a word for that: "That is
// a gradient conflict."
func sentenceAround(paragraph string) string {
	mark := strings.IndexByte(paragraph, 0)
	begin, end, before := 0, len(paragraph), 0
	math := false
	for i, r := range paragraph {
		if r == '$' {
			math = !math
		}
		if math || (r != '.' && r != '!' && r != '?') || abbreviations.MatchString(paragraph[:i+1]) {
			continue
		}
		after := strings.TrimLeft(paragraph[i+1:], "*_)”\"`")
		if after != "" && !strings.HasPrefix(after, " ") {
			continue
		}
		stop := len(paragraph) - len(after)
		if next := []rune(strings.TrimLeft(after, " *_(“\"`")); len(next) > 0 && unicode.IsLower(next[0]) {
			continue
		}
		if stop <= mark {
			before, begin = begin, stop
		} else {
			end = stop
			break
		}
	}
	if pronoun.MatchString(strings.TrimSpace(paragraph[begin:end])) {
		begin = before
	}
	return strings.TrimSpace(paragraph[begin:end])
}

// GlossaryName is the name of the glossary's page, without its ending.
const GlossaryName = "glossary"

// Glossary is the Markdown of a page with the terms of all chapters in their alphabetical order, each with a link to its chapter, whose
// ending is given: ".ipynb". It is empty if there are none, and an error if two places explain the same term.
func Glossary(chapters []*Chapter, ending string) (string, error) {
	var terms []Term
	for _, c := range chapters {
		terms = append(terms, c.Terms...)
	}
	if len(terms) == 0 {
		return "", nil
	}
	key := func(t Term) string { return strings.ToLower(t.Name) }
	slices.SortStableFunc(terms, func(a, b Term) int { return cmp.Compare(key(a), key(b)) })
	var b strings.Builder
	b.WriteString("# Glossary\n\nThe words that the chapters explain, each as it is explained there.\n")
	var problems []error
	for i, t := range terms {
		if i > 0 && key(terms[i-1]) == key(t) {
			problems = append(problems, fmt.Errorf("the term %q is explained in %s, line %d, and in %s, line %d, expected once, where it first appears",
				t.Name, terms[i-1].Chapter, terms[i-1].Line, t.Chapter, t.Line))
			continue
		}
		number, _, _ := strings.Cut(t.Chapter, "-")
		fmt.Fprintf(&b, "\n- **%s** ([chapter %s](%s%s)): %s\n", t.Name, number, t.Chapter, ending, t.Meaning)
	}
	return b.String(), errors.Join(problems...)
}

// CheckGlossary reports whether the notebook of the glossary in a folder has the terms of all chapters as they are now.
func CheckGlossary(chapters []*Chapter, folder string) error {
	want, err := Glossary(chapters, ".ipynb")
	if err != nil || want == "" {
		return err
	}
	file := filepath.Join(folder, GlossaryName+".ipynb")
	nb, err := ReadNotebook(file)
	if err != nil {
		return fmt.Errorf("the glossary cannot be read: %w", err)
	}
	if len(nb.Cells) != 1 || strings.TrimSpace(nb.Cells[0].Source) != strings.TrimSpace(want) {
		return fmt.Errorf("%s has not the terms that the chapters explain now: `go run ./kernel chapters` with any of them makes it again", file)
	}
	return nil
}
