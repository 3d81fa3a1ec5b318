package pinn

import (
	"errors"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/pde"
)

// sumUp makes the rows of a term of the sums of a condition: integrals, or means over groups.
func (m *Model) sumUp(t *term, condition *pde.Condition) error {
	sums, density := condition.Sums, t.build
	weights, values := sums.Rows()
	points := len(weights)
	t.tested, t.rows = true, len(values)
	t.extra = []*tensors.Tensor{m.tensor(weights, sums.Size), m.tensor(values, 0)}
	t.build = func(u *pde.Fields, extra []*graph.Node) *graph.Node {
		g := density(u, nil)
		if g == nil || g.Rank() < 1 || g.Shape().Dimensions[0] != points || g.Shape().Size() != points || g.DType() != u.X().DType() {
			got := "nothing"
			if g != nil {
				got = g.Shape().String()
			}
			panic(usercode.Wrong(t.code, "pinn: the Residual of the condition %q of problem %q has shape %s, expected one number of type %s for each of its %d points, which are summed up: [%d] or [%d, 1]",
				t.name, m.problem.Name, got, u.X().DType(), points, points, points))
		}
		rows := graph.Sub(graph.ReduceSum(graph.Mul(graph.Reshape(g, t.rows, sums.Size), extra[0]), 1), extra[1])
		if sums.Rewrite != nil {
			rows = sums.Rewrite(rows)
		}
		return rows
	}
	return m.settle(t.extra)
}

// inspect builds a graph of the terms that is thrown away. What has no derivative is refused before anything is compiled, by the name
// of the operation and of the term. It also finds the terms that bring points together, as a mean does: those have no samples, and are
// not to be asked at other points.
func (m *Model) inspect() error {
	refused, _ := objective.Trace(m.Objective(), func(theta *graph.Node, data []*graph.Node) error {
		points := map[*term]*graph.Node{}
		if err := m.checkPointwise(theta, data); err != nil {
			return err
		}
		for i, c := range m.clouds {
			for _, t := range c.terms {
				points[t] = data[m.layout.clouds[i].points]
			}
		}
		var at *term
		err := exceptions.TryCatch[error](func() {
			m.each(theta, data, func(t *term) { at = t }, func(t *term, r, scale *graph.Node) {
				autodiff.Gradient(t.lossOf(r, scale), theta)
				t.coupled = !t.tested && autodiff.Couples(r, points[t]) != nil
			})
		})
		if errors.Is(err, autodiff.ErrNoDerivative) { // other errors are those of the user's functions, and come when they are called
			return fmt.Errorf("pinn: the term %q of problem %q cannot be trained: %w", at.name, m.problem.Name, err)
		}
		return nil
	})
	return refused
}

// checkPointwise reports unknowns that are others where there are other points beside a point: they have no derivatives point by point,
// and are not to be asked at other points than those of the training.
func (m *Model) checkPointwise(theta *graph.Node, data []*graph.Node) (refused error) {
	_ = exceptions.TryCatch[error](func() { // errors of the user's functions come when they are called
		x := data[m.layout.clouds[0].points]
		bare := m.fieldsOf(m.parameters(theta, data), x, noInputs, false, func(_, u *graph.Node) *graph.Node { return u }).U()
		if autodiff.Couples(bare, x) != nil {
			refused = fmt.Errorf("pinn: the network %s brings points together, as a mean over them does, expected one that makes u at a point of that point alone", m.network)
		} else if autodiff.Couples(m.fields(m.parameters(theta, data), x, noInputs).U(), x) != nil {
			refused = fmt.Errorf("pinn: the Ansatz of problem %q brings points together, as a mean over them does, expected one that makes u at a point of that point alone; the condition pde.Integral normalizes", m.problem.Name)
		}
	})
	return refused
}

// checkCoupled reports a Refiner that would ask terms that bring points together at other points. The one that a problem suggests is
// left out.
func (m *Model) checkCoupled(given bool) error {
	if m.options.Refiner == nil {
		return nil
	}
	for _, c := range m.clouds {
		for _, t := range c.terms {
			switch {
			case !c.refinable || !t.coupled || t.energy:
			case given:
				return fmt.Errorf("pinn: Options.Refiner is %s, but the residual %q brings the points together, as a mean does, and is another one at other points; expected FixedPoints", m.options.Refiner.Name(), t.name)
			default:
				m.options.Refiner = nil
				return nil
			}
		}
	}
	return nil
}
