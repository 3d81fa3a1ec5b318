package nn_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
)

var activations = map[nn.Activation]func(float64) float64{
	nn.Tanh:  math.Tanh,
	nn.Sine:  math.Sin,
	nn.Swish: func(v float64) float64 { return v / (1 + math.Exp(-v)) },
	nn.GELU:  func(v float64) float64 { return v * 0.5 * (1 + math.Erf(v/math.Sqrt2)) },

	nn.SiLU:      func(v float64) float64 { return v / (1 + math.Exp(-v)) },
	nn.Mish:      func(v float64) float64 { return v * math.Tanh(math.Log1p(math.Exp(v))) },
	nn.Sigmoid:   func(v float64) float64 { return 1 / (1 + math.Exp(-v)) },
	nn.ReLU:      func(v float64) float64 { return max(v, 0) },
	nn.LeakyReLU: func(v float64) float64 { return max(v, 0.01*v) },
	nn.ELU:       func(v float64) float64 { return max(v, math.Expm1(min(v, 0))) },
	nn.SELU: func(v float64) float64 {
		return 1.0507009873554805 * (max(v, 0) + 1.6732632423543772*math.Expm1(min(v, 0)))
	},
	"Leaky ReLU": func(v float64) float64 { return max(v, 0.01*v) }, // another spelling
}

func mustMLP(t *testing.T, activation nn.Activation, widths ...int) *nn.MLP {
	t.Helper()
	m, err := nn.NewMLP(activation, widths...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// forward is the network in plain Go: weights of a layer as rows of inputs, then its biases.
func forward(theta []float64, widths []int, activation func(float64) float64, x []float64) []float64 {
	for l := 1; l < len(widths); l++ {
		in, out := widths[l-1], widths[l]
		weights, biases := theta[:in*out], theta[in*out:in*out+out]
		theta = theta[in*out+out:]
		y := slices.Clone(biases)
		for i := range in {
			v := x[i]
			if l > 1 {
				v = activation(v)
			}
			for o := range out {
				y[o] += v * weights[i*out+o]
			}
		}
		x = y
	}
	return x
}

func TestApply(t *testing.T) {
	widths := []int{2, 5, 3, 2}
	points := [][]float64{{0.1, -0.7}, {1.3, 0.2}, {-2, 3}}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for activation, f := range activations {
			m := mustMLP(t, activation, widths...)
			theta := m.Init(4)
			for i := range theta {
				theta[i] += 0.1 * float64(i%3) // so that biases matter
			}
			out, err := graph.CallOnce(b, m.Apply, theta, points)
			if err != nil {
				t.Fatal(err)
			}
			got := out.Value().([][]float64)
			for n, p := range points {
				for k, want := range forward(theta, widths, f, p) {
					if math.Abs(got[n][k]-want) > 1e-13 {
						t.Errorf("%s: output %d at point %d is %v, want %v", m, k, n, got[n][k], want)
					}
				}
			}
		}
	})
}

func TestApplyWithoutHiddenLayer(t *testing.T) {
	m := mustMLP(t, nn.Tanh, 3, 1)
	out, err := graph.CallOnce(backendtest.Best(t), m.Apply, []float64{1, 2, 3, 10}, [][]float64{{1, 1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	if got := tensors.MustCopyFlatData[float64](out); got[0] != 16 {
		t.Errorf("the affine map gives %v, want 16", got)
	}
}

func TestBlocksPartitionTheta(t *testing.T) {
	m := mustMLP(t, nn.Sine, 2, 7, 5, 3)
	if want := 2*7 + 7 + 7*5 + 5 + 5*3 + 3; m.NumParams() != want {
		t.Errorf("%s has %d parameters, want %d", m, m.NumParams(), want)
	}
	next := 0
	names := map[string]bool{}
	for _, b := range m.Blocks() {
		if b.Offset != next {
			t.Errorf("block %q starts at %d, want %d", b.Name, b.Offset, next)
		}
		names[b.Name] = true
		next += b.Size()
	}
	if next != m.NumParams() || len(names) != 6 {
		t.Errorf("blocks end at %d of %d, with %d names, want 6", next, m.NumParams(), len(names))
	}
	if got := m.String(); got != "MLP 2-7-5-3 sin" {
		t.Errorf("String is %q", got)
	}
	if m.Inputs() != 2 || m.Outputs() != 3 || m.Activation() != nn.Sine {
		t.Errorf("%s says %d inputs, %d outputs, %s", m, m.Inputs(), m.Outputs(), m.Activation())
	}
	m.Widths()[0] = 99
	if m.Inputs() != 2 {
		t.Error("a caller can change the network through Widths")
	}
}

func TestBlockFrom(t *testing.T) {
	b := nn.Block{Offset: 1, Dims: []int{2, 3}}
	out, err := graph.CallOnce(backendtest.Best(t), func(theta *graph.Node) *graph.Node { return b.From(theta) }, []float64{0, 1, 2, 3, 4, 5, 6, 7})
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Value().([][]float64); !slices.Equal(got[0], []float64{1, 2, 3}) || !slices.Equal(got[1], []float64{4, 5, 6}) {
		t.Errorf("the block is %v, want rows of consecutive entries", got)
	}
}

func TestInit(t *testing.T) {
	m := mustMLP(t, nn.Tanh, 40, 60, 1)
	theta := m.Init(7)
	if !slices.Equal(theta, m.Init(7)) {
		t.Error("the same seed gives other parameters")
	}
	if slices.Equal(theta, m.Init(8)) {
		t.Error("another seed gives the same parameters")
	}
	first, bias := m.Blocks()[0], m.Blocks()[1]
	mean, square := 0.0, 0.0
	for _, w := range theta[:first.Size()] {
		mean += w / 2400
		square += w * w / 2400
	}
	// The relative deviation of a variance from 2400 numbers is √(2/2400) ≈ 0.03.
	if want := 2.0 / 100; math.Abs(square/want-1) > 0.1 || math.Abs(mean) > 0.01 {
		t.Errorf("weights have mean %v and variance %v, want 0 and %v (Glorot)", mean, square, want)
	}
	for _, v := range theta[bias.Offset : bias.Offset+bias.Size()] {
		if v != 0 {
			t.Errorf("a bias starts at %v, want 0", v)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		activation nn.Activation
		widths     []int
		words      []string
	}{
		{nn.Tanh, nil, []string{"widths", "at least"}},
		{nn.Tanh, []int{2}, []string{"[2]", "input and an output"}},
		{nn.Tanh, []int{2, 0, 1}, []string{"width 0 of layer 1"}},
		{nn.Tanh, []int{2, 3, -1}, []string{"width -1 of layer 2"}},
		{"step", []int{2, 1}, []string{`"step"`, `"tanh"`, `"gelu"`}},
	} {
		m, err := nn.NewMLP(c.activation, c.widths...)
		if err == nil || m != nil {
			t.Errorf("NewMLP(%q, %v) gives %v, %v, want an error and no network", c.activation, c.widths, m, err)
			continue
		}
		for _, word := range c.words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("NewMLP(%q, %v): %q does not mention %q", c.activation, c.widths, err, word)
			}
		}
	}
}

func TestApplyErrors(t *testing.T) {
	m := mustMLP(t, nn.Tanh, 2, 3, 1)
	theta := m.Init(1)
	for _, c := range []struct {
		theta, x any
		words    []string
	}{
		{theta[1:], [][]float64{{1, 2}}, []string{"13 parameters", "theta of shape [13]"}},
		{[][]float64{theta}, [][]float64{{1, 2}}, []string{"theta of shape [13]"}},
		{theta, [][]float64{{1, 2, 3}}, []string{"[N, 2]"}},
		{theta, []float64{1, 2}, []string{"[N, 2]"}},
	} {
		_, err := graph.CallOnce(backendtest.Best(t), m.Apply, c.theta, c.x)
		if err == nil {
			t.Errorf("no error, want one that mentions %q", c.words)
			continue
		}
		for _, word := range c.words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%q does not mention %q", err, word)
			}
		}
	}
}

// TestPiecewiseLinear: networks are told by their second derivatives.
func TestPiecewiseLinear(t *testing.T) {
	relu := must(nn.NewMLP(nn.ReLU, 2, 5, 1))
	scale, waves := must(nn.Scale([]float64{0, 0}, []float64{1, 2})), must(nn.Fourier(2, 1, 1, 0))
	smooth := mustMLP(t, nn.Tanh, 2, 5, 1)
	for _, c := range []struct {
		network nn.Network
		want    bool
	}{
		{relu, true},
		{must(nn.NewMLP(nn.Adaptive("LeakyReLU", 2), 2, 5, 5, 1)), true},
		{must(nn.NewResNet(nn.ReLU, 2, 5, 2, 1)), true},
		{must(nn.Mapped(relu, scale)), true},
		{must(nn.Mapped(relu, waves)), false},
		{must(nn.NewModifiedMLP(nn.ReLU, 2, 5, 5, 1)), false}, // multiplies pieces
		{must(nn.SideBySide(relu, relu)), true},
		{must(nn.SideBySide(relu, smooth)), false}, // of which the first may be what has first derivatives only
		{smooth, false},
		{must(nn.NewMLP(nn.ELU, 2, 5, 1)), false},
		{must(nn.NewMLP(nn.ReLU, 2, 1)), false}, // linear as a whole, on purpose
		{nil, false},
	} {
		if got := nn.PiecewiseLinear(c.network); got != c.want {
			t.Errorf("%v: piecewise linear is %v, want %v", c.network, got, c.want)
		}
	}
}
