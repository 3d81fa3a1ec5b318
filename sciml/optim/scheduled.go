package optim

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
)

// ratedRule is the update of a fixed-step method: a Direction that is told by what to multiply its rate.
type ratedRule interface {
	State(dim int, dtype dtypes.DType) []shapes.Shape
	Step(p *objective.Point, factor *graph.Node, state []*graph.Node) (step *graph.Node, next []*graph.Node)
}

// scheduled is a rule under a schedule. Its state is that of the schedule, then that of the rule.
type scheduled struct {
	schedule Schedule
	rule     ratedRule
}

// withSchedule is a rule under a schedule, as a direction; a nil schedule is constant. Owner is the method whose setting the
// schedule is.
func withSchedule(owner string, r ratedRule, schedule Schedule) (Direction, error) {
	switch {
	case schedule == nil:
		schedule = Constant{}
	case usercode.Nil(schedule):
		return nil, fmt.Errorf("optim: %s.Schedule is a nil %T, expected a schedule, or nil without a type", owner, schedule)
	}
	if err := usercode.Call(owner+".Schedule", schedule.Check); err != nil {
		return nil, fmt.Errorf("%w, in %s.Schedule", err, owner)
	}
	return scheduled{guardedSchedule{owner + ".Schedule", schedule}, r}, nil
}

// guardedSchedule panics with an error of that name where its schedule panics, or builds another number of states than its Size.
type guardedSchedule struct {
	name string
	Schedule
}

// Size implements Schedule.
func (s guardedSchedule) Size() int { return usercode.Build(s.name, s.Schedule.Size) }

// Scale implements Schedule.
func (s guardedSchedule) Scale(loss *graph.Node, state []*graph.Node) (factor *graph.Node, next []*graph.Node) {
	usercode.Build(s.name, func() bool {
		if factor, next = s.Schedule.Scale(loss, state); factor == nil || !factor.IsScalar() || len(next) != len(state) {
			panic(fmt.Errorf("optim: Scale of %T gives a factor %v and %d numbers to remember, expected a scalar and %d", s.Schedule, factor, len(next), len(state)))
		}
		return true
	})
	return factor, next
}

// Rebase implements Rebaser.
func (s guardedSchedule) Rebase(state []*tensors.Tensor) []*tensors.Tensor {
	return usercode.Build(s.name, func() []*tensors.Tensor { return rebase(s.Schedule, state) })
}

// State implements Direction.
func (s scheduled) State(dim int, dtype dtypes.DType) []shapes.Shape {
	all := make([]shapes.Shape, s.schedule.Size())
	for i := range all {
		all[i] = shapes.Make(dtype)
	}
	return append(all, s.rule.State(dim, dtype)...)
}

// Step implements Direction.
func (s scheduled) Step(p *objective.Point, state []*graph.Node) (*graph.Node, []*graph.Node) {
	n := s.schedule.Size()
	factor, next := s.schedule.Scale(p.Loss, state[:n])
	step, after := s.rule.Step(p, factor, state[n:])
	return step, append(next[:n:n], after...)
}

// Rebase implements Rebaser.
func (s scheduled) Rebase(state []*tensors.Tensor) []*tensors.Tensor {
	n := s.schedule.Size()
	return append(slices.Clone(rebase(s.schedule, state[:n])), rebase(s.rule, state[n:])...)
}

// blend is β·old + (1−β)·fresh, an exponential moving average.
func blend(old, fresh *graph.Node, beta float64) *graph.Node {
	return graph.Add(graph.MulScalar(old, beta), graph.MulScalar(fresh, 1-beta))
}

// descend is −rate·factor·direction.
func descend(direction, factor *graph.Node, rate float64) *graph.Node {
	return graph.Mul(direction, graph.MulScalar(factor, -rate))
}
