package autodiff

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// Kronecker approximates a diagonal block of JᵀJ by A ⊗ G: the block of one layer, y = hW + b. Its weights are a matrix of
// one row for each of the K inputs h, the last of which is 1 where biases belong to the layer, and one column for each of
// the M outputs; flattened row by row they are what A ⊗ G acts on.
type Kronecker struct {
	// Entries has the places in theta of those weights, row by row: K·M of them.
	Entries []int
	// Bias reports that the last row are biases.
	Bias bool
	// Streams is S, the number of streams (values and derivatives) in which the layer meets each point.
	Streams int
	// Inputs is A, shape [K, K], and Outputs is G, shape [M, M].
	Inputs, Outputs *graph.Node
}

// KroneckerFactors returns the Kronecker factors of the diagonal blocks of JᵀJ = Σₙ JₙᵀJₙ, one for each layer that has
// an influence on r: the expand approximation of Dangel, Müller and Zeinhofer 2024, "Kronecker-factored approximate
// curvature for physics-informed neural networks" (arXiv 2405.15603). r has shape [N] or [N, C], and residuals at
// different points do not interact, as for Jacobian; N is at least two. Entries of theta in no block have no influence.
//
// A weight matrix W meets each point in S streams: in that of the values, hW, and in those of derivatives, ∂h W, …; only
// those that r depends on. With the signals δ = ∂r/∂(hW) the row of J is Σₛ hₛ ⊗ δₛ, and
//
//	A = 1/(NS) Σₙₛ hₙₛhₙₛᵀ,   G = Σₙₛ δₙₛδₙₛᵀ,
//
// where δδᵀ is summed over the components of r as well. The scale of r is kept: residuals with 1/√N inside give the mean of
// the paper. Products of different streams are left out, and those of h with δ are taken as independent; so it is exact
// for one stream and one h, and, with G, for everything that is no matrix, such as lone biases and coefficients: that has
// A = 1, shape [1, 1]. A bias that is added to the product joins the layer, where h has a 1 in the stream of values and a
// 0 in those of derivatives.
//
// It panics where Jacobian does, for a single point, which cannot be told from other axes of size one, and where a weight
// matrix enters in two ways, such as W and Wᵀ.
func KroneckerFactors(r, theta *graph.Node) []Kronecker {
	if theta.Rank() != 1 {
		panic(fmt.Errorf("autodiff.KroneckerFactors: theta has shape %s, expected a vector", theta.Shape()))
	}
	if r.Rank() != 1 && r.Rank() != 2 || r.Shape().Dimensions[0] < 2 {
		panic(fmt.Errorf("autodiff.KroneckerFactors: r has shape %s, expected [points] or [points, components] with at least two points", r.Shape()))
	}
	r = unfused(r, theta)
	p := newPointwise(r, theta)
	if len(p.meetings) == 0 {
		return nil
	}
	signals := p.signals(r)
	layers, biases, others := p.layers(signals)
	others = append(others, p.join(r, layers, biases)...)

	points := r.Shape().Dimensions[0]
	var all []Kronecker
	for _, l := range layers {
		all = append(all, l.factors(points))
	}
	all = append(all, p.plain(others, signals, points)...)
	checkDisjoint(all)
	return all
}

// signals are ∂(Σₙ r)/∂(output of each meeting), for each component of r.
func (p *pointwise) signals(r *graph.Node) [][]*graph.Node {
	outputs := make([]*graph.Node, len(p.meetings))
	for i, m := range p.meetings {
		outputs[i] = m.at
	}
	if r.Rank() == 1 {
		r = graph.ExpandAxes(r, 1)
	}
	all := make([][]*graph.Node, r.Shape().Dimensions[1])
	for c := range all {
		component := graph.Slice(r, graph.AxisRange(), graph.AxisElem(c))
		all[c] = reverse(graph.ReduceAllSum(component), outputs...)
	}
	return all
}

// layer is a weight matrix with all streams that it meets.
type layer struct {
	place
	dims, contract, free []int // of the weight: its axes that are contracted with h, and those that are left
	streams              []layerStream
	bias                 *place
}

// layerStream is one product of a weight matrix with h.
type layerStream struct {
	product *graph.Node
	h       *graph.Node   // [N, S, K]; [1, S, K] for a uniform stream, which is the same at all points
	deltas  []*graph.Node // [N, S, M], for each component of r
	biased  bool          // whether the bias is added to it
}

// layers collects the streams of weight matrices. It returns as well the meetings of what may be biases, and the others.
func (p *pointwise) layers(signals [][]*graph.Node) (layers []*layer, biases []*addend, others []int) {
	for i, m := range p.meetings {
		var l *layer
		s := layerStream{product: m.at}
		switch product := p.productOf(m.weight); {
		case len(m.batch) > 0:
			refuse(m.at, "a weight is used in a batched product, which has no Kronecker factors")
		case m.factor != nil && product == nil:
			l = &layer{place: p.locate(m.weight), dims: m.weight.Shape().Dimensions, contract: m.contract, free: m.free}
			for _, signal := range signals {
				var delta *graph.Node
				s.h, delta = m.aligned(signal[i])
				s.deltas = append(s.deltas, delta)
			}
		case m.broadcast && product != nil:
			l, s = p.uniform(m, product, signals, i)
		case m.broadcast:
			if at := p.locate(m.weight); at.slope == nil {
				k := slices.IndexFunc(biases, func(b *addend) bool { return b.place == at })
				if k < 0 {
					k, biases = len(biases), append(biases, &addend{place: at})
				}
				biases[k].meetings = append(biases[k].meetings, i)
				continue
			}
		}
		if l == nil || l.slope != nil {
			others = append(others, i)
			continue
		}
		if k := slices.IndexFunc(layers, func(k *layer) bool { return k.same(l) }); k >= 0 {
			l = layers[k]
		} else {
			layers = append(layers, l)
		}
		l.add(s)
	}
	return layers, biases, others
}

// addend is a weight that is repeated for all points: a bias if it is added to a product.
type addend struct {
	place
	meetings []int
}

func (l *layer) same(other *layer) bool {
	return l.place == other.place && slices.Equal(l.dims, other.dims) && slices.Equal(l.contract, other.contract) && slices.Equal(l.free, other.free)
}

// add adds a stream. A uniform one is repeated for the points wherever it is used: that is one stream all the same, and
// its signal the sum.
func (l *layer) add(s layerStream) {
	for _, known := range l.streams {
		if known.product == s.product {
			for c := range s.deltas {
				known.deltas[c] = graph.Add(known.deltas[c], s.deltas[c])
			}
			return
		}
	}
	l.streams = append(l.streams, s)
}

// productOf is the product of a constant and a weight that a weight is, up to its shape; nil when it is none.
func (p *pointwise) productOf(weight *graph.Node) *graph.Node {
	for weight.Type() == graph.NodeTypeReshape {
		weight = p.onlyInput(weight)
	}
	if weight.Type() != graph.NodeTypeDotGeneral {
		return nil
	}
	return weight
}

// uniform is the stream of a product that is repeated for all points, such as the tangent of a first layer: constant rows
// times the weight. It returns nil where the product is of another kind.
func (p *pointwise) uniform(m meeting, product *graph.Node, signals [][]*graph.Node, i int) (*layer, layerStream) {
	left := dotSide{product.Inputs()[0], integers(product, "lhsContractingAxes"), integers(product, "lhsBatchAxes")}
	right := dotSide{product.Inputs()[1], integers(product, "rhsContractingAxes"), integers(product, "rhsBatchAxes")}
	fixed, other := left, right
	if !p.byTheta.depends(right.node) {
		fixed, other = right, left
	}
	if len(fixed.batch) > 0 || p.byTheta.depends(fixed.node) || p.productOf(other.node) != nil {
		return nil, layerStream{}
	}
	l := &layer{place: p.locate(other.node), dims: other.node.Shape().Dimensions, contract: other.contract, free: other.free()}
	s := layerStream{product: product}
	inputs, outputs := l.sizes()
	rows := fixed.node.Shape().Size() / inputs
	order := append(fixed.free(), fixed.contract...)
	s.h = graph.Reshape(graph.TransposeAllAxes(fixed.node, order...), 1, rows, inputs)
	for _, signal := range signals {
		delta := m.unrepeat(signal[i])
		points := delta.Shape().Dimensions[0]
		if fixed.node == left.node {
			delta = graph.Reshape(delta, points, rows, outputs)
		} else {
			delta = graph.TransposeAllAxes(graph.Reshape(delta, points, outputs, rows), 0, 2, 1)
		}
		s.deltas = append(s.deltas, delta)
	}
	return l, s
}

// sizes are K, without a bias, and M.
func (l *layer) sizes() (inputs, outputs int) {
	inputs, outputs = 1, 1
	for _, a := range l.contract {
		inputs *= l.dims[a]
	}
	for _, a := range l.free {
		outputs *= l.dims[a]
	}
	return inputs, outputs
}

// join gives layers their biases, and returns the meetings of those that belong to none.
func (p *pointwise) join(r *graph.Node, layers []*layer, biases []*addend) (left []int) {
	sums := p.sums(r)
	for _, b := range biases {
		var owner *layer
		var streams []*layerStream
		for _, i := range b.meetings {
			l, s := owning(layers, sums[p.meetings[i].at.Id()])
			if l == nil || owner != nil && l != owner {
				owner = nil
				break
			}
			owner, streams = l, append(streams, s)
		}
		if owner == nil || owner.bias != nil || len(owner.free) != 1 || b.size != owner.dims[owner.free[0]] {
			left = append(left, b.meetings...)
			continue
		}
		owner.bias = &b.place
		for _, s := range streams {
			s.biased = true
		}
	}
	return left
}

// owning finds the stream of a product.
func owning(layers []*layer, product *graph.Node) (*layer, *layerStream) {
	for _, l := range layers {
		for i := range l.streams {
			if l.streams[i].product == product {
				return l, &l.streams[i]
			}
		}
	}
	return nil, nil
}

// sums finds what is added to products: the product, by the other summand.
func (p *pointwise) sums(r *graph.Node) map[graph.NodeId]*graph.Node {
	products := map[graph.NodeId]bool{}
	for _, m := range p.meetings {
		products[m.at.Id()] = m.factor != nil
	}
	found, seen := map[graph.NodeId]*graph.Node{}, map[graph.NodeId]bool{}
	var walk func(n *graph.Node)
	walk = func(n *graph.Node) {
		if seen[n.Id()] || !p.byTheta.depends(n) {
			return
		}
		seen[n.Id()] = true
		in := n.Inputs()
		if n.Type() == graph.NodeTypeAdd {
			for k := range in {
				if products[in[k].Id()] {
					found[in[1-k].Id()] = in[k]
				}
			}
		}
		for _, input := range in {
			walk(input)
		}
	}
	walk(r)
	return found
}

// factors builds A and G.
func (l *layer) factors(points int) Kronecker {
	_, outputs := l.sizes()
	k := Kronecker{Entries: l.entries(), Bias: l.bias != nil}
	if k.Bias {
		for j := range outputs {
			k.Entries = append(k.Entries, l.bias.offset+j)
		}
	}
	for _, s := range l.streams {
		h := s.h
		if k.Bias {
			last := graph.ZerosLike(graph.Slice(h, graph.AxisRange(), graph.AxisRange(), graph.AxisElem(0)))
			if s.biased {
				last = graph.OnesLike(last)
			}
			h = graph.Concatenate([]*graph.Node{h, last}, 2)
		}
		k.Streams += h.Shape().Dimensions[1]
		square := gramOf(h)
		if h.Shape().Dimensions[0] == 1 {
			square = graph.MulScalar(square, float64(points))
		}
		k.Inputs = plus(k.Inputs, square)
		for _, delta := range s.deltas {
			k.Outputs = plus(k.Outputs, gramOf(delta))
		}
	}
	k.Inputs = graph.DivScalar(k.Inputs, float64(points*k.Streams))
	return k
}

// entries are the places in theta of the weights, by input and output.
func (l *layer) entries() []int {
	stride := make([]int, len(l.dims))
	for a, n := len(l.dims)-1, 1; a >= 0; a-- {
		stride[a] = n
		n *= l.dims[a]
	}
	all := []int{l.offset}
	for _, a := range append(slices.Clone(l.contract), l.free...) {
		var next []int
		for _, e := range all {
			for i := range l.dims[a] {
				next = append(next, e+i*stride[a])
			}
		}
		all = next
	}
	return all
}

// plain are the blocks of what is no matrix, from the rows of J themselves.
func (p *pointwise) plain(meetings []int, signals [][]*graph.Node, points int) []Kronecker {
	chosen := make([]meeting, len(meetings))
	for i, k := range meetings {
		chosen[i] = p.meetings[k]
	}
	var all []Kronecker
	for _, signal := range signals {
		j := &columns{points: points}
		for _, group := range groupProducts(chosen) {
			rows := perPoint(group, func(m meeting) *graph.Node { return signal[meetings[m.index]] })
			weight, rows := p.pullBack(group[0].weight, rows)
			j.add(p.locate(weight), rows)
		}
		for i, part := range j.parts {
			if i == len(all) {
				k := Kronecker{Streams: 1, Inputs: graph.Ones(part.rows.Graph(), shapes.Make(part.rows.DType(), 1, 1))}
				for e := range part.size {
					k.Entries = append(k.Entries, part.offset+e)
				}
				all = append(all, k)
			}
			all[i].Outputs = plus(all[i].Outputs, graph.DotGeneral(part.rows, []int{0}, nil, part.rows, []int{0}, nil))
		}
	}
	return all
}

// gramOf sums vvᵀ over the vectors along the last of three axes.
func gramOf(v *graph.Node) *graph.Node {
	return graph.DotGeneral(v, []int{0, 1}, nil, v, []int{0, 1}, nil)
}

func plus(sum, x *graph.Node) *graph.Node {
	if sum == nil {
		return x
	}
	return graph.Add(sum, x)
}

func checkDisjoint(all []Kronecker) {
	taken := map[int]bool{}
	for _, k := range all {
		for _, e := range k.Entries {
			if taken[e] {
				panic(fmt.Errorf("autodiff.KroneckerFactors: entry %d of theta is used in two different ways, expected one matrix, or one that is not multiplied", e))
			}
			taken[e] = true
		}
	}
}
