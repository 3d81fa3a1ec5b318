package diagnose

import (
	"context"
	"fmt"
	"strings"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Conflict says whether the terms of a loss pull in the same direction. All numbers are with the weights that the terms have in the
// loss, so that the gradients add up to that of the loss.
type Conflict struct {
	// Names are those of the terms, and Losses what each adds to the loss.
	Names  []string
	Losses []float64
	// Norms are those of the gradients of the terms, ‖gᵢ‖, and Whole that of their sum. Where Whole is much below the largest of
	// Norms the terms undo each other's work.
	Norms []float64
	Whole float64
	// Cosines are gᵢᵀgⱼ/(‖gᵢ‖‖gⱼ‖): below zero where a step along one of the two gradients makes the other term worse. NaN
	// where a gradient is zero.
	Cosines *mat.SymDense
}

// Conflicts compares the gradients of the terms of a loss at θ. It fails where Objective.Terms is nil (ErrUnsuitable), where θ does not
// fit, where a gradient is not finite, and when ctx is done.
func Conflicts(ctx context.Context, obj *objective.Objective, theta []float64) (*Conflict, error) {
	own, err := objectiveFor(ctx, obj, theta)
	if err != nil {
		return nil, err
	}
	if own.Terms == nil || len(own.Terms.Names) == 0 {
		return nil, objective.Unsuitable("diagnose: Conflicts compares the terms of a loss, but Objective.Terms is nil or empty")
	}
	n := len(own.Terms.Names)
	c := &Conflict{Names: append([]string(nil), own.Terms.Names...), Cosines: mat.NewSymDense(n, nil)}
	gradients, sum := make([][]float64, n), make([]float64, own.Dim)
	for i, name := range c.Names {
		if err := own.Interrupted(); err != nil {
			return nil, err
		}
		term, err := own.Term(name)
		if err != nil {
			return nil, err
		}
		e, err := objective.NewEvaluator(term)
		if err != nil {
			return nil, err
		}
		loss, g, err := e.At(theta)
		if err != nil {
			return nil, err
		}
		if !device.Finite(loss) || !device.AllFinite(g) {
			return nil, fmt.Errorf("diagnose: the term %q is %v at θ, or its gradient is not finite, expected finite numbers", name, loss)
		}
		floats.Add(sum, g)
		c.Losses, c.Norms, gradients[i] = append(c.Losses, loss), append(c.Norms, floats.Norm(g, 2)), g
	}
	c.Whole = floats.Norm(sum, 2)
	for i := range n {
		for j := range i + 1 {
			c.Cosines.SetSym(i, j, floats.Dot(gradients[i], gradients[j])/c.Norms[i]/c.Norms[j])
		}
	}
	return c, nil
}

// String is a table with a line for each term.
func (c *Conflict) String() string {
	if c == nil || c.Cosines == nil {
		return "no terms"
	}
	width := len("gradient of")
	for _, name := range c.Names {
		width = max(width, len([]rune(name)))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s      loss      norm   cosines\n", width, "gradient of")
	for i, name := range c.Names {
		fmt.Fprintf(&b, "%-*s  %8.2e  %8.2e ", width, name, c.Losses[i], c.Norms[i])
		for j := range c.Names {
			fmt.Fprintf(&b, "  %5.2f", c.Cosines.At(i, j))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%-*s  %8.2e  %8.2e", width, "the loss", floats.Sum(c.Losses), c.Whole)
	return b.String()
}
