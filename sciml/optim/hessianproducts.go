package optim

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"

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

// check reports why a method cannot take products with the matrix.
func (m CurvatureMatrix) check(obj *Objective, method string) error {
	if err := obj.needsGraph(method, "products with the Hessian"); err != nil {
		return err
	}
	switch m {
	case HessianMatrix:
		return nil
	case GaussNewtonMatrix:
		return obj.needsResidual(method + " with the Gauss–Newton matrix")
	}
	return fmt.Errorf("optim: %s.Matrix is %d, expected HessianMatrix or GaussNewtonMatrix", method, int(m))
}

// hessianProducts is a program for products of a vector with the Hessian, or with the Gauss–Newton matrix. It is compiled
// once and serves all points and all data of the same shapes.
type hessianProducts struct {
	dtype   dtypes.DType
	program *device.Program
}

func newHessianProducts(obj *Objective, matrix CurvatureMatrix) (*hessianProducts, error) {
	p, err := device.NewProgram(obj.Backend, "product with the "+matrix.String(), func(in []*graph.Node) []*graph.Node {
		theta, v, data := in[0], in[1], in[2:]
		if matrix == GaussNewtonMatrix {
			return []*graph.Node{graph.MulScalar(autodiff.GaussNewtonProduct(obj.residual(theta, data), theta, v), 2)}
		}
		return []*graph.Node{autodiff.HessianProduct(obj.loss(theta, data), theta, v)}
	})
	return &hessianProducts{dtype: obj.dtype(), program: p}, err
}

// at is the matrix at a point.
func (h *hessianProducts) at(theta *tensors.Tensor, data []*tensors.Tensor) *matrixAt {
	return &matrixAt{hessianProducts: h, theta: theta, data: data}
}

// matrixAt is the matrix at one point, which counts its products.
type matrixAt struct {
	*hessianProducts
	theta    *tensors.Tensor
	data     []*tensors.Tensor
	products int
	err      error // the first one of the device
}

// multiply writes Ax into dst; it is a linalg.Operator.
func (a *matrixAt) multiply(dst, x []float64) error {
	product, err := a.compute(x)
	if err != nil {
		a.err = err
		return err
	}
	a.products++
	copy(dst, product)
	return nil
}

func (a *matrixAt) compute(x []float64) ([]float64, error) {
	v := device.Vector(a.dtype, x)
	defer device.Free([]*tensors.Tensor{v})
	out, err := a.program.Call([]*tensors.Tensor{a.theta, v}, a.data)
	if err != nil {
		return nil, err
	}
	defer device.Free(out)
	return device.Numbers(out[0])
}

// trusted is the operator A + damping·I for conjugate gradients. A product that is not finite, or with which the curvature
// xᵀAx/xᵀx would be lost in the rounding of the largest one met, is zero: conjugate gradients take that for the end of what
// is convex, and would else make an enormous step out of noise.
func (a *matrixAt) trusted(damping float64) linalg.Operator {
	largest, noise := 0.0, device.Epsilon(a.dtype)
	return func(dst, x []float64) error {
		if err := a.multiply(dst, x); err != nil {
			return err
		}
		floats.AddScaled(dst, damping, x)
		size := floats.Norm(x, 2)
		bent := math.Abs(floats.Dot(dst, x)) / size / size
		if !device.Finite(bent) || bent <= noise*largest {
			clear(dst)
			return nil
		}
		largest = math.Max(largest, bent)
		return nil
	}
}
