package optim

import (
	"cmp"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/objective"
)

// SAGA is the method of Defazio, Bach and Lacoste-Julien (2014) over blocks of samples: the samples are divided into n
// blocks once and for all, a table keeps the last gradient gⱼ seen of each, and a step is
//
//	θ ← θ − α(∇f_j(θ) − gⱼ + mean(g))
//
// for the next block j, whose gradient then replaces gⱼ. Like SVRG it converges linearly on strongly convex sums with a
// constant rate, but needs one gradient a step and no snapshots. The table takes n·P numbers. It starts with zeros, which
// leaves the estimate unbiased; so does a change of the data. The zero value is usable: fields that are zero take the
// defaults. See MiniBatch for what is recorded.
type SAGA struct {
	// Rate is the step size α; 1e-2 when zero. The theory asks for at most 1/(3L), the curvature of a block.
	Rate float64
	// Blocks is the number n, which must divide the number of rows of each of Objective.Samples; when zero, the largest
	// such number that is at most 32.
	Blocks int
	// Seed chooses the blocks and the order in which they are taken, anew for each pass over them.
	Seed uint64
	// WithReplacement draws each block independently of the others, as in the paper.
	WithReplacement bool
	// Measure is the number of iterations between measurements of all samples; 100 when zero.
	Measure int
	// MaxMemory is the most that the table may need, in bytes; 4 GiB when zero, or 256 vectors of the length of θ where they are more.
	MaxMemory int64
}

// Name implements Method.
func (SAGA) Name() string { return "SAGA" }

// Start implements Method.
func (m SAGA) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	m.Rate = cmp.Or(m.Rate, 1e-2)
	if err := checkSettings("SAGA", positive("Rate", m.Rate)); err != nil {
		return nil, err
	}
	every, err := measureEvery("SAGA", m.Measure)
	if err != nil {
		return nil, err
	}
	if err := obj.NeedSamples("SAGA"); err != nil {
		return nil, err
	}
	divisor := 0
	for _, group := range obj.Samples {
		divisor = greatestCommonDivisor(divisor, group.Rows)
	}
	if m.Blocks == 0 {
		for m.Blocks = 32; divisor%m.Blocks != 0; m.Blocks-- {
		}
	}
	if m.Blocks < 2 || divisor%m.Blocks != 0 {
		return nil, fmt.Errorf("optim: SAGA.Blocks is %d, expected a number above 1 that divides the rows of each of Objective.Samples, and so their greatest common divisor %d", m.Blocks, divisor)
	}
	if err := needMemory(obj, "SAGA", fmt.Sprintf("the gradients of %d blocks", m.Blocks), 3*float64(m.Blocks)*float64(obj.Dim), m.MaxMemory); err != nil {
		return nil, err
	}
	rule := sagaRule{rate: m.Rate, blocks: m.Blocks}
	return startStochastic(obj, theta, plan{rule: rule, batches: objective.NewBlockSampler(obj, m.Blocks, m.Seed, m.WithReplacement), perStep: 1, cost: 1, every: every})
}

func greatestCommonDivisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// sagaRule remembers the table, shape [blocks, P].
type sagaRule struct {
	ownsState
	rate   float64
	blocks int
}

func (r sagaRule) State(obj *objective.Objective) []shapes.Shape {
	return []shapes.Shape{shapes.Make(obj.Precision(), r.blocks, obj.Dim)}
}

func (r sagaRule) Step(b *objective.Batch, theta *graph.Node, state []*graph.Node) move {
	table, block := state[0], b.Rows[len(b.Rows)-1]
	here := b.At(theta)
	size := theta.Shape().Dimensions[0]
	old := graph.Reshape(graph.Gather(table, graph.Reshape(block, 1, 1)), size)
	estimate := graph.Add(graph.Sub(here.Gradient, old), graph.ReduceMean(table, 0))

	row := graph.Iota(theta.Graph(), shapes.Make(dtypes.Int32, r.blocks, size), 0)
	mine := graph.Equal(row, graph.BroadcastToDims(graph.Reshape(block, 1, 1), r.blocks, size))
	fresh := graph.BroadcastToDims(graph.Reshape(here.Gradient, 1, size), r.blocks, size)
	return move{
		loss: here.Loss, gradient: estimate, step: graph.MulScalar(estimate, -r.rate),
		next: []*graph.Node{graph.Where(mine, fresh, table)},
	}
}
