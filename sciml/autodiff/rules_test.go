package autodiff_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
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
		{"Rsqrt", graph.Rsqrt, func(v float64) float64 { return -0.5 * math.Pow(v, -1.5) },
			func(v float64) float64 { return 0.75 * math.Pow(v, -2.5) }},
		{"Abs", graph.Abs, func(float64) float64 { return 1 }, func(float64) float64 { return 0 }},
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

// TestRules checks each rule of the table, up to the third order, against difference quotients and nested reverse
// mode, and that no rule is left out.
func TestRules(t *testing.T) {
	found, tested := &seen{operations: map[graph.NodeType]bool{}}, map[string]bool{}
	x := points(3, 3, 0.2, 1.4, 7)
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		tested[b.Name()] = true
		for _, c := range ruleCases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				skipUnlessBuilt(t, b, x, c.u)
				// XLA takes long to compile: the largest graphs are for it only where the pure-Go back end lacks something.
				large := !isXLA(t) || c.onlyXLA
				checkDifferences(t, plain(b), x, c.u)
				checkBundles(t, plain(b), x, c.u, large, found)
				if c.noReverse == "" && large {
					checkReverse(t, plain(b), x, c.u)
				}
			})
		}
	})
	if t.Failed() || len(tested) < 2 {
		t.Skipf("whether every rule has a case is known only when both back ends have run and passed: %v", tested)
	}
	for op, kind := range autodiff.RuleTable() {
		if !found.operations[op] && refusals[op] == nil && unreachable[op] == "" {
			t.Errorf("the rule of %s (%s) has no case here", autodiff.OperationName(op), kind)
		}
	}
}

// TestRefusals checks that what cannot be differentiated says so, and names the operation.
func TestRefusals(t *testing.T) {
	x := points(3, 2, 0.2, 1.4, 8)
	for op, kind := range autodiff.RuleTable() {
		if strings.HasPrefix(kind, "error") && refusals[op] == nil && unreachable[op] == "" {
			t.Errorf("the refusal of %s has no case here", autodiff.OperationName(op))
		}
	}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for op, u := range refusals {
			t.Run(autodiff.OperationName(op), func(t *testing.T) {
				skipUnlessBuilt(t, b, x, u)
				mustFail(t, b, x, func(x *graph.Node) *graph.Node { return autodiff.Of(u(x), x).Laplacian() },
					"no forward derivative", "the operation "+autodiff.OperationName(op)+" ")
			})
		}
	})
}

// TestTies: where several elements are the greatest, the derivative is the mean of theirs; of two inputs the first
// counts.
func TestTies(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		out := run(t, b, [][]float64{{0.5, 0.5}}, func(x *graph.Node) []*graph.Node {
			first, second := graph.MulScalar(column(x, 0), 2), graph.Add(column(x, 0), column(x, 1)) // both are one
			all := graph.Concatenate([]*graph.Node{first, second, graph.AddScalar(first, -1)}, 1)
			greatest := autodiff.Of(graph.ReduceMax(all, 1), x)
			return []*graph.Node{greatest.Gradient(), autodiff.Of(graph.Max(first, second), x).Gradient(), autodiff.Of(graph.Min(second, first), x).Gradient()}
		})
		for k, want := range [][]float64{{1.5, 0.5}, {2, 0}, {1, 1}} {
			near(t, []string{"ReduceMax", "Max", "Min"}[k], out[k], want, 0)
		}
	})
}
