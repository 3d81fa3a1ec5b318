package optim

import (
	"cmp"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// SGD is stochastic gradient descent (Robbins and Monro 1951), θ ← θ − α∇f_B(θ) with the loss f_B of a batch, and with
// momentum if wanted. With a constant rate the iterates of a strongly convex f approach the minimizer linearly, and then
// wander around it: f stays above the minimum by about α times the variance of ∇f_B (Bottou, Curtis and Nocedal 2018,
// Theorem 4.6), unless all samples have a common minimizer. A Schedule such as InverseTime makes them converge.
// The zero value is usable: fields that are zero take the defaults. See MiniBatch for what is recorded.
type SGD struct {
	// Rate is the step size α; 1e-2 when zero.
	Rate float64
	// Momentum is the part of a step that the next one keeps, at least 0 and below 1; none when zero.
	Momentum float64
	// Schedule changes the rate; nil for a constant one.
	Schedule Schedule
	// Batches say how samples are drawn.
	Batches objective.Batches
	// Measure is the number of iterations between measurements of all samples; 100 when zero.
	Measure int
}

// Name implements Method.
func (SGD) Name() string { return "SGD" }

// Start implements Method.
func (m SGD) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	rule, err := m.rule()
	if err != nil {
		return nil, err
	}
	return MiniBatch{Batches: m.Batches, Measure: m.Measure}.start(obj, theta, "SGD", rule)
}

// Direct implements Directed, for what draws batches itself, as a trainer does. It fails when Batches or Measure are set.
func (m SGD) Direct(obj *objective.Objective) (Direction, search.Search, error) {
	if m.Batches != (objective.Batches{}) || m.Measure != 0 {
		return nil, nil, fmt.Errorf("optim: SGD.Batches is %+v and Measure %d, expected none of them where batches are drawn elsewhere", m.Batches, m.Measure)
	}
	rule, err := m.rule()
	if err != nil {
		return nil, nil, err
	}
	return rule.Direct(obj)
}

func (m SGD) rule() (Directed, error) {
	m.Rate = cmp.Or(m.Rate, 1e-2)
	if err := checkSettings("SGD", positive("Rate", m.Rate), fraction("Momentum", m.Momentum)); err != nil {
		return nil, err
	}
	if m.Momentum > 0 {
		return Momentum{Rate: m.Rate, Beta: m.Momentum, Schedule: m.Schedule}, nil
	}
	return GradientDescent{Rate: m.Rate, Schedule: m.Schedule}, nil
}

// InverseTime lets the rate decay so that stochastic gradients average out: after k iterations it is 1/(1+k/Every) of
// what it was. The sum of such rates diverges and that of their squares does not, as Robbins and Monro (1951) ask.
type InverseTime struct {
	// Every is in iterations; 1000 when zero.
	Every int
}

// Size implements Schedule.
func (InverseTime) Size() int { return 1 }

// Scale implements Schedule.
func (s InverseTime) Scale(_ *graph.Node, state []*graph.Node) (*graph.Node, []*graph.Node) {
	factor := graph.Reciprocal(graph.AddScalar(graph.MulScalar(state[0], 1/float64(s.every())), 1))
	return factor, []*graph.Node{graph.AddScalar(state[0], 1)}
}

// Check implements Schedule.
func (s InverseTime) Check() error {
	return checkSettings("InverseTime", optional("Every", s.Every, "the default"))
}

func (s InverseTime) every() int {
	if s.Every == 0 {
		return 1000
	}
	return s.Every
}
