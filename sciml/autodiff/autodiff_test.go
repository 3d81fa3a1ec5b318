package autodiff_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
)

// points draws n points of R^d with coordinates between lo and hi.
func points(n, d int, lo, hi float64, seed uint64) [][]float64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := make([][]float64, n)
	for i := range x {
		x[i] = make([]float64, d)
		for k := range x[i] {
			x[i][k] = lo + rng.Float64()*(hi-lo)
		}
	}
	return x
}

// runner builds a graph of the points and returns its outputs.
type runner func(x any, build func(x *graph.Node) []*graph.Node) ([]*tensors.Tensor, error)

// plain runs graphs without variables.
func plain(b compute.Backend) runner {
	return func(x any, build func(x *graph.Node) []*graph.Node) ([]*tensors.Tensor, error) {
		return graph.CallOnceN(b, build, x)
	}
}

// run builds a graph of the points and returns its outputs, flat.
func run(t *testing.T, b compute.Backend, x any, build func(x *graph.Node) []*graph.Node) [][]float64 {
	t.Helper()
	return runWith(t, plain(b), x, build)
}

func runWith(t *testing.T, by runner, x any, build func(x *graph.Node) []*graph.Node) [][]float64 {
	t.Helper()
	out, err := by(x, build)
	if err != nil {
		t.Fatal(err)
	}
	return numbers(t, out)
}

// numbers are the entries of tensors, flat.
func numbers(t *testing.T, of []*tensors.Tensor) [][]float64 {
	t.Helper()
	flat := make([][]float64, len(of))
	for i, o := range of {
		var err error
		if flat[i], err = tensors.CopyFlatData[float64](o); err != nil {
			t.Fatal(err)
		}
	}
	return flat
}

// near compares with a tolerance relative to the largest entry of want (or to one, where that is smaller).
func near(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: got %d numbers, want %d", what, len(got), len(want))
		return
	}
	scale := 1.0
	for _, v := range want {
		scale = math.Max(scale, math.Abs(v))
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tolerance*scale) {
			t.Errorf("%s: entry %d is %.16g, want %.16g", what, i, got[i], want[i])
			return
		}
	}
}

// reverse is ∂u/∂x_axis by GoMLX's reverse mode, for each column of u (shape [N, m]).
func reverse(u, x *graph.Node, axis int) *graph.Node {
	var columns []*graph.Node
	for k := range u.Shape().Dimensions[1] {
		total := graph.ReduceAllSum(graph.Slice(u, graph.AxisRange(), graph.AxisElem(k)))
		columns = append(columns, graph.Slice(graph.Gradient(total, x)[0], graph.AxisRange(), graph.AxisElem(axis)))
	}
	return graph.Concatenate(columns, 1)
}

func column(x *graph.Node, i int) *graph.Node {
	return graph.Slice(x, graph.AxisRange(), graph.AxisElem(i))
}

func constant(g *graph.Graph, value any) *graph.Node { return graph.Const(g, value) }

// mlp is a small network with fixed weights.
func mlp(activation func(*graph.Node) *graph.Node, outputs int) func(x *graph.Node) *graph.Node {
	return func(x *graph.Node) *graph.Node {
		widths := []int{x.Shape().Dimensions[1], 5, 4, outputs}
		h := x
		for l := 1; l < len(widths); l++ {
			if l > 1 {
				h = activation(h)
			}
			w := points(widths[l-1], widths[l], -1, 1, uint64(l))
			bias := points(1, widths[l], -1, 1, uint64(10+l))
			h = graph.MatMul(h, constant(x.Graph(), w))
			h = graph.Add(h, graph.BroadcastToShape(constant(x.Graph(), bias), h.Shape()))
		}
		return h
	}
}

// mustFail builds a graph that must fail with an error, and not panic through graph.Exec, that contains all words.
func mustFail(t *testing.T, b compute.Backend, x any, build func(x *graph.Node) *graph.Node, words ...string) {
	t.Helper()
	_, err := graph.CallOnce(b, build, x)
	if err == nil {
		t.Fatalf("no error, want one that mentions %q", words)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not mention %q: %.300s", word, err.Error())
		}
	}
}

// TestOrderBy: how often anybody asked for a derivative by an axis.
func TestOrderBy(t *testing.T) {
	_, err := graph.CallOnce(backendtest.Best(t), func(x *graph.Node) *graph.Node {
		u := graph.Tanh(x)
		d := autodiff.Of(u, x)
		for _, c := range []struct {
			ask  func()
			want [2]int
		}{
			{func() {}, [2]int{0, 0}},
			{func() { d.Partial(1) }, [2]int{0, 1}},
			{func() { d.Laplacian(0) }, [2]int{2, 1}},
			{func() { d.For(graph.Square(u)).Operator(autodiff.Term{Weight: 1, Axes: []int{1, 0, 1, 1}}) }, [2]int{2, 3}},
		} {
			if c.ask(); d.OrderBy(0) != c.want[0] || d.OrderBy(1) != c.want[1] {
				t.Errorf("the orders are %d and %d, want %d", d.OrderBy(0), d.OrderBy(1), c.want)
			}
		}
		return u
	}, [][]float64{{0.1, 0.2}})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOrder: the highest order that anybody asked for, who shares streams.
func TestOrder(t *testing.T) {
	_, err := graph.CallOnce(backendtest.Best(t), func(x *graph.Node) *graph.Node {
		u := graph.Tanh(x)
		d := autodiff.Of(u, x)
		other := d.For(graph.Slice(u, graph.AxisRange(), graph.AxisElem(0)))
		for _, c := range []struct {
			ask  func()
			want int
		}{
			{func() {}, 0},
			{func() { d.Gradient() }, 1},
			{func() { other.Laplacian() }, 2},
			{func() { d.Partial(0) }, 2},
			{func() { d.Operator(autodiff.Term{Weight: 1, Axes: []int{0, 1, 1}}) }, 3},
			{func() { other.Directional(graph.OnesLike(x), 4) }, 4},
		} {
			if c.ask(); d.Order() != c.want || other.Order() != c.want {
				t.Errorf("the order is %d and %d, want %d", d.Order(), other.Order(), c.want)
			}
		}
		return u
	}, [][]float64{{0.1, 0.2}})
	if err != nil {
		t.Fatal(err)
	}
}
