package optim

import (
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// truncatedCG solves the subproblem of a trust region by conjugate gradients (Steihaug 1983, Toint 1981; Nocedal and Wright
// 2006, Algorithm 7.2): they stop where the residual is small, or at the boundary, which they reach by a step that is too
// long or along a direction of negative curvature. All iterations are one call to the device.
type truncatedCG struct {
	loop *device.Loop
	obj  *objective.Objective
	// most is the number of products allowed, forcing the relative residual at which to stop.
	most    int
	forcing func(gradientNorm float64) float64
	counts  bool // whether products are worth evaluations
}

// The variables of the loop: whether to go on; the number of products; eᵀe of the residual; the decrease of the model and
// the length of the step so far; the step z; the residual r = g + Bz; the direction, with the opposite sign, so that it
// starts as g. What follows stays: the most products, the square of the residual at which to stop, Δ, θ, the state, the data.
const (
	steihaugOn = iota
	steihaugCount
	steihaugRho
	steihaugPredicted
	steihaugLength
	steihaugStep
	steihaugResidual
	steihaugDirection
	steihaugMost
	steihaugTarget
	steihaugRadius
	steihaugGradient
	steihaugTheta
	steihaugState
)

// newTruncatedCG makes the solver for a product Bv.
func newTruncatedCG(obj *objective.Objective, stateSize int, product func(theta, v *graph.Node, state, data []*graph.Node) *graph.Node) (*truncatedCG, error) {
	loop, err := device.NewLoop(obj.Compiler(), "truncated conjugate gradients", steihaugMost, func(vars []*graph.Node) []*graph.Node {
		bv := product(vars[steihaugTheta], vars[steihaugDirection], vars[steihaugState:steihaugState+stateSize], vars[steihaugState+stateSize:])
		return truncatedStep(vars, bv)
	})
	return &truncatedCG{loop: loop, obj: obj}, err
}

// truncatedStep is one iteration, given the product with the direction e.
func truncatedStep(vars []*graph.Node, be *graph.Node) []*graph.Node {
	z, r, e, rho, radius := vars[steihaugStep], vars[steihaugResidual], vars[steihaugDirection], vars[steihaugRho], vars[steihaugRadius]
	zero := graph.ZerosLike(rho)
	curvature := device.Dot(e, be)
	alpha := graph.Div(rho, curvature)
	ahead := graph.Sub(z, graph.Mul(alpha, e))
	square := graph.Square(radius)
	outside := graph.LogicalOr(graph.LessOrEqual(curvature, zero), graph.GreaterOrEqual(device.Dot(ahead, ahead), square))
	// The root τ > 0 of ‖z − τe‖ = Δ, without cancellation: zᵀe ≤ 0.
	ze, ee := device.Dot(z, e), device.Dot(e, e)
	gap := graph.Sub(square, device.Dot(z, z))
	tau := graph.Div(gap, graph.Sub(graph.Sqrt(graph.Add(graph.Square(ze), graph.Mul(ee, gap))), ze))
	length := graph.Where(outside, tau, alpha)

	z, r = graph.Sub(z, graph.Mul(length, e)), graph.Sub(r, graph.Mul(length, be))
	next := device.Dot(r, r)
	count := graph.AddScalar(vars[steihaugCount], 1)
	on := graph.LogicalAnd(graph.LogicalNot(outside), graph.GreaterThan(next, vars[steihaugTarget])) // false for NaN
	return []*graph.Node{
		steihaugOn:    graph.LogicalAnd(on, graph.LessThan(count, vars[steihaugMost])),
		steihaugCount: count,
		steihaugRho:   next,
		// m(0) − m(z) with Bz = r − g.
		steihaugPredicted: graph.MulScalar(device.Dot(z, graph.Add(vars[steihaugGradient], r)), -0.5),
		steihaugLength:    device.Norm(z),
		steihaugStep:      z,
		steihaugResidual:  r,
		steihaugDirection: graph.Add(r, graph.Mul(graph.Div(next, rho), e)),
	}
}

func (c *truncatedCG) solve(at *evaluated, radius float64, state, data []*tensors.Tensor) (regionStep, error) {
	dtype := c.obj.Precision()
	still := device.Vector(dtype, make([]float64, c.obj.Dim))
	nothing := device.Scalar(dtype, 0)
	target := c.forcing(at.gradientNorm) * at.gradientNorm
	first := []*tensors.Tensor{
		tensors.FromScalar(int32(0)), device.Scalar(dtype, at.gradientNorm*at.gradientNorm), nothing, nothing, still, at.gradient, at.gradient,
	}
	constant := []*tensors.Tensor{
		tensors.FromScalar(int32(c.most)), device.Scalar(dtype, target*target), device.Scalar(dtype, radius), at.gradient, at.theta,
	}
	out, err := c.loop.Run(first, constant, state, data)
	device.Free([]*tensors.Tensor{still})
	if err != nil {
		return regionStep{}, err
	}
	defer device.Free(slices.Concat(out[:steihaugStep-1], out[steihaugStep:])) // there is no steihaugOn
	step := regionStep{p: out[steihaugStep-1], length: device.Number(out[steihaugLength-1]), predicted: device.Number(out[steihaugPredicted-1])}
	if c.counts {
		step.products = int(tensors.ToScalar[int32](out[steihaugCount-1]))
	}
	return step, nil
}

// closely is for products that cost next to nothing: as good as rounding allows.
func closely(dtype dtypes.DType) func(float64) float64 {
	return func(float64) float64 { return math.Sqrt(device.Epsilon(dtype)) }
}
