package optim

import (
	"cmp"
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// LevenbergMarquardt is the Gauss–Newton method with damping, for losses that are sums of squares f = Σ rᵢ²: the step solves
//
//	min ‖Jp + r‖² + λ‖Dp‖²
//
// (Levenberg 1944, Marquardt 1963; Nocedal and Wright 2006, section 10.3), and λ follows the gain ratio ρ of the decrease of
// f to the predicted one, ‖r‖² − ‖Jp + r‖²: after Nielsen (1999, "Damping parameter in Marquardt's method") it falls by the
// factor max(1/Fall, 1 − (2ρ−1)³) with a step that is taken, and rises by the factor Rise where f would not fall.
// A step costs a Jacobian and a factorization; how is the choice of Solver. The zero value is usable: fields that are zero
// take the defaults.
type LevenbergMarquardt struct {
	// Damping is the first λ, in units of the largest diagonal entry of JᵀJ, or of D⁻¹JᵀJD⁻¹. When zero it is 1e-3, or with a
	// Scaling and geodesic acceleration 1e-12, from where it rises as far as the second derivative wants it.
	Damping float64
	// Scaling is D; UsualScaling when zero. With UnitScaling the method is not told what a parameter means: a model whose
	// parameters differ in size by many powers of ten takes thousands of steps then.
	Scaling Scaling
	// Metric measures steps by the Metric of the objective: ‖Dp‖² becomes ‖J_m p‖²/s_M + ε‖p‖², with s_M the largest diagonal entry of
	// M = J_mᵀJ_m: a trust region in function space. The matrix is P×P, by a DenseNormal; not with another Solver or a Scaling.
	Metric bool
	// Shift is ε; 1e-2 when zero. As it goes to 0 steps do not depend any more on the parameters that a function is written
	// with, but nothing holds back those that change little of it: networks, which are not linear in them, need 1e-2 or so (see
	// docs/optimizers.md).
	Shift float64
	// Fall and Rise bound the change of λ; 5 and 3 when zero.
	Fall, Rise float64
	// Geodesic adds the geodesic acceleration, by a second difference along the step, or a second derivative with a Scaling, which
	// follows curved valleys; it costs one more residual or a few evaluations, and no further factorization. Where it is not small against the step, it is left out; with a Scaling
	// other than UnitScaling λ rises instead until it is (Transtrum and Sethna 2012). Not with the MatrixFree solver.
	Geodesic bool
	// Solver is the way to solve for the step; CheapestSolver when zero.
	Solver LeastSquaresSolver
	// Groups are the numbers of parameters of blocks that precondition the MatrixFree solver, which is taken then: such as nn.Parts, the networks of
	// subdomains, or nn.Layers; in their order in θ, all parameters together. With the blocks of JᵀJ + λI that is the additive Schwarz preconditioner
	// of one level; where one group is a coarse network, of two (Kopaničáková, Kothari, Karniadakis and Krause, arXiv 2306.17648, who precondition L-BFGS). It
	// takes a Jacobian for each iterate. Nil for no preconditioner.
	Groups []int
	// Columns is the dimension of the space that a step is in; all parameters when zero. When it is less, p = Cz for a
	// random C with orthonormal columns, which is drawn anew for each step and after three refused ones. A third of the
	// parameters makes a step about three times cheaper and hardly worse, where a network has many; see docs/optimizers.md.
	// Not with the MatrixFree solver.
	Columns int
	// Seed chooses the C.
	Seed uint64
	// AdaptEvery is the number of iterations after which it asks for new collocation points, where the objective has an
	// Adaptation; 5 when zero. A few steps fit the points they see much better than those in between.
	AdaptEvery int
	// MaxMemory is the most that matrices may need, in bytes, for Solver to take one; 4 GiB when zero.
	MaxMemory int64
}

// Name implements Method.
func (LevenbergMarquardt) Name() string { return "Levenberg–Marquardt" }

// Start implements Method. It fails for an objective without residuals, or without the Metric that is asked for
// (objective.ErrUnsuitable), and when a setting is out of its range.
func (m LevenbergMarquardt) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	given := m.Damping
	m.Damping, m.Fall, m.Rise, m.Shift = cmp.Or(m.Damping, 1e-3), cmp.Or(m.Fall, 5), cmp.Or(m.Rise, 3), cmp.Or(m.Shift, 1e-2)
	if err := checkSettings("LevenbergMarquardt", positive("Damping", m.Damping), positive("Shift", m.Shift), above("Fall", m.Fall, 1), above("Rise", m.Rise, 1),
		choice("Scaling", m.Scaling, "UsualScaling", "UnitScaling", "MarquardtScaling", "MoreScaling"),
		optional("AdaptEvery", m.AdaptEvery, "the default"), optional("Columns", m.Columns, "all parameters")); err != nil {
		return nil, err
	}
	m.AdaptEvery = cmp.Or(m.AdaptEvery, 5)
	if m.Groups != nil {
		if m.Solver != CheapestSolver && m.Solver != MatrixFree {
			return nil, fmt.Errorf("optim: LevenbergMarquardt.Groups is set with the Solver %s, expected MatrixFree", m.Solver)
		}
		m.Solver = MatrixFree
	}
	if m.Columns > 0 && m.Solver == MatrixFree {
		return nil, fmt.Errorf("optim: LevenbergMarquardt.Columns is %d with the Solver %s, expected a dense one", m.Columns, m.Solver)
	}
	if m.Geodesic && m.Solver == MatrixFree {
		return nil, fmt.Errorf("optim: LevenbergMarquardt.Geodesic is set with the Solver %s, expected a dense one", m.Solver)
	}
	system, err := newLeastSquaresSystem(obj, systemChoice{
		method: "LevenbergMarquardt", solver: m.Solver, maxMemory: m.MaxMemory, geodesic: m.Geodesic, columns: m.Columns, seed: m.Seed,
		scaling: m.Scaling, metric: m.Metric, shift: m.Shift, groups: m.Groups,
	})
	if err != nil {
		return nil, err
	}
	scales := system.scaling()
	if given == 0 && scales != nil && scales.geodesic {
		m.Damping = leastDamping
	}
	step := &dampedStep{system: system, scaled: scales != nil, least: 4 * device.Epsilon(obj.Precision())}
	var sub subproblem = step
	if scales != nil {
		sub = scaledStep{step, scales}
	}
	s, err := startTrustRegion(obj, theta, newtonModel{}, sub, dampingControl{m, device.Epsilon(obj.Precision())})
	if err != nil {
		return nil, err
	}
	vector := shapes.Make(obj.Precision(), obj.Dim)
	s.try.Ahead(vector, vector, vector)
	system.ahead(vector)
	s.asks = asks{every: m.AdaptEvery, remark: "Levenberg–Marquardt solves by " + system.plan()}
	if scales != nil {
		s.even = 4 * device.Epsilon(obj.Precision())
		return &scaledStepper{regionStepper: s, scales: scales}, nil
	}
	return s, nil
}

// leastDamping is the first λ where the second derivative says how far it has to rise: then the first step is as long as it can be.
const leastDamping = 1e-12

// above is a setting that is a factor of change.
func above(name string, v, bound float64) setting {
	return setting{name, v, v > bound && device.Finite(v), fmt.Sprintf("a finite number above %g", bound)}
}

// dampedStep is the subproblem; the size is λ, relative to the largest diagonal entry.
type dampedStep struct {
	system leastSquaresSystem
	scaled bool
	least  float64
}

// straightDamping is a λ with which every step is straight.
const straightDamping = 1e30

func (d *dampedStep) solve(at *evaluated, damping float64, _, data []*tensors.Tensor) (regionStep, error) {
	if err := d.system.linearize(at, data); err != nil {
		return regionStep{}, err
	}
	for {
		step, err := d.system.solve(damping, data)
		if err != nil || step.p == nil {
			return step, err
		}
		usable := device.Finite(step.length) && step.predicted > 0
		if usable && d.scaled && !(step.bend <= mostAcceleration) && damping < straightDamping {
			device.Free([]*tensors.Tensor{step.p})
			return regionStep{instead: damping * unbending(step.bend)}, nil
		}
		if usable || !(damping < 1) {
			return step, nil
		}
		device.Free([]*tensors.Tensor{step.p}) // rounding has made the matrix indefinite
		damping = math.Max(10*damping, d.least)
	}
}

// unbending is the factor by which λ rises for a step that bends too much.
func unbending(bend float64) float64 {
	if !device.Finite(bend) {
		return 10
	}
	return math.Min(10, math.Max(1.5, math.Sqrt(bend/mostAcceleration)))
}

func (d *dampedStep) vary() bool {
	v, ok := d.system.(varied)
	return ok && v.vary()
}

// scaledStep is a dampedStep that measures by D.
type scaledStep struct {
	*dampedStep
	scales *scales
}

// norm is ‖D⁻¹g‖, which does not depend on the units of parameters.
func (s scaledStep) norm(gradient []float64) float64 {
	total := 0.0
	for i, g := range gradient {
		if d := s.scales.values[i]; d > 0 {
			total += g / d * (g / d)
		}
	}
	return math.Sqrt(total)
}

// dampingControl adapts λ.
type dampingControl struct {
	LevenbergMarquardt
	least float64
}

// mostDamping is the largest λ that is carried from one iterate to the next, where the Jacobian may be a larger one.
const mostDamping = 1e6

func (c dampingControl) first() float64 { return c.Damping }

func (c dampingControl) next(damping, ratio float64, _ regionStep, _ float64) (float64, bool) {
	if !(ratio > 1e-4) { // there is no largest λ: next to a Jacobian that vanishes all of them are small
		return c.Rise * damping, false
	}
	gain := 2*math.Min(ratio, 1) - 1
	return math.Max(math.Min(damping, mostDamping)*math.Max(1/c.Fall, 1-gain*gain*gain), c.least), true
}
