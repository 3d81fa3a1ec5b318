package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"

	"github.com/gosciml/gosciml/internal/atomicfile"
)

// writeLevelsPage writes the outcome as a page of the documentation.
func writeLevelsPage(path string, rows []row, f levelsFlags) error {
	var page bytes.Buffer
	command := "go run ./bench levels" + given(
		setting{"-problem", f.problem, ""}, setting{"-approach", f.approach, ""}, setting{"-seeds", fmt.Sprint(f.seeds), fmt.Sprint(wholeSeeds)},
		setting{"-scale", fmt.Sprint(f.scale), "1"}, setting{"-out", f.out, "bench-results"}, setting{"-markdown", path, levelsPage})
	fmt.Fprintf(&page, "# Many levels, many subdomains: what pays\n\nMade by\n\n    %s\n\n", command)
	fmt.Fprintf(&page, "on %d cores (%s/%s), float64, compilation included. Errors are relative, L2, at points that were not trained on, and looked at every five iterations; a\n"+
		"training ends at %s or after its time. Work is in evaluations of loss and gradient; those on a share of the points count as that share. Medians are over the seeds,\n"+
		"those that did not get there being slowest, with the range of those that did in parentheses. %s\n\n", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, power(deepest), coldOrWarm())
	fmt.Fprintf(&page, "The approaches:\n\n")
	for _, a := range approaches {
		if a.says != "" {
			fmt.Fprintf(&page, "- **%s**: %s\n", a.name, a.says)
		}
	}
	whatPays(&page, rows)
	for _, c := range contestsOfLevels() {
		if strings.HasPrefix(c.key, "growth") { // in the last table
			continue
		}
		fmt.Fprintf(&page, "\n## %s\n\nOne network has hidden layers of %v; there are %v boxes with %v in each, and %d points. Each training has %g seconds.\n\n", c.title, c.whole, c.counts, c.hidden, c.points, c.seconds*f.scale)
		if note := levelNotes[c.key]; note != "" {
			fmt.Fprintf(&page, "%s\n\n", note)
		}
		tableHead(&page, "approach", "parameters", "seconds to 1e-2", "to 1e-3", "to 1e-4", "work to 1e-3", "error at the end")
		for _, a := range c.approaches {
			levelLine(&page, a.name, selected(rows, c.key, a.name))
		}
	}
	fmt.Fprintf(&page, "\n## The work grows with the number of boxes\n\nOne wave, additive Schwarz for L-BFGS, with a network of one hidden layer of 8 in each box, and 60 points for each box (200 at least).\n\n")
	tableHead(&page, "boxes", "coarse level", "parameters", "seconds to 1e-2", "to 1e-3", "to 1e-4", "work to 1e-3", "error at the end")
	for _, c := range growthContests() {
		for _, a := range c.approaches {
			coarse := map[string]string{"one level": "no", "two levels": "yes"}[a.name]
			levelLine(&page, fmt.Sprintf("%d | %s", c.counts[0], coarse), selected(rows, c.key, a.name))
		}
	}
	return atomicfile.Write(path, page.Bytes(), 0o644)
}

// whatPays compares the best approaches with what they are to be better than, and names those that are not.
func whatPays(w io.Writer, rows []row) {
	const auto, plain = "one network, auto", "boxes, L-BFGS"
	faster := map[string]int{} // problems on which an approach is faster than auto to 1e-3
	compare := func(against string, error float64, among func(name string) bool, count bool) {
		tableHead(w, "problem", against, "the best", "its seconds", "times faster")
		for _, d := range divisions {
			base := medianTo(selected(rows, d.key, against), error)
			name, best := "—", math.Inf(1)
			for _, a := range approaches {
				at := medianTo(selected(rows, d.key, a.name), error)
				if count && at < base {
					faster[a.name]++
				}
				if among(a.name) && at < best {
					name, best = a.name, at
				}
			}
			ratio := "—"
			switch {
			case math.IsInf(best, 1):
			case math.IsInf(base, 1):
				ratio = fmt.Sprintf("more than %.1f", d.seconds/best)
			default:
				ratio = fmt.Sprintf("%.1f", base/best)
			}
			tableLine(w, d.problem().Name, seconds(base), name, seconds(best), ratio)
		}
	}
	fmt.Fprintf(w, "\n## What pays\n\nMedian seconds to an error of 1e-3, `Auto` on one network against all others:\n\n")
	compare(auto, 1e-3, func(name string) bool { return name != auto }, true)
	for _, error := range []float64{1e-3, 1e-4} {
		fmt.Fprintf(w, "\nTo %s, L-BFGS on boxes against L-BFGS with a Schwarz method:\n\n", power(error))
		compare(plain, error, func(name string) bool {
			return strings.HasSuffix(name, "additive Schwarz") || strings.HasSuffix(name, "nonlinear Schwarz")
		}, false)
	}
	groups := map[int][]string{}
	for _, a := range approaches {
		if a.name != auto {
			groups[faster[a.name]] = append(groups[faster[a.name]], a.name)
		}
	}
	fmt.Fprintf(w, "\nTo 1e-3 faster than `Auto` on one network:\n\n")
	for n := len(divisions); n >= 0; n-- {
		if len(groups[n]) > 0 {
			on := fmt.Sprintf("on %d of %d problems", n, len(divisions))
			if n == 0 {
				on = "on none"
			}
			fmt.Fprintf(w, "- %s: %s\n", on, strings.Join(groups[n], "; "))
		}
	}
}

// secondsTo are the times of rows to an error.
func secondsTo(rows []row, error float64) (at []float64) {
	for _, r := range rows {
		s, _ := r.reached(error)
		at = append(at, s)
	}
	return at
}

// medianTo is the median time to an error, +Inf where most seeds never got there.
func medianTo(rows []row, error float64) float64 {
	if len(rows) == 0 {
		return math.Inf(1)
	}
	return spreadOf(secondsTo(rows, error)).median
}

// levelNotes say what the problems are that are not in the catalogue.
var levelNotes = map[string]string{
	"waves-1": "−u″ = (2πk)² sin 2πkx on the unit interval, u = 0 at its ends, divided by (2πk)²; here and in the next two sections k waves.",
	"layer":   "−εu″ + u′ = 1, u(0) = u(1) = 0, penalized. Points are graded by x → 1 − (1 − x)⁴ for every other one. Boxes lie between 0, 0.8, 0.96, 0.99, 0.997 and 1; the feature is e^((x−1)/ε).",
	"corner":  "−Δu = f with u = r^(2/3) sin(2φ/3) (1 − x²)(1 − y²), boundary values penalized. Points are graded by p → |p|²p for every other one. Boxes lie between −1, −0.25, −0.06, 0.06, 0.25 and 1 along both coordinates; the feature is r^(2/3) sin(2φ/3).",
}

// levelLine is a line of a table, of all seeds.
func levelLine(w io.Writer, name string, rows []row) {
	if len(rows) == 0 {
		return
	}
	var cells []string
	whole := func(v float64) string {
		if seconds(v) == "—" {
			return "—"
		}
		return fmt.Sprintf("%.0f", v)
	}
	for _, error := range []float64{1e-2, 1e-3, 1e-4} {
		cells = append(cells, spreadOf(secondsTo(rows, error)).text(seconds))
	}
	var work, ends []float64
	for _, r := range rows {
		_, n := r.reached(1e-3)
		work, ends = append(work, n), append(ends, float64(r.RelativeL2))
	}
	cells = append(cells, spreadOf(work).text(whole), spreadOf(ends).text(errorText))
	fmt.Fprintf(w, "| %s | %d | %s |\n", name, rows[0].Parameters, strings.Join(cells, " | "))
}
