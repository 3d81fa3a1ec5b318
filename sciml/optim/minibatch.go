package optim

import (
	"cmp"
	"fmt"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/objective"
)

// MiniBatch runs a method of fixed steps on batches of the samples: at each iteration loss and gradient are those of the
// next batch, which are unbiased estimates, and a method such as Adam makes a step of them as if they were exact.
// The zero value is usable: fields that are zero take the defaults.
//
// Every Measure iterations the objective is measured on all samples. Only there are tolerances checked, and only such
// iterates and the last one can be the result; their records have Batch 0, while the loss of the others is that of a batch.
// Evaluations count passes over all samples, rounded down. That holds for all stochastic methods.
type MiniBatch struct {
	// Method is one that takes steps as they come, such as Adam, Momentum or Muon; Adam{} when nil. A method with a line
	// search is none, because batches differ.
	Method Method
	// Batches say how samples are drawn.
	Batches objective.Batches
	// Accumulate is the number of batches whose mean gradient makes a step; 1 when zero. The step is that of one batch as
	// many times as large, but needs no more memory than the small ones.
	Accumulate int
	// Measure is the number of iterations between measurements of all samples; 100 when zero.
	Measure int
}

// Name implements Method.
func (m MiniBatch) Name() string { return "mini-batch " + orAdam(m.Method).Name() }

// Start implements Method.
func (m MiniBatch) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	return m.start(obj, theta, "MiniBatch", orAdam(m.Method))
}

func (m MiniBatch) start(obj *objective.Objective, theta *tensors.Tensor, owner string, method Method) (Stepper, error) {
	p, err := m.plan(obj, theta, owner, method)
	if err != nil {
		return nil, err
	}
	return startStochastic(obj, theta, p)
}

func (m MiniBatch) plan(obj *objective.Objective, theta *tensors.Tensor, owner string, method Method) (plan, error) {
	if err := checkSettings(owner, optional("Accumulate", m.Accumulate, "the default"), upTo("Accumulate", max(m.Accumulate, 1), 1<<20)); err != nil {
		return plan{}, err
	}
	m.Accumulate = cmp.Or(m.Accumulate, 1)
	every, err := measureEvery(owner, m.Measure)
	if err != nil {
		return plan{}, err
	}
	batches, err := m.Batches.Sampler(obj, owner)
	if err != nil {
		return plan{}, err
	}
	direction, err := directionOf(method, obj, owner)
	if err != nil {
		return plan{}, err
	}
	rule := averaged{direction: direction, batches: m.Accumulate}
	return plan{rule: rule, batches: batches, perStep: m.Accumulate, cost: 1, every: every}, nil
}

func orAdam(m Method) Method { return cmp.Or[Method](m, Adam{}) }

func measureEvery(owner string, n int) (int, error) {
	return cmp.Or(n, 100), checkSettings(owner, optional("Measure", n, "the default"))
}

// directionOf returns the direction of a method that takes its steps as they are.
func directionOf(method Method, obj *objective.Objective, owner string) (Direction, error) {
	if m, ok := method.(Directed); ok {
		d, by, err := m.Direct(obj)
		if err != nil || by == nil {
			return d, err
		}
	}
	return nil, fmt.Errorf("optim: %s.Method is %q, expected one that takes fixed steps, such as Adam", owner, method.Name())
}

// averaged takes the steps of a direction, each at the mean of a number of batches. Its state is that of the direction,
// then, unless each batch makes a step, the sums of loss and gradient, and the number of batches in them.
type averaged struct {
	direction Direction
	batches   int
}

func (a averaged) State(obj *objective.Objective) []shapes.Shape {
	dtype := obj.Precision()
	all := a.direction.State(obj.Dim, dtype)
	if a.batches > 1 {
		all = append(all, shapes.Make(dtype), shapes.Make(dtype, obj.Dim), shapes.Make(dtype))
	}
	return all
}

func (a averaged) Step(b *objective.Batch, theta *graph.Node, state []*graph.Node) move {
	p := b.At(theta)
	if a.batches == 1 {
		step, next := a.direction.Step(p, state)
		return move{loss: p.Loss, gradient: p.Gradient, step: step, next: next}
	}
	n := len(state) - 3
	loss, gradient := graph.Add(state[n], p.Loss), graph.Add(state[n+1], p.Gradient)
	count := graph.AddScalar(state[n+2], 1)
	complete := graph.Equal(count, graph.MulScalar(graph.OnesLike(count), float64(a.batches)))
	p.Loss = graph.MulScalar(loss, 1/float64(a.batches))
	p.Gradient = graph.MulScalar(gradient, 1/float64(a.batches))
	step, next := a.direction.Step(p, state[:n])
	m := move{loss: p.Loss, gradient: p.Gradient, step: step, complete: complete}
	for i := range next {
		m.next = append(m.next, graph.Where(complete, next[i], state[i]))
	}
	for _, sum := range []*graph.Node{loss, gradient, count} {
		m.next = append(m.next, graph.Where(complete, graph.ZerosLike(sum), sum))
	}
	return m
}

func (averaged) Snapshot(state []*tensors.Tensor, _, _ *tensors.Tensor) []*tensors.Tensor {
	return state
}

// Rebase implements batchRule. Between two steps nothing is summed.
func (a averaged) Rebase(state []*tensors.Tensor) []*tensors.Tensor {
	if a.batches == 1 {
		return rebase(a.direction, state)
	}
	n := len(state) - 3
	return append(rebase(a.direction, state[:n:n]), state[n:]...)
}
