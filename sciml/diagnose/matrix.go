package diagnose

import (
	"context"
	"errors"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Matrix is a symmetric matrix A that is known by its products with vectors. One of an objective belongs to a θ, and to the data
// that the objective had when it was made.
type Matrix struct {
	// Products is the number of those taken so far, by whatever was asked. One costs about as much as two or three gradients.
	Products int
	// Budget is the most bytes that a matrix of Dense, Eigen and Spectrum may have; 1 GiB when zero, which is order 11,585.
	Budget int64

	name         string
	order        int
	semidefinite bool    // never below zero
	epsilon      float64 // of what products are computed in
	product      linalg.Operator
	full         fullMatrix // nil for none
	ctx          context.Context

	kind  kind // of an objective, with what it is of
	obj   *objective.Objective
	theta *tensors.Tensor
}

// kind is what matrix of an objective it is.
type kind int

const (
	none kind = iota
	hessian
	gaussNewton
	kernel
)

// Hessian is ∇²f(θ), of order P, which may be indefinite. It fails where θ has another length than Objective.Dim or numbers that are
// not finite, and for objectives that are plain functions (ErrUnsuitable). Of a single term it is that of Objective.Term.
func Hessian(ctx context.Context, obj *objective.Objective, theta []float64) (*Matrix, error) {
	return matrixAt(ctx, hessian, obj, theta)
}

// GaussNewton is 2JᵀJ at θ, of order P: the Hessian without what the curvature of the residuals adds, and never indefinite. It fails
// as Hessian does, and for objectives without residuals (ErrUnsuitable).
func GaussNewton(ctx context.Context, obj *objective.Objective, theta []float64) (*Matrix, error) {
	return matrixAt(ctx, gaussNewton, obj, theta)
}

// Kernel is the tangent kernel Θ = 2JJᵀ at θ, of the order M of the residuals, by its products alone; see NewTangentKernel for
// one in full. It fails as GaussNewton does.
func Kernel(ctx context.Context, obj *objective.Objective, theta []float64) (*Matrix, error) {
	return matrixAt(ctx, kernel, obj, theta)
}

// NewMatrix is a matrix of that order which the operator multiplies with, such as a discretized differential operator. It has to be
// symmetric. The name is for errors and figures. It fails where the order is below 1 or the operator nil.
func NewMatrix(name string, order int, product linalg.Operator) (*Matrix, error) {
	if order < 1 {
		return nil, fmt.Errorf("diagnose: the order of the matrix is %d, expected at least 1", order)
	}
	if product == nil {
		return nil, errors.New("diagnose: the product of the matrix is nil, expected an operator that writes Ax into dst")
	}
	return &Matrix{name: name, order: order, epsilon: 0x1p-52, product: func(dst, x []float64) error {
		return usercode.Call(name, func() error { return product(dst, x) })
	}}, nil
}

func matrixAt(ctx context.Context, k kind, obj *objective.Objective, theta []float64) (*Matrix, error) {
	obj, at, err := placed(ctx, obj, theta)
	if err != nil {
		return nil, err
	}
	return newMatrix(ctx, k, obj, at)
}

// objectiveFor is an objective for as long as a context lasts, which θ fits.
func objectiveFor(ctx context.Context, obj *objective.Objective, theta []float64) (*objective.Objective, error) {
	if err := usercode.CheckContext("diagnose", ctx); err != nil {
		return nil, err
	}
	if err := obj.Check(); err != nil {
		return nil, err
	}
	return obj.ForRun(ctx), checkTheta(obj, theta)
}

// placed is objectiveFor, and θ on its device.
func placed(ctx context.Context, obj *objective.Objective, theta []float64) (*objective.Objective, *tensors.Tensor, error) {
	own, err := objectiveFor(ctx, obj, theta)
	if err != nil {
		return nil, nil, err
	}
	return own, device.Vector(obj.Precision(), theta), nil
}

func checkTheta(obj *objective.Objective, theta []float64) error {
	if len(theta) != obj.Dim {
		return fmt.Errorf("diagnose: θ has %d entries, expected Objective.Dim = %d", len(theta), obj.Dim)
	}
	return allFinite("θ", theta)
}

func allFinite(name string, values []float64) error {
	for i, v := range values {
		if !device.Finite(v) {
			return fmt.Errorf("diagnose: %s has %v at index %d, expected finite numbers", name, v, i)
		}
	}
	return nil
}

func newMatrix(ctx context.Context, k kind, obj *objective.Objective, theta *tensors.Tensor) (*Matrix, error) {
	m := &Matrix{order: obj.Dim, semidefinite: k != hessian, epsilon: device.Epsilon(obj.Precision()), ctx: ctx, kind: k, obj: obj, theta: theta}
	if k == kernel {
		return m, m.asKernel()
	}
	of := objective.HessianMatrix
	if k == gaussNewton {
		of = objective.GaussNewtonMatrix
	}
	m.name = of.String()
	if k == gaussNewton {
		if err := obj.NeedResidual("the " + m.name); err != nil {
			return nil, err
		}
		linearizer, err := objective.NewLinearizer(obj, 0)
		if err != nil {
			return nil, err
		}
		m.full = linearizer.AtDevice(theta).NormalMatrix
	}
	curvature, err := objective.NewCurvature(obj, of)
	if err != nil {
		return nil, err
	}
	m.product = curvature.AtDevice(theta, obj.Data).Multiply
	return m, nil
}

func (m *Matrix) asKernel() error {
	m.name = "tangent kernel"
	if err := m.obj.NeedResidual("the " + m.name); err != nil {
		return err
	}
	linearizer, err := objective.NewLinearizer(m.obj, 0)
	if err != nil {
		return err
	}
	if err := m.obj.NeedForward("products with the tangent kernel", 1); err != nil {
		return err
	}
	m.order = linearizer.Rows()
	at := linearizer.AtDevice(m.theta)
	forward, adjoint, along := at.Forward(), at.Adjoint(), make([]float64, m.obj.Dim)
	m.product = func(dst, x []float64) error {
		if err := adjoint(along, x); err != nil {
			return err
		}
		err := forward(dst, along)
		floats.Scale(2, dst)
		return err
	}
	m.full = at.Kernel
	return nil
}

// Name is what the matrix is, in words, such as "Hessian, preconditioned (diagonal)".
func (m *Matrix) Name() string {
	if m == nil {
		return ""
	}
	return m.name
}

// Order is the number of rows.
func (m *Matrix) Order() int {
	if m == nil {
		return 0
	}
	return m.order
}

// Multiply writes Ax into dst; it is a linalg.Operator. It fails where a length is not the order, once the context is done, with the
// device, and where the product is not finite.
func (m *Matrix) Multiply(dst, x []float64) error {
	if err := m.check(); err != nil {
		return err
	}
	if len(dst) != m.order || len(x) != m.order {
		return fmt.Errorf("diagnose: a product with the %s has vectors of length %d and %d, expected %d", m.name, len(x), len(dst), m.order)
	}
	if m.ctx != nil && m.ctx.Err() != nil {
		return m.ctx.Err()
	}
	if err := m.product(dst, x); err != nil {
		return err
	}
	m.Products++
	return allFinite("a product with the "+m.name, dst)
}

func (m *Matrix) check() error {
	if m == nil || m.product == nil {
		return errors.New("diagnose: the Matrix is nil or a literal, expected one of Hessian, GaussNewton, Kernel or NewMatrix")
	}
	return nil
}
