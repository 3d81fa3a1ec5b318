package nn

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// amplified is a network with outputs of other sizes.
type amplified struct {
	Network
	factors []float64
}

// Amplified multiplies each output of a network by a factor, which is about the size of the unknown. Networks start with outputs
// of about 1, and reach much larger ones slowly, if at all.
//
// It returns an error for a network that is nil, and unless there is a finite factor above 0 for each output.
func Amplified(network Network, factors ...float64) (Network, error) {
	if usercode.Nil(network) {
		return nil, errors.New("nn.Amplified: the network is nil")
	}
	if err := CheckNetwork(network); err != nil {
		return nil, usercode.First(fmt.Errorf("nn.Amplified: %w", err))
	}
	if len(factors) != network.Outputs() {
		return nil, fmt.Errorf("nn.Amplified: there are %d factors %v, expected one for each of the %d outputs of the network %s", len(factors), factors, network.Outputs(), network)
	}
	for i, f := range factors {
		if !(f > 0) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("nn.Amplified: factor %d is %v, expected a finite number above 0", i, f)
		}
	}
	return &amplified{network, slices.Clone(factors)}, nil
}

// Apply implements Network.
func (a *amplified) Apply(theta, x *graph.Node) *graph.Node {
	u := a.Network.Apply(theta, x)
	return graph.Mul(u, row(u, a.factors))
}

func (a *amplified) piecewiseLinear() bool { return PiecewiseLinear(a.Network) }

// String implements Network.
func (a *amplified) String() string { return fmt.Sprintf("%s → times %v", a.Network, a.factors) }

// amplifiedData is the stored form.
type amplifiedData struct {
	Factors []float64
	Network nested
}

// Specification implements Specified.
func (a *amplified) Specification() (kind string, data any) {
	return kindAmplified, amplifiedData{a.factors, nested{a.Network}}
}
