package autodiff_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
)

// TestElementwiseClosedForms checks f′ and f″ of every element-wise rule on y = f(g) with g = a·x + b, where
// ∂ᵢy = f′aᵢ and ∂ᵢ∂ⱼy = f″aᵢaⱼ.
func TestElementwiseClosedForms(t *testing.T) {
	sigma := func(v float64) float64 { return 1 / (1 + math.Exp(-v)) }
	cases := []struct {
		name   string
		build  func(*graph.Node) *graph.Node
		f1, f2 func(float64) float64
	}{
		{"Sin", graph.Sin, math.Cos, func(v float64) float64 { return -math.Sin(v) }},
		{"Cos", graph.Cos, func(v float64) float64 { return -math.Sin(v) }, func(v float64) float64 { return -math.Cos(v) }},
		{"Tanh", graph.Tanh, func(v float64) float64 { return 1 / math.Pow(math.Cosh(v), 2) },
			func(v float64) float64 { return -2 * math.Tanh(v) / math.Pow(math.Cosh(v), 2) }},
		{"Logistic", graph.Logistic, func(v float64) float64 { return sigma(v) * sigma(-v) },
			func(v float64) float64 { return sigma(v) * sigma(-v) * (1 - 2*sigma(v)) }},
		{"Exp", graph.Exp, math.Exp, math.Exp},
		{"Expm1", graph.Expm1, math.Exp, math.Exp},
		{"Log", graph.Log, func(v float64) float64 { return 1 / v }, func(v float64) float64 { return -1 / (v * v) }},
		{"Log1p", graph.Log1P, func(v float64) float64 { return 1 / (1 + v) }, func(v float64) float64 { return -1 / ((1 + v) * (1 + v)) }},
		{"Sqrt", graph.Sqrt, func(v float64) float64 { return 0.5 / math.Sqrt(v) }, func(v float64) float64 { return -0.25 * math.Pow(v, -1.5) }},
		{"Erf", graph.Erf, func(v float64) float64 { return 2 / math.SqrtPi * math.Exp(-v*v) },
			func(v float64) float64 { return -4 * v / math.SqrtPi * math.Exp(-v*v) }},
		{"Pow", func(x *graph.Node) *graph.Node { return graph.PowScalar(x, 2.7) },
			func(v float64) float64 { return 2.7 * math.Pow(v, 1.7) }, func(v float64) float64 { return 2.7 * 1.7 * math.Pow(v, 0.7) }},
		{"Neg", graph.Neg, func(float64) float64 { return -1 }, func(float64) float64 { return 0 }},
		{"Identity", graph.Identity, func(float64) float64 { return 1 }, func(float64) float64 { return 0 }},
	}
	a, b := []float64{0.7, -0.2}, 0.9
	x := points(7, 2, 0, 2, 3)
	backendtest.Each(t, func(t *testing.T, backend compute.Backend) {
		out := run(t, backend, x, func(x *graph.Node) []*graph.Node {
			g := graph.AddScalar(graph.Add(graph.MulScalar(column(x, 0), a[0]), graph.MulScalar(column(x, 1), a[1])), b)
			var out []*graph.Node
			for _, c := range cases {
				d := autodiff.Of(c.build(g), x)
				out = append(out, d.Partial(0), d.Partial(1), d.Partial(0, 1), d.Laplacian())
			}
			return out
		})
		for k, c := range cases {
			var want [4][]float64
			for _, p := range x {
				v := a[0]*p[0] + a[1]*p[1] + b
				f1, f2 := c.f1(v), c.f2(v)
				for i, w := range []float64{f1 * a[0], f1 * a[1], f2 * a[0] * a[1], f2 * (a[0]*a[0] + a[1]*a[1])} {
					want[i] = append(want[i], w)
				}
			}
			for i, what := range []string{"∂0", "∂1", "∂0∂1", "Δ"} {
				near(t, c.name+" "+what, out[4*k+i], want[i], 1e-12)
			}
		}
	})
}

// structured are functions of points in R³ that use every operation that is not element-wise.
var structured = map[string]func(x *graph.Node) *graph.Node{
	"x itself":   func(x *graph.Node) *graph.Node { return x },
	"a constant": func(x *graph.Node) *graph.Node { return graph.OnesLike(x) },
	"Mul and Add": func(x *graph.Node) *graph.Node {
		return graph.Add(graph.Mul(column(x, 0), graph.Sin(column(x, 1))), column(x, 2))
	},
	"Square of sum": func(x *graph.Node) *graph.Node { return graph.Square(graph.ReduceAndKeep(x, graph.ReduceSum, -1)) },
	"Sub both ways": func(x *graph.Node) *graph.Node {
		c := graph.OnesLike(x)
		return graph.Mul(graph.Sub(c, graph.Exp(x)), graph.Sub(graph.Square(x), c))
	},
	"Div": func(x *graph.Node) *graph.Node {
		return graph.Div(graph.Sin(graph.Mul(column(x, 0), column(x, 1))), graph.Add(graph.Exp(column(x, 1)), graph.Square(column(x, 2))))
	},
	"Div by a constant": func(x *graph.Node) *graph.Node { return graph.Div(graph.Sin(x), constant(x.Graph(), 3.0)) },
	"scalar over points": func(x *graph.Node) *graph.Node {
		return graph.Div(constant(x.Graph(), 2.0), graph.OnePlus(graph.Square(x)))
	},
	"scalar operands": func(x *graph.Node) *graph.Node {
		g := x.Graph()
		y := graph.Add(constant(g, 2.0), graph.Sin(x))
		y = graph.Mul(graph.Sub(constant(g, 3.0), y), constant(g, 1.5))
		return graph.Sub(graph.Mul(y, y), constant(g, 1.0))
	},
	"Pow": func(x *graph.Node) *graph.Node {
		return graph.Pow(graph.Add(column(x, 0), column(x, 1)), constant(x.Graph(), 3.5))
	},
	"Pow of an exponent": func(x *graph.Node) *graph.Node {
		return graph.Pow(graph.Square(x), graph.MulScalar(graph.OnesLike(x), 1.5))
	},
	"Reciprocal": func(x *graph.Node) *graph.Node { return graph.Reciprocal(graph.OnePlus(x)) },
	"Concatenate": func(x *graph.Node) *graph.Node {
		return graph.Concatenate([]*graph.Node{graph.Square(column(x, 1)), graph.OnesLike(column(x, 0)), graph.Sin(x)}, 1)
	},
	"Reshape and Transpose": func(x *graph.Node) *graph.Node {
		y := graph.Transpose(graph.Reshape(graph.Square(x), x.Shape().Dimensions[0], 3, 1), 1, 2)
		return graph.Reshape(graph.Mul(y, graph.Sin(y)), x.Shape().Dimensions...)
	},
	"BroadcastInDim": func(x *graph.Node) *graph.Node {
		wide := graph.BroadcastToShape(graph.Square(column(x, 0)), x.Shape())
		return graph.Mul(wide, graph.Cos(x))
	},
	"implicit broadcast": func(x *graph.Node) *graph.Node {
		narrow := graph.Sin(column(x, 0)) // shape [N, 1] against [N, 3]
		return graph.Div(graph.Mul(narrow, graph.Sub(graph.Add(graph.Exp(x), narrow), x)), graph.OnePlus(graph.Square(narrow)))
	},
	"Slice with a stride": func(x *graph.Node) *graph.Node {
		return graph.Slice(graph.Mul(x, graph.Square(x)), graph.AxisRange(), graph.AxisRangeToEnd(0).Stride(2))
	},
	"Pad": func(x *graph.Node) *graph.Node {
		return graph.Pad(graph.Square(x), constant(x.Graph(), 5.0), compute.PadAxis{}, compute.PadAxis{Start: 1, End: 2})
	},
	"Reverse": func(x *graph.Node) *graph.Node { return graph.Mul(graph.Reverse(graph.Sin(x), 1), x) },
	"ReduceSum": func(x *graph.Node) *graph.Node {
		return graph.ReduceAndKeep(graph.Mul(x, graph.Square(x)), graph.ReduceSum, 1)
	},
	"DotGeneral with a matrix": func(x *graph.Node) *graph.Node {
		return graph.Square(graph.MatMul(graph.Sin(x), constant(x.Graph(), points(3, 2, -1, 1, 5))))
	},
	"DotGeneral of two functions": func(x *graph.Node) *graph.Node {
		return graph.ExpandAxes(graph.Einsum("ni,ni->n", graph.Sin(x), graph.Exp(x)), -1)
	},
	"matrix on the left": func(x *graph.Node) *graph.Node {
		return graph.Einsum("ji,ni->nj", constant(x.Graph(), points(2, 3, -1, 1, 6)), graph.Square(x))
	},
	"shared parts": func(x *graph.Node) *graph.Node {
		s := graph.Sin(graph.Mul(column(x, 0), column(x, 1)))
		return graph.Add(graph.Mul(s, graph.Exp(s)), graph.Div(s, graph.AddScalar(s, 3)))
	},
	"ConvertDType there and back": func(x *graph.Node) *graph.Node {
		wide := graph.ConvertDType(graph.ConvertDType(graph.OnesLike(x), dtypes.Float32), dtypes.Float64)
		return graph.Mul(graph.ConvertDType(graph.Sin(x), dtypes.Float64), wide)
	},
	"Where": func(x *graph.Node) *graph.Node {
		first := graph.GreaterThan(x, graph.MulScalar(graph.OnesLike(x), 0.8))
		return graph.Where(first, graph.Sin(graph.Square(x)), graph.Mul(x, graph.Exp(x)))
	},
	"Where with scalars": func(x *graph.Node) *graph.Node {
		inside := graph.LessThan(x, graph.MulScalar(graph.OnesLike(x), 0.8))
		return graph.Add(graph.Where(inside, constant(x.Graph(), 1.0), graph.Square(x)), graph.Where(inside, graph.Exp(x), constant(x.Graph(), 0.0)))
	},
	"MLP tanh":     mlp(graph.Tanh, 1),
	"MLP sin":      mlp(graph.Sin, 2),
	"MLP logistic": mlp(graph.Logistic, 1),
	"MLP swish":    mlp(func(x *graph.Node) *graph.Node { return graph.Mul(x, graph.Logistic(x)) }, 1),
	"MLP GELU": mlp(func(x *graph.Node) *graph.Node {
		return graph.Mul(x, graph.OnePlus(graph.Erf(graph.MulScalar(x, math.Sqrt2/2))))
	}, 1),
}

// TestRulesAgainstNestedReverseMode has every case on the pure-Go back end, and on XLA, which takes half a second to
// compile each, those whose streams are not plain copies of the operation.
func TestRulesAgainstNestedReverseMode(t *testing.T) {
	x := points(5, 3, 0.2, 1.4, 7)
	onXLA := []string{"MLP tanh", "Div", "Where with scalars", "implicit broadcast", "Concatenate"}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, u := range structured {
			if strings.HasSuffix(t.Name(), "/xla") && !slices.Contains(onXLA, name) {
				continue
			}
			t.Run(name, func(t *testing.T) { checkAgainstReverse(t, b, x, u) })
		}
	})
}
