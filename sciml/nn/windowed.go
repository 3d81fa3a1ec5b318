package nn

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// windowed is one function of a network for each window of time.
type windowed struct {
	Network
	edges []float64
	order int
}

// Windowed puts a network with weights of its own into each of the windows of time that lie between the edges, K+1 times that grow, so that
// the whole is one function. Time is the last input. With τ the time in a window from 0 to 1, stretched over the whole time for the
// network to see, the function is N₁(x, τ) in the first window. In each one after it is what it was at the window's beginning plus τ·N(x, τ);
// for order 2, for equations of second order in time, what it was plus its rate there times the time since plus τ²·N(x, τ). So it is
// continuous, and for order 2 its rate is, whatever the weights are. Before the first and after the last edge it goes on as at these, for
// order 2 along a straight line after the last.
//
// θ has the weights of the windows, one after the other. It returns an error for a network that is nil or has no input, edges that are not
// finite or do not grow, and an order other than 1 and 2.
func Windowed(network Network, order int, edges ...float64) (Network, error) {
	const who = "nn.Windowed"
	if usercode.Nil(network) {
		return nil, errors.New(who + ": the network is nil")
	}
	if err := CheckNetwork(network); err != nil {
		return nil, usercode.First(fmt.Errorf("%s: %w", who, err))
	}
	if order != 1 && order != 2 {
		return nil, fmt.Errorf("%s: the order is %d, expected 1 or 2", who, order)
	}
	if len(edges) < 2 {
		return nil, fmt.Errorf("%s: there are %d edges, expected at least 2: the first and the last time", who, len(edges))
	}
	for i, e := range edges {
		if math.IsNaN(e) || math.IsInf(e, 0) || i > 0 && e <= edges[i-1] {
			return nil, fmt.Errorf("%s: the edges are %v, expected finite times that grow", who, edges)
		}
	}
	return &windowed{network, slices.Clone(edges), order}, nil
}

func (w *windowed) windows() int { return len(w.edges) - 1 }

// NumParams implements Network.
func (w *windowed) NumParams() int { return w.windows() * w.Network.NumParams() }

// Init implements Network: each window starts with the weights that the network has for the seed.
func (w *windowed) Init(seed uint64) []float64 {
	return slices.Repeat(w.Network.Init(seed), w.windows())
}

// Blocks implements Network.
func (w *windowed) Blocks() []Block {
	var all []Block
	for k := range w.windows() {
		for _, b := range w.Network.Blocks() {
			b.Name, b.Offset = fmt.Sprintf("window %d, %s", k+1, b.Name), b.Offset+k*w.Network.NumParams()
			all = append(all, b)
		}
	}
	return all
}

// Apply implements Network.
func (w *windowed) Apply(theta, x *graph.Node) *graph.Node {
	axis, p := x.Shape().Dimensions[1]-1, w.Network.NumParams()
	first, last := w.edges[0], w.edges[w.windows()]
	var space *graph.Node
	if axis > 0 {
		space = graph.Slice(x, graph.AxisRange(), graph.AxisRange(0, axis))
	}
	t := graph.Slice(x, graph.AxisRange(), graph.AxisElem(axis))
	var sum *graph.Node
	for k := range w.windows() {
		from, length := w.edges[k], w.edges[k+1]-w.edges[k]
		weights := graph.Slice(theta, graph.AxisRange(k*p, (k+1)*p))
		at := func(tau *graph.Node) (stretched, u *graph.Node) {
			stretched = graph.AddScalar(graph.MulScalar(tau, last-first), first)
			if axis > 0 {
				stretched = graph.Concatenate([]*graph.Node{space, stretched}, 1)
			}
			return stretched, w.Network.Apply(weights, stretched)
		}
		tau := graph.ClipScalar(graph.DivScalar(graph.AddScalar(t, -from), length), 0, 1)
		_, u := at(tau)
		power := 0.0
		if k > 0 {
			if power = 1; w.order == 2 {
				power, tau = 2, graph.Square(tau)
			}
			u = graph.Mul(u, tau)
		}
		if w.order == 2 { // the rate at the end goes on
			end, v := at(graph.OnesLike(t))
			rate := graph.MulScalar(autodiff.Of(v, end).Partial(axis), last-first)
			if power > 0 {
				rate = graph.Add(rate, graph.MulScalar(v, power))
			}
			past := graph.MaxScalar(graph.AddScalar(t, -w.edges[k+1]), 0)
			u = graph.Add(u, graph.Mul(rate, graph.DivScalar(past, length)))
		}
		if sum == nil {
			sum = u
		} else {
			sum = graph.Add(sum, u)
		}
	}
	return sum
}

func (w *windowed) piecewiseLinear() bool { return PiecewiseLinear(w.Network) && w.windows() == 1 }

// String implements Network.
func (w *windowed) String() string {
	return fmt.Sprintf("%d windows of time of %s", w.windows(), w.Network)
}

// windowedData is the stored form.
type windowedData struct {
	Edges   []float64
	Order   int
	Network json.RawMessage
}

// MarshalJSON stores the network with its kind.
func (w *windowed) MarshalJSON() ([]byte, error) {
	network, err := Marshal(w.Network)
	if err != nil {
		return nil, err
	}
	return json.Marshal(windowedData{w.edges, w.order, network})
}

// Specification implements Specified.
func (w *windowed) Specification() (kind string, data any) { return kindWindowed, w }

func restoreWindowed(d windowedData) (Network, error) {
	network, err := Unmarshal(d.Network)
	if err != nil {
		return nil, err
	}
	return Windowed(network, d.Order, d.Edges...)
}
