package sciml

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gosciml/gosciml/sciml/pde"
)

// slice is a line or plane through a domain, along one or two coordinates.
type slice struct {
	problem *pde.Problem
	lo, hi  []float64
	through []float64 // the values of the other coordinates
	axes    []int     // one or two, which the slice lies along
	where   string    // says in words where the others are; empty where there are none
}

// sliceAt fixes coordinates by their names. The slice lies along the only other one, or along the first and the last of several,
// with those between in the middle of the domain.
func sliceAt(problem *pde.Problem, at map[string]float64) (*slice, error) {
	s := &slice{problem: problem}
	s.lo, s.hi = problem.Domain.Bounds()
	for name := range at {
		if !slices.Contains(problem.Coordinates, name) {
			return nil, fmt.Errorf("sciml: problem %q has no coordinate %q, expected some of %q", problem.Name, name, problem.Coordinates)
		}
	}
	var fixed []string
	var free []int
	for i, name := range problem.Coordinates {
		value, given := at[name]
		if !given {
			free = append(free, i)
			s.through = append(s.through, (s.lo[i]+s.hi[i])/2)
			continue
		}
		if slack := 1e-9 * (s.hi[i] - s.lo[i]); !(value >= s.lo[i]-slack && value <= s.hi[i]+slack) {
			return nil, fmt.Errorf("sciml: a slice at %s = %v was asked for, expected %s between %v and %v", name, value, name, s.lo[i], s.hi[i])
		}
		s.through = append(s.through, min(max(value, s.lo[i]), s.hi[i]))
		fixed = append(fixed, fmt.Sprintf("%s = %.3g", name, value))
	}
	switch len(free) {
	case 0:
		return nil, fmt.Errorf("sciml: a slice was asked for where all coordinates %q are fixed, expected at least one that is not", problem.Coordinates)
	case 1:
		s.axes = free
	default:
		s.axes = []int{free[0], free[len(free)-1]}
	}
	between := free[1:max(1, len(free)-1)]
	if len(between) == 1 {
		fixed = append(fixed, fmt.Sprintf("%s = %.3g", problem.Coordinates[between[0]], s.through[between[0]]))
	}
	if len(fixed) > 0 {
		s.where = "at " + strings.Join(fixed, ", ")
	}
	if len(between) > 1 {
		if s.where != "" {
			s.where += ", "
		}
		s.where += "with " + span(problem.Coordinates, between) + " in the middle"
	}
	return s, nil
}

// span names coordinates: "x2 to x4" where they follow each other.
func span(names []string, axes []int) string {
	first, last := axes[0], axes[len(axes)-1]
	if last-first == len(axes)-1 {
		return names[first] + " to " + names[last]
	}
	var all []string
	for _, i := range axes {
		all = append(all, names[i])
	}
	return strings.Join(all, ", ")
}

// label is that of the first axis, which says where the slice is.
func (s *slice) label() string {
	name := s.problem.Coordinates[s.axes[0]]
	if s.where == "" {
		return name
	}
	return name + ", " + s.where
}

// point is the one at values of the coordinates along the slice, or nil where that is not in the domain.
func (s *slice) point(values ...float64) []float64 {
	p := slices.Clone(s.through)
	for k, i := range s.axes {
		p[i] = math.Min(values[k], s.hi[i]) // the last node may miss the end of an interval by rounding
	}
	if !s.problem.Domain.Contains(p) {
		return nil
	}
	return p
}

// misses is the error of a slice without any point.
func (s *slice) misses() error {
	return fmt.Errorf("sciml: no node of the slice %s is in the domain of %q", s.where, s.problem.Name)
}
