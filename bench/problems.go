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
	"time"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
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
	flags.StringVar(&f.method, "method", "default", "the optimizer, or several separated by commas")
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
	names := strings.Split(f.method, ",")
	for _, name := range names {
		if _, err := method(name); err != nil {
			return err
		}
	}
	results, err := openStore(filepath.Join(f.out, "problems.jsonl"))
	if err != nil {
		return err
	}
	if !f.json {
		printHeader(os.Stdout)
	}
	var rows []row
	for _, p := range chosen {
		for _, name := range names {
			for seed := uint64(1); seed <= uint64(f.seeds); seed++ {
				r, known := results.find(p.Key, name, seed, f.seconds, f.overrides())
				if !known {
					if r, err = solveProblem(ctx, p, name, seed, f); err != nil {
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
				if f.json {
					err = printJSON(os.Stdout, r)
				} else {
					err = printRow(os.Stdout, r)
				}
				if err != nil {
					return err
				}
			}
		}
	}
	if f.markdown != "" {
		return writePage(f.markdown, rows, f)
	}
	return nil
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

// solveProblem trains on a problem with everything else as sciml.Solve chooses it.
func solveProblem(ctx context.Context, p *pde.Problem, name string, seed uint64, f problemFlags) (row, error) {
	m, err := method(name)
	if err != nil {
		return row{}, err
	}
	b, err := backend.Open()
	if err != nil {
		return row{}, err
	}
	progress := optim.NewProgressLine(os.Stderr, fmt.Sprintf("%s, %s, seed %d", p.Key, name, seed))
	if p.Exact == nil {
		fmt.Fprintln(os.Stderr, p.Key+": computing the reference solution, unless it is in the cache")
		if _, err := p.Solution(ctx); err != nil {
			return row{}, err
		}
	}
	s, err := sciml.Solve(ctx, p, sciml.Options{
		Method: m, Seed: seed, Backend: b, Time: time.Duration(f.seconds * float64(time.Second)), OnProgress: progress.Watch,
	})
	progress.Clear()
	if err != nil {
		return row{}, fmt.Errorf("%s: %w", p.Key, err)
	}
	if f.pictures && seed == 1 {
		if err := draw(s, filepath.Join(f.out, "problems"), p.Key+"-"+strings.ReplaceAll(name, "+", "-")); err != nil {
			return row{}, fmt.Errorf("%s: drawing: %w", p.Key, err)
		}
	}
	residual, ok := s.Result.Metrics[pinn.HeldOutResidual]
	if !ok {
		residual = math.NaN()
	}
	return row{
		Problem: p.Key, Method: name, Seed: seed, Seconds: s.Result.Seconds, Iterations: s.Result.Iterations,
		RelativeL2: number(s.Error()), Status: s.Result.Status.String(), Message: s.Result.Message, Source: p.Source,
		Title: p.Name, Optimizer: s.Method, Network: s.Model().Network().String(), Parameters: s.Model().NumParams(),
		Points: points(s.Model()), Weights: weights(s.Model()), Loss: number(s.Result.Loss), Residual: number(residual),
		Budget: f.seconds, Overrides: f.overrides(),
	}, nil
}

func draw(s *sciml.Solution, folder, name string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	maps, err := s.Maps()
	if err != nil {
		return err
	}
	return maps.Save(filepath.Join(folder, name+".png"))
}
