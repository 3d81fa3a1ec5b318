package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// inMetric is a method in a metric.
type inMetric struct {
	name   string
	method optim.Method
	metric pinn.Metric
}

// inMetrics are the methods that read a metric, each in several.
func inMetrics() []inMetric {
	all := []inMetric{}
	add := func(name string, plain, in optim.Method, own string) {
		all = append(all, inMetric{name + ", " + own, plain, pinn.EuclideanMetric})
		for _, m := range []pinn.Metric{pinn.L2Metric, pinn.H1Metric} {
			all = append(all, inMetric{name + ", " + m.String(), in, m})
		}
	}
	add("LM", optim.LevenbergMarquardt{}, optim.LevenbergMarquardt{Metric: true}, "λI")
	add("LM, geodesic", optim.LevenbergMarquardt{Geodesic: true}, optim.LevenbergMarquardt{Geodesic: true, Metric: true}, "λI")
	add("ENGD", optim.ENGD{}, optim.ENGD{Metric: true}, "JᵀJ")
	return all
}

// metrics compares methods that step in the metric of a function space with those that do not, by iterations.
func metrics(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("metrics", flag.ContinueOnError)
	only := flags.String("problem", "", "one of burgers, reaction and allen-cahn; all when empty")
	methods := flags.String("methods", "", "part of the names of methods; all when empty")
	seeds := flags.Int("seeds", 3, "number of seeds, from 1 on")
	iterations := flags.Int("iterations", 200, "iterations of each training")
	points := flags.Int("points", 600, "collocation points")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("metrics: there is an argument %q, expected flags only", flags.Arg(0))
	case *seeds < 1 || *iterations < 1 || *points < 1:
		return fmt.Errorf("metrics: -seeds is %d, -iterations %d and -points %d, expected at least 1", *seeds, *iterations, *points)
	}
	b, err := backend.Open()
	if err != nil {
		return err
	}
	for _, p := range []*pde.Problem{pde.Burgers(0.01 / math.Pi), pde.Reaction(5), pde.AllenCahn()} {
		if *only != "" && p.Key != *only {
			continue
		}
		p.Suggested.Hidden, p.Suggested.Interior = []int{16, 16}, *points
		fmt.Printf("\n%s, MLP 2×16, %d points, %d iterations, seeds 1 to %d\n\n", p.Name, *points, *iterations, *seeds)
		fmt.Println("| | relative L2 errors | iterations to 1e-2 | to 1e-3 | to 1e-4 | ms a step |")
		fmt.Println("|---|---|---|---|---|---|")
		for _, m := range inMetrics() {
			if !strings.Contains(m.name, *methods) {
				continue
			}
			line, err := m.line(ctx, p, sciml.Options{Backend: b, Iterations: *iterations}, *seeds)
			if err != nil {
				return err
			}
			fmt.Println(line)
		}
	}
	return nil
}

// line is the row of a table: for each seed the error in the end and the first iterations, of every fifth, below some.
func (m inMetric) line(ctx context.Context, p *pde.Problem, options sciml.Options, seeds int) (string, error) {
	targets := []float64{1e-2, 1e-3, 1e-4}
	reached := make([][]string, len(targets))
	var final []string
	var steps []float64 // their durations
	options.Method, options.MonitorEvery = m.method, 5
	options.Loss.Metric = m.metric
	for seed := range seeds {
		options.Seed = uint64(seed + 1)
		progress := optim.NewProgressLine(os.Stderr, fmt.Sprintf("%s, %s, seed %d", p.Key, m.name, options.Seed))
		options.OnProgress = progress.Watch
		s, err := sciml.Solve(ctx, p, options)
		progress.Clear()
		if err != nil {
			return "", fmt.Errorf("%s, %s: %w", p.Key, m.name, err)
		}
		text := fmt.Sprintf("%.1e", s.RelativeError())
		if n := s.Result.Iterations; n < options.Iterations {
			text += fmt.Sprintf(" (ends at %d)", n)
		}
		final = append(final, text)
		at, errors := s.Result.History.Metric(pinn.RelativeL2)
		for k, target := range targets {
			first := slices.IndexFunc(errors, func(e float64) bool { return e <= target })
			if first < 0 {
				reached[k] = append(reached[k], "–")
			} else {
				reached[k] = append(reached[k], fmt.Sprint(at[first]))
			}
		}
		records := s.Result.History.Records
		for i := 1; i < len(records); i++ {
			if n := records[i].Iteration - records[i-1].Iteration; n > 0 {
				steps = append(steps, 1000*(records[i].Seconds-records[i-1].Seconds)/float64(n))
			}
		}
	}
	slices.Sort(steps)
	cells := []string{m.name, strings.Join(final, ", ")}
	for _, r := range reached {
		cells = append(cells, strings.Join(r, ", "))
	}
	median := math.NaN()
	if len(steps) > 0 {
		median = steps[len(steps)/2]
	}
	return "| " + strings.Join(append(cells, fmt.Sprintf("%.0f", median)), " | ") + " |", nil
}
