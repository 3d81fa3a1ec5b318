package optim

import (
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/objective"
)

// corrections is the number of times that a solution of the normal equations is corrected with J itself.
const corrections = 1

// dampedSolver finds steps in a subspace from J and the matrix there. It is a few programs that run one after the other,
// as the one that solves runs up to four times: written out that often, it would take seconds to compile.
type dampedSolver struct {
	obj                                     *objective.Objective
	space                                   objective.Subspaces
	kernel                                  bool
	scaled                                  bool // J is JD⁻¹, and D an input of its own
	factorizing, solving, bending, stepping *device.Program
}

// newDampedSolver makes one for JᵀJ, or JJᵀ for a kernel; with geodesic it adds the acceleration.
func newDampedSolver(obj *objective.Objective, kernel, geodesic, scaled bool, space objective.Subspaces) (*dampedSolver, error) {
	s := &dampedSolver{obj: obj, space: space, kernel: kernel, scaled: scaled}
	inputs := space.NumInputs() // of what makes a step of z
	expand := space.Expand
	if scaled {
		inputs++
		expand = func(z *graph.Node, in []*graph.Node) *graph.Node {
			return graph.Div(space.Expand(z, in[1:]), divisors(in[0]))
		}
	}
	var err error
	if s.factorizing, err = device.NewProgram(obj.Compiler(), "factorization", func(in []*graph.Node) []*graph.Node {
		relative, matrix, scale := in[0], in[1], in[2]
		damping := graph.Mul(relative, scale)
		factor := linalg.Cholesky(graph.Add(matrix, graph.Mul(damping, identity(matrix))))
		return append([]*graph.Node{damping}, factor.Blocks()...)
	}); err != nil {
		return nil, err
	}
	// It corrects a minimizer of ‖Jz + s‖² + λ‖z‖²: z itself, or for a kernel the y of z = Jᵀy, which comes first.
	if s.solving, err = device.NewProgram(obj.Compiler(), "least-squares solution", func(in []*graph.Node) []*graph.Node {
		j, y, right, damping, blocks := in[0], in[1], in[2], in[3], in[4:]
		factor := linalg.FactorOf(y.Shape().Dimensions[0], blocks)
		off := func(z *graph.Node) *graph.Node { return graph.Add(right, device.Multiply(j, z)) }
		if !kernel {
			return []*graph.Node{graph.Sub(y, factor.Solve(graph.Add(device.TransposeMultiply(j, off(y)), graph.Mul(damping, y))))}
		}
		y = graph.Sub(y, factor.Solve(graph.Add(off(device.TransposeMultiply(j, y)), graph.Mul(damping, y))))
		return []*graph.Node{y, device.TransposeMultiply(j, y)}
	}); err != nil {
		return nil, err
	}
	if geodesic {
		if s.bending, err = device.NewProgram(obj.Compiler(), "second derivative", func(in []*graph.Node) []*graph.Node {
			theta, z := in[0], in[1]
			drawn, data := in[2:2+inputs], in[2+inputs:]
			along := []*graph.Node{expand(z, drawn)}
			first := autodiff.JVP(obj.BuildResidual(theta, data), []*graph.Node{theta}, along)
			return []*graph.Node{autodiff.JVP(first, []*graph.Node{theta}, along)}
		}); err != nil {
			return nil, err
		}
	}
	s.stepping, err = device.NewProgram(obj.Compiler(), "step", func(in []*graph.Node) []*graph.Node {
		r, j, z, a, drawn := in[0], in[1], in[2], in[3], in[4:]
		jz := device.Multiply(j, z)
		predicted := graph.Neg(graph.Add(graph.MulScalar(device.Dot(r, jz), 2), device.Dot(jz, jz)))
		to := graph.Add(z, accelerated(z, a))
		p := expand(to, drawn)
		out := []*graph.Node{p, device.Norm(p), predicted}
		if scaled {
			out = append(out, device.Norm(to), bend(z, a))
		}
		return out
	})
	return s, err
}

// mostAcceleration bounds the correction relative to the step, above which its expansion means nothing.
const mostAcceleration = 0.75

// accelerated is half of the geodesic acceleration a = −(JᵀJ + λI)⁻¹Jᵀr″, with r″ the second derivative of r along the step
// v (Transtrum and Sethna 2012, "Improvements to the Levenberg–Marquardt algorithm for nonlinear least-squares
// minimization"), or zero where 2‖a‖ > 0.75‖v‖.
func accelerated(v, a *graph.Node) *graph.Node {
	small := graph.LessOrEqual(graph.MulScalar(device.Norm(a), 2), graph.MulScalar(device.Norm(v), mostAcceleration)) // false for NaN
	return graph.Where(small, graph.MulScalar(a, 0.5), graph.ZerosLike(a))
}

// bend is 2‖a‖/‖v‖.
func bend(v, a *graph.Node) *graph.Node {
	return graph.Div(graph.MulScalar(device.Norm(a), 2), device.Norm(v))
}

// step is that for a relative damping, with its length and the decrease that it should bring. Matrices are r, J, the matrix and
// its scale, and then D where J is scaled, and the subspace.
func (s *dampedSolver) step(relative float64, theta *tensors.Tensor, matrices, data []*tensors.Tensor) (regionStep, error) {
	r, j, matrix, scale, drawn := matrices[0], matrices[1], matrices[2], matrices[3], matrices[4:]
	factor, err := s.factorizing.Call([]*tensors.Tensor{device.Scalar(s.obj.Precision(), relative), matrix, scale})
	if err != nil {
		return regionStep{}, err
	}
	defer device.Free(factor)
	z, err := s.solve(j, r, factor)
	if err != nil {
		return regionStep{}, err
	}
	defer device.Free([]*tensors.Tensor{z})
	a := device.Vector(s.obj.Precision(), make([]float64, j.Shape().Dimensions[1]))
	if s.bending != nil {
		second, err := s.bending.Call([]*tensors.Tensor{theta, z}, drawn, data)
		if err != nil {
			return regionStep{}, err
		}
		a, err = s.solve(j, second[0], factor)
		device.Free(second)
		if err != nil {
			return regionStep{}, err
		}
	}
	defer device.Free([]*tensors.Tensor{a})
	out, err := s.stepping.Call([]*tensors.Tensor{r, j, z, a}, drawn)
	if err != nil {
		return regionStep{}, err
	}
	step := regionStep{p: out[0], length: device.Number(out[1]), predicted: device.Number(out[2])}
	if s.scaled {
		step.size, step.bend = device.Number(out[3]), device.Number(out[4])
	}
	return step, nil
}

// ahead has the programs compiled beside what follows, for θ, r, J, the matrix, its scale and what draws the subspace.
func (s *dampedSolver) ahead(theta, r, j, matrix, scale shapes.Shape, drawn, data []shapes.Shape) {
	order := j.Dimensions[1]
	if s.kernel {
		order = j.Dimensions[0]
	}
	scalar := shapes.Make(scale.DType)
	if factor := s.factorizing.Ahead([]shapes.Shape{scalar, matrix, scale}); factor != nil {
		s.solving.Ahead([]shapes.Shape{j, shapes.Make(scale.DType, order), r}, factor)
	}
	z := shapes.Make(scale.DType, j.Dimensions[1])
	if s.bending != nil {
		s.bending.Ahead([]shapes.Shape{theta, z}, drawn, data)
	}
	s.stepping.Ahead([]shapes.Shape{r, j, z, z}, drawn)
}

// solve minimizes ‖Jz + s‖² + λ‖z‖².
func (s *dampedSolver) solve(j, right *tensors.Tensor, factor []*tensors.Tensor) (*tensors.Tensor, error) {
	order := j.Shape().Dimensions[1]
	if s.kernel {
		order = j.Shape().Dimensions[0]
	}
	solution := []*tensors.Tensor{device.Vector(s.obj.Precision(), make([]float64, order))}
	for range 1 + corrections {
		next, err := s.solving.Call([]*tensors.Tensor{j, solution[0], right}, factor)
		device.Free(solution)
		if err != nil {
			return nil, err
		}
		solution = next
	}
	last := len(solution) - 1
	device.Free(solution[:last])
	return solution[last], nil
}
