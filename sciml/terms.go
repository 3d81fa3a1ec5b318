package sciml

import (
	"context"
	"errors"
	"slices"
	"sync"

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
	return s.left.termsAt(s.model, s.Result.Theta)
}

// Objective is the loss with the points and weights that the training ended with, for questions such as those of diagnose; at
// Result.Theta it is Result.Loss. It fails for a solution that was loaded, which does not know them: pinn.New with the options of the
// training gives the loss that it began with.
func (s *Solution) Objective() (*objective.Objective, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	if s.left.loaded {
		return nil, errors.New("sciml: this solution was loaded without the points of its training, expected one of Solve; pinn.New with the options of the training gives the loss that it began with")
	}
	return s.model.ObjectiveOf(s.left.adapter)
}

var errLoaded = errors.New("sciml: this solution was loaded without the points of its training: call Terms before it is saved")

// ending is what a training leaves of its loss: an Adaptation that remembers what changed the data of the last run, and the
// terms once they were asked for.
type ending struct {
	objective.Adaptation
	adapter objective.Adapter // nil when nothing changed them

	asking sync.Mutex
	loaded bool // without the adapter
	terms  []Term
}

// endingOf makes an objective remember what changes its data.
func endingOf(loss *objective.Objective) *ending {
	e := &ending{Adaptation: loss.Adaptation}
	if loss.Adaptation != nil {
		loss.Adaptation = e
	}
	return e
}

// Begin implements objective.Adaptation.
func (e *ending) Begin() objective.Adapter {
	e.adapter = e.Adaptation.Begin()
	return e.adapter
}

func (e *ending) termsAt(model *pinn.Model, theta []float64) ([]Term, error) {
	e.asking.Lock()
	defer e.asking.Unlock()
	if e.terms == nil {
		if e.loaded {
			return nil, errLoaded
		}
		var err error
		if e.terms, err = model.Terms(context.Background(), theta, e.adapter); err != nil {
			return nil, err
		}
	}
	return slices.Clone(e.terms), nil
}

// elsewhere is what is left for another θ of the same training.
func (e *ending) elsewhere() *ending {
	if e == nil {
		return nil
	}
	return &ending{Adaptation: e.Adaptation, adapter: e.adapter, loaded: e.loaded}
}

// known are the terms if they were asked for.
func (e *ending) known() []Term {
	if e == nil {
		return nil
	}
	e.asking.Lock()
	defer e.asking.Unlock()
	return e.terms
}
