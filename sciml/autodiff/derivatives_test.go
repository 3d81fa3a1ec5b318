package autodiff_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
)

// TestFiniteDifferences is a check that shares no code with GoMLX's reverse mode.
func TestFiniteDifferences(t *testing.T) {
	b := backendtest.Best(t)
	u := mlp(graph.Tanh, 1)
	const h = 1e-3
	x := points(4, 2, -1, 1, 11)
	var stencil [][]float64 // for each point: itself, and three steps either way along each axis
	for _, p := range x {
		for _, s := range []float64{-3, -2, -1, 0, 1, 2, 3} {
			stencil = append(stencil, []float64{p[0] + s*h, p[1]}, []float64{p[0], p[1] + s*h})
		}
	}
	values := run(t, b, stencil, func(x *graph.Node) []*graph.Node { return []*graph.Node{u(x)} })[0]
	out := run(t, b, x, func(x *graph.Node) []*graph.Node {
		d := autodiff.Of(u(x), x)
		return []*graph.Node{d.Partial(1), d.Laplacian()}
	})
	slope, laplacian := make([]float64, len(x)), make([]float64, len(x))
	for n := range x {
		for axis := range 2 {
			at := func(s int) float64 { return values[14*n+2*(s+3)+axis] }
			laplacian[n] += (at(3) + at(-3) - 13.5*(at(2)+at(-2)) + 135*(at(1)+at(-1)) - 245*at(0)) / (90 * h * h) // sixth order
			slope[n] = (at(3) - at(-3) - 9*(at(2)-at(-2)) + 45*(at(1)-at(-1))) / (60 * h)
		}
	}
	near(t, "∂1", out[0], slope, 1e-11)
	near(t, "Δ", out[1], laplacian, 1e-8) // rounding in second differences: 1e-16/h²
}

// TestHigherOrder nests: derivatives of a derivative, against Δ²(sin x · e^{2y}) = 9 sin x e^{2y}.
func TestHigherOrder(t *testing.T) {
	x := points(5, 2, -1, 1, 12)
	want := make([]float64, len(x))
	third := make([]float64, len(x))
	for n, p := range x {
		want[n] = 9 * math.Sin(p[0]) * math.Exp(2*p[1])
		third[n] = 3 * math.Cos(p[0]) * math.Exp(2*p[1])
	}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		out := run(t, b, x, func(x *graph.Node) []*graph.Node {
			u := graph.Mul(graph.Sin(column(x, 0)), graph.Exp(graph.MulScalar(column(x, 1), 2)))
			laplacian := autodiff.Of(autodiff.Of(u, x).Laplacian(), x)
			return []*graph.Node{laplacian.Laplacian(), laplacian.Partial(0)}
		})
		near(t, "Δ²u", out[0], want, 1e-12)
		near(t, "∂0Δu", out[1], third, 1e-12)
	})
}

// TestVectorResult checks functions of shape [N], and the accessors.
func TestVectorResult(t *testing.T) {
	x := points(3, 2, 0, 1, 13)
	b := backendtest.Best(t)
	run(t, b, x, func(x *graph.Node) []*graph.Node {
		u := graph.ReduceSum(graph.Mul(x, graph.Square(x)), 1) // Σ xᵢ³, shape [N]
		d := autodiff.Of(u, x)
		if d.U() != u || d.X() != x || d.Dims() != 2 {
			t.Error("the accessors do not return what Of was given")
		}
		if got := d.Coordinate(1).Shape().Dimensions; len(got) != 2 || got[0] != 3 || got[1] != 1 {
			t.Errorf("Coordinate has shape %v, want [3 1]", got)
		}
		first := d.Partial(0)
		if d.Laplacian() != d.Laplacian(0, 1) || d.Partial(0) != first {
			t.Error("derivatives asked for twice are built twice")
		}
		for _, n := range []*graph.Node{d.Partial(0), d.Partial(0, 1), d.Laplacian()} {
			if !n.Shape().Equal(u.Shape()) {
				t.Errorf("a derivative has shape %s, want that of u, %s", n.Shape(), u.Shape())
			}
		}
		return []*graph.Node{d.Laplacian()}
	})
	got := run(t, b, x, func(x *graph.Node) []*graph.Node {
		return []*graph.Node{autodiff.Of(graph.ReduceSum(graph.Mul(x, graph.Square(x)), 1), x).Laplacian()}
	})[0]
	for n, p := range x {
		if want := 6 * (p[0] + p[1]); math.Abs(got[n]-want) > 1e-13 {
			t.Errorf("Δ at point %d is %v, want %v", n, got[n], want)
		}
	}
}

// TestIntermediateNode differentiates with respect to a node that is itself computed.
func TestIntermediateNode(t *testing.T) {
	out := run(t, backendtest.Best(t), points(4, 2, 0, 1, 14), func(p *graph.Node) []*graph.Node {
		x := graph.MulScalar(p, 2)
		return []*graph.Node{autodiff.Of(graph.Square(column(x, 0)), x).Partial(0), graph.MulScalar(column(p, 0), 4)}
	})
	near(t, "∂(x²) at x = 2p", out[0], out[1], 1e-15)
}

// TestIntegersAreConstants: rounded values have no derivative, and what they multiply keeps its own. (GoMLX's reverse
// mode cannot be the reference: nested, it passes through the conversion.)
func TestIntegersAreConstants(t *testing.T) {
	out := run(t, backendtest.Best(t), points(4, 2, 0, 1, 19), func(x *graph.Node) []*graph.Node {
		steps := graph.ConvertDType(graph.ConvertDType(graph.MulScalar(x, 10), dtypes.Int32), x.DType())
		d := autodiff.Of(graph.Mul(steps, graph.Sin(x)), x)
		first := graph.Concatenate([]*graph.Node{column(graph.Mul(steps, graph.Cos(x)), 0), graph.ZerosLike(column(x, 1))}, 1)
		return []*graph.Node{d.Partial(0), first, d.Laplacian(), graph.Neg(graph.Mul(steps, graph.Sin(x)))}
	})
	near(t, "∂0", out[0], out[1], 1e-14)
	near(t, "Δ", out[2], out[3], 1e-14)
}

func TestStopGradient(t *testing.T) {
	out := run(t, backendtest.Best(t), points(4, 2, 0, 1, 15), func(x *graph.Node) []*graph.Node {
		frozen := graph.StopGradient(graph.Exp(x))
		d := autodiff.Of(graph.Mul(frozen, graph.Square(x)), x)
		all := autodiff.Of(frozen, x)
		want := graph.MulScalar(graph.Mul(graph.Exp(x), graph.Concatenate([]*graph.Node{column(x, 0), graph.ZerosLike(column(x, 1))}, 1)), 2)
		return []*graph.Node{d.Partial(0), want, all.Laplacian(), all.Partial(1), graph.ZerosLike(x)}
	})
	near(t, "∂0", out[0], out[1], 1e-14)
	near(t, "Δ of a constant", out[2], out[4], 0)
	near(t, "∂1 of a constant", out[3], out[4], 0)
}

func TestFloat32(t *testing.T) {
	x := []([]float32){{0.3, 0.7}, {-0.4, 0.1}}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		out, err := graph.CallOnce(b, func(x *graph.Node) *graph.Node {
			u := graph.Div(graph.Mul(graph.Sin(column(x, 0)), graph.Exp(column(x, 1))), graph.OnePlus(graph.Erf(column(x, 0))))
			return autodiff.Of(u, x).Operator(autodiff.Term{Weight: 0.5, Axes: []int{0, 1}}, autodiff.Term{Weight: 2, Axes: []int{1, 1}})
		}, x)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tensors.CopyFlatData[float32](out)
		if err != nil {
			t.Fatal(err)
		}
		for n, p := range x {
			a, e := float64(p[0]), math.Exp(float64(p[1]))
			w := 1 + math.Erf(a)
			slope := e * (math.Cos(a)/w - math.Sin(a)*2/math.SqrtPi*math.Exp(-a*a)/(w*w))
			want := 0.5*slope + 2*e*math.Sin(a)/w
			if math.Abs(float64(got[n])-want) > 1e-5 {
				t.Errorf("point %d: %v, want %v", n, got[n], want)
			}
		}
	})
}

// TestParameterGradient checks reverse mode through the forward Laplacian against differences in each parameter.
func TestParameterGradient(t *testing.T) {
	theta := points(1, 13, -1, 1, 16)[0] // a 2-3-1 network: 6 + 3 + 3 + 1
	x := points(6, 2, -1, 1, 17)
	loss := func(theta, x *graph.Node) *graph.Node {
		part := func(from, to int, dims ...int) *graph.Node {
			return graph.Reshape(graph.Slice(theta, graph.AxisRange(from, to)), dims...)
		}
		h := graph.Tanh(graph.Add(graph.MatMul(x, part(0, 6, 2, 3)), part(6, 9, 1, 3)))
		u := graph.Add(graph.MatMul(h, part(9, 12, 3, 1)), part(12, 13, 1, 1))
		d := autodiff.Of(graph.Mul(u, graph.Sin(column(x, 0))), x)
		return graph.ReduceAllSum(graph.Square(graph.Add(d.Laplacian(), d.Partial(0, 1))))
	}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		value, err := graph.NewExec(b, loss)
		if err != nil {
			t.Fatal(err)
		}
		at := func(theta []float64) float64 {
			out, err := value.Call1(theta, x)
			if err != nil {
				t.Fatal(err)
			}
			return tensors.ToScalar[float64](out)
		}
		out, err := graph.CallOnce(b, func(theta, x *graph.Node) *graph.Node { return graph.Gradient(loss(theta, x), theta)[0] }, theta, x)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tensors.CopyFlatData[float64](out)
		if err != nil {
			t.Fatal(err)
		}
		const h = 1e-3
		want := make([]float64, len(theta))
		for i := range theta {
			moved := func(by float64) float64 {
				other := append([]float64(nil), theta...)
				other[i] += by * h
				return at(other)
			}
			want[i] = (moved(3) - moved(-3) - 9*(moved(2)-moved(-2)) + 45*(moved(1)-moved(-1))) / (60 * h)
		}
		near(t, "gradient", got, want, 1e-10)
	})
}

func TestMisuse(t *testing.T) {
	x := points(3, 2, 0, 1, 18)
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		of := func(f func(d *autodiff.Derivatives) *graph.Node) func(x *graph.Node) *graph.Node {
			return func(x *graph.Node) *graph.Node { return f(autodiff.Of(graph.Sin(x), x)) }
		}
		laplacianOf := func(u func(x *graph.Node) *graph.Node) func(x *graph.Node) *graph.Node {
			return func(x *graph.Node) *graph.Node { return autodiff.Of(u(x), x).Laplacian() }
		}
		mustFail(t, b, []float64{1, 2}, laplacianOf(graph.Sin), "x has shape", "[points, coordinates]")
		mustFail(t, b, x, laplacianOf(func(x *graph.Node) *graph.Node { return graph.ReduceAllSum(x) }), "u has shape", "3 points")
		mustFail(t, b, x, laplacianOf(func(x *graph.Node) *graph.Node { return graph.Slice(x, graph.AxisRange(0, 2)) }), "u has shape", "3 points")
		mustFail(t, b, x, of(func(d *autodiff.Derivatives) *graph.Node { return d.Partial(2) }), "axis 2", "0 to 1")
		mustFail(t, b, x, of(func(d *autodiff.Derivatives) *graph.Node { return d.Partial(0, -1) }), "axis -1")
		mustFail(t, b, x, of(func(d *autodiff.Derivatives) *graph.Node { return d.Laplacian(0, 7) }), "axis 7")
		mustFail(t, b, x, of(func(d *autodiff.Derivatives) *graph.Node { return d.Coordinate(5) }), "axis 5")
		mustFail(t, b, x, of(func(d *autodiff.Derivatives) *graph.Node {
			return d.Operator(autodiff.Term{Weight: 1, Axes: []int{3, 0}})
		}), "axis 3")
		mustFail(t, b, x, of(func(d *autodiff.Derivatives) *graph.Node { return d.Partial() }), "no axes")
		mustFail(t, b, x, of(func(d *autodiff.Derivatives) *graph.Node { return d.Operator() }), "without terms")
		mustFail(t, b, x, of(func(d *autodiff.Derivatives) *graph.Node {
			return d.Operator(autodiff.Term{Weight: 1, Axes: []int{0}}, autodiff.Term{Weight: 2})
		}), "term 1 has no axes")
		along := func(v any, order int) func(d *autodiff.Derivatives) *graph.Node {
			return func(d *autodiff.Derivatives) *graph.Node { return d.Directional(constant(d.X().Graph(), v), order) }
		}
		mustFail(t, b, x, of(along([]float64{1, 2}, 0)), "order is 0", "at least 1")
		mustFail(t, b, x, of(along([]float64{1, 2, 3}, 1)), "direction has shape", "[3]", "expected [2]")
		mustFail(t, b, x, of(along([][]float64{{1, 2}}, 1)), "direction has shape", "[1, 2]")
		for _, sigma := range []any{[]float64{1, 2}, [][]float64{{1, 2}}, [][][]float64{{{1}, {2}}}} {
			mustFail(t, b, x, of(func(d *autodiff.Derivatives) *graph.Node { return d.SecondOrder(constant(d.X().Graph(), sigma)) }),
				"sigma has shape", "expected [2, r] or [3, 2, r]")
		}
		mustFail(t, b, x, func(x *graph.Node) *graph.Node { return autodiff.Of(column(x, 0), x).Divergence() }, "u has shape", "[3, 2]")
		mustFail(t, b, x, of(func(d *autodiff.Derivatives) *graph.Node { return d.For(graph.ReduceAllSum(d.U())).Laplacian() }), "u has shape", "3 points")
		mustFail(t, b, [][]int32{{1, 2}, {3, 4}}, laplacianOf(graph.Square), "x has shape", "Int32", "floating-point")
		mustFail(t, b, x, func(x *graph.Node) *graph.Node {
			other := graph.NewGraph(b, "another")
			return autodiff.Of(graph.Sin(graph.Parameter(other, "x", x.Shape())), x).Laplacian()
		}, "different graphs")
		mustFail(t, b, x, laplacianOf(func(x *graph.Node) *graph.Node { return graph.Sort(x, 1, true) }), "no forward derivative", "Sort")
		mustFail(t, b, x, func(x *graph.Node) *graph.Node {
			x.Graph().SetTraced(true)
			return autodiff.Of(graph.Sort(x, 1, true), x).Partial(0)
		}, "Sort", "derivatives_test.go") // the trace says where it was built
	})
}
