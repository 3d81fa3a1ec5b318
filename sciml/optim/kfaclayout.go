package optim

import (
	"math"
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/objective"
)

// The kinds of pieces, each with a Kronecker product of its own: with derivatives, and with values alone.
const (
	derivativesKind = iota
	valuesKind
	kfacKinds
)

// kfacLayout says how the blocks of JᵀJ are divided among layers, and the factors of the pieces among the blocks.
type kfacLayout struct {
	dim    int
	layers []kfacLayer
	pieces []kfacPiece
	size   int // of all pooled factors, one after the other
	passes int // of reverse mode, through the pieces with most columns
}

// kfacLayer is a layer of weights.
type kfacLayer struct {
	entries         []int // of θ, [inputs, outputs], row by row
	inputs, outputs int
	meets           [kfacKinds]bool
}

// kfacPiece is what a piece of the residual has for the layers.
type kfacPiece struct {
	kind    int
	parts   []kfacPart // of a piece of several points
	columns int        // components of a point
	single  bool       // whether it has one point: the rows of its Jacobian are in the place of factors
}

// kfacPart is A and G of a piece for a layer, whose inputs they may be some of.
type kfacPart struct {
	entries         []int
	inputs, outputs int
	layer, first    int // the layer, and which of its inputs is their first
}

// kfacFactors builds the factors of all pieces as one vector, and says what there is.
func kfacFactors(obj *objective.Objective, theta *graph.Node, data []*graph.Node) (flat *graph.Node, pieces []kfacPiece) {
	var all []*graph.Node
	for _, piece := range obj.BuildPieces(theta, data) {
		points := piece.Shape().Dimensions[0]
		p := kfacPiece{kind: derivativesKind, columns: piece.Shape().Size() / points, single: points == 1}
		if p.single {
			p.kind = valuesKind
			all = append(all, autodiff.Jacobian(piece, theta))
		} else {
			streams := 0
			for _, k := range autodiff.KroneckerFactors(piece, theta) {
				p.parts = append(p.parts, kfacPart{entries: k.Entries, inputs: k.Inputs.Shape().Dimensions[0], outputs: k.Outputs.Shape().Dimensions[0]})
				all = append(all, k.Inputs, k.Outputs)
				streams = max(streams, k.Streams)
			}
			if streams < 2 {
				p.kind = valuesKind
			}
		}
		pieces = append(pieces, p)
	}
	if len(all) == 0 {
		return graph.Zeros(theta.Graph(), shapes.Make(theta.DType(), 0)), pieces
	}
	return objective.Flatten(all), pieces
}

// newKFACLayout looks at a graph of the pieces that is never run.
func newKFACLayout(obj *objective.Objective) (*kfacLayout, error) {
	l := &kfacLayout{dim: obj.Dim}
	var err error
	l.pieces, err = objective.Trace(obj, func(theta *graph.Node, data []*graph.Node) []kfacPiece {
		_, pieces := kfacFactors(obj, theta, data)
		return pieces
	})
	if err != nil {
		return nil, objective.Unsuitable("optim: KFAC has no Kronecker factors for these residuals, expected those of an MLP, each at one point (other methods, such as LevenbergMarquardt, take any): %w", err)
	}
	return l, l.assign()
}

// assign makes the layers.
func (l *kfacLayout) assign() error {
	type placed struct {
		*kfacPart
		kind int
	}
	var all []placed
	single := false
	for i, p := range l.pieces {
		single = single || p.single
		l.passes = max(l.passes, p.columns)
		for j := range p.parts {
			all = append(all, placed{&l.pieces[i].parts[j], p.kind})
		}
	}
	if len(all) == 0 {
		return objective.Unsuitable("optim: KFAC needs a piece of more than one point among Objective.Pieces that depends on θ, to find the layers by")
	}
	// Larger ones first: a layer that has biases in one piece and none in another is the same one.
	slices.SortStableFunc(all, func(a, b placed) int { return len(b.entries) - len(a.entries) })
	owner := make([]int, l.dim) // of each entry of θ: the number of its layer, from one
	for _, p := range all {
		if !slices.ContainsFunc(p.entries, func(e int) bool { return owner[e] > 0 }) {
			l.add(owner, kfacLayer{entries: p.entries, inputs: p.inputs, outputs: p.outputs})
		}
		k := owner[p.entries[0]] - 1
		if k < 0 || !l.layers[k].has(p.kfacPart) {
			return objective.Unsuitable("optim: KFAC: entries of θ from %d on are a matrix in one of Objective.Pieces and another in a second, expected the same", p.entries[0])
		}
		layer := &l.layers[k]
		at := slices.Index(layer.entries, p.entries[0])
		p.layer, p.first = k, at/p.outputs
		layer.meets[p.kind] = true
	}
	for e, k := range owner {
		if single && k == 0 {
			l.add(owner, kfacLayer{entries: []int{e}, inputs: 1, outputs: 1})
		}
	}
	for k := range l.layers {
		layer := &l.layers[k]
		layer.meets[valuesKind] = layer.meets[valuesKind] || single
		for _, meets := range layer.meets {
			if meets {
				l.size += layer.size()
			}
		}
	}
	return nil
}

// size is that of A and G together.
func (l *kfacLayer) size() int { return l.inputs*l.inputs + l.outputs*l.outputs }

// has reports that a part is some of the rows of a layer, or all.
func (l *kfacLayer) has(p *kfacPart) bool {
	at := slices.Index(l.entries, p.entries[0])
	end := at + len(p.entries)
	return at >= 0 && p.outputs == l.outputs && at%l.outputs == 0 && end <= len(l.entries) && slices.Equal(l.entries[at:end], p.entries)
}

// add adds a layer.
func (l *kfacLayout) add(owner []int, layer kfacLayer) {
	l.layers = append(l.layers, layer)
	for _, e := range layer.entries {
		owner[e] = len(l.layers)
	}
}

// kfacPool is the sum of Kronecker products of pieces as one product. Its partial traces are those of the sum,
//
//	A = Σ tr(Gₜ)Aₜ / Σ tr(Gₜ),   tr(A)·G = Σ tr(Aₜ)Gₜ,
//
// and of one product it is that product.
type kfacPool struct{ a, g []float64 }

func (p kfacPool) add(part kfacPart, inputs int, a, g []float64) {
	ofA, ofG := traceOf(a), traceOf(g)
	for i := range part.inputs {
		row := p.a[(part.first+i)*inputs+part.first:]
		floats.AddScaled(row[:part.inputs], ofG, a[i*part.inputs:(i+1)*part.inputs])
	}
	floats.AddScaled(p.g, ofA, g)
}

// finish divides by the sums of the traces: at first both factors have the trace Σ tr(Aₜ)tr(Gₜ).
func (p kfacPool) finish(ofG float64) {
	if total := traceOf(p.a); ofG > 0 && total > 0 {
		floats.Scale(1/ofG, p.a)
		floats.Scale(ofG/total, p.g)
	}
}

// traceOf is that of a square matrix.
func traceOf(a []float64) float64 {
	n := int(math.Round(math.Sqrt(float64(len(a)))))
	sum := 0.0
	for i := range n {
		sum += a[i*n+i]
	}
	return sum
}

// each calls do with the factors of each layer and kind of piece, as parts of a vector of all.
func (l *kfacLayout) each(all []float64, do func(k int, kind int, a, g []float64)) {
	for k := range l.layers {
		layer := &l.layers[k]
		for kind, meets := range layer.meets {
			if meets {
				squared := layer.inputs * layer.inputs
				do(k, kind, all[:squared], all[squared:layer.size()])
				all = all[layer.size():]
			}
		}
	}
}

// pooled puts the factors of all pieces, as kfacFactors has built them, into one pair for each layer and kind.
func (l *kfacLayout) pooled(flat []float64) []float64 {
	all := make([]float64, l.size)
	pools, traces := make([][kfacKinds]kfacPool, len(l.layers)), make([][kfacKinds]float64, len(l.layers))
	l.each(all, func(k, kind int, a, g []float64) { pools[k][kind] = kfacPool{a, g} })
	take := func(n int) []float64 {
		first := flat[:n]
		flat = flat[n:]
		return first
	}
	add := func(kind int, part kfacPart, a, g []float64) {
		pools[part.layer][kind].add(part, l.layers[part.layer].inputs, a, g)
		traces[part.layer][kind] += traceOf(g)
	}
	for _, p := range l.pieces {
		for _, part := range p.parts {
			a := take(part.inputs * part.inputs)
			add(p.kind, part, a, take(part.outputs*part.outputs))
		}
		if p.single {
			rows := mat.NewDense(p.columns, l.dim, take(p.columns*l.dim))
			for k, layer := range l.layers {
				a, g := layer.ofRows(rows)
				add(p.kind, kfacPart{layer: k, inputs: layer.inputs, outputs: layer.outputs}, a, g)
			}
		}
	}
	l.each(all, func(k, kind int, _, _ []float64) { pools[k][kind].finish(traces[k][kind]) })
	return all
}

// ofRows are the factors of a piece of one point. The rows of its Jacobian are matrices R, as which they are Σ hδᵀ over its
// streams: A = ΣRRᵀ/Σ‖R‖² and G = ΣRᵀR have the partial traces of the block, and are exact for one stream.
func (l *kfacLayer) ofRows(rows *mat.Dense) (a, g []float64) {
	n, _ := rows.Dims()
	left, right := mat.NewDense(l.inputs, l.inputs, nil), mat.NewDense(l.outputs, l.outputs, nil)
	for i := range n {
		var square mat.Dense
		r := l.matrix(rows.RawRowView(i))
		square.Mul(r, r.T())
		left.Add(left, &square)
		square.Reset()
		square.Mul(r.T(), r)
		right.Add(right, &square)
	}
	a, g = left.RawMatrix().Data, right.RawMatrix().Data
	if total := traceOf(a); total > 0 {
		floats.Scale(1/total, a)
	}
	return a, g
}

// matrix is the part of a vector like θ that belongs to the layer.
func (l *kfacLayer) matrix(of []float64) *mat.Dense {
	data := make([]float64, len(l.entries))
	for i, e := range l.entries {
		data[i] = of[e]
	}
	return mat.NewDense(l.inputs, l.outputs, data)
}
