package pinn

import (
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Term is a part of the loss at some θ.
type Term struct {
	// Name is that of an equation, condition or form.
	Name string
	// Equation says that it is of an equation, or of all as a form has them, and not of a condition.
	Equation bool
	// Loss is the mean square of its residual over its points, Σₙ |rₙ|²/N, without weights but those of points in reserve; the
	// mean of an energy.
	Loss float64
	// Weighted is what it adds to the loss, with the weights of the term and of its points.
	Weighted float64
}

// Terms are the parts of the loss at θ, in the order of the objective's. The points and weights are those that an adapter of the
// model's objective has come to, or those of the start where it is nil: for an objective without Adaptation. It fails when
// θ has another length than NumParams, and for the adapter of another model.
func (m *Model) Terms(ctx context.Context, theta []float64, by objective.Adapter) ([]Term, error) {
	if err := m.checkTheta(theta); err != nil {
		return nil, err
	}
	clouds, weights, err := m.cameTo(by)
	if err != nil {
		return nil, err
	}
	program, err := m.program(ctx, "terms", func(in []*graph.Node) []*graph.Node {
		var parts []*graph.Node
		m.each(in[0], in[1:], nil, func(t *term, r, scale *graph.Node) {
			parts = append(parts, graph.ConvertDType(t.lossOf(r, scale), dtypes.Float64))
		})
		return parts
	})
	if err != nil {
		return nil, err
	}
	shared := func(t *tensors.Tensor) bool { // what forms keep is for all that use the model
		return slices.ContainsFunc(termsOf(clouds), func(term *term) bool { return slices.Contains(term.extra, t) })
	}
	at := m.tensor(theta, 0)
	defer device.Free([]*tensors.Tensor{at})
	measure := func(w *Weights) ([]float64, error) {
		data := m.data(clouds, w)
		defer device.Free(slices.DeleteFunc(slices.Clone(data), shared))
		out, err := program.Call([]*tensors.Tensor{at}, data)
		if err != nil {
			return nil, fmt.Errorf("pinn: computing the terms of the loss: %w", err)
		}
		defer device.Free(out)
		losses := make([]float64, len(out))
		for t := range out {
			losses[t] = device.Number(out[t])
		}
		return losses, nil
	}
	terms := termsOf(clouds)
	weighted, err := measure(weights)
	if err != nil {
		return nil, err
	}
	bare, err := measure(newWeights(clouds))
	if err != nil {
		return nil, err
	}
	all := make([]Term, len(terms))
	for t := range all {
		all[t] = Term{Name: terms[t].name, Equation: terms[t].equation, Loss: bare[t] / terms[t].weight, Weighted: weighted[t]}
	}
	return all, nil
}

// cameTo are the points and weights that an adapter of the model's objective has come to, or those of the start for nil.
func (m *Model) cameTo(by objective.Adapter) ([]*cloud, *Weights, error) {
	if by == nil {
		return m.clouds, newWeights(m.clouds), nil
	}
	a, own := by.(*adapter)
	if !own || a.model != m {
		return nil, nil, fmt.Errorf("pinn: the adapter is a %T of something else, expected one of this model's objective", by)
	}
	return a.clouds, a.weights, nil
}
