package autodiff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// engine builds derivatives of nodes along directions, next to the graph it finds. A direction is a tangent of the
// inputs, or a bundle of several tangents that are carried together along a new first axis.
type engine struct {
	directions []direction
	byName     map[string]int
	inputs     map[graph.NodeId]bool
	live       map[graph.NodeId]bool
	memo       map[memoKey]stream
	slopes     map[graph.NodeId][]*graph.Node // f′, f″, … of element-wise operations
	highest    int                            // order that was asked for
	often      map[int]int                    // of each direction, the most of its derivatives within one that was asked for
	// equivalents are expressions in place of operations that are differentiated as such.
	equivalents map[graph.NodeId]*graph.Node
	allowance   allowance
	// points are the input that directions along coordinates are of: those have a number here, or −1 for all of them as a bundle.
	// Apart is the axis along which a node is separate, or −1.
	points     *graph.Node
	coordinate map[int]int
	apart      map[graph.NodeId]int
}

// direction is a tangent of each input; width is zero for a single one, else the size of the bundle.
type direction struct {
	width   int
	seeds   map[graph.NodeId]*graph.Node // shape of the input, after the bundle's axis if there is one
	uniform bool                         // seeds have one row for all points
}

// stream is the node of a derivative; its width is that of the bundle it was differentiated along, which is then its
// first axis. The zero stream is zero everywhere.
//
// A uniform stream is the same for all points: the axis that counts them has size one. Along a coordinate, the tangent
// of x is a constant row and that of xW a row of W, so that the first layer needs no product with N rows.
type stream struct {
	node    *graph.Node
	width   int
	uniform bool
}

func (s stream) zero() bool { return s.node == nil }

type memoKey struct {
	id   graph.NodeId
	form string
}

// mono is a product of directions, one for each order of differentiation, sorted: {0, 0, 1} is ∂³/∂v₀²∂v₁. At most
// one of its directions, which may be repeated, is a bundle.
type mono []int

// form is what is differentiated for: a single mono, or a weighted sum of monos, with bundles summed over. The whole
// sum is carried as one stream, because the highest derivative enters every rule linearly.
type form struct {
	terms []weighted
	sum   bool
	key   string
}

type weighted struct {
	mono   mono
	weight float64
}

func single(m mono) form {
	return form{terms: []weighted{{m, 1}}, key: fmt.Sprint([]int(m))}
}

func sumOf(terms []weighted) form {
	if len(terms) == 0 {
		exceptions.Panicf("autodiff: a differential operator without terms was asked for, expected at least one")
	}
	// The same operator in another order shares its streams.
	slices.SortStableFunc(terms, func(a, b weighted) int { return slices.Compare(a.mono, b.mono) })
	var key strings.Builder
	key.WriteString("sum")
	for _, t := range terms {
		fmt.Fprintf(&key, "%v*%v", t.mono, t.weight)
	}
	return form{terms: terms, sum: true, key: key.String()}
}

func newEngine(inputs ...*graph.Node) *engine {
	e := &engine{
		byName: map[string]int{}, inputs: map[graph.NodeId]bool{}, live: map[graph.NodeId]bool{},
		memo: map[memoKey]stream{}, slopes: map[graph.NodeId][]*graph.Node{},
		equivalents: map[graph.NodeId]*graph.Node{}, coordinate: map[int]int{}, apart: map[graph.NodeId]int{}, often: map[int]int{},
	}
	for _, x := range inputs {
		e.inputs[x.Id()] = true
	}
	return e
}

// direction returns the number of the direction of a name, made by seeds when it is new.
func (e *engine) direction(name string, width int, uniform bool, seeds func() map[graph.NodeId]*graph.Node) int {
	if k, known := e.byName[name]; known {
		return k
	}
	e.byName[name] = len(e.directions)
	e.directions = append(e.directions, direction{width: width, seeds: seeds(), uniform: uniform})
	return len(e.directions) - 1
}

// depends reports whether a node depends on the inputs: only then can it have derivatives.
func (e *engine) depends(n *graph.Node) bool {
	if live, seen := e.live[n.Id()]; seen {
		return live
	}
	live := e.inputs[n.Id()]
	if !live && !n.StopGradient() && isFloat(n) {
		for k, input := range n.Inputs() {
			if matters(n, k) && e.depends(input) {
				live = true
				break
			}
		}
	}
	e.live[n.Id()] = live
	return live
}

// matters reports whether input k of n is one that n varies with: an index, a condition, or what a barrier waits for is
// not.
func matters(n *graph.Node, k int) bool {
	switch r := rules[n.Type()].(type) {
	case constant:
		return false
	case linear:
		return r.only == nil || slices.Contains(r.only, k)
	}
	return true
}

// isFloat reports whether a node can vary smoothly. A node with several outputs has no type of its own: its parts do.
func isFloat(n *graph.Node) bool {
	return n.NumOutputs() != 1 || n.DType().IsFloat() || n.DType().IsComplex()
}

// at returns the stream of a node for a form.
func (e *engine) at(n *graph.Node, f form) stream {
	for _, t := range f.terms {
		e.highest = max(e.highest, len(t.mono))
		for i, run := 0, 0; i < len(t.mono); i++ { // directions are sorted
			if run++; i > 0 && t.mono[i] != t.mono[i-1] {
				run = 1
			}
			e.often[t.mono[i]] = max(e.often[t.mono[i]], run)
		}
	}
	if !e.depends(n) {
		return stream{}
	}
	key := memoKey{n.Id(), f.key}
	if s, done := e.memo[key]; done {
		return s
	}
	e.spend()
	var s stream
	if e.inputs[n.Id()] {
		s = e.seed(n, f)
	} else if apart, ok := e.separately(n, f); ok {
		s = apart
	} else if s = e.uniformly(n, f); s.zero() {
		s = e.fit(ruleFor(n).apply(e, n, f), n)
	}
	e.memo[key] = s
	return s
}

// mono returns the stream of a node for a single mono.
func (e *engine) mono(n *graph.Node, m mono) stream { return e.full(e.at(n, single(m)), n) }

// top returns the stream of a node for a form, one row for each point.
func (e *engine) top(n *graph.Node, f form) stream { return e.full(e.at(n, f), n) }

// full gives a uniform stream a row for each point.
func (e *engine) full(s stream, n *graph.Node) stream {
	if !s.uniform {
		return s
	}
	return stream{node: graph.BroadcastToShape(s.node, widened(n, s.width)), width: s.width}
}

// uniformly returns the stream of an operation that keeps a uniform stream uniform, if n is one: a product of rows with
// a weight, or a sum with something constant.
func (e *engine) uniformly(n *graph.Node, f form) stream {
	in := n.Inputs()
	if n.Rank() != 2 || len(in) != 2 || e.depends(in[1]) && e.depends(in[0]) {
		return stream{}
	}
	k := 0
	if e.depends(in[1]) {
		k = 1
	}
	switch n.Type() {
	case graph.NodeTypeAdd:
	case graph.NodeTypeDotGeneral:
		if k != 0 || in[1].Rank() != 2 || !slices.Equal(integers(n, "lhsContractingAxes"), []int{1}) || len(integers(n, "lhsBatchAxes")) > 0 {
			return stream{}
		}
	default:
		return stream{}
	}
	s := e.at(in[k], f)
	if !s.uniform {
		return stream{}
	}
	if n.Type() == graph.NodeTypeAdd {
		if !in[k].Shape().Equal(n.Shape()) {
			return stream{}
		}
		return s
	}
	if s.width == 0 {
		return stream{node: n.CloneWithInputs(s.node, in[1]), uniform: true}
	}
	return stream{node: bundledDot(n, s, stream{node: in[1]}), width: s.width, uniform: true}
}

// seed is the stream of an input: its tangent at first order, zero above.
func (e *engine) seed(n *graph.Node, f form) stream {
	var total stream
	for _, t := range f.terms {
		if len(t.mono) != 1 {
			continue
		}
		d := e.directions[t.mono[0]]
		seed := d.seeds[n.Id()]
		if seed == nil {
			continue
		}
		s := stream{node: seed, width: d.width, uniform: d.uniform}
		if f.sum {
			s = e.scale(e.collapse(s), t.weight)
		}
		total = e.add(total, s)
	}
	return total
}

// lower adds up what the rule of an operation contributes below the highest order: part is called for each mono of
// the form of order two or more.
func (e *engine) lower(f form, part func(m mono) stream) stream {
	var total stream
	for _, t := range f.terms {
		if len(t.mono) < 2 {
			continue
		}
		s := part(t.mono)
		if f.sum {
			s = e.scale(e.collapse(s), t.weight)
		}
		total = e.add(total, s)
	}
	return total
}

// splits calls visit for each way to divide a mono between two factors, with both parts and how often it occurs. Empty
// parts are left out.
func (m mono) splits(visit func(a, b mono, times float64)) {
	m.divisions(func(a, b mono, times float64) {
		if len(a) > 0 && len(b) > 0 {
			visit(a, b, times)
		}
	})
}

// divisions are the splits with those that leave a part empty, the terms of Leibniz' rule.
func (m mono) divisions(visit func(a, b mono, times float64)) {
	if len(m) == 0 {
		visit(nil, nil, 1)
		return
	}
	// The last direction, repeated n times at the end, is divided between the parts in n + 1 ways.
	last, n := m[len(m)-1], 0
	for n < len(m) && m[len(m)-1-n] == last {
		n++
	}
	binomial := 1.0
	for k := range n + 1 {
		m[:len(m)-n].divisions(func(a, b mono, times float64) {
			visit(append(slices.Clip(a), slices.Repeat(mono{last}, k)...), append(slices.Clip(b), slices.Repeat(mono{last}, n-k)...), times*binomial)
		})
		binomial = binomial * float64(n-k) / float64(k+1)
	}
}

// partitions calls visit for each partition of a mono into two or more blocks, with how often it occurs: the terms of
// Faà di Bruno's formula beside f′·x_m.
func (m mono) partitions(visit func(blocks []mono, times float64)) {
	var order []string
	count, found := map[string]float64{}, map[string][]mono{}
	var extend func(i int, blocks []mono)
	extend = func(i int, blocks []mono) {
		if i == len(m) {
			if len(blocks) < 2 {
				return
			}
			sorted := make([]mono, len(blocks))
			for k, b := range blocks {
				sorted[k] = slices.Clone(b)
			}
			slices.SortFunc(sorted, func(a, b mono) int { return slices.Compare(a, b) })
			key := fmt.Sprint(sorted)
			if count[key] == 0 {
				order = append(order, key)
			}
			count[key]++
			found[key] = sorted
			return
		}
		for k := range blocks {
			blocks[k] = append(blocks[k], m[i])
			extend(i+1, blocks)
			blocks[k] = blocks[k][:len(blocks[k])-1]
		}
		extend(i+1, append(blocks, mono{m[i]}))
	}
	extend(0, nil)
	for _, key := range order {
		visit(found[key], count[key])
	}
}

// fit broadcasts a stream where the operation itself had broadcast a scalar operand.
func (e *engine) fit(s stream, n *graph.Node) stream {
	if s.zero() || s.uniform {
		return s
	}
	want := widened(n, s.width)
	if s.node.Shape().Equal(want) {
		return s
	}
	node := s.node
	if s.width > 0 && node.Rank() == 1 && want.Rank() > 1 { // a bundle of scalars
		dims := slices.Repeat([]int{1}, want.Rank())
		dims[0] = s.width
		node = graph.Reshape(node, dims...)
	}
	return stream{node: graph.BroadcastToShape(node, want), width: s.width}
}

// fitScalars is fit for a bundle of scalars alone: other streams are broadcast by the operations themselves.
func (e *engine) fitScalars(s stream, n *graph.Node) stream {
	if s.width > 0 && s.node.Rank() == 1 && n.Rank() > 0 {
		return e.fit(s, n)
	}
	return s
}

// widened is the shape of n with the axis of a bundle of that width first; none is zero.
func widened(n *graph.Node, width int) shapes.Shape {
	if width == 0 {
		return n.Shape()
	}
	return shapes.Make(n.DType(), append([]int{width}, n.Shape().Dimensions...)...)
}

// widen gives a stream, or a node of the graph itself, the axis of a bundle.
func widen(s stream, width int) *graph.Node {
	if s.width == width {
		return s.node
	}
	if s.node.IsScalar() {
		return s.node // operations broadcast scalars themselves
	}
	return graph.BroadcastPrefix(s.node, width)
}

func (e *engine) add(a, b stream) stream {
	switch {
	case a.zero():
		return b
	case b.zero():
		return a
	}
	e.spend()
	w := max(a.width, b.width)
	if a.uniform != b.uniform {
		panic("autodiff: a stream with one row meets one with a row for each point")
	}
	return stream{node: graph.Add(widen(a, w), widen(b, w)), width: w, uniform: a.uniform}
}

// multiply multiplies element by element.
func (e *engine) multiply(a, b stream) stream {
	if a.zero() || b.zero() {
		return stream{}
	}
	e.spend()
	w := max(a.width, b.width)
	return stream{node: graph.Mul(widen(a, w), widen(b, w)), width: w}
}

func (e *engine) scale(s stream, by float64) stream {
	if s.zero() || by == 1 {
		return s
	}
	e.spend()
	return stream{node: graph.MulScalar(s.node, by), width: s.width, uniform: s.uniform}
}

// collapse sums over the bundle.
func (e *engine) collapse(s stream) stream {
	if s.zero() || s.width == 0 {
		return s
	}
	return stream{node: graph.ReduceSum(s.node, 0), uniform: s.uniform}
}

// slope is f⁽ᵏ⁾(x) of an element-wise operation y = f(x) at n; nil when it is zero. Derivatives beyond the first come
// from differentiating the expression of the first.
func (e *engine) slope(n, x *graph.Node, first func(x, y *graph.Node) *graph.Node, k int) *graph.Node {
	if e.slopes[n.Id()] == nil {
		e.slopes[n.Id()] = []*graph.Node{first(x, n)}
	}
	for len(e.slopes[n.Id()]) < k {
		last := e.slopes[n.Id()][len(e.slopes[n.Id()])-1]
		var next *graph.Node
		if last != nil {
			next = tangent(last, []*graph.Node{x}, []*graph.Node{graph.OnesLike(x)})
		}
		e.slopes[n.Id()] = append(e.slopes[n.Id()], next)
	}
	return e.slopes[n.Id()][k-1]
}

// tangent is the derivative of y along one tangent of the inputs; nil when it is zero.
func tangent(y *graph.Node, inputs, tangents []*graph.Node) *graph.Node {
	e := newEngine(inputs...)
	k := e.direction("t", 0, false, func() map[graph.NodeId]*graph.Node {
		seeds := map[graph.NodeId]*graph.Node{}
		for i, x := range inputs {
			seeds[x.Id()] = tangents[i]
		}
		return seeds
	})
	return e.mono(y, mono{k}).node
}

// ruleFor finds the rule of n's operation, or panics naming the operation and where it was built.
func ruleFor(n *graph.Node) rule {
	r, ok := rules[n.Type()]
	if !ok {
		unsupported(n, "there is no rule for this operation")
	}
	return r
}

// unsupported panics with the operation, where it was built, and why it cannot be differentiated forward.
func unsupported(n *graph.Node, why string) {
	panic(noDerivative{fmt.Errorf("autodiff: no forward derivative for the operation %s (node %s): %s%s", operationName(n.Type()), n, why, traceOf(n))})
}

// traceOf says where a node was built, or how to see it.
func traceOf(n *graph.Node) string {
	if n.Trace() == nil {
		return "; call Graph.SetTraced(true) before building it to see where"
	}
	return fmt.Sprintf("; it was built at:\n%+v", n.Trace())
}
