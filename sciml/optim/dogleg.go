package optim

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Dogleg is BFGS in a trust region: the step is the minimizer of the model on the path from the iterate along steepest
// descent to the minimizer of m there, and from that to the quasi-Newton step (Powell 1970; Nocedal and Wright 2006,
// section 4.1). B and its inverse H are both kept, so that no system is solved. Nothing makes sᵀy positive here; so y is
// damped towards Bs (Powell 1978; Nocedal and Wright 2006, Procedure 18.2), and B stays positive definite.
// The zero value is usable.
type Dogleg struct {
	// Region has the radius and its control; MaxProducts means nothing.
	Region TrustRegion
	// MaxMemory is the largest size of B and H in bytes; 4 GiB when zero.
	MaxMemory int64
}

// Name implements Method.
func (Dogleg) Name() string { return "BFGS dogleg" }

// Start implements Method. It fails when B and H would be larger than MaxMemory, or a setting is out of its range.
func (m Dogleg) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	if err := checkDense(obj, "Dogleg", "Hessian and its inverse", m.MaxMemory, 2); err != nil {
		return nil, err
	}
	region, err := m.Region.withDefaults()
	if err != nil {
		return nil, err
	}
	path, err := device.NewProgram(obj.Compiler(), "dogleg", func(in []*graph.Node) []*graph.Node {
		return doglegStep(in[0], in[1], in[2:])
	})
	if err != nil {
		return nil, err
	}
	return startTrustRegion(obj, theta, doglegModel{}, &dogleg{obj: obj, path: path}, region)
}

type dogleg struct {
	obj  *objective.Objective
	path *device.Program
}

func (d *dogleg) solve(at *evaluated, radius float64, state, _ []*tensors.Tensor) (regionStep, error) {
	out, err := d.path.Call([]*tensors.Tensor{at.gradient, device.Scalar(d.obj.Precision(), radius)}, state)
	if err != nil {
		return regionStep{}, err
	}
	return regionStep{p: out[0], length: device.Number(out[1]), predicted: device.Number(out[2])}, nil
}

// doglegStep builds the step, its length and the decrease of the model.
func doglegStep(gradient, radius *graph.Node, state []*graph.Node) []*graph.Node {
	unknown := isZero(state[doglegKnown])
	times := func(matrix int, v *graph.Node) *graph.Node {
		return graph.Where(unknown, v, device.Multiply(state[matrix], v))
	}
	newton := graph.Neg(times(doglegH, gradient))
	gg := device.Dot(gradient, gradient)
	cauchy := graph.Neg(graph.Mul(graph.Div(gg, device.Dot(gradient, times(doglegB, gradient))), gradient))
	clipped := graph.Neg(graph.Mul(graph.Div(radius, graph.Sqrt(gg)), gradient))

	// Where the second leg leaves the region: the positive root of ‖cauchy + τ·leg‖ = Δ, without cancellation.
	leg := graph.Sub(newton, cauchy)
	along := device.Dot(cauchy, leg)
	gap := graph.Sub(graph.Square(radius), device.Dot(cauchy, cauchy))
	tau := graph.Div(gap, graph.Add(along, graph.Sqrt(graph.Add(graph.Square(along), graph.Mul(device.Dot(leg, leg), gap)))))
	bent := graph.Add(cauchy, graph.Mul(tau, leg))

	inside := func(p *graph.Node) *graph.Node { return graph.LessThan(device.Norm(p), radius) }
	step := graph.Where(inside(newton), newton, graph.Where(inside(cauchy), bent, clipped))
	change := graph.Add(device.Dot(gradient, step), graph.MulScalar(device.Dot(step, times(doglegB, step)), 0.5))
	return []*graph.Node{step, device.Norm(step), graph.Neg(change)}
}

// doglegModel is B, its inverse H, and one once they are known; until then both are I.
type doglegModel struct{}

const (
	doglegB = iota
	doglegH
	doglegKnown
)

func (doglegModel) State(dim int, dtype dtypes.DType) []shapes.Shape {
	return []shapes.Shape{doglegB: shapes.Make(dtype, dim, dim), doglegH: shapes.Make(dtype, dim, dim), doglegKnown: shapes.Make(dtype)}
}

func (doglegModel) Learn(s, y *graph.Node, state []*graph.Node) []*graph.Node {
	first, scale := isZero(state[doglegKnown]), initialCurvature(s, y)
	b := graph.Where(first, graph.Mul(scale, identity(state[doglegB])), state[doglegB])
	h := graph.Where(first, graph.Div(identity(state[doglegB]), scale), state[doglegH])
	bs := device.Multiply(b, s)
	sbs := device.Dot(s, bs)
	y = damp(y, bs, device.Dot(s, y), sbs)
	sy, hy := device.Dot(s, y), device.Multiply(h, y)

	nextB := graph.Add(graph.Sub(b, outer(graph.Div(bs, sbs), bs)), outer(graph.Div(y, sy), y))
	weight := graph.Div(graph.AddScalar(graph.Div(device.Dot(y, hy), sy), 1), sy)
	cross := outer(graph.Div(hy, sy), s)
	nextH := graph.Sub(graph.Add(h, outer(graph.Mul(weight, s), s)), graph.Add(cross, graph.Transpose(cross, 0, 1)))

	zero := graph.ZerosLike(sbs)
	useful := graph.LogicalAnd(graph.GreaterThan(sbs, zero), graph.GreaterThan(sy, zero))
	return []*graph.Node{
		doglegB:     graph.Where(useful, nextB, state[doglegB]),
		doglegH:     graph.Where(useful, nextH, state[doglegH]),
		doglegKnown: graph.Where(useful, graph.OnesLike(state[doglegKnown]), state[doglegKnown]),
	}
}

// damp moves y towards Bs until sᵀy ≥ sᵀBs/5, so that a BFGS update keeps B positive definite (Powell 1978, "Algorithms
// for nonlinear constraints that use Lagrangian functions"; Nocedal and Wright 2006, Procedure 18.2).
func damp(y, bs, sy, sbs *graph.Node) *graph.Node {
	one := graph.OnesLike(sy)
	enough := graph.GreaterOrEqual(sy, graph.MulScalar(sbs, 0.2))
	theta := graph.Where(enough, one, graph.Div(graph.MulScalar(sbs, 0.8), graph.Sub(sbs, sy)))
	return graph.Add(graph.Mul(theta, y), graph.Mul(graph.Sub(one, theta), bs))
}
