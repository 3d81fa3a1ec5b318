// Package objective says what is minimized, a smooth f: R^P → R of a flat parameter vector θ, and answers all that may be asked
// of it.
//
// An Objective is a specification: functions that build the loss, or the residuals whose squares it is, as GoMLX graphs (or one
// that computes it, see FromFunction), and the data that these take. It holds no state, so that many runs can share it. What
// may be asked, each compiled when it is first asked for:
//
//	f(θ) and ∇f(θ); f at many points in one call     Evaluator; Losses
//	products with the Hessian, or with 2JᵀJ          Curvature, a linalg.Operator at each point; its RitzValues
//	residuals r(θ); J·v, Jᵀ·w; J, JᵀJ, JJᵀ, tr JJᵀ   Linearizer, the matrices in chunks within a budget
//	the terms of a loss by their names               TermEvaluator
//	any of these for one term                        Objective.Term, an objective of its own
//	f on a plane, or in other variables              Restrict, NewChange: f(θ₀ + Cz), with any C
//	f on some of its samples; how noisy that is      Batch, within a graph, with Batches; Noise
//	f on a coarser level                             NewCoarse: a share of the samples, with the gradient of all
//
// With f = Σ rᵢ² = ‖r‖² the gradient is 2Jᵀr, and JJᵀ is the tangent kernel, with the weights of the loss in it. A question that an
// objective cannot answer is an error: errors.Is finds ErrUnsuitable in it, or ErrTooLarge.
//
// Methods of package optim build on the same answers within their graphs: Point, Evaluation, BuildLoss, BuildResidual and
// BuildLinearization. As everywhere in GoMLX, functions that build graphs report misuse by panicking with an error.
package objective

import (
	"context"
	"errors"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// GraphFn builds a node from theta (shape [Dim]) and the objective's data, in the order of Objective.Data.
type GraphFn func(theta *graph.Node, data []*graph.Node) *graph.Node

// Objective is a smooth f: R^Dim → R. It offers what it can: methods that need a Residual say so when it is missing.
type Objective struct {
	// Backend computes. Required.
	Backend compute.Backend
	// Dim is P, the length of θ. Required.
	Dim int
	// DType is the floating-point type of θ; the zero value means float64.
	DType dtypes.DType
	// Residual builds r(θ), of any shape with M entries, scaled so that f = Σ rᵢ². Gauss–Newton methods need it, or Pieces.
	Residual GraphFn
	// Pieces builds the same residual in pieces of shape [N] or [N, C] that are Residual when they are flattened and put one
	// after the other. Where row n depends on θ and on sample n alone a Jacobian takes one reverse pass for each column of a
	// piece; sums over samples, such as integrals, and others that autodiff.Jacobian knows of may be in it. Without Pieces it
	// takes one for each of the M residuals, if they are few. When Residual is nil it is made of Pieces.
	Pieces func(theta *graph.Node, data []*graph.Node) []*graph.Node
	// Metric builds what a change of θ is measured by, in nodes m(θ) of shape [N] or [N, C] with a factor of 1/√N inside: p has the
	// size ‖J_m p‖ for the Jacobian J_m of all of them, as of Pieces. With the values of a network at N points it is the L² norm of
	// the change of the function, with its derivatives as well that of H¹. Methods read it that have an option Metric; nil for
	// the Euclidean one, which depends on the parameters that the function is written with.
	Metric func(theta *graph.Node, data []*graph.Node) []*graph.Node
	// Loss builds the scalar f(θ). When nil, f = Σ rᵢ² of Residual.
	Loss GraphFn
	// Function computes f(θ) and ∇f(θ) on the host, in the place of Loss and Residual; see FromFunction. Objectives with
	// one have no Data, Samples, Metric or Terms.
	Function Function
	// Data are further inputs of every program, such as collocation points. Replacing a tensor by one of the same
	// shape between iterations needs no compilation.
	Data []*tensors.Tensor
	// Terms are the parts that the loss is the sum of, for the history; nil for none.
	Terms *Terms
	// Blocks partition θ into matrices and vectors, for methods that use them; nil when it has no such structure.
	Blocks []Block
	// Samples say which rows of Data belong together, for stochastic methods, which take some of them at a time: the
	// functions above must then take data with fewer rows, too. Nil when the loss is no sum over samples.
	Samples []Samples
	// Remarks are what there is to say of the objective, such as what was found about it when it was made: they begin the events
	// of a history.
	Remarks []string
	// Adaptation says how Data change during a run; nil for not at all.
	Adaptation Adaptation

	ctx context.Context // of ForRun; nil for none

	through, throughMetric *through // by which there are Jacobians of the residuals and of Metric; nil for directly
}

// maxDim is the longest θ, of 16 GiB: methods keep several vectors of that length.
const maxDim = 1 << 31

// Check reports the first thing wrong with the objective.
func (o *Objective) Check() error {
	switch {
	case o == nil:
		return errNil
	case usercode.Nil(o.Backend):
		return errors.New("objective: Objective.Backend is nil, expected an open back end such as backend.Open gives")
	case o.Loss == nil && o.Residual == nil && o.Pieces == nil && o.Function == nil:
		return errors.New("objective: Objective has neither Loss nor Residual nor Pieces nor Function, expected one of them")
	case o.Dim < 1 || o.Dim > maxDim:
		return fmt.Errorf("objective: Objective.Dim is %d, expected at least 1 and at most %d", o.Dim, maxDim)
	case o.Precision() != dtypes.Float64 && o.Precision() != dtypes.Float32:
		return fmt.Errorf("objective: Objective.DType is %s, expected float64 or float32", o.DType)
	}
	return o.checkFunction()
}

// CheckStart reports what is wrong with a starting point: another length than Dim, or entries that are not finite.
func (o *Objective) CheckStart(theta []float64) error {
	if o == nil {
		return errNil
	}
	if len(theta) != o.Dim {
		return fmt.Errorf("objective: the starting θ has %d entries, expected Objective.Dim = %d", len(theta), o.Dim)
	}
	for i, v := range theta {
		if !device.Finite(v) {
			return fmt.Errorf("objective: entry %d of the starting θ is %v, expected a finite number", i, v)
		}
	}
	return nil
}

// Precision is DType, or float64 where that is not set.
func (o *Objective) Precision() dtypes.DType {
	if o == nil || o.DType == dtypes.InvalidDType {
		return dtypes.Float64
	}
	return o.DType
}

// BuildLoss builds f(θ), a scalar of the type of θ.
func (o *Objective) BuildLoss(theta *graph.Node, data []*graph.Node) *graph.Node {
	if o.Function != nil {
		panic(errors.New("objective: the objective has a Function, expected Loss or Residual to build a graph of"))
	}
	var f *graph.Node
	if o.Loss == nil {
		f = graph.ReduceAllSum(graph.Square(o.BuildResidual(theta, data)))
	} else if f = built("Objective.Loss", o.Loss, theta, data); !f.IsScalar() {
		panic(usercode.Wrong(o.Loss, "objective: Objective.Loss built a node of shape %s, expected a scalar", f.Shape()))
	}
	if f.DType() != theta.DType() {
		panic(fmt.Errorf("objective: the loss has type %s, expected %s as θ has", f.DType(), theta.DType()))
	}
	return f
}
