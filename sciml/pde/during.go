package pde

import (
	"errors"
	"fmt"
	"slices"
)

// During is the problem in a part of its time, from one time to another: the domain is cut, data keep those of their points that lie
// in it, and conditions at the first time hold only where that is the first time of the whole. What begins later begins with what
// another solution is at that time, which no condition says (see pinn.Window). Everything else stays, the Ansatz and the solution to
// compare with among it.
//
// Time is the last coordinate, by which the domain must be a Box or a Cylinder. It returns an error where it is not, for times that
// are out of order or outside of the domain, and for what is not of a part of the time: Coefficients, a condition at the last time,
// sums over points of different times, and Normals at Points.
func (p *Problem) During(from, to float64) (*Problem, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	first, last, err := p.Times()
	if err != nil {
		return nil, err
	}
	if !(from < to && from >= first && to <= last) {
		return nil, fmt.Errorf("pde: the part of problem %q from %v to %v was asked for, expected times that grow, between %v and %v", p.Name, from, to, first, last)
	}
	if len(p.Coefficients) > 0 {
		return nil, fmt.Errorf("pde: problem %q has the coefficient %q, which is one for all times, expected none in a part of the time", p.Name, p.Coefficients[0].Name)
	}
	part := *p
	time := p.Coordinates[len(p.Coordinates)-1]
	switch domain := p.Domain.(type) {
	case *Box:
		lo, hi := slices.Clone(domain.Lo), slices.Clone(domain.Hi)
		lo[len(lo)-1], hi[len(hi)-1] = from, to
		part.Domain, time = rectangle(domain.names, lo, hi), domain.names[len(lo)-1]
	case *Cylinder:
		cut := *domain
		cut.T0, cut.T1 = from, to
		part.Domain, time = &cut, domain.time
	}
	exactly := slices.Clone(p.Exactly)
	part.Conditions = nil
	for _, c := range p.NamedConditions() {
		kept, err := c.during(time, from, to, from == first)
		if err != nil {
			return nil, fmt.Errorf("pde: condition %q of problem %q %w", c.Name, p.Name, err)
		}
		if kept != nil {
			part.Conditions = append(part.Conditions, *kept)
		} else if i := index(exactly, c.Name); i >= 0 {
			exactly = slices.Delete(exactly, i, i+1)
		}
	}
	if part.Exactly = exactly; p.Exactly != nil && exactly == nil {
		part.Exactly = []string{}
	}
	return &part, nil
}

// Times are the first and the last time of an evolution problem: the bounds of its last coordinate. It returns an error for one whose
// domain is neither a Box nor a Cylinder, or whose last coordinate is not called "t", unless that is the Cylinder's time.
func (p *Problem) Times() (first, last float64, err error) {
	if err := p.Check(); err != nil {
		return 0, 0, err
	}
	end := len(p.Coordinates) - 1
	switch domain := p.Domain.(type) {
	case *Box:
		if p.Coordinates[end] == "t" {
			return domain.Lo[end], domain.Hi[end], nil
		}
	case *Cylinder:
		return domain.T0, domain.T1, nil
	}
	return 0, 0, fmt.Errorf("pde: problem %q has the coordinates %q in a domain of type %T, expected an evolution problem: a Box or a Cylinder (see Over) with time, \"t\", as its last coordinate", p.Name, p.Coordinates, p.Domain)
}

// during is the condition in a part of the time; nil when it says nothing there.
func (c Condition) during(time string, from, to float64, begins bool) (*Condition, error) {
	if c.Sums != nil {
		return nil, errors.New("sums over points, which may be of different times, expected none in a part of the time")
	}
	if len(c.Points) > 0 {
		if c.Normals != nil {
			return nil, errors.New("has Normals at its Points, expected none in a part of the time")
		}
		var points, partners [][]float64
		var of []int
		for i, point := range c.Points {
			t := point[len(point)-1]
			if (t > from || begins && t >= from) && t <= to {
				points, of = append(points, point), append(of, i)
				if c.Partners != nil {
					partners = append(partners, c.Partners[i])
				}
			}
		}
		if points == nil {
			return nil, nil
		}
		c.Points, c.Partners = points, partners
		if values := c.Values; values != nil {
			c.Values = func(i int, point []float64) []float64 { return values(of[i], point) }
		}
		return &c, nil
	}
	on := slices.Clone(c.On)
	if len(on) == 0 || index(on, time+"+") >= 0 {
		return nil, fmt.Errorf("is on the patches %q of the boundary (none are all), with the last time among them, expected some that are not", on)
	}
	if i := index(on, time+"-"); i >= 0 && !begins {
		on = slices.Delete(on, i, i+1)
	}
	if len(on) == 0 {
		return nil, nil
	}
	c.On = on
	return &c, nil
}
