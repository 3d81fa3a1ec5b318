package pinn

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/sample"
)

// What Monitor measures, by the names of its metrics.
const (
	// RelativeL2 is ‖u − u*‖₂/‖u*‖₂ over held-out points, all compared unknowns together. Where u* is zero at all of them
	// it is the root mean square of u.
	RelativeL2 = "relative_l2"
	// HeldOutResidual is the root of the sum of the equations' mean square residuals, without weights, at points that are
	// never trained on.
	HeldOutResidual = "held_out_residual"
	// CoefficientError, followed by the name of a coefficient, is |c − c*|/|c*|, or |c| where c* is zero. There is
	// none where c* is not known.
	CoefficientError = "relative error of "
)

// heldOutPoints is the number of points of the error estimate, whose own relative accuracy is about its root.
const heldOutPoints = 4096

// residualPoints are those of them that are enough for the residual, as derivatives cost several times what u does.
const residualPoints = heldOutPoints / 4

// heldOutStream makes the seed of held-out points from that of the model, so that they are those of no sampler of a
// seed that anybody would choose.
const heldOutStream = 0x68656c64206f7574

// Prepare computes the reference solution that errors are measured against, unless the problem has an exact one. It may
// take minutes the first time; ctx cancels that. Monitor does it by itself if it has to.
func (m *Model) Prepare(ctx context.Context) error {
	if err := m.ready(); err != nil {
		return err
	}
	m.preparing.Lock()
	defer m.preparing.Unlock()
	return m.prepare(ctx)
}

func (m *Model) prepare(ctx context.Context) error {
	if err := usercode.CheckContext("pinn", ctx); err != nil {
		return err
	}
	if m.prepared {
		return nil
	}
	var err error
	if m.reference, err = m.problem.Solution(ctx); err != nil {
		return err
	}
	m.prepared = true
	return nil
}

// Reference is the solution that errors are measured against; nil when there is none, or Prepare was not called.
func (m *Model) Reference() func(point []float64) []float64 {
	if m == nil {
		return nil
	}
	return m.reference
}

// Monitor measures θ on the device, for optim.Options: the error against the reference, where there is one, the
// residual at held-out points, if the problem states Equations, and the errors of coefficients whose true value is
// known. It computes the reference if that was not prepared, which ctx cancels. It may be called from several goroutines.
func (m *Model) Monitor(ctx context.Context, theta *tensors.Tensor) (map[string]float64, error) {
	if err := m.ready(); err != nil {
		return nil, err
	}
	if err := m.holdOut(ctx); err != nil {
		return nil, err
	}
	exec, err := m.program(ctx, "metrics", func(in []*graph.Node) []*graph.Node {
		return m.metrics(parameters{in[0], m.frameOf(in[1:])}, in[1+len(m.frame)], in[2+len(m.frame):])
	})
	if err != nil {
		return nil, err
	}
	out, err := exec.Call([]*tensors.Tensor{theta}, m.frame, m.heldOut)
	if err != nil {
		return nil, usercode.First(fmt.Errorf("pinn: measuring the error: %w", err))
	}
	defer device.Free(out)
	residual, off := tensors.ToScalar[float64](out[0]), tensors.ToScalar[float64](out[1])
	metrics := map[string]float64{}
	if len(m.problem.Equations) > 0 {
		metrics[HeldOutResidual] = residual
	}
	if m.reference != nil {
		metrics[RelativeL2] = off / m.size
	}
	if len(m.problem.Coefficients) == 0 {
		return metrics, nil
	}
	coefficients, err := tensors.CopyFlatData[float64](out[2])
	if err != nil {
		return nil, fmt.Errorf("pinn: reading coefficients from the device: %w", err)
	}
	for i, c := range m.problem.Coefficients {
		truth, known := c.Known()
		if !known {
			continue
		}
		off := math.Abs(c.Value(coefficients[i]) - truth)
		if truth != 0 {
			off /= math.Abs(truth)
		}
		metrics[CoefficientError+c.Name] = off
	}
	return metrics, nil
}

// metrics builds the root mean square residual, ‖u − u*‖, and the coefficients, if there are any. What cannot be measured
// is zero.
func (m *Model) metrics(p parameters, x *graph.Node, reference []*graph.Node) []*graph.Node {
	zero := graph.ScalarZero(p.theta.Graph(), dtypes.Float64)
	residual, off := zero, zero
	few := m.fields(p, graph.Slice(x, graph.AxisRange(0, residualPoints), graph.AxisRange()), noInputs)
	for i, e := range m.problem.Equations {
		t := m.heldOutTerm(i, e)
		r := graph.ConvertDType(m.residualOf(t, few, t.rows, nil), dtypes.Float64)
		residual = graph.Add(residual, graph.DivScalar(sumOfSquares(r), float64(t.rows)))
	}
	if len(reference) > 0 {
		u := m.fields(p, x, noInputs).U()
		for i, name := range m.problem.Unknowns {
			if !m.compares(name) {
				continue
			}
			column := func(v *graph.Node) *graph.Node { return graph.Slice(v, graph.AxisRange(), graph.AxisElem(i)) }
			off = graph.Add(off, sumOfSquares(graph.Sub(graph.ConvertDType(column(u), dtypes.Float64), column(reference[0]))))
		}
	}
	out := []*graph.Node{graph.Sqrt(residual), graph.Sqrt(off)}
	if len(m.problem.Coefficients) > 0 {
		out = append(out, graph.ConvertDType(graph.Slice(p.theta, graph.AxisRangeToEnd(m.network.NumParams())), dtypes.Float64))
	}
	return out
}

// compares reports whether the error of an unknown counts.
func (m *Model) compares(unknown string) bool {
	return len(m.problem.Compare) == 0 || slices.Contains(m.problem.Compare, unknown)
}

// holdOut computes the held-out points and the reference there, once.
func (m *Model) holdOut(ctx context.Context) error {
	if err := usercode.CheckContext("pinn", ctx); err != nil {
		return err
	}
	m.preparing.Lock()
	defer m.preparing.Unlock()
	if m.heldOut != nil {
		return nil
	}
	if err := m.prepare(ctx); err != nil {
		return err
	}
	seed := rand.NewPCG(m.options.Seed, heldOutStream).Uint64()
	points, err := sample.Uniform{Seed: seed}.Interior(m.problem.Domain, heldOutPoints)
	if err != nil {
		return err
	}
	heldOut := []*tensors.Tensor{m.tensor(points.Coords, points.Dim)}
	if m.reference != nil {
		exact, err := m.referenceAt(ctx, points)
		if err != nil {
			return err
		}
		heldOut = append(heldOut, tensors.FromFlatDataAndDimensions(exact, points.N, len(m.problem.Unknowns)))
	}
	if err := m.settle(heldOut); err != nil {
		return err
	}
	m.heldOut = heldOut
	return nil
}

// referenceAt evaluates the reference, and measures the size of what is compared.
func (m *Model) referenceAt(ctx context.Context, points *sample.Points) ([]float64, error) {
	var exact []float64
	err := usercode.Call(fmt.Sprintf("exact solution or reference of %q", m.problem.Name), func() (err error) {
		exact, err = m.exactAt(ctx, points)
		return err
	})
	return exact, err
}

func (m *Model) exactAt(ctx context.Context, points *sample.Points) (exact []float64, err error) {
	squares, count := 0.0, 0.0
	for n := range points.N {
		if err := ctx.Err(); err != nil { // a user's function may be slow
			return nil, err
		}
		values := m.reference(points.At(n))
		if len(values) != len(m.problem.Unknowns) {
			return nil, usercode.Wrong(m.problem.Exact, "it gives %d values at %v, expected %d, one for each unknown", len(values), points.At(n), len(m.problem.Unknowns))
		}
		for i, v := range values {
			if !m.compares(m.problem.Unknowns[i]) {
				continue
			}
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, usercode.Wrong(m.problem.Exact, "it is %s = %v at %v, expected a finite number", m.problem.Unknowns[i], v, points.At(n))
			}
			squares += v * v
			count++
		}
		exact = append(exact, values...)
	}
	m.size = math.Sqrt(squares)
	if squares == 0 {
		m.size = math.Sqrt(count)
	}
	return exact, nil
}

func sumOfSquares(x *graph.Node) *graph.Node { return graph.ReduceAllSum(graph.Square(x)) }
