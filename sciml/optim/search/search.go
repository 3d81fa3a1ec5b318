// Package search finds step lengths along a direction of descent, on the host, from a few numbers. It knows nothing of
// parameters or devices: a search sees φ(α) = f(θ + αp) and its slope.
//
// StrongWolfe suits quasi-Newton methods, HagerZhang losses that rounding spoils, Armijo steps with a length of their own
// such as Newton's, NonMonotone methods whose losses rise now and then, and Grid natural gradients.
package search

import "math"

// Search finds a step length along a direction of descent. It holds settings only and may be used for many runs.
//
// A Search may have more methods. Check() error reports settings that make no sense, when a method starts.
// Begin() MemorySearch returns what searches in one run, for one that looks at the losses of earlier iterates.
// FindMany is Find for one that wants many losses at once, as Grid does, and no slopes.
type Search interface {
	// Find looks for an α > 0 at which φ(α) = f(θ + αp) is acceptable, trying first before any other. start is φ at
	// zero, with a negative slope; try evaluates φ; resolution is the relative rounding error of φ.
	// It returns the trial to take, which must be one that try returned, and whether it is acceptable.
	Find(start Trial, first, resolution float64, try func(alpha float64) (Trial, error)) (Trial, bool, error)
}

// Trial is a point along a search direction: φ(α) and its slope φ′(α).
type Trial struct {
	Alpha, Loss, Slope float64
}

// Checker is a Search with settings that can make no sense. Check is called when a method starts.
type Checker interface {
	Check() error
}

// Remembering is a Search that looks at the losses of earlier iterates.
type Remembering interface {
	// Begin returns what searches in one run. It knows nothing yet.
	Begin() MemorySearch
}

// MemorySearch is a Search at work in one run, which knows the losses of its iterates.
type MemorySearch interface {
	Search
	// Reached tells of the loss at a new iterate, the first one included.
	Reached(loss float64)
	// Memory is all that the search knows, and SetMemory gives it back to a new one. Nil is the memory of the beginning,
	// to which it returns when the objective changes.
	Memory() []float64
	SetMemory([]float64)
}

// Many is a Search that looks at many losses at once and needs no slopes.
type Many interface {
	// FindMany is Find with losses that are computed by one call to the device; those that are not finite are +Inf.
	FindMany(start Trial, first float64, losses func(alphas []float64) ([]float64, error)) (alpha float64, accepted bool, err error)
}

// Begin checks the settings of a search and starts its memory if it has one.
func Begin(s Search) (Search, error) {
	if c, ok := s.(Checker); ok {
		if err := c.Check(); err != nil {
			return nil, err
		}
	}
	if r, ok := s.(Remembering); ok {
		return r.Begin(), nil
	}
	return s, nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
