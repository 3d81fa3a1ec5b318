package optim

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks") replaces the momentum M of a
// weight matrix by about the nearest semi-orthogonal matrix, UVᵀ of M = UΣVᵀ, found by Newton–Schulz iterations:
//
//	M ← βM + (1−β)G,   W ← W − α(√max(1, out/in)·orthogonalized(βM + (1−β)G) + λW).
//
// As its authors advise, the first and the last matrix and everything that is not a matrix are left to Adam. A weight
// matrix has the dimensions [in, out]. The objective has to have Blocks.
// The zero value is usable: fields that are zero take the defaults.
type Muon struct {
	// Rate is the step size α for matrices; 0.02 when zero.
	Rate float64
	// Beta is the decay rate of the momentum, at least 0 and below 1; 0.95 when zero, Zero for none.
	Beta float64
	// WeightDecay is λ, for matrices.
	WeightDecay float64
	// Iterations of Newton–Schulz; 5 when zero.
	Iterations int
	// Matrices are the names of the blocks to orthogonalize; all of rank 2 but the first and the last when nil.
	Matrices []string
	// Adam has the settings for the other blocks, but no Schedule: that of Muon is for both.
	Adam Adam
	// Schedule changes both rates; nil for constant ones.
	Schedule Schedule
}

// Name implements Method.
func (Muon) Name() string { return "Muon" }

// Start implements Method. It fails where there is no matrix to orthogonalize.
func (m Muon) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	return startDirect(m, obj, theta)
}

// Direct implements Directed.
func (m Muon) Direct(obj *objective.Objective) (Direction, search.Search, error) {
	m.Rate, m.Beta, m.Adam = cmp.Or(m.Rate, 0.02), cmp.Or(m.Beta, 0.95), m.Adam.withDefaults()
	m.Iterations = cmp.Or(m.Iterations, 5)
	if err := checkSettings("Muon", positive("Rate", m.Rate), fraction("Beta", m.Beta), notNegative("WeightDecay", m.WeightDecay),
		upTo("Iterations", m.Iterations, 100)); err != nil {
		return nil, nil, err
	}
	if err := m.Adam.check("Muon.Adam"); err != nil {
		return nil, nil, err
	}
	if m.Adam.Schedule != nil {
		return nil, nil, fmt.Errorf("optim: Muon.Adam.Schedule is %+v, expected nil: Muon.Schedule is for both rates", m.Adam.Schedule)
	}
	parts, err := m.parts(obj)
	if err != nil {
		return nil, nil, err
	}
	d, err := withSchedule("Muon", muonRule{Muon: m, parts: parts}, m.Schedule)
	return d, nil, err
}

// muonPart is a block of θ.
type muonPart struct {
	objective.Block
	size   int
	matrix bool // whether it is orthogonalized
}

// parts are the blocks in the order of θ.
func (m Muon) parts(obj *objective.Objective) ([]muonPart, error) {
	blocks, sizes, err := obj.ConsecutiveBlocks("Muon")
	if err != nil {
		return nil, err
	}
	var parts []muonPart
	var ranked []int // the parts that are matrices
	for i, b := range blocks {
		if len(b.Dims) == 2 {
			ranked = append(ranked, i)
		}
		parts = append(parts, muonPart{Block: b, size: sizes[i], matrix: slices.Contains(m.Matrices, b.Name)})
	}
	if m.Matrices == nil {
		if len(ranked) < 3 {
			return nil, objective.Unsuitable("optim: Objective.Blocks has %d matrices, expected a hidden one between the first and the last for Muon (Muon.Matrices chooses others)", len(ranked))
		}
		for _, i := range ranked[1 : len(ranked)-1] {
			parts[i].matrix = true
		}
		return parts, nil
	}
	if len(m.Matrices) == 0 {
		return nil, fmt.Errorf("optim: Muon.Matrices is empty, expected at least one name of a block (or nil for the default)")
	}
	for _, name := range m.Matrices {
		if !slices.ContainsFunc(ranked, func(i int) bool { return parts[i].Name == name }) {
			return nil, fmt.Errorf("optim: Muon.Matrices has %q, expected the name of a matrix among Objective.Blocks: %s", name, matrixNames(parts, ranked))
		}
	}
	return parts, nil
}

func matrixNames(parts []muonPart, ranked []int) string {
	names := make([]string, len(ranked))
	for i, r := range ranked {
		names[i] = fmt.Sprintf("%q", parts[r].Name)
	}
	return strings.Join(names, ", ")
}

// muonRule remembers the momentum of the matrices, one after the other, and the state of Adam for the rest, as one vector.
type muonRule struct {
	Muon
	parts []muonPart
}

// sizes are the number of parameters in matrices and in the rest.
func (r muonRule) sizes() (matrices, rest int) {
	for _, p := range r.parts {
		if p.matrix {
			matrices += p.size
		} else {
			rest += p.size
		}
	}
	return matrices, rest
}

func (r muonRule) State(_ int, dtype dtypes.DType) []shapes.Shape {
	matrices, rest := r.sizes()
	state := []shapes.Shape{shapes.Make(dtype, matrices)}
	if rest > 0 {
		state = append(state, adamRule{r.Adam}.State(rest, dtype)...)
	}
	return state
}

func (r muonRule) Step(p *objective.Point, factor *graph.Node, state []*graph.Node) (*graph.Node, []*graph.Node) {
	momentum := blend(state[0], r.gather(p.Gradient, true), r.Beta)
	ahead := blend(momentum, r.gather(p.Gradient, true), r.Beta) // as in Nesterov's method
	next := []*graph.Node{momentum}

	var rest *graph.Node // the step of Adam
	if _, size := r.sizes(); size > 0 {
		var after []*graph.Node
		others := &objective.Point{Theta: r.gather(p.Theta, false), Loss: p.Loss, Gradient: r.gather(p.Gradient, false)}
		rest, after = adamRule{r.Adam}.Step(others, factor, state[1:])
		next = append(next, after...)
	}
	var steps []*graph.Node
	inMatrices, inRest := 0, 0
	for _, part := range r.parts {
		if !part.matrix {
			steps = append(steps, graph.Slice(rest, graph.AxisRange(inRest, inRest+part.size)))
			inRest += part.size
			continue
		}
		block := graph.Reshape(graph.Slice(ahead, graph.AxisRange(inMatrices, inMatrices+part.size)), part.Dims...)
		inMatrices += part.size
		scale := math.Sqrt(math.Max(1, float64(part.Dims[1])/float64(part.Dims[0])))
		direction := graph.Reshape(graph.MulScalar(orthogonalized(block, r.Iterations), scale), part.size)
		steps = append(steps, descend(withDecay(direction, part.of(p.Theta), r.WeightDecay), factor, r.Rate))
	}
	return graph.Concatenate(steps, 0), next
}

// gather puts the parts of x that are orthogonalized, or the others, one after the other.
func (r muonRule) gather(x *graph.Node, matrix bool) *graph.Node {
	var chosen []*graph.Node
	for _, p := range r.parts {
		if p.matrix == matrix {
			chosen = append(chosen, p.of(x))
		}
	}
	return graph.Concatenate(chosen, 0)
}

func (p muonPart) of(x *graph.Node) *graph.Node {
	return graph.Slice(x, graph.AxisRange(p.Offset, p.Offset+p.size))
}

// orthogonalized moves the singular values of a matrix towards one, to about [0.7, 1.2], with the quintic iteration
// X ← aX + (bA + cA²)X, A = XXᵀ, whose coefficients Jordan chose for the fastest rise of small ones.
func orthogonalized(x *graph.Node, iterations int) *graph.Node {
	const a, b, c = 3.4445, -4.7750, 2.0315
	tall := x.Shape().Dimensions[0] > x.Shape().Dimensions[1]
	if tall {
		x = graph.Transpose(x, 0, 1)
	}
	tiny := graph.MulScalar(graph.ScalarOne(x.Graph(), x.DType()), 1e-30) // only a zero matrix is that small
	x = graph.Div(x, graph.Max(device.Norm(x), tiny))
	for range iterations {
		square := graph.MatMul(x, graph.Transpose(x, 0, 1))
		poly := graph.Add(graph.MulScalar(square, b), graph.MulScalar(graph.MatMul(square, square), c))
		x = graph.Add(graph.MulScalar(x, a), graph.MatMul(poly, x))
	}
	if tall {
		x = graph.Transpose(x, 0, 1)
	}
	return x
}
