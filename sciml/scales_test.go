package sciml_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// TestUnits: a problem in units that make its terms and unknowns extreme is solved by default, and what was done about them is told.
func TestUnits(t *testing.T) {
	const length, time, diffusivity, size = 1e-6, 1e6, 1e-19, 1e5
	box, err := pde.NewBox([]string{"x", "t"}, []float64{0, 0}, []float64{length, time})
	if err != nil {
		t.Fatal(err)
	}
	rod := func() *pde.Problem {
		return &pde.Problem{
			Name: "rod", Coordinates: []string{"x", "t"}, Unknowns: []string{"u"}, Domain: box,
			Equations: []pde.Equation{{Name: "heat", Residual: func(u *pde.Fields) *graph.Node {
				return graph.Sub(u.D("t"), graph.MulScalar(u.D("x", "x"), diffusivity))
			}}},
			Conditions: []pde.Condition{
				pde.Initial("u", func(x *graph.Node) *graph.Node {
					return graph.MulScalar(graph.Sin(graph.MulScalar(pde.Column(x, 0), math.Pi/length)), size)
				}),
				pde.Dirichlet("u", nil, "x-", "x+"),
			},
			Exact: func(p []float64) []float64 {
				return []float64{size * math.Exp(-diffusivity*math.Pi*math.Pi/length/length*p[1]) * math.Sin(math.Pi*p[0]/length)}
			},
			Suggested: pde.Setup{Hidden: []int{12}},
		}
	}
	s := solve(t, rod(), sciml.Options{Backend: pureGo(t), Iterations: 60, Loss: pinn.Options{Interior: 60, Boundary: 30}})
	if !(s.RelativeError() < 0.01) {
		t.Errorf("%s", s)
	}
	var events []string
	for _, e := range s.Result.History.Events {
		events = append(events, e.Text)
	}
	for _, words := range []string{`multiplied by [1e+05], about the sizes of the unknowns ["u"]`, `the residual "initial u" is about`} {
		if !strings.Contains(strings.Join(events, "\n"), words) {
			t.Errorf("the events are %q, want one that says %q", events, words)
		}
	}
	path := filepath.Join(t.TempDir(), "rod")
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	again, err := sciml.Load(path, rod())
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.At([]float64{length / 2, 0})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.At([]float64{length / 2, 0}); err != nil || math.Abs(got[0][0]-want[0][0]) > 1e-9*size {
		t.Errorf("u is %v after loading, %v before, error %v", got, want, err)
	}
}
