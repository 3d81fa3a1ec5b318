package optim

import (
	"fmt"
	"math"
)

// Axis is what the course of a run is drawn over.
type Axis int

// The axes.
const (
	// BySeconds is the time since the run began, compilation included: what a user waits for.
	BySeconds Axis = iota
	// ByIteration counts iterations, which cost more in one method than in another.
	ByIteration
	// ByWork counts evaluations of the loss and its gradient, as Record.Evaluations does: the same on every machine.
	ByWork
)

var axisLabels = []string{BySeconds: "seconds", ByIteration: "iterations", ByWork: "evaluations of loss and gradient"}

// String is the label of the axis in a figure.
func (a Axis) String() string {
	if a.Check() != nil {
		return fmt.Sprintf("Axis(%d)", int(a))
	}
	return axisLabels[a]
}

// Check reports an axis that is none.
func (a Axis) Check() error {
	if a < 0 || int(a) >= len(axisLabels) {
		return fmt.Errorf("optim: the axis is %d, expected BySeconds, ByIteration or ByWork", int(a))
	}
	return nil
}

// Of is where a record lies on the axis; NaN for an axis that is none.
func (a Axis) Of(r Record) float64 {
	switch a {
	case BySeconds:
		return r.Seconds
	case ByIteration:
		return float64(r.Iteration)
	case ByWork:
		return float64(r.Evaluations)
	}
	return math.NaN()
}

// Along returns where on the axis the records lie in which pick finds a value, and those values, ready to be plotted.
func (h *History) Along(axis Axis, pick func(Record) (value float64, found bool)) (x, values []float64) {
	if h == nil || pick == nil {
		return nil, nil
	}
	for _, r := range h.Records {
		if v, ok := pick(r); ok {
			x, values = append(x, axis.Of(r)), append(values, v)
		}
	}
	return x, values
}
