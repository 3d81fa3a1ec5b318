package chapter

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Quote is a number in the text that a cell has printed.
type Quote struct {
	Line    int // in the file
	Written string
	Value   float64
	Label   string // what stands before it in the line that a cell printed
	Which   int    // the how manieth number after the label, from 1 on
	Within  Tolerance

	cell int // of the chapter in which it stands
}

// Tolerance says how far a printed number may be from the one quoted; one of its fields is not zero.
type Tolerance struct {
	Relative float64 // to the quoted number
	Absolute float64
	Factor   float64 // both have the same sign, and one is at most so many times the other
	Written  string
}

// Allows reports whether a printed number is near enough to a quoted one. NaN is near nothing.
func (t Tolerance) Allows(quoted, printed float64) bool {
	const rounding = 1e-9 // 0.1 + 0.2 is within 0.2 of 0.1
	switch {
	case t.Factor > 0:
		ratio := printed / quoted
		return ratio <= t.Factor*(1+rounding) && ratio >= 1/t.Factor*(1-rounding)
	case t.Relative > 0:
		return math.Abs(printed-quoted) <= t.Relative*math.Abs(quoted)*(1+rounding)
	}
	return math.Abs(printed-quoted) <= t.Absolute*(1+rounding)
}

var quoteNote = regexp.MustCompile(`^(.*?) ?≈ ?"([^"]+)"(?: (\d+))? ?([±×].*)$`)

const quoteSyntax = `expected such as 0.012<!-- ≈ "Adam: relative L2 error" ±20% -->, with ±20%, ±0.01 or ×3`

// parseQuote reads a comment that follows a text.
func parseQuote(before, note string) (Quote, error) {
	m := quoteNote.FindStringSubmatch(note)
	if m == nil {
		return Quote{}, fmt.Errorf("the quoted number has the comment %q, %s", note, quoteSyntax)
	}
	q := Quote{Label: strings.TrimSpace(m[2]), Which: 1}
	if m[3] != "" {
		q.Which, _ = strconv.Atoi(m[3])
	}
	if q.Which < 1 || q.Label == "" {
		return q, fmt.Errorf("the quoted number has the comment %q, expected a label and, behind it, 1 or more", note)
	}
	var ok bool
	if m[1] != "" {
		if q.Value, ok = parseNumber(m[1]); !ok {
			return q, fmt.Errorf("the quoted number is given as %q, expected a number such as 100 before ≈", m[1])
		}
		q.Written = m[1]
	} else if q.Value, q.Written, ok = numberAtEnd(before); !ok {
		return q, fmt.Errorf("before the comment %q stands no number: put one there, such as 0.012, 12 %% or $10^{-3}$, or give it in the comment: <!-- 100 ≈ … -->", note)
	}
	var err error
	if q.Within, err = parseTolerance(m[4]); err != nil {
		return q, fmt.Errorf("the quoted number has %w", err)
	}
	if q.Value == 0 && q.Within.Absolute == 0 {
		return q, fmt.Errorf("the quoted number is 0 with the tolerance %s, expected an absolute one such as ±0.01", m[4])
	}
	return q, nil
}

func parseTolerance(text string) (Tolerance, error) {
	t := Tolerance{Written: text}
	kind, rest := text[:2], strings.TrimSpace(text[2:]) // ± and × have two bytes
	v, ok := parseNumber(rest)
	switch {
	case !ok || !(v > 0) || math.IsInf(v, 0):
	case kind == "×" && v > 1:
		t.Factor = v
		return t, nil
	case kind == "±" && strings.HasSuffix(text, "%"):
		t.Relative = v
		return t, nil
	case kind == "±":
		t.Absolute = v
		return t, nil
	}
	return t, fmt.Errorf("the tolerance %q, expected ±20%%, ±0.01 or ×3", text)
}

// Disagreements compares all quoted numbers with what the cells printed: printed holds the text of each of Cells, empty for
// those that are no code. A label is looked for in the nearest cell above the quote, and then in those below; there it may be in one
// line only, so that it is clear what is quoted. Each error tells the file, the line, the quote and what was printed.
func (c *Chapter) Disagreements(printed []string) error {
	var problems []error
	for _, q := range c.Quotes {
		if err := c.disagreement(q, printed); err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: the text says %s (≈ %q%s %s), %w", c.File, q.Line, q.Written, q.Label, which(q.Which), q.Within.Written, err))
		}
	}
	return errors.Join(problems...)
}

func which(n int) string {
	if n == 1 {
		return ""
	}
	return " " + strconv.Itoa(n)
}

func (c *Chapter) disagreement(q Quote, printed []string) error {
	if len(printed) != len(c.Cells) {
		return fmt.Errorf("but the notebook has %d cells, expected %d: make it again", len(printed), len(c.Cells))
	}
	order := make([]int, 0, len(printed))
	for i := q.cell - 1; i >= 0; i-- {
		order = append(order, i)
	}
	for i := q.cell + 1; i < len(printed); i++ {
		order = append(order, i)
	}
	label := strings.Join(strings.Fields(q.Label), " ")
	for _, i := range order {
		var lines []string
		for line := range strings.Lines(printed[i]) {
			if line = strings.Join(strings.Fields(line), " "); strings.Contains(line, label) {
				lines = append(lines, line)
			}
		}
		if len(lines) == 0 {
			continue
		}
		if len(lines) > 1 {
			return fmt.Errorf("but its label is in %d lines that a cell printed, %q and %q among them: make it longer", len(lines), lines[0], lines[1])
		}
		_, after, _ := strings.Cut(lines[0], label)
		values := numbersIn(after)
		if len(values) < q.Which {
			return fmt.Errorf("but behind the label stand %d numbers, expected %d or more: %q was printed", len(values), q.Which, lines[0])
		}
		if v := values[q.Which-1]; !q.Within.Allows(q.Value, v) {
			return fmt.Errorf("but %g was printed: %q", v, lines[0])
		}
		return nil
	}
	return errors.New("but no cell printed a line with that label")
}
