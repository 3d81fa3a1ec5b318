package nn

import (
	"fmt"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"
)

// PirateNet is the physics-informed residual adaptive network of Wang, Li, Chen and Perdikaris 2024, "PirateNets:
// physics-informed deep learning with residual adaptive networks", equations 4.1 to 4.7. Encodings U, V gate each block
// as in ModifiedMLP, and a trainable α leads around it:
//
//	f = σ(W₁x + b₁),   z₁ = f⊙U + (1−f)⊙V
//	g = σ(W₂z₁ + b₂),  z₂ = g⊙U + (1−g)⊙V
//	h = σ(W₃z₂ + b₃),  x ↦ αh + (1−α)x
//
// α starts at zero: the network is linear in its inputs at first and becomes deep as it is trained. It is meant to
// follow an embedding, see Fourier and Mapped; blocks keep the dimension of the inputs. The zero value is not usable;
// see NewPirateNet.
type PirateNet struct {
	*layered
	u, v  hidden
	inner []pirateBlock
	last  affine
}

type pirateBlock struct {
	one, two, three hidden
	alpha           Block
}

// NewPirateNet makes a network of some blocks, with gated layers of the given width.
//
// It returns an error for inputs, a width, blocks or outputs below one, or an unknown activation.
func NewPirateNet(activation Activation, inputs, width, blocks, outputs int) (*PirateNet, error) {
	const who = "nn.NewPirateNet"
	if err := atLeastOne(who, "inputs", inputs, "width", width, "blocks", blocks, "outputs", outputs); err != nil {
		return nil, err
	}
	base, err := newLayered(who, fmt.Sprintf("PirateNet of %d blocks", blocks), activation, []int{inputs, width, outputs})
	if err != nil {
		return nil, err
	}
	p := &PirateNet{layered: base}
	p.u = p.addHidden("encoding u", true, inputs, width)
	p.v = p.addHidden("encoding v", true, inputs, width)
	for b := 1; b <= blocks; b++ {
		p.inner = append(p.inner, pirateBlock{
			one:   p.addHidden(fmt.Sprintf("block %d layer 1", b), b == 1, inputs, width),
			two:   p.addHidden(fmt.Sprintf("block %d layer 2", b), false, width, width),
			three: p.addHidden(fmt.Sprintf("block %d layer 3", b), false, width, inputs),
			alpha: p.add(fmt.Sprintf("block %d alpha", b), func([]float64, *layered, *rand.Rand) {}, 1),
		})
	}
	p.last = p.addAffine("last", false, inputs, outputs)
	return p, nil
}

// WithInitializer returns the network with another distribution of initial weights, or an error if it is unknown.
func (p *PirateNet) WithInitializer(initializer Initializer) (*PirateNet, error) {
	base, err := p.with(initializer)
	if err != nil {
		return nil, err
	}
	other := *p
	other.layered = base
	return &other, nil
}

// Apply implements Network.
func (p *PirateNet) Apply(theta, x *graph.Node) *graph.Node {
	p.check(theta, x)
	u, v := p.hidden(p.u, theta, x), p.hidden(p.v, theta, x)
	rise := graph.Sub(u, v)
	for _, b := range p.inner {
		z := gate(p.hidden(b.one, theta, x), v, rise)
		z = gate(p.hidden(b.two, theta, z), v, rise)
		h := p.hidden(b.three, theta, z)
		x = graph.Add(x, graph.Mul(graph.Sub(h, x), graph.Reshape(b.alpha.From(theta))))
	}
	return p.last.apply(theta, x)
}

// Specification implements Specified.
func (p *PirateNet) Specification() (kind string, data any) {
	if p.layered == nil {
		return kindPirateNet, nil
	}
	return kindPirateNet, blocked{p.Inputs(), p.widths[1], len(p.inner), p.Outputs(), p.activation, p.initializer}
}
