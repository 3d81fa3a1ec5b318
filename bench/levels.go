package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// levelsPage is where the whole table goes.
const levelsPage = "docs/levels.md"

// deepest is the error at which trainings of the command levels stop.
const deepest = 1e-4

// levelsFlags are those of the command levels.
type levelsFlags struct {
	problem, approach, out, markdown string
	seeds                            int
	scale                            float64
	json                             bool
}

// levels compares methods of many levels and many subdomains.
func levels(ctx context.Context, args []string) error {
	var f levelsFlags
	flags := flag.NewFlagSet("levels", flag.ContinueOnError)
	flags.StringVar(&f.problem, "problem", "", "part of the key of a problem; all when empty")
	flags.StringVar(&f.approach, "approach", "", "part of the name of an approach; all when empty")
	flags.IntVar(&f.seeds, "seeds", wholeSeeds, "train with that many seeds, from 1")
	flags.Float64Var(&f.scale, "scale", 1, "multiply all times by this, for a short look")
	flags.StringVar(&f.out, "out", "bench-results", "directory for results; trainings that are in OUT/levels.jsonl already are not run again")
	flags.StringVar(&f.markdown, "markdown", "", "also write a page of the documentation to this file; "+levelsPage+" if this is not given and the table is whole")
	flags.BoolVar(&f.json, "json", false, "print one JSON object a line instead of a table")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("levels: there is an argument %q, expected flags only", flags.Arg(0))
	case f.seeds < 1:
		return fmt.Errorf("levels: -seeds is %d, expected at least 1", f.seeds)
	case !(f.scale > 0) || math.IsInf(f.scale, 0):
		return fmt.Errorf("levels: -scale is %v, expected a number above 0", f.scale)
	}
	whole := f.problem == "" && f.approach == "" && f.seeds >= wholeSeeds && f.scale == 1
	if f.markdown == "" && whole {
		f.markdown = levelsPage
	}
	kept := filepath.Join(f.out, "levels.jsonl")
	if err := writable(kept, f.markdown); err != nil {
		return err
	}
	results, err := openStore(kept)
	if err != nil {
		return err
	}
	var rows []row
	var without failures
	measure := func(d division, a approach) error {
		d.seconds *= f.scale
		for seed := uint64(1); seed <= uint64(f.seeds); seed++ {
			r, known := results.find(row{Problem: d.key, Method: a.name, Seed: seed, Budget: d.seconds, Until: deepest})
			if !known {
				if err := forgetPrograms(); err != nil {
					return err
				}
				if r, err = a.run(ctx, d, seed, deepest); without.skip(ctx, err) {
					continue
				} else if err != nil {
					return err
				}
				if ctx.Err() != nil {
					return errors.New("interrupted; what was measured so far is kept, and the same command goes on from there")
				}
				if err := results.add(r); err != nil {
					return err
				}
			}
			rows = append(rows, r)
			if err := showLevel(r, f.json); err != nil {
				return err
			}
		}
		return nil
	}
	matched := 0
	for _, c := range contestsOfLevels() {
		for _, a := range c.approaches {
			if !strings.Contains(c.key, f.problem) || !strings.Contains(a.name, f.approach) {
				continue
			}
			matched++
			if err := measure(c.division, a); err != nil {
				return err
			}
		}
	}
	if matched == 0 {
		return fmt.Errorf("levels: -problem is %q and -approach %q, expected parts of the names of some: %s", f.problem, f.approach, strings.Join(levelNames(), ", "))
	}
	if f.markdown != "" {
		if err := writeLevelsPage(f.markdown, rows, f); err != nil {
			return err
		}
	}
	return errors.Join(without...)
}

// contestOfLevels is a division with the approaches that it is solved by.
type contestOfLevels struct {
	division
	title      string
	approaches []approach
}

func contestsOfLevels() []contestOfLevels {
	var all []contestOfLevels
	for _, d := range divisions {
		all = append(all, contestOfLevels{d, d.problem().Name, approaches})
	}
	return slices.Concat(all, singularContests(), growthContests())
}

// growthContests have more and more boxes on the same problem, the same network in each, and L-BFGS with additive Schwarz of one and of two levels.
func growthContests() (all []contestOfLevels) {
	for _, n := range []int{1, 4, 16, 64} {
		d := division{key: fmt.Sprintf("growth-%d", n), problem: func() *pde.Problem { return waves(1) }, counts: []int{n}, hidden: []int{8}, points: max(200, 60*n), seconds: 15}
		all = append(all, contestOfLevels{d, fmt.Sprintf("Poisson, one wave, %d boxes", n), []approach{
			{"one level", "", boxes(false, additiveSchwarz)}, {"two levels", "", boxes(true, additiveSchwarz)},
		}})
	}
	return all
}

func levelNames() (names []string) {
	for _, c := range contestsOfLevels() {
		names = append(names, c.key)
	}
	for _, a := range approaches {
		names = append(names, fmt.Sprintf("%q", a.name))
	}
	return names
}

// levelError is an error on the way.
type levelError struct {
	seconds, error float64
	work           int
}

func errorsOf(h *optim.History) (all []levelError) {
	for _, r := range h.Records {
		if e, ok := r.Metrics[pinn.RelativeL2]; ok && !math.IsNaN(e) && !math.IsInf(e, 0) {
			all = append(all, levelError{r.Seconds, e, r.Evaluations})
		}
	}
	return all
}

// lastError is the error that was measured last, +Inf before any was.
func lastError(h *optim.History) float64 {
	_, errors := h.Metric(pinn.RelativeL2)
	if len(errors) == 0 {
		return math.Inf(1)
	}
	return errors[len(errors)-1]
}

// reached are the seconds and evaluations after which the error of a row was first below some, +Inf for never.
func (r row) reached(error float64) (seconds, work float64) {
	for i, e := range r.Errors {
		if e <= error && i < len(r.ErrorWork) {
			return r.ErrorAt[i], float64(r.ErrorWork[i])
		}
	}
	return math.Inf(1), math.Inf(1)
}

func showLevel(r row, asJSON bool) error {
	if asJSON {
		return printJSON(os.Stdout, r)
	}
	at2, _ := r.reached(1e-2)
	at3, _ := r.reached(1e-3)
	at4, _ := r.reached(1e-4)
	_, err := fmt.Printf("%-14s %-36s %4d %6d parameters %6.1f s %7d iterations %10.2e   to 1e-2 %5s s, 1e-3 %5s s, 1e-4 %5s s\n", r.Problem, r.Method, r.Seed, r.Parameters,
		r.Seconds, r.Iterations, float64(r.RelativeL2), seconds(at2), seconds(at3), seconds(at4))
	return err
}
