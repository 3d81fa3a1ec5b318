package optim_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/optim"
)

// phase makes records of losses, with the loss as gradient norm as well.
func phase(n int, loss func(k int) float64) []optim.Record {
	records := make([]optim.Record, n)
	for k := range records {
		records[k] = optim.Record{Iteration: k, Loss: loss(k), GradientNorm: loss(k)}
	}
	return records
}

func TestLossCriteria(t *testing.T) {
	falling := func(k int) float64 { return math.Pow(0.99, float64(k)) }
	still := func(int) float64 { return 3 }
	waving := func(k int) float64 { return 3 + math.Sin(float64(k)) }
	for _, c := range []struct {
		name      string
		criterion optim.Criterion
		records   []optim.Record
		met       bool
		word      string
	}{
		{"falling", optim.LossVariance{}, phase(300, falling), false, ""},
		{"waving", optim.LossVariance{}, phase(300, waving), false, ""},
		{"waving, and that is little", optim.LossVariance{Relative: 0.5}, phase(300, waving), true, "varied by 0.23"},
		{"still", optim.LossVariance{}, phase(300, still), true, "over 100 iterations"},
		{"still, for a short time", optim.LossVariance{}, phase(99, still), false, ""},
		{"relative gradient", optim.SmallGradient{Relative: 0.1}, phase(229, falling), false, ""},
		{"small relative gradient", optim.SmallGradient{Relative: 0.1}, phase(231, falling), true, "less than 0.1 of it"},
		{"small gradient", optim.SmallGradient{Absolute: 3}, phase(2, still), true, "not more than 3"},
		{"no bound", optim.SmallGradient{}, phase(2, func(int) float64 { return 0 }), false, ""},
		{"improving", optim.RelativeImprovement{}, phase(300, falling), false, ""},
		{"not improving", optim.RelativeImprovement{}, phase(300, waving), true, "less than 0.01"},
		{"not improving, for a short time", optim.RelativeImprovement{}, phase(100, waving), false, ""},
		{"NaN", optim.RelativeImprovement{}, phase(300, func(int) float64 { return math.NaN() }), false, ""},
		{"NaN", optim.LossVariance{}, phase(300, func(int) float64 { return math.NaN() }), false, ""},
	} {
		met, why := c.criterion.Met(c.records)
		if met != c.met || !strings.Contains(why, c.word) {
			t.Errorf("%s: %v, %q; expected %v, with %q", c.name, met, why, c.met, c.word)
		}
		if next := c.criterion.Next(70); next <= 70 {
			t.Errorf("%s: to be asked next after %d iterations when 70 were made", c.name, next)
		}
	}
}
