package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/gosciml/gosciml/internal/atomicfile"
)

// writeAccuracyPage writes the outcome as a page of the documentation.
func writeAccuracyPage(path string, chosen []task, names []string, rows []row, f accuracyFlags) error {
	var page bytes.Buffer
	pictures := filepath.ToSlash(filepath.Join(f.out, "accuracy"))
	command := "go run ./bench accuracy" + given(
		setting{"-problem", f.problem, ""}, setting{"-method", f.method, auto}, setting{"-seeds", fmt.Sprint(f.seeds), fmt.Sprint(wholeSeeds)},
		setting{"-scale", fmt.Sprint(f.scale), "1"}, setting{"-out", f.out, "bench-results"},
	)
	if path != accuracyPage || !f.whole(chosen, names) {
		command += " -markdown " + path
	}
	const tunables = "GLIBC_TUNABLES" // matters for matrices; see docs/backend.md
	if v := os.Getenv(tunables); v != "" {
		command = tunables + "=" + v + " " + command
	}
	fmt.Fprintf(&page, "# Accuracy and the time it takes\n\n")
	fmt.Fprintf(&page, "Made by\n\n    %s\n\n", command)
	fmt.Fprintf(&page, "on %d cores (%s/%s), float64, everything else as `sciml.Solve` chooses it; `%s` is its default method. A target is a\n"+
		"relative L2 error, measured at points that were not trained on, and the time in which it is to be reached, compilation\n"+
		"included. A training ends at its hardest target or after its longest time. The time to a target is that of the first\n"+
		"measurement (one every 50 iterations, and with each move of the points; of windows of time one, at the end) with an\n"+
		"error that is not above it. Medians count seeds that did not reach a target in time as slowest, and of an even number\n"+
		"are the lower middle one; in parentheses is the range, that of times over the seeds that reached the target. The error\n"+
		"at the end is that of the iterate with the lowest loss, which is what `Solve` returns.\n\n%s\n\n", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, auto, coldOrWarm())
	if once := trainedOnce(chosen); len(once) > 0 && f.seeds > 1 {
		fmt.Fprintf(&page, "Trained with one seed, as they take long and are far from their targets: %s.\n\n", strings.Join(once, ", "))
	}
	if f.scale != 1 {
		fmt.Fprintf(&page, "All times that the trainings were given are %g times those of the real table.\n\n", f.scale)
	}
	fmt.Fprintf(&page, "The same command draws the errors of all methods over time into `%s/`, a picture for each problem. Trainings that are in\n"+
		"`%s` are not run again.\n\n", pictures, filepath.ToSlash(filepath.Join(f.out, "accuracy.jsonl")))
	outcomeTable(&page, chosen, names, rows)
	adamTable(&page, rows)
	setupTables(&page, chosen, names, rows)
	if slices.Contains(names, auto) {
		fmt.Fprintf(&page, "\n## What `%s` decided\n", auto)
		for _, t := range chosen {
			decisions(&page, selected(rows, t.key, auto))
		}
	}
	if notes := sources(rows); notes != "" {
		fmt.Fprintf(&page, "\n## Where the problems come from\n\n%s", notes)
	}
	return atomicfile.Write(path, page.Bytes(), 0o644)
}

// trainedOnce are the keys of the tasks that are trained with one seed, as code.
func trainedOnce(chosen []task) []string {
	var keys []string
	for _, t := range chosen {
		if t.once {
			keys = append(keys, "`"+t.key+"`")
		}
	}
	return keys
}

// outcomeTable has a line for each problem, target and method.
func outcomeTable(w io.Writer, chosen []task, names []string, rows []row) {
	tableHead(w, "problem", "target", "method", "seeds that reached it", "seconds to the target", "error at the end", "stopped by")
	for _, t := range chosen {
		for _, goal := range t.targets {
			for _, name := range names {
				found := selected(rows, t.key, name)
				o := outcomeOf(found, goal)
				tableLine(w, titleOf(found), goal.String(), "`"+name+"`", fmt.Sprintf("%d of %d", o.reached, o.seeds),
					o.time.text(seconds), o.error.text(errorText), stopReasons(found))
			}
		}
	}
}

// titleOf is the problem of some rows.
func titleOf(rows []row) string { return fmt.Sprintf("%s (`%s`)", rows[0].Title, rows[0].Problem) }

// adamTable compares the runs of the default method with Adam's, if both were run.
func adamTable(w io.Writer, rows []row) {
	all := againstAdam(rows)
	if len(all) == 0 {
		return
	}
	held := 0
	var exceptions []string
	for _, c := range all {
		if !c.worse() {
			held++
			continue
		}
		when := ""
		if !math.IsInf(c.far, 0) {
			when = " after " + seconds(c.far) + " s"
		}
		exceptions = append(exceptions, fmt.Sprintf("`%s`, seed %d: %s against %s%s", c.problem, c.seed, errorText(c.mine), errorText(c.adams), when))
	}
	if len(exceptions) == 0 {
		exceptions = []string{"none"}
	}
	fmt.Fprintf(w, "\n## `%s` against Adam\n\n", auto)
	fmt.Fprintf(w, "Runs from the same seed are compared, at the end of the time that both had. A run of `%s` that reached its hardest target\n"+
		"ended there, and is compared with the last error that was measured of Adam until then.\n\n", auto)
	tableHead(w, "", "true of", "exceptions")
	tableLine(w, "No run ends worse than Adam with the same time", fmt.Sprintf("%d of %d runs", held, len(all)), strings.Join(exceptions, "; "))
}

// setupTables say what was trained, and with what.
func setupTables(w io.Writer, chosen []task, names []string, rows []row) {
	fmt.Fprintf(w, "\n## What was trained\n\n")
	tableHead(w, "problem", "network", "points", "weights")
	for _, t := range chosen {
		r := selected(rows, t.key, names[0])[0]
		tableLine(w, titleOf([]row{r}), fmt.Sprintf("%s, P = %d", r.core(), r.Parameters), r.Points, r.Weights)
	}
	fmt.Fprintln(w)
	tableHead(w, "method", "optimizer")
	for _, name := range names {
		var optimizers []string
		for _, r := range rows {
			if r.Method == name && !slices.Contains(optimizers, r.Optimizer) {
				optimizers = append(optimizers, r.Optimizer)
			}
		}
		tableLine(w, "`"+name+"`", strings.Join(optimizers, "; "))
	}
}

// decisions lists the events of the first of some rows of one problem.
func decisions(w io.Writer, rows []row) {
	r := rows[0]
	fmt.Fprintf(w, "\n### %s\n\n", titleOf(rows))
	if len(r.Events) == 0 {
		fmt.Fprintf(w, "Seed %d: nothing.\n", r.Seed)
		return
	}
	fmt.Fprintf(w, "Seed %d:\n\n", r.Seed)
	tableHead(w, "iteration", "seconds", "decision")
	for _, e := range r.Events[:min(len(r.Events), mostDecisions)] {
		tableLine(w, fmt.Sprint(e.Iteration), seconds(e.Seconds), e.Text)
	}
	if more := len(r.Events) - mostDecisions; more > 0 {
		fmt.Fprintf(w, "\n%d more decisions followed.\n", more)
	}
}

// mostDecisions of a training are on the page: those of many windows of time are hundreds.
const mostDecisions = 60
