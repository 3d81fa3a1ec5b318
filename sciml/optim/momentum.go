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

// Momentum is the heavy ball of Polyak (1964, equation 9): each step is βs − α∇f(θ), with s the step before. On a
// quadratic with eigenvalues between μ and L it is fastest for α = 4/(√L+√μ)² and β = ((√κ−1)/(√κ+1))²: by the factor
// √β an iteration, κ = L/μ. The zero value is usable: fields that are zero take the defaults.
type Momentum struct {
	// Rate is the step size α; 1e-2 when zero.
	Rate float64
	// Beta is the part of a step that the next one keeps, at least 0 and below 1; 0.9 when zero.
	Beta float64
	// Schedule changes the rate; nil for a constant one.
	Schedule Schedule
}

// Name implements Method.
func (Momentum) Name() string { return "momentum" }

// Start implements Method.
func (m Momentum) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	return startDirect(m, obj, theta)
}

// Direct implements Directed.
func (m Momentum) Direct(obj *objective.Objective) (Direction, search.Search, error) {
	m.Rate, m.Beta = cmp.Or(m.Rate, 1e-2), cmp.Or(m.Beta, 0.9)
	if err := checkSettings("Momentum", positive("Rate", m.Rate), fraction("Beta", m.Beta)); err != nil {
		return nil, nil, err
	}
	d, err := withSchedule("Momentum", momentumRule{m.Rate, m.Beta}, m.Schedule)
	return d, nil, err
}

// momentumRule remembers the last step.
type momentumRule struct{ rate, beta float64 }

func (momentumRule) State(dim int, dtype dtypes.DType) []shapes.Shape {
	return []shapes.Shape{shapes.Make(dtype, dim)}
}

func (r momentumRule) Step(p *objective.Point, factor *graph.Node, state []*graph.Node) (*graph.Node, []*graph.Node) {
	step := graph.Add(graph.MulScalar(state[0], r.beta), descend(p.Gradient, factor, r.rate))
	return step, []*graph.Node{step}
}
