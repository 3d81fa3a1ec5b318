package optim_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// falling are records whose loss falls by the given number of decades at each iteration.
func falling(n int, decades float64) []optim.Record {
	records := make([]optim.Record, n)
	for i := range records {
		records[i].Loss = math.Pow(10, -decades*float64(i))
	}
	return records
}

func TestCriteria(t *testing.T) {
	for _, c := range []struct {
		criterion optim.Criterion
		records   []optim.Record
		reason    string // empty when it is not to be met
	}{
		{optim.Iterations(5), falling(4, 1), ""},
		{optim.Iterations(5), falling(5, 1), "5 iterations"},
		{optim.Stalled{Window: 10}, falling(19, 0), ""},
		{optim.Stalled{Window: math.MaxInt}, falling(19, 0), ""},
		{optim.LossVariance{Window: math.MaxInt}, falling(19, 0), ""},
		{optim.RelativeImprovement{Window: math.MaxInt}, falling(19, 0), ""},
		{optim.Stalled{Window: 10}, falling(20, 0), "fell by 0 decades in 10"},
		{optim.Stalled{Window: 10}, falling(20, 0.011), ""},
		{optim.Stalled{Window: 10}, falling(20, 0.009), "fell by 0.09"},
		{optim.Stalled{Window: 10, Decades: 0.05}, falling(20, 0.009), ""},
		{optim.AnyOf{optim.Iterations(30), optim.Stalled{Window: 10}}, falling(20, 0), "fell by 0"},
		{optim.AnyOf{optim.Iterations(20), optim.Stalled{Window: 10}}, falling(20, 1), "20 iterations"},
		{optim.AnyOf{optim.Iterations(30), optim.Stalled{Window: 10}}, falling(20, 1), ""},
		{optim.AnyOf{}, falling(20, 1), ""},
	} {
		met, why := c.criterion.Met(c.records)
		if met != (c.reason != "") || !strings.Contains(why, c.reason) {
			t.Errorf("%#v after %d records: %v, %q, want %q", c.criterion, len(c.records), met, why, c.reason)
		}
	}
}

// TestLooks: a criterion is asked at iterations that depend on nothing but their number.
func TestLooks(t *testing.T) {
	for _, c := range []struct {
		criterion  optim.Criterion
		made, next int
	}{
		{optim.Iterations(70), 0, 70}, {optim.Iterations(70), 69, 70}, {optim.Iterations(70), 70, 71},
		{optim.Stalled{}, 0, 50}, {optim.Stalled{}, 49, 50}, {optim.Stalled{}, 50, 100},
		{optim.AnyOf{optim.Iterations(70), optim.Stalled{}}, 50, 70}, {optim.AnyOf{optim.Iterations(70)}, 10, 50},
	} {
		if got := c.criterion.Next(c.made); got != c.next {
			t.Errorf("%#v after %d: next at %d, want %d", c.criterion, c.made, got, c.next)
		}
	}
}

// TestUntil ends a run at its plateau: gradient descent by Adam of a tiny rate hardly moves.
func TestUntil(t *testing.T) {
	p := problems["Rosenbrock"]
	r := minimize(t, p.objective(pureGo(t)), p.start, optim.Adam{Rate: 1e-12}, optim.Options{MaxIterations: 1000, Until: optim.Stalled{Window: 60}})
	if r.Status != optim.CriterionMet || r.Iterations != 150 || !strings.Contains(r.Message, "fell by") {
		t.Errorf("%s, want a stop at the first look after 120 iterations, 150", r)
	}
}

// TestTerms: the parts of a loss are in the history, and add up to it.
func TestTerms(t *testing.T) {
	obj := energy(pureGo(t))
	obj.Terms = &objective.Terms{Names: []string{"stiffness", "load"}, Build: func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		return []*graph.Node{
			graph.ReduceAllSum(graph.MulScalar(graph.Mul(data[0], graph.Square(theta)), 0.5)), graph.Neg(graph.ReduceAllSum(theta)),
		}
	}}
	for name, method := range methods {
		r := minimize(t, obj, []float64{1, 1, 1}, method, optim.Options{MaxIterations: 10, MonitorEvery: 4})
		iterations, stiffness := r.History.Term("stiffness")
		_, load := r.History.Term("load")
		if len(iterations) < 2 || iterations[0] != 0 || iterations[1] != 4 {
			t.Errorf("%s: terms at %v, want 0, 4, …", name, iterations)
		}
		for i, at := range iterations {
			if loss := r.History.Records[int(at)].Loss; math.Abs(stiffness[i]+load[i]-loss) > 1e-14 {
				t.Errorf("%s: the terms at %v are %v and %v, the loss %v", name, at, stiffness[i], load[i], loss)
			}
		}
	}
	obj.Terms.Names = obj.Terms.Names[:1]
	mustRun := func() error {
		_, err := optim.Minimize(t.Context(), obj, []float64{1, 1, 1}, optim.LBFGS{}, optim.Options{})
		return err
	}
	if err := mustRun(); err == nil || !strings.Contains(err.Error(), "builds 2 parts") {
		t.Errorf("one name for two terms: %v", err)
	}
}

func TestProgressLine(t *testing.T) {
	var out strings.Builder
	line := optim.NewProgressLine(&out, "a run")
	p := problems["Rosenbrock"]
	minimize(t, p.objective(pureGo(t)), p.start, optim.LBFGS{}, optim.Options{MaxIterations: 5, OnProgress: line.Watch})
	line.Clear()
	if out.Len() != 0 {
		t.Errorf("a run of no time wrote %q into a log", out.String())
	}
}
