package nn

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// gated are experts with weights of their own, and the network that shares the points out among them.
type gated struct {
	experts copies
	gate    Network
}

// Gated is several networks of one kind, the experts, each with weights of its own, and a network that says how much each of them counts where, which is
// trained with them: an augmented PINN (Hu, Jagtap, Karniadakis and Kawaguchi 2022, "Augmented physics-informed neural networks (APINNs): a gating
// network-based soft domain decomposition methodology", arXiv 2211.08939, without weights that the experts share),
//
//	u(x) = Σⱼ gⱼ(x) Nⱼ(x),   g = softmax(G(x)),   Σⱼ gⱼ = 1.
//
// The gate G takes the points too, and has an output for each expert. Unlike the boxes of Subdomains, which stay, and which see themselves stretched to the whole,
// experts see the points as they are, and their shares are smooth everywhere. A gate that begins near given boxes is BoxGate.
//
//	expert, _ := nn.NewMLP(nn.Tanh, 2, 16, 16, 1)
//	gate, _ := nn.NewMLP(nn.Tanh, 2, 8, 4)
//	network, _ := nn.Gated(expert, 4, gate)
//
// θ has the weights of the experts, one after the other, and then those of the gate; experts start from different values. Every expert is computed at every
// point. It returns an error for a network that is nil, a number of experts below one, and a gate with other inputs, or not as many outputs as there are experts.
func Gated(expert Network, experts int, gate Network) (Network, error) {
	const who = "nn.Gated"
	for name, n := range map[string]Network{"expert": expert, "gate": gate} {
		if usercode.Nil(n) {
			return nil, errors.New(who + ": the " + name + " is nil")
		}
		if err := CheckNetwork(n); err != nil {
			return nil, usercode.First(fmt.Errorf("%s: %s: %w", who, name, err))
		}
	}
	if err := atLeastOne(who, "experts", experts); err != nil {
		return nil, err
	}
	if gate.Inputs() != expert.Inputs() {
		return nil, fmt.Errorf("%s: the gate (%s) takes %d inputs, expected %d as an expert (%s)", who, gate, gate.Inputs(), expert.Inputs(), expert)
	}
	if gate.Outputs() != experts {
		return nil, fmt.Errorf("%s: the gate (%s) has %d outputs, expected one for each of %d experts", who, gate, gate.Outputs(), experts)
	}
	return &gated{copies{expert, experts, "expert"}, gate}, nil
}

// Inputs implements Network.
func (g *gated) Inputs() int { return g.experts.Inputs() }

// Outputs implements Network.
func (g *gated) Outputs() int { return g.experts.Outputs() }

// NumParams implements Network.
func (g *gated) NumParams() int { return g.experts.NumParams() + g.gate.NumParams() }

// Blocks implements Network.
func (g *gated) Blocks() []Block {
	all := g.experts.Blocks()
	for _, b := range g.gate.Blocks() {
		b.Name, b.Offset = "gate, "+b.Name, g.experts.NumParams()+b.Offset
		all = append(all, b)
	}
	return all
}

// Init implements Network.
func (g *gated) Init(seed uint64) []float64 {
	return slices.Concat(g.experts.differently(seed), g.gate.Init(seed+uint64(g.experts.number)*seedStep))
}

// Apply implements Network.
func (g *gated) Apply(theta, x *graph.Node) *graph.Node {
	checkTheta(g.String(), theta, g.NumParams())
	checkInput(g.String(), x, g.Inputs())
	p, n := g.experts.NumParams(), x.Shape().Dimensions[0]
	shares := graph.Transpose(graph.Softmax(g.gate.Apply(graph.Slice(theta, graph.AxisRangeToEnd(p)), x)), 0, 1)
	return g.experts.sum(graph.Slice(theta, graph.AxisRange(0, p)), func(from, to int, network func(x *graph.Node) *graph.Node) *graph.Node {
		k := to - from
		u := network(graph.BroadcastToDims(graph.ExpandAxes(x, 0), k, n, g.Inputs()))
		share := graph.ExpandAxes(graph.Slice(shares, graph.AxisRange(from, to)), 2)
		return graph.Mul(u, graph.BroadcastToShape(share, u.Shape()))
	})
}

func (g *gated) piecewiseLinear() bool {
	return PiecewiseLinear(g.experts.Network) && g.experts.number == 1
}

// String implements Network.
func (g *gated) String() string {
	return fmt.Sprintf("%d experts %s, gated by %s", g.experts.number, g.experts.Network, g.gate)
}

// gatedData is the stored form.
type gatedData struct {
	Experts      int
	Expert, Gate nested
}

// Specification implements Specified.
func (g *gated) Specification() (kind string, data any) {
	return kindGated, gatedData{g.experts.number, nested{g.experts.Network}, nested{g.gate}}
}

// boxGate is an affine layer that begins with given values.
type boxGate struct {
	Network // after a scale
	overlap float64
	edges   [][]float64
}

// steepness is the slope of a gate where a zone is one wide: over the zone a share goes from 0.02 to 0.98.
const steepness = 8

// BoxGate is a gate for Gated with as many experts as there are boxes between the edges, in the order of Subdomains: an affine layer that begins, for
// any seed, such that the share of an expert is near one in its box and near zero outside, and is free to go elsewhere. Along each coordinate
// Gₖ = s(kx − e₁ − … − eₖ) with the inner edges e, so that shares of neighbours are a logistic function of s(x − eₖ) around the edge between them; boxes
// in several coordinates have the sum. At the narrowest box shares go from 0.02 to 0.98 over a zone as wide as overlap times that box,
// which makes s. Boundaries that bend take one with hidden layers beside it:
//
//	straight, _ := nn.BoxGate(0.5, []float64{0, 0.5, 1}, []float64{0, 0.5, 1})
//	bends, _ := nn.NewMLP(nn.Tanh, 2, 8, 4)
//	gate, _ := nn.Sum(straight, bends)
//
// Gates that imitate a decomposition before the training are the paper's too, which trains them to. It returns an error for edges that are not
// finite or do not grow, or none, and an overlap that is not above 0 and at most 1.
func BoxGate(overlap float64, edges ...[]float64) (Network, error) {
	const who = "nn.BoxGate"
	if len(edges) == 0 {
		return nil, errors.New(who + ": there are no edges, expected some for each coordinate")
	}
	if !(overlap > 0 && overlap <= 1) {
		return nil, fmt.Errorf("%s: the overlap is %v, expected a number above 0 and at most 1, of the narrowest box", who, overlap)
	}
	own, boxes, err := checkEdges(who, edges)
	if err != nil {
		return nil, err
	}
	lo, hi := make([]float64, len(own)), make([]float64, len(own))
	for i, e := range own {
		lo[i], hi[i] = e[0], e[len(e)-1]
	}
	affine, err := NewMLP(Tanh, len(own), boxes) // without a hidden layer, and so without tanh
	if err != nil {
		return nil, fmt.Errorf("%s: %w", who, err)
	}
	unit, err := Scale(lo, hi)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", who, err)
	}
	network, err := Mapped(affine, unit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", who, err)
	}
	return &boxGate{network, overlap, own}, nil
}

// Init implements Network.
func (g *boxGate) Init(uint64) []float64 {
	boxes := g.Outputs()
	theta := make([]float64, g.NumParams())
	weights, biases := theta[:len(g.edges)*boxes], theta[len(g.edges)*boxes:]
	each := boxes // of them share a place along the coordinate
	for i, edges := range g.edges {
		count := len(edges) - 1
		each /= count
		half, narrowest := (edges[count]-edges[0])/2, edges[1]-edges[0]
		for k := range count {
			narrowest = min(narrowest, edges[k+1]-edges[k])
		}
		slope := steepness / (g.overlap * narrowest / half)
		for box := range boxes {
			place := box / each % count
			weights[i*boxes+box] = slope * float64(place)
			for _, e := range edges[1 : place+1] {
				biases[box] -= slope * ((e-edges[0])/half - 1)
			}
		}
	}
	return theta
}

// String implements Network.
func (g *boxGate) String() string {
	return fmt.Sprintf("gate for boxes %v", counts(g.edges))
}

// boxGateData is the stored form.
type boxGateData struct {
	Overlap float64
	Edges   [][]float64
}

// Specification implements Specified.
func (g *boxGate) Specification() (kind string, data any) {
	return kindBoxGate, boxGateData{g.overlap, g.edges}
}
