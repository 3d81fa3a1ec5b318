package optim

import (
	"math"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/objective"
)

// schwarz preconditions the normal equations (JᵀJ + λI)p = −Jᵀr by their blocks: with C block by block (J_bᵀJ_b + λI)^(−1/2), p = Cy, CCᵀ is the
// additive Schwarz preconditioner of one level, and of two where a block has the parameters of a coarse level.
type schwarz struct {
	blocks  *blockRoot
	spectra []blockSpectrum // at the iterate; nil where they are not finite
	damping float64         // of c; NaN for none
	c       [][]float64
}

func newSchwarz(obj *objective.Objective, groups []int, maxMemory int64) (*schwarz, error) {
	if err := checkGroups("LevenbergMarquardt", groups, obj.Dim); err != nil {
		return nil, err
	}
	root, err := BlockDiagonal{Groups: groups, MaxMemory: maxMemory}.Start(obj)
	if err != nil {
		return nil, err
	}
	return &schwarz{blocks: root.(*blockRoot), damping: math.NaN()}, nil
}

// at looks at the blocks of an iterate.
func (s *schwarz) at(theta *tensors.Tensor) error {
	curvature, err := s.blocks.curvature(theta)
	if err != nil {
		return err
	}
	s.damping = math.NaN()
	s.spectra, _, err = s.blocks.spectra(curvature)
	return err
}

// prepare makes C for a damping λ. It reports whether there is one.
func (s *schwarz) prepare(damping float64) bool {
	if s.spectra == nil {
		return false
	}
	if s.damping != damping {
		s.c, s.damping = s.c[:0], damping
		for _, spectrum := range s.spectra {
			root, _, _, _ := spectrum.root(2 * damping) // their curvature is 2JᵀJ
			s.c = append(s.c, root[0])
		}
	}
	return true
}

// multiply is C·x, which is also Cᵀ·x, into dst.
func (s *schwarz) multiply(dst, x []float64) {
	for b, f := range s.blocks.forms {
		from, n := f.offset, f.size
		a := blas64.General{Rows: n, Cols: n, Stride: n, Data: s.c[b]}
		blas64.Gemv(blas.NoTrans, 1, a, blas64.Vector{N: n, Data: x[from : from+n], Inc: 1}, 0, blas64.Vector{N: n, Data: dst[from : from+n], Inc: 1})
	}
}

// solve minimizes ‖Jp − b‖² + λ‖p‖² by LSMR in y, for which it takes as few iterations as blocks are independent of each other.
func (s *schwarz) solve(forward, adjoint linalg.Operator, b []float64, n int, damping float64, o linalg.Options) ([]float64, linalg.Outcome, error) {
	m, root := len(b), math.Sqrt(damping)
	p, back := make([]float64, n), make([]float64, n)
	augmented := func(dst, y []float64) error {
		s.multiply(p, y)
		for i, v := range p {
			dst[m+i] = root * v
		}
		return forward(dst[:m], p)
	}
	transposed := func(dst, u []float64) error {
		if err := adjoint(back, u[:m]); err != nil {
			return err
		}
		for i, v := range u[m:] {
			back[i] += root * v
		}
		s.multiply(dst, back)
		return nil
	}
	o.Shift = 0
	y, outcome, err := linalg.LSMR(augmented, transposed, append(append([]float64(nil), b...), make([]float64, n)...), n, o)
	if err != nil {
		return nil, outcome, err
	}
	s.multiply(p, y)
	return p, outcome, nil
}
