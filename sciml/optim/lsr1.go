package optim

import (
	"cmp"
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// LSR1 is the limited-memory SR1 method in a trust region, in the compact form of Byrd, Nocedal and Schnabel (1994, Theorem
// 5.1). It makes the updates that SR1 would make with the last Memory pairs, on top of (yᵀy/sᵀy)·I for the newest one with
// sᵀy > 0. The zero value is usable: fields that are zero take the defaults.
type LSR1 struct {
	// Memory is the number m of pairs kept; 10 when zero.
	Memory int
	// Region has the radius and its control.
	Region TrustRegion
	// MaxMemory is the most that the pairs may need, in bytes; 4 GiB when zero, or 256 vectors of the length of θ where they are more.
	MaxMemory int64
}

// Name implements Method.
func (LSR1) Name() string { return "L-SR1" }

// Start implements Method. It fails when a setting is out of its range.
func (m LSR1) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	if err := checkSettings("LSR1", optional("Memory", m.Memory, "the default")); err != nil {
		return nil, err
	}
	m.Memory = cmp.Or(m.Memory, 10)
	if err := needMemory(obj, "LSR1", fmt.Sprintf("%d pairs", m.Memory), pairNumbers(obj, m.Memory), m.MaxMemory); err != nil {
		return nil, err
	}
	return startQuasiNewtonRegion(obj, theta, lsr1Model{memory: m.Memory}, m.Region, 2*(m.Memory+1))
}

// lsr1Model is the compact Hessian on the device. With the pairs, scaled so that ‖s‖ = 1, as rows of S and Y, and
// SYᵀ = L + D + a strictly upper triangle, where L is strictly lower and D diagonal,
//
//	B = γI + Ψᵀ M⁻¹ Ψ,   Ψ = Y − γS,   M = D + L + Lᵀ − γSSᵀ.
//
// The pivots of M, in the order of the pairs, are the denominators uᵀs of the updates. So M is inverted pair by pair without
// exchanging rows, and an update whose denominator is small under the present γ is left out there.
type lsr1Model struct{ memory int }

// The state of lsr1Model: pairs, oldest first, where rows of zeros are pairs not there yet; M⁻¹; γ, zero before there is one.
const (
	lsr1S = iota
	lsr1Y
	lsr1Inverse
	lsr1Gamma
)

func (m lsr1Model) State(dim int, dtype dtypes.DType) []shapes.Shape {
	return []shapes.Shape{
		lsr1S:       shapes.Make(dtype, m.memory, dim),
		lsr1Y:       shapes.Make(dtype, m.memory, dim),
		lsr1Inverse: shapes.Make(dtype, m.memory, m.memory),
		lsr1Gamma:   shapes.Make(dtype),
	}
}

func (m lsr1Model) product(v *graph.Node, state []*graph.Node) *graph.Node {
	gamma := graph.Where(isZero(state[lsr1Gamma]), graph.OnesLike(state[lsr1Gamma]), state[lsr1Gamma])
	psi := graph.Sub(state[lsr1Y], graph.Mul(gamma, state[lsr1S]))
	return graph.Add(graph.Mul(gamma, v), device.TransposeMultiply(psi, device.Multiply(state[lsr1Inverse], device.Multiply(psi, v))))
}

func (m lsr1Model) Learn(s, y *graph.Node, state []*graph.Node) []*graph.Node {
	useful := rankOneIsSafe(s, graph.Sub(y, m.product(s, state)))
	length := device.Norm(s)
	unitS, unitY := graph.Div(s, length), graph.Div(y, length)
	newS, newY := push(state[lsr1S], unitS), push(state[lsr1Y], unitY)
	sy := device.Dot(unitS, unitY)
	positive := graph.GreaterThan(sy, graph.MulScalar(device.Norm(unitY), device.Epsilon(sy.DType())))
	none := isZero(state[lsr1Gamma])
	gamma := graph.Where(graph.LogicalOr(positive, none), initialCurvature(unitS, unitY), state[lsr1Gamma])
	return []*graph.Node{
		lsr1S:       graph.Where(useful, newS, state[lsr1S]),
		lsr1Y:       graph.Where(useful, newY, state[lsr1Y]),
		lsr1Inverse: graph.Where(useful, m.invert(newS, newY, gamma), state[lsr1Inverse]),
		lsr1Gamma:   graph.Where(useful, gamma, state[lsr1Gamma]),
	}
}

// invert is M⁻¹, bordered by one pair after the other, with zeros for pairs that are left out.
func (m lsr1Model) invert(s, y, gamma *graph.Node) *graph.Node {
	indices := shapes.Make(dtypes.Int32, m.memory, m.memory)
	lower := graph.GreaterOrEqual(graph.Iota(s.Graph(), indices, 0), graph.Iota(s.Graph(), indices, 1))
	products := graph.Einsum("ip,jp->ij", s, y)
	symmetric := graph.Where(lower, products, graph.Transpose(products, 0, 1))
	all := graph.Sub(symmetric, graph.Mul(gamma, graph.Einsum("ip,jp->ij", s, s)))

	// For a pair with ‖s‖ = 1: as large as the terms are whose difference the denominator is.
	floors := graph.MulScalar(graph.Add(graph.Sqrt(graph.ReduceSum(graph.Square(y), 1)), gamma), math.Sqrt(device.Epsilon(s.DType())))
	inverse, units := graph.ZerosLike(all), identity(all)
	for k := range m.memory {
		at := func(of *graph.Node) *graph.Node { return graph.Squeeze(graph.Slice(of, graph.AxisElem(k)), 0) }
		column := at(all)
		known := device.Multiply(inverse, column)
		pivot := graph.Sub(at(column), device.Dot(column, known))
		safe := graph.GreaterThan(graph.Abs(pivot), at(floors))
		border := graph.Sub(known, at(units))
		weight := graph.Where(safe, graph.Reciprocal(pivot), graph.ZerosLike(pivot))
		inverse = graph.Add(inverse, graph.Mul(weight, outer(border, border)))
	}
	return inverse
}
