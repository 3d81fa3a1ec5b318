package nn

import (
	"fmt"
	"math"
	"reflect"
	"slices"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Grow is the prolongation of parameters from a network to a larger one: it returns θ of the larger network with which it is the same function as
// the smaller one with theta, but for rounding (Chen, Goodfellow and Shlens 2016, "Net2Net: accelerating learning via knowledge transfer", arXiv
// 1511.05641, with units that are new rather than copies). New weights are those that the larger network begins with for the seed, but for those
// that carry what is new to what was there, which are zero: so nothing that is new has been decided yet, and its gradient does not vanish.
//
// Larger are networks of the same kind and activation, with
//   - wider hidden layers: MLP, ModifiedMLP, ResNet, PirateNet, and Separable of the same rank;
//   - more blocks: PirateNet, whose new α are zero, and ResNet with an activation that vanishes at zero, whose new second layers are;
//   - the same maps before or factors after them (Mapped, Amplified), the same windows or boxes (Windowed, Subdomains), or as many experts (Gated), each of
//     which grows, and the gate;
//   - more networks of a Sum, of which a network by itself is the first: such as a level of subdomains beside what is the coarse one.
//
// A hidden layer more of an MLP changes the function. Networks side by side grow each by itself.
//
// It returns an error for a network that is nil, a theta of another length or with numbers that are not finite, and networks of which the second is
// not larger than the first in one of these ways.
func Grow(from Network, theta []float64, to Network, seed uint64) ([]float64, error) {
	const who = "nn.Grow"
	for name, n := range map[string]Network{"from": from, "to": to} {
		if usercode.Nil(n) {
			return nil, fmt.Errorf("%s: the network %s is nil", who, name)
		}
		if err := CheckNetwork(n); err != nil {
			return nil, usercode.First(fmt.Errorf("%s: %s: %w", who, name, err))
		}
	}
	if len(theta) != from.NumParams() {
		return nil, fmt.Errorf("%s: theta has %d parameters, expected %d as %s has", who, len(theta), from.NumParams(), from)
	}
	for i, v := range theta {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%s: parameter %d is %v, expected finite numbers", who, i, v)
		}
	}
	grown := to.Init(seed)
	if err := grow(from, theta, to, grown); err != nil {
		return nil, fmt.Errorf("%s: from %s to %s: %w", who, from, to, err)
	}
	return grown, nil
}

// grow puts θ of a network into that of a larger one, which has what it begins with.
func grow(from Network, theta []float64, to Network, grown []float64) error {
	if larger, isSum := to.(*sum); isSum {
		parts := []Network{from}
		if smaller, isSum := from.(*sum); isSum {
			parts = smaller.networks
		}
		if len(parts) > len(larger.networks) {
			return fmt.Errorf("it has %d summands, expected at least %d", len(larger.networks), len(parts))
		}
		return growEach(parts, theta, larger.networks, grown)
	}
	if reflect.TypeOf(from) != reflect.TypeOf(to) {
		return fmt.Errorf("one is a %T and the other a %T, expected two of a kind, or a sum", from, to)
	}
	switch to := to.(type) {
	case *mapped:
		from := from.(*mapped)
		if !reflect.DeepEqual(from.maps, to.maps) {
			return fmt.Errorf("the maps before them differ, expected the same")
		}
		return grow(from.Network, theta, to.Network, grown)
	case *amplified:
		from := from.(*amplified)
		if !slices.Equal(from.factors, to.factors) {
			return fmt.Errorf("the factors %v and %v of the outputs differ, expected the same", from.factors, to.factors)
		}
		return grow(from.Network, theta, to.Network, grown)
	case *sides:
		from := from.(*sides)
		if len(from.networks) != len(to.networks) {
			return fmt.Errorf("there are %d and %d networks side by side, expected as many", len(from.networks), len(to.networks))
		}
		return growEach(from.networks, theta, to.networks, grown)
	case *windowed:
		from := from.(*windowed)
		if !slices.Equal(from.edges, to.edges) || from.order != to.order {
			return fmt.Errorf("the windows, of order %d from %v and of order %d from %v, differ, expected the same", from.order, from.edges, to.order, to.edges)
		}
		return growEach(from.all(), theta, to.all(), grown)
	case *subdomains:
		from := from.(*subdomains)
		if !reflect.DeepEqual(from.edges, to.edges) || from.overlap != to.overlap {
			return fmt.Errorf("the boxes, with the overlap %v between %v and %v between %v, differ, expected the same", from.overlap, from.edges, to.overlap, to.edges)
		}
		return growEach(from.all(), theta, to.all(), grown)
	case *gated:
		from := from.(*gated)
		if from.experts.number != to.experts.number {
			return fmt.Errorf("there are %d and %d experts, expected as many", from.experts.number, to.experts.number)
		}
		return growEach(append(from.experts.all(), from.gate), theta, append(to.experts.all(), to.gate), grown)
	case *boxGate:
		if !reflect.DeepEqual(from.(*boxGate).edges, to.edges) {
			return fmt.Errorf("the boxes of the gate, between %v and %v, differ, expected the same", from.(*boxGate).edges, to.edges)
		}
		copy(grown, theta)
		return nil
	case *Separable:
		from := from.(*Separable)
		if from.rank != to.rank {
			return fmt.Errorf("the ranks are %d and %d, expected the same", from.rank, to.rank)
		}
		return growLayers(from.layered, theta, to.layered, grown)
	case *ResNet:
		from := from.(*ResNet)
		if err := growLayers(from.layered, theta, to.layered, grown); err != nil {
			return err
		}
		for _, block := range to.inner[len(from.inner):] { // it passes on what comes to it
			if to.nonlinear.awayFromZero {
				return fmt.Errorf("the activation %q does not vanish at zero, so that another block changes the function", to.activation)
			}
			block[1].affine.clear(grown)
		}
		return nil
	case interface{ layers() *layered }: // new blocks of a PirateNet pass on what comes to them as they begin
		return growLayers(from.(interface{ layers() *layered }).layers(), theta, to.layers(), grown)
	}
	return fmt.Errorf("a %T is not known to grow", to)
}

func (n *layered) layers() *layered { return n }

// all are the copies.
func (c copies) all() []Network { return slices.Repeat([]Network{c.Network}, c.number) }

// growEach grows networks whose parameters follow each other. Those that there are more of afterwards are silent.
func growEach(from []Network, theta []float64, to []Network, grown []float64) error {
	at, into := 0, 0
	for i, n := range to {
		own := grown[into : into+n.NumParams()]
		var err error
		if i < len(from) {
			err = grow(from[i], theta[at:at+from[i].NumParams()], n, own)
			at += from[i].NumParams()
		} else {
			err = silence(n, own)
		}
		if err != nil {
			return err
		}
		into += n.NumParams()
	}
	return nil
}

// silence makes all outputs of a network zero, by its last layer.
func silence(network Network, theta []float64) error {
	var last affine
	switch n := network.(type) {
	case *MLP:
		last = n.last
	case *ModifiedMLP:
		last = n.last
	case *ResNet:
		last = n.last
	case *PirateNet:
		last = n.last
	case *mapped:
		return silence(n.Network, theta)
	case *amplified:
		return silence(n.Network, theta)
	case *sides:
		return growEach(nil, nil, n.networks, theta)
	case *sum:
		return growEach(nil, nil, n.networks, theta)
	case *windowed:
		return growEach(nil, nil, n.all(), theta)
	case *subdomains:
		return growEach(nil, nil, n.all(), theta)
	case *gated: // its gate may say what it likes
		return growEach(nil, nil, n.experts.all(), theta)
	default:
		return fmt.Errorf("a %T has no last layer that makes its outputs zero without its gradient", n)
	}
	last.clear(theta)
	return nil
}

// clear makes the layer zero.
func (a affine) clear(theta []float64) {
	clear(a.weights.of(theta))
	clear(a.biases.of(theta))
}

// of are a block's parameters in θ.
func (b Block) of(theta []float64) []float64 { return theta[b.Offset : b.Offset+b.Size()] }

// growLayers grows networks of layers block by block.
func growLayers(from *layered, theta []float64, to *layered, grown []float64) error {
	if from.activation != to.activation {
		return fmt.Errorf("the activations are %q and %q, expected the same", from.activation, to.activation)
	}
	if len(from.widths) != len(to.widths) {
		return fmt.Errorf("there are %d and %d layers, expected as many: another one changes the function (a ResNet or PirateNet has blocks that do not)", len(from.widths)-1, len(to.widths)-1)
	}
	if from.Inputs() != to.Inputs() || from.Outputs() != to.Outputs() {
		return fmt.Errorf("they map %d inputs to %d outputs and %d to %d, expected as many", from.Inputs(), from.Outputs(), to.Inputs(), to.Outputs())
	}
	before := map[string]Block{}
	for _, b := range from.blocks {
		before[b.Name] = b
	}
	for _, b := range to.blocks {
		was, there := before[b.Name]
		if !there {
			continue
		}
		delete(before, b.Name)
		for i, d := range b.Dims {
			if d < was.Dims[i] {
				return fmt.Errorf("%s have the shape %v and then %v, expected at least as many", b.Name, was.Dims, b.Dims)
			}
		}
		widen(was, was.of(theta), b, b.of(grown))
	}
	if len(before) > 0 {
		return fmt.Errorf("it has %d blocks of parameters less", len(before))
	}
	return nil
}

// widen puts a block into a larger one: weights [in, out], or [d, in, out], and others by columns.
func widen(was Block, from []float64, b Block, into []float64) {
	rows, columns := 1, b.Dims[len(b.Dims)-1]
	oldRows, oldColumns := 1, was.Dims[len(was.Dims)-1]
	if len(b.Dims) > 1 {
		rows, oldRows = b.Dims[len(b.Dims)-2], was.Dims[len(was.Dims)-2]
	}
	for k := range b.Size() / (rows * columns) {
		for i := range rows {
			row := into[(k*rows+i)*columns:][:oldColumns]
			if i < oldRows {
				copy(row, from[(k*oldRows+i)*oldColumns:])
			} else { // from what is new to what was there
				clear(row)
			}
		}
	}
}
