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

// RMSProp divides the rate of each parameter by the root of a moving average of its squared gradients (Tieleman and
// Hinton 2012, lecture 6.5): v ← βv + (1−β)g², θ ← θ − αg/(√v + ε).
// The zero value is usable: fields that are zero take the defaults.
type RMSProp struct {
	// Rate is the step size α; 1e-3 when zero.
	Rate float64
	// Beta is the decay rate β, at least 0 and below 1; 0.9 when zero.
	Beta float64
	// Epsilon is ε; 1e-8 when zero.
	Epsilon float64
	// Schedule changes the rate; nil for a constant one.
	Schedule Schedule
}

// Name implements Method.
func (RMSProp) Name() string { return "RMSProp" }

// Start implements Method.
func (m RMSProp) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	return startDirect(m, obj, theta)
}

// Direct implements Directed.
func (m RMSProp) Direct(obj *objective.Objective) (Direction, search.Search, error) {
	m.Rate, m.Beta, m.Epsilon = cmp.Or(m.Rate, 1e-3), cmp.Or(m.Beta, 0.9), cmp.Or(m.Epsilon, 1e-8)
	if err := checkSettings("RMSProp", positive("Rate", m.Rate), fraction("Beta", m.Beta), notNegative("Epsilon", m.Epsilon)); err != nil {
		return nil, nil, err
	}
	d, err := withSchedule("RMSProp", rmspropRule{m}, m.Schedule)
	return d, nil, err
}

// rmspropRule remembers the moving average.
type rmspropRule struct{ RMSProp }

func (rmspropRule) State(dim int, dtype dtypes.DType) []shapes.Shape {
	return []shapes.Shape{shapes.Make(dtype, dim)}
}

func (r rmspropRule) Step(p *objective.Point, factor *graph.Node, state []*graph.Node) (*graph.Node, []*graph.Node) {
	v := blend(state[0], graph.Square(p.Gradient), r.Beta)
	return descend(overRoot(p.Gradient, v, r.Epsilon), factor, r.Rate), []*graph.Node{v}
}
