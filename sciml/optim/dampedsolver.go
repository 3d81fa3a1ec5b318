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

// dampedSolver finds steps in a subspace from J and the matrix there. It is a few programs that run one after the other, as those
// that solve run several times: written out, they would take seconds to compile.
type dampedSolver struct {
	obj    *objective.Objective
	space  objective.Subspaces
	kernel bool
	scaled bool // J is JD⁻¹, and D an input of its own
	metric bool // λ multiplies a matrix N of the metric, rather than I
	// Products with Jᵀ; the factorization of the matrix, and solutions with it; what is left of the normal equations; the second
	// derivative along a step, nil for none; and the step.
	adjoint, factorizing, solving, remaining, bending, stepping *device.Program
}

// newDampedSolver makes one for JᵀJ, or JJᵀ for a kernel; with geodesic it adds the acceleration, and with a metric, which is not
// for kernels, N is an input.
func newDampedSolver(obj *objective.Objective, kernel, geodesic, scaled, metric bool, space objective.Subspaces) (*dampedSolver, error) {
	s := &dampedSolver{obj: obj, space: space, kernel: kernel, scaled: scaled, metric: metric}
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
		n := identity(matrix)
		if metric {
			n = in[3]
		}
		factor := linalg.Cholesky(graph.Add(matrix, graph.Mul(damping, n)))
		return append([]*graph.Node{damping}, factor.Blocks()...)
	}); err != nil {
		return nil, err
	}
	if s.adjoint, err = device.NewProgram(obj.Compiler(), "product with Jᵀ", func(in []*graph.Node) []*graph.Node {
		return []*graph.Node{device.TransposeMultiply(in[0], in[1])}
	}); err != nil {
		return nil, err
	}
	// A minimizer of ‖Jz + s‖² + λzᵀNz, with I for N without a metric, is z, or for a kernel Jᵀy: this is what z or y leave of the equations for them.
	if s.remaining, err = device.NewProgram(obj.Compiler(), "normal equations", func(in []*graph.Node) []*graph.Node {
		j, y, right, damping := in[0], in[1], in[2], in[3]
		damped := graph.Mul(damping, s.weighted(y, in[4:]))
		if kernel {
			return []*graph.Node{graph.Add(graph.Add(right, device.Multiply(j, device.TransposeMultiply(j, y))), damped)}
		}
		return []*graph.Node{graph.Add(device.TransposeMultiply(j, graph.Add(right, device.Multiply(j, y))), damped)}
	}); err != nil {
		return nil, err
	}
	if s.solving, err = device.NewProgram(obj.Compiler(), "least-squares solution", func(in []*graph.Node) []*graph.Node {
		y, left, blocks := in[0], in[1], in[2:]
		return []*graph.Node{graph.Sub(y, linalg.FactorOf(y.Shape().Dimensions[0], blocks).Solve(left))}
	}); err != nil {
		return nil, err
	}
	if geodesic {
		if s.bending, err = device.NewProgram(obj.Compiler(), "second derivative", func(in []*graph.Node) []*graph.Node {
			theta, r, j, z := in[0], in[1], in[2], in[3]
			drawn, data := in[4:4+inputs], in[4+inputs:]
			if scaled {
				p := []*graph.Node{expand(z, drawn)}
				first := autodiff.JVP(obj.BuildResidual(theta, data), []*graph.Node{theta}, p)
				return []*graph.Node{autodiff.JVP(first, []*graph.Node{theta}, p)}
			}
			there := obj.BuildResidual(graph.Add(theta, graph.MulScalar(expand(z, drawn), along)), data)
			change := graph.MulScalar(graph.Sub(there, r), 1/along)
			return []*graph.Node{graph.MulScalar(graph.Sub(change, device.Multiply(j, z)), 2/along)}
		}); err != nil {
			return nil, err
		}
	}
	s.stepping, err = device.NewProgram(obj.Compiler(), "step", func(in []*graph.Node) []*graph.Node {
		r, j, z, a, n, drawn := in[0], in[1], in[2], in[3], in[4:4+s.inputs()], in[4+s.inputs():]
		jz := device.Multiply(j, z)
		predicted := graph.Neg(graph.Add(graph.MulScalar(device.Dot(r, jz), 2), device.Dot(jz, jz)))
		bent := s.bend(z, a, n)
		to := graph.Add(z, accelerated(a, bent))
		p := expand(to, drawn)
		out := []*graph.Node{p, device.Norm(p), predicted}
		if scaled {
			out = append(out, device.Norm(to), bent)
		}
		return out
	})
	return s, err
}

// along is the part of a step after which the residual is looked at for its second derivative: r(θ + hp) = r + hJp + h²r″/2 + …
// (Transtrum and Sethna 2012, who take the same). It takes one residual, where the derivative of the derivative takes several and as
// many operations as there are terms. With scales, whose steps are as long as the second derivative allows, it is that itself.
const along = 0.1

// mostAcceleration bounds the correction relative to the step, above which its expansion means nothing.
const mostAcceleration = 0.75

// accelerated is half of the geodesic acceleration a = −(JᵀJ + λI)⁻¹Jᵀr″, with r″ the second derivative of r along the step
// v (Transtrum and Sethna 2012, "Improvements to the Levenberg–Marquardt algorithm for nonlinear least-squares
// minimization"), or zero where the bend is larger than 0.75.
func accelerated(a, bend *graph.Node) *graph.Node {
	small := graph.LessOrEqual(bend, graph.MulScalar(graph.OnesLike(bend), mostAcceleration)) // false for NaN
	return graph.Where(small, graph.MulScalar(a, 0.5), graph.ZerosLike(a))
}

// bend is 2‖a‖/‖v‖, in the norm of the damping.
func (s *dampedSolver) bend(v, a *graph.Node, n []*graph.Node) *graph.Node {
	norm := device.Norm
	if s.metric {
		norm = func(z *graph.Node) *graph.Node { return graph.Sqrt(device.Dot(z, s.weighted(z, n))) }
	}
	return graph.Div(graph.MulScalar(norm(a), 2), norm(v))
}

// weighted is Nz, or z without a metric.
func (s *dampedSolver) weighted(z *graph.Node, n []*graph.Node) *graph.Node {
	if !s.metric {
		return z
	}
	return device.Multiply(n[0], z)
}

// inputs is the number of inputs that the metric is.
func (s *dampedSolver) inputs() int {
	if s.metric {
		return 1
	}
	return 0
}

// step is that for a relative damping, with its length and the decrease that it should bring. Matrices are r, J, the matrix,
// its scale, N of a metric, and then D where J is scaled, and the subspace.
func (s *dampedSolver) step(relative float64, theta *tensors.Tensor, matrices, data []*tensors.Tensor) (regionStep, error) {
	r, j, matrix, scale, n, drawn := matrices[0], matrices[1], matrices[2], matrices[3], matrices[4:4+s.inputs()], matrices[4+s.inputs():]
	factor, err := s.factorizing.Call([]*tensors.Tensor{device.Scalar(s.obj.Precision(), relative), matrix, scale}, n)
	if err != nil {
		return regionStep{}, err
	}
	defer device.Free(factor)
	z, err := s.solve(j, r, factor, n, corrections)
	if err != nil {
		return regionStep{}, err
	}
	defer device.Free([]*tensors.Tensor{z})
	a := device.Vector(s.obj.Precision(), make([]float64, j.Shape().Dimensions[1]))
	if s.bending != nil {
		second, err := s.bending.Call([]*tensors.Tensor{theta, r, j, z}, drawn, data)
		if err != nil {
			return regionStep{}, err
		}
		a, err = s.solve(j, second[0], factor, n, 0)
		device.Free(second)
		if err != nil {
			return regionStep{}, err
		}
	}
	defer device.Free([]*tensors.Tensor{a})
	out, err := s.stepping.Call([]*tensors.Tensor{r, j, z, a}, n, drawn)
	if err != nil {
		return regionStep{}, err
	}
	step := regionStep{p: out[0], length: device.Number(out[1]), predicted: device.Number(out[2])}
	if s.scaled {
		step.size, step.bend = device.Number(out[3]), device.Number(out[4])
	}
	return step, nil
}

// ahead has the programs compiled beside what follows, for θ, the matrices of step without the subspace, and what draws that.
func (s *dampedSolver) ahead(theta shapes.Shape, matrices, drawn, data []shapes.Shape) {
	r, j, matrix, scale, n := matrices[0], matrices[1], matrices[2], matrices[3], matrices[4:]
	y := shapes.Make(scale.DType, s.order(j))
	scalar := shapes.Make(scale.DType)
	if factor := s.factorizing.Ahead([]shapes.Shape{scalar, matrix, scale}, n); factor != nil {
		s.solving.Ahead([]shapes.Shape{y, y}, factor[1:])
	}
	s.adjoint.Ahead([]shapes.Shape{j, r})
	s.remaining.Ahead([]shapes.Shape{j, y, r, scalar}, n)
	z := shapes.Make(scale.DType, j.Dimensions[1])
	if s.bending != nil {
		s.bending.Ahead([]shapes.Shape{theta, r, j, z}, drawn, data)
	}
	s.stepping.Ahead([]shapes.Shape{r, j, z, z}, n, drawn)
}

// order is that of the matrix.
func (s *dampedSolver) order(j shapes.Shape) int {
	if s.kernel {
		return j.Dimensions[0]
	}
	return j.Dimensions[1]
}

// corrections is the number of times that a step from the normal equations is corrected with J itself. The acceleration, which is
// half as long at most and has an error of its own, is not.
const corrections = 1

// solve minimizes ‖Jz + s‖² + λ‖z‖², or λzᵀNz, and corrects the solution some times.
func (s *dampedSolver) solve(j, right *tensors.Tensor, factor, n []*tensors.Tensor, times int) (*tensors.Tensor, error) {
	damping, blocks := factor[0], factor[1:]
	y := device.Vector(s.obj.Precision(), make([]float64, s.order(j.Shape())))
	for k := range 1 + times {
		left, mine := right, false // of the equations
		var made []*tensors.Tensor
		var err error
		switch {
		case k > 0:
			made, err = s.remaining.Call([]*tensors.Tensor{j, y, right, damping}, n)
		case !s.kernel:
			made, err = s.adjoint.Call([]*tensors.Tensor{j, right})
		}
		if len(made) > 0 {
			left, mine = made[0], true
		}
		var next []*tensors.Tensor
		if err == nil {
			next, err = s.solving.Call([]*tensors.Tensor{y, left}, blocks)
		}
		device.Free([]*tensors.Tensor{y})
		if mine {
			device.Free([]*tensors.Tensor{left})
		}
		if err != nil {
			return nil, err
		}
		y = next[0]
	}
	if !s.kernel {
		return y, nil
	}
	defer device.Free([]*tensors.Tensor{y})
	z, err := s.adjoint.Call([]*tensors.Tensor{j, y})
	if err != nil {
		return nil, err
	}
	return z[0], nil
}
