package sciml

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/plot"
)

// Trainings are those of one method, or of one setting, with several seeds: one seed is an anecdote.
type Trainings struct {
	Name      string
	Solutions []*Solution
}

// SolveSeeds is Solve with each of the seeds, one after the other, under a name for figures and tables. Where one fails,
// or ctx is canceled, it returns those before with the error: a training that was cut short counts as none.
func SolveSeeds(ctx context.Context, name string, problem *pde.Problem, options Options, seeds ...uint64) (Trainings, error) {
	t := Trainings{Name: name}
	if len(seeds) == 0 {
		return t, errors.New("sciml: SolveSeeds got no seeds, expected at least one")
	}
	if options.Checkpoint != "" {
		return t, fmt.Errorf("sciml: SolveSeeds got Options.Checkpoint %q, expected none: one file cannot hold several trainings", options.Checkpoint)
	}
	for _, seed := range seeds {
		options.Seed = seed
		solution, err := Solve(ctx, problem, options)
		if err == nil && solution.Result.Status == optim.Canceled {
			err = cmp.Or(context.Cause(ctx), context.Canceled)
		}
		if err != nil {
			return t, fmt.Errorf("%s, seed %d: %w", name, seed, err)
		}
		t.Solutions = append(t.Solutions, solution)
	}
	return t, nil
}

// For attaches decoded solutions to their problem, as Solution.For does one.
func (t Trainings) For(problem *pde.Problem) (Trainings, error) {
	attached := Trainings{Name: t.Name}
	for _, s := range t.Solutions {
		one, err := s.For(problem)
		if err != nil {
			return attached, err
		}
		attached.Solutions = append(attached.Solutions, one)
	}
	return attached, nil
}

// Errors are the relative L2 errors of the solutions, NaN where there is none.
func (t Trainings) Errors() []float64 {
	errs := make([]float64, len(t.Solutions))
	for i, s := range t.Solutions {
		errs[i] = s.RelativeError()
	}
	return errs
}

// Error is the median of the relative L2 errors, the smallest and the largest; NaN where there is none. Of an even number
// of errors the median is the geometric mean of the two in the middle, as errors are compared by ratios.
func (t Trainings) Error() (median, least, most float64) {
	errs := t.Errors()
	if len(errs) == 0 || slices.ContainsFunc(errs, math.IsNaN) {
		return math.NaN(), math.NaN(), math.NaN()
	}
	slices.Sort(errs)
	n := len(errs)
	return math.Sqrt(errs[(n-1)/2] * errs[n/2]), errs[0], errs[n-1]
}

// Seconds is the mean time of a training.
func (t Trainings) Seconds() float64 {
	total := 0.0
	for _, s := range t.Solutions {
		total += s.Result.Seconds
	}
	return total / float64(len(t.Solutions))
}

// String is one line: the name, the median error with its range, and the mean time.
func (t Trainings) String() string {
	median, least, most := t.Error()
	return fmt.Sprintf("%s: relative L2 error %.1e (%.1e to %.1e, %d seeds), %.1f s each", t.Name, median, least, most, len(t.Solutions), t.Seconds())
}

// ErrorBands draws the relative L2 errors of trainings over an axis, a band for each: the median of its seeds, and their
// range. It fails for solutions whose errors were not measured.
func ErrorBands(axis optim.Axis, title string, trainings ...Trainings) (*plot.Figure, error) {
	return bands(axis, title, "relative L2 error", trainings, errorOf)
}

// LossBands draws the losses of trainings over an axis, as ErrorBands does errors.
func LossBands(axis optim.Axis, title string, trainings ...Trainings) (*plot.Figure, error) {
	return bands(axis, title, "loss", trainings, lossOf)
}

func bands(axis optim.Axis, title, label string, trainings []Trainings, pick func(optim.Record) (float64, bool)) (*plot.Figure, error) {
	if err := axis.Check(); err != nil {
		return nil, err
	}
	drawn := make([]plot.Band, len(trainings))
	for i, t := range trainings {
		drawn[i].Name = t.Name
		for j, s := range t.Solutions {
			if s == nil {
				return nil, fmt.Errorf("sciml: solution %d of the trainings %q to be drawn is nil", j, t.Name)
			}
			x, y := s.Result.History.Along(axis, pick)
			drawn[i].Runs = append(drawn[i].Runs, plot.Series{X: x, Y: y})
		}
	}
	return plot.Bands(title, axis.String(), label, drawn...)
}
