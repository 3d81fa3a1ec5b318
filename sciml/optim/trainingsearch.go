package optim

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// trainingSearch is a direction and Armijo's search as one Direction that is told the loss at one point at a time: its steps
// go from trial to trial. In a trainer of GoMLX there is no other way.
type trainingSearch struct {
	search.Armijo
	direction Direction
}

// The state of trainingSearch, before that of the direction: one while a search is under way; θ and the direction where it
// began, φ(0) and φ′(0); the length of the trial now to be judged, and how many there were with it; length and loss of the
// trial before it, +Inf if there was none.
const (
	trainingKnown = iota
	trainingStart
	trainingDirection
	trainingLoss
	trainingSlope
	trainingAlpha
	trainingTrials
	trainingBeforeAlpha
	trainingBeforeLoss
	trainingSize
)

func (t trainingSearch) State(dim int, dtype dtypes.DType) []shapes.Shape {
	all := make([]shapes.Shape, trainingSize)
	for i := range all {
		all[i] = shapes.Make(dtype)
	}
	all[trainingStart], all[trainingDirection] = shapes.Make(dtype, dim), shapes.Make(dtype, dim)
	return append(all, t.direction.State(dim, dtype)...)
}

// Step has three ways on: from a new iterate along the next direction; from where the search began, by a shorter trial; or,
// where neither makes sense, back there without what the direction remembers.
func (t trainingSearch) Step(p *objective.Point, state []*graph.Node) (*graph.Node, []*graph.Node) {
	start, before, memory := state[trainingStart], state[trainingDirection], state[trainingSize:]
	zero, one := graph.ZerosLike(p.Loss), graph.OnesLike(p.Loss)
	infinite := graph.Infinity(p.Loss.Graph(), p.Loss.DType(), 1)

	here := trialNodes{alpha: state[trainingAlpha], loss: p.Loss, slope: device.Dot(p.Gradient, before)}
	finite := graph.LogicalAnd(graph.IsFinite(here.loss), graph.IsFinite(here.slope))
	here.loss = graph.Where(finite, here.loss, infinite)
	origin := trialNodes{loss: state[trainingLoss], slope: state[trainingSlope]}
	last := trialNodes{alpha: state[trainingBeforeAlpha], loss: state[trainingBeforeLoss]}

	reached := graph.LogicalOr(isZero(state[trainingKnown]), graph.LogicalAnd(finite, t.acceptsNodes(origin, here)))
	direction, learned := t.direction.Step(p, memory)
	slope := device.Dot(direction, p.Gradient)
	descends := graph.LogicalAnd(graph.LessThan(slope, zero), graph.IsFinite(device.Norm(direction)))
	onward := graph.LogicalAnd(reached, descends)
	left := graph.LessThan(state[trainingTrials], graph.MulScalar(one, float64(t.MaxTrials)-0.5))
	shorter := graph.LogicalAnd(graph.LogicalNot(reached), left)

	from := graph.Where(reached, p.Theta, start)
	direction = graph.Where(onward, direction, graph.Where(shorter, before, graph.ZerosLike(before)))
	alpha := graph.Where(onward, one, backtrackNodes(origin, last, here, finite))
	next := []*graph.Node{
		trainingKnown:       graph.Where(graph.LogicalOr(onward, shorter), one, zero),
		trainingStart:       from,
		trainingDirection:   direction,
		trainingLoss:        graph.Where(reached, p.Loss, origin.loss),
		trainingSlope:       graph.Where(reached, slope, origin.slope),
		trainingAlpha:       alpha,
		trainingTrials:      graph.Where(onward, one, graph.AddScalar(state[trainingTrials], 1)),
		trainingBeforeAlpha: graph.Where(onward, zero, here.alpha),
		trainingBeforeLoss:  graph.Where(onward, infinite, here.loss),
	}
	for i, m := range memory {
		next = append(next, graph.Where(onward, learned[i], graph.Where(shorter, m, graph.ZerosLike(m))))
	}
	// From θ rather than from the start of the search: a Direction gives a step.
	to := graph.Where(graph.LogicalOr(onward, shorter), graph.Add(from, graph.Mul(alpha, direction)), from)
	return graph.Sub(to, p.Theta), next
}

// trialNodes is a Trial in a graph.
type trialNodes struct{ alpha, loss, slope *graph.Node }

// acceptsNodes is Armijo.accepts.
func (t trainingSearch) acceptsNodes(start, trial trialNodes) *graph.Node {
	enough := graph.Add(start.loss, graph.MulScalar(graph.Mul(trial.alpha, start.slope), t.Decrease))
	noise := graph.MulScalar(graph.Abs(start.loss), 8*device.Epsilon(start.loss.DType()))
	hidden := graph.LessOrEqual(graph.Abs(graph.Sub(trial.loss, start.loss)), noise)
	flat := graph.LessOrEqual(trial.slope, graph.MulScalar(start.slope, 2*t.Decrease-1))
	return graph.LogicalOr(graph.LessOrEqual(trial.loss, enough), graph.LogicalAnd(hidden, flat))
}

// backtrackNodes is the next length of Armijo.find, with backtrack.
func backtrackNodes(start, previous, last trialNodes, finite *graph.Node) *graph.Node {
	rest := func(t trialNodes) *graph.Node {
		return graph.Div(graph.Sub(graph.Div(graph.Sub(t.loss, start.loss), t.alpha), start.slope), t.alpha)
	}
	quadratic := graph.Neg(graph.Div(start.slope, graph.MulScalar(rest(last), 2)))
	third := graph.Div(graph.Sub(rest(previous), rest(last)), graph.Sub(previous.alpha, last.alpha))
	second := graph.Sub(rest(last), graph.Mul(third, last.alpha))
	square := graph.Sub(graph.Square(second), graph.MulScalar(graph.Mul(third, start.slope), 3))
	root, zero := graph.Sqrt(square), graph.ZerosLike(square)
	cubic := graph.Where(graph.GreaterThan(second, zero),
		graph.Neg(graph.Div(start.slope, graph.Add(second, root))),
		graph.Div(graph.Sub(root, second), graph.MulScalar(third, 3)))
	usable := graph.LogicalAnd(graph.IsFinite(previous.loss),
		graph.LogicalAnd(graph.GreaterOrEqual(square, zero), graph.NotEqual(third, zero)))
	shortest, longest := graph.MulScalar(last.alpha, 0.1), graph.MulScalar(last.alpha, 0.5)
	best := graph.Max(shortest, graph.Min(longest, graph.Where(usable, cubic, quadratic)))
	return graph.Where(finite, best, shortest)
}
