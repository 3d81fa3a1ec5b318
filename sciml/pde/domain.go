package pde

import (
	"errors"
	"fmt"
	"math"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Domain is a bounded region of R^d.
type Domain interface {
	// Dim is d.
	Dim() int
	// Bounds is a box that holds the region, the smallest where that is known.
	Bounds() (lo, hi []float64)
	// Contains reports whether a point is in the closed region, or beside it no further than by rounding: for the domains of
	// this package, by 1e-12 of its size, and 8 units in the last place of its coordinates.
	Contains(point []float64) bool
	// Boundary is the boundary in patches with different names, each with a parametrization that is uniform in measure.
	Boundary() []Patch
}

// Filled is a Domain that can be filled without trial and error. Samplers look for points of other domains within their
// bounds, of which a ball in many dimensions, for example, fills next to nothing.
type Filled interface {
	Domain
	// Fill maps a point of the unit cube [0,1]^d to a point of the region; equal volumes go to equal volumes.
	Fill(unit []float64) (point []float64)
}

// Filling is the Fill of a domain, or of a cylinder over one that has it; nil where there is none.
func Filling(domain Domain) func(unit []float64) (point []float64) {
	switch domain := domain.(type) {
	case Filled:
		return domain.Fill
	case *Cylinder:
		if fill := Filling(domain.Base); fill != nil {
			return func(unit []float64) []float64 {
				d := len(unit) - 1
				return append(fill(unit[:d]), domain.T0+unit[d]*(domain.T1-domain.T0))
			}
		}
	}
	return nil
}

// Patch is a piece of a boundary.
type Patch struct {
	Name string
	// Measure is its length, area, …; 1 for a point. Where Keep is set, it is that of the part that is kept.
	Measure float64
	// At maps a point of the unit cube [0,1]^(d−1) to a point of the patch and the outer unit normal there. Equal
	// volumes go to equal measures.
	At func(unit []float64) (point, normal []float64)
	// Keep tells for a result of At whether it belongs to the patch. Nil keeps all: constructive geometry sets it, where
	// only a part of a body's boundary is on the boundary of what is made from it.
	Keep func(point, normal []float64) bool
}

// kept is Keep where it is set.
func (p Patch) kept(point, normal []float64) bool { return p.Keep == nil || p.Keep(point, normal) }

// Measure is the length, area or volume of a domain: exact for boxes, disks, balls, ellipses, polygons, star-shaped domains and
// cylinders over them. That of other domains is measured along a thousand lines through their bounds, to about a thousandth. It is 0
// for what CheckDomain refuses.
func Measure(domain Domain) float64 {
	if CheckDomain(domain) != nil {
		return 0
	}
	if exact, ok := domain.(interface{ measure() float64 }); ok {
		return exact.measure()
	}
	lo, hi := domain.Bounds()
	bounds, point := 1.0, make([]float64, len(lo))
	for i := range lo {
		bounds *= hi[i] - lo[i]
	}
	return bounds * share(len(lo), func(unit []float64) bool {
		for i, u := range unit {
			point[i] = lo[i] + u*(hi[i]-lo[i])
		}
		return domain.Contains(point)
	})
}

// Of the lines along the last axis of a unit cube there are so many, with so many points each; the only line of an
// interval can have more.
const (
	shareLines  = 987 // a Fibonacci number: they lie evenly in two dimensions
	sharePoints = 64
	linePoints  = 4096
)

// share is the share of the d-dimensional unit cube where inside holds. Along lines in the last axis it is measured to
// rounding, by bisection wherever neighbouring points differ. The lines stand at points of a recurrence.
func share(d int, inside func(unit []float64) bool) float64 {
	unit := make([]float64, d)
	if d == 0 {
		if inside(unit) {
			return 1
		}
		return 0
	}
	lines, points := shareLines, sharePoints
	if d == 1 {
		lines, points = 1, linePoints
	}
	spread := recurrence(d)
	last := &unit[d-1]
	at := func(u float64) bool { *last = u; return inside(unit) }
	total := 0.0
	for line := range lines {
		spread(line, unit[:d-1])
		before := at(0)
		for k := range points {
			lo, hi := float64(k)/float64(points), float64(k+1)/float64(points)
			after := at(hi)
			switch {
			case before && after:
				total += hi - lo
			case before != after:
				a, b := lo, hi
				for range 40 {
					if middle := (a + b) / 2; at(middle) == before {
						a = middle
					} else {
						b = middle
					}
				}
				if before {
					total += a - lo
				} else {
					total += hi - b
				}
			}
			before = after
		}
	}
	return total / float64(lines)
}

// recurrence gives points of the unit cube of d−1 dimensions that are equally distributed: those of the additive recurrence of the powers of
// 1/φ, φ^d = φ + 1 (Weyl 1916).
func recurrence(d int) func(n int, unit []float64) {
	phi := 1.5
	for range 60 { // a fixed-point iteration that contracts by more than 2 for d > 1
		phi = math.Pow(1+phi, 1/float64(d))
	}
	return func(n int, unit []float64) {
		for i := range unit {
			_, unit[i] = math.Modf(0.5 + float64(n)*math.Pow(phi, -float64(i+1)))
		}
	}
}

// rounding is the distance, relative to a body's size, within which a point counts as on its boundary.
const rounding = 1e-12

// slack is that distance for an interval. What is far from the origin has coordinates that are rounded more.
func slack(lo, hi float64) float64 {
	const ulp = 0x1p-52
	return rounding*(hi-lo) + 8*ulp*max(math.Abs(lo), math.Abs(hi))
}

// slackOf is the largest slack of the sides of a box.
func slackOf(lo, hi []float64) float64 {
	most := 0.0
	for i := range lo {
		most = max(most, slack(lo[i], hi[i]))
	}
	return most
}

// between reports whether v is in an interval, up to rounding.
func between(v, lo, hi float64) bool { return v >= lo-slack(lo, hi) && v <= hi+slack(lo, hi) }

// finite reports whether all values are finite numbers.
func finite(values ...float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// CheckDomain reports what is wrong with a domain: nil, also within an interface, a literal of a type that has a constructor, or
// bounds that are none.
func CheckDomain(domain Domain) error {
	if usercode.Nil(domain) {
		return errors.New("pde: the domain is nil, expected one such as NewBox makes")
	}
	return usercode.Call(fmt.Sprintf("domain %T", domain), func() error {
		if own, ok := domain.(interface{ check() error }); ok {
			if err := own.check(); err != nil {
				return err
			}
		}
		d := domain.Dim()
		lo, hi := domain.Bounds()
		if d < 1 || len(lo) != d || len(hi) != d {
			return fmt.Errorf("pde: the domain %T has %d dimensions and the bounds %v to %v, expected at least one, and as many lower and upper bounds", domain, d, lo, hi)
		}
		for i := range lo {
			if !(lo[i] < hi[i]) || !finite(hi[i]-lo[i]) {
				return fmt.Errorf("pde: the bounds of the domain %T along axis %d are %v to %v, expected a finite interval of positive length", domain, i, lo[i], hi[i])
			}
		}
		return nil
	})
}

// checkBodies reports what is wrong with the two bodies of a construction.
func checkBodies(construction string, a, b Domain) error {
	if usercode.Nil(a) || usercode.Nil(b) {
		return errors.New("pde." + construction + ": a domain is nil, expected two domains")
	}
	for _, body := range []Domain{a, b} {
		if err := CheckDomain(body); err != nil {
			return fmt.Errorf("%w, in pde.%s", err, construction)
		}
	}
	if a.Dim() != b.Dim() {
		return fmt.Errorf("pde.%s: the domains have %d and %d dimensions, expected as many", construction, a.Dim(), b.Dim())
	}
	return nil
}
