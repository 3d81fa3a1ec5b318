// Package nn builds networks as GoMLX graph functions of one flat parameter vector θ.
//
// A flat θ is what optimizers work on: quasi-Newton updates, Gauss–Newton products and preconditioners are linear
// algebra on vectors of length P. Blocks tells which part of θ is which weight, for methods that use the layers.
//
// The networks are MLP, ModifiedMLP, ResNet and PirateNet, and Separable for many dimensions, with any Activation and Initializer.
// Mapped puts fixed maps of the inputs before any of them: Scale, Fourier, Periodic and Harmonics; Amplified multiplies the outputs. Windowed has weights of its
// own for each window of time, Subdomains for each of several boxes, and Gated for each of several experts, whose shares another network says. SideBySide
// and Sum make one network of several. Grow takes θ to a larger network that is the same function; Parts and Layers say which of θ belongs together.
// FromModel makes a network of any GoMLX model function with its variables in a store. Marshal and Unmarshal store what a network is made of.
package nn

import (
	"errors"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Network is a function of points with parameters θ.
type Network interface {
	// Inputs and Outputs are the numbers of coordinates and of unknowns.
	Inputs() int
	Outputs() int
	// NumParams is P, the length of θ.
	NumParams() int
	// Init returns a random θ of length P; the same seed gives the same θ.
	Init(seed uint64) []float64
	// Apply builds the network: theta has shape [P], x [N, Inputs], the result [N, Outputs].
	// It is a graph-building function and panics on wrong shapes, as GoMLX's own do.
	Apply(theta, x *graph.Node) *graph.Node
	// Blocks partitions θ into its weights and biases, in order.
	Blocks() []Block
	// String describes the network, for example "MLP 2-32-32-1 tanh".
	String() string
}

// CheckNetwork reports what is wrong with a network: nil, also within an interface, a literal of a type that has a constructor, or
// numbers of inputs, outputs and parameters that are none.
func CheckNetwork(network Network) error {
	if usercode.Nil(network) {
		return errors.New("nn: the network is nil, expected one such as nn.NewMLP makes")
	}
	return usercode.Call(fmt.Sprintf("network %T", network), func() error {
		if inputs, outputs, params := network.Inputs(), network.Outputs(), network.NumParams(); inputs < 1 || outputs < 1 || params < 1 {
			return fmt.Errorf("nn: the network %T has %d inputs, %d outputs and %d parameters, expected at least 1 of each: a literal is no network, expected one of a constructor",
				network, inputs, outputs, params)
		}
		_ = network.String()
		return nil
	})
}

// Block is one weight matrix or vector of biases or slopes within θ: entries Offset to Offset+Size(), in row-major order of Dims.
type Block struct {
	Name   string
	Offset int
	Dims   []int
}

// Size is the number of parameters in the block.
func (b Block) Size() int {
	size := 1
	for _, d := range b.Dims {
		size *= d
	}
	return size
}

// From takes the block out of theta (shape [P]) and gives it the block's dimensions.
func (b Block) From(theta *graph.Node) *graph.Node {
	flat := graph.Slice(theta, graph.AxisRange(b.Offset, b.Offset+b.Size()))
	return graph.Reshape(flat, b.Dims...)
}

// PiecewiseLinear reports whether all outputs of a network are linear functions of the inputs in pieces, as those of an MLP with
// ReLU are: second derivatives vanish, and an equation with them cannot be trained. It is false for what is not known.
func PiecewiseLinear(network Network) bool {
	n, tells := network.(interface{ piecewiseLinear() bool })
	return tells && n.piecewiseLinear()
}

func checkInput(who string, x *graph.Node, inputs int) {
	if x.Rank() != 2 || x.Shape().Dimensions[1] != inputs {
		panic(fmt.Errorf("nn: %s takes points of shape [N, %d], got %s", who, inputs, x.Shape()))
	}
}

func checkTheta(who string, theta *graph.Node, params int) {
	if theta.Rank() != 1 || theta.Shape().Dimensions[0] != params {
		panic(fmt.Errorf("nn: %s has %d parameters and takes theta of shape [%d], got %s", who, params, params, theta.Shape()))
	}
}
