package nn

import (
	"slices"
	"strings"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Parts are the numbers of parameters of the parts that a network is made of, in the order of θ, all together NumParams: of each box of Subdomains, each window
// of Windowed, the experts and the gate of Gated, and the networks of Sum and SideBySide, each of which has its own parts; also after maps and before factors
// (Mapped, Amplified). So a coarse network beside subdomains is one part, and the boxes are one each. Any other network is one. They are what
// optim.BlockDiagonal takes as Groups, for methods of domain decomposition; θ of an inverse problem
// has the coefficients after them, which make a group more. For what CheckNetwork refuses there are none.
func Parts(network Network) []int {
	if CheckNetwork(network) != nil {
		return nil
	}
	switch n := network.(type) {
	case *mapped:
		return Parts(n.Network)
	case *amplified:
		return Parts(n.Network)
	case *subdomains:
		return n.sizes()
	case *windowed:
		return n.sizes()
	case *gated:
		return append(n.experts.sizes(), n.gate.NumParams())
	case *sum:
		return n.sizes()
	case *sides:
		return n.sizes()
	}
	return []int{network.NumParams()}
}

// sizes are those of the copies, each as a whole.
func (c copies) sizes() []int { return slices.Repeat([]int{c.Network.NumParams()}, c.number) }

// sizes are those of the parts of all networks.
func (s *several) sizes() []int {
	var all []int
	for _, n := range s.networks {
		all = append(all, Parts(n)...)
	}
	return all
}

// Layers are the numbers of parameters of the layers of a network, in the order of θ, all together NumParams: the weights, biases and slope of a layer are
// together, those of each box, window or expert by themselves, while the networks of a Separable's coordinates, which lie side by side in θ, have each layer together. Any
// other block of parameters, such as an α of a PirateNet, is by itself. A network whose Blocks are not all of θ in order is one layer; for what CheckNetwork refuses there are none.
func Layers(network Network) []int {
	if CheckNetwork(network) != nil {
		return nil
	}
	var blocks []Block
	params := network.NumParams()
	whole := []int{params}
	if err := usercode.Call("Blocks of "+network.String(), func() error { blocks = network.Blocks(); return nil }); err != nil {
		return whole
	}
	var sizes []int
	next, last := 0, ""
	for _, b := range blocks {
		layer, size := layerOf(b.Name), b.Size()
		if b.Offset != next || size < 1 || size > params-next {
			return whole
		}
		if layer != "" && layer == last {
			sizes[len(sizes)-1] += size
		} else {
			sizes = append(sizes, size)
		}
		next, last = next+size, layer
	}
	if next != params {
		return whole
	}
	return sizes
}

// layerOf is the layer that a block belongs to, by its name: of this package, or of a GoMLX model. It is empty for none.
func layerOf(name string) string {
	for _, separator := range []string{" ", "/"} {
		for _, what := range []string{"weights", "biases", "slope"} {
			if layer, is := strings.CutSuffix(name, separator+what); is {
				return layer
			}
		}
	}
	return ""
}
