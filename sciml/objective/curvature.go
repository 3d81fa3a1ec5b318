package objective

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/device"
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

// Check reports why a method cannot take products with the matrix.
func (m CurvatureMatrix) Check(obj *Objective, method string) error {
	if err := obj.NeedGraph(method, "products with the Hessian"); err != nil {
		return err
	}
	switch m {
	case HessianMatrix:
		return nil
	case GaussNewtonMatrix:
		return obj.NeedResidual(method + " with the Gauss–Newton matrix")
	}
	return fmt.Errorf("objective: %s.Matrix is %d, expected HessianMatrix or GaussNewtonMatrix", method, int(m))
}

// Curvature is a program for products of a vector with the Hessian, or with the Gauss–Newton matrix. It is compiled
// once and serves all points and all data of the same shapes.
type Curvature struct {
	Precision dtypes.DType
	program   *device.Program
}

func NewCurvature(obj *Objective, matrix CurvatureMatrix) (*Curvature, error) {
	p, err := device.NewProgram(obj.Backend, "product with the "+matrix.String(), func(in []*graph.Node) []*graph.Node {
		theta, v, data := in[0], in[1], in[2:]
		if matrix == GaussNewtonMatrix {
			return []*graph.Node{graph.MulScalar(autodiff.GaussNewtonProduct(obj.BuildResidual(theta, data), theta, v), 2)}
		}
		return []*graph.Node{autodiff.HessianProduct(obj.BuildLoss(theta, data), theta, v)}
	})
	return &Curvature{Precision: obj.Precision(), program: p}, err
}

// BuildPoint is the matrix at a point.
func (h *Curvature) At(theta *tensors.Tensor, data []*tensors.Tensor) *CurvatureAt {
	return &CurvatureAt{Curvature: h, theta: theta, data: data}
}

// CurvatureAt is the matrix at one point, which counts its products.
type CurvatureAt struct {
	*Curvature
	theta    *tensors.Tensor
	data     []*tensors.Tensor
	Products int
	Err      error // the first one of the device
}

// Multiply writes Ax into dst; it is a linalg.Operator.
func (a *CurvatureAt) Multiply(dst, x []float64) error {
	product, err := a.compute(x)
	if err != nil {
		a.Err = err
		return err
	}
	a.Products++
	copy(dst, product)
	return nil
}

func (a *CurvatureAt) compute(x []float64) ([]float64, error) {
	v := device.Vector(a.Precision, x)
	defer device.Free([]*tensors.Tensor{v})
	out, err := a.program.Call([]*tensors.Tensor{a.theta, v}, a.data)
	if err != nil {
		return nil, err
	}
	defer device.Free(out)
	return device.Numbers(out[0])
}
