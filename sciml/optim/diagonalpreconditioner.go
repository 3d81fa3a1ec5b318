package optim

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Diagonal preconditions with the diagonal of the curvature: C = (D + μI)^(−1/2), so that every parameter has a scale of
// its own. With residuals D is the diagonal of 2JᵀJ (Jacobi preconditioning of the normal equations); where the Jacobian
// cannot be had as a matrix (more than 256 residuals without Objective.Pieces), the mean of 2(Jᵀs)² over random signs s,
// whose expectation it is. Without residuals D is |mean of s∘∇²f·s|, the estimate of the Hessian's diagonal by Hutchinson
// (1989) and Bekas, Kokiopoulou and Saad (2007). What the estimates are off the diagonal by falls as 1/√Samples.
// The zero value is usable: fields that are zero take the defaults.
type Diagonal struct {
	// Shift is μ in units of the largest entry of D; 1e-6 when zero. It is never below the rounding of θ's type.
	Shift float64
	// Samples is the number of random vectors; 10 when zero. Each costs about two gradients.
	Samples int
	// Seed chooses them.
	Seed uint64
	// MaxMemory is the most that J may need, in bytes, to be taken rather than random vectors; 4 GiB when zero, or 256 vectors of the
	// length of θ where they are more.
	MaxMemory int64
}

// Name implements Preconditioner.
func (Diagonal) Name() string { return "diagonal" }

// Start implements Preconditioner.
func (d Diagonal) Start(obj *objective.Objective) (Root, error) {
	d.Shift = cmp.Or(d.Shift, defaultShift)
	d.Samples = cmp.Or(d.Samples, 10)
	if err := checkSettings("Diagonal", positive("Shift", d.Shift), upTo("Samples", d.Samples, 1<<20)); err != nil {
		return nil, err
	}
	form := diagonalForm(obj.Dim)
	if !obj.IsLeastSquares() {
		return newSampledDiagonal(obj, d, form, obj.Dim, func(theta, signs *graph.Node, data []*graph.Node) *graph.Node {
			return graph.Mul(signs, autodiff.HessianProduct(obj.BuildLoss(theta, data), theta, signs))
		})
	}
	rows, err := obj.NumResiduals()
	if err != nil {
		return nil, err
	}
	root, err := startBlocks(obj, "Diagonal", d.Shift, []placedForm{{form, 0, obj.Dim}}, d.MaxMemory)
	if err == nil || !unsuitable(err) {
		return root, err
	}
	return newSampledDiagonal(obj, d, form, rows, func(theta, signs *graph.Node, data []*graph.Node) *graph.Node {
		return graph.MulScalar(graph.Square(autodiff.VJP(obj.BuildResidual(theta, data), signs, theta)[0]), 2)
	})
}

// sampledDiagonal estimates the diagonal as a mean over random signs.
type sampledDiagonal struct {
	blockRoot
	Diagonal
	length int // of a vector of signs
	form   diagonalForm
}

func newSampledDiagonal(obj *objective.Objective, d Diagonal, form diagonalForm, length int, sample func(theta, signs *graph.Node, data []*graph.Node) *graph.Node) (Root, error) {
	s := &sampledDiagonal{Diagonal: d, length: length, form: form}
	s.blockRoot = blockRoot{obj: obj, shift: d.Shift, forms: []placedForm{{form, 0, obj.Dim}}}
	var err error
	s.program, err = device.NewProgram(obj.Compiler(), "diagonal of the curvature", func(in []*graph.Node) []*graph.Node {
		return []*graph.Node{sample(in[0], in[1], in[2:])}
	})
	return s, err
}

// At implements Root.
func (s *sampledDiagonal) At(theta *tensors.Tensor, number int) (RootAt, error) {
	rng := rand.New(rand.NewPCG(s.Seed, uint64(number)))
	mean := make([]float64, s.obj.Dim)
	for range s.Samples {
		signs := make([]float64, s.length)
		for i := range signs {
			signs[i] = float64(2*rng.IntN(2) - 1)
		}
		drawn := device.Vector(s.obj.Precision(), signs)
		out, err := s.program.Call([]*tensors.Tensor{theta, drawn}, s.obj.Data)
		device.Free([]*tensors.Tensor{drawn})
		if err != nil {
			return RootAt{}, err
		}
		values, err := device.Numbers(out[0])
		device.Free(out)
		if err != nil {
			return RootAt{}, err
		}
		for i, v := range values {
			mean[i] += v / float64(s.Samples)
		}
	}
	for i, v := range mean {
		mean[i] = math.Abs(v)
	}
	at, err := s.fromCurvature([][]float64{mean})
	at.Evaluations = s.Samples
	return at, err
}

// diagonalForm is a diagonal matrix of that order.
type diagonalForm int

func (n diagonalForm) dims() [][]int { return [][]int{{int(n)}} }

func (n diagonalForm) identity() [][]float64 { return [][]float64{slices.Repeat([]float64{1}, int(n))} }

func (diagonalForm) multiply(z *graph.Node, c []*graph.Node) *graph.Node { return graph.Mul(c[0], z) }

func (diagonalForm) curvature(columns *graph.Node) []*graph.Node {
	return []*graph.Node{graph.MulScalar(graph.ReduceSum(graph.Square(columns), 0), 2)}
}

func (diagonalForm) decompose(curvature [][]float64) (blockSpectrum, error) {
	return diagonalSpectrum(curvature[0]), nil
}

// diagonalSpectrum are the entries, none of them negative.
type diagonalSpectrum []float64

func (d diagonalSpectrum) largest() float64 { return slices.Max(d) }

func (d diagonalSpectrum) root(shift float64) (c [][]float64, low, high float64, rank int) {
	root := make([]float64, len(d))
	for i, v := range d {
		root[i] = 1 / math.Sqrt(v+shift)
		if v > shift {
			rank++
		}
	}
	return [][]float64{root}, slices.Min(d) + shift, slices.Max(d) + shift, rank
}
