package optim_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/optimize"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/functions"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// Reasons for leaving a case out.
const (
	plateau   = "it goes off to a plateau, f = 2.05 at infinity"
	scales    = "the entries of the minimizer differ by a factor of 10¹², and ‖θ‖ says nothing of the precision of the small one"
	curvature = "Armijo's search finds no pair of positive curvature, and what is left is steepest descent"
	slow      = "steepest descent, if with a good step size, takes more than 2000 iterations"
)

// tabled is a method and the cases that it is not supposed to solve.
type tabled struct {
	name   string
	method func() optim.Method
	except map[string]string
}

func constant(m optim.Method) func() optim.Method { return func() optim.Method { return m } }

var tabledMethods = []tabled{
	{"gonum BFGS", func() optim.Method { return optim.Gonum{Method: &optimize.BFGS{}} }, nil},
	{"gonum LBFGS", func() optim.Method { return optim.Gonum{Method: &optimize.LBFGS{}} }, nil},
	{"BFGS", constant(optim.BFGS{}), nil},
	{"L-BFGS", constant(optim.LBFGS{}), nil},
	{"SSBFGS", constant(optim.SSBFGS{}), nil},
	{"SSBroyden", constant(optim.SSBroyden{}), nil},
	{"BFGS, HZ", constant(optim.BFGS{Search: search.HagerZhang{}}), nil},
	{"BFGS, Armijo", constant(optim.BFGS{Search: search.Armijo{}}), nil},
	{"BFGS, non-m.", constant(optim.BFGS{Search: search.NonMonotone{}}), nil},
	{"L-BFGS, HZ", constant(optim.LBFGS{Search: search.HagerZhang{}}), nil},
	{"L-BFGS, Armijo", constant(optim.LBFGS{Search: search.Armijo{}}), map[string]string{"Brown badly scaled, near": curvature}},
	{"L-BFGS, non-m.", constant(optim.LBFGS{Search: search.NonMonotone{}}), map[string]string{"Brown badly scaled, near": curvature}},
	{"two-loop", constant(optim.LBFGS{TwoLoop: true}), nil},
	{"SR1", constant(optim.SR1{}), map[string]string{"Brown badly scaled, near": scales}},
	{"L-SR1", constant(optim.LSR1{}), map[string]string{"Brown badly scaled, near": scales}},
	{"dogleg", constant(optim.Dogleg{}), map[string]string{"Brown badly scaled": scales, "Brown badly scaled, near": scales}},
	{"nonlinear CG", constant(optim.NonlinearCG{}), map[string]string{"Biggs EXP2": plateau}},
	{"BB, non-m.", constant(optim.BarzilaiBorwein{Search: search.NonMonotone{}}), map[string]string{
		"Biggs EXP5": slow, "Biggs EXP6": slow, "Brown badly scaled": slow, "Brown badly scaled, near": slow, "Gulf": slow,
		"penalty II, 4": slow, "Powell badly scaled": slow, "Powell singular, 4": slow, "Rosenbrock, 3 far": slow,
		"Watson, 6": slow, "Watson, 9": slow,
	}},
}

// solves says whether the method is supposed to solve a case.
func (m tabled) solves(c functions.Case) bool {
	return m.except[c.Name] == "" && (c.Only == "" || slices.Contains(strings.Split(c.Only, ", "), strings.TrimPrefix(m.name, "gonum ")))
}

// TestFunctions has every method minimize every function, and compares evaluations with gonum and SciPy.
func TestFunctions(t *testing.T) {
	counts := make([][]int, len(tabledMethods)) // 0 where there is none
	t.Run("methods", func(t *testing.T) {
		for i, m := range tabledMethods {
			counts[i] = make([]int, len(functions.Cases))
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				for k, c := range functions.Cases {
					gonum := strings.HasPrefix(m.name, "gonum")
					if m.solves(c) || gonum {
						counts[i][k] = solve(t, c, m.method(), gonum)
					}
				}
			})
		}
	})
	row := func(t *strings.Builder, name string, cells func(i int) string) {
		fmt.Fprintf(t, "\n%-30s", name)
		for i := range len(tabledMethods) + 2 {
			fmt.Fprintf(t, "%15s", cells(i))
		}
	}
	var table strings.Builder
	row(&table, "evaluations", func(i int) string { return append([]string{"SciPy BFGS", "SciPy L-BFGS-B"}, names()...)[i] })
	for k, c := range functions.Cases {
		row(&table, c.Name, func(i int) string {
			n := 0
			if i < 2 {
				n = c.SciPy[i]
			} else {
				n = counts[i-2][k]
			}
			if n == 0 {
				return "–"
			}
			return fmt.Sprint(n)
		})
	}
	t.Log(table.String())

	scipy := func(i int) []int {
		var all []int
		for _, c := range functions.Cases {
			all = append(all, c.SciPy[i])
		}
		return all
	}
	of := func(name string) []int { return counts[slices.Index(names(), name)] }
	for _, c := range []struct {
		name, than string
		reference  []int
	}{
		{"BFGS", "gonum BFGS", of("gonum BFGS")},
		{"L-BFGS", "gonum LBFGS", of("gonum LBFGS")},
		{"BFGS", "SciPy BFGS", scipy(0)},
		{"L-BFGS", "SciPy L-BFGS-B", scipy(1)},
	} {
		all, standard := medianRatio(of(c.name), c.reference, ""), medianRatio(of(c.name), c.reference, "near")
		t.Logf("%s/%s: median %.3f of all starts, %.3f without those next to a minimizer", c.name, c.than, all, standard)
		if all > 1 {
			t.Errorf("%s takes %.3f times the evaluations of %s (median)", c.name, all, c.than)
		}
	}
}

func names() []string {
	var all []string
	for _, m := range tabledMethods {
		all = append(all, m.name)
	}
	return all
}

// solve minimizes and returns the number of evaluations. It must end at a known minimum; a reference only has to say
// whether it reached the tolerance, and has 0 if it did not.
func solve(t *testing.T, c functions.Case, m optim.Method, reference bool) int {
	obj, err := objective.FromFunction(len(c.Start), func(theta, gradient []float64) float64 {
		c.F.Grad(gradient, theta)
		return c.F.Func(theta)
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := optim.Minimize(context.Background(), obj, c.Start, m, optim.Options{MaxIterations: 2000, GradientTolerance: c.GradientTolerance()})
	if err != nil {
		t.Fatal(err)
	}
	if reference {
		if r.Status != optim.GradientSmall {
			return 0
		}
		return r.Evaluations
	}
	off := math.Inf(1)
	for _, f := range c.Known() {
		off = min(off, math.Abs(r.Loss-f)/math.Max(1, math.Abs(f)))
	}
	if r.Status != optim.GradientSmall || off > 1e-6 {
		t.Errorf("%s: %s; the loss is off the known minima by %.2g", c.Name, r, off)
	}
	return r.Evaluations
}

// medianRatio is the median of counts/reference, but for cases with a word in their names. 0 stands for infinitely many,
// and a case that neither solves is left out.
func medianRatio(counts, reference []int, without string) float64 {
	var ratios []float64
	for k, c := range functions.Cases {
		if without != "" && strings.Contains(c.Name, without) || counts[k] == 0 && reference[k] == 0 {
			continue
		}
		ratio := math.Inf(1)
		if counts[k] > 0 {
			ratio = 0
			if reference[k] > 0 {
				ratio = float64(counts[k]) / float64(reference[k])
			}
		}
		ratios = append(ratios, ratio)
	}
	slices.Sort(ratios)
	n := len(ratios)
	return (ratios[(n-1)/2] + ratios[n/2]) / 2
}
