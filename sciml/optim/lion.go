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

// Lion moves each parameter by the rate along the sign of a blend of momentum and gradient (Chen et al. 2023, "Symbolic
// discovery of optimization algorithms", Algorithm 2):
//
//	θ ← θ − α(sign(β₁m + (1−β₁)g) + λθ),   m ← β₂m + (1−β₂)g.
//
// Its steps do not shrink by themselves, so that a Schedule has to bring the rate down. The zero value is usable: fields
// that are zero take the defaults; use Zero for a Beta1 or Beta2 of 0.
type Lion struct {
	// Rate is the step size α; 1e-4 when zero.
	Rate float64
	// Beta1 and Beta2 are at least 0 and below 1; 0.9 and 0.99 when zero.
	Beta1, Beta2 float64
	// WeightDecay is λ.
	WeightDecay float64
	// Schedule changes the rate; nil for a constant one.
	Schedule Schedule
}

// Name implements Method.
func (Lion) Name() string { return "Lion" }

// Start implements Method.
func (m Lion) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	return startDirect(m, obj, theta)
}

// Direct implements Directed.
func (m Lion) Direct(obj *objective.Objective) (Direction, search.Search, error) {
	m.Rate, m.Beta1, m.Beta2 = cmp.Or(m.Rate, 1e-4), cmp.Or(m.Beta1, 0.9), cmp.Or(m.Beta2, 0.99)
	if err := checkSettings("Lion", positive("Rate", m.Rate), fraction("Beta1", m.Beta1), fraction("Beta2", m.Beta2),
		notNegative("WeightDecay", m.WeightDecay)); err != nil {
		return nil, nil, err
	}
	d, err := withSchedule("Lion", lionRule{m}, m.Schedule)
	return d, nil, err
}

// lionRule remembers m.
type lionRule struct{ Lion }

func (lionRule) State(dim int, dtype dtypes.DType) []shapes.Shape {
	return []shapes.Shape{shapes.Make(dtype, dim)}
}

func (r lionRule) Step(p *objective.Point, factor *graph.Node, state []*graph.Node) (*graph.Node, []*graph.Node) {
	direction := withDecay(graph.Sign(blend(state[0], p.Gradient, r.Beta1)), p.Theta, r.WeightDecay)
	return descend(direction, factor, r.Rate), []*graph.Node{blend(state[0], p.Gradient, r.Beta2)}
}
