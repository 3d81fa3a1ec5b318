package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/plot"
)

// goal is the error at which the method that is to reach it may stop, and the method that gets the time for it.
const (
	goal       = 1e-5
	goalMethod = "ssbroyden"
)

// contest is a problem that optimizers are compared on, always with the same network and points.
type contest struct {
	key    string
	hidden []int
}

var contests = []contest{{"poisson2d", []int{32, 32}}, {"burgers", []int{20, 20, 20, 20}}}

// optimizerFlags are those of the command optimizers.
type optimizerFlags struct {
	problem, method, out      string
	seconds, long             float64
	seed                      uint64
	json, functions, pictures bool
}

func optimizers(ctx context.Context, args []string) error {
	var f optimizerFlags
	flags := flag.NewFlagSet("optimizers", flag.ContinueOnError)
	flags.StringVar(&f.problem, "problem", "", "poisson2d or burgers; both when empty")
	flags.StringVar(&f.method, "method", "", fmt.Sprintf("methods separated by commas, all when empty: %q", methodNames()[1:]))
	flags.Float64Var(&f.seconds, "seconds", 30, "the time that each training gets, compilation included")
	flags.Float64Var(&f.long, "long", 900, fmt.Sprintf("the time that %s gets to reach a relative L2 error of %g", goalMethod, goal))
	flags.Uint64Var(&f.seed, "seed", 1, "of networks and points")
	flags.BoolVar(&f.json, "json", false, "print one JSON object a line instead of a table")
	flags.BoolVar(&f.functions, "functions", true, "also compare evaluations over the classical test functions")
	flags.StringVar(&f.out, "out", "bench-results", "directory for pictures")
	flags.BoolVar(&f.pictures, "pictures", true, "draw losses and errors over time into OUT/optimizers")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("optimizers: there is an argument %q, expected flags only", flags.Arg(0))
	case !(f.seconds > 0) || math.IsInf(f.seconds, 0) || !(f.long > 0) || math.IsInf(f.long, 0):
		return fmt.Errorf("optimizers: -seconds is %v and -long %v, expected numbers above 0", f.seconds, f.long)
	}
	names, err := chosenMethods(f.method, methodNames()[1:])
	if err != nil {
		return err
	}
	chosen := contests
	if f.problem != "" {
		i := slices.IndexFunc(contests, func(c contest) bool { return c.key == f.problem })
		if i < 0 {
			return fmt.Errorf("optimizers: -problem is %q, expected poisson2d or burgers", f.problem)
		}
		chosen = contests[i : i+1]
	}
	if f.functions && !f.json {
		if err := functionTable(ctx, os.Stdout); err != nil {
			return err
		}
	}
	for _, c := range chosen {
		if err := c.hold(ctx, names, f); err != nil {
			return err
		}
	}
	return nil
}

// hold trains with every method and draws the courses.
func (c contest) hold(ctx context.Context, names []string, f optimizerFlags) error {
	if !f.json {
		fmt.Println()
		printHeader(os.Stdout)
	}
	var losses, errorCurves []plot.Series
	for _, name := range names {
		p, err := pde.Named(c.key)
		if err != nil {
			return err
		}
		p.Suggested.Hidden = c.hidden
		t := training{problem: p, method: name, seed: f.seed, seconds: f.seconds}
		if name == goalMethod {
			t.seconds, t.until = max(f.seconds, f.long), goal
		}
		r, err := t.run(ctx)
		if err != nil {
			return err
		}
		if err := show(r, f.json); err != nil {
			return err
		}
		losses = append(losses, plot.Series{Name: name, X: r.curve.lossAt, Y: r.curve.loss})
		errorCurves = append(errorCurves, plot.Series{Name: name, X: r.curve.errorAt, Y: r.curve.error})
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
	}
	if !f.pictures {
		return nil
	}
	return c.draw(losses, errorCurves, filepath.Join(f.out, "optimizers"))
}

// perPicture is the number of curves that can be told apart.
const perPicture = 7

// bestFirst is the order of curves by their lowest values; NaN separates pieces of a curve.
func bestFirst(curves []plot.Series) []int {
	order, lowest := make([]int, len(curves)), make([]float64, len(curves))
	for i, c := range curves {
		order[i], lowest[i] = i, math.Inf(1)
		for _, y := range c.Y {
			if y < lowest[i] {
				lowest[i] = y
			}
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(lowest[i], lowest[j]) })
	return order
}

// draw draws the curves of all methods, a few in each picture, from the best to the worst: the first is of the best.
func (c contest) draw(losses, errorCurves []plot.Series, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	order := bestFirst(errorCurves)
	for first := 0; first < len(order); first += perPicture {
		var left, right []plot.Series
		for _, i := range order[first:min(first+perPicture, len(order))] {
			if len(losses[i].Y) > 0 && len(errorCurves[i].Y) > 0 {
				left, right = append(left, losses[i]), append(right, errorCurves[i])
			}
		}
		if len(left) == 0 {
			continue
		}
		loss, err := plot.Convergence(c.key, "seconds", "loss", left...)
		if err != nil {
			return err
		}
		off, err := plot.Convergence("Error against the solution", "seconds", "relative L2 error", right...)
		if err != nil {
			return err
		}
		both, err := plot.Row(loss, off)
		if err != nil {
			return err
		}
		if err := both.Save(filepath.Join(folder, fmt.Sprintf("%s-%d.png", c.key, first/perPicture+1))); err != nil {
			return err
		}
	}
	return nil
}
