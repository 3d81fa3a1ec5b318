package nn

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// sides are networks of the same points.
type sides struct {
	networks []Network
	blocks   []Block
	params   int
}

// SideBySide makes one network of several that take the same points, such as one for each unknown: its outputs are those of the
// first, then those of the second, and so on, and so are its parameters. Blocks have the number of their network before their
// name, as "2: layer 1 weights".
//
//	u, _ := nn.NewMLP(nn.Tanh, 2, 64, 64, 1)
//	p, _ := nn.NewMLP(nn.Tanh, 2, 16, 1)
//	network, _ := nn.SideBySide(u, p)
//
// It returns an error for no network, one that is nil, and different numbers of inputs.
func SideBySide(networks ...Network) (Network, error) {
	if len(networks) == 0 {
		return nil, errors.New("nn.SideBySide: there are no networks, expected at least one")
	}
	s := &sides{networks: slices.Clone(networks)}
	for i, n := range networks {
		if usercode.Nil(n) {
			return nil, fmt.Errorf("nn.SideBySide: network %d is nil", i+1)
		}
		if err := CheckNetwork(n); err != nil {
			return nil, usercode.First(fmt.Errorf("nn.SideBySide: network %d: %w", i+1, err))
		}
		if n.Inputs() != networks[0].Inputs() {
			return nil, fmt.Errorf("nn.SideBySide: network %d (%s) takes %d inputs, expected %d as the first (%s)", i+1, n, n.Inputs(), networks[0].Inputs(), networks[0])
		}
		for _, b := range n.Blocks() {
			b.Name, b.Offset = fmt.Sprintf("%d: %s", i+1, b.Name), s.params+b.Offset
			s.blocks = append(s.blocks, b)
		}
		s.params += n.NumParams()
	}
	return s, nil
}

// Inputs implements Network.
func (s *sides) Inputs() int { return s.networks[0].Inputs() }

// Outputs implements Network.
func (s *sides) Outputs() int {
	total := 0
	for _, n := range s.networks {
		total += n.Outputs()
	}
	return total
}

// NumParams implements Network.
func (s *sides) NumParams() int { return s.params }

// Blocks implements Network.
func (s *sides) Blocks() []Block { return s.blocks }

// Init implements Network. Networks of the same kind start from different values: their seeds follow each other.
func (s *sides) Init(seed uint64) []float64 {
	theta := make([]float64, 0, s.params)
	for i, n := range s.networks {
		theta = append(theta, n.Init(seed+uint64(i)*seedStep)...)
	}
	return theta
}

// seedStep is far from any step that seeds of several runs would have: 2⁶⁴/φ, odd.
const seedStep = 0x9e3779b97f4a7c15

// Apply implements Network.
func (s *sides) Apply(theta, x *graph.Node) *graph.Node {
	checkTheta(s.String(), theta, s.params)
	checkInput(s.String(), x, s.Inputs())
	var outputs []*graph.Node
	at := 0
	for _, n := range s.networks {
		next := at + n.NumParams()
		outputs = append(outputs, n.Apply(graph.Slice(theta, graph.AxisRange(at, next)), x))
		at = next
	}
	return graph.Concatenate(outputs, 1)
}

func (s *sides) piecewiseLinear() bool {
	return !slices.ContainsFunc(s.networks, func(n Network) bool { return !PiecewiseLinear(n) })
}

// String implements Network.
func (s *sides) String() string {
	var parts []string
	for _, n := range s.networks {
		parts = append(parts, n.String())
	}
	return "[" + strings.Join(parts, " | ") + "]"
}

// MarshalJSON stores the networks, each with its kind.
func (s *sides) MarshalJSON() ([]byte, error) {
	var parts []json.RawMessage
	for _, n := range s.networks {
		text, err := Marshal(n)
		if err != nil {
			return nil, err
		}
		parts = append(parts, text)
	}
	return json.Marshal(parts)
}

// Specification implements Specified.
func (s *sides) Specification() (kind string, data any) { return kindSides, s }

func restoreSides(parts []json.RawMessage) (Network, error) {
	networks := make([]Network, len(parts))
	for i, text := range parts {
		var err error
		if networks[i], err = Unmarshal(text); err != nil {
			return nil, err
		}
	}
	return SideBySide(networks...)
}
