package pinn

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/pde"
)

// evaluateAt is the number of points of one call; fewer are padded, so that there is one program for any number.
const evaluateAt = 4096

var noInputs pde.Inputs

// Evaluate computes u at N points of R^d, given in row-major order, and returns N·m values in row-major order.
// It fails when theta or points have a length that does not fit, or a point has a coordinate that is not finite.
// It may be called from several goroutines.
func (m *Model) Evaluate(theta []float64, points []float64) ([]float64, error) {
	if err := m.ready(); err != nil {
		return nil, err
	}
	return m.evaluate(theta, points, "u", len(m.problem.Unknowns), func(u *pde.Fields) *graph.Node { return u.U() })
}

// Derivative computes a partial derivative of all unknowns, such as ∂²u/∂x∂t for "x" and "t", or u itself for none; see
// Evaluate.
func (m *Model) Derivative(theta []float64, points []float64, coordinates ...string) ([]float64, error) {
	if len(coordinates) == 0 {
		return m.Evaluate(theta, points)
	}
	if err := m.ready(); err != nil {
		return nil, err
	}
	for _, c := range coordinates {
		if !slices.Contains(m.problem.Coordinates, c) {
			return nil, fmt.Errorf("pinn: %q is not a coordinate of problem %q, expected one of %q", c, m.problem.Name, m.problem.Coordinates)
		}
	}
	name := "∂/∂" + strings.Join(coordinates, "∂")
	return m.evaluate(theta, points, name, len(m.problem.Unknowns), func(u *pde.Fields) *graph.Node { return u.D(coordinates...) })
}

// Measure computes any expression of the unknowns and their derivatives, one number for each point: build gives it as
// [N] or [N, 1]; see Evaluate. It is compiled at each call.
func (m *Model) Measure(theta []float64, points []float64, build func(u *pde.Fields) *graph.Node) ([]float64, error) {
	if err := m.ready(); err != nil {
		return nil, err
	}
	if build == nil {
		return nil, errors.New("pinn: the function of Measure is nil, expected one that builds an expression")
	}
	return m.evaluate(theta, points, unnamed, 1, func(u *pde.Fields) *graph.Node {
		return usercode.Build("the function of Measure", func() *graph.Node {
			n := build(u)
			if n == nil {
				panic(usercode.Wrong(build, "gives nil, expected shape [%d] or [%d, 1]", evaluateAt, evaluateAt))
			}
			if s := n.Shape(); s.Rank() < 1 || s.Dimensions[0] != evaluateAt || s.Size() != evaluateAt {
				panic(usercode.Wrong(build, "gives shape %s at %d points, expected one number for each: [%d] or [%d, 1]", s, evaluateAt, evaluateAt, evaluateAt))
			}
			if autodiff.Couples(n, u.X()) != nil { // it would be another number with the points that fill up a block
				panic(usercode.Wrong(build, "brings points together, as a mean over them does, expected a number for each point that depends on no other"))
			}
			return n
		})
	})
}

// unnamed is the name of programs that are not kept.
const unnamed = "an expression"

func (m *Model) evaluate(theta, points []float64, name string, width int, build func(u *pde.Fields) *graph.Node) ([]float64, error) {
	if err := m.checkTheta(theta); err != nil {
		return nil, err
	}
	d := len(m.problem.Coordinates)
	if len(points)%d != 0 {
		return nil, fmt.Errorf("pinn: points have %d numbers, expected a multiple of %d, the number of coordinates of %q", len(points), d, m.problem.Name)
	}
	for i, v := range points {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("pinn: coordinate %q of point %d is %v, expected a finite number", m.problem.Coordinates[i%d], i/d, v)
		}
	}
	return m.inBlocks(context.Background(), name, m.tensor(theta, 0), points, width, func(p parameters, x *graph.Node) *graph.Node {
		return build(m.fields(p, x, noInputs))
	})
}

// inBlocks evaluates what build makes, width numbers a point, block by block.
func (m *Model) inBlocks(ctx context.Context, name string, theta *tensors.Tensor, points []float64, width int, build func(p parameters, x *graph.Node) *graph.Node) ([]float64, error) {
	d := len(m.problem.Coordinates)
	exec, err := m.program(ctx, name, func(in []*graph.Node) []*graph.Node {
		values := graph.ConvertDType(build(parameters{in[0], m.frameOf(in[2:])}, in[1]), dtypes.Float64)
		if s := values.Shape(); s.Rank() < 1 || s.Dimensions[0] != evaluateAt || s.Size() != evaluateAt*width {
			panic(fmt.Errorf("pinn: %s has shape %s at %d points, expected %d numbers a point: [%d, %d]", name, s, evaluateAt, width, evaluateAt, width))
		}
		return []*graph.Node{values}
	})
	if err != nil {
		return nil, err
	}
	values := make([]float64, 0, len(points)/d*width)
	block := make([]float64, evaluateAt*d)
	for first := range block { // padding must be in the domain: elsewhere an expression may not be defined
		if len(points) > 0 {
			block[first] = points[first%d]
		}
	}
	for len(points) > 0 {
		n := copy(block, points)
		points = points[n:]
		out, err := exec.Call([]*tensors.Tensor{theta, m.tensor(block, d)}, m.frame)
		if err != nil {
			return nil, usercode.First(fmt.Errorf("pinn: evaluating %s of %q: %w", name, m.problem.Name, err))
		}
		flat, err := device.Numbers(out[0])
		device.Free(out)
		if err != nil {
			return nil, fmt.Errorf("pinn: reading %s from the device: %w", name, err)
		}
		values = append(values, flat[:n/d*width]...)
	}
	return values, nil
}

// program returns the program of a name, built by the first of any number of goroutines that ask, for one that waits for it to be
// compiled until ctx is done.
func (m *Model) program(ctx context.Context, name string, build func(in []*graph.Node) []*graph.Node) (*device.Program, error) {
	m.building.Lock()
	defer m.building.Unlock()
	if p := m.programs[name]; p != nil {
		return p.Within(ctx), nil
	}
	p, err := device.NewProgram(device.Compiler{Backend: m.backend}, fmt.Sprintf("%s of %q", name, m.problem.Name), build)
	if err != nil {
		return nil, fmt.Errorf("pinn: %w", err)
	}
	if name != unnamed {
		m.programs[name] = p
	}
	return p.Within(ctx), nil
}
