package objective

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
)

// NeedMetric reports that a method of that name cannot do without the Metric that the objective lacks (ErrUnsuitable).
func (o *Objective) NeedMetric(method string) error {
	if o == nil {
		return errNil
	}
	if o.Metric == nil {
		return Unsuitable("objective: %s measures steps by Objective.Metric, which is nil, expected one such as pinn.Options.Metric makes", method)
	}
	return nil
}

// BuildMetric builds J_m, the Jacobian of the Metric, of shape [rows, P]: a change p of θ has the size ‖J_m p‖. It takes one reverse
// pass for each column of a node, as a Jacobian of Pieces does.
func (o *Objective) BuildMetric(theta *graph.Node, data []*graph.Node) *graph.Node {
	_, j := o.ofMetric().BuildLinearization(theta, data)
	return j
}

// MetricSize is the number of rows of J_m and of what it is made from, where that is more. It fails where J_m cannot be had as a
// matrix, as JacobianSize does, and without a Metric (ErrUnsuitable). Nothing is compiled.
func (o *Objective) MetricSize() (rows int, err error) {
	if err := o.NeedMetric("MetricSize"); err != nil {
		return 0, err
	}
	if rows, err = o.ofMetric().JacobianSize(); err != nil {
		return 0, fmt.Errorf("objective: Objective.Metric in the place of the residuals: %w", err)
	}
	return rows, nil
}

// ofMetric is an objective with the Metric in the place of the residuals.
func (o *Objective) ofMetric() *Objective {
	m := *o
	m.Loss, m.Residual, m.Terms, m.through = nil, nil, nil, o.throughMetric
	m.Pieces = func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		return allBuilt("Objective.Metric", o.Metric, theta, data)
	}
	return &m
}
