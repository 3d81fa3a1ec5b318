package nn

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
)

// Activation names an element-wise nonlinearity. It is a name rather than a function so that a network can be saved.
type Activation string

// The activations. A second-order PDE needs one with two derivatives that do not vanish, which rules out ReLU.
const (
	Tanh  Activation = "tanh"
	Sine  Activation = "sin"
	Swish Activation = "swish"
	GELU  Activation = "gelu"
)

var activations = map[Activation]func(*graph.Node) *graph.Node{
	Tanh:  graph.Tanh,
	Sine:  graph.Sin,
	Swish: func(x *graph.Node) *graph.Node { return graph.Mul(x, graph.Logistic(x)) },
	// Written out: the back ends' fused form has no derivative rule.
	GELU: func(x *graph.Node) *graph.Node {
		return graph.Mul(x, graph.MulScalar(graph.OnePlus(graph.Erf(graph.MulScalar(x, 0.7071067811865476))), 0.5))
	},
}

// MLP is a fully connected network: x ↦ W_L σ(… σ(W₁x + b₁) …) + b_L. The zero value is not usable; see NewMLP.
type MLP struct {
	widths     []int
	activation Activation
	blocks     []Block
	params     int
}

// NewMLP makes a network of the given layer widths, input and output included: NewMLP(Tanh, 2, 32, 32, 1) maps two
// coordinates to one unknown through two hidden layers of 32. Weights start Glorot normal, biases zero.
//
// It returns an error for fewer than two widths, a width below one, or an unknown activation.
func NewMLP(activation Activation, widths ...int) (*MLP, error) {
	if len(widths) < 2 {
		return nil, fmt.Errorf("nn.NewMLP: widths are %v, expected at least an input and an output width", widths)
	}
	for i, w := range widths {
		if w < 1 {
			return nil, fmt.Errorf("nn.NewMLP: width %d of layer %d, expected at least 1 (widths %v)", w, i, widths)
		}
	}
	if activations[activation] == nil {
		return nil, fmt.Errorf("nn.NewMLP: activation %q is unknown, expected one of %q, %q, %q, %q", activation, Tanh, Sine, Swish, GELU)
	}
	m := &MLP{widths: append([]int(nil), widths...), activation: activation}
	add := func(name string, dims ...int) {
		b := Block{Name: name, Offset: m.params, Dims: dims}
		m.blocks = append(m.blocks, b)
		m.params += b.Size()
	}
	for l := 1; l < len(widths); l++ {
		add(fmt.Sprintf("layer %d weights", l), widths[l-1], widths[l])
		add(fmt.Sprintf("layer %d biases", l), widths[l])
	}
	return m, nil
}

// Inputs implements Network.
func (m *MLP) Inputs() int { return m.widths[0] }

// Outputs implements Network.
func (m *MLP) Outputs() int { return m.widths[len(m.widths)-1] }

// NumParams implements Network.
func (m *MLP) NumParams() int { return m.params }

// Blocks implements Network.
func (m *MLP) Blocks() []Block { return m.blocks }

// Activation is the network's nonlinearity.
func (m *MLP) Activation() Activation { return m.activation }

// Widths are the layer widths, input and output included.
func (m *MLP) Widths() []int { return append([]int(nil), m.widths...) }

// String implements Network.
func (m *MLP) String() string {
	return fmt.Sprintf("MLP %s %s", strings.Trim(strings.ReplaceAll(fmt.Sprint(m.widths), " ", "-"), "[]"), m.activation)
}

// Init implements Network.
func (m *MLP) Init(seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 0))
	theta := make([]float64, m.params)
	for _, b := range m.blocks {
		if len(b.Dims) == 2 {
			glorot(theta[b.Offset:b.Offset+b.Size()], b.Dims[0], b.Dims[1], rng)
		}
	}
	return theta
}

// Apply implements Network.
func (m *MLP) Apply(theta, x *graph.Node) *graph.Node {
	checkTheta(m.String(), theta, m.params)
	checkInput(m.String(), x, m.Inputs())
	h := x
	for l := 0; l < len(m.blocks); l += 2 {
		weights, biases := m.blocks[l].From(theta), m.blocks[l+1].From(theta)
		if l > 0 {
			h = activations[m.activation](h)
		}
		h = graph.MatMul(h, weights)
		h = graph.Add(h, graph.BroadcastToShape(graph.ExpandAxes(biases, 0), h.Shape()))
	}
	return h
}
