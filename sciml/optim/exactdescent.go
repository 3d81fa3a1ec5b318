package optim

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// ExactGradientDescent is the steepest descent of Cauchy (1847) for quadratics: each step goes to the minimizer along
// −g = −∇f(θ), by α = gᵀg/gᵀHg with the Hessian H, whose product costs about as much as a gradient. On a quadratic the
// error of the loss falls by the factor ((κ−1)/(κ+1))² an iteration or better (Nocedal and Wright 2006, Theorem 3.3).
// Elsewhere α belongs to the quadratic model: |gᵀHg| replaces a negative gᵀHg, there is no safeguard, and where gᵀHg is
// zero there is no step. It has no settings.
type ExactGradientDescent struct{}

// Name implements Method.
func (ExactGradientDescent) Name() string { return "exact gradient descent" }

// Start implements Method. It fails for an objective made of a Function.
func (m ExactGradientDescent) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	return startDirect(m, obj, theta)
}

// Direct implements Directed.
func (ExactGradientDescent) Direct(obj *objective.Objective) (Direction, search.Search, error) {
	if err := obj.NeedGraph("ExactGradientDescent", "products with the Hessian"); err != nil {
		return nil, nil, err
	}
	return exactDirection{}, nil, nil
}

type exactDirection struct{}

func (exactDirection) State(int, dtypes.DType) []shapes.Shape { return nil }

func (exactDirection) Step(p *objective.Point, _ []*graph.Node) (*graph.Node, []*graph.Node) {
	g := p.Gradient
	product := p.HessianProduct(g)
	// For the unit vector along g: products of two small gradients underflow in float32.
	size := device.Norm(g)
	unit := graph.Div(g, size)
	curvature := graph.Abs(graph.Div(device.Dot(unit, product), size))
	zero := graph.ZerosLike(size)
	flat := graph.LogicalOr(graph.Equal(size, zero), graph.Equal(curvature, zero))
	return graph.Neg(graph.Where(flat, graph.ZerosLike(g), graph.Div(g, curvature))), nil
}
