package nn

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
)

// layered is what the networks of this package made of layers have in common: widths, activation, initializer, and how
// θ is divided among blocks. They embed it.
type layered struct {
	kind        string
	widths      []int
	activation  Activation
	initializer Initializer
	nonlinear   nonlinearity

	blocks []Block
	starts []start // of each block
	params int
}

// start fills a block with initial values.
type start func(w []float64, n *layered, rng *rand.Rand)

// newLayered checks what all constructors take.
func newLayered(who, kind string, activation Activation, widths []int) (*layered, error) {
	if len(widths) < 2 {
		return nil, fmt.Errorf("%s: widths are %v, expected at least an input and an output width", who, widths)
	}
	for i, w := range widths {
		if w < 1 {
			return nil, fmt.Errorf("%s: width %d of layer %d, expected at least 1 (widths %v)", who, w, i, widths)
		}
		if w > most {
			return nil, fmt.Errorf("%s: width %d of layer %d, expected at most %d (widths %v)", who, w, i, most, widths)
		}
	}
	nl, err := activation.parse()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", who, err)
	}
	n := &layered{kind: kind, widths: append([]int(nil), widths...), activation: activation, nonlinear: nl}
	n.initializer = n.defaultInitializer()
	return n, nil
}

func (n *layered) defaultInitializer() Initializer {
	if n.nonlinear.siren {
		return SIRENUniform
	}
	return GlorotNormal
}

// add appends a block.
func (n *layered) add(name string, begin start, dims ...int) Block {
	b := Block{Name: name, Offset: n.params, Dims: dims}
	n.blocks = append(n.blocks, b)
	n.starts = append(n.starts, begin)
	n.params += b.Size()
	return b
}

// affine is a layer x ↦ xW + b.
type affine struct{ weights, biases Block }

// addAffine appends the blocks of an affine layer; first says that it is applied to the inputs.
func (n *layered) addAffine(name string, first bool, in, out int) affine {
	return affine{
		weights: n.add(name+" weights", func(w []float64, n *layered, rng *rand.Rand) {
			n.initializer.weights(w, in, out, first, n.nonlinear.frequency, rng)
		}, in, out),
		biases: n.add(name+" biases", func(w []float64, n *layered, rng *rand.Rand) {
			n.initializer.biases(w, in, rng)
		}, out),
	}
}

func (a affine) apply(theta, x *graph.Node) *graph.Node {
	y := graph.MatMul(x, a.weights.From(theta))
	return graph.Add(y, graph.BroadcastToShape(graph.ExpandAxes(a.biases.From(theta), 0), y.Shape()))
}

// hidden is an affine layer and the nonlinearity after it, with its slope if that is trainable.
type hidden struct {
	affine
	slope *Block
}

// addHidden appends the blocks of a hidden layer.
func (n *layered) addHidden(name string, first bool, in, out int) hidden {
	h := hidden{affine: n.addAffine(name, first, in, out)}
	if n.nonlinear.slope != 0 {
		b := n.add(name+" slope", func(w []float64, n *layered, _ *rand.Rand) { w[0] = 1 / n.nonlinear.slope }, 1)
		h.slope = &b
	}
	return h
}

func (n *layered) hidden(h hidden, theta, x *graph.Node) *graph.Node {
	return n.activate(h, theta, h.affine.apply(theta, x))
}

// activate is the nonlinearity of a hidden layer alone.
func (n *layered) activate(h hidden, theta, y *graph.Node) *graph.Node {
	if h.slope == nil {
		return n.nonlinear.apply(y, nil)
	}
	return n.nonlinear.apply(y, graph.Reshape(h.slope.From(theta)))
}

// with returns a copy that starts from another initializer.
func (n *layered) with(initializer Initializer) (*layered, error) {
	if n == nil {
		return nil, errors.New("nn: the network is a literal, expected one of a constructor such as nn.NewMLP")
	}
	if err := initializer.check(); err != nil {
		return nil, err
	}
	other := *n
	other.initializer = initializer
	return &other, nil
}

// check panics if theta and x do not fit the network.
func (n *layered) check(theta, x *graph.Node) {
	if n == nil {
		panic(errors.New("nn: the network is a literal, expected one of a constructor such as nn.NewMLP"))
	}
	checkTheta(n.String(), theta, n.params)
	checkInput(n.String(), x, n.Inputs())
}

// Inputs implements Network.
func (n *layered) Inputs() int {
	if n == nil { // of a literal, which has nothing
		return 0
	}
	return n.widths[0]
}

// Outputs implements Network.
func (n *layered) Outputs() int {
	if n == nil {
		return 0
	}
	return n.widths[len(n.widths)-1]
}

// NumParams implements Network.
func (n *layered) NumParams() int {
	if n == nil {
		return 0
	}
	return n.params
}

// Blocks implements Network.
func (n *layered) Blocks() []Block {
	if n == nil {
		return nil
	}
	return n.blocks
}

// Activation is the network's nonlinearity.
func (n *layered) Activation() Activation {
	if n == nil {
		return ""
	}
	return n.activation
}

// Initializer is the distribution that Init draws from.
func (n *layered) Initializer() Initializer {
	if n == nil {
		return ""
	}
	return n.initializer
}

// Widths are the layer widths, input and output included.
func (n *layered) Widths() []int {
	if n == nil {
		return nil
	}
	return append([]int(nil), n.widths...)
}

// String implements Network.
func (n *layered) String() string {
	if n == nil {
		return "network that no constructor made"
	}
	text := fmt.Sprintf("%s %s %s", n.kind, strings.Trim(strings.ReplaceAll(fmt.Sprint(n.widths), " ", "-"), "[]"), n.activation)
	if n.initializer != n.defaultInitializer() {
		text += ", " + string(n.initializer)
	}
	return text
}

// Init implements Network.
func (n *layered) Init(seed uint64) []float64 {
	if n == nil {
		return nil
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	theta := make([]float64, n.params)
	for k, b := range n.blocks {
		n.starts[k](theta[b.Offset:b.Offset+b.Size()], n, rng)
	}
	return theta
}

// layers is the stored form of the networks made of layers.
type layers struct {
	Widths      []int
	Activation  Activation
	Initializer Initializer
}

func (n *layered) stored() layers {
	if n == nil {
		return layers{}
	}
	return layers{Widths: n.Widths(), Activation: n.activation, Initializer: n.initializer}
}
