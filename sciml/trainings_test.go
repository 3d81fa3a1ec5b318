package sciml_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/plot"
)

func TestSolveSeeds(t *testing.T) {
	options := sciml.Options{Method: optim.Adam{Rate: 1e-2}, Iterations: 60, MonitorEvery: 20}
	trainings, err := sciml.SolveSeeds(t.Context(), "Adam", pde.Poisson1D(), options, 3, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	options.Seed = 1
	alone, err := sciml.Solve(t.Context(), pde.Poisson1D(), options)
	if err != nil {
		t.Fatal(err)
	}
	errs := trainings.Errors()
	if len(errs) != 3 || errs[1] != alone.RelativeError() {
		t.Errorf("the errors are %g, expected three, the second that of seed 1 alone, %g", errs, alone.RelativeError())
	}
	median, least, most := trainings.Error()
	if !(least < median && median < most) || math.Min(errs[0], math.Min(errs[1], errs[2])) != least {
		t.Errorf("the median is %g, from %g to %g, of %g", median, least, most, errs)
	}
	if text := trainings.String(); !strings.HasPrefix(text, "Adam: relative L2 error ") || !strings.Contains(text, "3 seeds") {
		t.Errorf("the trainings are %q", text)
	}
	for _, draw := range []func(optim.Axis, string, ...sciml.Trainings) (*plot.Figure, error){sciml.ErrorBands, sciml.LossBands} {
		figure, err := draw(optim.ByWork, "Adam thrice", trainings)
		if err != nil {
			t.Fatal(err)
		}
		if svg, err := figure.SVG(); err != nil || !strings.Contains(string(svg), "Adam") {
			t.Errorf("the figure does not name the method: %v", err)
		}
	}
}

func TestSolveSeedsKeepsWhatWasDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	trainingsSeen := map[*optim.History]bool{}
	options := sciml.Options{Method: optim.Adam{}, Iterations: 20, OnProgress: func(h *optim.History) error {
		if trainingsSeen[h] = true; len(trainingsSeen) == 2 {
			cancel()
		}
		return nil
	}}
	trainings, err := sciml.SolveSeeds(ctx, "Adam", pde.Poisson1D(), options, 1, 2, 3)
	if !errors.Is(err, context.Canceled) || len(trainings.Solutions) != 1 {
		t.Errorf("%d trainings, %v; expected the first, and that it was canceled", len(trainings.Solutions), err)
	}
	for _, c := range []struct {
		options sciml.Options
		seeds   []uint64
		want    string
	}{
		{sciml.Options{}, nil, "no seeds"},
		{sciml.Options{Checkpoint: "x"}, []uint64{1}, `Options.Checkpoint "x"`},
		{sciml.Options{Iterations: -1}, []uint64{7}, "seed 7: sciml: Options.Iterations is -1"},
	} {
		if _, err := sciml.SolveSeeds(t.Context(), "Adam", pde.Poisson1D(), c.options, c.seeds...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("the error is %v, expected %q in it", err, c.want)
		}
	}
	if median, _, _ := (sciml.Trainings{}).Error(); !math.IsNaN(median) {
		t.Errorf("the median of nothing is %g", median)
	}
}
