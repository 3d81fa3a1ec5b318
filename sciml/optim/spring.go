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
	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// SPRING is the subsampled projected-increment natural gradient of Goldshlager, Abrahamsen and Lin (2024, "A
// Kaczmarz-inspired approach to accelerate the optimization of neural network wavefunctions"), for losses that are sums
// of squares f = Σ rᵢ² and in the form that Guzmán-Cordero, Dangel, Goldshlager and Zeinhofer (2025, "Improving energy
// natural gradient descent through Woodbury, momentum, and randomization") gave it for physics-informed networks. The
// step is damped towards a part of the one before, rather than towards zero:
//
//	pₖ = argmin ‖Jp + r‖² + λ‖p − μpₖ₋₁‖²
//	   = μpₖ₋₁ − Jᵀ(JJᵀ + λI)⁻¹(r + μJpₖ₋₁)
//
// so that what J says nothing of, few samples or many parameters, keeps what earlier samples have said. With μ = 0 it is
// the damped Gauss–Newton method. The matrix is JJᵀ, or JᵀJ in the equal form where that is the smaller one; it is
// factorized on the device, and the rounding errors of the solution are corrected once with J itself.
//
// The zero value is usable. Its steps are those of all samples, with the line search of the second paper; an
// Adaptation of the objective draws new points for it. With Batches, or with a Rate or a Schedule, the steps are those
// of the first paper, −η∙pₖ of bounded length, and nothing is searched; with Batches see MiniBatch for what is recorded.
type SPRING struct {
	// Momentum is μ, at least 0 and below 1; 0.9 when zero. The first paper has 0.99, for batches. The constant Zero turns it off.
	Momentum float64
	// Damping is λ, in the units of JᵀJ; 1e-6 when zero. The first paper has 1e-3, for its noisy samples. Where λ vanishes
	// next to the rounding errors of the matrix, it is taken for as large as they are.
	Damping float64
	// Corrected divides steps by √(1−μ²ᵏ), as the second paper does: the first ones are sums of few increments. The pₖ that
	// the next step builds on is the one before that.
	Corrected bool
	// Search goes along the step; Grid{} when nil, unless one of the following settings is set.
	Search search.Search
	// Rate is the step size η; 0.1 when zero. Schedule changes it; nil for a constant one.
	Rate     float64
	Schedule Schedule
	// Longest bounds the length of a step that is not searched, the root of the first paper's norm constraint C; √0.001
	// when zero, as there, and no bound when +Inf.
	Longest float64
	// Batches say how samples are drawn, anew for each step; all of them when it is the zero value.
	Batches objective.Batches
	// Measure is the number of iterations between measurements of all samples, with Batches; 100 when zero.
	Measure int
	// MaxMemory is the most that J and the matrix may need, in bytes; 4 GiB when zero.
	MaxMemory int64
}

// Name implements Method.
func (SPRING) Name() string { return "SPRING" }

// Start implements Method. It fails for an objective without residuals, and when settings are out of range or contradict
// each other.
func (m SPRING) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	if err := obj.NeedResidual("SPRING"); err != nil {
		return nil, err
	}
	batched := m.Batches != objective.Batches{}
	fixed := batched || m.Rate != 0 || m.Schedule != nil || m.Longest != 0
	if fixed && m.Search != nil {
		return nil, fmt.Errorf("optim: SPRING.Search is %T, expected nil with Batches, Rate, Schedule or Longest, whose steps are taken as they are", m.Search)
	}
	if m.Measure != 0 && !batched {
		return nil, fmt.Errorf("optim: SPRING.Measure is %d, expected 0 without Batches: all samples are measured at each step", m.Measure)
	}
	m.Momentum, m.Damping = cmp.Or(m.Momentum, 0.9), cmp.Or(m.Damping, 1e-6)
	m.Rate, m.Longest = cmp.Or(m.Rate, 0.1), cmp.Or(m.Longest, math.Sqrt(1e-3))
	if err := checkSettings("SPRING", fraction("Momentum", m.Momentum), notNegative("Damping", m.Damping), positive("Rate", m.Rate),
		setting{"Longest", m.Longest, m.Longest > 0, "a number above 0"}, memory(m.MaxMemory)); err != nil {
		return nil, err
	}
	m.MaxMemory = cmp.Or(m.MaxMemory, defaultMemory)
	direction := springDirection{m}
	if batched {
		return direction.startBatches(obj, theta)
	}
	rows, err := obj.NumResiduals()
	if err != nil {
		return nil, err
	}
	if err := obj.NeedJacobian("SPRING", rows, m.MaxMemory); err != nil {
		return nil, err
	}
	if fixed {
		return direction.startSteps(obj, theta)
	}
	m.Search = cmp.Or[search.Search](m.Search, search.Grid{})
	return startLineSearch(obj, theta, direction, m.Search)
}

// startSteps takes the steps as they are. It calls the device for each iteration: the factorization is a loop of its own
// there, and GoMLX has no loops within loops.
func (d springDirection) startSteps(obj *objective.Objective, theta *tensors.Tensor) (*fixedStep, error) {
	direction, err := withSchedule("SPRING", springRule{d}, d.Schedule)
	if err != nil {
		return nil, err
	}
	s, err := startFixedStep(obj, theta, direction)
	if err != nil {
		return nil, err
	}
	return s, s.callEachStep("SPRING step")
}

// startBatches takes steps of batches, for the same reason each by a call of its own.
func (d springDirection) startBatches(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	every, err := measureEvery("SPRING", d.Measure)
	if err != nil {
		return nil, err
	}
	batches, err := d.Batches.Sampler(obj, "SPRING")
	if err != nil {
		return nil, err
	}
	rows, err := obj.NumResidualsOf(batches.Sizes)
	if err != nil {
		return nil, err
	}
	if err := obj.NeedJacobian("SPRING", rows, d.MaxMemory); err != nil {
		return nil, err
	}
	direction, err := withSchedule("SPRING", springRule{d}, d.Schedule)
	if err != nil {
		return nil, err
	}
	s, err := startStochastic(obj, theta, plan{rule: averaged{direction: direction, batches: 1}, batches: batches, perStep: 1, cost: 1, every: every})
	if err != nil {
		return nil, err
	}
	s.loop.OnDevice = false
	return s, nil
}

// springDirection is pₖ.
type springDirection struct{ SPRING }

// The state of springDirection: pₖ₋₁, and 1 − μ²ᵏ.
const (
	springStep = iota
	springWeight
)

func (springDirection) State(dim int, dtype dtypes.DType) []shapes.Shape {
	return []shapes.Shape{springStep: shapes.Make(dtype, dim), springWeight: shapes.Make(dtype)}
}

func (d springDirection) Step(p *objective.Point, state []*graph.Node) (*graph.Node, []*graph.Node) {
	r, j := p.Linearize()
	kept := graph.MulScalar(state[springStep], d.Momentum)
	step := graph.Add(kept, dampedIncrement(j, graph.Add(r, device.Multiply(j, kept)), d.Damping))
	weight := blend(state[springWeight], graph.OnesLike(state[springWeight]), d.Momentum*d.Momentum)
	taken := step
	if d.Corrected {
		taken = graph.Div(step, graph.Sqrt(weight))
	}
	return taken, []*graph.Node{springStep: step, springWeight: weight}
}

// springRule takes steps of bounded length.
type springRule struct{ springDirection }

func (r springRule) Step(p *objective.Point, factor *graph.Node, state []*graph.Node) (*graph.Node, []*graph.Node) {
	step, next := r.springDirection.Step(p, state)
	step = graph.Mul(step, graph.MulScalar(factor, r.Rate))
	if !math.IsInf(r.Longest, 1) {
		length := device.Norm(step)
		longest := graph.MulScalar(graph.OnesLike(length), r.Longest)
		step = graph.Where(graph.GreaterThan(length, longest), graph.Mul(step, graph.Div(longest, length)), step)
	}
	return step, next
}

// dampedIncrement is q = −(JᵀJ + λI)⁻¹Jᵀt = −Jᵀ(JJᵀ + λI)⁻¹t, the minimizer of ‖Jq + t‖² + λ‖q‖².
func dampedIncrement(j, t *graph.Node, damping float64) *graph.Node {
	rows, columns := j.Shape().Dimensions[0], j.Shape().Dimensions[1]
	side := j
	if rows < columns {
		side = graph.Transpose(j, 0, 1)
	}
	matrix := objective.Gram(side)
	rounding := graph.MulScalar(device.Dot(j, j), 4*device.Epsilon(j.DType())) // of the matrix, whose trace this is a multiple of
	lambda := graph.Max(rounding, graph.MulScalar(graph.OnesLike(rounding), damping))
	factor := linalg.Cholesky(graph.Add(matrix, graph.Mul(lambda, identity(matrix))))
	if rows < columns {
		x := factor.Solve(t)
		off := graph.Sub(graph.Sub(t, device.Multiply(j, device.TransposeMultiply(j, x))), graph.Mul(lambda, x))
		return graph.Neg(device.TransposeMultiply(j, graph.Add(x, factor.Solve(off))))
	}
	q := graph.Neg(factor.Solve(device.TransposeMultiply(j, t)))
	off := graph.Add(device.TransposeMultiply(j, graph.Add(t, device.Multiply(j, q))), graph.Mul(lambda, q))
	return graph.Sub(q, factor.Solve(off))
}
