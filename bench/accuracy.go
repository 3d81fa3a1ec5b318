package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
)

// accuracyFlags are those of the command accuracy.
type accuracyFlags struct {
	problem, method, out, markdown string
	seeds                          int
	scale                          float64
	json, pictures                 bool
}

// wholeSeeds is the number of seeds of the whole table.
const wholeSeeds = 3

// accuracyPage is where the whole table goes.
const accuracyPage = "docs/accuracy.md"

// accuracy measures the time to the target errors of tasks.
func accuracy(ctx context.Context, args []string) error {
	var f accuracyFlags
	flags := flag.NewFlagSet("accuracy", flag.ContinueOnError)
	flags.StringVar(&f.problem, "problem", "", "keys of problems that have targets, separated by commas; all of them when empty")
	flags.StringVar(&f.method, "method", auto, fmt.Sprintf("the optimizer, or several separated by commas: %q; %s is the default of sciml.Solve", methodNames(), auto))
	flags.IntVar(&f.seeds, "seeds", wholeSeeds, "train with that many seeds, from 1; what takes long and is far from its target with one")
	flags.BoolVar(&f.json, "json", false, "print one JSON object a line instead of a table, without the errors on the way")
	flags.StringVar(&f.out, "out", "bench-results", "directory for results and pictures; trainings that are in OUT/accuracy.jsonl already are not run again")
	flags.BoolVar(&f.pictures, "pictures", true, "draw errors over time into OUT/accuracy")
	flags.StringVar(&f.markdown, "markdown", "", "also write a page of the documentation to this file; "+accuracyPage+
		fmt.Sprintf(" if this is not given and the table is whole: every problem, %s among the methods, at least %d seeds, scale 1", auto, wholeSeeds))
	flags.Float64Var(&f.scale, "scale", 1, "multiply all times by this, for a short look")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("accuracy: there is an argument %q, expected flags only", flags.Arg(0))
	case f.seeds < 1:
		return fmt.Errorf("accuracy: -seeds is %d, expected at least 1", f.seeds)
	case !(f.scale > 0) || math.IsInf(f.scale, 0):
		return fmt.Errorf("accuracy: -scale is %v, expected a number above 0", f.scale)
	}
	chosen, err := chosenTasks(f.problem, f.scale)
	if err != nil {
		return err
	}
	names, err := accuracyMethods(f.method)
	if err != nil {
		return err
	}
	given := map[string]bool{}
	flags.Visit(func(flag *flag.Flag) { given[flag.Name] = true })
	if !given["markdown"] && f.whole(chosen, names) {
		f.markdown = accuracyPage
	}
	if err := writable(filepath.Join(f.out, "accuracy.jsonl"), f.markdown); err != nil {
		return err
	}
	results, err := openStore(filepath.Join(f.out, "accuracy.jsonl"))
	if err != nil {
		return err
	}
	rows, err := f.measureAll(ctx, results, chosen, names)
	if err != nil || f.markdown == "" {
		return err
	}
	return writeAccuracyPage(f.markdown, chosen, names, rows, f)
}

// accuracyMethods are the names of the flag -method, each once; the default method is called auto.
func accuracyMethods(text string) ([]string, error) {
	all, err := chosenMethods(text, []string{auto})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range all {
		if name == "default" {
			name = auto
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// whole reports whether the table is the one of the documentation.
func (f accuracyFlags) whole(chosen []task, names []string) bool {
	return len(chosen) == len(tasks) && slices.Contains(names, auto) && f.seeds >= wholeSeeds && f.scale == 1
}

// measureAll trains for all rows, prints them, and draws each problem when it is complete. Trainings that fail are errors
// in the end.
func (f accuracyFlags) measureAll(ctx context.Context, results *store, chosen []task, names []string) ([]row, error) {
	if !f.json {
		fmt.Printf(accuracyFormat, "problem", "method", "seed", "seconds", "iterations", "relative L2", "stopped by", "seconds to the target")
	}
	var rows []row
	var without failures
	total := 0
	for _, t := range chosen {
		total += len(names) * t.seeds(f.seeds)
	}
	for _, t := range chosen {
		first := len(rows)
		for _, name := range names {
			for seed := uint64(1); seed <= uint64(t.seeds(f.seeds)); seed++ {
				progress := fmt.Sprintf("training %d of %d", len(rows)+len(without)+1, total)
				r, err := t.measure(ctx, results, name, seed, progress)
				if without.skip(ctx, err) {
					continue
				}
				if err != nil {
					return nil, err
				}
				rows = append(rows, r)
				if err := t.show(os.Stdout, r, f.json); err != nil {
					return nil, err
				}
			}
		}
		if !f.pictures {
			continue
		}
		if err := t.draw(names, rows[first:], filepath.Join(f.out, "accuracy")); err != nil {
			return nil, fmt.Errorf("accuracy: drawing %s: %w", t.key, err)
		}
	}
	return rows, errors.Join(without...)
}

// measure takes a row from the results, or trains for it and adds it to them.
func (t task) measure(ctx context.Context, results *store, name string, seed uint64, progress string) (row, error) {
	wanted, err := t.training(name, seed)
	if err != nil {
		return row{}, err
	}
	r, known := results.find(row{
		Problem: t.key, Method: name, Seed: seed, Budget: wanted.seconds, Overrides: wanted.overrides, Until: wanted.until,
	})
	if known {
		return r, nil
	}
	fmt.Fprintf(os.Stderr, "%s: %s, %s, seed %d, at most %.4g s\n", progress, t.key, name, seed, wanted.seconds)
	if r, err = wanted.run(ctx); err != nil {
		return r, err
	}
	if ctx.Err() != nil {
		return r, errors.New("interrupted; what was measured so far is kept, and the same command goes on from there")
	}
	r.keepErrors()
	return r, results.add(r)
}

// keepErrors puts the course of the error into a row that is stored: what was measured on the way, and at the end.
func (r *row) keepErrors() {
	add := func(seconds, e float64) {
		if !math.IsNaN(e) && !math.IsInf(e, 0) {
			r.ErrorAt, r.Errors = append(r.ErrorAt, seconds), append(r.Errors, e)
		}
	}
	for i, e := range r.curve.error {
		add(r.curve.errorAt[i], e)
	}
	add(r.Seconds, float64(r.RelativeL2))
}

const accuracyFormat = "%-12s %-16s %4v %8s %10v %11s  %-47s  %s\n"

// show prints a row with its verdicts, as JSON or as a line of the table.
func (t task) show(w io.Writer, r row, asJSON bool) error {
	if asJSON {
		return printJSON(w, t.verdicts(r))
	}
	times := ""
	for i, goal := range t.targets {
		v := r.verdict(goal)
		if i > 0 {
			times += ", "
		}
		times += fmt.Sprintf("%s: %s", goal, seconds(float64(v.SecondsToTarget)))
	}
	_, err := fmt.Fprintf(w, accuracyFormat, r.Problem, r.Method, r.Seed, fmt.Sprintf("%.1f", r.Seconds), r.Iterations,
		fmt.Sprintf("%.2e", float64(r.RelativeL2)), r.stoppedBy(), times)
	return err
}

// accuracyRow is a row with its verdicts, for other programs: that of the hardest target among its own fields. The
// course of the error, which is long, is in the stored row only.
type accuracyRow struct {
	row
	verdict
	Events  []event   `json:"events"` // never null
	Targets []verdict `json:"targets"`
}

func (t task) verdicts(r row) accuracyRow {
	out := accuracyRow{row: r, verdict: r.verdict(t.hardest()), Events: append([]event{}, r.Events...)}
	out.row.ErrorAt, out.row.Errors = nil, nil
	for _, goal := range t.targets {
		out.Targets = append(out.Targets, r.verdict(goal))
	}
	return out
}
