package optim

import (
	"cmp"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// ENGD is energy natural gradient descent (Müller and Zeinhofer 2023, "Achieving high accuracy with PINNs via energy natural
// gradient descent") for losses that are sums of squares, where its Gram matrix is JᵀJ: Newton's direction in function space,
// projected on what the parameters can change, p = −(JᵀJ)⁺Jᵀr, with a search over many step lengths at once. Without
// regularization it is at its best near a solution of a problem with few parameters, and may fail from a poor start, where
// LevenbergMarquardt does not. For the energy E(u) = ½‖N(u)‖² of an equation N(u) = 0, JᵀJ is the metric v ↦ ‖N′(u)v‖², with the
// equation linearized at the iterate: Gauss–Newton in function space (Jnini, Vella and Zeinhofer 2024, arXiv 2402.10680). The zero
// value is usable: fields that are zero take the defaults.
type ENGD struct {
	// Metric takes the Metric of the objective in the place of JᵀJ: p = −(M + λI)⁻¹Jᵀr with M = J_mᵀJ_m, or −(M + λI)⁻¹∇f for a loss
	// that is no sum of squares, such as an energy, which it serves as well: steepest descent in function space, such as L² or
	// H¹. It is Newton's direction only where M is the second derivative of the loss there, as H¹ is for the energy of
	// Poisson's equation. Not with a PseudoInverse or another Solver than DenseNormal.
	Metric bool
	// Regularization is λ of JᵀJ + λI, in units of the largest diagonal entry of JᵀJ; 1e-12 when zero, and not below 4 rounding
	// units. It has no say with a PseudoInverse. With a Metric it is that of M, and 1e-6 when zero: a gradient does not vanish, as Jᵀr does,
	// where the matrix nearly does.
	Regularization float64
	// PseudoInverse leaves out eigenvalues of JᵀJ below Cutoff times the largest, as its authors do, rather than adding to all.
	// The eigenvectors are computed on the host, 10 to 20 times the work of a factorization; for up to about 1000 parameters.
	PseudoInverse bool
	// Cutoff is for the PseudoInverse; P rounding units when zero.
	Cutoff float64
	// Search decides the length of each step; Grid{} when nil.
	Search search.Search
	// Solver is the way to solve without a PseudoInverse; CheapestSolver when zero.
	Solver LeastSquaresSolver
	// MaxMemory is the most that matrices may need, in bytes; 4 GiB when zero.
	MaxMemory int64
	// AdaptEvery is the number of iterations after which it asks for new collocation points, where the objective has an
	// Adaptation; 5 when zero.
	AdaptEvery int
}

// Name implements Method.
func (ENGD) Name() string { return "ENGD" }

// Start implements Method. It fails for an objective without residuals, or without the Metric that is asked for in their place
// (objective.ErrUnsuitable), and when a setting is out of its range.
func (m ENGD) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	epsilon := device.Epsilon(obj.Precision())
	if m.Metric {
		m.Regularization = cmp.Or(m.Regularization, 1e-6)
	}
	m.Regularization, m.Cutoff = cmp.Or(m.Regularization, 1e-12), cmp.Or(m.Cutoff, epsilon*float64(obj.Dim))
	m.AdaptEvery = cmp.Or(m.AdaptEvery, 5)
	if err := checkSettings("ENGD", positive("Regularization", m.Regularization), fraction("Cutoff", m.Cutoff), counted("AdaptEvery", m.AdaptEvery)); err != nil {
		return nil, err
	}
	m.Search = cmp.Or[search.Search](m.Search, search.Grid{})
	if m.PseudoInverse {
		if m.Solver != CheapestSolver && m.Solver != DenseNormal {
			return nil, fmt.Errorf("optim: ENGD.Solver is %s with a PseudoInverse, expected DenseNormal", m.Solver)
		}
		m.Solver = DenseNormal
	}
	system, err := m.system(obj)
	if err != nil {
		return nil, err
	}
	d := &naturalGradient{obj: obj, system: system, regularization: math.Max(m.Regularization, 4*epsilon)}
	text := "ENGD solves by " + system.plan()
	if m.PseudoInverse {
		d.pseudo, d.cutoff, text = system.(*denseSystem), m.Cutoff, "ENGD solves by the pseudo-inverse of "+system.plan()
		if d.project, err = device.NewProgram(obj.Compiler(), "Jᵀr", func(in []*graph.Node) []*graph.Node {
			return []*graph.Node{device.TransposeMultiply(in[1], in[0])}
		}); err != nil {
			return nil, err
		}
	}
	if d.measure, err = device.NewProgram(obj.Compiler(), "slope", func(in []*graph.Node) []*graph.Node {
		return []*graph.Node{device.Dot(in[0], in[1]), device.Norm(in[0])}
	}); err != nil {
		return nil, err
	}
	s, err := startDirected(obj, theta, d, m.Search)
	if err != nil {
		return nil, err
	}
	s.asks = asks{every: m.AdaptEvery, remark: text}
	return s, nil
}

// system is what it solves with.
func (m ENGD) system(obj *objective.Objective) (leastSquaresSystem, error) {
	if !m.Metric {
		return newLeastSquaresSystem(obj, systemChoice{method: "ENGD", solver: m.Solver, maxMemory: m.MaxMemory, scaling: UnitScaling})
	}
	if m.PseudoInverse {
		return nil, objective.Unsuitable("optim: ENGD.Metric is set with a PseudoInverse, expected a Regularization")
	}
	if err := needNormal("ENGD", m.Solver, UnitScaling); err != nil {
		return nil, err
	}
	return newMetricSystem(obj, "ENGD", m.MaxMemory)
}

// naturalGradient directs an ENGD. It remembers nothing.
type naturalGradient struct {
	obj              *objective.Objective
	system           leastSquaresSystem
	regularization   float64
	pseudo           *denseSystem // nil without a pseudo-inverse
	cutoff           float64
	measure, project *device.Program
}

func (d *naturalGradient) blank() []*tensors.Tensor { return nil }

func (d *naturalGradient) rebase(state []*tensors.Tensor) []*tensors.Tensor { return state }

func (d *naturalGradient) direct(at *evaluated, _ []*tensors.Tensor) (directed, error) {
	if err := d.system.linearize(at, d.obj.Data); err != nil {
		return directed{}, err
	}
	step, err := d.solve()
	if err != nil || step.p == nil {
		return directed{why: step.why, products: step.products}, err
	}
	out, err := d.measure.Call([]*tensors.Tensor{step.p, at.gradient})
	if err != nil {
		device.Free([]*tensors.Tensor{step.p})
		return directed{}, err
	}
	return directed{step: step.p, slope: device.Number(out[0]), length: device.Number(out[1]), products: step.products}, nil
}

func (d *naturalGradient) solve() (regionStep, error) {
	if d.pseudo != nil {
		return d.invert()
	}
	for regularization := d.regularization; ; regularization *= 10 {
		step, err := d.system.solve(regularization, d.obj.Data)
		if err != nil || step.p == nil || device.Finite(step.length) && step.predicted > 0 || !(regularization < 1) {
			return step, err
		}
		device.Free([]*tensors.Tensor{step.p}) // rounding has made the matrix indefinite
	}
}

// invert is −(JᵀJ)⁺Jᵀr, by eigenvectors.
func (d *naturalGradient) invert() (regionStep, error) {
	r, j, matrix := d.pseudo.matrices[0], d.pseudo.matrices[1], d.pseudo.matrices[2]
	out, err := d.project.Call([]*tensors.Tensor{r, j})
	if err != nil {
		return regionStep{}, err
	}
	defer device.Free(out)
	right, err := device.Numbers(out[0])
	if err != nil {
		return regionStep{}, err
	}
	a, err := device.Numbers(matrix)
	if err != nil {
		return regionStep{}, err
	}
	p := make([]float64, d.obj.Dim)
	eigen, err := linalg.NewEigen(d.obj.Dim, a)
	if err != nil { // not finite: there is no direction
		return regionStep{p: device.Vector(d.obj.Precision(), p)}, nil
	}
	eigen.Solve(p, right, d.cutoff, 0)
	for i := range p {
		p[i] = -p[i]
	}
	return regionStep{p: device.Vector(d.obj.Precision(), p)}, nil
}
