package optim

import (
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// pairsDirector is lbfgsDirection with a tensor for each vector of the pairs, for large ones. The host has them in their order:
// storing a pair moves nothing, where the matrices S and Y would be there twice. For small ones one program for all of it is
// faster, and compiles faster.
type pairsDirector struct {
	lbfgsDirection
	obj     *objective.Objective
	program *device.Program
}

// The state of pairsDirector: that of lbfgsDirection without the pairs; then the s, oldest first, and the y. Pairs not there
// yet are zeros, all the same tensor.
const (
	pairsTheta = iota // the point before, which is not copied
	pairsGradient
	pairsInverse
	pairsGamma
	pairsStarted
	pairsQuotient
	pairsCount
	pairsRows
)

// What its program gives before the next state without points and pairs: the direction, its slope and its length; whether the pair of
// the last step is to be stored, and whether all are to be forgotten after that; the pair.
const (
	pairsStep = iota
	pairsSlope
	pairsLength
	pairsUseful
	pairsForget
	pairsS
	pairsY
	pairsNext
)

func newPairsDirector(obj *objective.Objective, l lbfgsDirection) (*pairsDirector, error) {
	d := &pairsDirector{lbfgsDirection: l, obj: obj}
	var err error
	d.program, err = device.NewProgram(obj.Compiler(), "direction from pairs", func(in []*graph.Node) []*graph.Node {
		return d.build(&objective.Point{Theta: in[0], Loss: in[1], Gradient: in[2]}, in[3:])
	})
	return d, err
}

func (d *pairsDirector) build(p *objective.Point, state []*graph.Node) []*graph.Node {
	gradient := p.Gradient
	s, y, gamma, useful := d.correction(p, state[pairsTheta], state[pairsGradient], state[pairsQuotient], state[pairsStarted])
	s, y = graph.Where(useful, s, graph.ZerosLike(s)), graph.Where(useful, y, graph.ZerosLike(y)) // else they may be NaN
	gamma = graph.Where(useful, gamma, state[pairsGamma])
	rows := state[pairsRows:]
	allS := lastRows{append(slices.Clone(rows[:d.memory]), s), useful}
	allY := lastRows{append(slices.Clone(rows[d.memory:]), y), useful}
	var products *graph.Node
	if d.memory > 1 {
		products = graph.ExpandAxes(dots(rows[1:d.memory], y), -1)
	}
	inverse := graph.Where(useful, border(state[pairsInverse], products), state[pairsInverse])
	count := graph.Add(state[pairsCount], graph.ConvertDType(useful, gradient.DType()))

	product := compactProduct(gradient, allS, allY, inverse, gamma)
	plain := graph.Mul(gamma, gradient) // what is left of it without pairs
	forget := graph.LogicalAnd(useful, graph.LogicalNot(useful))
	if d.every > 0 {
		forget = graph.GreaterOrEqual(count, graph.MulScalar(graph.OnesLike(count), float64(d.every)))
		product = graph.Where(forget, plain, product)
	}
	if d.cosine > 0 {
		poor := d.poor(gradient, product)
		product = graph.Where(poor, plain, product)
		forget = graph.LogicalOr(forget, poor)
	}
	step := lbfgsStep(gradient, product, gamma)
	slope := device.Dot(step, gradient)
	return []*graph.Node{
		pairsStep: step, pairsSlope: slope, pairsLength: device.Norm(step), pairsUseful: useful, pairsForget: forget, pairsS: s, pairsY: y,
		pairsNext:                                graph.Where(forget, graph.ZerosLike(inverse), inverse),
		pairsNext + pairsGamma - pairsInverse:    gamma,
		pairsNext + pairsStarted - pairsInverse:  graph.OnesLike(state[pairsStarted]),
		pairsNext + pairsQuotient - pairsInverse: graph.Neg(graph.Div(slope, device.Dot(step, step))),
		pairsNext + pairsCount - pairsInverse:    graph.Where(forget, graph.ZerosLike(count), count),
	}
}

// lastRows are the last m of m + 1 vectors on a condition, and the first m without it.
type lastRows struct {
	rows []*graph.Node
	last *graph.Node
}

func (l lastRows) times(v *graph.Node) *graph.Node {
	all, m := dots(l.rows, v), len(l.rows)-1
	return graph.Where(l.last, graph.Slice(all, graph.AxisRangeToEnd(1)), graph.Slice(all, graph.AxisRange(0, m)))
}

func (l lastRows) transposeTimes(w *graph.Node) *graph.Node {
	zero := graph.Zeros(w.Graph(), shapes.Make(w.DType(), 1))
	w = graph.Where(l.last, graph.Concatenate([]*graph.Node{zero, w}, 0), graph.Concatenate([]*graph.Node{w, zero}, 0))
	var sum *graph.Node
	for i, row := range l.rows {
		part := graph.Mul(row, graph.Reshape(graph.Slice(w, graph.AxisRange(i, i+1))))
		if sum == nil {
			sum = part
		} else {
			sum = graph.Add(sum, part)
		}
	}
	return sum
}

// dots are the products of vectors with v.
func dots(rows []*graph.Node, v *graph.Node) *graph.Node {
	all := make([]*graph.Node, len(rows))
	for i, row := range rows {
		all[i] = graph.Reshape(graph.Dot(row, v).Product(), 1)
	}
	return graph.Concatenate(all, 0)
}

func (d *pairsDirector) blank() []*tensors.Tensor {
	dtype, dim := d.obj.Precision(), d.obj.Dim
	vector, number := shapes.Make(dtype, dim), shapes.Make(dtype)
	state := device.Zeros([]shapes.Shape{
		pairsTheta: vector, pairsGradient: vector, pairsInverse: shapes.Make(dtype, d.memory, d.memory),
		pairsGamma: number, pairsStarted: number, pairsQuotient: number, pairsCount: number,
	})
	return append(state, slices.Repeat(device.Zeros([]shapes.Shape{vector}), 2*d.memory)...)
}

func (d *pairsDirector) direct(at *evaluated, state []*tensors.Tensor) (directed, error) {
	out, err := d.program.Call([]*tensors.Tensor{at.theta, device.Scalar(d.obj.Precision(), at.loss), at.gradient}, state)
	if err != nil {
		return directed{}, err
	}
	useful, forget := tensors.ToScalar[bool](out[pairsUseful]), tensors.ToScalar[bool](out[pairsForget])
	s, y := state[pairsRows:pairsRows+d.memory], state[pairsRows+d.memory:]
	next := append([]*tensors.Tensor{at.theta, at.gradient}, out[pairsNext:]...)
	switch {
	case forget:
		next = append(next, slices.Repeat(device.Zeros([]shapes.Shape{at.theta.Shape()}), 2*d.memory)...)
	case useful:
		next = append(append(next, s[1:]...), out[pairsS])
		next = append(append(next, y[1:]...), out[pairsY])
	default:
		next = append(append(next, s...), y...)
	}
	if forget || !useful {
		device.Free(out[pairsS:pairsNext])
	}
	result := directed{step: out[pairsStep], slope: device.Number(out[pairsSlope]), length: device.Number(out[pairsLength]), next: next}
	device.Free(out[pairsSlope:pairsS])
	return result, nil
}

func (d *pairsDirector) rebase(state []*tensors.Tensor) []*tensors.Tensor {
	state = slices.Clone(state)
	state[pairsStarted] = tensors.FromShape(state[pairsStarted].Shape())
	return state
}
