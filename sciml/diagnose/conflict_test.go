package diagnose_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/diagnose"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
)

// pulls is a loss of four terms, the first with a weight of 100: 100(θ₀ − 1)², (θ₁ − 1)², (θ₀ + 3)² and one that does not depend on θ.
func pulls(b compute.Backend, residuals bool) *objective.Objective {
	build := func(theta *graph.Node, _ []*graph.Node) []*graph.Node {
		first, second := graph.Slice(theta, graph.AxisElem(0)), graph.Slice(theta, graph.AxisElem(1))
		return []*graph.Node{
			graph.MulScalar(graph.AddScalar(first, -1), 10), graph.AddScalar(second, -1), graph.AddScalar(first, 3), graph.AddScalar(graph.MulScalar(first, 0), 2),
		}
	}
	terms := &objective.Terms{Names: []string{"equation", "boundary", "data", "constant"}, Build: func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		all := build(theta, data)
		for i, r := range all {
			all[i] = graph.ReduceAllSum(graph.Square(r))
		}
		return all
	}}
	if residuals {
		terms.Residuals = build
	}
	return &objective.Objective{Backend: b, Dim: 2, Terms: terms, Residual: func(theta *graph.Node, data []*graph.Node) *graph.Node {
		return graph.Concatenate(build(theta, data), 0)
	}}
}

func TestConflicts(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for _, residuals := range []bool{false, true} {
			c, err := diagnose.Conflicts(context.Background(), pulls(b, residuals), []float64{0, 0})
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []struct{ loss, norm float64 }{{100, 200}, {1, 2}, {9, 6}, {4, 0}} {
				if math.Abs(c.Losses[i]-want.loss) > 1e-12 || math.Abs(c.Norms[i]-want.norm) > 1e-12 {
					t.Errorf("term %q has the loss %v and the norm %v, want %+v", c.Names[i], c.Losses[i], c.Norms[i], want)
				}
			}
			if want := math.Hypot(194, 2); math.Abs(c.Whole-want) > 1e-10 {
				t.Errorf("the whole gradient has the norm %v, want %v", c.Whole, want)
			}
			for _, p := range []struct {
				i, j int
				want float64
			}{{0, 0, 1}, {0, 1, 0}, {0, 2, -1}, {2, 0, -1}, {1, 2, 0}} {
				if got := c.Cosines.At(p.i, p.j); math.Abs(got-p.want) > 1e-12 {
					t.Errorf("the cosine of %q and %q is %v, want %v", c.Names[p.i], c.Names[p.j], got, p.want)
				}
			}
			if !math.IsNaN(c.Cosines.At(3, 0)) {
				t.Errorf("the cosine of a gradient of zero is %v, want NaN", c.Cosines.At(3, 0))
			}
			if s := c.String(); !strings.Contains(s, "equation     1.00e+02  2.00e+02    1.00   0.00  -1.00    NaN\n") || !strings.HasSuffix(s, "the loss     1.14e+02  1.94e+02") {
				t.Errorf("the table is\n%s", s)
			}
		}
	})
}

func TestConflictErrors(t *testing.T) {
	b := hostBackend(t)
	conflicts := func(o *objective.Objective, theta ...float64) error {
		_, err := diagnose.Conflicts(context.Background(), o, theta)
		return err
	}
	singular := pulls(b, false)
	whole := singular.Terms.Build
	singular.Terms.Build = func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		all := whole(theta, data)
		all[1] = graph.Sqrt(graph.ReduceAllSum(theta)) // has no derivative at zero
		return all
	}
	for word, err := range map[string]error{
		`the term "boundary" is 0 at θ, or`:           conflicts(singular, 0, 0),
		"θ has 1 entries, expected Objective.Dim = 2": conflicts(pulls(b, true), 1),
		"objective is nil":                            conflicts(nil, 1, 2),
	} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
	if err := conflicts(valley(b), 1, 2, 3); !errors.Is(err, objective.ErrUnsuitable) {
		t.Errorf("without terms: error %v", err)
	}
}
