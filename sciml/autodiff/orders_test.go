package autodiff_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
)

// series is a truncated Taylor series in one variable: entry k is f⁽ᵏ⁾/k!.
type series [13]float64

func (a series) times(b series) series {
	var c series
	for i := range c {
		for j := 0; j <= i; j++ {
			c[i] += a[j] * b[i-j]
		}
	}
	return c
}

// of composes f, a series at the value of a, with a.
func (a series) of(f func(v float64) series) series {
	outer, power := f(a[0]), series{1}
	a[0] = 0
	var c series
	for k := range c {
		for i := range c {
			c[i] += outer[k] * power[i]
		}
		power = power.times(a)
	}
	return c
}

func sinSeries(v float64) series {
	var s series
	for k := range s {
		s[k] = []float64{math.Sin(v), math.Cos(v), -math.Sin(v), -math.Cos(v)}[k%4] / factorial(k)
	}
	return s
}

func expSeries(v float64) series {
	var s series
	for k := range s {
		s[k] = math.Exp(v) / factorial(k)
	}
	return s
}

// tanhSeries follows from y′ = 1 − y².
func tanhSeries(v float64) series {
	y := series{math.Tanh(v)}
	for k := 1; k < len(y); k++ {
		slope := y.times(y)[k-1]
		if k == 1 {
			slope--
		}
		y[k] = -slope / float64(k)
	}
	return y
}

func powerSeries(p float64) func(v float64) series {
	return func(v float64) series {
		var s series
		c := 1.0
		for k := range s {
			s[k] = c * math.Pow(v, p-float64(k)) / factorial(k)
			c *= p - float64(k)
		}
		return s
	}
}

func logSeries(v float64) series {
	s := series{math.Log(v)}
	for k := 1; k < len(s); k++ {
		s[k] = -math.Pow(-1/v, float64(k)) / float64(k)
	}
	return s
}

func factorial(k int) float64 { return math.Gamma(float64(k) + 1) }

// TestOrders checks derivatives of every order up to six, and some higher ones, of functions of one variable, composed and not, as
// partial derivatives, along a direction and as an operator.
func TestOrders(t *testing.T) {
	in := func(outer, inner func(v float64) series) func(x float64) series {
		return func(x float64) series { return inner(x).of(outer) }
	}
	line := func(slope, offset float64) func(x float64) series {
		return func(x float64) series { return series{slope*x + offset, slope} }
	}
	square := func(v float64) series { return series{v * v, 2 * v, 1} }
	cases := []struct {
		name string
		u    func(x *graph.Node) *graph.Node
		want func(x float64) series
	}{
		{"sin", graph.Sin, sinSeries},
		{"exp", graph.Exp, expSeries},
		{"tanh", graph.Tanh, tanhSeries},
		{"log", graph.Log, logSeries},
		{"sqrt", graph.Sqrt, powerSeries(0.5)},
		{"reciprocal", graph.Reciprocal, powerSeries(-1)},
		{"rsqrt", graph.Rsqrt, powerSeries(-0.5)},
		{"x⁵", func(x *graph.Node) *graph.Node { return graph.PowScalar(x, 5) }, powerSeries(5)},
		{"x^2.5", func(x *graph.Node) *graph.Node { return graph.PowScalar(x, 2.5) }, powerSeries(2.5)},
		{"sin(exp x)", func(x *graph.Node) *graph.Node { return graph.Sin(graph.Exp(x)) }, in(sinSeries, expSeries)},
		{"exp(sin x)", func(x *graph.Node) *graph.Node { return graph.Exp(graph.Sin(x)) }, in(expSeries, sinSeries)},
		{"exp(−x²)", func(x *graph.Node) *graph.Node { return graph.Exp(graph.Neg(graph.Square(x))) },
			in(expSeries, func(v float64) series { return series{-v * v, -2 * v, -1} })},
		{"sin(2x+1)·tanh(x²)", func(x *graph.Node) *graph.Node {
			return graph.Mul(graph.Sin(graph.OnePlus(graph.MulScalar(x, 2))), graph.Tanh(graph.Square(x)))
		}, func(x float64) series { return line(2, 1)(x).of(sinSeries).times(in(tanhSeries, square)(x)) }},
		{"tanh³ − tanh", func(x *graph.Node) *graph.Node {
			y := graph.Tanh(x)
			return graph.Sub(graph.Mul(y, graph.Square(y)), y)
		}, func(x float64) series {
			y := tanhSeries(x)
			cube := y.times(y).times(y)
			for k := range cube {
				cube[k] -= y[k]
			}
			return cube
		}},
		{"tanh/exp", func(x *graph.Node) *graph.Node { return graph.Div(graph.Tanh(x), graph.Exp(x)) },
			func(x float64) series { return tanhSeries(x).times(line(-1, 0)(x).of(expSeries)) }},
	}
	x := [][]float64{{0.3}, {0.8}, {1.3}}
	orders := []int{1, 2, 3, 4, 5, 6, 9, 12}
	each := 2*len(orders) + 1
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		out := run(t, b, x, func(x *graph.Node) []*graph.Node {
			var out []*graph.Node
			for _, c := range cases {
				d := autodiff.Of(c.u(x), x)
				for _, k := range orders {
					axes := slices.Repeat([]int{0}, k)
					out = append(out, d.Partial(axes...), d.Operator(autodiff.Term{Weight: 3, Axes: axes}))
				}
				out = append(out, d.Directional(constant(x.Graph(), []float64{-2}), 6))
			}
			return out
		})
		for i, c := range cases {
			for n, k := range orders {
				out := out[each*i:]
				var want, scaled []float64
				for _, p := range x {
					want = append(want, c.want(p[0])[k]*factorial(k))
					scaled = append(scaled, 3*want[len(want)-1])
				}
				near(t, fmt.Sprintf("order %d of %s", k, c.name), out[2*n], want, 1e-10)
				near(t, fmt.Sprintf("order %d of %s as an operator", k, c.name), out[2*n+1], scaled, 1e-10)
				if k == 6 {
					for i := range want {
						want[i] *= 64
					}
					near(t, "order 6 along −2 of "+c.name, out[each-1], want, 1e-10)
				}
			}
		}
	})
}

// TestPolynomialsAtZero: the powers of a polynomial end as zero, also where x is zero and x⁻¹ is not a number.
func TestPolynomialsAtZero(t *testing.T) {
	x := [][]float64{{0}, {2}}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		out := run(t, b, x, func(x *graph.Node) []*graph.Node {
			constantly := autodiff.Of(graph.PowScalar(x, 2), x)
			cubic := autodiff.Of(graph.PowScalar(x, 3), x)
			listed := autodiff.Of(graph.Pow(x, graph.BroadcastToShape(constant(x.Graph(), [][]float64{{2}}), x.Shape())), x)
			return []*graph.Node{constantly.Partial(0), constantly.Partial(0, 0), constantly.Partial(0, 0, 0), cubic.Partial(0, 0, 0),
				cubic.Partial(0, 0, 0, 0), listed.Partial(0, 0), listed.Partial(0, 0, 0), listed.Partial(0, 0, 0, 0)}
		})
		for k, want := range [][]float64{{0, 4}, {2, 2}, {0, 0}, {6, 6}, {0, 0}, {2, 2}, {0, 0}, {0, 0}} {
			near(t, fmt.Sprintf("derivative %d", k), out[k], want, 1e-15)
		}
	})
}

// wave is exp(x)·sin(2y)·z³.
func wave(x *graph.Node) *graph.Node {
	z := column(x, 2)
	return graph.Mul(graph.Mul(graph.Exp(column(x, 0)), graph.Sin(graph.MulScalar(column(x, 1), 2))), graph.Mul(z, graph.Square(z)))
}

// waveAt is a partial derivative of it, of order i, j, k in x, y, z.
func waveAt(p []float64, i, j, k int) float64 {
	y := sinSeries(2 * p[1])[j] * factorial(j) * math.Pow(2, float64(j))
	return math.Exp(p[0]) * y * powerSeries(3)(p[2])[k] * factorial(k)
}

// TestMixedPartials checks mixed partial derivatives of orders two to six, in any order of their axes, and operators
// made of them.
func TestMixedPartials(t *testing.T) {
	x := points(3, 3, 0.3, 1.3, 41)
	axes := [][]int{{0, 1}, {1, 0}, {2, 0}, {0, 0, 1}, {1, 0, 0}, {0, 1, 2}, {2, 1, 0}, {0, 0, 1, 1}, {0, 1, 0, 1}, {2, 2, 1, 1},
		{2, 0, 1, 2, 1}, {0, 0, 1, 1, 2, 2}, {1, 1, 1, 1, 1, 2}}
	// Δ² in three dimensions has three fourth derivatives and twice each mixed one.
	biharmonic := []autodiff.Term{{Weight: 1, Axes: []int{0, 0, 0, 0}}, {Weight: 1, Axes: []int{1, 1, 1, 1}}, {Weight: 1, Axes: []int{2, 2, 2, 2}},
		{Weight: 2, Axes: []int{0, 0, 1, 1}}, {Weight: 2, Axes: []int{0, 0, 2, 2}}, {Weight: 2, Axes: []int{1, 2, 1, 2}}}
	heat := []autodiff.Term{{Weight: 1, Axes: []int{2}}, {Weight: -0.3, Axes: []int{0, 0}}}
	kuramoto := []autodiff.Term{{Weight: 1, Axes: []int{2}}, {Weight: 1, Axes: []int{1, 1}}, {Weight: 0.5, Axes: []int{1, 1, 1, 1}}, {Weight: 2, Axes: []int{0, 1, 2}}}
	operators := [][]autodiff.Term{biharmonic, heat, kuramoto}
	orders := func(axes []int) (n [3]int) {
		for _, a := range axes {
			n[a]++
		}
		return n
	}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		out := run(t, b, x, func(x *graph.Node) []*graph.Node {
			d := autodiff.Of(wave(x), x)
			var out []*graph.Node
			for _, a := range axes {
				out = append(out, d.Partial(a...))
			}
			for _, o := range operators {
				out = append(out, d.Operator(o...))
			}
			return out
		})
		for k, a := range axes {
			var want []float64
			for _, p := range x {
				n := orders(a)
				want = append(want, waveAt(p, n[0], n[1], n[2]))
			}
			near(t, fmt.Sprintf("∂%v", a), out[k], want, 1e-12)
		}
		for k, o := range operators {
			want := make([]float64, len(x))
			for i, p := range x {
				for _, term := range o {
					n := orders(term.Axes)
					want[i] += term.Weight * waveAt(p, n[0], n[1], n[2])
				}
			}
			near(t, fmt.Sprintf("operator %v", o), out[len(axes)+k], want, 1e-12)
		}
	})
}
