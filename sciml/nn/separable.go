package nn

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"
)

// Separable is a sum of products, and a sum, of networks of one coordinate each:
//
//	u_k(x) = Σᵣ c_rk ∏ᵢ f_ri(xᵢ) + Σᵢ g_ki(xᵢ),   r = 1 … rank, i = 1 … d
//
// where a fully connected network of coordinate i has all f_ri and g_ki as its outputs. Those of all coordinates are one batched
// matrix product for each layer. The products are the form of Cho et al. 2023, "Separable physics-informed neural networks"
// (arXiv 2306.15969), of a tensor of that rank (Hitchcock 1927); the sum holds what one coordinate does by itself, which takes
// products as many as there are coordinates. Derivatives by single coordinates, the Laplacian among them, cost as much in a hundred dimensions
// as in one, for each coordinate: see package autodiff.
//
// What is no such sum of few terms takes a large rank. The zero value is not usable; see NewSeparable.
type Separable struct {
	*layered
	rank  int
	inner []affine
	last  affine
	mix   Block
}

// NewSeparable makes a network of that rank from layer widths as NewMLP has them, number of coordinates and outputs included:
// NewSeparable(Tanh, 16, 10, 20, 20, 1) maps ten coordinates to one unknown by products of ten functions, each of them an output of a
// network with two hidden layers of 20.
//
// In the first layer weights start standard normal and biases between ±1, for coordinates between ±1: with weights as small as those of
// an MLP, and no biases, all functions of one number would be about the same. Other layers start by the Initializer, the last one
// with weights smaller by 1/√d around factors of 1: so products of a hundred factors are neither huge nor tiny, and sums of as many not
// large.
//
// It returns an error for a rank or a width below one, no hidden layer, an unknown activation, or one with a trainable slope.
func NewSeparable(activation Activation, rank int, widths ...int) (*Separable, error) {
	const who = "nn.NewSeparable"
	base, err := newLayered(who, fmt.Sprintf("separable of rank %d", rank), activation, widths)
	if err != nil {
		return nil, err
	}
	switch {
	case len(widths) < 3:
		return nil, fmt.Errorf("%s: widths are %v, expected at least one hidden layer between inputs and outputs", who, widths)
	case base.nonlinear.slope != 0:
		return nil, fmt.Errorf("%s: activation %q has a trainable slope, expected one without", who, activation)
	}
	if err := atLeastOne(who, "rank", rank); err != nil {
		return nil, err
	}
	n := &Separable{layered: base, rank: rank}
	d, outputs, l := widths[0], widths[len(widths)-1], 1
	for in := 1; l < len(widths)-1; l++ {
		n.inner = append(n.inner, n.addEach(fmt.Sprintf("layer %d", l), d, in, widths[l], l == 1, 1, 0))
		in = widths[l]
	}
	n.last = n.addEach(fmt.Sprintf("layer %d", l), d, widths[l-1], rank+outputs, false, 1/math.Sqrt(float64(d)), rank)
	n.mix = n.add("products", func(w []float64, n *layered, rng *rand.Rand) {
		n.initializer.weights(w, rank, outputs, false, n.nonlinear.frequency, rng)
	}, rank, outputs)
	return n, nil
}

// addEach appends the blocks of a layer of d networks side by side. Weights are those of the initializer times a factor, and the
// first outputs, as many as ones says, have biases of 1.
func (n *layered) addEach(name string, d, in, out int, first bool, factor float64, ones int) affine {
	return affine{
		weights: n.add(name+" weights", func(w []float64, n *layered, rng *rand.Rand) {
			for i := range d {
				n.initializer.weights(w[i*in*out:(i+1)*in*out], in, out, first, n.nonlinear.frequency, rng)
			}
			for k := range w {
				w[k] *= factor
				if first && n.initializer != SIRENUniform {
					w[k] = rng.NormFloat64()
				}
			}
		}, d, in, out),
		biases: n.add(name+" biases", func(w []float64, n *layered, rng *rand.Rand) {
			for i := range d {
				n.initializer.biases(w[i*out:(i+1)*out], in, rng)
				if first {
					uniform(w[i*out:(i+1)*out], 1, rng)
				}
				for r := range ones {
					w[i*out+r] = 1
				}
			}
		}, d, out),
	}
}

// WithInitializer returns the network with another distribution of initial weights, or an error if it is unknown.
func (n *Separable) WithInitializer(initializer Initializer) (*Separable, error) {
	base, err := n.with(initializer)
	if err != nil {
		return nil, err
	}
	other := *n
	other.layered = base
	return &other, nil
}

// Rank is the number of products.
func (n *Separable) Rank() int { return n.rank }

// Apply implements Network.
func (n *Separable) Apply(theta, x *graph.Node) *graph.Node {
	n.check(theta, x)
	h := graph.ExpandAxes(graph.Transpose(x, 0, 1), 2) // [d, N, 1]
	layer := func(a affine, h *graph.Node) *graph.Node {
		return layerEach(h, a.weights.From(theta), a.biases.From(theta))
	}
	for _, inner := range n.inner {
		h = n.nonlinear.apply(layer(inner, h), nil)
	}
	h = layer(n.last, h) // [d, N, rank + outputs]
	factors := graph.Slice(h, graph.AxisRange(), graph.AxisRange(), graph.AxisRange(0, n.rank))
	summands := graph.Slice(h, graph.AxisRange(), graph.AxisRange(), graph.AxisRangeToEnd(n.rank))
	products := graph.MatMul(graph.ReduceMultiply(factors, 0), n.mix.From(theta))
	return graph.Add(products, graph.ReduceSum(summands, 0))
}

// piecewiseLinear says that second derivatives by one coordinate vanish.
func (n *Separable) piecewiseLinear() bool { return n.nonlinear.linear }

// separableData is the stored form.
type separableData struct {
	Rank int
	layers
}

// Specification implements Specified.
func (n *Separable) Specification() (kind string, data any) {
	return kindSeparable, separableData{n.rank, n.stored()}
}
