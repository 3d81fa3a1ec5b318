package autodiff_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
)

// TestAllowance: derivatives that nobody can wait for are refused while they are built, by their order and what they would cost,
// however they are asked for; those of order twelve are not, and who wants more can have it.
func TestAllowance(t *testing.T) {
	b := backendtest.Best(t)
	build := func(f func(x, u *graph.Node)) error {
		return exceptions.TryCatch[error](func() {
			g := graph.NewGraph(b, "derivatives")
			defer g.Finalize()
			x := graph.Parameter(g, "x", shapes.Make(dtypes.Float64, 5, 4))
			u := x
			for _, name := range []string{"first", "second", "third"} {
				u = graph.Tanh(graph.MatMul(u, graph.Parameter(g, name, shapes.Make(dtypes.Float64, 4, 4))))
			}
			f(x, u)
		})
	}
	all := slices.Repeat([]int{0, 1, 2, 3}, 5)
	for name, c := range map[string]struct {
		derive func(x, u *graph.Node)
		words  []string // none where it is allowed
	}{
		"order 12":          {func(x, u *graph.Node) { autodiff.Of(u, x).Partial(slices.Repeat([]int{0}, 12)...) }, nil},
		"order 8 in two":    {func(x, u *graph.Node) { autodiff.Of(u, x).Partial(0, 0, 0, 0, 1, 1, 1, 1) }, nil},
		"order 60":          {func(x, u *graph.Node) { autodiff.Of(u, x).Partial(slices.Repeat([]int{0}, 60)...) }, []string{"order 60", "23000 operations", "to compile", "at most 20000"}},
		"order 20 in four":  {func(x, u *graph.Node) { autodiff.Of(u, x).Partial(all...) }, []string{"order 20", "operations", "to compile"}},
		"order 20 in a sum": {func(x, u *graph.Node) { autodiff.Of(u, x).Operator(autodiff.Term{Weight: 1, Axes: all}) }, []string{"order 20"}},
		"order 70 along a row": {func(x, u *graph.Node) {
			autodiff.Of(u, x).Directional(graph.Ones(x.Graph(), shapes.Make(dtypes.Float64, 4)), 70)
		}, []string{"order 70"}},
		"of each other": {func(x, u *graph.Node) {
			for range 6 {
				u = autodiff.Of(u, x).Laplacian()
			}
		}, []string{"order 2", "operations"}},
		"of each other, shared": {func(x, u *graph.Node) {
			d := autodiff.Of(u, x)
			for range 6 {
				d = d.For(d.Laplacian())
			}
		}, []string{"order 2", "operations"}},
		"more allowed": {func(x, u *graph.Node) {
			d := autodiff.Of(u, x)
			d.Allow(20)
			d.For(u).Allow(1000)
			d.Partial(0, 0, 0)
		}, nil},
		"less allowed":    {func(x, u *graph.Node) { d := autodiff.Of(u, x); d.Allow(20); d.Partial(0, 0, 0) }, []string{"order 3", "at most 20 op"}},
		"nothing allowed": {func(x, u *graph.Node) { autodiff.Of(u, x).Allow(0) }, []string{"operations is 0"}},
	} {
		err := build(c.derive)
		if err == nil && c.words != nil || err != nil && c.words == nil {
			t.Errorf("%s: error %v, want one: %v", name, err, c.words != nil)
		}
		for _, word := range c.words {
			if err != nil && !strings.Contains(err.Error(), word) {
				t.Errorf("%s: error %v, want one that mentions %q", name, err, word)
			}
		}
	}
}
