package optim

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Preconditioner approximates the curvature of an objective by a matrix that is easily inverted, for Preconditioned. It
// holds settings, and no state of a run.
type Preconditioner interface {
	// Name is short and appears in histories and figures, for example "Nyström".
	Name() string
	// Start prepares it for an objective. It reports settings that make no sense, and what the objective lacks.
	Start(obj *objective.Objective) (Root, error)
}

// Root is a Preconditioner at work: it makes matrices C with CCᵀ = M⁻¹, or a multiple of it, where M approximates the
// curvature of the objective plus a shift.
type Root interface {
	// Shapes are those of the tensors that C is kept in. They are the same for every C of one objective.
	Shapes() []shapes.Shape
	// Identity returns tensors of which C is the unit matrix.
	Identity() []*tensors.Tensor
	// Multiply builds C·z for z of shape [Dim].
	Multiply(z *graph.Node, c []*graph.Node) *graph.Node
	// At makes C for the curvature at theta (shape [Dim], on the device). Number counts the calls of a run from zero:
	// with the seed among its settings it is all that random numbers may depend on.
	At(theta *tensors.Tensor, number int) (RootAt, error)
}

// RootAt is a C that was made, and what is known of its M.
type RootAt struct {
	// Tensors have the shapes of Root.Shapes; nil where the curvature is NaN or infinite.
	Tensors []*tensors.Tensor
	// Rank is the number of eigenvalues of the approximate curvature that count: those above the shift, or the rank of a
	// low-rank approximation.
	Rank int
	// Condition is the quotient of the largest and the smallest eigenvalue of M: by so much the condition of a problem
	// falls whose curvature is M.
	Condition float64
	// Norm is the largest singular value of C.
	Norm float64
	// Evaluations is what it cost, in evaluations of loss and gradient. A product with a Hessian or JᵀJ counts as one, and
	// so does a Jacobian.
	Evaluations int
}

// defaultShift is the shift of a preconditioner in units of the largest eigenvalue, where none is set.
const defaultShift = 1e-6

// shiftFor is a shift in units of the largest eigenvalue as a number. Below the rounding of that eigenvalue nothing is
// known of the others.
func shiftFor(relative, largest float64, dtype dtypes.DType) float64 {
	return max(relative, device.Epsilon(dtype)) * largest
}
