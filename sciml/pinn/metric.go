package pinn

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
)

// Metric is the norm of functions by which methods with an option Metric measure a change of θ: that of the change of the unknowns u,
// with their ansatz, at the points of the equations, as root mean squares over these. Points that a refiner or a weighting moves
// move it with them. Unknowns and coordinates count in their own units. The problem's Coefficients, which change no unknown, are
// measured by their parameters.
type Metric int

// The choices of Metric.
const (
	// EuclideanMetric is none: θ itself is measured.
	EuclideanMetric Metric = iota
	// L2Metric is the L² norm.
	L2Metric
	// H1Metric is the Sobolev norm of u and its first derivatives, in all coordinates.
	H1Metric
	// H2Metric has all second derivatives as well.
	H2Metric
)

var metricNames = []string{"Euclidean", "L2", "H1", "H2"}

// String is a name for messages.
func (m Metric) String() string {
	if m >= 0 && int(m) < len(metricNames) {
		return metricNames[m]
	}
	return fmt.Sprintf("Metric(%d)", int(m))
}

func (m Metric) check() error {
	if m < EuclideanMetric || m > H2Metric {
		return fmt.Errorf("pinn: Options.Metric is %d, expected EuclideanMetric, L2Metric, H1Metric or H2Metric", int(m))
	}
	return nil
}

// measured reports a metric without points.
func (m *Model) measured() error {
	if m.options.Metric == EuclideanMetric {
		return nil
	}
	for _, c := range m.clouds {
		if c.terms[0].equation {
			return nil
		}
	}
	return fmt.Errorf("pinn: Options.Metric is %s, but no equation of %q is a term of the loss, at whose points it would be measured, expected %s", m.options.Metric, m.problem.Name, EuclideanMetric)
}

// metricOf is the metric for an objective; nil for the Euclidean one.
func (m *Model) metricOf() func(theta *graph.Node, data []*graph.Node) []*graph.Node {
	if m.options.Metric == EuclideanMetric {
		return nil
	}
	return m.metric
}

// metric builds the unknowns and their derivatives, scaled by 1/√N, in nodes of shape [N, unknowns], one for each derivative.
func (m *Model) metric(theta *graph.Node, data []*graph.Node) (all []*graph.Node) {
	p := m.parameters(theta, data)
	for i, c := range m.clouds {
		if !c.terms[0].equation {
			continue
		}
		at := m.layout.clouds[i]
		x := data[at.points]
		u := m.fields(p, x, noInputs)
		scale := m.share(c.terms[0], data[at.terms[0].scale], x)
		add := func(axes ...int) {
			d := u.U()
			if len(axes) > 0 {
				d = u.Partial(axes...)
			}
			all = append(all, graph.Mul(d, scale))
		}
		add()
		for k := range m.problem.Coordinates {
			if m.options.Metric >= H1Metric {
				add(k)
			}
			for l := 0; l <= k && m.options.Metric >= H2Metric; l++ {
				add(l, k)
			}
		}
	}
	if n := m.network.NumParams(); n < m.NumParams() {
		all = append(all, graph.Reshape(graph.Slice(theta, graph.AxisRangeToEnd(n)), 1, m.NumParams()-n))
	}
	return all
}

// share builds 1/√N for each of the N points that are in use, and 0 for those in reserve, which have no weight in a term: shape [rows, 1].
func (m *Model) share(t *term, scale, x *graph.Node) *graph.Node {
	used := graph.Ones(x.Graph(), scale.Shape())
	if t.tested {
		used = graph.OnesLike(graph.Slice(x, graph.AxisRange(), graph.AxisElem(0)))
	} else {
		used = graph.ExpandAxes(graph.Where(graph.GreaterThan(scale, graph.ZerosLike(scale)), used, graph.ZerosLike(used)), 1)
	}
	return graph.Div(used, graph.Sqrt(graph.ReduceAllSum(used)))
}
