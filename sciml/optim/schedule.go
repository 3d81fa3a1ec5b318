package optim

import (
	"cmp"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Schedule changes the rate of a fixed-step method from iteration to iteration. It builds graphs, so that it runs on the
// device inside the loop. Its state starts with the run, or with the phase of a Hybrid; in a checkpoint it is saved.
// A schedule that compares losses may have a method Rebase([]*tensors.Tensor) []*tensors.Tensor as well, which returns
// the state without what is known of the previous objective when that has changed.
type Schedule interface {
	// Size is how many numbers are remembered between iterations; all of them start as zero.
	Size() int
	// Scale builds the factor of the rate in this iteration (a scalar) and what to remember, from the loss at the
	// iterate and what was remembered (scalars of the same type).
	Scale(loss *graph.Node, state []*graph.Node) (factor *graph.Node, next []*graph.Node)
	// Check reports settings that make no sense.
	Check() error
}

// Constant leaves the rate as it is, as no schedule does.
type Constant struct{}

// Size implements Schedule.
func (Constant) Size() int { return 0 }

// Factor implements Schedule.
func (Constant) Scale(loss *graph.Node, _ []*graph.Node) (*graph.Node, []*graph.Node) {
	return graph.ScalarOne(loss.Graph(), loss.DType()), nil
}

// Check implements Schedule.
func (Constant) Check() error { return nil }

// StepDecay multiplies the rate by a factor every so many iterations: after k of them it is Factor^⌊k/Every⌋ of what it was.
type StepDecay struct {
	// Every is in iterations; 1000 when zero.
	Every int
	// Factor is above 0; 0.5 when zero.
	Factor float64
}

// Size implements Schedule.
func (StepDecay) Size() int { return 1 }

// Factor implements Schedule.
func (s StepDecay) Scale(_ *graph.Node, state []*graph.Node) (*graph.Node, []*graph.Node) {
	s = s.withDefaults()
	// Half an iteration keeps the quotient off the integers, whichever way it is rounded.
	times := graph.Floor(graph.DivScalar(graph.AddScalar(state[0], 0.5), float64(s.Every)))
	return powerOf(s.Factor, times), []*graph.Node{graph.AddScalar(state[0], 1)}
}

// Check implements Schedule.
func (s StepDecay) Check() error {
	s = s.withDefaults()
	return checkSettings("StepDecay", counted("Every", s.Every), positive("Factor", s.Factor))
}

func (s StepDecay) withDefaults() StepDecay {
	s.Every = cmp.Or(s.Every, 1000)
	s.Factor = cmp.Or(s.Factor, 0.5)
	return s
}

// Exponential lets the rate decay smoothly: after k iterations it is Factor^(k/Every) of what it was.
type Exponential struct {
	// Every is in iterations; 1000 when zero.
	Every int
	// Factor is above 0; 0.9 when zero.
	Factor float64
}

// Size implements Schedule.
func (Exponential) Size() int { return 1 }

// Factor implements Schedule.
func (e Exponential) Scale(_ *graph.Node, state []*graph.Node) (*graph.Node, []*graph.Node) {
	e = e.withDefaults()
	return powerOf(e.Factor, graph.DivScalar(state[0], float64(e.Every))), []*graph.Node{graph.AddScalar(state[0], 1)}
}

// Check implements Schedule.
func (e Exponential) Check() error {
	e = e.withDefaults()
	return checkSettings("Exponential", counted("Every", e.Every), positive("Factor", e.Factor))
}

func (e Exponential) withDefaults() Exponential {
	e.Every = cmp.Or(e.Every, 1000)
	e.Factor = cmp.Or(e.Factor, 0.9)
	return e
}

// powerOf is baseˣ for a number above zero.
func powerOf(base float64, x *graph.Node) *graph.Node {
	return graph.Exp(graph.MulScalar(x, math.Log(base)))
}

// Cosine lets the rate fall along half a period of a cosine, from 1 to Floor of what it was, and keeps it there
// (Loshchilov and Hutter 2017, equation 5, without restarts).
type Cosine struct {
	// Total is the number of iterations until the floor. Required.
	Total int
	// Floor is at least 0 and below 1.
	Floor float64
}

// Size implements Schedule.
func (Cosine) Size() int { return 1 }

// Factor implements Schedule.
func (c Cosine) Scale(_ *graph.Node, state []*graph.Node) (*graph.Node, []*graph.Node) {
	one := graph.OnesLike(state[0])
	phase := graph.MulScalar(graph.Min(one, graph.DivScalar(state[0], float64(c.Total))), math.Pi)
	factor := graph.AddScalar(graph.MulScalar(graph.Cos(phase), (1-c.Floor)/2), (1+c.Floor)/2)
	return factor, []*graph.Node{graph.AddScalar(state[0], 1)}
}

// Check implements Schedule.
func (c Cosine) Check() error {
	return checkSettings("Cosine", counted("Total", c.Total), fraction("Floor", c.Floor))
}

// WarmUp lets the rate rise linearly, from 1/Steps of it in the first iteration to all of it in iteration number Steps,
// and then begins another schedule.
type WarmUp struct {
	// Steps is the number of iterations below the full rate, and one. Required.
	Steps int
	// Then is what follows; Constant{} when nil.
	Then Schedule
}

// Size implements Schedule.
func (w WarmUp) Size() int { return 1 + w.then().Size() }

// Factor implements Schedule.
func (w WarmUp) Scale(loss *graph.Node, state []*graph.Node) (*graph.Node, []*graph.Node) {
	count, rest := state[0], state[1:]
	rising := graph.LessThan(count, graph.MulScalar(graph.OnesLike(count), float64(w.Steps)))
	later, next := w.then().Scale(loss, rest)
	factor := graph.Where(rising, graph.DivScalar(graph.AddScalar(count, 1), float64(w.Steps)), later)
	out := []*graph.Node{graph.AddScalar(count, 1)}
	for i, n := range next {
		out = append(out, graph.Where(rising, rest[i], n))
	}
	return factor, out
}

// Check implements Schedule.
func (w WarmUp) Check() error {
	if err := checkSettings("WarmUp", counted("Steps", w.Steps)); err != nil {
		return err
	}
	return w.then().Check()
}

// Rebase passes on that the objective has changed.
func (w WarmUp) Rebase(state []*tensors.Tensor) []*tensors.Tensor {
	if len(state) < w.Size() {
		return state
	}
	return append(state[:1:1], rebase(w.then(), state[1:])...)
}

func (w WarmUp) then() Schedule {
	if w.Then == nil {
		return Constant{}
	}
	return w.Then
}

// Plateau multiplies the rate by a factor whenever the lowest loss has not fallen for a number of iterations.
type Plateau struct {
	// Patience is the number of iterations; 500 when zero.
	Patience int
	// Factor is between 0 and 1; 0.5 when zero.
	Factor float64
	// Min is the least factor in all; 1e-3 when zero.
	Min float64
	// Threshold is the least relative decrease of the loss that counts; 1e-4 when zero.
	Threshold float64
}

// The state of Plateau: whether there is a lowest loss, and it; the iterations since; how often the rate was reduced.
const (
	plateauKnown = iota
	plateauLowest
	plateauWaited
	plateauReduced
	plateauSize
)

// Size implements Schedule.
func (Plateau) Size() int { return plateauSize }

// Factor implements Schedule.
func (p Plateau) Scale(loss *graph.Node, state []*graph.Node) (*graph.Node, []*graph.Node) {
	p = p.withDefaults()
	zero, one := graph.ZerosLike(loss), graph.OnesLike(loss)
	lowest := state[plateauLowest]
	enough := graph.Sub(lowest, graph.MulScalar(graph.Abs(lowest), p.Threshold))
	better := graph.LogicalOr(graph.Equal(state[plateauKnown], zero), graph.LessThan(loss, enough))
	waited := graph.Where(better, zero, graph.AddScalar(state[plateauWaited], 1))
	reduce := graph.GreaterThan(waited, graph.MulScalar(one, float64(p.Patience)-0.5))
	reduced := graph.Add(state[plateauReduced], graph.Where(reduce, one, zero))
	factor := graph.Max(powerOf(p.Factor, reduced), graph.MulScalar(one, p.Min))
	return factor, []*graph.Node{
		plateauKnown:   one,
		plateauLowest:  graph.Where(better, loss, lowest),
		plateauWaited:  graph.Where(reduce, zero, waited),
		plateauReduced: reduced,
	}
}

// Check implements Schedule.
func (p Plateau) Check() error {
	p = p.withDefaults()
	return checkSettings("Plateau", counted("Patience", p.Patience), positive("Factor", p.Factor), fraction("Factor", p.Factor),
		notNegative("Min", p.Min), fraction("Threshold", p.Threshold))
}

// Rebase forgets the lowest loss.
func (Plateau) Rebase(state []*tensors.Tensor) []*tensors.Tensor {
	if len(state) < plateauSize {
		return state
	}
	state = slices.Clone(state)
	state[plateauKnown] = tensors.FromShape(state[plateauKnown].Shape())
	return state
}

func (p Plateau) withDefaults() Plateau {
	p.Patience = cmp.Or(p.Patience, 500)
	p.Factor, p.Min, p.Threshold = cmp.Or(p.Factor, 0.5), cmp.Or(p.Min, 1e-3), cmp.Or(p.Threshold, 1e-4)
	return p
}
