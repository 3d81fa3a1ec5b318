package nn

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Map is a fixed map of points, without parameters, that comes before a network. See Mapped.
type Map interface {
	// Inputs and Outputs are the numbers of coordinates before and after.
	Inputs() int
	Outputs() int
	// Apply maps points of shape [N, Inputs] to shape [N, Outputs]. It is a graph-building function.
	Apply(x *graph.Node) *graph.Node
	// String describes the map, for example "scale [0 0]…[1 1]".
	String() string
}

// mapped is a network after maps.
type mapped struct {
	Network
	maps []Map
}

// Mapped puts maps before a network: they are applied to the points in the order given.
//
//	scale, _ := nn.Scale([]float64{0, 0}, []float64{1, 4})
//	waves, _ := nn.Fourier(2, 64, 1, 0)
//	mlp, _ := nn.NewMLP(nn.Tanh, 128, 64, 1)
//	network, _ := nn.Mapped(mlp, scale, waves)
//
// It returns an error when the outputs of one are not the inputs of the next.
func Mapped(network Network, maps ...Map) (Network, error) {
	if usercode.Nil(network) {
		return nil, errors.New("nn.Mapped: the network is nil")
	}
	if err := CheckNetwork(network); err != nil {
		return nil, usercode.First(fmt.Errorf("nn.Mapped: %w", err))
	}
	if len(maps) == 0 {
		return network, nil
	}
	for i, m := range maps {
		if usercode.Nil(m) {
			return nil, fmt.Errorf("nn.Mapped: map %d is nil", i)
		}
		next, takes := fmt.Sprint("the network ", network), network.Inputs()
		if i+1 < len(maps) && !usercode.Nil(maps[i+1]) {
			next, takes = fmt.Sprintf("map %d (%s)", i+1, maps[i+1]), maps[i+1].Inputs()
		}
		if m.Outputs() != takes {
			return nil, fmt.Errorf("nn.Mapped: map %d (%s) has %d outputs, but %s takes %d inputs", i, m, m.Outputs(), next, takes)
		}
	}
	return &mapped{network, append([]Map(nil), maps...)}, nil
}

// Inputs implements Network.
func (m *mapped) Inputs() int { return m.maps[0].Inputs() }

// Apply implements Network.
func (m *mapped) Apply(theta, x *graph.Node) *graph.Node {
	checkInput(m.String(), x, m.Inputs())
	for _, f := range m.maps {
		x = f.Apply(x)
	}
	return m.Network.Apply(theta, x)
}

func (m *mapped) piecewiseLinear() bool {
	curved := func(f Map) bool { _, affine := f.(*scale); return !affine }
	return PiecewiseLinear(m.Network) && !slices.ContainsFunc(m.maps, curved)
}

// String implements Network.
func (m *mapped) String() string {
	var parts []string
	for _, f := range m.maps {
		parts = append(parts, f.String())
	}
	return strings.Join(append(parts, m.Network.String()), " → ")
}
