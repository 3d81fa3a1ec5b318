package pinn

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/sample"
)

// Form is what becomes of a problem's equations in the loss: StrongForm, DeepRitz or Variational.
type Form interface {
	Name() string
	clouds(m *Model) ([]*cloud, error)
}

// StrongForm penalizes the residuals of the equations at collocation points (Raissi, Perdikaris and Karniadakis 2019).
type StrongForm struct{}

// Name implements Form.
func (StrongForm) Name() string { return "strong form" }

func (StrongForm) clouds(m *Model) ([]*cloud, error) {
	if len(m.problem.Equations) == 0 {
		return nil, fmt.Errorf("pinn: problem %q has no Equations, which its strong form needs", m.problem.Name)
	}
	var terms []*term
	for i, e := range m.problem.Equations {
		name := nameOf("equation", i, e.Name)
		if weight := m.weight(name, 1); weight != 0 && !m.holdsExactly(e.Name) {
			terms = append(terms, &term{name: name, what: called("equation", i, e.Name), code: e.Residual, equation: true, weight: weight,
				build: func(u *pde.Fields, _ []*graph.Node) *graph.Node { return e.Residual(u) }})
		}
	}
	return m.interior(terms)
}

// holdsExactly tells of an equation whether the ansatz, where it is used, is said to satisfy it: then it is no term of the loss.
func (m *Model) holdsExactly(equation string) bool {
	return m.exact && slices.Contains(m.problem.Exactly, equation)
}

// nameOf is the name of a term, which a problem may leave empty.
func nameOf(what string, index int, name string) string {
	if name == "" {
		return fmt.Sprintf("%s %d", what, index)
	}
	return name
}

// interior is the cloud of terms at collocation points inside of the domain.
func (m *Model) interior(terms []*term) ([]*cloud, error) {
	if len(terms) == 0 {
		return nil, nil
	}
	points, err := m.sampled(func(s sample.Sampler) (*sample.Points, error) {
		return s.Interior(m.problem.Domain, m.options.Interior)
	})
	if err != nil {
		return nil, err
	}
	if points.Normals != nil {
		return nil, fmt.Errorf("pinn: %s gives normals to points in the interior of %q, expected none", m.options.Sampler.Name(), m.problem.Name)
	}
	if m.options.Active > 0 {
		if points, err = sample.Reserve(points, m.options.Active); err != nil {
			return nil, err
		}
	}
	for _, t := range terms {
		t.rows = points.N
	}
	return []*cloud{{points: points, refinable: true, terms: terms}}, nil
}

// energyTerm is the name of the term of DeepRitz.
const energyTerm = "energy"

// DeepRitz minimizes the mean of the problem's Energy density over the interior points (E and Yu 2018), with conditions
// exact or penalized. The objective has a Loss, which may be negative, and no Residual. Fixed points invite a network to
// make its energy low between them: move them with sample.Redraw. Refiners that look at residuals are refused, because
// the mean over points that crowd somewhere is another energy, with another minimizer.
type DeepRitz struct{}

// Name implements Form.
func (DeepRitz) Name() string { return "deep Ritz" }

func (DeepRitz) clouds(m *Model) ([]*cloud, error) {
	if m.problem.Energy == nil {
		return nil, fmt.Errorf("pinn: problem %q has no Energy, which deep Ritz needs", m.problem.Name)
	}
	weight := m.weight(energyTerm, 1)
	if weight == 0 {
		return nil, nil
	}
	return m.interior([]*term{{name: energyTerm, what: "Energy", code: m.problem.Energy, equation: true, energy: true, weight: weight,
		build: func(u *pde.Fields, _ []*graph.Node) *graph.Node { return m.problem.Energy(u) }}})
}

func (m *Model) hasEnergy() bool {
	for _, c := range m.clouds {
		for _, t := range c.terms {
			if t.energy {
				return true
			}
		}
	}
	return false
}
