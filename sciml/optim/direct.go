package optim

import (
	"cmp"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// Directed is a Method that is nothing but a Direction, with a search along it or without. So MiniBatch can have its
// direction from batches, and GoMLX put it into a trainer.
type Directed interface {
	Method
	// Direct returns the direction for an objective, and the search for the length of each step, nil where steps are taken
	// as they are. It reports what Start does.
	Direct(obj *objective.Objective) (Direction, search.Search, error)
}

// FixedStep makes a method that takes the steps of a direction as they are, a few hundred in one call to the device where
// the back end can. Name is what histories and figures show. Start fails when the direction is nil.
func FixedStep(name string, d Direction) Directed { return madeOf{name, d, nil} }

// LineSearch makes a method that goes along a direction as far as a search says; search.StrongWolfe{} when that is nil. A
// direction that is not one of descent, or along which the search fails, is replaced by what the direction gives once its
// state is zeros again, which should be steepest descent. Start fails when the direction is nil.
func LineSearch(name string, d Direction, by search.Search) Directed {
	by = cmp.Or[search.Search](by, search.StrongWolfe{})
	return madeOf{name, d, by}
}

// madeOf is a method made of a direction.
type madeOf struct {
	name      string
	direction Direction
	by        search.Search
}

// Name implements Method.
func (m madeOf) Name() string { return m.name }

// Start implements Method.
func (m madeOf) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	return startDirect(m, obj, theta)
}

// Direct implements Directed.
func (m madeOf) Direct(*objective.Objective) (Direction, search.Search, error) {
	if usercode.Nil(m.direction) {
		return nil, nil, fmt.Errorf("optim: the Direction of the method %q is nil", m.name)
	}
	return m.direction, m.by, nil
}

// startDirect is Start for a method that is Directed.
func startDirect(m Directed, obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	d, by, err := m.Direct(obj)
	if err != nil {
		return nil, err
	}
	if by == nil {
		return startFixedStep(obj, theta, d)
	}
	return startLineSearch(obj, theta, d, by)
}
