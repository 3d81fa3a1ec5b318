package pde

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Cylinder is a base times an interval of time, for problems that depend on time; see Over.
type Cylinder struct {
	Base   Domain
	T0, T1 float64
	time   string
	area   float64 // of the base
}

// Over is the domain of all points of base at all times from t0 to t1; time is the last coordinate. The patches of the
// base keep their names and have no normal in time; "t-" and "t+", where t is the name of time, are the base at the
// first and the last time, with the normals −1 and +1 in time. It returns an error when base is nil, the interval is
// not of positive and finite length, or the base has a patch of such a name.
func Over(base Domain, time string, t0, t1 float64) (*Cylinder, error) {
	if usercode.Nil(base) {
		return nil, errors.New("pde.Over: the base is nil, expected a domain")
	}
	if err := CheckDomain(base); err != nil {
		return nil, fmt.Errorf("%w, as the base of pde.Over", err)
	}
	if time == "" {
		return nil, errors.New("pde.Over: the name of time is empty, expected one such as t")
	}
	if !(t1 > t0) || math.IsInf(t1-t0, 0) {
		return nil, fmt.Errorf("pde.Over: %s goes from %v to %v, expected a finite interval of positive length", time, t0, t1)
	}
	c := &Cylinder{Base: base, T0: t0, T1: t1, time: time}
	err := usercode.Call("domain", func() error {
		for _, p := range base.Boundary() {
			if p.Name == time+"-" || p.Name == time+"+" {
				return fmt.Errorf("pde.Over: the base has a patch %q already, expected another name of time than %q", p.Name, time)
			}
		}
		c.area = Measure(base)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// check reports a literal that lacks something.
func (c *Cylinder) check() error {
	if usercode.Nil(c.Base) || c.area <= 0 || !(c.T1 > c.T0) || math.IsInf(c.T1-c.T0, 0) {
		return fmt.Errorf("pde: the cylinder over a base of type %T from %s = %v to %v was not made by Over", c.Base, c.time, c.T0, c.T1)
	}
	return CheckDomain(c.Base)
}

// Dim implements Domain.
func (c *Cylinder) Dim() int {
	if usercode.Nil(c.Base) {
		return 0
	}
	return c.Base.Dim() + 1
}

// Bounds implements Domain.
func (c *Cylinder) Bounds() (lo, hi []float64) {
	if usercode.Nil(c.Base) {
		return nil, nil
	}
	lo, hi = c.Base.Bounds()
	return append(slices.Clone(lo), c.T0), append(slices.Clone(hi), c.T1)
}

// Contains implements Domain.
func (c *Cylinder) Contains(point []float64) bool {
	d := c.Dim() - 1
	return d >= 0 && len(point) == d+1 && between(point[d], c.T0, c.T1) && c.Base.Contains(point[:d])
}

func (c *Cylinder) measure() float64 { return c.area * (c.T1 - c.T0) }

// Boundary implements Domain: the patches of the base over time, then the first and the last time.
func (c *Cylinder) Boundary() []Patch {
	if c.check() != nil {
		return nil
	}
	d := c.Base.Dim()
	var patches []Patch
	for _, p := range c.Base.Boundary() {
		side := Patch{
			Name:    p.Name,
			Measure: p.Measure * (c.T1 - c.T0),
			At: func(unit []float64) (point, normal []float64) {
				point, normal = p.At(unit[:d-1])
				return append(point, c.T0+unit[d-1]*(c.T1-c.T0)), append(normal, 0)
			},
		}
		if p.Keep != nil {
			side.Keep = func(point, normal []float64) bool { return p.Keep(point[:d], normal[:d]) }
		}
		patches = append(patches, side)
	}
	lo, hi := c.Base.Bounds()
	_, box := c.Base.(*Box)
	fill := Filling(c.Base)
	for _, end := range []struct {
		suffix     string
		at, normal float64
	}{{"-", c.T0, -1}, {"+", c.T1, 1}} {
		cut := Patch{
			Name:    c.time + end.suffix,
			Measure: c.area,
			At: func(unit []float64) (point, normal []float64) {
				point, normal = make([]float64, d+1), make([]float64, d+1)
				if fill != nil {
					copy(point, fill(unit))
				} else {
					for i := range lo {
						point[i] = lo[i] + unit[i]*(hi[i]-lo[i])
					}
				}
				point[d], normal[d] = end.at, end.normal
				return point, normal
			},
		}
		if !box && fill == nil {
			cut.Keep = func(point, _ []float64) bool { return c.Base.Contains(point[:d]) }
		}
		patches = append(patches, cut)
	}
	return patches
}
