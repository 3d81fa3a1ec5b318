package pinn

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Observation is what a Weighting can look at: the terms of the loss at an iterate. What is not asked for is not
// computed. Terms are numbered from 0, equations first.
type Observation struct {
	// Iteration is the number of iterations made.
	Iteration int

	ctx       context.Context // of the run
	model     *Model
	clouds    []*cloud
	theta     *tensors.Tensor
	weights   *Weights
	rng       *rand.Rand
	data      []*tensors.Tensor // without weights of terms; nil until first used
	residuals [][]float64       // nil until first used
}

// GradientStats describe the gradient of a term.
type GradientStats struct {
	// Norm is ‖∇L‖₂, Largest and Mean are the largest and the mean modulus of its entries.
	Norm, Largest, Mean float64
}

// ready reports an observation that is not one of a run.
func (o *Observation) ready() error {
	if o == nil || o.model == nil || o.rng == nil {
		return errors.New("pinn: the observation is nil or a literal, expected that of a run")
	}
	return nil
}

// Names are the names of the terms.
func (o *Observation) Names() []string {
	if o == nil {
		return nil
	}
	return namesOf(o.clouds)
}

// IsEquation reports whether a term belongs to an equation (or to what a Form makes of equations), rather than to a
// condition.
func (o *Observation) IsEquation(t int) bool {
	terms := termsOf(o.clouds)
	return t >= 0 && t < len(terms) && terms[t].equation
}

// Random is a random number from [0, 1), of the run's own sequence.
func (o *Observation) Random() float64 {
	if o.ready() != nil {
		return 0
	}
	return o.rng.Float64()
}

// Residuals are |r| at each point of a term, without any weights.
func (o *Observation) Residuals(t int) ([]float64, error) {
	if err := o.ready(); err != nil {
		return nil, err
	}
	if o.model.hasEnergy() {
		return nil, fmt.Errorf("pinn: a weighting asks for residuals, which %s does not have", o.model.options.Form.Name())
	}
	if o.residuals == nil {
		out, err := o.run("residuals", func(theta *graph.Node, data []*graph.Node) []*graph.Node {
			var all []*graph.Node
			o.model.each(theta, data, nil, func(_ *term, r, _ *graph.Node) {
				all = append(all, graph.ConvertDType(graph.Sqrt(graph.ReduceSum(graph.Square(r), 1)), dtypes.Float64))
			})
			return all
		})
		if err != nil {
			return nil, err
		}
		o.residuals = out
	}
	if t < 0 || t >= len(o.residuals) {
		return nil, fmt.Errorf("pinn: a weighting asks for the residuals of term %d, expected 0 to %d", t, len(o.residuals)-1)
	}
	return slices.Clone(o.residuals[t]), nil
}

// Losses are the mean squares of the residuals of each term, without any weights; points in reserve do not count.
func (o *Observation) Losses() ([]float64, error) {
	if err := o.ready(); err != nil {
		return nil, err
	}
	var losses []float64
	for _, c := range o.clouds {
		for _, term := range c.terms {
			r, err := o.Residuals(len(losses))
			if err != nil {
				return nil, err
			}
			total := 0.0
			for n, v := range r {
				total += term.share(c, n) * v * v
			}
			losses = append(losses, total/float64(len(r)))
		}
	}
	return losses, nil
}

// Gradients describe the gradient of each term's loss, with the weights of its points, but without that of the term.
func (o *Observation) Gradients() ([]GradientStats, error) {
	if err := o.ready(); err != nil {
		return nil, err
	}
	out, err := o.run("gradients", func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		var all []*graph.Node
		o.model.each(theta, data, nil, func(t *term, r, scale *graph.Node) {
			g := graph.ConvertDType(autodiff.Gradient(t.lossOf(r, scale), theta), dtypes.Float64)
			size := graph.Abs(g)
			all = append(all, graph.Stack([]*graph.Node{
				graph.Sqrt(sumOfSquares(g)), graph.ReduceAllMax(size), graph.ReduceAllMean(size),
			}, 0))
		})
		return all
	})
	if err != nil {
		return nil, err
	}
	stats := make([]GradientStats, len(out))
	for t, term := range termsOf(o.clouds) {
		w := term.weight
		stats[t] = GradientStats{Norm: out[t][0] / w, Largest: out[t][1] / w, Mean: out[t][2] / w}
	}
	return stats, nil
}

// kernelEntries bounds the entries of a Jacobian that is made for a trace; more rows are sampled evenly.
const kernelEntries = 1 << 26

// KernelTraces are the means over the rows of each term of the diagonal of its neural tangent kernel JJᵀ, where J is
// the Jacobian of the residuals without weights: tr(K_tt)/N_t. (The kernel that objective.Linearizer gives is that of the loss,
// with the weights in it.)
func (o *Observation) KernelTraces() ([]float64, error) {
	if err := o.ready(); err != nil {
		return nil, err
	}
	if o.model.hasEnergy() {
		return nil, fmt.Errorf("pinn: a weighting asks for the tangent kernel of residuals, which %s does not have", o.model.options.Form.Name())
	}
	out, err := o.run("kernel traces", func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		var all []*graph.Node
		rows := max(1, kernelEntries/o.model.NumParams())
		o.model.each(theta, data, nil, func(t *term, r, _ *graph.Node) {
			if stride := (t.rows + rows - 1) / rows; stride > 1 {
				r = graph.Slice(r, graph.AxisRange().Stride(stride), graph.AxisRange())
			}
			n := float64(r.Shape().Dimensions[0])
			j := graph.ConvertDType(autodiff.Jacobian(r, theta), dtypes.Float64)
			all = append(all, graph.ExpandAxes(graph.DivScalar(sumOfSquares(j), n), 0))
		})
		return all
	})
	if err != nil {
		return nil, err
	}
	traces := make([]float64, len(out))
	for t := range out {
		traces[t] = out[t][0]
	}
	return traces, nil
}

// Times are the times of a term's points, from 0 at the start to 1 at the end.
func (o *Observation) Times(t int) ([]float64, error) {
	if err := o.ready(); err != nil {
		return nil, err
	}
	axis := slices.Index(o.model.problem.Coordinates, "t")
	if axis < 0 {
		return nil, fmt.Errorf("pinn: the weighting needs time, but problem %q has the coordinates %q, expected one named \"t\"", o.model.problem.Name, o.model.problem.Coordinates)
	}
	lo, hi := o.model.problem.Domain.Bounds()
	for _, c := range o.clouds {
		if t >= len(c.terms) {
			t -= len(c.terms)
			continue
		}
		if c.terms[t].tested {
			return nil, fmt.Errorf("pinn: the term %q has no times: its residuals belong to test functions, not to points", c.terms[t].name)
		}
		times := make([]float64, c.points.N)
		for n := range times {
			s := (c.points.At(n)[axis] - lo[axis]) / (hi[axis] - lo[axis])
			times[n] = math.Min(math.Max(s, 0), 1)
		}
		return times, nil
	}
	return nil, fmt.Errorf("pinn: a weighting asks for the times of term %d more than there are", t)
}

// diagnose says what is not finite, where that can be seen.
func (o *Observation) diagnose() string {
	obj := o.model.Objective().ForRun(o.ctx)
	obj.Data = o.data
	theta, err := device.Numbers(o.theta)
	if err != nil {
		return ""
	}
	if said, err := obj.Diagnose(theta); err == nil && said != "" {
		return ": " + said
	}
	return ""
}

// run calls a program of the model on the iterate and reads its results.
func (o *Observation) run(name string, build func(theta *graph.Node, data []*graph.Node) []*graph.Node) ([][]float64, error) {
	exec, err := o.model.program(o.ctx, name, func(in []*graph.Node) []*graph.Node { return build(in[0], in[1:]) })
	if err != nil {
		return nil, err
	}
	if o.data == nil {
		unweighted := newWeights(o.clouds)
		unweighted.Points = o.weights.Points
		o.data = o.model.data(o.clouds, unweighted)
	}
	out, err := exec.Call([]*tensors.Tensor{o.theta}, o.data)
	if err != nil {
		return nil, usercode.First(fmt.Errorf("pinn: computing the %s of the terms: %w", name, err))
	}
	values := make([][]float64, len(out))
	names := o.Names()
	for t := range out {
		if values[t], err = tensors.CopyFlatData[float64](out[t]); err != nil {
			return nil, fmt.Errorf("pinn: reading the %s of the terms from the device: %w", name, err)
		}
		for _, v := range values[t] {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("pinn: the %s of the term %q hold %v after %d iterations%s", name, names[t], v, o.Iteration, o.diagnose())
			}
		}
	}
	return values, nil
}
