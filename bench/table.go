package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/gosciml/gosciml/internal/atomicfile"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// points says how many points a model has, in words: "3000 + 2×120, moved by RAD".
func points(m *pinn.Model) string {
	o := m.Options()
	clouds := m.Points()
	var equations, conditions []int
	for _, e := range m.Problem().Equations {
		if p := clouds[e.Name]; p != nil {
			equations = []int{p.N}
		}
	}
	for _, c := range m.Problem().NamedConditions() {
		if p := clouds[c.Name]; p != nil {
			conditions = append(conditions, p.N)
		}
	}
	text := fmt.Sprint(append(equations, conditions...))
	text = strings.ReplaceAll(strings.Trim(text, "[]"), " ", "+")
	if len(conditions) == 0 {
		text += ", conditions exact"
	}
	if o.Refiner != nil {
		text += ", moved by " + o.Refiner.Name()
	}
	return text
}

// weights says how the terms of a model are weighted.
func weights(m *pinn.Model) string {
	o := m.Options()
	text := "1"
	soft := m.Problem().Conditions
	if m.Exact() {
		soft = m.Problem().Soft()
	}
	if len(soft) > 0 {
		text = fmt.Sprintf("1, conditions %g", o.BoundaryWeight)
	}
	if o.Weighting != nil {
		text += ", " + o.Weighting.Name()
	}
	return text
}

const rowFormat = "%-20s %-16s %4v %8s %10v %11s  %-47s  %-28s  %-31s  %-17s  %s\n"

func printHeader(w io.Writer) {
	fmt.Fprintf(w, rowFormat, "problem", "method", "seed", "seconds", "iterations", "relative L2", "stopped by", "network", "points", "weights", "optimizer")
}

func printRow(w io.Writer, r row) error {
	_, err := fmt.Fprintf(w, rowFormat, r.Problem, r.Method, r.Seed, fmt.Sprintf("%.1f", r.Seconds), r.Iterations,
		fmt.Sprintf("%.2e", float64(r.RelativeL2)), r.Status, r.core(), r.Points, r.Weights, r.Optimizer)
	if err == nil && r.Explanation != "" {
		_, err = fmt.Fprintf(w, "    %s\n", r.Explanation)
	}
	return err
}

// show prints a row on standard output, as JSON or as a line of the table.
func show(r row, asJSON bool) error {
	if asJSON {
		return printJSON(os.Stdout, r)
	}
	return printRow(os.Stdout, r)
}

// core is the network without the maps before it and the factors after it, which are in a row's JSON.
func (r row) core() string {
	windows, rest, cut := strings.Cut(r.Network, " windows of time of ")
	if !cut {
		rest = r.Network
	}
	parts := slices.DeleteFunc(strings.Split(rest, " → "), func(part string) bool { return strings.HasPrefix(part, "times [") })
	core := parts[len(parts)-1]
	if cut {
		core = windows + " windows of time of " + core
	}
	return core
}

// writePage writes the rows as a page of the documentation.
func writePage(path string, rows []row, f problemFlags) error {
	var page bytes.Buffer
	command := "go run ./bench problems" + given(
		setting{"-problem", f.problem, ""}, setting{"-method", f.method, "default"},
		setting{"-seconds", fmt.Sprint(f.seconds), "120"}, setting{"-seeds", fmt.Sprint(f.seeds), "1"},
	) + f.overrides()
	fmt.Fprintf(&page, "# The problems of the catalogue, solved\n\n")
	fmt.Fprintf(&page, "Made by\n\n    %s -markdown %s\n\n", command, path)
	fmt.Fprintf(&page, "on %d cores (%s/%s), float64, everything else as `sciml.Solve` chooses it. Each training had %g seconds, compilation\n"+
		"included; coordinates are scaled before they enter a network, or embedded where the problem is periodic. Points are those of\n"+
		"the equations and of each penalized condition. Errors are measured at points that were not trained on. The pictures of solutions and errors are in\n"+
		"`%s/problems/` afterwards. %s\n\n", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, f.seconds, f.out, coldOrWarm())
	tableHead(&page, "problem", "network", "points", "weights", "optimizer", "seed", "seconds", "iterations", "relative L2 error", "stopped by")
	for _, r := range rows {
		tableLine(&page, r.Title+" (`"+r.Problem+"`)", fmt.Sprintf("%s, P = %d", r.core(), r.Parameters), r.Points, r.Weights, r.Optimizer,
			fmt.Sprint(r.Seed), fmt.Sprintf("%.0f", r.Seconds), fmt.Sprint(r.Iterations), fmt.Sprintf("%.1e", float64(r.RelativeL2)), r.Status)
	}
	if notes := sources(rows); notes != "" {
		fmt.Fprintf(&page, "\n## Where the problems come from\n\n%s", notes)
	}
	return atomicfile.Write(path, page.Bytes(), 0o644)
}

// setting is a flag of a command line, with its value and the one that need not be said.
type setting struct{ name, value, usual string }

// given are the flags that are not as usual, each after a space.
func given(settings ...setting) string {
	var text string
	for _, s := range settings {
		if s.value != s.usual {
			text += " " + s.name + " " + s.value
		}
	}
	return text
}

// tableHead begins a table of a page.
func tableHead(w io.Writer, cells ...string) {
	tableLine(w, cells...)
	fmt.Fprintf(w, "|%s\n", strings.Repeat("---|", len(cells)))
}

// tableLine writes a line of a table.
func tableLine(w io.Writer, cells ...string) {
	for _, cell := range cells {
		fmt.Fprintf(w, "| %s ", strings.ReplaceAll(cell, "|", "\\|"))
	}
	fmt.Fprintln(w, "|")
}

// sources lists each problem's source once.
func sources(rows []row) string {
	var text strings.Builder
	var seen []string
	for _, r := range rows {
		if r.Source != "" && !slices.Contains(seen, r.Problem) {
			seen = append(seen, r.Problem)
			fmt.Fprintf(&text, "- `%s`: %s\n", r.Problem, r.Source)
		}
	}
	return text.String()
}
