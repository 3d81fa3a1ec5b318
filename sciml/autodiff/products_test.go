package autodiff_test

import (
	"fmt"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
)

// productResiduals are functions of θ of length 13, a 2-3-1 network, at six fixed points.
var productResiduals = map[string]func(theta *graph.Node) *graph.Node{
	"a Laplacian, a product and a boundary": func(theta *graph.Node) *graph.Node {
		x, u := network(theta)
		d := autodiff.Of(u, x)
		inside := graph.Add(d.Laplacian(), graph.Mul(u, d.Partial(0)))
		return graph.Concatenate([]*graph.Node{inside, graph.Sub(graph.Slice(u, graph.AxisRange(0, 2)), graph.OnesLike(graph.Slice(u, graph.AxisRange(0, 2))))}, 0)
	},
	"derivatives by reverse mode": func(theta *graph.Node) *graph.Node {
		x, u := network(theta)
		first := reverse(u, x, 0)
		return graph.Add(reverse(first, x, 0), graph.Mul(u, first))
	},
	"a bundle of directions": func(theta *graph.Node) *graph.Node {
		x, u := network(theta)
		d := autodiff.Of(u, x)
		return graph.Add(autodiff.BundledOperator(d), graph.ReduceAndKeep(graph.Square(d.Gradient()), graph.ReduceSum, 1))
	},
}

func network(theta *graph.Node) (x, u *graph.Node) {
	x = constant(theta.Graph(), points(6, 2, -1, 1, 71))
	part := func(from, to int, dims ...int) *graph.Node {
		return graph.Reshape(graph.Slice(theta, graph.AxisRange(from, to)), dims...)
	}
	h := graph.Tanh(graph.Add(graph.MatMul(x, part(0, 6, 2, 3)), part(6, 9, 1, 3)))
	return x, graph.Add(graph.MatMul(h, part(9, 12, 3, 1)), part(12, 13, 1, 1))
}

// call builds a graph of several arguments and returns its outputs, flat.
func call(t *testing.T, b compute.Backend, build func(in []*graph.Node) []*graph.Node, args ...any) [][]float64 {
	t.Helper()
	out, err := graph.CallOnceN(b, build, args...)
	if err != nil {
		t.Fatal(err)
	}
	return numbers(t, out)
}

// differentiated is the Jacobian of f at theta by differences of sixth order: entry i is the derivative by θᵢ.
func differentiated(t *testing.T, b compute.Backend, theta []float64, f func(theta *graph.Node) *graph.Node) [][]float64 {
	t.Helper()
	exec, err := graph.NewExec(b, f)
	if err != nil {
		t.Fatal(err)
	}
	columns := make([][]float64, len(theta))
	for i := range theta {
		direction := make([]float64, len(theta))
		direction[i] = 1
		var values []float64
		for _, moved := range stencil([][]float64{theta}, direction) {
			out, err := exec.Call(moved)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, numbers(t, out)[0]...)
		}
		columns[i] = slope(values)
	}
	return columns
}

// TestProducts checks all products against dense Jacobians and Hessians from differences.
func TestProducts(t *testing.T) {
	theta, v, w := points(1, 13, -1, 1, 72)[0], points(1, 13, -1, 1, 73)[0], points(1, 8, -1, 1, 74)[0]
	reference := pureGo(t)
	for name, r := range productResiduals {
		loss := func(theta *graph.Node) *graph.Node {
			return graph.MulScalar(graph.ReduceAllSum(graph.Square(r(theta))), 0.5)
		}
		jacobian := differentiated(t, reference, theta, func(theta *graph.Node) *graph.Node { return graph.Reshape(r(theta), -1) })
		hessian := differentiated(t, reference, theta, func(theta *graph.Node) *graph.Node { return graph.Gradient(loss(theta), theta)[0] })
		rows := len(jacobian[0])
		jv, jw, jjv, hv := make([]float64, rows), make([]float64, 13), make([]float64, 13), make([]float64, 13)
		for i := range theta {
			for n := range rows {
				jv[n] += jacobian[i][n] * v[i]
				jw[i] += jacobian[i][n] * w[n]
			}
			for k := range theta {
				hv[k] += hessian[i][k] * v[i]
			}
		}
		for i := range theta {
			for n := range rows {
				jjv[i] += jacobian[i][n] * jv[n]
			}
		}
		backendtest.Each(t, func(t *testing.T, b compute.Backend) {
			t.Run(name, func(t *testing.T) {
				out := call(t, b, func(in []*graph.Node) []*graph.Node {
					theta, v := in[0], in[1]
					y := r(theta)
					w := graph.Reshape(graph.Slice(in[2], graph.AxisRange(0, rows)), y.Shape().Dimensions...)
					return []*graph.Node{
						autodiff.JVP(y, []*graph.Node{theta}, []*graph.Node{v}), autodiff.VJP(y, w, theta)[0],
						autodiff.GaussNewtonProduct(y, theta, v), autodiff.HessianProduct(loss(theta), theta, v)}
				}, theta, v, w)
				near(t, "J·v", out[0], jv, 1e-10)
				near(t, "Jᵀ·w", out[1], jw, 1e-10)
				near(t, "JᵀJ·v", out[2], jjv, 1e-10)
				near(t, "H·v", out[3], hv, 1e-10)
			})
		})
	}
}

// TestHessianIsSymmetric takes products with unit vectors, and a Hessian of known entries.
func TestHessianIsSymmetric(t *testing.T) {
	theta := []float64{0.4, -0.7, 1.1}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		rows := call(t, b, func(in []*graph.Node) []*graph.Node {
			theta := in[0]
			// f = Σ θᵢ³ + Π-like coupling sin(θ₀θ₁) + θ₁θ₂²
			at := func(i int) *graph.Node { return graph.Reshape(graph.Slice(theta, graph.AxisElem(i))) }
			f := sum(graph.ReduceAllSum(graph.PowScalar(theta, 3)), graph.Sin(graph.Mul(at(0), at(1))), graph.Mul(at(1), graph.Square(at(2))))
			var rows []*graph.Node
			for i := range 3 {
				unit := make([]float64, 3)
				unit[i] = 1
				rows = append(rows, autodiff.HessianProduct(f, theta, constant(theta.Graph(), unit)))
			}
			return rows
		}, theta)
		a, s, c := theta, sinSeries(theta[0]*theta[1]), 0.0
		sine, cosine := s[0], s[1]
		c = cosine - a[0]*a[1]*sine
		want := [][]float64{{6*a[0] - a[1]*a[1]*sine, c, 0}, {c, 6*a[1] - a[0]*a[0]*sine, 2 * a[2]}, {0, 2 * a[2], 6*a[2] + 2*a[1]}}
		for i := range want {
			near(t, fmt.Sprintf("row %d", i), rows[i], want[i], 1e-13)
		}
	})
}

// TestProductsOfSeveralInputs: tangents of several inputs add up, and one that does not matter gives zero.
func TestProductsOfSeveralInputs(t *testing.T) {
	a, c := points(2, 3, -1, 1, 75), points(3, 2, -1, 1, 76)
	da, dc := points(2, 3, -1, 1, 77), points(3, 2, -1, 1, 78)
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		out := call(t, b, func(in []*graph.Node) []*graph.Node {
			a, c, da, dc := in[0], in[1], in[2], in[3]
			y := graph.Sin(graph.MatMul(a, c))
			want := graph.Mul(graph.Cos(graph.MatMul(a, c)), graph.Add(graph.MatMul(da, c), graph.MatMul(a, dc)))
			unrelated := graph.OnesLike(y)
			back := autodiff.VJP(graph.Mul(y, graph.OnesLike(y)), y, a, c) // w made from the inputs counts as constant
			weighted := graph.Mul(graph.StopGradient(y), graph.Cos(graph.MatMul(a, c)))
			return []*graph.Node{
				autodiff.JVP(y, []*graph.Node{a, c}, []*graph.Node{da, dc}), want,
				autodiff.JVP(unrelated, []*graph.Node{a}, []*graph.Node{da}), graph.ZerosLike(y),
				autodiff.JVP(a, []*graph.Node{a}, []*graph.Node{da}), da,
				back[0], graph.MatMul(weighted, graph.Transpose(c, 0, 1)),
				back[1], graph.MatMul(graph.Transpose(a, 0, 1), weighted),
			}
		}, a, c, da, dc)
		for k, what := range []string{"J·v", "J·v of a constant", "J·v of an input", "Jᵀ·w by a", "Jᵀ·w by c"} {
			near(t, what, out[2*k], out[2*k+1], 1e-14)
		}
	})
}

// TestProductErrors has what goes wrong, in words.
func TestProductErrors(t *testing.T) {
	theta := []float64{1, 2, 3}
	one := func(n *graph.Node) []*graph.Node { return []*graph.Node{n} }
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		short := func(x *graph.Node) *graph.Node { return constant(x.Graph(), []float64{1, 2}) }
		mustFail(t, b, theta, func(x *graph.Node) *graph.Node { return autodiff.JVP(x, one(x), nil) }, "1 inputs and 0 tangents")
		mustFail(t, b, theta, func(x *graph.Node) *graph.Node { return autodiff.JVP(x, nil, nil) }, "at least one")
		mustFail(t, b, theta, func(x *graph.Node) *graph.Node { return autodiff.JVP(x, one(x), one(short(x))) }, "tangent 0 has shape", "[2]", "[3]")
		mustFail(t, b, theta, func(x *graph.Node) *graph.Node { return autodiff.VJP(x, short(x), x)[0] }, "w has shape", "[2]", "[3]")
		mustFail(t, b, theta, func(x *graph.Node) *graph.Node { return autodiff.HessianProduct(x, x, x) }, "expected a scalar")
		mustFail(t, b, theta, func(x *graph.Node) *graph.Node { return autodiff.HessianProduct(graph.ReduceAllSum(x), x, short(x)) }, "tangent 0 has shape")
		mustFail(t, b, theta, func(x *graph.Node) *graph.Node { return autodiff.GaussNewtonProduct(x, x, short(x)) }, "tangent 0 has shape")
		mustFail(t, b, theta, func(x *graph.Node) *graph.Node {
			return autodiff.GaussNewtonProduct(graph.Sort(x, 0, true), x, x)
		}, "no forward derivative", "Sort")
	})
}

func pureGo(t *testing.T) compute.Backend {
	t.Helper()
	b, err := backend.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	return b
}
