package pinn

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/sample"
)

// RelativeL2 is the metric that Monitor measures: ‖u − u*‖₂/‖u*‖₂ over held-out points, all unknowns together.
const RelativeL2 = "relative_l2"

// heldOutPoints is the number of points of the error estimate, whose own relative accuracy is about its root.
const heldOutPoints = 4096

// heldOutSeed keeps held-out points apart from collocation points of any seed.
const heldOutSeed = 0x9e3779b97f4a7c15

// evaluateAt is the number of points of one call; fewer are padded, so that there is one program for any number.
const evaluateAt = 4096

// Evaluate computes u at N points of R^d, given in row-major order, and returns N·m values in row-major order.
// It fails when theta or points have a length that does not fit, or a point has a coordinate that is not finite.
// It may be called from several goroutines.
func (m *Model) Evaluate(theta []float64, points []float64) ([]float64, error) {
	d, outputs := m.network.Inputs(), m.network.Outputs()
	if len(theta) != m.network.NumParams() {
		return nil, fmt.Errorf("pinn: theta has %d entries, expected %d for %s", len(theta), m.network.NumParams(), m.network)
	}
	if len(points)%d != 0 {
		return nil, fmt.Errorf("pinn: points have %d numbers, expected a multiple of %d, the number of coordinates of %q", len(points), d, m.problem.Name)
	}
	for i, v := range points {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("pinn: coordinate %q of point %d is %v, expected a finite number", m.problem.Coordinates[i%d], i/d, v)
		}
	}
	eval, err := m.evaluation()
	if err != nil {
		return nil, err
	}
	parameters := m.tensor(theta, 0)
	values := make([]float64, 0, len(points)/d*outputs)
	block := make([]float64, evaluateAt*d)
	for len(points) > 0 {
		n := copy(block, points)
		points = points[n:]
		out, err := eval.Call1(parameters, m.tensor(block, d))
		if err != nil {
			return nil, fmt.Errorf("pinn: evaluating u: %w", err)
		}
		flat, err := tensors.CopyFlatData[float64](out)
		if err != nil {
			return nil, fmt.Errorf("pinn: reading u from the device: %w", err)
		}
		values = append(values, flat[:n/d*outputs]...)
	}
	return values, nil
}

// evaluation returns the program of u, built by the first of any number of goroutines that ask.
func (m *Model) evaluation() (*graph.Exec, error) {
	m.building.Lock()
	defer m.building.Unlock()
	if m.eval == nil {
		eval, err := graph.NewExec(m.backend, func(theta, x *graph.Node) *graph.Node {
			return graph.ConvertDType(m.u(theta, x), dtypes.Float64)
		})
		if err != nil {
			return nil, fmt.Errorf("pinn: building the evaluation of u: %w", err)
		}
		m.eval = eval
	}
	return m.eval, nil
}

// Monitor measures RelativeL2 at θ, for optim.Options. It returns nil when the problem has no exact solution.
func (m *Model) Monitor(theta *tensors.Tensor) (map[string]float64, error) {
	if m.problem.Exact == nil {
		return nil, nil
	}
	if m.errors == nil {
		if err := m.holdOut(); err != nil {
			return nil, err
		}
	}
	out, err := m.errors.Call1(theta, m.heldOut[0], m.heldOut[1])
	if err != nil {
		return nil, fmt.Errorf("pinn: measuring the error: %w", err)
	}
	return map[string]float64{RelativeL2: tensors.ToScalar[float64](out)}, nil
}

func (m *Model) holdOut() error {
	points, err := sample.Uniform{Seed: m.options.Seed ^ heldOutSeed}.Interior(m.problem.Domain, heldOutPoints)
	if err != nil {
		return err
	}
	var exact []float64
	for n := range points.N {
		exact = append(exact, m.problem.Exact(points.At(n))...)
	}
	for i, v := range exact {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			k := i / len(m.problem.Unknowns)
			return fmt.Errorf("pinn: the exact solution of %q is %v at %v, expected a finite number", m.problem.Name, v, points.At(k))
		}
	}
	reference := tensors.FromFlatDataAndDimensions(exact, points.N, len(m.problem.Unknowns))
	m.heldOut = []*tensors.Tensor{m.tensor(points.Coords, points.Dim), reference}
	m.errors, err = graph.NewExec(m.backend, func(theta, x, reference *graph.Node) *graph.Node {
		u := graph.ConvertDType(m.u(theta, x), dtypes.Float64)
		return graph.Sqrt(graph.Div(sumOfSquares(graph.Sub(u, reference)), sumOfSquares(reference)))
	})
	if err != nil {
		return fmt.Errorf("pinn: building the error measure: %w", err)
	}
	return nil
}

func sumOfSquares(x *graph.Node) *graph.Node { return graph.ReduceAllSum(graph.Square(x)) }
