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
	"strconv"
	"strings"

	"github.com/gosciml/gosciml/sciml/pde"
)

// problemFlags are those of the command problems.
type problemFlags struct {
	problem, method, out, markdown string
	hidden                         string
	interior, boundary             int
	seconds                        float64
	seeds                          int
	json, pictures                 bool
}

func problems(ctx context.Context, args []string) error {
	var f problemFlags
	flags := flag.NewFlagSet("problems", flag.ContinueOnError)
	flags.StringVar(&f.problem, "problem", "", "keys of the problems to solve, separated by commas; all of the catalogue when empty")
	flags.StringVar(&f.method, "method", "default", fmt.Sprintf("the optimizer, or several separated by commas: %q", methodNames()))
	flags.Float64Var(&f.seconds, "seconds", 120, "the time that each training gets, compilation included")
	flags.IntVar(&f.seeds, "seeds", 1, "train with that many seeds, from 1")
	flags.BoolVar(&f.json, "json", false, "print one JSON object a line instead of a table")
	flags.StringVar(&f.hidden, "hidden", "", "widths of the hidden layers, separated by commas, instead of those that a problem suggests")
	flags.IntVar(&f.interior, "interior", 0, "number of points of the equations, instead of what a problem suggests")
	flags.IntVar(&f.boundary, "boundary", 0, "number of points of each condition, instead of what a problem suggests")
	flags.StringVar(&f.out, "out", "bench-results", "directory for results and pictures; results that are there already are not measured again")
	flags.BoolVar(&f.pictures, "pictures", true, "draw solution and error of the first seed into OUT/problems")
	flags.StringVar(&f.markdown, "markdown", "", "also write the table to this file, as a page of the documentation")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("problems: there is an argument %q, expected flags only", flags.Arg(0))
	case !(f.seconds > 0) || math.IsInf(f.seconds, 0):
		return fmt.Errorf("problems: -seconds is %v, expected a number above 0", f.seconds)
	case f.interior < 0 || f.boundary < 0:
		return fmt.Errorf("problems: -interior is %d and -boundary %d, expected at least 1 (or 0 for what a problem suggests)", f.interior, f.boundary)
	case f.seeds < 1:
		return fmt.Errorf("problems: -seeds is %d, expected at least 1", f.seeds)
	}
	chosen, err := chosenProblems(f.problem)
	if err != nil {
		return err
	}
	if err := f.override(chosen); err != nil {
		return err
	}
	names, err := chosenMethods(f.method, []string{"default"})
	if err != nil {
		return err
	}
	if err := writable(filepath.Join(f.out, "problems.jsonl"), f.markdown); err != nil {
		return err
	}
	results, err := openStore(filepath.Join(f.out, "problems.jsonl"))
	if err != nil {
		return err
	}
	if !f.json {
		printHeader(os.Stdout)
	}
	var rows []row
	var without failures
	for _, p := range chosen {
		for _, name := range names {
			for seed := uint64(1); seed <= uint64(f.seeds); seed++ {
				r, err := f.measure(ctx, results, p, name, seed)
				if without.skip(ctx, err) {
					continue
				}
				if err != nil {
					return err
				}
				rows = append(rows, r)
				if err := show(r, f.json); err != nil {
					return err
				}
			}
		}
	}
	if err := errors.Join(without...); err != nil || f.markdown == "" {
		return err
	}
	return writePage(f.markdown, rows, f)
}

// measure takes a row from the results, or trains for it and adds it to them.
func (f problemFlags) measure(ctx context.Context, results *store, p *pde.Problem, name string, seed uint64) (row, error) {
	if r, known := results.find(row{Problem: p.Key, Method: name, Seed: seed, Budget: f.seconds, Overrides: f.overrides()}); known {
		return r, nil
	}
	t := training{problem: p, method: name, seed: seed, seconds: f.seconds, overrides: f.overrides(), explain: true}
	if f.pictures && seed == 1 {
		t.pictures = filepath.Join(f.out, "problems")
	}
	r, err := t.run(ctx)
	if err != nil {
		return r, err
	}
	if ctx.Err() != nil {
		return r, errors.New("interrupted; what was measured so far is kept, and the same command goes on from there")
	}
	return r, results.add(r)
}

func chosenProblems(keys string) ([]*pde.Problem, error) {
	if keys == "" {
		return pde.Catalogue(), nil
	}
	var chosen []*pde.Problem
	for _, key := range strings.Split(keys, ",") {
		p, err := pde.Named(key)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, p)
	}
	return chosen, nil
}

// override changes what problems suggest.
func (f problemFlags) override(chosen []*pde.Problem) error {
	var widths []int
	if f.hidden != "" {
		for _, text := range strings.Split(f.hidden, ",") {
			width, err := strconv.Atoi(text)
			if err != nil || width < 1 {
				return fmt.Errorf("problems: -hidden is %q, expected whole numbers from 1, separated by commas", f.hidden)
			}
			widths = append(widths, width)
		}
	}
	for _, p := range chosen {
		if widths != nil {
			p.Suggested.Hidden = widths
		}
		p.Suggested.Interior = cmp.Or(f.interior, p.Suggested.Interior)
		p.Suggested.Boundary = cmp.Or(f.boundary, p.Suggested.Boundary)
	}
	return nil
}

// overrides are the flags that differ from what problems suggest, as on a command line.
func (f problemFlags) overrides() string {
	var text string
	if f.hidden != "" {
		text += " -hidden " + f.hidden
	}
	if f.interior != 0 {
		text += fmt.Sprint(" -interior ", f.interior)
	}
	if f.boundary != 0 {
		text += fmt.Sprint(" -boundary ", f.boundary)
	}
	return text
}
