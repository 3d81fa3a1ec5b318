package diagnose

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Step is what a step p from θ does to a loss, next to what models of the loss at θ say that it does. Decreases are positive where the
// loss falls.
type Step struct {
	// Loss is f(θ), Length ‖p‖ and Slope ∇f(θ)ᵀp, below zero for a direction of descent.
	Loss, Length, Slope float64
	// Actual is the decrease f(θ) − f(θ + p); −Inf or NaN where f(θ + p) is not finite. It is a difference of losses, and lost in
	// rounding where it is much smaller than they are.
	Actual float64
	// Linear is the model f + ∇fᵀp. Hessian has ½pᵀ∇²f p added to it, and GaussNewton pᵀJᵀJp, which is ‖r + Jp‖²; nil where
	// the objective has no graph, or no residuals, to take products of.
	Linear, Hessian, GaussNewton *StepModel
	// Best is the t in [0, 2] with the lowest f(θ + tp) to within 1/2000, and Lowest that loss: a step that is too long has its Best
	// below 1.
	Best, Lowest float64
}

// StepModel is what one model says of a step.
type StepModel struct {
	// Predicted is the decrease that the model predicts, and Gain the gain ratio ρ, the actual decrease by it: near 1 where the
	// model holds, below ¼ where a trust region would shrink (Nocedal and Wright 2006, algorithm 4.1).
	Predicted, Gain float64
	// Curvature is that of the model along the step, pᵀBp/pᵀp, an average of eigenvalues of its matrix B: 0 for the linear one.
	Curvature float64
	// Minimum is the t at which the model is lowest along θ + tp: −∇fᵀp/pᵀBp, 1 for a Newton step. +Inf where the model falls for
	// ever, −Inf where it does so on the other side.
	Minimum float64
}

// ProbeStep compares a step p from θ with its models. It fails where a vector has another length than Objective.Dim or numbers that
// are not finite, for p = 0, where the loss or its gradient is not finite at θ, and when ctx is done.
func ProbeStep(ctx context.Context, obj *objective.Objective, theta, step []float64) (*Step, error) {
	own, err := objectiveFor(ctx, obj, theta)
	if err != nil {
		return nil, err
	}
	if err := checkDirection("the step", step, own.Dim); err != nil {
		return nil, err
	}
	e, err := objective.NewEvaluator(own)
	if err != nil {
		return nil, err
	}
	loss, gradient, err := e.At(theta)
	if err != nil {
		return nil, err
	}
	if !device.Finite(loss) || !device.AllFinite(gradient) {
		return nil, fmt.Errorf("diagnose: the loss is %v at θ, or its gradient is not finite, expected finite numbers", loss)
	}
	next, _, err := e.At(floats.AddTo(make([]float64, own.Dim), theta, step))
	if err != nil {
		return nil, err
	}
	s := &Step{Loss: loss, Length: floats.Norm(step, 2), Slope: floats.Dot(gradient, step), Actual: loss - next}
	s.Linear = s.model(0)
	matrix, err := Hessian(ctx, obj, theta)
	if s.Hessian, err = s.quadratic(matrix, err, step); err != nil {
		return nil, err
	}
	matrix, err = GaussNewton(ctx, obj, theta)
	if s.GaussNewton, err = s.quadratic(matrix, err, step); err != nil {
		return nil, err
	}
	return s, s.search(ctx, own, theta, step)
}

// model is the one with pᵀBp = bend.
func (s *Step) model(bend float64) *StepModel {
	m := &StepModel{Predicted: -s.Slope - bend/2, Curvature: bend / s.Length / s.Length}
	m.Gain = s.Actual / m.Predicted
	switch {
	case bend > 0:
		m.Minimum = -s.Slope / bend
	case s.Slope > 0:
		m.Minimum = math.Inf(-1)
	default:
		m.Minimum = math.Inf(1)
	}
	return m
}

// quadratic is the model with a matrix at θ, nil where the objective does not have it.
func (s *Step) quadratic(matrix *Matrix, err error, step []float64) (*StepModel, error) {
	if errors.Is(err, objective.ErrUnsuitable) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	product := make([]float64, len(step))
	if err := matrix.Multiply(product, step); err != nil {
		return nil, err
	}
	return s.model(floats.Dot(product, step)), nil
}

// search looks for Best on finer and finer grids.
func (s *Step) search(ctx context.Context, obj *objective.Objective, theta, step []float64) error {
	line, err := newSlicer(ctx, obj, theta, step)
	if err != nil {
		return err
	}
	defer line.release()
	s.Lowest = s.Loss
	lo, hi := 0.0, 2.0
	for range 3 {
		t := Nodes(lo, hi, 33)
		losses, err := line.losses(t)
		if err != nil {
			return err
		}
		for i, f := range losses {
			if f < s.Lowest {
				s.Best, s.Lowest = t[i], f
			}
		}
		width := (hi - lo) / 32
		lo, hi = max(0, s.Best-width), min(2, s.Best+width)
	}
	return nil
}
