package nn

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
)

// ModifiedMLP is the network of Wang, Teng and Perdikaris 2021, "Understanding and mitigating gradient flow pathologies
// in physics-informed neural networks", section 2.6. Two encodings of the inputs,
//
//	U = σ(W_u x + b_u),  V = σ(W_v x + b_v),
//
// gate every hidden layer: h_l = (1 − z_l)⊙U + z_l⊙V with z_l = σ(W_l h_{l−1} + b_l) and h_0 = x. (The paper's
// equations leave the first layer without a gate; its authors' code, followed here, does not.) The zero value is not
// usable; see NewModifiedMLP.
type ModifiedMLP struct {
	*layered
	u, v  hidden
	inner []hidden
	last  affine
}

// NewModifiedMLP makes a network of the given layer widths, input and output included: NewModifiedMLP(Tanh, 2, 32, 32,
// 1) has two hidden layers. Hidden layers are of equal width, since all are gated by the same encodings.
//
// It returns an error for no hidden layer, hidden layers of unequal width, a width below one, or an unknown activation.
func NewModifiedMLP(activation Activation, widths ...int) (*ModifiedMLP, error) {
	const who = "nn.NewModifiedMLP"
	base, err := newLayered(who, "modified MLP", activation, widths)
	if err != nil {
		return nil, err
	}
	if len(widths) < 3 {
		return nil, fmt.Errorf("%s: widths are %v, expected at least one hidden layer between the input and the output", who, widths)
	}
	for l, w := range widths[1 : len(widths)-1] {
		if w != widths[1] {
			return nil, fmt.Errorf("%s: hidden layer %d has width %d, expected %d as the first has: all are gated by the same encodings (widths %v)",
				who, l+1, w, widths[1], widths)
		}
	}
	m := &ModifiedMLP{layered: base}
	m.u = m.addHidden("encoding u", true, widths[0], widths[1])
	m.v = m.addHidden("encoding v", true, widths[0], widths[1])
	l := 1
	for ; l < len(widths)-1; l++ {
		m.inner = append(m.inner, m.addHidden(fmt.Sprintf("layer %d", l), l == 1, widths[l-1], widths[l]))
	}
	m.last = m.addAffine(fmt.Sprintf("layer %d", l), false, widths[l-1], widths[l])
	return m, nil
}

// WithInitializer returns the network with another distribution of initial weights, or an error if it is unknown.
func (m *ModifiedMLP) WithInitializer(initializer Initializer) (*ModifiedMLP, error) {
	base, err := m.with(initializer)
	if err != nil {
		return nil, err
	}
	other := *m
	other.layered = base
	return &other, nil
}

// Apply implements Network.
func (m *ModifiedMLP) Apply(theta, x *graph.Node) *graph.Node {
	m.check(theta, x)
	u, v := m.hidden(m.u, theta, x), m.hidden(m.v, theta, x)
	rise := graph.Sub(v, u)
	h := x
	for _, layer := range m.inner {
		h = gate(m.hidden(layer, theta, h), u, rise)
	}
	return m.last.apply(theta, h)
}

// gate is (1−z)⊙U + z⊙V, with one product: U + z⊙(V−U).
func gate(z, u, rise *graph.Node) *graph.Node { return graph.Add(u, graph.Mul(z, rise)) }

// Specification implements Specified.
func (m *ModifiedMLP) Specification() (kind string, data any) { return kindModifiedMLP, m.stored() }
