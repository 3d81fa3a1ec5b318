package sciml

import (
	"context"
	"errors"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// Term is a part of a loss; see pinn.Term.
type Term = pinn.Term

// Terms are the parts of the loss at the result, those of equations first, with the collocation points and the weights that the
// training ended with. Their Weighted sum is Result.Loss. It fails for a solution that was loaded, which does not know points
// and weights, unless Terms was called before it was saved.
func (s *Solution) Terms() ([]Term, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	if s.terms == nil {
		if s.left == nil {
			return nil, errors.New("sciml: this solution was loaded without the points of its training: call Terms before it is saved")
		}
		terms, err := s.model.Terms(context.Background(), s.Result.Theta, s.left.adapter)
		if err != nil {
			return nil, err
		}
		s.terms = terms
	}
	return append([]Term(nil), s.terms...), nil
}

// adapting is an Adaptation that remembers what changed the data of the last run; nil when nothing did.
type adapting struct {
	objective.Adaptation
	adapter objective.Adapter
}

// remember makes an objective remember what changes its data.
func remember(loss *objective.Objective) *adapting {
	a := &adapting{Adaptation: loss.Adaptation}
	if loss.Adaptation != nil {
		loss.Adaptation = a
	}
	return a
}

// Begin implements objective.Adaptation.
func (a *adapting) Begin() objective.Adapter {
	a.adapter = a.Adaptation.Begin()
	return a.adapter
}
