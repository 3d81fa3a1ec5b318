package pde

import (
	"fmt"
	"math"
	"slices"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Path is a way to a problem that is hard to solve from nothing, through others that differ from it in a number: a Reynolds number, a
// viscosity, a frequency, the end of time. See Along.
type Path struct {
	// Of is the problem of a value. All have the same coordinates, unknowns and coefficients; anything else may differ.
	Of func(value float64) *Problem
	// From is the value to begin with, To that of the problem.
	From, To float64
}

// Along is the problem of(to), which suggests to be solved by way of others: of(from) is trained first, and then one value after the other
// up to the last, each from where the one before ended.
//
//	cavity := pde.Along(pde.Cavity, 100, 1000)
func Along(of func(value float64) *Problem, from, to float64) *Problem {
	if of == nil {
		return refuse("Along", "of", "nil", "a function that gives the problem of a value")
	}
	end := of(to)
	if end == nil {
		return nil // which Check refuses
	}
	problem := *end
	problem.Suggested.Path = &Path{Of: of, From: from, To: to}
	return &problem
}

// Value is that at a place on the way, from 0 to 1, in equal ratios where both ends have one sign and differ by more than a factor of 2,
// else in equal differences.
func (p *Path) Value(place float64) float64 {
	switch ratio := p.To / p.From; {
	case place <= 0:
		return p.From
	case place >= 1:
		return p.To
	case ratio > 2 || ratio > 0 && ratio < 0.5:
		return p.From * math.Pow(ratio, place)
	}
	return p.From + place*(p.To-p.From)
}

// At is the problem of a value on the way to end, which is that of the last one: it suggests what end does, and no path. It returns an error
// for a problem that is incomplete, or has other coordinates, unknowns or coefficients than end.
func (p *Path) At(value float64, end *Problem) (*Problem, error) {
	if err := end.Check(); err != nil {
		return nil, err
	}
	if err := p.check(end.Name); err != nil {
		return nil, err
	}
	at := end
	if value != p.To {
		err := usercode.Call(fmt.Sprintf("Of, in the path of problem %q,", end.Name), func() error {
			if at = p.Of(value); at == nil {
				return fmt.Errorf("pde: it gives no problem for %v, expected one", value)
			}
			return nil
		})
		if err != nil {
			return nil, usercode.First(err)
		}
	}
	problem := *at
	problem.Suggested = end.Suggested
	problem.Suggested.Path = nil
	if err := problem.Check(); err != nil {
		return nil, fmt.Errorf("%w, for %v in the path of problem %q", err, value, end.Name)
	}
	for what, names := range map[string][2][]string{
		"coordinates":  {problem.Coordinates, end.Coordinates},
		"unknowns":     {problem.Unknowns, end.Unknowns},
		"coefficients": {coefficientNames(&problem), coefficientNames(end)},
	} {
		if !slices.Equal(names[0], names[1]) {
			return nil, fmt.Errorf("pde: the problem for %v in the path of problem %q has the %s %q, expected %q as the last has", value, end.Name, what, names[0], names[1])
		}
	}
	return &problem, nil
}

func coefficientNames(p *Problem) (names []string) {
	for _, c := range p.Coefficients {
		names = append(names, c.Name)
	}
	return names
}

// check reports a path that leads nowhere.
func (p *Path) check(problem string) error {
	switch {
	case p.Of == nil:
		return fmt.Errorf("pde: Suggested.Path of problem %q has no Of, expected a function that gives the problem of a value", problem)
	case !finite(p.From) || !finite(p.To) || p.From == p.To:
		return fmt.Errorf("pde: Suggested.Path of problem %q is from %v to %v, expected two finite numbers that differ", problem, p.From, p.To)
	}
	return nil
}
