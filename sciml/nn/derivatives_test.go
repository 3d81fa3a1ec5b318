package nn_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
)

// checkDerivatives compares partial derivatives of the first output with nested reverse mode, and forward with reverse
// mode for the parameters as well unless there are two derivatives only, which XLA compiles fast.
func checkDerivatives(t *testing.T, b compute.Backend, network nn.Network, theta []float64, axes ...[]int) {
	t.Helper()
	points := [][]float64{{0.1, 0.7}, {1.3, 0.2}, {0, 0}}
	out, err := graph.CallOnceN(b, func(theta, x *graph.Node) []*graph.Node {
		u := graph.Slice(network.Apply(theta, x), graph.AxisRange(), graph.AxisElem(0))
		d := autodiff.Of(u, x)
		nested := map[string]*graph.Node{"[]": u}
		var results []*graph.Node
		for _, a := range axes {
			for k := range a { // lower orders are shared
				if key := fmt.Sprint(a[:k+1]); nested[key] == nil {
					gradient := graph.Gradient(graph.ReduceAllSum(nested[fmt.Sprint(a[:k])]), x)[0]
					nested[key] = graph.Slice(gradient, graph.AxisRange(), graph.AxisElem(a[k]))
				}
			}
			results = append(results, d.Partial(a...), nested[fmt.Sprint(a)])
		}
		if len(axes) == 2 {
			return results
		}
		// wᵀ(J·v) = (Jᵀw)ᵀv for the Jacobian of the second derivatives.
		laplacian := d.Laplacian()
		v := graph.Sin(graph.MulScalar(graph.Iota(theta.Graph(), theta.Shape(), 0), 3))
		w := graph.Cos(laplacian)
		forward := graph.ReduceAllSum(graph.Mul(w, autodiff.JVP(laplacian, []*graph.Node{theta}, []*graph.Node{v})))
		backward := graph.ReduceAllSum(graph.Mul(v, autodiff.VJP(laplacian, w, theta)[0]))
		return append(results, forward, backward)
	}, theta, points)
	if err != nil {
		t.Fatalf("%s: %v", network, err)
	}
	for k := 0; k < len(out); k += 2 {
		got, want := tensors.MustCopyFlatData[float64](out[k]), tensors.MustCopyFlatData[float64](out[k+1])
		size := 1.0
		for _, v := range want {
			size = math.Max(size, math.Abs(v))
		}
		for n := range want {
			if !(math.Abs(got[n]-want[n]) <= 1e-11*size) {
				what := "the product with the Jacobian of Δu"
				if k/2 < len(axes) {
					what = fmt.Sprint("the derivative along ", axes[k/2])
				}
				t.Errorf("%s: %s at point %d is %v forward and %v in reverse", network, what, n, got[n], want[n])
			}
		}
	}
}

func TestDerivatives(t *testing.T) {
	// The frequencies of Fourier features are not known to the examples' plain counterparts.
	waves := must(nn.Mapped(must(nn.NewMLP(nn.GELU, 6, 4, 1)), must(nn.Fourier(2, 3, 1, 5))))
	// Shares of experts, by a gate that begins near boxes and bends.
	gate := must(nn.Sum(must(nn.BoxGate(1, []float64{-1, 0.5, 2}, []float64{0, 2})), must(nn.NewMLP(nn.Tanh, 2, 3, 2))))
	networks := []nn.Network{waves, must(nn.Gated(must(nn.NewMLP(nn.Tanh, 2, 4, 1)), 2, gate))}
	for _, e := range examples() {
		networks = append(networks, e.network)
	}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for k, n := range networks {
			axes := [][]int{{0}, {0, 1}, {0, 1, 1}, {0, 0, 1, 1}, {1, 1, 1, 1}}
			if b.Name() == "xla" && k != 2 {
				axes = [][]int{{0}, {0, 1}}
			}
			checkDerivatives(t, b, n, parameters(n), axes...)
		}
	})
}

// TestActivationDerivatives checks values and derivatives to order 4 at zero, against their series there, and that
// nothing overflows far from it, in both directions of differentiation and in float32.
func TestActivationDerivatives(t *testing.T) {
	series := map[nn.Activation][5]float64{ // f⁽ᵏ⁾(0)
		nn.Tanh:     {0, 1, 0, -2, 0},
		nn.Sine:     {0, 1, 0, -1, 0},
		nn.SIREN(3): {0, 3, 0, -27, 0},
		nn.Swish:    {0, 0.5, 0.5, 0, -0.5},
		nn.GELU:     {0, 0.5, math.Sqrt(2 / math.Pi), 0, -2 * math.Sqrt(2/math.Pi)},
		nn.Softplus: {math.Ln2, 0.5, 0.25, 0, -0.125},
		nn.Mish:     {0, 0.6, 0.64, -0.096, -1.1008},
		nn.Sigmoid:  {0.5, 0.25, 0, -0.125, 0},
		// At their kinks these are as from the right.
		nn.ReLU:      {0, 1, 0, 0, 0},
		nn.LeakyReLU: {0, 1, 0, 0, 0},
		nn.ELU:       {0, 1, 0, 0, 0},
		nn.SELU:      {0, 1.0507009873554805, 0, 0, 0},
	}
	points := []float32{0, 20, -20, 500, -500}
	x := make([][]float32, len(points))
	for i, p := range points {
		x[i] = []float32{p}
	}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for activation, want := range series {
			network := must(nn.NewMLP(activation, 1, 1, 1))
			out, err := graph.CallOnceN(b, func(theta, x *graph.Node) []*graph.Node {
				u := network.Apply(theta, x)
				d := autodiff.Of(u, x)
				results := []*graph.Node{u}
				for k := 1; k <= 4; k++ {
					results = append(results, d.Directional(graph.OnesLike(x), k))
				}
				return append(results, graph.Gradient(graph.ReduceAllSum(results[2]), x)[0])
			}, []float32{1, 0, 1, 0}, x) // weights 1, biases 0
			if err != nil {
				t.Fatal(err)
			}
			for k, o := range out {
				values := tensors.MustCopyFlatData[float32](o)
				order := k
				if k == 5 {
					order = 3 // reverse over forward
				}
				if math.Abs(float64(values[0])-want[order]) > 2e-6*math.Max(1, math.Abs(want[order])) {
					t.Errorf("%s: derivative %d at 0 is %v, want %v", activation, order, values[0], want[order])
				}
				for n, v := range values {
					if math.IsNaN(float64(v)) || math.Abs(float64(v)) > 526 {
						t.Errorf("%s: derivative %d at %v is %v", activation, order, points[n], v)
					}
				}
			}
			if activation == nn.Softplus {
				if u := tensors.MustCopyFlatData[float32](out[0]); u[3] != 500 || u[4] != 0 {
					t.Errorf("softplus at ±500 is %v and %v, want 500 and 0", u[3], u[4])
				}
			}
		}
	})
}
