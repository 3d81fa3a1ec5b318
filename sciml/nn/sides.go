package nn

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// several are networks of the same points, whose parameters follow each other in θ.
type several struct {
	networks []Network
	blocks   []Block
	params   int
}

// severalOf checks what all functions take that make one network of several.
func severalOf(who string, networks []Network) (*several, error) {
	if len(networks) == 0 {
		return nil, errors.New(who + ": there are no networks, expected at least one")
	}
	s := &several{networks: slices.Clone(networks)}
	for i, n := range networks {
		if usercode.Nil(n) {
			return nil, fmt.Errorf("%s: network %d is nil", who, i+1)
		}
		if err := CheckNetwork(n); err != nil {
			return nil, usercode.First(fmt.Errorf("%s: network %d: %w", who, i+1, err))
		}
		if n.Inputs() != networks[0].Inputs() {
			return nil, fmt.Errorf("%s: network %d (%s) takes %d inputs, expected %d as the first (%s)", who, i+1, n, n.Inputs(), networks[0].Inputs(), networks[0])
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
func (s *several) Inputs() int { return s.networks[0].Inputs() }

// NumParams implements Network.
func (s *several) NumParams() int { return s.params }

// Blocks implements Network.
func (s *several) Blocks() []Block { return s.blocks }

// Init implements Network. Networks of the same kind start from different values: their seeds follow each other.
func (s *several) Init(seed uint64) []float64 {
	theta := make([]float64, 0, s.params)
	for i, n := range s.networks {
		theta = append(theta, n.Init(seed+uint64(i)*seedStep)...)
	}
	return theta
}

// seedStep is far from any step that seeds of several runs would have: 2⁶⁴/φ, odd.
const seedStep = 0x9e3779b97f4a7c15

// apply computes the outputs of each, for the network of that name.
func (s *several) apply(name string, theta, x *graph.Node) []*graph.Node {
	checkTheta(name, theta, s.params)
	checkInput(name, x, s.Inputs())
	var outputs []*graph.Node
	at := 0
	for _, n := range s.networks {
		next := at + n.NumParams()
		outputs = append(outputs, n.Apply(graph.Slice(theta, graph.AxisRange(at, next)), x))
		at = next
	}
	return outputs
}

func (s *several) piecewiseLinear() bool {
	return !slices.ContainsFunc(s.networks, func(n Network) bool { return !PiecewiseLinear(n) })
}

// text describes the networks with a sign between them.
func (s *several) text(between string) string {
	var parts []string
	for _, n := range s.networks {
		parts = append(parts, n.String())
	}
	return "[" + strings.Join(parts, " "+between+" ") + "]"
}

// parts are the stored form.
func (s *several) parts() []nested {
	parts := make([]nested, len(s.networks))
	for i, n := range s.networks {
		parts[i] = nested{n}
	}
	return parts
}

// joined makes the networks again, and one of them.
func joined(join func(networks ...Network) (Network, error)) func(parts []nested) (Network, error) {
	return func(parts []nested) (Network, error) {
		networks := make([]Network, len(parts))
		for i, n := range parts {
			networks[i] = n.network
		}
		return join(networks...)
	}
}

// sides are networks side by side.
type sides struct{ *several }

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
	s, err := severalOf("nn.SideBySide", networks)
	if err != nil {
		return nil, err
	}
	return &sides{s}, nil
}

// Outputs implements Network.
func (s *sides) Outputs() int {
	total := 0
	for _, n := range s.networks {
		total += n.Outputs()
	}
	return total
}

// Apply implements Network.
func (s *sides) Apply(theta, x *graph.Node) *graph.Node {
	return graph.Concatenate(s.apply(s.String(), theta, x), 1)
}

// String implements Network.
func (s *sides) String() string { return s.text("|") }

// Specification implements Specified.
func (s *sides) Specification() (kind string, data any) { return kindSides, s.parts() }

// sum is the sum of networks.
type sum struct{ *several }

// Sum adds networks that take the same points and have the same outputs, such as a coarse level and the subdomains of a finer one (Dolean,
// Heinlein, Mishra and Moseley 2024, "Multilevel domain decomposition-based architectures for physics-informed neural networks", arXiv
// 2306.05486). Their parameters follow each other. Blocks have the number of their network before their name, as "2: layer 1 weights".
//
// It returns an error for no network, one that is nil, and different numbers of inputs or of outputs.
func Sum(networks ...Network) (Network, error) {
	s, err := severalOf("nn.Sum", networks)
	if err != nil {
		return nil, err
	}
	for i, n := range networks {
		if n.Outputs() != networks[0].Outputs() {
			return nil, fmt.Errorf("nn.Sum: network %d (%s) has %d outputs, expected %d as the first (%s)", i+1, n, n.Outputs(), networks[0].Outputs(), networks[0])
		}
	}
	return &sum{s}, nil
}

// Outputs implements Network.
func (s *sum) Outputs() int { return s.networks[0].Outputs() }

// Apply implements Network.
func (s *sum) Apply(theta, x *graph.Node) *graph.Node {
	outputs := s.apply(s.String(), theta, x)
	u := outputs[0]
	for _, other := range outputs[1:] {
		u = graph.Add(u, other)
	}
	return u
}

// String implements Network.
func (s *sum) String() string { return s.text("+") }

// Specification implements Specified.
func (s *sum) Specification() (kind string, data any) { return kindSum, s.parts() }
