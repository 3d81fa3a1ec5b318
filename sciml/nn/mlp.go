package nn

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
)

// MLP is a fully connected network: x ↦ W_L σ(… σ(W₁x + b₁) …) + b_L. The zero value is not usable; see NewMLP.
type MLP struct {
	*layered
	inner []hidden
	last  affine
}

// NewMLP makes a network of the given layer widths, input and output included: NewMLP(Tanh, 2, 32, 32, 1) maps two
// coordinates to one unknown through two hidden layers of 32. Weights start Glorot normal, or with SIREN as that asks.
//
// It returns an error for fewer than two widths, a width below one, or an unknown activation.
func NewMLP(activation Activation, widths ...int) (*MLP, error) {
	base, err := newLayered("nn.NewMLP", "MLP", activation, widths)
	if err != nil {
		return nil, err
	}
	m := &MLP{layered: base}
	l := 1
	for ; l < len(widths)-1; l++ {
		m.inner = append(m.inner, m.addHidden(fmt.Sprintf("layer %d", l), l == 1, widths[l-1], widths[l]))
	}
	m.last = m.addAffine(fmt.Sprintf("layer %d", l), l == 1, widths[l-1], widths[l])
	return m, nil
}

// WithInitializer returns the network with another distribution of initial weights, or an error if it is unknown.
func (m *MLP) WithInitializer(initializer Initializer) (*MLP, error) {
	base, err := m.with(initializer)
	if err != nil {
		return nil, err
	}
	return &MLP{layered: base, inner: m.inner, last: m.last}, nil
}

// Apply implements Network.
func (m *MLP) Apply(theta, x *graph.Node) *graph.Node {
	m.check(theta, x)
	h := x
	for _, layer := range m.inner {
		h = m.hidden(layer, theta, h)
	}
	return m.last.apply(theta, h)
}

func (m *MLP) piecewiseLinear() bool { return m.nonlinear.linear && len(m.inner) > 0 }

// Specification implements Specified.
func (m *MLP) Specification() (kind string, data any) { return kindMLP, m.stored() }
