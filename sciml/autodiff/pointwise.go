package autodiff

import (
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// pointwise finds where the weights meet the points in the graph of residuals. Going back from r, whose first axis
// counts the points, it follows that axis through every operation. An input without the axis that depends on theta is
// a weight, and the operation a meeting.
type pointwise struct {
	theta    *graph.Node
	byTheta  *engine              // knows what depends on theta
	axis     map[graph.NodeId]int // of the nodes that have the axis of points
	meetings []meeting
	// general has the Jacobians, shape [size, P], of weights that are other functions of theta than slices.
	general map[graph.NodeId]*graph.Node
	// points is set where theta are the points themselves, to see whether they interact: there are no weights then.
	points bool
	// refused are nodes that are known to have no such structure; path leads from the residual to the node that is visited.
	refused map[nodeAxis]*refusal
	path    []nodeAxis
}

// nodeAxis is a node whose given axis counts the points.
type nodeAxis struct {
	id   graph.NodeId
	axis int
}

// meeting is an operation in which a weight meets the points.
type meeting struct {
	index  int
	at     *graph.Node // the operation; its output has the axis of points
	axis   int         // which axis that is
	weight *graph.Node
	// For a DotGeneral: the other factor, the position of the weight, and the axes, as they are in the operation.
	factor         *graph.Node
	weightIsRight  bool
	contract, free []int // axes of the weight: contracted with the factor, and left in the output
	batch          []int // axes of the weight that run along with those of the factor, batched
	factorBatch    []int // and which those are
	// Else the operation repeats the weight, which fills the axes kept of the output: by itself (broadcast), or as an input of an
	// element-wise operation.
	kept      []int
	broadcast bool
	input     int
}

func newPointwise(r, theta *graph.Node) *pointwise {
	p := blankPointwise(theta, newEngine(theta))
	if p.byTheta.depends(r) {
		p.visit(r, 0)
	}
	return p
}

func blankPointwise(theta *graph.Node, byTheta *engine) *pointwise {
	return &pointwise{theta: theta, byTheta: byTheta, axis: map[graph.NodeId]int{}}
}

// visit goes back from a node whose given axis counts the points.
func (p *pointwise) visit(n *graph.Node, axis int) {
	if !p.byTheta.depends(n) {
		return // its rows are constants
	}
	if known, seen := p.axis[n.Id()]; seen {
		if known != axis {
			refuse(n, "points interact: one result counts them along two axes")
		}
		return
	}
	switch {
	case n == p.theta && p.points && axis == 0:
		return
	case n == p.theta && p.points:
		refuse(n, "points interact: one result counts their coordinates")
	case n == p.theta:
		refuse(n, "residuals are taken from theta itself, one entry a point")
	}
	key := nodeAxis{n.Id(), axis}
	if refused := p.refused[key]; refused != nil {
		panic(refused)
	}
	p.axis[n.Id()] = axis
	p.path = append(p.path, key)
	p.inputsOf(n, axis)
	p.path = p.path[:len(p.path)-1]
}

// Couples says why row n of r, whose first axis counts the points as that of x does, depends on other points than n; nil where no
// operation is known to bring points together, such as a mean over them. A sum over some of the points only is then another one.
func Couples(r, x *graph.Node) error {
	p := &pointwise{theta: x, byTheta: newEngine(x), axis: map[graph.NodeId]int{}, points: true}
	if !p.byTheta.depends(r) {
		return nil
	}
	if refused := catch(func() { p.visit(unfused(r, x), 0) }); refused != nil && refused.couples {
		return refused
	}
	return nil
}

// weighs records that w, which has no axis of points, enters at n.
func (p *pointwise) weighs(n, w *graph.Node, m meeting) {
	if !p.byTheta.depends(w) {
		return
	}
	if p.points {
		refuse(n, "points interact: this operation takes a number that is made of many of them")
	}
	m.at, m.axis, m.weight = n, p.axis[n.Id()], w
	p.meetings = append(p.meetings, m)
}

// repeats records that input k of an element-wise operation is a weight.
func (p *pointwise) repeats(n *graph.Node, k int, kept []int) {
	if matters(n, k) {
		p.weighs(n, n.Inputs()[k], meeting{kept: kept, input: k})
	}
}

// isElementwise reports whether element i of the result depends on elements i of the inputs only.
func isElementwise(n *graph.Node) bool {
	switch rules[n.Type()].(type) {
	case elementwise, absolute, power, angle, choice, quotient, constant:
		return true
	}
	switch n.Type() {
	case graph.NodeTypeIdentity, graph.NodeTypeNeg, graph.NodeTypeAdd, graph.NodeTypeSub, graph.NodeTypeMul,
		graph.NodeTypeWhere, graph.NodeTypeConvertDType, graph.NodeTypeOptimizationBarrier, graph.NodeTypeFusedGelu,
		graph.NodeTypeRem, graph.NodeTypeReal, graph.NodeTypeImag, graph.NodeTypeConj, graph.NodeTypeComplex:
		return true
	}
	return false
}

func (p *pointwise) inputsOf(n *graph.Node, axis int) {
	in := n.Inputs()
	switch {
	case isElementwise(n):
		for k, input := range in {
			switch {
			case input.IsScalar() && !n.IsScalar():
				p.repeats(n, k, nil)
			case input.Shape().Dimensions[axis] != n.Shape().Dimensions[axis]: // one row for all points
				p.repeats(n, k, axesFrom(0, n.Rank()))
			default:
				p.visit(input, axis)
			}
		}
		return
	case n.Type() == graph.NodeTypeDotGeneral:
		p.product(n, axis)
		return
	}
	switch n.Type() {
	case graph.NodeTypeBroadcastInDim:
		axes := integers(n, "broadcastAxes")
		from := slices.Index(axes, axis)
		if from >= 0 && in[0].Shape().Dimensions[from] == n.Shape().Dimensions[axis] {
			p.visit(in[0], from)
			return
		}
		p.weighs(n, in[0], meeting{broadcast: true, kept: axes})
	case graph.NodeTypeReshape:
		from, found := reshapedAxis(n, axis)
		if !found {
			refuse(n, "points interact: their axis is merged with another")
		}
		p.visit(in[0], from)
	case graph.NodeTypeSchedulingBarrier:
		p.visit(in[0], axis)
	case graph.NodeTypeSplitNode:
		if in[0].Type() != graph.NodeTypeOptimizationBarrier {
			refuse(n, unknownUse)
		}
		p.visit(in[0].Inputs()[integer(n, "index")], axis)
	case graph.NodeTypeTranspose:
		p.visit(in[0], integers(n, "permutation")[axis])
	case graph.NodeTypeFusedSoftmax:
		if integer(n, "axis") == axis {
			refuse(n, "points interact: this operation works along their axis")
		}
		p.visit(in[0], axis)
	case graph.NodeTypeReduceSum, graph.NodeTypeReduceMax, graph.NodeTypeReduceMin, graph.NodeTypeReduceProduct:
		at := axis
		for _, reduced := range reducedAxes(n) {
			if reduced <= at {
				at++
			}
		}
		p.visit(in[0], at)
	case graph.NodeTypeConcatenate:
		if integer(n, "axis") == axis {
			refuse(n, "points interact: sets of them are joined")
		}
		for _, input := range in {
			p.visit(input, axis)
		}
	case graph.NodeTypeSlice, graph.NodeTypePad, graph.NodeTypeCumSum, graph.NodeTypeReverse:
		if in[0].Shape().Dimensions[axis] != n.Shape().Dimensions[axis] || n.Type() == graph.NodeTypeCumSum && integer(n, "axis") == axis ||
			n.Type() == graph.NodeTypeReverse && slices.Contains(integers(n, "axes"), axis) {
			refuse(n, "points interact: this operation works along their axis")
		}
		p.visit(in[0], axis)
	default:
		refuse(n, unknownUse)
	}
}

// product is a DotGeneral, whose axis of points comes from one factor, or from both as a batch.
func (p *pointwise) product(n *graph.Node, axis int) {
	side := [2]dotSide{
		{n.Inputs()[0], integers(n, "lhsContractingAxes"), integers(n, "lhsBatchAxes")},
		{n.Inputs()[1], integers(n, "rhsContractingAxes"), integers(n, "rhsBatchAxes")},
	}
	batches := len(side[0].batch)
	if axis < batches {
		p.visit(side[0].node, side[0].batch[axis])
		p.visit(side[1].node, side[1].batch[axis])
		return
	}
	own, other := 0, 1
	at := axis - batches
	if left := len(side[0].free()); at >= left {
		own, other, at = 1, 0, at-left
	}
	p.visit(side[own].node, side[own].free()[at])
	if batches > 0 && p.points && p.byTheta.depends(side[other].node) {
		refuse(n, "points interact: each meets all")
	}
	p.weighs(n, side[other].node, meeting{
		factor: side[own].node, weightIsRight: other == 1, contract: side[other].contract, free: side[other].free(),
		batch: side[other].batch, factorBatch: side[own].batch,
	})
}

const unknownUse = "this operation's use of points or weights is not known"

type dotSide struct {
	node            *graph.Node
	contract, batch []int
}

// free are the axes that are left in the output.
func (s dotSide) free() []int {
	var axes []int
	for i := range s.node.Rank() {
		if !slices.Contains(s.contract, i) && !slices.Contains(s.batch, i) {
			axes = append(axes, i)
		}
	}
	return axes
}

// localSlope is ∂n/∂(input k) of an element-wise operation, the others held fixed.
func localSlope(n *graph.Node, k int) *graph.Node {
	held := make([]*graph.Node, len(n.Inputs()))
	for i, input := range n.Inputs() {
		held[i] = graph.StopGradient(input)
	}
	w := graph.Add(held[k], graph.ZerosLike(held[k])) // a node of its own, to differentiate by
	held[k] = w
	slope := tangent(n.CloneWithInputs(held...), []*graph.Node{w}, []*graph.Node{graph.OnesLike(w)})
	if slope == nil {
		return graph.ZerosLike(n)
	}
	return slope
}

// reshapedAxis is the axis of the input of a Reshape that is the given axis of its output.
func reshapedAxis(n *graph.Node, axis int) (from int, found bool) {
	out, in := n.Shape().Dimensions, n.Inputs()[0].Shape().Dimensions
	before := 1
	for _, d := range out[:axis] {
		before *= d
	}
	product := 1
	for i, d := range in {
		if product == before && d == out[axis] {
			return i, true
		}
		product *= d
	}
	return 0, false
}

func sorted(axes []int) []int {
	axes = slices.Clone(axes)
	slices.Sort(axes)
	return axes
}

// perPoint returns the gradient of each point's residual by the weight of the meetings, which are one, or several
// products with the same axes: shape [N, weight's dimensions…].
func perPoint(group []meeting, signal func(meeting) *graph.Node) *graph.Node {
	m := group[0]
	switch {
	case m.factor != nil:
		return outerProducts(group, signal)
	case m.broadcast:
		return m.unrepeat(signal(m))
	}
	return m.unrepeat(graph.Mul(signal(m), localSlope(m.at, m.input)))
}

// unrepeat sums a signal over the axes along which the weight was repeated, but not over the points.
func (m meeting) unrepeat(s *graph.Node) *graph.Node {
	weight := m.weight.Shape().Dimensions
	order, dims := []int{m.axis}, []int{s.Shape().Dimensions[m.axis]}
	var summed []int
	for i := range s.Rank() {
		from := slices.Index(m.kept, i)
		switch {
		case i == m.axis:
		case from >= 0 && weight[from] == s.Shape().Dimensions[i]:
			order = append(order, i)
		default:
			summed = append(summed, i)
		}
	}
	dims = append(dims, weight...) // axes of size one that were repeated come back by the reshape
	all := graph.TransposeAllAxes(s, append(order, summed...)...)
	if len(summed) > 0 {
		last := make([]int, len(summed))
		for i := range last {
			last[i] = len(order) + i
		}
		all = graph.ReduceSum(all, last...)
	}
	return graph.Reshape(all, dims...)
}

// outerProducts sums the outer products of factors and signals over the products of one weight, and over further axes
// that the factors have (those of bundles), in a single product: [N·B, S, K]·[N·B, S, M], where B counts the members of a batch.
func outerProducts(group []meeting, signal func(meeting) *graph.Node) *graph.Node {
	var factors, signals []*graph.Node
	m := group[0]
	for _, m := range group {
		f, s := m.aligned(signal(m))
		factors, signals = append(factors, f), append(signals, s)
	}
	f, s := factors[0], signals[0]
	if len(group) > 1 {
		f, s = graph.Concatenate(factors, 1), graph.Concatenate(signals, 1)
	}
	rows := graph.DotGeneral(f, []int{1}, []int{0}, s, []int{1}, []int{0}) // [N·B, K, M]
	// Back to the weight's own order of axes: those of the batch, contracted ones, which are K, and free ones, M.
	weight := m.weight.Shape().Dimensions
	order := slices.Concat(m.batch, m.contract, m.free)
	split := []int{rows.Shape().Dimensions[0]}
	for i, a := range order {
		split = append(split, weight[a])
		if i < len(m.batch) {
			split[0] /= weight[a]
		}
	}
	permutation := make([]int, len(split))
	for i, a := range order {
		permutation[a+1] = i + 1
	}
	return graph.TransposeAllAxes(graph.Reshape(rows, split...), permutation...)
}

// aligned returns factor and signal as [N·B, S, K] and [N·B, S, M], where S counts what is summed over, and B the batch.
func (m meeting) aligned(signal *graph.Node) (factor, s *graph.Node) {
	n := m.at
	names := [2]string{"lhsContractingAxes", "rhsContractingAxes"}
	own := 0
	if !m.weightIsRight {
		own = 1
	}
	contract := integers(n, names[own])
	side := dotSide{m.factor, contract, m.factorBatch}
	free := side.free()
	// The output has the axes of the batch, then the free ones of the left factor, then those of the right one.
	batches := len(m.factorBatch)
	first := batches
	if !m.weightIsRight {
		first += len(m.free)
	}
	at := m.axis - first // of the points, among the factor's free axes
	points := m.factor.Shape().Dimensions[free[at]]
	factorOrder, signalOrder := []int{free[at]}, []int{m.axis}
	for i, a := range m.factorBatch {
		factorOrder, signalOrder = append(factorOrder, a), append(signalOrder, i)
		points *= m.factor.Shape().Dimensions[a]
	}
	summed := 1
	for i, a := range free {
		if i != at {
			factorOrder, signalOrder = append(factorOrder, a), append(signalOrder, first+i)
			summed *= m.factor.Shape().Dimensions[a]
		}
	}
	factorOrder = append(factorOrder, contract...)
	weightFirst := batches
	if m.weightIsRight {
		weightFirst += len(free)
	}
	for i := range m.free {
		signalOrder = append(signalOrder, weightFirst+i)
	}
	factor = graph.Reshape(graph.TransposeAllAxes(m.factor, factorOrder...), points, summed, m.factor.Shape().Size()/points/summed)
	s = graph.Reshape(graph.TransposeAllAxes(signal, signalOrder...), points, summed, signal.Shape().Size()/points/summed)
	return factor, s
}
