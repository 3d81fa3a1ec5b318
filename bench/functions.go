package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"gonum.org/v1/gonum/optimize"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/functions"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// functionMethods are compared over the classical functions, next to gonum's and SciPy's.
var functionMethods = []named{
	{"BFGS", func() optim.Method { return optim.BFGS{} }},
	{"gonum BFGS", func() optim.Method { return optim.Gonum{Method: &optimize.BFGS{}} }},
	{"L-BFGS", func() optim.Method { return optim.LBFGS{} }},
	{"gonum LBFGS", func() optim.Method { return optim.Gonum{Method: &optimize.LBFGS{}} }},
	{"SSBroyden", func() optim.Method { return optim.SSBroyden{} }},
	{"BFGS, HZ", func() optim.Method { return optim.BFGS{Search: search.HagerZhang{}} }},
	{"SR1", func() optim.Method { return optim.SR1{} }},
	{"L-SR1", func() optim.Method { return optim.LSR1{} }},
	{"CG", func() optim.Method { return optim.NonlinearCG{} }},
}

// functionTable prints how many evaluations of value and gradient each method needs for each function, to the tolerance of
// the case; – where it does not get there in 2000 iterations.
func functionTable(ctx context.Context, w io.Writer) error {
	fmt.Fprintf(w, "%-26s %12s", "evaluations", "SciPy BFGS")
	for _, m := range functionMethods {
		fmt.Fprintf(w, " %12s", m.name)
	}
	fmt.Fprintln(w)
	ratios := make([][]float64, len(functionMethods))
	for _, c := range functions.Cases {
		fmt.Fprintf(w, "%-26s %12s", c.Name, counted(c.SciPy[0]))
		for i, m := range functionMethods {
			n, err := evaluations(ctx, c, m.make())
			if err != nil {
				return fmt.Errorf("%s on %s: %w", m.name, c.Name, err)
			}
			if n > 0 && c.SciPy[0] > 0 {
				ratios[i] = append(ratios[i], float64(n)/float64(c.SciPy[0]))
			}
			fmt.Fprintf(w, " %12s", counted(n))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%-26s %12s", "median, SciPy BFGS = 1", "1")
	for _, r := range ratios {
		slices.Sort(r)
		fmt.Fprintf(w, " %12.2f", r[len(r)/2])
	}
	fmt.Fprintln(w)
	return ctx.Err()
}

func counted(n int) string {
	if n == 0 {
		return "–"
	}
	return fmt.Sprint(n)
}

// evaluations is the number until the gradient is small enough, or 0 if that is not reached.
func evaluations(ctx context.Context, c functions.Case, m optim.Method) (int, error) {
	objective, err := objective.FromFunction(len(c.Start), func(theta, gradient []float64) float64 {
		c.F.Grad(gradient, theta)
		return c.F.Func(theta)
	})
	if err != nil {
		return 0, err
	}
	r, err := optim.Minimize(ctx, objective, c.Start, m, optim.Options{MaxIterations: 2000, GradientTolerance: c.GradientTolerance()})
	if err != nil || r.Status != optim.GradientSmall {
		return 0, err
	}
	return r.Evaluations, nil
}
