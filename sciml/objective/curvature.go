package objective

import (
	"cmp"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/linalg"
)

// CurvatureMatrix chooses the matrix, [P, P], that a Newton method takes products with. It is never stored.
type CurvatureMatrix int

const (
	// HessianMatrix is ∇²f, which may be indefinite.
	HessianMatrix CurvatureMatrix = iota
	// GaussNewtonMatrix is 2JᵀJ with the Jacobian J of the residuals whose squares are f: the Hessian without the part
	// 2Σ rᵢ∇²rᵢ, and never indefinite. It needs Objective.Residual or Pieces.
	GaussNewtonMatrix
)

// String is the name of the matrix.
func (m CurvatureMatrix) String() string {
	switch m {
	case HessianMatrix:
		return "Hessian"
	case GaussNewtonMatrix:
		return "Gauss–Newton matrix"
	}
	return fmt.Sprintf("CurvatureMatrix(%d)", int(m))
}

// Check reports why a method of that name cannot take products with the matrix (ErrUnsuitable).
func (m CurvatureMatrix) Check(obj *Objective, method string) error {
	if err := obj.NeedGraph(method, "products with the Hessian"); err != nil {
		return err
	}
	switch m {
	case HessianMatrix:
		_, err := Trace(obj, func(theta *graph.Node, data []*graph.Node) *graph.Node {
			return autodiff.HessianProduct(obj.BuildLoss(theta, data), theta, graph.OnesLike(theta))
		})
		if err != nil {
			return unlessCut(err, "objective: %s needs products with the Hessian: %w", method, err)
		}
		return nil
	case GaussNewtonMatrix:
		if err := obj.NeedResidual(method + " with the Gauss–Newton matrix"); err != nil {
			return err
		}
		return obj.NeedForward(method+" with the Gauss–Newton matrix", 1)
	}
	return fmt.Errorf("objective: %s.Matrix is %d, expected HessianMatrix or GaussNewtonMatrix", method, int(m))
}

// Curvature gives products of vectors with the Hessian, or with the Gauss–Newton matrix, at any points. It is compiled once
// and serves all points and all data of the same shapes.
type Curvature struct {
	obj     *Objective
	program *device.Program
}

// NewCurvature fails for an objective made of a Function, and for the Gauss–Newton matrix of one without residuals
// (ErrUnsuitable).
func NewCurvature(obj *Objective, matrix CurvatureMatrix) (*Curvature, error) {
	if err := obj.Check(); err != nil {
		return nil, err
	}
	if err := matrix.Check(obj, "a Curvature"); err != nil {
		return nil, err
	}
	p, err := device.NewProgram(obj.Compiler(), "product with the "+matrix.String(), func(in []*graph.Node) []*graph.Node {
		theta, v, data := in[0], in[1], in[2:]
		if matrix == GaussNewtonMatrix {
			return []*graph.Node{graph.MulScalar(autodiff.GaussNewtonProduct(obj.BuildResidual(theta, data), theta, v), 2)}
		}
		return []*graph.Node{autodiff.HessianProduct(obj.BuildLoss(theta, data), theta, v)}
	})
	return &Curvature{obj: obj, program: p}, err
}

// At is the matrix at a vector, with the data that the objective has now. It fails when theta has another length than
// Objective.Dim.
func (h *Curvature) At(theta []float64) (*CurvatureAt, error) {
	if h == nil || h.obj == nil {
		return new(CurvatureAt), literal("Curvature")
	}
	t, err := h.obj.upload(theta)
	return h.AtDevice(t, h.obj.Data), err
}

// AtDevice is the matrix at θ on the device, which is lent for as long as the matrix is in use, and for any data of the shapes
// of Objective.Data, or those of a batch.
func (h *Curvature) AtDevice(theta *tensors.Tensor, data []*tensors.Tensor) *CurvatureAt {
	return &CurvatureAt{of: h, theta: theta, data: data}
}

// CurvatureAt is the matrix at one point, which counts its products.
type CurvatureAt struct {
	of    *Curvature
	theta *tensors.Tensor
	data  []*tensors.Tensor
	// Products is the number of those made so far, and Err the first error of the device, or that of the context of ForRun.
	Products int
	Err      error
}

// Precision is the type that products are computed in.
func (a *CurvatureAt) Precision() dtypes.DType {
	if a == nil || a.of == nil || a.of.obj == nil {
		return dtypes.Float64
	}
	return a.of.obj.Precision()
}

// Multiply writes Ax into dst; it is a linalg.Operator.
func (a *CurvatureAt) Multiply(dst, x []float64) error {
	if a == nil || a.of == nil || a.of.obj == nil {
		return literal("CurvatureAt")
	}
	if a.Err = cmp.Or(a.Err, a.of.obj.Interrupted()); a.Err != nil {
		return a.Err
	}
	v := device.Vector(a.Precision(), x)
	defer device.Free([]*tensors.Tensor{v})
	product, err := read(a.of.program, []*tensors.Tensor{a.theta, v}, a.data)
	if err != nil {
		a.Err = err
		return err
	}
	a.Products++
	copy(dst, product)
	return nil
}

// RitzValues approximate the eigenvalues of the matrix, the outermost ones best: they are those that it has in the Krylov space of a
// vector, such as the gradient, by so many Lanczos steps of a product each. The largest comes first. It fails as
// linalg.Lanczos does, and with the device.
func (a *CurvatureAt) RitzValues(start []float64, steps int) ([]float64, error) {
	if a == nil || a.of == nil || a.of.obj == nil {
		return nil, literal("CurvatureAt")
	}
	space, err := linalg.Lanczos(a.Multiply, start, min(steps, a.of.obj.Dim))
	if err != nil {
		return nil, err
	}
	values, _, err := space.Eigenvalues()
	return values, err
}
