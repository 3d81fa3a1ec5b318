package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/gosciml/gosciml/sciml/pde"
)

// compileRow is what was measured of one problem, a line of JSON. Times are in seconds.
type compileRow struct {
	Problem   string            `json:"problem"`
	Title     string            `json:"title"`
	Network   string            `json:"network"`
	ColdStep  float64           `json:"cold_first_step"`
	WarmStep  float64           `json:"warm_first_step"`
	Programs  []compiledProgram `json:"programs"` // that took longest to compile first
	Compiling float64           `json:"compiling"`
	Loading   float64           `json:"loading"`
	Bytes     int               `json:"bytes"`
	// Again is how often the cold process asked for a program that it had compiled before, or was compiling.
	Again int `json:"compiled_twice"`
}

// compiledProgram is a program that both processes needed.
type compiledProgram struct {
	Name    string  `json:"name"`
	Compile float64 `json:"compile"`
	Load    float64 `json:"load"`
	Bytes   int     `json:"bytes"`
}

// compileAims are the seconds to the first step that are aimed at on two cores, cold and warm.
var compileAims = map[string][2]string{"poisson2d": {"2", "0.3"}, "burgers": {"3.5", "0.6"}, "helmholtz": {"4", "1"}}

// numberOfGraph is what GoMLX puts after the name of a graph.
var numberOfGraph = regexp.MustCompile(`[_#]+\d+$`)

// compileRowOf puts the two runs of a problem beside each other. It is an error when the second had to compile.
func compileRowOf(p *pde.Problem, cold, warm compileRun) (compileRow, error) {
	r := compileRow{Problem: p.Key, Title: p.Name, Network: cold.Network, ColdStep: cold.FirstStep, WarmStep: warm.FirstStep}
	load := map[string]float64{}
	for _, w := range warm.Programs {
		if !w.Loaded {
			return r, fmt.Errorf("the program %s was compiled although another process had kept it", w.Name)
		}
		load[w.Key] = w.Seconds
	}
	compiled := map[string]bool{}
	for _, c := range cold.Programs {
		if c.Loaded || compiled[c.Key] {
			continue
		}
		compiled[c.Key] = true
		l, ok := load[c.Key]
		if !ok {
			return r, fmt.Errorf("the program %s was compiled cold, and not needed warm", c.Name)
		}
		name := strings.TrimRight(numberOfGraph.ReplaceAllString(c.Name, ""), "_")
		r.Programs = append(r.Programs, compiledProgram{Name: name, Compile: c.Seconds, Load: l, Bytes: c.Bytes})
		r.Compiling += c.Seconds
		r.Loading += l
		r.Bytes += c.Bytes
	}
	r.Again = len(cold.Programs) - len(compiled)
	slices.SortStableFunc(r.Programs, func(a, b compiledProgram) int { return cmp.Compare(b.Compile, a.Compile) })
	return r, nil
}

// compileTables are a table of the problems and one of their programs, as Markdown that can be read as it is.
func compileTables(rows []compileRow) string {
	var text strings.Builder
	first := tabwriter.NewWriter(&text, 0, 0, 1, ' ', 0)
	alignedLine(first, "problem", "network", "first step, cold", "aim", "warm", "aim", "programs", "compiled in", "loaded in", "kB", "compiled twice")
	alignedLine(first, slices.Repeat([]string{"---"}, 11)...)
	for _, r := range rows {
		aims, ok := compileAims[r.Problem]
		if !ok {
			aims = [2]string{"–", "–"}
		}
		alignedLine(first, r.Title, r.Network, fmt.Sprintf("%.2f s", r.ColdStep), aims[0], fmt.Sprintf("%.2f s", r.WarmStep), aims[1],
			fmt.Sprint(len(r.Programs)), fmt.Sprintf("%.2f s", r.Compiling), fmt.Sprintf("%.3f s", r.Loading), kilobytes(r.Bytes), fmt.Sprint(r.Again))
	}
	_ = first.Flush() // a strings.Builder takes all
	text.WriteString("\n")
	second := tabwriter.NewWriter(&text, 0, 0, 1, ' ', 0)
	alignedLine(second, "problem", "program", "compiled in", "loaded in", "kB")
	alignedLine(second, slices.Repeat([]string{"---"}, 5)...)
	for _, r := range rows {
		for _, p := range r.Programs {
			alignedLine(second, r.Title, "`"+p.Name+"`", fmt.Sprintf("%.2f s", p.Compile), fmt.Sprintf("%.3f s", p.Load), kilobytes(p.Bytes))
		}
	}
	_ = second.Flush()
	return text.String()
}

func kilobytes(n int) string { return fmt.Sprintf("%.0f", float64(n)/1000) }

// alignedLine writes a line of a table whose columns a tabwriter aligns.
func alignedLine(w io.Writer, cells ...string) {
	for _, cell := range cells {
		fmt.Fprintf(w, "| %s\t", strings.ReplaceAll(cell, "|", `\|`))
	}
	fmt.Fprintln(w, "|")
}

// compileMachine says where it was measured: what a compiler does depends on the processor.
func compileMachine() string {
	text := fmt.Sprintf("Measured on %d cores (%s/%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	data, _ := os.ReadFile("/proc/cpuinfo") // Linux only
	for line := range strings.Lines(string(data)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return text + ", " + strings.TrimSpace(value) + ").\n"
		}
	}
	return text + ").\n"
}
