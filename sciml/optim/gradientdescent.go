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

// GradientDescent takes θ ← θ − α∇f(θ). On a quadratic whose Hessian has its eigenvalues between μ and L it converges
// for α < 2/L, and fastest for α = 2/(L+μ): by the factor (κ−1)/(κ+1) an iteration, κ = L/μ.
// The zero value is usable: fields that are zero take the defaults.
type GradientDescent struct {
	// Rate is the step size α; 1e-2 when zero.
	Rate float64
	// Schedule changes the rate; nil for a constant one.
	Schedule Schedule
}

// Name implements Method.
func (GradientDescent) Name() string { return "gradient descent" }

// Start implements Method.
func (m GradientDescent) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	return startDirect(m, obj, theta)
}

// Direct implements Directed.
func (m GradientDescent) Direct(obj *objective.Objective) (Direction, search.Search, error) {
	m.Rate = cmp.Or(m.Rate, 1e-2)
	if err := checkSettings("GradientDescent", positive("Rate", m.Rate)); err != nil {
		return nil, nil, err
	}
	d, err := withSchedule("GradientDescent", gradientRule{m.Rate}, m.Schedule)
	return d, nil, err
}

type gradientRule struct{ rate float64 }

func (gradientRule) State(int, dtypes.DType) []shapes.Shape { return nil }

func (r gradientRule) Step(p *objective.Point, factor *graph.Node, _ []*graph.Node) (*graph.Node, []*graph.Node) {
	return descend(p.Gradient, factor, r.rate), nil
}
