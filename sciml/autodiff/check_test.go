package autodiff_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/gosciml/gosciml/sciml/autodiff"
)

// seen collects the operations that the checked functions consist of.
type seen struct {
	sync.Mutex
	operations map[graph.NodeType]bool
}

func (s *seen) add(n *graph.Node) {
	s.Lock()
	defer s.Unlock()
	done := map[graph.NodeId]bool{}
	var walk func(n *graph.Node)
	walk = func(n *graph.Node) {
		if done[n.Id()] {
			return
		}
		done[n.Id()] = true
		s.operations[n.Type()] = true
		for _, input := range n.Inputs() {
			walk(input)
		}
	}
	walk(n)
}

// skipUnlessBuilt skips a test, with the reason, when the back end lacks an operation of u.
func skipUnlessBuilt(t *testing.T, b compute.Backend, x [][]float64, u func(x *graph.Node) *graph.Node) {
	t.Helper()
	g := graph.NewGraph(b, t.Name())
	defer g.Finalize()
	err := exceptions.TryCatch[error](func() { u(graph.Parameter(g, "x", shapes.Make(dtypes.Float64, len(x), len(x[0])))) })
	skipIfLacking(t, err)
}

func skipIfLacking(t *testing.T, err error) {
	t.Helper()
	if err != nil && compute.IsNotImplemented(err) {
		_, reason, _ := strings.Cut(err.Error(), "panicked: ")
		if reason == "" {
			reason = err.Error()
		}
		t.Skip("this back end lacks an operation: " + reason)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// comparison collects pairs of nodes that must agree.
type comparison struct {
	names     []string
	got, want []*graph.Node
}

func (c *comparison) add(name string, got, want *graph.Node) {
	c.names, c.got, c.want = append(c.names, name), append(c.got, got), append(c.want, want)
}

// compare builds a graph of x and compares what it collects.
func compare(t *testing.T, by runner, x any, tolerance float64, build func(x *graph.Node, c *comparison)) {
	t.Helper()
	c := new(comparison)
	out := runWith(t, by, x, func(x *graph.Node) []*graph.Node {
		*c = comparison{}
		build(x, c)
		return append(append([]*graph.Node(nil), c.got...), c.want...)
	})
	for k, name := range c.names {
		near(t, name, out[k], out[len(c.names)+k], tolerance)
	}
}

// stencilStep and the seven points at −3…3 steps give first differences of sixth order: an error of 1e-12 or so.
const stencilStep = 4e-3

// stencil has for each point itself, and three steps either way along a direction, one block of points after another.
func stencil(x [][]float64, direction []float64) [][]float64 {
	var all [][]float64
	for _, s := range []float64{0, -3, -2, -1, 1, 2, 3} {
		for _, p := range x {
			q := make([]float64, len(p))
			for i := range p {
				q[i] = p[i] + s*stencilStep*direction[i]
			}
			all = append(all, q)
		}
	}
	return all
}

// slope is the difference quotient of values at a stencil.
func slope(values []float64) []float64 {
	n := len(values) / 7
	out := make([]float64, n)
	for i := range out {
		at := func(block int) float64 { return values[block*n+i] }
		out[i] = (at(6) - at(1) - 9*(at(5)-at(2)) + 45*(at(4)-at(3))) / (60 * stencilStep)
	}
	return out
}

// checkDifferences compares derivatives of orders one to three along a direction with difference quotients of those of
// one order less, which is a check that does not depend on reverse mode.
func checkDifferences(t *testing.T, by runner, x [][]float64, u func(x *graph.Node) *graph.Node) {
	t.Helper()
	v := make([]float64, len(x[0]))
	for i := range v {
		v[i] = 0.9 - 0.6*float64(i)
	}
	out := runWith(t, by, stencil(x, v), func(x *graph.Node) []*graph.Node {
		y := u(x)
		d := autodiff.Of(y, x)
		direction := constant(x.Graph(), v)
		return []*graph.Node{y, d.Directional(direction, 1), d.Directional(direction, 2), d.Directional(direction, 3)}
	})
	for k := 1; k <= 3; k++ {
		near(t, fmt.Sprintf("order %d along a direction", k), out[k][:len(out[k])/7], slope(out[k-1]), 1e-10)
	}
}

// checkBundles compares bundles of directions with single ones, to the third order if asked for, and takes note of the
// operations of u.
func checkBundles(t *testing.T, by runner, x [][]float64, u func(x *graph.Node) *graph.Node, third bool, found *seen) {
	t.Helper()
	dims := len(x[0])
	compare(t, by, x, 1e-12, func(x *graph.Node, c *comparison) {
		y := u(x)
		found.add(y)
		d := autodiff.Of(y, x)
		var gradient, separate []*graph.Node
		for i := range dims {
			gradient = append(gradient, graph.Reshape(d.Partial(i), y.Shape().Dimensions[0], -1, 1))
		}
		c.add("gradient", graph.Reshape(d.Gradient(), x.Shape().Dimensions[0], -1, dims), graph.Concatenate(gradient, 2))
		c.add("Δ as a bundle", autodiff.BundledOperator(d), d.Laplacian(graphAxes(dims)...))
		if !third {
			return
		}
		for i := range dims {
			separate = append(separate, graph.ExpandAxes(d.Partial(0, i, i), 0))
		}
		c.add("∂0Δ as a bundle", autodiff.BundledOperator(d, 0), graph.ReduceSum(graph.Concatenate(separate, 0), 0))
		c.add("∂0∂ᵢ² as a bundle", autodiff.BundledPartials(d, 0), graph.Concatenate(separate, 0))
	})
}

func graphAxes(dims int) []int {
	axes := make([]int, dims)
	for i := range axes {
		axes[i] = i
	}
	return axes
}

// checkReverse compares partial derivatives of orders one to three with nested reverse mode. To have few gradients,
// the components of u are added up with fixed weights.
func checkReverse(t *testing.T, by runner, x [][]float64, u func(x *graph.Node) *graph.Node) {
	t.Helper()
	dims := len(x[0])
	compare(t, by, x, 1e-10, func(x *graph.Node, c *comparison) {
		y := u(x)
		n, m := y.Shape().Dimensions[0], y.Shape().Size()/y.Shape().Dimensions[0]
		weights := constant(x.Graph(), points(n, m, 0.5, 1.5, 21))
		flat := func(y *graph.Node) *graph.Node {
			return graph.ReduceAndKeep(graph.Mul(graph.Reshape(y, n, m), weights), graph.ReduceSum, 1)
		}
		nested := func(y *graph.Node) *graph.Node { return graph.Gradient(graph.ReduceAllSum(y), x)[0] }
		d := autodiff.Of(y, x)
		first := nested(flat(y))
		for i := range dims {
			c.add(fmt.Sprintf("∂%d", i), flat(d.Partial(i)), column(first, i))
			second := nested(column(first, i))
			for j := range dims {
				c.add(fmt.Sprintf("∂%d∂%d", i, j), flat(d.Partial(i, j)), column(second, j))
			}
			third := nested(column(second, i))
			c.add(fmt.Sprintf("∂0∂%d²", i), flat(d.Partial(0, i, i)), column(third, 0))
			c.add(fmt.Sprintf("∂%d³", i), flat(d.Partial(i, i, i)), column(third, i))
		}
	})
}

// isXLA reports whether a test runs under the subtest of XLA, where each graph takes long to compile.
func isXLA(t *testing.T) bool { return strings.Contains(t.Name(), "/xla") }
