package nn

import (
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
	copies
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
	return &windowed{copies{network, len(edges) - 1, "window"}, slices.Clone(edges), order}, nil
}

// Init implements Network: each window starts with the weights that the network has for the seed.
func (w *windowed) Init(seed uint64) []float64 {
	return slices.Repeat(w.Network.Init(seed), w.number)
}

// Apply implements Network.
func (w *windowed) Apply(theta, x *graph.Node) *graph.Node {
	checkTheta(w.String(), theta, w.NumParams())
	checkInput(w.String(), x, w.Inputs())
	return w.sum(theta, func(from, to int, network func(x *graph.Node) *graph.Node) *graph.Node {
		return w.parts(x, w.edges[from:to], w.edges[from+1:to+1], network)
	})
}

// parts are what windows from and to these times add, shape [windows, N, outputs]. Network takes points of each of them, [windows, N, inputs].
func (w *windowed) parts(x *graph.Node, from, to []float64, network func(x *graph.Node) *graph.Node) *graph.Node {
	k, n, axis := len(from), x.Shape().Dimensions[0], x.Shape().Dimensions[1]-1
	first, last := w.edges[0], w.edges[w.number]
	all := func(v *graph.Node) *graph.Node { // of a column [N, 1]: [windows, N, 1]
		return graph.BroadcastToDims(graph.ExpandAxes(v, 0), k, n, 1)
	}
	numbers := func(of func(k int) float64) *graph.Node { return each(x, k, n, of) }
	begin, length := numbers(func(i int) float64 { return from[i] }), numbers(func(i int) float64 { return to[i] - from[i] })
	t := all(graph.Slice(x, graph.AxisRange(), graph.AxisElem(axis)))
	at := func(tau *graph.Node) *graph.Node { // the points that the network sees
		points := graph.AddScalar(graph.MulScalar(tau, last-first), first)
		if axis > 0 {
			space := graph.Slice(x, graph.AxisRange(), graph.AxisRange(0, axis))
			points = graph.Concatenate([]*graph.Node{graph.BroadcastToDims(graph.ExpandAxes(space, 0), k, n, axis), points}, 2)
		}
		return points
	}
	// The first window of all is the network itself, any other one its product with a power of τ.
	begins := func(i int) bool { return from[i] == first }
	factor := func(tau *graph.Node) *graph.Node {
		own := numbers(func(i int) float64 {
			if begins(i) {
				return 1
			}
			return 0
		})
		return graph.Add(graph.Mul(tau, graph.OneMinus(own)), own)
	}
	whole := graph.Div(graph.Sub(t, begin), length)
	tau := graph.ClipScalar(whole, 0, 1)
	u := network(at(tau))
	if w.order == 2 {
		tau = graph.Square(tau)
	}
	wide := func(v *graph.Node) *graph.Node { return graph.BroadcastToShape(v, u.Shape()) }
	sum := graph.Mul(u, wide(factor(tau)))
	if w.order == 2 { // the rate at the end goes on
		end := at(graph.OnesLike(t))
		v := network(end)
		forward := graph.OneHot(graph.Const(x.Graph(), int32(axis)), axis+1, x.DType())
		slope := autodiff.JVP(v, []*graph.Node{end}, []*graph.Node{graph.BroadcastToShape(graph.Reshape(forward, 1, 1, axis+1), end.Shape())})
		rate := graph.MulScalar(slope, last-first)
		power := numbers(func(i int) float64 {
			if begins(i) {
				return 0
			}
			return 2
		})
		rate = graph.Add(rate, graph.Mul(v, wide(power)))
		past := graph.MaxScalar(graph.AddScalar(whole, -1), 0)
		sum = graph.Add(sum, graph.Mul(rate, wide(past)))
	}
	return sum
}

func (w *windowed) piecewiseLinear() bool { return PiecewiseLinear(w.Network) && w.number == 1 }

// String implements Network.
func (w *windowed) String() string {
	return fmt.Sprintf("%d windows of time of %s", w.number, w.Network)
}

// windowedData is the stored form.
type windowedData struct {
	Edges   []float64
	Order   int
	Network nested
}

// Specification implements Specified.
func (w *windowed) Specification() (kind string, data any) {
	return kindWindowed, windowedData{w.edges, w.order, nested{w.Network}}
}
