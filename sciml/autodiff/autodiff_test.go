package autodiff_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
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

// run builds a graph of the points and returns its outputs, flat.
func run(t *testing.T, b compute.Backend, x any, build func(x *graph.Node) []*graph.Node) [][]float64 {
	t.Helper()
	out, err := graph.CallOnceN(b, build, x)
	if err != nil {
		t.Fatal(err)
	}
	flat := make([][]float64, len(out))
	for i, o := range out {
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

// checkAgainstReverse compares all first and second partials, the Laplacian and a mixed operator with nested
// reverse mode, on one graph.
func checkAgainstReverse(t *testing.T, b compute.Backend, x [][]float64, u func(x *graph.Node) *graph.Node) {
	t.Helper()
	dims := len(x[0])
	var names []string
	out := run(t, b, x, func(x *graph.Node) []*graph.Node {
		names = nil
		y := u(x)
		d := autodiff.Of(y, x)
		var got, want []*graph.Node
		second := map[[2]int]*graph.Node{}
		compare := func(name string, forward, nested *graph.Node) {
			names, got, want = append(names, name), append(got, forward), append(want, nested)
		}
		for i := range dims {
			first := reverse(y, x, i)
			compare(fmt.Sprintf("∂%d", i), d.Partial(i), first)
			for j := range dims {
				second[[2]int{i, j}] = reverse(first, x, j)
				compare(fmt.Sprintf("∂%d∂%d", i, j), d.Partial(i, j), second[[2]int{i, j}])
			}
		}
		laplacian := graph.ZerosLike(y)
		for i := range dims {
			laplacian = graph.Add(laplacian, second[[2]int{i, i}])
		}
		compare("Δ", d.Laplacian(), laplacian)
		compare("Δ over the last axis", d.Laplacian(dims-1), second[[2]int{dims - 1, dims - 1}])
		operator := d.Operator(autodiff.Term{Weight: 2.5, Axes: []int{0, 0}}, autodiff.Term{Weight: -1.5, Axes: []int{0, dims - 1}},
			autodiff.Term{Weight: 0.25, Axes: []int{dims - 1, dims - 1}})
		expected := graph.Add(graph.MulScalar(second[[2]int{0, 0}], 2.5), graph.MulScalar(second[[2]int{0, dims - 1}], -1.5))
		expected = graph.Add(expected, graph.MulScalar(second[[2]int{dims - 1, dims - 1}], 0.25))
		compare("weighted operator", operator, expected)
		return append(got, want...)
	})
	for k, name := range names {
		near(t, name, out[k], out[len(names)+k], 1e-10)
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
