package nn

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
)

// ResNet is the residual network of E and Yu 2018, "The deep Ritz method", equation 2.5: an affine layer to the width
// of the blocks, then blocks h ↦ h + σ(W₂σ(W₁h + b₁) + b₂), then an affine layer to the outputs. The zero value is not
// usable; see NewResNet.
type ResNet struct {
	*layered
	lift  affine
	inner [][2]hidden
	last  affine
}

// NewResNet makes a residual network of some blocks of the given width.
//
// It returns an error for inputs, a width, blocks or outputs below one, or an unknown activation.
func NewResNet(activation Activation, inputs, width, blocks, outputs int) (*ResNet, error) {
	const who = "nn.NewResNet"
	if err := atLeastOne(who, "inputs", inputs, "width", width, "blocks", blocks, "outputs", outputs); err != nil {
		return nil, err
	}
	base, err := newLayered(who, fmt.Sprintf("ResNet of %d blocks", blocks), activation, []int{inputs, width, outputs})
	if err != nil {
		return nil, err
	}
	r := &ResNet{layered: base}
	r.lift = r.addAffine("lift", true, inputs, width)
	for b := 1; b <= blocks; b++ {
		r.inner = append(r.inner, [2]hidden{
			r.addHidden(fmt.Sprintf("block %d layer 1", b), false, width, width),
			r.addHidden(fmt.Sprintf("block %d layer 2", b), false, width, width),
		})
	}
	r.last = r.addAffine("last", false, width, outputs)
	return r, nil
}

// WithInitializer returns the network with another distribution of initial weights, or an error if it is unknown.
func (r *ResNet) WithInitializer(initializer Initializer) (*ResNet, error) {
	base, err := r.with(initializer)
	if err != nil {
		return nil, err
	}
	other := *r
	other.layered = base
	return &other, nil
}

// Apply implements Network.
func (r *ResNet) Apply(theta, x *graph.Node) *graph.Node {
	r.check(theta, x)
	h := r.lift.apply(theta, x)
	for _, block := range r.inner {
		h = graph.Add(h, r.hidden(block[1], theta, r.hidden(block[0], theta, h)))
	}
	return r.last.apply(theta, h)
}

func (r *ResNet) piecewiseLinear() bool { return r.nonlinear.linear }

// blocked is the stored form of networks made of blocks.
type blocked struct {
	Inputs, Width, Blocks, Outputs int
	Activation                     Activation
	Initializer                    Initializer
}

// Specification implements Specified.
func (r *ResNet) Specification() (kind string, data any) {
	if r.layered == nil {
		return kindResNet, nil
	}
	return kindResNet, blocked{r.Inputs(), r.widths[1], len(r.inner), r.Outputs(), r.activation, r.initializer}
}

// most is more than there can be of what is built or drawn one by one.
const most = 1 << 24

// atLeastOne takes names and numbers in turn, and returns an error for the first number below one, or above most.
func atLeastOne(who string, namesAndNumbers ...any) error {
	for i := 0; i < len(namesAndNumbers); i += 2 {
		switch v := namesAndNumbers[i+1].(int); {
		case v < 1:
			return fmt.Errorf("%s: %s is %d, expected at least 1", who, namesAndNumbers[i], v)
		case v > most:
			return fmt.Errorf("%s: %s is %d, expected at most %d", who, namesAndNumbers[i], v, most)
		}
	}
	return nil
}
