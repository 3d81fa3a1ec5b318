package diagnose

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Kind is what limits a training.
type Kind int

// The kinds of findings.
const (
	// Unclear means that nothing was found.
	Unclear Kind = iota
	// Good means that the training has reached its target.
	Good
	// Diverged means that the loss became NaN or infinite, or grew.
	Diverged
	// NoGradient means that the loss does not depend on θ where the training began, or ended.
	NoGradient
	// Ignored means that one term of the loss weighs too little to be learned.
	Ignored
	// WrongSolution means that the equation holds almost everywhere, and the solution is another one.
	WrongSolution
	// Overfitted means that the residual is small at the points of the training alone.
	Overfitted
	// Noise means that steps of batches no longer know where to go.
	Noise
	// Rounding means that the loss is lost in the rounding errors of the floating-point type.
	Rounding
	// Unfinished means that the loss was still falling.
	Unfinished
	// Plateau means that the method has come to its end before the network has.
	Plateau
	// SmallNetwork means that nothing near has a smaller residual: the network cannot hold the solution, or not from this start.
	SmallNetwork
)

var kindWords = map[Kind]string{
	Unclear: "unclear", Good: "a good training", Diverged: "diverged", NoGradient: "no gradient", Ignored: "a term is ignored",
	WrongSolution: "a wrong solution", Overfitted: "overfitted points", Noise: "noise", Rounding: "rounding",
	Unfinished: "not finished", Plateau: "a plateau of the method", SmallNetwork: "a network that cannot hold the solution",
}

// String is the kind in a few words.
func (k Kind) String() string {
	if words, ok := kindWords[k]; ok {
		return words
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// Finding is something that limits a training.
type Finding struct {
	Kind Kind
	// Words say what was seen, with the figures, and Advice what to try next.
	Words, Advice string
	// Figures are those that the words give.
	Figures []Figure
}

// Figure is a number with a name.
type Figure struct {
	Name  string
	Value float64
}

// String is the finding in one line.
func (f Finding) String() string {
	s := f.Kind.String() + ": " + f.Words
	if f.Advice != "" {
		s += ". Try: " + f.Advice
	}
	return s
}

// Explanation is what Explain found.
type Explanation struct {
	// Findings begin with the primary one; there is always that.
	Findings []Finding
	// Unseen says what could not be looked at, and why.
	Unseen []string
}

// Primary is the finding that limits the training most.
func (e *Explanation) Primary() Finding {
	if e == nil || len(e.Findings) == 0 {
		return Finding{Words: "nothing was looked at"}
	}
	return e.Findings[0]
}

// String has a line for each finding, the primary one first, and one for each thing that could not be seen.
func (e *Explanation) String() string {
	lines := []string{e.Primary().String()}
	if e == nil {
		return lines[0]
	}
	for i := 1; i < len(e.Findings); i++ {
		lines = append(lines, "also "+e.Findings[i].String())
	}
	for _, what := range e.Unseen {
		lines = append(lines, "not seen: "+what)
	}
	return strings.Join(lines, "\n")
}

// say is a number with two digits, without an exponent where it is neither small nor large.
func say(v float64) string {
	if size := math.Abs(v); size >= 1 && size < 1e5 || size >= 1e-3 && size < 1 {
		unit := math.Pow(10, math.Floor(math.Log10(size))-1)
		text := strconv.FormatFloat(math.Round(v/unit)*unit, 'f', max(0, 1-int(math.Floor(math.Log10(size)))), 64)
		if strings.Contains(text, ".") {
			text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
		}
		return text
	}
	return fmt.Sprintf("%.2g", v)
}

// saying is a sentence with numbers as say has them.
func saying(format string, args ...any) string {
	for i, a := range args {
		if v, is := a.(float64); is {
			args[i] = say(v)
		}
	}
	return fmt.Sprintf(format, args...)
}
