package sciml_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// TestPeriodsAlone: what the periods do not satisfy is in the loss, although Exactly names nothing, and the history says so.
func TestPeriodsAlone(t *testing.T) {
	box, err := pde.NewBox([]string{"x", "t"}, []float64{0, 0}, []float64{1, 1})
	if err != nil {
		t.Fatal(err)
	}
	p := &pde.Problem{
		Name: "advected", Coordinates: []string{"x", "t"}, Unknowns: []string{"u"}, Domain: box,
		Equations: []pde.Equation{{Name: "transport", Residual: func(u *pde.Fields) *graph.Node { return graph.Add(u.D("t"), u.D("x")) }}},
		Conditions: []pde.Condition{
			pde.Initial("u", func(x *graph.Node) *graph.Node { return graph.Sin(graph.MulScalar(pde.Column(x, 0), 2*math.Pi)) }),
			pde.Periodic(box, "x", 1),
		},
		Periods:   []float64{1, 0},
		Exact:     func(p []float64) []float64 { return []float64{math.Sin(2 * math.Pi * (p[0] - p[1]))} },
		Suggested: pde.Setup{Hidden: []int{10, 10}},
	}
	s := solve(t, p, sciml.Options{Backend: pureGo(t), Iterations: 80, Loss: pinn.Options{Interior: 150, Boundary: 30}})
	said := func(e optim.Event) bool {
		return e.Iteration == 0 && strings.Contains(e.Text, `"initial u"`) && strings.Contains(e.Text, "penalized")
	}
	found := 0
	for _, e := range s.Result.History.Events {
		if said(e) {
			found++
		}
	}
	if !(s.RelativeError() < 0.05) || found != 1 {
		t.Errorf("%s, with the events %v", s, s.Result.History.Events)
	}
}

// TestExactNotFinite: it is reported as what it is, and not as an option that nobody set.
func TestExactNotFinite(t *testing.T) {
	problem := pde.Poisson2D()
	problem.Exact = func(x []float64) []float64 { return []float64{math.Log(x[0] - 0.5)} }
	const start = `exact solution or reference of "`
	if _, err := sciml.Solve(context.Background(), problem, small(t, pureGo(t))); err == nil || !strings.HasPrefix(err.Error(), start) || !strings.Contains(err.Error(), "it is u = NaN at [") {
		t.Errorf("error %v, want one that starts with %s", err, start)
	}
}
