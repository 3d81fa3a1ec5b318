package optim

import (
	"cmp"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// SR1 is the symmetric rank-one method in a trust region (Nocedal and Wright 2006, Algorithm 6.2) with a dense B of P²
// numbers,
//
//	B ← B + uuᵀ/uᵀs,   u = y − Bs,
//
// for the changes s of θ and y of the gradient of every step tried, refused ones included. Unlike that of BFGS, B follows
// the Hessian where it is indefinite. An update with |uᵀs| < √ε‖u‖‖s‖, where ε is the rounding unit, is left out (their
// equation 6.26). B is (yᵀy/sᵀy)·I before the first update, if sᵀy > 0, else I. The zero value is usable.
type SR1 struct {
	// Region has the radius and its control.
	Region TrustRegion
	// MaxMemory is the largest size of B in bytes; 4 GiB when zero.
	MaxMemory int64
}

// Name implements Method.
func (SR1) Name() string { return "SR1" }

// Start implements Method. It fails when B would be larger than MaxMemory, or a setting is out of its range.
func (m SR1) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	if err := checkDense(obj, m.Name(), "Hessian", m.MaxMemory, 1); err != nil {
		return nil, err
	}
	return startQuasiNewtonRegion(obj, theta, sr1Model{}, m.Region, 2*obj.Dim)
}

// productModel is a model that builds products Bv.
type productModel interface {
	model
	product(v *graph.Node, state []*graph.Node) *graph.Node
}

// startQuasiNewtonRegion starts a method with a B whose products cost little.
func startQuasiNewtonRegion(obj *objective.Objective, theta *tensors.Tensor, m productModel, region TrustRegion, products int) (Stepper, error) {
	region, err := region.withDefaults()
	if err != nil {
		return nil, err
	}
	cg, err := newTruncatedCG(obj, len(m.State(obj.Dim, obj.Precision())), func(_, v *graph.Node, state, _ []*graph.Node) *graph.Node {
		return m.product(v, state)
	})
	if err != nil {
		return nil, err
	}
	cg.most, cg.forcing = region.MaxProducts, closely(obj.Precision())
	cg.most = cmp.Or(cg.most, products)
	return startTrustRegion(obj, theta, m, cg, region)
}

// sr1Model is B, and one once there is a B; until then it is I.
type sr1Model struct{}

const (
	sr1B = iota
	sr1Known
)

func (sr1Model) State(dim int, dtype dtypes.DType) []shapes.Shape {
	return []shapes.Shape{sr1B: shapes.Make(dtype, dim, dim), sr1Known: shapes.Make(dtype)}
}

func (sr1Model) product(v *graph.Node, state []*graph.Node) *graph.Node {
	return graph.Where(isZero(state[sr1Known]), v, device.Multiply(state[sr1B], v))
}

func (sr1Model) Learn(s, y *graph.Node, state []*graph.Node) []*graph.Node {
	first, scale := isZero(state[sr1Known]), initialCurvature(s, y)
	bs := graph.Where(first, graph.Mul(scale, s), device.Multiply(state[sr1B], s))
	u := graph.Sub(y, bs)
	before := graph.Where(first, graph.Mul(scale, identity(state[sr1B])), state[sr1B])
	after := graph.Where(rankOneIsSafe(s, u), graph.Add(before, outer(graph.Div(u, device.Dot(u, s)), u)), before)
	moved := graph.GreaterThan(device.Dot(s, s), graph.ZerosLike(state[sr1Known]))
	return []*graph.Node{
		sr1B:     graph.Where(moved, after, state[sr1B]),
		sr1Known: graph.Where(moved, graph.OnesLike(state[sr1Known]), state[sr1Known]),
	}
}

// rankOneIsSafe reports that the denominator uᵀs is not small.
func rankOneIsSafe(s, u *graph.Node) *graph.Node {
	us, floor := device.Dot(u, s), graph.MulScalar(graph.Mul(device.Norm(u), device.Norm(s)), math.Sqrt(device.Epsilon(s.DType())))
	return graph.LogicalAnd(graph.GreaterOrEqual(graph.Abs(us), floor), graph.NotEqual(us, graph.ZerosLike(us)))
}

// initialCurvature is yᵀy/sᵀy, or one where that is not safely positive (Nocedal and Wright 2006, equation 6.20).
func initialCurvature(s, y *graph.Node) *graph.Node {
	sy, yy := device.Dot(s, y), device.Dot(y, y)
	floor := graph.MulScalar(graph.Mul(device.Norm(s), graph.Sqrt(yy)), device.Epsilon(s.DType()))
	return graph.Where(graph.GreaterThan(sy, floor), graph.Div(yy, sy), graph.OnesLike(sy))
}

func isZero(x *graph.Node) *graph.Node { return graph.Equal(x, graph.ZerosLike(x)) }
