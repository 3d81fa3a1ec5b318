package optim

import (
	"cmp"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// Adagrad divides the rate of each parameter by the root of the sum of its squared gradients (Duchi, Hazan and Singer
// 2011, the diagonal form): θ ← θ − αg/(√Σg² + ε). The zero value is usable: fields that are zero take the defaults.
type Adagrad struct {
	// Rate is the step size α; 1e-2 when zero.
	Rate float64
	// Epsilon is ε; 1e-10 when zero.
	Epsilon float64
	// Schedule changes the rate; nil for a constant one.
	Schedule Schedule
}

// Name implements Method.
func (Adagrad) Name() string { return "Adagrad" }

// Start implements Method.
func (m Adagrad) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	return startDirect(m, obj, theta)
}

// Direct implements Directed.
func (m Adagrad) Direct(obj *objective.Objective) (Direction, search.Search, error) {
	m.Rate, m.Epsilon = cmp.Or(m.Rate, 1e-2), cmp.Or(m.Epsilon, 1e-10)
	if err := checkSettings("Adagrad", positive("Rate", m.Rate), notNegative("Epsilon", m.Epsilon)); err != nil {
		return nil, nil, err
	}
	d, err := withSchedule("Adagrad", adagradRule{m.Rate, m.Epsilon}, m.Schedule)
	return d, nil, err
}

// adagradRule remembers the sum of squares.
type adagradRule struct{ rate, epsilon float64 }

func (adagradRule) State(dim int, dtype dtypes.DType) []shapes.Shape {
	return []shapes.Shape{shapes.Make(dtype, dim)}
}

func (r adagradRule) Step(p *objective.Point, factor *graph.Node, state []*graph.Node) (*graph.Node, []*graph.Node) {
	sum := graph.Add(state[0], graph.Square(p.Gradient))
	return descend(overRoot(p.Gradient, sum, r.epsilon), factor, r.rate), []*graph.Node{sum}
}

// overRoot is x/(√square + ε), and zero where x and square are both zero even if ε is.
func overRoot(x, square *graph.Node, epsilon float64) *graph.Node {
	root := graph.AddScalar(graph.Sqrt(square), epsilon)
	zero := graph.ZerosLike(root)
	return graph.Where(graph.Equal(root, zero), graph.Mul(x, zero), graph.Div(x, root))
}
